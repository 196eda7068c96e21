"""Writing a dataset in one of these forms: which there are, what each has no place for, and what stands beside it."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from curator.dataset import Dataset
from curator.errors import StorageError, UsageError, nearest
from curator.example import SPLITS
from curator.files import write_jsonl
from curator.formats.answered import ANSWERS, answered
from curator.formats.filechecks import clashes
from curator.formats.folder import readme, write_parquet
from curator.formats.paired import no_pairs, paired
from curator.formats.record import File, names_of, place, read_record, remove, stale, write_record
from curator.formats.shapes import LLAMA_FACTORY, SHAPES
from curator.formats.spreadsheet import flat, write_csv
from curator.formats.studio_tasks import studio_tasks

Row = dict[str, Any]


@dataclass(frozen=True)
class Written:
    """One split as it was written: no file where it has no rows. `left` says which answers are not in it, and why."""

    split: str
    path: Path | None
    rows: int
    left: str = ""


@dataclass(frozen=True)
class Exported:
    """The splits as they were written, the names of older exports' files that went, and what a reader should know."""

    parts: list[Written]
    removed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __iter__(self) -> Iterator[Written]:
        """Go through the splits."""
        return iter(self.parts)


@dataclass(frozen=True)
class Made:
    """The rows of one split as they are to be written, what each weighs, and how many answers it rests on."""

    split: str
    rows: list[Row]
    left: str = ""
    weights: list[float | None] = field(default_factory=list)
    voices: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Format:
    """What a format is for, and which of `ANSWERS` it can carry."""

    does: str
    answers: tuple[str, ...] = ("each", "together")


FORMATS = {
    "openai": Format("OpenAI's chat lines", tuple(ANSWERS)),
    "chat": Format("curator's own chat lines, with ids and weights", tuple(ANSWERS)),
    "trl": Format("TRL, conversational"),
    "prompt-completion": Format("TRL, the answer apart from its prompt"),
    "preference": Format("TRL's DPO: prompt, chosen, rejected", ("each",)),
    "kto": Format("TRL's KTO: prompt, completion, label", ("each",)),
    "sharegpt": Format("ShareGPT, for LLaMA-Factory and Axolotl"),
    "alpaca": Format("Alpaca: instruction, input, output"),
    "datasets": Format("a folder for Hugging Face datasets: Parquet and a card", tuple(ANSWERS)),
    "csv": Format("a spreadsheet", tuple(ANSWERS)),
    "label-studio": Format("Label Studio tasks, the answers as predictions", ("each",)),
}
WEIGHED = ("chat", "datasets", "csv")  # formats whose rows have a weight


def export(dataset: Dataset, form: str, splits: list[str], out: Path, answers: str = "each") -> Exported:
    """Write each split in one of `FORMATS` and one of the ways of `ANSWERS` into the folder `out`.

    What an older export left there and does not go with this one is removed; what curator did not write is never
    touched. UsageError for words that are not known, for a format that cannot carry these answers, where nothing would
    be written, and where a file of somebody else's has the name; StorageError when the disk fails.
    """
    _check(form, splits, answers)
    made = [_made(dataset, split, form, answers) for split in dict.fromkeys(splits or SPLITS)]
    if not any(one.rows for one in made):
        if form in ("preference", "kto"):
            raise no_pairs(dataset, form)
        raise UsageError(
            f"The dataset {dataset.name} has no rows in {', '.join(splits or SPLITS)}. Nothing was written; a recipe"
            " without the step 'split' leaves all of them empty."
        )
    before = read_record(out, form)
    old = stale(before, dataset, form, answers)
    files = {name: told for name, told in before.files.items() if name not in old}
    files |= {place(one.split, form): _file(one, form, answers) for one in made if one.rows}
    files |= dict.fromkeys(names_of(form)[len(SPLITS) :], File(format=form, answers=answers))
    notes = _notes(form, made)
    try:
        out.mkdir(parents=True, exist_ok=True)
        removed = remove(out, [name for name in old if name not in files])
        write_record(out, dataset, files, notes)
        parts = [Written(one.split, _write(out, one.split, form, one.rows), len(one.rows), one.left) for one in made]
        held = {split: files[name].rows for split in SPLITS if (name := place(split, form)) in files}
        _beside(dataset, form, out, answers, held)
    except OSError as fault:
        raise StorageError(f"{out.name} could not be written: {fault}. The dataset is as it was.") from None
    return Exported(parts, removed, notes)


