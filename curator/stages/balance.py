"""balance: no role, verdict, field or person drowns out the others."""

from collections import Counter
from itertools import product
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from curator.errors import RecipeError, nearest
from curator.maths.neighbours import Vectors
from curator.maths.quotas import Ints, factors, nearest_kept, restore, within_shares
from curator.maths.selection import themes
from curator.phrases import theme_names
from curator.stage import Outcome, decide, stage

FIELDS = ["stakeholder", "verdict", "domain", "team", "theme"]
WORD, COUNT = pl.String(), pl.Int64()
FLOOR = {"fields": WORD, "cell": WORD, "wanted": COUNT, "before": COUNT, "after": COUNT, "collect": COUNT}
LEFT = {"id": WORD, "quota": WORD, "what": WORD, "because": WORD, "score": pl.Float64(), "twin": WORD, "voices": COUNT}
LEFT |= {"limit": COUNT}  # quota: cell | person; what: its name


@stage("corpus", after=["embed", "scenarios", "duplicates"])
def balance(
    rows: pl.DataFrame,
    *,
    cell: list[str] | None = None,
    ratio: float = 2.0,
    least: int = 3,
    per_person: float = 0.25,
    count: int = 8,
    floors: dict[str, int] | None = None,
    mode: Literal["drop", "weight"] = "drop",
) -> Outcome:
    """Cap each cell at `ratio` times the median cell, keep the most different rows in it, and weigh what is left.

    `cell` names the fields that make a cell (default: stakeholder, verdict, domain); no cell is cut below `least`
    rows. `per_person` is the share of what the caps leave that one annotator may hold; a cell's last row stays, and
    does not count. The objective: as many rows as caps and shares allow (at most 3 % below an integer program's
    optimum), and among those farthest-first. `floors` asks for so many rows of every combination, for example
    { stakeholder = 40, "stakeholder, verdict" = 8 }: neither cap nor share cuts below it, and what is short is listed
    as what to collect; no row is made up. `count` themes are found by k-means over the situations. Every row gets
    `theme` and `weight`: a scenario weighs 1 however many people judged it, shared by voices. With mode = "weight"
    nothing is dropped: a full cell's, then a busy person's rows weigh less instead. A dropped row names its twin, the
    kept row of its cell most like it. The table `quotas` says what each cap and share cost.
    """
    fields = _fields(["stakeholder", "verdict", "domain"] if cell is None else cell, "cells")
    wanted = {tuple(_fields(name.split(","), "floors")): most for name, most in (floors or {}).items()}
    themed = _themed(rows, count)
    if rows.is_empty():
        return Outcome(themed.with_columns(pl.lit(1.0).alias("weight")))
    parts = _parts(themed, fields)
    cap = max(1, least, int(np.ceil(ratio * float(np.median([len(at) for at in parts.values()])))))
    who = np.unique(themed["annotator"].to_numpy(), return_inverse=True)[1]
    vectors = _both(themed)
    capped, kept, allowed = within_shares(vectors, list(parts.values()), who, cap, per_person)
    stays = np.zeros(len(themed), bool)
    stays[np.concatenate(kept)] = True
    for names, most in wanted.items():
        restore(stays, list(_parts(themed, list(names)).values()), most, vectors)
    factor = factors(list(parts.values()), capped, who, allowed) if mode == "weight" else np.ones(len(themed))
    stays |= mode == "weight"
    told = _dropped(themed, parts, capped, stays, vectors, cap, allowed)
    reason = pl.col("quota").replace_strict(
        {"cell": "cell is full", "person": "one person's share"}, return_dtype=pl.String
    )
    decisions = decide(told, "drop", reason, pl.col("because"), score=pl.col("score"), twin=pl.col("twin"))
    left = themed.with_columns(pl.Series("_factor", factor)).filter(pl.Series(stays))
    share = pl.col("voices") * pl.col("_factor") / pl.col("voices").sum().over("scenario")
    left = left.with_columns(share.round(6).alias("weight")).drop("_factor")
    sizes = (
        themed.group_by(fields)
        .len("before")
        .join(left.group_by(fields).len("after"), on=fields, how="left", nulls_equal=True)
    )
    sizes = sizes.with_columns(pl.col("after").fill_null(0), pl.lit(cap).cast(pl.UInt32).alias("cap")).sort(fields)
    short = _short(themed, left, wanted)
    measures: dict[str, Any] = {
        "cap": cap,
        "cells": len(sizes),
        "full": sum(len(at) > cap for at in parts.values()),
        "evenness_before": _evenness(sizes["before"]),
        "evenness_after": _evenness(sizes["after"]),
        "themes": sorted(themed["theme"].unique().to_list()),
        "collect": [
            f"collect {n} more of {name}"
            for name, n in short.filter(pl.col("collect") > 0).select("cell", "collect").iter_rows()
        ],
    }
    return Outcome(left, decisions, measures, {"balance": sizes, "floors": short, "quotas": _costs(told)})


