"""leaks: proof that nothing in a test was seen in training."""

import numpy as np
import polars as pl

from curator.errors import PolicyError
from curator.maths.neighbours import join_across
from curator.stage import Outcome, stage


@stage("corpus", after=["embed", "split"])
def leaks(rows: pl.DataFrame, *, threshold: float = 0.9) -> Outcome:
    """Compare every situation in `train` with every one in the other splits, exactly; PolicyError at a leak.

    `threshold` is a cosine. Nothing is dropped: a leak ends the run, since a number from a leaky test deceives.
    """
    told = rows.sort("id").unique(["scenario", "split"], keep="first", maintain_order=True)
    train, rest = told.filter(pl.col("split") == "train"), told.filter(pl.col("split") != "train")
    if train.is_empty() or rest.is_empty():
        return Outcome(rows, measures={"compared": 0, "closest": None})
    a, b, alike = join_across(train["_situation"].to_numpy(), rest["_situation"].to_numpy(), threshold)
    if len(a):
        worst = int(alike.argmax())
        raise PolicyError(
            f"{len(a)} pairs of scenarios stand in train and in another split; the closest are {alike[worst]:.3f} "
            f"alike: {train['scenario'][int(a[worst])]} and {rest['scenario'][int(b[worst])]} "
            f"({rest['split'][int(b[worst])]}). "
            "No dataset was made. Lower scenarios.threshold so that they stay together."
        )
    closest = max(
        float((train["_situation"].to_numpy()[i : i + 2048] @ rest["_situation"].to_numpy().T).max())
        for i in range(0, len(train), 2048)
    )
    return Outcome(rows, measures={"compared": len(train) * len(rest), "closest": round(np.float64(closest).item(), 4)})
