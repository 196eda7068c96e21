"""A dataset in the forms that trainers, spreadsheets and Label Studio want."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curator.dataset import Dataset
from curator.errors import StorageError, UsageError, nearest
from curator.example import SPLITS
from curator.files import write_jsonl
from curator.formats.answered import ANSWERS, answered
from curator.formats.folder import card, parquet, write_parquet
from curator.formats.paired import no_pairs, paired
from curator.formats.shapes import LLAMA_FACTORY, SHAPES
from curator.formats.spreadsheet import flat, safe, write_csv
from curator.formats.studio_tasks import studio_tasks

__all__ = ["FORMATS", "Written", "export", "safe", "write_csv"]

Row = dict[str, Any]


@dataclass(frozen=True)
class Written:
    """One split as it was written: no file where it has no rows. `left` says which answers are not in it, and why."""

    split: str
    path: Path | None
    rows: int
    left: str = ""


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
PLACES = {"csv": "{}.csv", "label-studio": "{}.json"}  # of a split; else {}.jsonl


def export(dataset: Dataset, form: str, splits: list[str], out: Path, answers: str = "each") -> list[Written]:
    """Write each split in one of `FORMATS` and one of the ways of `ANSWERS` into the folder `out`.

    A split without rows gets no file, and an older one of its name goes. UsageError for words that are not known, for
    a format that cannot carry these answers, and where nothing would be written; StorageError when the disk fails.
    """
    _check(form, splits, answers)
    made = [(split, *_rows(dataset, split, form, answers)) for split in splits or SPLITS]
    if not any(rows for _, rows, _ in made):
        if form in ("preference", "kto"):
            raise no_pairs(dataset, form)
        raise UsageError(
            f"The dataset {dataset.name} has no rows in {', '.join(splits or SPLITS)}. Nothing was written; a recipe"
            " without the step 'split' leaves all of them empty."
        )
    try:
        out.mkdir(parents=True, exist_ok=True)
        written = [Written(split, _write(out, split, form, rows), len(rows), left) for split, rows, left in made]
        _beside(dataset, form, out, answers, [(split, rows) for split, rows, _ in made if rows])
    except OSError as fault:
        raise StorageError(f"{out.name} could not be written: {fault}. The dataset is as it was.") from None
    return written


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


def _rows(dataset: Dataset, split: str, form: str, answers: str) -> tuple[list[Row], str]:
    """Return a split's rows as they are to be written, and what is said of those left out."""
    if form in ("preference", "kto"):
        rows, left = paired(dataset, split, form)
        return rows, f"{left} answer{' gives' if left == 1 else 's give'} no pair" if left else ""
    if form == "label-studio":
        rows, told = studio_tasks(dataset, split)
        return rows, f"{told} answers as predictions"
    rows = answered(dataset, split, answers)
    shape: Callable[[Row], Row] = flat if form == "csv" else SHAPES.get(form, SHAPES["chat"])
    return [shape(row) for row in rows], ""


def _write(out: Path, split: str, form: str, rows: list[Row]) -> Path | None:
    path = out / (parquet(split) if form == "datasets" else PLACES.get(form, "{}.jsonl").format(split))
    if not rows:
        path.unlink(missing_ok=True)
        return None
    if form == "datasets":
        write_parquet(path, rows)
    elif form == "csv":
        write_csv(path, rows)
    elif form == "label-studio":
        path.write_text(json.dumps(rows, ensure_ascii=False, indent=1, allow_nan=False) + "\n", "utf-8")
    else:
        write_jsonl(path, rows)
    return path


def _beside(dataset: Dataset, form: str, out: Path, answers: str, made: list[tuple[str, list[Row]]]) -> None:
    """Write what the reader of a format wants beside the rows."""
    if form == "datasets":
        counts = {split: len(rows) for split, rows in made}
        (out / "README.md").write_text(card(dataset, counts, answers, list(made[0][1][0])), "utf-8")
    elif form in LLAMA_FACTORY:
        name = f"curator_{dataset.pack.name}_{dataset.name}"
        told = {}
        for split, rows in made:
            columns = dict(LLAMA_FACTORY[form]["columns"])
            if any("history" in row for row in rows):
                columns["history"] = "history"
            told[f"{name}_{split}"] = {"file_name": f"{split}.jsonl", **LLAMA_FACTORY[form], "columns": columns}
        (out / "dataset_info.json").write_text(json.dumps(told, indent=1) + "\n", "utf-8")
