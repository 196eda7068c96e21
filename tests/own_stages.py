"""Stages as somebody might write them for a recipe of their own: one good, the others each with one fault."""

import polars as pl

from curator.stage import DECISIONS, Outcome, decide, stage


@stage("row")
def shout(rows: pl.DataFrame, *, mark: str = "!") -> Outcome:
    """End every analysis with a mark."""
    return Outcome(rows.with_columns(pl.col("analysis") + mark), decide(rows, "edit", "shouted", "it was too calm"))


@stage("row")
def loses(rows: pl.DataFrame) -> Outcome:
    """Forget the first row."""
    return Outcome(rows.slice(1))


@stage("row")
def doubles(rows: pl.DataFrame) -> Outcome:
    """Give the first row twice."""
    return Outcome(pl.concat([rows, rows.head(1)]))


@stage("row")
def keeps_and_drops(rows: pl.DataFrame) -> Outcome:
    """Keep everything and drop the first row all the same."""
    return Outcome(rows, decide(rows.head(1), "drop", "unwanted", "for no reason"))


@stage("row")
def invents(rows: pl.DataFrame) -> Outcome:
    """Add a row that nobody wrote."""
    return Outcome(pl.concat([rows, rows.head(1).with_columns(pl.lit("made-up").alias("id"))]))


@stage("row")
def judges_strangers(rows: pl.DataFrame) -> Outcome:
    """Flag a row that is not there."""
    return Outcome(rows, decide(pl.DataFrame({"id": ["stranger"]}), "flag", "odd", "never seen"))


@stage("row")
def gives_no_reason(rows: pl.DataFrame) -> Outcome:
    """Drop the first row without a word."""
    return Outcome(rows.slice(1), decide(rows.head(1), "drop", pl.lit(None, pl.String()), "none"))


@stage("row")
def gives_an_empty_reason(rows: pl.DataFrame) -> Outcome:
    """Drop the first row with an empty word."""
    return Outcome(rows.slice(1), decide(rows.head(1), "drop", "", "none"))


@stage("row")
def loses_a_column(rows: pl.DataFrame) -> Outcome:
    """Forget what the rows are called."""
    return Outcome(rows.drop("id"))


@stage("row")
def decides_in_its_own_way(rows: pl.DataFrame) -> Outcome:
    """Return decisions of another shape."""
    return Outcome(rows, pl.DataFrame(schema={name: DECISIONS[name] for name in ("id", "action", "reason")}))


@stage("row")
def returns_the_rows(rows: pl.DataFrame) -> Outcome:
    """Return a frame, as one who did not read the documentation."""
    return rows  # type: ignore[return-value]  # the fault


@stage("row")
def breaks(rows: pl.DataFrame) -> Outcome:
    """Ask for a column that is not there, having looked at texts."""
    return Outcome(rows.select("nowhere"))


@stage("row")
def divides(rows: pl.DataFrame) -> Outcome:
    """Divide by nothing."""
    return Outcome(rows.head(rows.height // 0))
