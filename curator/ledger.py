"""Questions to the ledgers of datasets: what differs between two, and which rows left for a reason."""

from typing import Any

import polars as pl

from curator.dataset import Dataset
from curator.errors import UsageError, nearest

COMPARED = ("verdict", "severity", "analysis", "situation", "context", "voices", "weight", "split", "revision")


def diff(old: Dataset, new: Dataset) -> dict[str, Any]:
    """Return the rows that are only in `new`, only in `old` (with where they went), and in both but changed.

    A row is what its id says; `changed` names the columns. Each list is ordered by id.
    """
    before, after = old.frame("examples"), new.frame("examples")
    reasons = {row["id"]: row for row in _drops(new).to_dicts()}
    gone = before.join(after, on="id", how="anti").sort("id")
    columns = [name for name in COMPARED if name in before.columns and name in after.columns]
    both = before.join(after, on="id", suffix="_new").sort("id")
    same = [pl.col(name).eq_missing(pl.col(f"{name}_new")).alias(name) for name in columns]
    changed = [
        {"id": row["id"], "changed": [name for name in columns if not row[name]]}
        for row in both.select("id", *same).iter_rows(named=True)
        if not all(row[name] for name in columns)
    ]
    return {
        "old": old.name,
        "new": new.name,
        "in": after.join(before, on="id", how="anti").sort("id")["id"].to_list(),
        "out": [{"id": id, **_why(reasons.get(id))} for id in gone["id"]],
        "changed": changed,
    }


def _why(drop: dict[str, Any] | None) -> dict[str, str]:
    if drop is None:
        return {"step": "", "reason": "no longer among the answers"}
    return {"step": drop["step"], "reason": drop["reason"]}


def dropped(dataset: Dataset, reason: str | None = None, step: str | None = None) -> list[dict[str, Any]]:
    """Return the rows that left, for one reason or at one step: id, step, reason, because, score, twin.

    UsageError names the nearest reason or step where nothing matches.
    """
    rows = _drops(dataset)
    for column, wanted in (("reason", reason), ("step", step)):
        if wanted is not None:
            known = sorted(rows[column].unique().to_list())
            if wanted not in known:
                raise UsageError(f"Nothing left {dataset.name} with the {column} {wanted!r}. {nearest(wanted, known)}")
            rows = rows.filter(pl.col(column) == wanted)
    return rows.sort("step", "reason", "id").to_dicts()


def _drops(dataset: Dataset) -> pl.DataFrame:
    return dataset.frame("decisions").filter(pl.col("action") == "drop").drop("action")
