"""What `quality` finds in the sample, where a fault is planted, and whom it must leave alone."""

from functools import cache

import polars as pl
import pytest

from benchmarks.quality import auroc, before_quality, flip, lone_dissent, only_one_of_role, plant_phrase
from curator.stages.quality import quality

pytestmark = pytest.mark.slow


@cache
def clean() -> pl.DataFrame:
    """The sample as it comes to `quality`, without what was planted in it as careless or off topic."""
    return before_quality()


def flagged(rows: pl.DataFrame, *reasons: str) -> set[str]:
    told = quality(rows, another_verdict=0.97).decisions
    return set((told.filter(pl.col("reason").is_in(reasons)) if reasons else told)["id"])


def test_a_trigger_of_one_contributor_is_found_in_nearly_every_run_and_nearly_nothing_else() -> None:
    runs, found, false = 20, 0, 0.0
    for seed in range(runs):
        rows, planted = plant_phrase(clean(), seed)
        caught = flagged(rows, "one person's phrase")
        found += len(caught & planted) >= 9
        false += len(caught - planted) / (rows.height - len(planted)) / runs

    assert found >= 0.95 * runs
    assert false <= 0.02


def test_people_who_alone_see_it_so_are_left_alone() -> None:
    alone = lone_dissent(clean())

    assert len(alone) >= 40
    assert len(flagged(clean()) & alone) <= 0.05 * len(alone)


@pytest.mark.parametrize("role", ["employee", "manager", "hr", "outside_expert"])
def test_the_only_person_of_a_role_is_left_alone(role: str) -> None:
    rows, minority = only_one_of_role(clean(), role)

    assert len(flagged(rows) & minority) <= 0.05 * len(minority)


def test_planted_flips_come_before_others_by_other_peoples_words() -> None:
    """Little more than chance would have it, which is why this flag is off unless a recipe asks for it."""
    assert 0.65 < auroc(*flip(clean(), seed=1)) < 0.9
