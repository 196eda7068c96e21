"""A dataset: an immutable folder that one run of a recipe leaves. Drafted in memory, published at once or never."""

import contextlib
import hashlib
import json
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from curator import __version__
from curator.card import card
from curator.chat import messages
from curator.errors import StorageError, UsageError
from curator.example import ADDED, SCHEMA, SPLITS, TEXTS
from curator.files import write_jsonl, write_whole
from curator.pack import Pack
from curator.recipe import Recipe, Step
from curator.stage import DECISIONS, Outcome

FORMAT = 1
LATEST = "LATEST"
CHECKED = ".checked"  # beside the datasets: what large files looked like when their hash was right
LARGE = 2**22  # bytes: what is smaller is hashed in a few milliseconds
MOMENT = 2_000_000_000  # nanoseconds: a change within one tick of a file system's clock shows in no time
GROUP = 8192  # rows that lie together in a table: one answer is found by reading one group
NAMED = ("id", "scenario", "group", "stakeholder", "verdict", "domain", "weight")  # of a line of a training file
TOLD = (*NAMED, "situation", "context", "severity", "analysis")


@dataclass
class Draft:
    """A dataset in the making: nothing of it can be seen before `publish`."""

    recipe: Recipe
    given: pl.DataFrame
    steps: list[dict[str, Any]] = field(default_factory=list)
    decisions: list[pl.DataFrame] = field(default_factory=list)
    tables: dict[str, pl.DataFrame] = field(default_factory=dict)
    gone: list[pl.DataFrame] = field(default_factory=list)

    def record(self, step: Step, rows: pl.DataFrame, outcome: Outcome) -> None:
        """Write down what one step decided and measured."""
        told = outcome.decisions.with_columns(pl.lit(step.name).alias("step")).sort("id", "action", "reason")
        self.decisions.append(told)
        columns = [name for name in (SCHEMA | ADDED) if name in rows.columns]
        self.gone.append(rows.select(columns).join(outcome.dropped.select("id"), on="id", how="semi"))
        words = [pl.lit(None, pl.String()).alias(name) for name in (*TEXTS, "extra")]
        if step.name == "redact":  # what went before was never redacted: its words stay in the store
            self.gone = [frame.with_columns(words) for frame in self.gone[:-1]] + self.gone[-1:]
        if step.name == "consent":  # nobody agreed to these words being here
            self.gone[-1] = self.gone[-1].with_columns(words)
        reasons = told.group_by("action", "reason").len().sort("action", "reason")
        self.steps.append(
            {
                "step": step.name,
                "given": rows.height,
                "kept": outcome.rows.height,
                "dropped": outcome.dropped.height,
                "decisions": [{"action": a, "reason": r, "rows": n} for a, r, n in reasons.iter_rows()],
                "measures": outcome.measures,
            }
        )
        self.tables |= outcome.tables

    def publish(self, out: Path, rows: pl.DataFrame, pack: Pack, key_mark: str) -> "Dataset":
        """Write the folder beside its final place and rename it there. An equal dataset that exists is returned.

        `out` is the folder of all datasets. StorageError when the disk fails; then nothing is left behind.
        """
        try:
            out.mkdir(parents=True, exist_ok=True)
            draft = Path(tempfile.mkdtemp(dir=out, prefix=".draft-"))
        except OSError as fault:
            raise StorageError(f"{out.name} cannot be written: {fault}. No dataset was made.") from None
        try:
            manifest = self._write(draft, rows, pack, key_mark)
            for old in sorted(out.glob("v*/manifest.json")):
                if _same(Dataset(old.parent), manifest["dataset"]):
                    return _point(out, old.parent)
            number = max([int(p.name[1:]) for p in out.glob("v*") if p.name[1:].isdecimal()], default=0) + 1
            draft.chmod(0o755)
            return _point(out, out / f"v{number}", draft)
        except (OSError, pl.exceptions.PolarsError) as fault:
            raise StorageError(f"The dataset could not be written: {fault}. Nothing of it was kept.") from None
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def _write(self, folder: Path, rows: pl.DataFrame, pack: Pack, key_mark: str) -> dict[str, Any]:
        columns = [name for name in (SCHEMA | ADDED) if name in rows.columns]
        kept = rows.select(columns).with_columns(_declared(rows["extra"], pack)).sort("id")
        kept.write_parquet(folder / "examples.parquet", row_group_size=GROUP)
        gone = pl.concat(self.gone, how="diagonal").sort("id")
        gone.with_columns(_declared(gone["extra"], pack)).write_parquet(
            folder / "dropped.parquet", row_group_size=GROUP
        )
        decisions = pl.concat([pl.DataFrame(schema=DECISIONS), *self.decisions]).sort("id", maintain_order=True)
        decisions.write_parquet(folder / "decisions.parquet", row_group_size=GROUP)
        for name, table in sorted(self.tables.items()):
            table.write_parquet(folder / f"table_{name}.parquet")
        for split in SPLITS:
            part = kept.filter(pl.col("split") == split) if "split" in kept.columns else kept.head(0)
            part = part.select(name for name in TOLD if name in part.columns)
            write_jsonl(folder / f"{split}.jsonl", (chat_row(pack, row) for row in part.iter_rows(named=True)))
        manifest: dict[str, Any] = {
            "format": FORMAT,
            "curator": __version__,
            "versions": {"polars": pl.__version__, "numpy": np.__version__},
            "input": {"rows": self.given.height, "sha256": seal_rows(self.given)},
            "key": key_mark,
            "pack": pack.model_dump(),
            "recipe": self.recipe.resolved(),
            "steps": self.steps,
            "rows": kept.height,
            "splits": {s: int((kept["split"] == s).sum()) if "split" in kept.columns else 0 for s in SPLITS},
        }
        (folder / "README.md").write_text(card(manifest, kept, self.tables), "utf-8")
        manifest["files"] = {
            file.name: {"sha256": _seal(file), "bytes": file.stat().st_size} for file in sorted(folder.iterdir())
        }
        manifest["dataset"] = hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()
        (folder / "manifest.json").write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n", "utf-8")
        return manifest


