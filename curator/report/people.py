"""Who judged, role by role; what tells of single people only where the role has enough of them to hide in."""

from typing import Any

import polars as pl

from curator.report.labels import FEWEST, Scales


def people(kept: pl.DataFrame, annotators: pl.DataFrame | None, known: Scales) -> list[dict[str, Any]]:
    """Return for each role its answers, and from `FEWEST` people on how many these are, and each by pseudonym."""
    counted = kept.group_by("stakeholder", "annotator").len("answers").sort("answers", "annotator", descending=True)
    agreeing = _with(annotators, "own role")
    again = _with(annotators, "self")
    told = []
    for key, label in zip(known.roles.keys, known.roles.labels, strict=True):
        mine = counted.filter(pl.col("stakeholder") == key)
        if mine.is_empty():
            continue
        total = int(mine["answers"].sum())
        each = [
            {"name": name, "answers": answers, "role": agreeing.get(name), "again": again.get(name)}
            for name, answers in mine.select("annotator", "answers").iter_rows()
        ]
        told.append(
            {
                "role": label,
                "people": mine.height if mine.height >= FEWEST else None,
                "answers": total,
                "busiest": int(mine["answers"][0]) / total if mine.height >= FEWEST else None,
                "each": each if mine.height >= FEWEST else [],
            }
        )
    return told


def _with(annotators: pl.DataFrame | None, whom: str) -> dict[str, dict[str, Any]]:
    """Return by pseudonym how often somebody says the same as their role, or as themselves when asked again."""
    if annotators is None:
        return {}
    rows = annotators.filter((pl.col("with") == whom) & pl.col("same").is_not_null())
    return {row["annotator"]: row for row in rows.iter_rows(named=True)}
