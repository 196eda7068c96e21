"""duplicates: what the same role said twice about the same thing. What is seen differently always stays."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from curator.maths.neighbours import Indices, Scores, cover, join
from curator.stage import Outcome, decide, stage

Flags = NDArray[np.bool_]
Words = NDArray[np.object_]

PAIRS = {
    "kind": pl.String(),  # merged | kept apart
    "a": pl.String(),
    "b": pl.String(),
    "alike": pl.Float64(),
    "why": pl.String(),
}


@stage("corpus", after=["embed", "scenarios", "agreement"])
def duplicates(
    rows: pl.DataFrame, *, scenario: float = 0.9, context: float = 0.8, analysis: float = 0.92, look: int = 20
) -> Outcome:
    """Drop an answer when a kept one is the same: one scenario, one stakeholder, one verdict, one analysis.

    The thresholds are cosines: of the situations, the contexts and the analyses. A different verdict or role is never a
    duplicate. The keeper has the fewest quality flags, then the longest analysis, then is the oldest, then has the
    smaller id; its `voices` counts the different people who stand behind it, so the distribution of verdicts stays.
    The table `pairs` lists the `look` closest pairs kept apart and the `look` farthest merged, for a person to see.
    """
    if rows.is_empty():
        return Outcome(
            rows.with_columns(pl.lit(1, pl.Int64()).alias("voices")),
            tables={"pairs": pl.DataFrame(schema=PAIRS)},
        )
    a, b, alike = join(rows["_analysis"].to_numpy(), analysis)
    one = same_scenario(rows, a, b, scenario, context)
    role, verdict = rows["stakeholder"].to_numpy(), rows["verdict"].to_numpy()
    same = one & (role[a] == role[b]) & (verdict[a] == verdict[b])
    gone = cover(_best_first(rows), a[same], b[same], alike[same])

    ids = rows["id"].to_numpy()
    told = pl.DataFrame(
        {
            "id": ids[list(gone)],
            "_twin": ids[[k for k, _ in gone.values()]],
            "_score": [s for _, s in gone.values()],
        },
        schema={"id": pl.String(), "_twin": pl.String(), "_score": pl.Float64()},
    ).sort("id")
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
    pairs = _pairs(ids, a, b, alike, one, role, verdict, told, look)
    measures = {"merged": len(told), "voices": int(kept["voices"].sum())}
    return Outcome(kept, decisions, measures, {"pairs": pairs})


def same_scenario(rows: pl.DataFrame, a: Indices, b: Indices, scenario: float, context: float) -> Flags:
    """Tell for each pair whether both judge one scenario: the same identity, or situation and context alike."""
    situations, contexts = rows["_situation"].to_numpy(), rows["_context"].to_numpy()
    names = rows["scenario"].to_numpy()
    near = np.einsum("nd,nd->n", situations[a], situations[b]) >= scenario
    near &= np.einsum("nd,nd->n", contexts[a], contexts[b]) >= context
    return np.asarray((names[a] == names[b]) | near)


def _best_first(rows: pl.DataFrame) -> list[int]:
    flags = pl.col("_flags") if "_flags" in rows.columns else pl.lit(0)
    order = rows.with_row_index("_at").with_columns(
        flags.alias("_flags"), pl.col("analysis").str.len_chars().alias("_length")
    )
    return order.sort(
        ["_flags", "_length", "created_at", "id"], descending=[False, True, False, False], nulls_last=True
    )["_at"].to_list()


def _voices(rows: pl.DataFrame, told: pl.DataFrame) -> pl.DataFrame:
    """Count the different people behind each kept row; a person who said it twice is one voice."""
    behind = rows.select("id", "annotator").join(told.select("id", "_twin"), on="id", how="left")
    return (
        behind.with_columns(pl.coalesce("_twin", "id").alias("id"))
        .group_by("id")
        .agg(pl.col("annotator").n_unique().cast(pl.Int64).alias("voices"))
    )


def _pairs(
    ids: Words,
    a: Indices,
    b: Indices,
    alike: Scores,
    one: Flags,
    role: Words,
    verdict: Words,
    told: pl.DataFrame,
    look: int,
) -> pl.DataFrame:
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
        [~one, verdict[a] != verdict[b], role[a] != role[b]],
        ["different scenarios", "different verdicts", "different roles"],
        "",
    )
    first, second = np.minimum(ids[a], ids[b]), np.maximum(ids[a], ids[b])
    apart = pl.DataFrame(
        {"kind": "kept apart", "a": first, "b": second, "alike": alike, "why": why.astype(str)}, schema=PAIRS
    )
    apart = apart.filter(pl.col("why") != "").sort(["alike", "a", "b"], descending=[True, False, False]).head(look)
    return pl.concat([merged, apart]).with_columns(pl.col("alike").round(4))