def chat_row(pack: Pack, row: dict[str, Any]) -> dict[str, Any]:
    """Return one line of a training file: who judged what, how much it weighs, and the chat."""
    return {**{name: row.get(name) for name in NAMED}, "messages": messages(pack, row)}


@dataclass(frozen=True)
class Dataset:
    """A published dataset. Each file is checked against the manifest before it is read."""

    folder: Path

    @classmethod
    def find(cls, datasets: Path, name: str | None = None) -> "Dataset":
        """Return the dataset of that name, or the one made last; UsageError where there is none."""
        if name is None:
            pointer = datasets / LATEST
            if not pointer.exists():
                raise UsageError("There is no dataset yet. Make one with: curator curate")
            name = pointer.read_text("utf-8").strip()
        if not (datasets / name / "manifest.json").is_file():
            made = ", ".join(sorted(p.parent.name for p in datasets.glob("v*/manifest.json"))) or "none"
            raise UsageError(f"There is no dataset {name!r}. There are: {made}.")
        return cls(datasets / name)

    @property
    def name(self) -> str:
        """The name of the folder, such as v1."""
        return self.folder.name

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What the dataset is made of; StorageError if it was changed."""
        try:
            said: dict[str, Any] = json.loads((self.folder / "manifest.json").read_text("utf-8"))
            seal = said.pop("dataset")
        except (OSError, ValueError, KeyError) as fault:
            raise StorageError(
                f"{self.name}/manifest.json cannot be read: {fault}. Make it again: curator curate"
            ) from None
        if hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest() != seal:
            raise StorageError(
                f"{self.name}/manifest.json was changed after it was made. Make it again: curator curate"
            )
        return {**said, "dataset": seal}

    @cached_property
    def pack(self) -> Pack:
        """The pack as it was when the dataset was made."""
        return Pack(**self.manifest["pack"])

    def file(self, name: str) -> Path:
        """Return the path of one file after checking its SHA-256; StorageError if it differs or is gone.

        A large file whose hash was right is not read again as long as its size, times and inode are the same.
        """
        return self._checked(name, _right)

    def _checked(self, name: str, right: Callable[[Path, str], bool]) -> Path:
        path = self.folder / name
        known = self.manifest["files"].get(name)
        if known is None:
            raise UsageError(f"The dataset {self.name} has no {name}.")
        if not path.is_file() or not right(path, known["sha256"]):
            raise StorageError(f"{self.name}/{name} is missing or damaged. Delete {self.name} and run: curator curate")
        return path

    def frame(self, name: str) -> pl.DataFrame:
        """Return a table: examples, dropped, decisions, or one that a step left (`table_map` …)."""
        return pl.read_parquet(self.file(f"{name}.parquet"))

    def verify(self) -> None:
        """Read and check every file; StorageError names the first that is not as it was made."""
        for name in self.manifest["files"]:
            self._checked(name, lambda path, seal: _seal(path) == seal)


def _same(old: Dataset, seal: str) -> bool:
    """Tell whether a dataset is the one with this seal, and whole: a damaged one is made again beside it."""
    try:
        if old.manifest["dataset"] != seal:
            return False
        old.verify()
    except StorageError:
        return False
    return True


def _point(out: Path, folder: Path, draft: Path | None = None) -> Dataset:
    """Make `folder` the latest, first of `draft` if there is one. What needs space on the disk comes first."""
    fresh = out / f".{LATEST}"
    fresh.write_text(folder.name + "\n", "utf-8")
    if draft is not None:
        draft.rename(folder)
    fresh.rename(out / LATEST)
    return Dataset(folder)


def _declared(extra: pl.Series, pack: Pack) -> pl.Series:
    """Keep of `extra` only what the pack asks for: the rest was never looked at by `redact`."""
    known = set(pack.fields)

    def only(text: str) -> str | None:
        told = {name: value for name, value in json.loads(text).items() if name in known}
        return json.dumps(told, ensure_ascii=False, sort_keys=True) if told else None

    return pl.Series("extra", [only(text) if text else None for text in extra], pl.String())


def _seal(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _right(path: Path, seal: str) -> bool:
    """Tell whether a file has this SHA-256, from a note where it was seen before and nothing moved since."""
    now = path.stat()
    if now.st_size < LARGE:
        return _seal(path) == seal
    mark = f"{seal} {now.st_size} {now.st_mtime_ns} {now.st_ctime_ns} {now.st_ino}\n".encode()
    note = path.parent.parent / CHECKED / f"{path.parent.name}-{path.name}"
    if note.is_file() and note.read_bytes() == mark:
        return True
    settled = time.time_ns() - now.st_ctime_ns > MOMENT
    if _seal(path) != seal:
        return False
    if settled:
        with contextlib.suppress(StorageError):  # datasets that cannot be written to are hashed each time
            write_whole(note, mark)
    return True


def seal_rows(rows: pl.DataFrame) -> str:
    """Return the SHA-256 of rows, whatever their order: what the manifest keeps of the input."""
    whole = hashlib.sha256()
    for part in rows.sort("id").iter_slices(50_000):
        whole.update(part.write_ndjson().encode())
    return whole.hexdigest()
