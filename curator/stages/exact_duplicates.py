"""exact_duplicates: the same record given twice, such as a double click."""

import polars as pl

from curator.stage import Outcome, decide, stage


@stage("corpus")
def exact_duplicates(rows: pl.DataFrame, *, moment: int = 600) -> Outcome:
    """Drop an answer that the same person gave before in the same words, no more than `moment` seconds earlier.

    An answer without a time repeats any other without one. What a person says again later stays for now: it shows
    how consistent they are. The first one is kept; ties go to the smaller id.
    """
    same = ["scenario", "annotator", "stakeholder", "verdict", "severity", "_words"]
    words = pl.col("analysis").str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars()
    order = rows.with_columns(words.alias("_words")).sort(["created_at", "id"], nulls_last=False)
    gap = (pl.col("created_at") - pl.col("created_at").shift(1)).over(same)
    timeless = pl.col("created_at").is_null() & (pl.int_range(pl.len()).over(same) > 0)
    again = order.with_columns((timeless | (gap <= pl.duration(seconds=moment)).fill_null(False)).alias("_again"))
    # A run of repeats has one keeper: the last row before it that was not itself a repeat.
    keeper = pl.when(~pl.col("_again")).then(pl.col("id")).forward_fill().over(same)
    told = again.with_columns(keeper.alias("_twin")).filter("_again").sort("id")
    because = pl.format("the same person gave the same answer as {}", pl.col("_twin"))
    kept = rows.filter(~pl.col("id").is_in(told["id"].implode()))
    return Outcome(kept, decide(told, "drop", "exact repeat", because, score=pl.lit(1.0), twin=pl.col("_twin")))
