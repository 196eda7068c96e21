"""balance: no role, verdict, field or person drowns out the others."""

from collections import Counter
from typing import Any, Literal

import numpy as np
import polars as pl

from curator.errors import RecipeError, nearest
from curator.maths.neighbours import Vectors
from curator.maths.selection import farthest_first, themes
from curator.stage import Outcome, decide, stage

FIELDS = ["stakeholder", "verdict", "domain", "team", "theme"]


@stage("corpus", after=["embed", "scenarios", "duplicates"])
def balance(
    rows: pl.DataFrame,
    *,
    cell: list[str] | None = None,
    ratio: float = 2.0,
    least: int = 3,
    per_person: float = 0.25,
    count: int = 8,
    mode: Literal["drop", "weight"] = "drop",
) -> Outcome:
    """Cap each cell at `ratio` times the median cell, keep the most different rows in it, and weigh what is left.

    `cell` names the fields that make a cell (default: stakeholder, verdict, domain); no cell is cut below `least`
    rows. `per_person` is the share of the set that one annotator may hold. `count` themes are found by k-means over
    the situations. Every row gets `theme` and `weight`: a scenario weighs 1 however many people judged it, shared by
    voices. With mode = "weight" nothing is dropped: a full cell's rows weigh less instead.
    """
    fields = ["stakeholder", "verdict", "domain"] if cell is None else cell
    if not fields:
        raise RecipeError(f"Stage 'balance' needs a field for its cells. There are: {', '.join(FIELDS)}.")
    for field in fields:
        if field not in FIELDS:
            raise RecipeError(f"Stage 'balance' has no field {field!r} for a cell. {nearest(field, FIELDS)}")
    themed = _themed(rows, count)
    if rows.is_empty():
        return Outcome(themed.with_columns(pl.lit(1.0).alias("weight")))
    sizes = themed.group_by(fields).len("before").sort(fields)
    cap = max(1, least, int(np.ceil(ratio * float(sizes["before"].median() or 0))))  # type: ignore[arg-type]  # median of integers
    full = {key: list(part["_at"]) for key, part in _parts(themed, fields) if part.height > cap}
    factor = np.ones(len(themed))
    gone: dict[int, tuple[str, str]] = {}
    vectors = _both(themed)
    for key, at in full.items():
        chosen = {at[i] for i in farthest_first(vectors[at], cap)}
        name = " / ".join(str(part) for part in key)
        for i in at:
            if mode == "weight":
                factor[i] = cap / len(at)
            elif i not in chosen:
                gone[i] = (
                    "cell is full",
                    f"the cell {name} has {len(at)} rows, {cap} at most; others in it differ more",
                )
    if mode == "drop":
        gone |= _over_share(themed, gone, per_person, fields, vectors)
    told = (
        themed[sorted(gone)]
        .select("id")
        .with_columns(
            pl.Series("_reason", [gone[i][0] for i in sorted(gone)], pl.String()),
            pl.Series("_because", [gone[i][1] for i in sorted(gone)], pl.String()),
        )
    )
    decisions = decide(told, "drop", pl.col("_reason"), pl.col("_because"))
    kept = themed.with_columns(pl.Series("_factor", factor)).filter(~pl.col("id").is_in(told["id"].implode()))
    share = pl.col("voices") * pl.col("_factor") / pl.col("voices").sum().over("scenario")
    kept = kept.with_columns(share.round(6).alias("weight")).drop("_factor")
    cells = sizes.join(kept.group_by(fields).len("after"), on=fields, how="left", nulls_equal=True).sort(fields)
    cells = cells.with_columns(pl.col("after").fill_null(0), pl.lit(cap).cast(pl.UInt32).alias("cap"))
    measures: dict[str, Any] = {
        "cap": cap,
        "cells": len(cells),
        "full": len(full),
        "evenness_before": _evenness(sizes["before"]),
        "evenness_after": _evenness(cells["after"]),
        "themes": _theme_names(themed),
    }
    return Outcome(kept, decisions, measures, {"balance": cells})


