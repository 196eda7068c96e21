"""A folder that `datasets.load_dataset` reads: Parquet for each split, and a card that names them."""

from pathlib import Path
from typing import Any

import polars as pl

from curator.card import Handed, card
from curator.dataset import Dataset
from curator.formats.answered import ANSWERS
from curator.formats.record import TAKEN_BACK, place

Row = dict[str, Any]

TEXT = pl.String()
TURNS = pl.List(pl.Struct({"role": TEXT, "content": TEXT}))
COLUMNS: dict[str, pl.DataType] = {
    "id": TEXT,
    "scenario": TEXT,
    "group": TEXT,
    "stakeholder": TEXT,
    "verdict": TEXT,
    "domain": TEXT,
    "weight": pl.Float64(),
    "voices": pl.Int64(),
    "answers": pl.Int64(),
    "ids": pl.List(TEXT),
    "messages": TURNS,
}
MEANT = {
    "id": "the row",
    "scenario": "what was judged; the same words in the same context have the same name",
    "group": "tellings of one event, which no split parts",
    "stakeholder": "the role from which it is judged",
    "verdict": "the answer's verdict",
    "domain": "the field of work",
    "weight": "how much the row counts in a loss",
    "voices": "how many people gave this answer; near repeats in one role are merged",
    "answers": "how many people's answers it holds, those of merged near repeats counted each",
    "ids": "which answers these are",
    "shares": "the share of each verdict among them, by weight",
    "messages": "the chat: task, scenario with the role last, answer",
}


def write_parquet(path: Path, rows: list[Row]) -> None:
    """Write rows of `answered`; each column has its type, whatever the rows leave out."""
    schema = {name: kind for name, kind in COLUMNS.items() if name in rows[0]}
    if "shares" in rows[0]:
        schema["shares"] = pl.Struct(dict.fromkeys(rows[0]["shares"], pl.Float64()))
    path.parent.mkdir(parents=True, exist_ok=True)
    pl.DataFrame([{name: row[name] for name in schema} for row in rows], schema=schema).write_parquet(path)


ROW = {
    "each": "One row is one person's verdict and analysis of one scenario, from one role.",
    "distribution": "One row is how the verdicts on one scenario are shared among the people of one role, or among all"
    " who judged it (`everybody`).",
    "together": "One row is one scenario with all answers to it in one text, each below the name of its role.",
}


def readme(dataset: Dataset, out: Path, counts: dict[str, int], answers: str) -> str:
    """Return the README.md of the folder: the dataset's card as far as it holds of these splits, and the columns."""
    columns = pl.read_parquet_schema(out / place(next(iter(counts)), "datasets"))
    rows = dataset.frame("examples").filter(pl.col("split").is_in(list(counts)))
    known = "table_agreement.parquet" in dataset.manifest["files"]
    tables = {"agreement": dataset.frame("table_agreement")} if known else {}
    handed = Handed(counts, {split: place(split, "datasets") for split in counts}, ROW[answers])
    return "\n".join(
        [
            card(dataset.manifest, rows, tables, handed).rstrip(),
            "",
            "## This folder",
            "",
            f"Written from the dataset {dataset.name} (`{dataset.manifest['dataset']}`): {ANSWERS[answers]}. "
            + ", ".join(f"{split} {count}" for split, count in counts.items())
            + ".",
            "",
            "| column | what it is |",
            "|---|---|",
            *(f"| `{name}` | {MEANT[name]} |" for name in columns if name in MEANT),
            "",
            TAKEN_BACK,
            "",
        ]
    )
