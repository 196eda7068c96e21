"""split: what is learnt from and what is asked later never touch."""

from collections import Counter
from typing import Any

import polars as pl

from curator.errors import RecipeError, nearest
from curator.example import SPLITS
from curator.maths.selection import deal
from curator.stage import Outcome, stage

HOLD_OUT = ["domain", "team", "stakeholder", "annotator"]


@stage("corpus", after=["scenarios"])
def split(
    rows: pl.DataFrame,
    *,
    train: float = 0.8,
    validation: float = 0.1,
    test: float = 0.1,
    hold_out: dict[str, list[str]] | None = None,
    seed: int = 1,
) -> Outcome:
    """Give each row a `split`, whole groups at a time, with the roles and verdicts spread alike.

    `train`, `validation` and `test` are shares of the rows that are not held out. `hold_out` names fields and values,
    such as `{ domain = ["logistics"] }`: every group with such a row becomes `out_of_context`, never trained on.
    """
    for field in hold_out or {}:
        if field not in HOLD_OUT:
            raise RecipeError(f"Stage 'split' cannot hold out by {field!r}. {nearest(field, HOLD_OUT)}")
    shares = {"train": train, "validation": validation, "test": test}
    if abs(sum(shares.values()) - 1) > 1e-6 or min(shares.values()) < 0:
        raise RecipeError(f"Stage 'split': train, validation and test add up to {sum(shares.values()):g}. Make it 1.")
    outside = pl.any_horizontal(pl.lit(False), *(pl.col(f).is_in(v) for f, v in (hold_out or {}).items())).fill_null(
        False
    )
    away = set(rows.filter(outside)["group"])
    inside = rows.filter(~pl.col("group").is_in(list(away)))
    groups: dict[str, Counter[str]] = {}
    for group, role, verdict in inside.sort("id").select("group", "stakeholder", "verdict").iter_rows():
        groups.setdefault(group, Counter())[f"{role}|{verdict}"] += 1
    dealt = deal(groups, {name: share for name, share in shares.items() if share > 0}, seed)
    dealt |= dict.fromkeys(away, "out_of_context")
    chosen = (
        rows["group"].replace_strict(dealt, return_dtype=pl.String()) if dealt else pl.Series([], dtype=pl.String())
    )
    parted = rows.with_columns(chosen.alias("split"))
    table = parted.group_by("split", "stakeholder", "verdict").len("rows").sort("split", "stakeholder", "verdict")
    size = Counter(parted["split"])
    measures: dict[str, Any] = {
        "rows": {name: size[name] for name in SPLITS},
        "groups": Counter(dealt.values()),
    }
    return Outcome(parted, measures=measures, tables={"split": table})