def _themed(rows: pl.DataFrame, count: int) -> pl.DataFrame:
    """Add `theme`: a number and the three words most typical of it."""
    if rows.is_empty():
        return rows.with_columns(pl.lit(None, pl.String()).alias("theme"))
    told = (
        rows.sort("scenario", "id")
        .unique("scenario", keep="first", maintain_order=True)
        .select("scenario", "situation", "_situation")
    )
    number = themes(told["_situation"].to_numpy(), count)
    words = told.select(
        pl.col("situation").str.to_lowercase().str.extract_all(r"\p{L}{4,}").list.unique().alias("word")
    )
    seen = words.with_columns(pl.Series("_theme", number)).explode("word").drop_nulls()
    everywhere = seen.group_by("word").len("all").filter(pl.col("all") > 1)
    typical = (
        seen.group_by("_theme", "word")
        .len("here")
        .join(everywhere, on="word")
        .with_columns((pl.col("here") * (len(told) / pl.col("all")).log()).alias("score"))
        .sort(["_theme", "score", "word"], descending=[False, True, False])
        .group_by("_theme", maintain_order=True)
        .agg(pl.col("word").head(3))
    )
    label = {theme: f"{theme + 1}: {', '.join(words)}" for theme, words in typical.iter_rows()}
    named = pl.DataFrame({"scenario": told["scenario"], "theme": [label.get(n, f"{n + 1}") for n in number.tolist()]})
    return rows.drop("theme", strict=False).join(named, on="scenario", how="left", maintain_order="left")


def _parts(rows: pl.DataFrame, fields: list[str]) -> list[tuple[tuple[Any, ...], pl.DataFrame]]:
    """Return the rows of each cell with their places, in an order that does not hang on the order of the rows."""
    placed = rows.with_row_index("_at").select("_at", "id", *fields).sort("id")
    return sorted(
        ((key, part) for key, part in placed.group_by(fields)),
        key=lambda pair: tuple(str(k) for k in pair[0]),
    )


def _over_share(
    rows: pl.DataFrame, gone: dict[int, tuple[str, str]], most: float, fields: list[str], vectors: Vectors
) -> dict[int, tuple[str, str]]:
    """Return further rows to drop, so that nobody holds more than `most` of the set; never the last of a cell."""
    left = (
        rows.with_row_index("_at")
        .filter(~pl.col("_at").is_in(list(gone)))
        .select("_at", "id", "annotator", *fields)
        .sort("id")
    )
    if left["annotator"].n_unique() * most < 1.5:  # so few people that a cap would only throw work away
        return {}
    allowed = max(1, int(most * len(left)))
    held = Counter(left.select(fields).iter_rows())
    extra: dict[int, tuple[str, str]] = {}
    for (person,), part in sorted(left.group_by(["annotator"]), key=lambda pair: str(pair[0])):
        if part.height <= allowed:
            continue
        at = part["_at"].to_list()
        chosen = {at[i] for i in farthest_first(vectors[at], allowed)}
        because = f"{person} holds {part.height} of {len(left)} rows, {allowed} at most"
        for i, cell in zip(at, part.select(fields).iter_rows(), strict=True):
            if i not in chosen and held[cell] > 1:
                held[cell] -= 1
                extra[i] = ("one person's share", because)
    return extra


def _both(rows: pl.DataFrame) -> Vectors:
    """Return situation and analysis as one vector of length 1."""
    whole = rows["_situation"].to_numpy().astype(np.float64) + rows["_analysis"].to_numpy()
    return np.asarray(whole / np.maximum(np.linalg.norm(whole, axis=1, keepdims=True), 1e-12), np.float32)


def _evenness(sizes: pl.Series) -> float:
    """Return the entropy of the sizes over its greatest value (Pielou 1966): 1 when all cells are equal."""
    share = sizes.filter(sizes > 0).to_numpy() / max(sizes.sum(), 1)
    return round(float(-(share * np.log(share)).sum() / np.log(len(share))), 4) if len(share) > 1 else 1.0


def _theme_names(rows: pl.DataFrame) -> list[str]:
    return sorted(rows["theme"].unique().to_list())
