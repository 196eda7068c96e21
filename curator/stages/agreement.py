"""agreement: who sees the same scenarios alike, within roles and between them."""

from itertools import combinations_with_replacement
from typing import Any

import polars as pl

from curator.maths.agreement import Agreement, krippendorff
from curator.stage import Given, Outcome, stage

PAIR = {
    "a": pl.String(),
    "b": pl.String(),
    "scenarios": pl.Int64(),
    "answers": pl.Int64(),
    "same": pl.Float64(),  # share of pairs of answers with one verdict
    "alpha": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
    "why": pl.String(),
}


@stage("corpus", after=["normalise"])
def agreement(rows: pl.DataFrame, given: Given, *, draws: int = 500) -> Outcome:
    """Measure agreement on the verdict and severity with intervals, for each pair of roles; no row is touched.

    Each person counts once for a scenario, by their last answer. `contested` is the share of scenarios judged by two
    or more roles that did not all get one verdict; `split_within` the same inside one role.
    """
    last = rows.sort("updated_at", "created_at", "id", nulls_last=False).unique(
        ["scenario", "annotator", "stakeholder"], keep="last", maintain_order=True
    )
    answers = last.sort("id").select("scenario", "annotator", "stakeholder", "verdict", "severity")
    known = list(given.pack.verdicts) if given.pack else []
    labels = [*known, *sorted(set(answers["verdict"].unique().to_list()) - set(known))]
    coded = answers.with_columns(
        pl.col("scenario").rank("dense").cast(pl.Int64).alias("_unit"),
        pl.col("verdict").replace_strict(labels, list(range(len(labels))), return_dtype=pl.Int64).alias("_value"),
    )
    roles = sorted(answers["stakeholder"].unique().to_list())
    pairs = pl.DataFrame(
        [_pair(coded, a, b, len(labels), draws) for a, b in combinations_with_replacement(roles, 2)],
        schema=PAIR,
    )
    measures: dict[str, Any] = {
        "all": vars(_alpha(coded, len(labels), draws)),
        "severity": vars(_severity(coded, draws)),
        "contested": _contested(answers, ["scenario"]),
        "split_within": _contested(answers, ["scenario", "stakeholder"], roles=1),
    }
    return Outcome(rows, measures=measures, tables={"agreement": pairs})


def _alpha(coded: pl.DataFrame, size: int, draws: int) -> Agreement:
    return krippendorff(coded["_unit"].to_numpy(), coded["_value"].to_numpy(), size, draws=draws)


def _severity(coded: pl.DataFrame, draws: int) -> Agreement:
    told = coded.filter(pl.col("severity").is_not_null())
    scale = told["severity"].unique().sort()
    rank = told["severity"].replace_strict(scale, list(range(len(scale))), return_dtype=pl.Int64).to_numpy()
    return krippendorff(told["_unit"].to_numpy(), rank, len(scale), level="ordinal", draws=draws)


def _pair(coded: pl.DataFrame, a: str, b: str, size: int, draws: int) -> dict[str, Any]:
    """Compare two roles (or one with itself) on the scenarios that both judged."""
    mine = coded.filter(pl.col("stakeholder").is_in([a, b]))
    if a != b:
        mine = mine.filter(pl.col("stakeholder").n_unique().over("_unit") == 2)
    # Between roles only pairs across them say something, so each role is one voice: its own verdicts side by side.
    joined = mine.join(mine, on="_unit", suffix="_other")
    if a == b:
        joined = joined.filter(pl.col("annotator") < pl.col("annotator_other"))
    else:
        joined = joined.filter((pl.col("stakeholder") == a) & (pl.col("stakeholder_other") == b))
    found = _alpha(mine, size, draws)
    same = (joined["_value"] == joined["_value_other"]).mean() if len(joined) else None
    return {
        "a": a,
        "b": b,
        "scenarios": joined["_unit"].n_unique(),
        "answers": found.answers,
        "same": None if same is None else round(float(same), 4),  # type: ignore[arg-type]  # polars types mean() widely
        "alpha": found.alpha,
        "low": found.low,
        "high": found.high,
        "why": found.why,
    }


def _contested(answers: pl.DataFrame, unit: list[str], roles: int = 2) -> dict[str, Any]:
    """Count the units with at least `roles` roles (and two answers) and those of them with more than one verdict."""
    told = answers.group_by(unit).agg(
        pl.col("verdict").n_unique().alias("verdicts"),
        pl.col("stakeholder").n_unique().alias("roles"),
        pl.len().alias("answers"),
    )
    told = told.filter((pl.col("roles") >= roles) & (pl.col("answers") >= 2))
    split = int((told["verdicts"] > 1).sum())
    return {
        "judged": len(told),
        "contested": split,
        "share": round(split / len(told), 4) if len(told) else None,
    }
