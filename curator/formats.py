"""A dataset in the forms that trainers and spreadsheets want."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from curator.dataset import Dataset
from curator.errors import StorageError, UsageError, nearest
from curator.example import SPLITS
from curator.files import write_jsonl

Row = dict[str, Any]


def openai(row: Row) -> Row:
    """Return a row of OpenAI's chat format, which TRL and most trainers read too: nothing but `messages`."""
    return {"messages": row["messages"]}


def chat(row: Row) -> Row:
    """Return curator's own row: the chat with its id, scenario, stakeholder, verdict and weight."""
    return row


def sharegpt(row: Row) -> Row:
    """Return a row of the ShareGPT format, as LLaMA-Factory and Axolotl read it."""
    names = {"system": "system", "user": "human", "assistant": "gpt"}
    return {"conversations": [{"from": names[m["role"]], "value": m["content"]} for m in row["messages"]]}


def alpaca(row: Row) -> Row:
    """Return a row of the Alpaca format: instruction, input, output."""
    system, user, assistant = (message["content"] for message in row["messages"])
    return {"instruction": system, "input": user, "output": assistant}


FORMATS: dict[str, Callable[[Row], Row]] = {"openai": openai, "chat": chat, "sharegpt": sharegpt, "alpaca": alpaca}


def export(dataset: Dataset, form: str, splits: list[str], out: Path) -> list[tuple[Path, int]]:
    """Write each split in one of `FORMATS`, or as csv, into the folder `out`; return the files and their rows."""
    if form not in (*FORMATS, "csv"):
        raise UsageError(f"There is no format {form!r}. {nearest(form, [*FORMATS, 'csv'])}")
    for name in splits:
        if name not in SPLITS:
            raise UsageError(f"There is no split {name!r}. {nearest(name, list(SPLITS))}")
    written = []
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name in splits or SPLITS:
            rows = [json.loads(line) for line in dataset.file(f"{name}.jsonl").read_text("utf-8").split("\n") if line]
            path = out / f"{name}.{'csv' if form == 'csv' else 'jsonl'}"
            if form == "csv":
                write_csv(path, [_flat(row) for row in rows])
            else:
                write_jsonl(path, (FORMATS[form](row) for row in rows))
            written.append((path, len(rows)))
    except OSError as fault:
        raise StorageError(f"{out.name} could not be written: {fault}. The dataset is as it was.") from None
    return written


def write_csv(path: Path, rows: list[Row]) -> None:
    """Write rows of the same columns for a spreadsheet. A text that it would take for a formula gets an apostrophe.

    StorageError where the file cannot be written.
    """
    try:
        with open(path, "w", encoding="utf-8-sig", newline="") as file:
            table = csv.writer(file)
            table.writerow(rows[0] if rows else [])
            table.writerows([safe(cell) for cell in row.values()] for row in rows)
    except OSError as fault:
        raise StorageError(f"{path.name} cannot be written: {fault.strerror}.") from None


def _flat(row: Row) -> Row:
    told = {name: row[name] for name in ("id", "scenario", "stakeholder", "verdict", "domain", "weight")}
    return told | {"question": row["messages"][1]["content"], "answer": row["messages"][2]["content"]}


def safe(cell: Any) -> Any:
    """Return a cell that no spreadsheet runs.

    >>> safe("=1+1"), safe("fine"), safe(0.5)
    ("'=1+1", 'fine', 0.5)
    """
    return f"'{cell}" if isinstance(cell, str) and cell.lstrip().startswith(("=", "+", "-", "@", "\t", "\r")) else cell