def _check(form: str, splits: list[str], answers: str) -> None:
    known: list[tuple[str, str, Any]] = [("format", form, FORMATS), ("kind of answers", answers, ANSWERS)]
    for what, word, words in [*known, *(("split", split, SPLITS) for split in splits)]:
        if word not in words:
            raise UsageError(f"There is no {what} {word!r}. {nearest(word, list(words))}")
    if answers not in FORMATS[form].answers:
        can = [name for name, one in FORMATS.items() if answers in one.answers]
        why = {
            "distribution": "has no place for shares of verdicts",
            "together": "holds single answers, not all perspectives in one",
        }[answers]
        raise UsageError(
            f"The format {form!r} {why}. Nothing was written; for --answers {answers} use {', '.join(can)}."
        )


def _made(dataset: Dataset, split: str, form: str, answers: str) -> Made:
    if form in ("preference", "kto"):
        found = paired(dataset, split, form)
        left = f"{found.left} answer{' gives' if found.left == 1 else 's give'} no pair" if found.left else ""
        return Made(split, found.rows, left, found.weights)
    if form == "label-studio":
        rows, told = studio_tasks(dataset, split)
        return Made(split, rows, f"{told} answer{'' if told == 1 else 's'} as predictions")
    rows = answered(dataset, split, answers)
    shape: Callable[[Row], Row] = flat if form == "csv" else SHAPES.get(form, SHAPES["chat"])
    weights = [row["weight"] for row in rows]
    voices = [row["answers" if "answers" in row else "voices"] for row in rows]
    return Made(split, [shape(row) for row in rows], weights=weights, voices=voices)


def _file(one: Made, form: str, answers: str) -> File:
    counts = dict(sorted(Counter(one.voices).items())) or None
    return File(format=form, answers=answers, split=one.split, rows=len(one.rows), rows_by_answers=counts)


def _notes(form: str, made: list[Made]) -> list[str]:
    """Return what is lost in this format, and what its rows say against one another."""
    return [*_weights(form, made), *(note for one in made if (note := _clashing(form, one)))]


def _clashing(form: str, one: Made) -> str:
    kinds = Counter(kind for _, kind, _ in clashes(form, one.rows))
    told = {"repeated_row": "repeats of another", "opposite_rows": "the opposite of another on the same prompt"}
    said = " and ".join(f"{kinds[kind]} {words}" for kind, words in told.items() if kinds[kind])
    return said and f"Among the {len(one.rows)} rows of {one.split}: {said}. A trainer learns all of them."


def _weights(form: str, made: list[Made]) -> list[str]:
    weights = Counter(1.0 if weight is None else weight for one in made for weight in one.weights)
    if form in WEIGHED or len(weights) < 2:
        return []
    own = " (a message's own `weight` is 0 or 1 for OpenAI)" if form == "openai" else ""
    return [
        f"The format {form!r} has no place for weights{own}: a trainer will take all {weights.total()} rows alike,"
        f" which in the dataset weigh from {min(weights):.3g} to {max(weights):.3g}. With weights: --format"
        f" {', '.join(WEIGHED)}."
    ]


def _write(out: Path, split: str, form: str, rows: list[Row]) -> Path | None:
    if not rows:
        return None
    path = out / place(split, form)
    if form == "datasets":
        write_parquet(path, rows)
    elif form == "csv":
        write_csv(path, rows)
    elif form == "label-studio":
        path.write_text(json.dumps(rows, ensure_ascii=False, indent=1, allow_nan=False) + "\n", "utf-8")
    else:
        write_jsonl(path, rows)
    return path


def _beside(dataset: Dataset, form: str, out: Path, answers: str, held: dict[str, int]) -> None:
    """Write what the reader of a format wants beside the rows: of all splits that the folder holds."""
    if form == "datasets":
        (out / "README.md").write_text(readme(dataset, out, held, answers), "utf-8")
    elif form in LLAMA_FACTORY:
        name = f"curator_{dataset.pack.name}_{dataset.name}"
        told = {}
        for split in held:
            columns = dict(LLAMA_FACTORY[form]["columns"])
            file = place(split, form)
            if any("history" in json.loads(line) for line in (out / file).read_text("utf-8").split("\n") if line):
                columns["history"] = "history"
            told[f"{name}_{split}"] = {"file_name": file, **LLAMA_FACTORY[form], "columns": columns}
        (out / "dataset_info.json").write_text(json.dumps(told, indent=1) + "\n", "utf-8")
