"""quality: answers that deserve a second look. Flags, not drops, unless the recipe says so."""

import numpy as np
import polars as pl

from curator.errors import RecipeError, nearest
from curator.maths.neighbours import join
from curator.maths.selection import Floats
from curator.stage import Outcome, drop_where, flag_where, merge, stage

REASONS = ["off topic", "copied between scenarios", "says little", "one person's flood"]


@stage("corpus", after=["embed", "scenarios"])
def quality(
    rows: pl.DataFrame,
    *,
    on_topic: float = 0.15,
    copied: float = 0.95,
    copies: int = 1,
    little: int = 12,
    flood: float = 0.35,
    drop: list[str] | None = None,
) -> Outcome:
    """Flag answers off topic, copied between scenarios, that say little, or that flood the set.

    `on_topic` is the least cosine between an analysis and its situation, its context or what somebody else wrote
    about the same group (a thoughtful answer may share no word with the scenario, but somebody thinks alike); `copied`
    the cosine from which one person's analyses of different scenarios count as the same, and `copies` how many such
    are too many; `little` is words; `flood` the share of the whole set that one person may write. Reasons named in
    `drop` take the row out.
    Who disagrees with the others is never flagged for it: a viewpoint is not noise.
    """
    for reason in drop or []:
        if reason not in REASONS:
            raise RecipeError(f"Stage 'quality' cannot drop {reason!r}. {nearest(reason, REASONS)}")
    if rows.is_empty():
        return Outcome(rows)
    judged = rows.with_columns(
        pl.Series("_topic", _closeness(rows).round(4)),
        pl.col("analysis").str.count_matches(r"\S+").alias("_words"),
        (pl.len().over("annotator") / pl.len()).alias("_share"),
        pl.Series("_copies", _copies(rows, copied), pl.Int64()),
    )
    people = rows["annotator"].n_unique()
    rules = {
        "off topic": pl.col("_topic") < on_topic,
        "copied between scenarios": pl.col("_copies") >= copies,
        "says little": pl.col("_words") < little,
        "one person's flood": (pl.col("_share") > flood) & (people > 2),
    }
    because = {
        "off topic": pl.format(
            "its closeness to the scenario and to all other answers is {} at most, below {}", "_topic", pl.lit(on_topic)
        ),
        "copied between scenarios": pl.format("this person wrote nearly the same about {} other scenarios", "_copies"),
        "says little": pl.format("{} words", "_words"),
        "one person's flood": pl.format("this person wrote {} % of all answers", (pl.col("_share") * 100).round(1)),
    }
    fatal = {reason: rule for reason, rule in rules.items() if reason in (drop or [])}
    light = {reason: rule for reason, rule in rules.items() if reason not in fatal}
    scratch = ["_topic", "_words", "_share", "_copies"]
    gone = drop_where(judged, fatal, _first_because(fatal, because)) if fatal else Outcome(judged)
    flagged = flag_where(gone.rows, light, because)
    counted = flagged.decisions.group_by("id").len("_flags")
    kept = (
        gone.rows.drop(scratch)
        .join(counted, on="id", how="left", maintain_order="left")
        .with_columns(pl.col("_flags").fill_null(0))
    )
    return merge([gone, flagged], kept)


def _first_because(rules: dict[str, pl.Expr], because: dict[str, pl.Expr]) -> pl.Expr:
    return pl.coalesce(pl.when(rule.fill_null(False)).then(because[reason]) for reason, rule in rules.items())


def _closeness(rows: pl.DataFrame) -> Floats:
    """Return how alike each analysis is to its situation, its context or another person's analysis, at most."""
    analysis, who = rows["_analysis"].to_numpy().astype(np.float64), rows["annotator"].to_numpy()
    closest: Floats = np.maximum(
        np.einsum("nd,nd->n", analysis, rows["_situation"].to_numpy()),
        np.einsum("nd,nd->n", analysis, rows["_context"].to_numpy()),
    )
    for (at,) in rows.with_row_index("_at").group_by("group").agg("_at").select("_at").iter_rows():
        mine = np.array(at)
        others = who[mine][:, None] != who[mine][None, :]
        alike = np.where(others, analysis[mine] @ analysis[mine].T, -1.0)
        closest[mine] = np.maximum(closest[mine], alike.max(axis=1))
    return closest


def _copies(rows: pl.DataFrame, threshold: float) -> list[int]:
    """Count for each row the other scenarios about which the same person wrote nearly the same."""
    a, b, _ = join(rows["_analysis"].to_numpy(), threshold)
    who, what = rows["annotator"].to_numpy(), rows["group"].to_numpy()
    others: list[set[str]] = [set() for _ in range(len(rows))]
    for i, j in zip(a.tolist(), b.tolist(), strict=True):
        if who[i] == who[j] and what[i] != what[j]:
            others[i].add(what[j])
            others[j].add(what[i])
    return [len(scenarios) for scenarios in others]