def _fields(names: list[str], of: str) -> list[str]:
    names = [name.strip() for name in names]
    if not names:
        raise RecipeError(f"Stage 'balance' needs a field for its {of}. There are: {', '.join(FIELDS)}.")
    for name in names:
        if name not in FIELDS:
            raise RecipeError(f"Stage 'balance' has no field {name!r} for its {of}. {nearest(name, FIELDS)}")
    return names


def _themed(rows: pl.DataFrame, count: int) -> pl.DataFrame:
    """Add `theme`: a number and the three words most typical of it."""
    if rows.is_empty():
        return rows.with_columns(pl.lit(None, pl.String()).alias("theme"))
    told = rows.sort("scenario", "id").unique("scenario", keep="first", maintain_order=True)
    names = theme_names(told["situation"], themes(told["_situation"].to_numpy(), count))
    named = told.select("scenario", pl.Series("theme", names))
    return rows.drop("theme", strict=False).join(named, on="scenario", how="left", maintain_order="left")


def _parts(rows: pl.DataFrame, fields: list[str]) -> dict[tuple[Any, ...], Ints]:
    """Return the places of each cell's rows, in an order that does not hang on the order of the rows."""
    placed = rows.with_row_index("_at").sort("id").group_by(fields, maintain_order=True).agg("_at")
    found = {tuple(key): np.array(at, np.int64) for *key, at in placed.iter_rows()}
    return {key: found[key] for key in sorted(found, key=lambda key: tuple(map(str, key)))}


def _dropped(
    rows: pl.DataFrame,
    parts: dict[tuple[Any, ...], Ints],
    capped: list[Ints],
    stays: NDArray[np.bool_],
    vectors: Vectors,
    cap: int,
    allowed: int,
) -> pl.DataFrame:
    """Return a line for each row that leaves: the quota, why, and its twin, the kept row of its cell most like it."""
    whole = np.concatenate(capped)
    held = Counter(rows["annotator"].gather(whole).to_list())
    survived, made = set(whole.tolist()), []
    ids, people, voices = (rows[name].to_list() for name in ("id", "annotator", "voices"))
    for key, at in parts.items():
        gone, kept = at[~stays[at]], at[stays[at]]
        name = " / ".join(map(str, key))
        for i, twin, alike in zip(gone.tolist(), *(x.tolist() for x in nearest_kept(vectors, gone, kept)), strict=True):
            who = people[i]
            if len(kept) < cap or (i in survived and held[who] > allowed):
                why = ("person", who, f"{who} holds {held[who]} of {len(whole)} rows, {allowed} at most")
            else:
                why = ("cell", name, f"the cell {name} has {len(at)} rows, {cap} at most; others in it differ more")
            made.append((ids[i], *why, alike, ids[twin], voices[i], cap if why[0] == "cell" else allowed))
    return pl.DataFrame(made, schema=LEFT, orient="row").sort("id")


def _short(rows: pl.DataFrame, left: pl.DataFrame, wanted: dict[tuple[str, ...], int]) -> pl.DataFrame:
    """Return every combination of the values there are that has a floor, also those that nobody has answered yet."""
    made = []
    for fields, most in wanted.items():
        before, after = (Counter(frame.select(fields).iter_rows()) for frame in (rows, left))
        for cell in product(*(rows[name].unique().sort(nulls_last=True).to_list() for name in fields)):
            name = " / ".join(map(str, cell))
            made.append((", ".join(fields), name, most, before[cell], after[cell], max(0, most - after[cell])))
    return pl.DataFrame(made, schema=FLOOR, orient="row")


def _costs(told: pl.DataFrame) -> pl.DataFrame:
    """Return what each quota took: rows, the voices behind them, and how like their twins they were on average."""
    cost = [pl.len().alias("rows"), pl.col("voices").sum(), pl.col("score").mean().round(4).alias("alike")]
    return told.group_by("quota", "what", "limit").agg(cost).sort("quota", "what")


def _both(rows: pl.DataFrame) -> Vectors:
    """Return situation and analysis as one vector of length 1."""
    whole = rows["_situation"].to_numpy().astype(np.float64) + rows["_analysis"].to_numpy()
    return np.asarray(whole / np.maximum(np.linalg.norm(whole, axis=1, keepdims=True), 1e-12), np.float32)


def _evenness(sizes: pl.Series) -> float:
    """Return the entropy of the sizes over its greatest value (Pielou 1966): 1 when all cells are equal."""
    share = sizes.filter(sizes > 0).to_numpy() / max(sizes.sum(), 1)
    return round(float(-(share * np.log(share)).sum() / np.log(len(share))), 4) if len(share) > 1 else 1.0
