"""Scenarios as Label Studio tasks, with people's answers as predictions to look at."""

import json
from typing import Any

import polars as pl

from curator.dataset import Dataset
from curator.errors import UsageError
from curator.labels.results import to_result
from curator.parts import parts_or_whole

Row = dict[str, Any]


def studio_tasks(dataset: Dataset, split: str) -> tuple[list[Row], int]:
    """Return one task for each scenario of a split, and how many answers stand in them.

    Each answer is a prediction whose `model_version` names the dataset and the role; `data` has the keys that the
    pack's page shows. Import them into a project of this pack. UsageError names an answer
    that the page cannot show.
    """
    pack, rows = dataset.pack, dataset.frame("examples")
    rows = rows.filter(pl.col("split") == split) if "split" in rows.columns else rows.head(0)
    tasks: dict[str, Row] = {}
    for row in rows.sort("scenario", "stakeholder", "id").iter_rows(named=True):
        data = {
            "scenario": row["scenario"],
            pack.task["situation"]: row["situation"],
            pack.task.get("context", "context"): row["context"] or "",
        }
        data |= parts_or_whole(pack, row)
        data |= {"domain": row["domain"]} if row["domain"] else {}  # no team: it is of whoever answered first
        task = tasks.setdefault(row["scenario"], {"data": data, "predictions": []})
        answer = row | {"extra": json.loads(row["extra"]) if row["extra"] else {}}
        try:
            result = to_result(pack, answer)
        except UsageError as fault:
            raise UsageError(f"{dataset.name}, answer {row['id']}: {fault} Nothing was written.") from None
        task["predictions"].append({"model_version": f"{dataset.name} {row['stakeholder']}", "result": result})
    return list(tasks.values()), rows.height
