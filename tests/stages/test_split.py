import polars as pl
import pytest

from curator.errors import RecipeError
from curator.stages.split import split
from tests.stages.placing import placed


def many(groups: int = 40) -> pl.DataFrame:
    """Two answers of two roles in every group."""
    told = {}
    for n in range(groups):
        domain = "logistics" if n % 4 == 0 else "retail"
        told[f"r{n:02d}a"] = {"scenario": f"s{n:02d}", "domain": domain}
        told[f"r{n:02d}b"] = {
            "scenario": f"s{n:02d}",
            "domain": domain,
            "stakeholder": "manager",
            "verdict": "reasonable",
        }
    return placed(**told)


def test_groups_are_shared_out_whole_and_as_was_asked() -> None:
    outcome = split(many(), train=0.7, validation=0.1, test=0.2)

    assert outcome.rows.group_by("group").agg(pl.col("split").n_unique())["split"].to_list() == [1] * 40
    assert outcome.measures["rows"] == {"train": 56, "validation": 8, "test": 16, "out_of_context": 0}
    assert dict(outcome.measures["groups"]) == {"train": 28, "validation": 4, "test": 8}
    assert outcome.decisions.is_empty()


def test_a_field_that_is_held_out_is_never_trained_on() -> None:
    outcome = split(many(), hold_out={"domain": ["logistics"]})

    assert outcome.rows.filter(pl.col("domain") == "logistics")["split"].unique().to_list() == ["out_of_context"]
    assert outcome.rows.filter(pl.col("domain") == "retail")["split"].unique().sort().to_list() == [
        "test",
        "train",
        "validation",
    ]


def test_one_held_out_row_takes_its_whole_group_along() -> None:
    told = placed(
        a={"scenario": "s", "group": "g", "team": "harbor"},
        b={"scenario": "t", "group": "g", "team": "summit"},
        c={"scenario": "u", "team": "harbor"},
    )

    outcome = split(told, hold_out={"team": ["summit"]})

    assert dict(outcome.rows.select("id", "split").iter_rows()) == {
        "a": "out_of_context",
        "b": "out_of_context",
        "c": "train",
    }


def test_the_roles_and_verdicts_are_spread_alike() -> None:
    table = split(many(), train=0.5, validation=0.0, test=0.5).tables["split"]

    assert table.rows() == [
        ("test", "employee", "questionable", 20),
        ("test", "manager", "reasonable", 20),
        ("train", "employee", "questionable", 20),
        ("train", "manager", "reasonable", 20),
    ]


def test_one_more_scenario_moves_few_of_the_others() -> None:
    before = dict(split(many(40)).rows.select("id", "split").iter_rows())
    after = dict(split(many(41)).rows.select("id", "split").iter_rows())

    assert sum(after[id] != name for id, name in before.items()) <= 8


def test_the_seed_changes_who_goes_where() -> None:
    assert not split(many(), seed=1).rows.equals(split(many(), seed=2).rows)
    assert split(many(), seed=1).rows.equals(split(many(), seed=1).rows)


def test_shares_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(RecipeError, match=r"add up to 1.1. Make it 1"):
        split(many(), train=0.9)
    with pytest.raises(RecipeError, match=r"add up to 1. Make it 1"):
        split(many(), train=1.2, validation=-0.2, test=0.0)


def test_an_unknown_field_to_hold_out_is_refused_with_the_nearest() -> None:
    with pytest.raises(RecipeError, match="Did you mean 'domain'"):
        split(many(), hold_out={"domian": ["retail"]})


def test_no_rows_are_no_trouble() -> None:
    outcome = split(many().head(0))

    assert outcome.rows["split"].to_list() == []
    assert outcome.measures["rows"]["train"] == 0
