"""`python -m benchmarks [NAME ...]` runs what is named, or all, and prints a Markdown table for each."""

import importlib
import sys
from pathlib import Path

known = sorted(file.stem for file in Path(__file__).parent.glob("[a-z]*.py"))
for name in sys.argv[1:] or known:
    if name not in known:
        sys.exit(f"There is no benchmark {name!r}. There are: {', '.join(known)}.")
    print(f"\n## {name}\n", flush=True)
    importlib.import_module(f"benchmarks.{name}").main()
