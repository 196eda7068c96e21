"""`python -m curator`, which `accelerate launch -m curator train` calls."""

from curator.cli import main

main()
