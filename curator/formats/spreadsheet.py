"""Rows as CSV that no spreadsheet runs."""

import csv
from pathlib import Path
from typing import Any

from curator.errors import StorageError

Row = dict[str, Any]


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


def flat(row: Row) -> Row:
    """Return a row of `answered` as cells: the lists become words, the shares a column for each verdict."""
    names = ("id", "scenario", "stakeholder", "verdict", "domain", "weight", "voices", "answers")
    told = {name: row[name] for name in names if name in row}
    if "ids" in row:
        told["ids"] = " ".join(row["ids"])
    told |= {f"share {verdict}": share for verdict, share in row.get("shares", {}).items()}
    question = "\n\n".join(turn["content"] for turn in row["messages"][:-1] if turn["role"] != "system")
    return told | {"question": question, "answer": row["messages"][-1]["content"]}


def safe(cell: Any) -> Any:
    """Return a cell that no spreadsheet runs.

    >>> safe("=1+1"), safe("fine"), safe(0.5)
    ("'=1+1", 'fine', 0.5)
    """
    return f"'{cell}" if isinstance(cell, str) and cell.lstrip().startswith(("=", "+", "-", "@", "\t", "\r")) else cell
