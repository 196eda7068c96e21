"""How long each stage takes, how much memory a run needs, and how soon `curator why` answers.

Embeddings are given: they lie in the cache, where `embed` finds them. Each run has a process of its own, so that its
peak of memory is its own. CURATOR_ROWS="10000 100000" names the sizes (a million needs about 8 GiB and half an hour),
CURATOR_LEDGER=1000000 how many answers the ledger holds that is asked for single ones.
"""

import importlib
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks import _answers
from curator.begin import begin
from curator.embedding import remember
from curator.engines import Local
from curator.look import life
from curator.pack import find_pack, load_pack
from curator.pipeline import curate
from curator.recipe import Recipe, Step, load_recipe, parse_recipe
from curator.stage import Given, Outcome
from curator.workspace import Workspace

RECIPE = Path(str(importlib.import_module("curator").__file__)).parent / "recipe.toml"
EMBEDDER = "all-minilm-l6-v2"
LEDGER = "[[step]]\nuse = 'normalise'\n[[step]]\nuse = 'validate'\n[[step]]\nuse = 'exact_duplicates'\n"
AT_ONCE = 50_000


class Timed(Local):
    """Runs each step here and keeps how long it took."""

    def __init__(self) -> None:
        self.took: dict[str, float] = {}

    def apply(self, step: Step, rows: pl.DataFrame, given: Given) -> Outcome:
        """Return what the step makes of the rows."""
        start = time.perf_counter()
        outcome = super().apply(step, rows, given)
        self.took[step.name] = time.perf_counter() - start
        return outcome


def known(folder: Path) -> Given:
    """Return what the workspace of the benchmark hands to a stage."""
    pack = load_pack(find_pack("workplace", []))
    return Given(key=b"k" * 32, people=_answers.people(), cache=folder, embedder=EMBEDDER, pack=pack)


def recipe() -> Recipe:
    """Return the standard recipe, without names that a model looks for."""
    steps = load_recipe(RECIPE).steps
    off = {"redact": {"names": "off"}}
    return Recipe(tuple(Step(step.name, step.stage, step.settings | off.get(step.name, {})) for step in steps))


def make(folder: Path, count: int) -> None:
    """Write `count` answers, and the vectors of what `embed` will see of them into the cache."""
    rows, told = _answers.answers(count)
    rows.write_parquet(folder / "rows.parquet")
    given, rows = known(folder), rows.with_row_index("_at").sort("id")
    for step in recipe().steps:
        if step.name == "embed":
            break
        rows = Local().apply(step, rows, given).rows
    for part in ("situation", "context", "analysis"):
        once = rows.select(pl.col(part).fill_null(""), "_at").unique(part, keep="first", maintain_order=True)
        for some in once.iter_slices(AT_ONCE):
            vectors = _answers.vectors(told, part, some["_at"].to_numpy())
            remember(some[part].to_list(), vectors, EMBEDDER, folder)
    remember([""], _answers.vectors(told, "context", np.zeros(1, np.int64)), EMBEDDER, folder)


def run(folder: Path) -> dict[str, float]:
    """Curate what `make` wrote; return the seconds of each step, of everything, and the peak of memory in GiB."""
    rows, engine = pl.read_parquet(folder / "rows.parquet"), Timed()
    steps, given = recipe(), known(folder)
    start = time.perf_counter()
    dataset = curate(rows, steps, folder / "datasets", given, engine)
    whole = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    rest = whole - sum(engine.took.values())
    kept = dataset.manifest["rows"]
    return {**engine.took, "checks, ledger, files": rest, "all": whole, "peak": peak, "kept": kept}


def apart(*words: str) -> dict[str, float]:
    """Run this module in a process of its own and return what it says."""
    said = subprocess.run([sys.executable, "-m", "benchmarks.pipeline", *words], capture_output=True, text=True)
    if said.returncode:
        sys.exit(said.stderr)
    told: dict[str, float] = json.loads(said.stdout.splitlines()[-1])
    return told


def ask(count: int, asked: int = 25) -> dict[str, float]:
    """Return how long `why` takes for single answers of a ledger of `count`, in milliseconds, the first one apart."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["XDG_CONFIG_HOME"] = str(folder / "keys")
        begin(folder / "team", "workplace")
        workspace = Workspace.find(folder / "team")
        rows, _ = _answers.answers(count)
        with workspace.store() as store, store.write() as db:
            db.executemany(
                "INSERT INTO revisions VALUES (?, 1, 'made up', ?, '', '', ?, '')",
                (
                    (row["id"], row["id"], json.dumps(row | {"created_at": 0, "updated_at": 0}))
                    for row in rows.iter_rows(named=True)
                ),
            )
        dataset = curate(rows, parse_recipe(LEDGER), workspace.datasets, known(folder))
        told = dataset.frame("decisions")["id"].unique().sort()
        ids = [*told.gather_every(max(1, len(told) // asked)), *rows["id"].gather_every(max(1, count // asked))]
        took = [_took(workspace, id) for id in ids]
        prefix = [_took(workspace, id[:12]) for id in ids]
        return {
            "decisions": dataset.frame("decisions").height,
            "first": took[0],
            "median": statistics.median(took[1:]),
            "worst": max(took[1:]),
            "prefix": statistics.median(prefix),
        }


def _took(workspace: Workspace, id: str) -> float:
    start = time.perf_counter()
    life(workspace, id)
    return 1000 * (time.perf_counter() - start)


def main() -> None:
    """Print a table of stages, and one of `why`."""
    sizes = [int(size) for size in os.environ.get("CURATOR_ROWS", "10000 100000").split()]
    found = {}
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            apart("make", folder, str(size))
            found[size] = [apart("run", folder) for _ in range(3 if size <= 10_000 else 1)]
    print("Seconds by the clock; the median of three runs at 10,000 rows.\n")
    print(f"| rows | {' | '.join(f'{size:,}' for size in sizes)} |\n|---|{'--:|' * len(sizes)}")
    for name in found[sizes[0]][0]:
        values = [statistics.median(one[name] for one in found[size]) for size in sizes]
        label = {"all": "**all**", "peak": "peak of memory, GiB"}.get(name, name)
        print(f"| {label} | {' | '.join(f'{value:,.2f}' if name != 'kept' else f'{value:,}' for value in values)} |")
    count = int(os.environ.get("CURATOR_LEDGER", "1000000"))
    if count:
        told = apart("ask", str(count))
        print(f"\n`why` over {count:,} answers and {told['decisions']:,} decisions, in milliseconds:")
        print(f"the first time {told['first']:.0f}, then {told['median']:.0f} (worst {told['worst']:.0f}); ", end="")
        print(f"by the first 12 digits {told['prefix']:.0f}.")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["make", folder, size]:
            make(Path(folder), int(size))
            print("{}")
        case ["run", folder]:
            shutil.rmtree(Path(folder) / "datasets", ignore_errors=True)
            print(json.dumps(run(Path(folder))))
        case ["ask", size]:
            print(json.dumps(ask(int(size))))
        case _:
            main()
