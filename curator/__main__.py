"""`python -m curator`, which torchrun calls."""

from curator.cli import main

main()
