"""A folder that `datasets.load_dataset` reads: Parquet for each split, and a card that names them."""

import json
from pathlib import Path
from typing import Any

import polars as pl

from curator.dataset import Dataset
from curator.formats.answered import ANSWERS
from curator.formats.record import place

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


def card(dataset: Dataset, out: Path, counts: dict[str, int], answers: str) -> str:
    """Return the README.md of the folder: where each split lies in YAML, what the columns are, the dataset's card."""
    head, body = parted(dataset.file("README.md").read_text("utf-8"))
    files = [f"  - split: {split}\n    path: {place(split, 'datasets')}" for split in counts]
    columns = pl.read_parquet_schema(out / place(next(iter(counts)), "datasets"))
    named = any(line.startswith("pretty_name:") for line in head)
    return "\n".join(
        [
            "---",
            *head,
            *([] if named else [f"pretty_name: {json.dumps(dataset.pack.title, ensure_ascii=False)}"]),
            "configs:",
            "- config_name: default",
            "  data_files:",
            *files,
            "---",
            "",
            body.strip(),
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
        ]
    )


def parted(text: str) -> tuple[list[str], str]:
    """Return the YAML lines of a card without those on its files, which lie elsewhere here, and the text below."""
    if not text.startswith("---\n"):
        return [], text
    head, _, body = text[4:].partition("\n---\n")
    kept, inside = [], False
    for line in head.split("\n"):
        inside = line.startswith(("configs:", "dataset_info:")) or (inside and line.startswith((" ", "-")))
        if not inside:
            kept.append(line)
    return kept, body
