"""Rows as CSV that no spreadsheet runs."""

import csv
import unicodedata
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
    """Return a cell that no spreadsheet runs: a text gets an apostrophe where its first sign begins a formula.

    What cannot be seen before it is looked through, and wide forms of the signs count, since spreadsheets take both.

    >>> safe("=1+1"), safe("\\ufeff =1+1"), safe("\uff1d1"), safe("\\tfine"), safe("fine"), safe(0.5)
    ("'=1+1", "'\\ufeff =1+1", "'\uff1d1", "'\\tfine", 'fine', 0.5)
    """
    if not isinstance(cell, str):
        return cell
    first = next((sign for sign in cell if not sign.isspace() and unicodedata.category(sign) not in ("Cf", "Cc")), " ")
    runs = cell.startswith(("\t", "\r", "\n")) or unicodedata.normalize("NFKC", first)[0] in "=+-@"
    return f"'{cell}" if runs else cell
