"""split: what is learnt from and what is asked later never touch."""

from collections import Counter
from typing import Any

import polars as pl

from curator.errors import RecipeError, nearest
from curator.example import SPLITS
from curator.maths.selection import deal
from curator.stage import DECISIONS, Outcome, decide, stage

HOLD_OUT = ["domain", "team", "stakeholder", "annotator"]
APART = ["annotator", "team"]
NEAR = 0.02  # how far a split may be from the share that was asked for before the reason is given


@stage("corpus", after=["scenarios"])
def split(
    rows: pl.DataFrame,
    *,
    train: float = 0.8,
    validation: float = 0.1,
    test: float = 0.1,
    hold_out: dict[str, list[str]] | None = None,
    apart: str | None = None,
    seed: int = 1,
) -> Outcome:
    """Give each row a `split`, whole groups at a time, with the roles and verdicts spread alike.

    `train`, `validation` and `test` are shares of the rows that are not held out. `hold_out` names fields and values,
    such as `{ domain = ["logistics"] }`: every group with such a row becomes `out_of_context`, never trained on.
    `apart`, which is annotator or team, lets nobody stand in train and also in validation or test: people are dealt
    to one side, role by role, and rows for which scenario and person fall on different sides are dropped.
    A split more than two points off its share says why under `notes`.
    """
    if apart is not None and apart not in APART:
        raise RecipeError(f"Stage 'split' cannot keep {apart!r} apart. {nearest(apart, APART)}")
    for field in hold_out or {}:
        if field not in HOLD_OUT:
            raise RecipeError(f"Stage 'split' cannot hold out by {field!r}. {nearest(field, HOLD_OUT)}")
    shares = {"train": train, "validation": validation, "test": test}
    if abs(sum(shares.values()) - 1) > 1e-6 or min(shares.values()) < 0:
        raise RecipeError(f"Stage 'split': train, validation and test add up to {sum(shares.values()):g}. Make it 1.")
    outside = [pl.col(field).is_in(values) for field, values in (hold_out or {}).items()]
    away = set(rows.filter(pl.any_horizontal(outside).fill_null(False))["group"]) if outside else set[str]()
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
    decisions = pl.DataFrame(schema=DECISIONS)
    if apart is not None:
        parted, decisions = _kept_apart(parted, apart, train, seed)
    table = parted.group_by("split", "stakeholder", "verdict").len("rows").sort("split", "stakeholder", "verdict")
    size = Counter(parted["split"])
    measures: dict[str, Any] = {
        "rows": {name: size[name] for name in SPLITS},
        "groups": Counter(dealt.values()),
        "notes": _off(size, shares, groups, apart),
    }
    return Outcome(parted, decisions, measures, {"split": table})


def _kept_apart(rows: pl.DataFrame, apart: str, train: float, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Deal people (or teams) to the side that learns or the side that asks; drop what lies across."""
    inside = rows.filter(pl.col("split") != "out_of_context").sort("id")
    people: dict[str, Counter[str]] = {}
    for who, role in inside.select(pl.col(apart).fill_null(""), "stakeholder").iter_rows():
        people.setdefault(who, Counter())[role] += 1
    side = deal(people, {"train": train, "asked": 1 - train}, seed)
    learns = pl.col(apart).fill_null("").replace_strict(side, default="train", return_dtype=pl.String()) == "train"
    across = (learns != (pl.col("split") == "train")) & (pl.col("split") != "out_of_context")
    because = pl.format(
        "{} is on the {} side, the scenario in {}",
        pl.col(apart).fill_null("nobody"),
        pl.when(learns).then(pl.lit("training")).otherwise(pl.lit("asked")),
        "split",
    )
    told = rows.filter(across).sort("id")
    return rows.filter(~across), decide(told, "drop", f"kept apart by {apart}", because)


def _off(size: Counter[str], shares: dict[str, float], groups: dict[str, Counter[str]], apart: str | None) -> list[str]:
    """Say for each split that is more than two points off its share by how much, and why."""
    total = sum(size[name] for name in shares)
    largest = max((one.total() for one in groups.values()), default=0)
    why = (
        f"rows that lie across were dropped to keep {apart} apart"
        if apart
        else (f"groups are not cut, and the largest holds {largest / max(total, 1):.0%} of the rows")
    )
    return [
        f"{name} holds {size[name] / total:.1%} where {share:.0%} was asked: {why}"
        for name, share in shares.items()
        if total and abs(size[name] / total - share) > NEAR
    ]
