"""duplicates: what the same role said twice about the same thing. What is seen differently always stays."""

from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from curator.maths.neighbours import cover
from curator.stage import Outcome, decide, stage
from curator.tellings import Alike, alike_answers

Words = NDArray[np.object_]
SAME = ["scenario", "stakeholder", "verdict", "analysis"]

PAIRS = {
    "kind": pl.String(),  # merged | kept apart
    "a": pl.String(),
    "b": pl.String(),
    "alike": pl.Float64(),
    "why": pl.String(),
}


@stage("corpus", after=["embed", "scenarios", "agreement"])
def duplicates(
    rows: pl.DataFrame,
    *,
    analysis: float = 0.92,
    tellings: Literal["keep", "merge"] = "keep",
    scenario: float = 0.9,
    context: float = 0.8,
    look: int = 20,
) -> Outcome:
    """Drop an answer when a kept one is the same: one scenario, one stakeholder, one verdict, one analysis.

    `analysis` is the cosine from which two say the same. A different verdict or role is never a duplicate. Scenarios
    whose situations and contexts are at least `scenario` and `context` alike are two tellings of one event: answers to
    both stay, so that no scenario loses a view, unless `tellings` is "merge".

    The keeper has the fewest quality flags, then the longest analysis, then is the oldest, then has the
    smaller id; its `voices` counts the different people who stand behind it, so the distribution of verdicts stays.
    The table `pairs` lists the `look` closest pairs kept apart and the `look` farthest merged, for a person to see.
    """
    if rows.is_empty():
        return Outcome(
            rows.with_columns(pl.lit(1, pl.Int64()).alias("voices")),
            tables={"pairs": pl.DataFrame(schema=PAIRS)},
        )
    ordered = _best_first(rows)
    once = ordered.unique(SAME, keep="first", maintain_order=True)  # the same words: the best of them speaks for all
    best = once["_at"].to_numpy()
    found = alike_answers(rows, best, scenario, context, analysis)
    name, role, verdict = (rows[column].to_numpy() for column in ("scenario", "stakeholder", "verdict"))
    same = (name[found.a] == name[found.b]) | (found.one & (tellings == "merge"))
    same &= (role[found.a] == role[found.b]) & (verdict[found.a] == verdict[found.b])
    gone = cover(best.tolist(), found.a[same], found.b[same], found.alike[same])
    told = _told(rows["id"], ordered, once, gone)
    because = pl.format(
        "the same role gave the same verdict, and its analysis is {} alike to {}",
        pl.col("_score").round(3),
        "_twin",
    )
    decisions = decide(
        told, "drop", "said by the same role before", because, score=pl.col("_score"), twin=pl.col("_twin")
    )
    voices = _voices(rows, told)
    kept = rows.drop("voices", strict=False).filter(~pl.col("id").is_in(told["id"].implode()))
    kept = kept.join(voices, on="id", how="left", maintain_order="left")
    pairs = _pairs(rows["id"].to_numpy(), found, name, role, verdict, told, look)
    measures = {"merged": len(told), "voices": int(kept["voices"].sum())}
    return Outcome(kept, decisions, measures, {"pairs": pairs})


def _best_first(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the best rows first, by their place `_at`; without their vectors, which are large."""
    flags = ["_flags"] if "_flags" in rows.columns else []
    order = [*flags, -pl.col("analysis").str.len_chars().cast(pl.Int64), pl.col("created_at"), pl.col("id")]
    told = rows.select(pl.int_range(pl.len(), dtype=pl.Int64).alias("_at"), "id", "created_at", *SAME, *flags)
    return told.sort(order, nulls_last=True)


def _told(
    names: pl.Series, ordered: pl.DataFrame, once: pl.DataFrame, gone: dict[int, tuple[int, float]]
) -> pl.DataFrame:
    """Return id, `_twin` and `_score` of every row that leaves: covered by another, or said in the same words."""
    ids = names.to_numpy()
    left = {
        "_first": ids[list(gone)],
        "_twin": ids[[kept for kept, _ in gone.values()]],
        "_score": [score for _, score in gone.values()],
    }
    covered = pl.DataFrame(left, schema={"_first": pl.String(), "_twin": pl.String(), "_score": pl.Float64()})
    each = ordered.select("id", *SAME).join(once.select(pl.col("id").alias("_first"), *SAME), on=SAME, nulls_equal=True)
    each = each.join(covered, on="_first", how="left").select(
        "id", pl.coalesce("_twin", "_first").alias("_twin"), pl.col("_score").fill_null(1.0)
    )
    return each.filter(pl.col("id") != pl.col("_twin")).sort("id")


def _voices(rows: pl.DataFrame, told: pl.DataFrame) -> pl.DataFrame:
    """Count the different people behind each kept row; a person who said it twice is one voice."""
    behind = rows.select("id", "annotator").join(told.select("id", "_twin"), on="id", how="left")
    return (
        behind.with_columns(pl.coalesce("_twin", "id").alias("id"))
        .group_by("id")
        .agg(pl.col("annotator").n_unique().cast(pl.Int64).alias("voices"))
    )


def _pairs(
    ids: Words, found: Alike, name: Words, role: Words, verdict: Words, told: pl.DataFrame, look: int
) -> pl.DataFrame:
    a, b = found.a, found.b
    merged = (
        told.select(
            pl.lit("merged").alias("kind"),
            pl.col("id").alias("a"),
            pl.col("_twin").alias("b"),
            pl.col("_score").alias("alike"),
            pl.lit("same role, same verdict").alias("why"),
        )
        .sort("alike", "a")
        .head(look)
    )
    why = np.select(
        [~found.one, verdict[a] != verdict[b], role[a] != role[b], name[a] != name[b]],
        ["different scenarios", "different verdicts", "different roles", "two tellings"],
        "",
    )
    first, second = np.minimum(ids[a], ids[b]), np.maximum(ids[a], ids[b])
    apart = pl.DataFrame(
        {"kind": "kept apart", "a": first, "b": second, "alike": found.alike, "why": why.astype(str)}, schema=PAIRS
    )
    apart = apart.join(told.rename({"id": "a", "_twin": "b"}), on=["a", "b"], how="anti")
    apart = apart.join(told.rename({"id": "b", "_twin": "a"}), on=["a", "b"], how="anti")
    apart = apart.filter(pl.col("why") != "").sort(["alike", "a", "b"], descending=[True, False, False]).head(look)
    return pl.concat([merged, apart]).with_columns(pl.col("alike").round(4))
