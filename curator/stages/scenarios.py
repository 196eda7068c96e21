"""scenarios: which scenarios are tellings of one event, so that a split may not part them."""

import numpy as np
import polars as pl

from curator.maths.neighbours import components, join
from curator.stage import Outcome, stage


@stage("corpus", after=["embed"])
def scenarios(rows: pl.DataFrame, *, threshold: float = 0.85) -> Outcome:
    """Give scenarios whose situations are at least `threshold` alike (cosine) one `group`, the smallest scenario id.

    Chains count: if a is like b and b like c, all three stay together. Nothing is dropped.
    """
    if rows.is_empty():
        return Outcome(rows.with_columns(pl.lit(None, pl.String()).alias("group")))
    told = rows.sort("scenario", "id").unique("scenario", keep="first", maintain_order=True)
    a, b, alike = join(told["_situation"].to_numpy(), threshold)
    names = told["scenario"].to_numpy()
    label = components(len(names), a, b)
    first = np.full(label.max() + 1, len(names))
    np.minimum.at(first, label, np.arange(len(names)))
    groups = pl.DataFrame({"scenario": names, "group": names[first[label]]}, schema_overrides={"group": pl.String()})
    pairs = pl.DataFrame(
        {"a": names[a], "b": names[b], "alike": alike.round(4)},
        schema={"a": pl.String(), "b": pl.String(), "alike": pl.Float64()},
    ).sort("a", "b")
    measures = {"scenarios": len(names), "groups": groups["group"].n_unique(), "pairs": len(pairs)}
    joined = rows.drop("group", strict=False).join(groups, on="scenario", how="left", maintain_order="left")
    return Outcome(joined, measures=measures, tables={"scenario_pairs": pairs})
