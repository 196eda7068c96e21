"""leaks: proof that nothing in a test was seen in training."""

from typing import Any

import numpy as np
import polars as pl

from curator.embedding import embed_texts
from curator.errors import PolicyError
from curator.maths.neighbours import closest, join_across
from curator.stage import DECISIONS, Given, Outcome, decide, stage

TEXTS = ("situation", "context", "analysis")
RUN = 13  # words that stand in both: Brown et al. 2020, https://arxiv.org/abs/2005.14165, appendix C


@stage("corpus", after=["embed", "split"])
def leaks(rows: pl.DataFrame, given: Given, *, threshold: float = 0.9, benchmarks: list[str] | None = None) -> Outcome:
    """Compare every situation in `train` with every one in the other splits, exactly; PolicyError at a leak.

    `threshold` is a cosine. A leak between splits ends the run, since a number from a leaky test deceives.
    `benchmarks` names files beside the recipe on which a model is to be measured: rows of `train` whose situation is
    as like to a text in one of them, or that share a run of 13 words with it, are dropped.
    """
    told = rows.sort("id").unique(["scenario", "split"], keep="first", maintain_order=True)
    train, rest = told.filter(pl.col("split") == "train"), told.filter(pl.col("split") != "train")
    measures: dict[str, Any] = {"compared": len(train) * len(rest), "closest": None}
    if len(train) and len(rest):
        _stop_at_leaks(train, rest, threshold)
        measures["closest"] = round(closest(train["_situation"].to_numpy(), rest["_situation"].to_numpy()), 4)
    decisions = [pl.DataFrame(schema=DECISIONS)]
    for name in benchmarks or []:
        texts = given.texts(name)
        measures[name] = len(texts)
        here = rows.join(pl.concat(decisions).select("id"), on="id", how="anti").filter(pl.col("split") == "train")
        decisions.append(_seen_in(name, here, texts, given, threshold))
    gone = pl.concat(decisions)
    return Outcome(rows.join(gone.select("id"), on="id", how="anti", maintain_order="left"), gone, measures)


def _stop_at_leaks(train: pl.DataFrame, rest: pl.DataFrame, threshold: float) -> None:
    a, b, alike = join_across(train["_situation"].to_numpy(), rest["_situation"].to_numpy(), threshold)
    if len(a):
        worst = int(alike.argmax())
        raise PolicyError(
            f"{len(a)} pairs of scenarios stand in train and in another split; the closest are {alike[worst]:.3f} "
            f"alike: {train['scenario'][int(a[worst])]} and {rest['scenario'][int(b[worst])]} "
            f"({rest['split'][int(b[worst])]}). "
            "No dataset was made. Lower scenarios.threshold so that they stay together."
        )


def _seen_in(
    name: str, rows: pl.DataFrame, texts: list[tuple[str, str]], given: Given, threshold: float
) -> pl.DataFrame:
    """Return a drop for each row that stands in a benchmark: by its words, else by what its situation says."""
    if rows.is_empty() or not texts:
        return pl.DataFrame(schema=DECISIONS)
    told = rows.sort("scenario", "id").unique("scenario", keep="first", maintain_order=True)
    vectors = embed_texts([text for _, text in texts], given.embedder, given.cache, given.progress)
    a, b, alike = join_across(told["_situation"].to_numpy(), vectors, threshold)
    near = pl.DataFrame({"scenario": told["scenario"].gather(a), "at": b, "score": alike})
    near = near.sort(["scenario", "score", "at"], descending=[False, True, False]).unique("scenario", keep="first")
    words = _shared_runs(rows, texts)
    found = rows.select("id", "scenario").join(near, on="scenario", how="left").join(words, on="id", how="left")
    found = found.filter(pl.col("at").is_not_null() | pl.col("words_at").is_not_null()).sort("id")
    place = pl.Series([place for place, _ in texts])
    where = place.gather(found.select(pl.coalesce("words_at", "at"))["words_at"]).alias("where")
    because = (
        pl.when(pl.col("words_at").is_not_null())
        .then(pl.format("{} words in a row stand at {}", pl.lit(RUN), "where"))
        .otherwise(pl.format("its situation is {} alike to {}", pl.col("score").round(3), "where"))
    )
    return decide(found.with_columns(where), "drop", f"stands in {name}", because, score=pl.col("score"))


def _shared_runs(rows: pl.DataFrame, texts: list[tuple[str, str]]) -> pl.DataFrame:
    """Return for each row that shares a run of words with a text the number of the first such text."""
    bench = pl.DataFrame({"name": np.arange(len(texts)), "text": [text for _, text in texts]})
    fields = [rows.select(pl.col("id").alias("name"), pl.col(field).alias("text")) for field in TEXTS]
    shared = _runs(pl.concat(fields)).join(_runs(bench).rename({"name": "words_at"}), on="run")
    return shared.group_by(pl.col("name").alias("id")).agg(pl.col("words_at").min()).sort("id")


def _runs(frame: pl.DataFrame) -> pl.DataFrame:
    """Return name and run, as a hash, for each run of words in each of the texts."""
    words = pl.col("text").str.to_lowercase().str.extract_all(r"[\p{L}\p{N}]+")
    long = frame.select("name", pl.row_index("at"), words.alias("word")).explode("word")
    run = pl.concat_str([pl.col("word").shift(-n).over("at") for n in range(RUN)], separator=" ")
    return long.select("name", run.alias("run")).drop_nulls().select("name", pl.col("run").hash(1)).unique()
