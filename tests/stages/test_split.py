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


def crowd(scenarios: int = 60, people: int = 10) -> pl.DataFrame:
    """Everybody answers every scenario; half of the people are managers."""
    return placed(
        **{
            f"r{s:02d}{p}": {
                "scenario": f"s{s:02d}",
                "annotator": f"p{p}",
                "stakeholder": ["employee", "manager"][p % 2],
            }
            for s in range(scenarios)
            for p in range(people)
        }
    )


def test_nobody_stands_in_train_and_in_test_where_people_are_kept_apart() -> None:
    told = crowd()

    outcome = split(told, train=0.6, validation=0.2, test=0.2, apart="annotator")
    learns = set(outcome.rows.filter(pl.col("split") == "train")["annotator"])
    asked = set(outcome.rows.filter(pl.col("split") != "train")["annotator"])

    assert learns
    assert asked
    assert not learns & asked
    assert {int(who[1:]) % 2 for who in learns} == {int(who[1:]) % 2 for who in asked} == {0, 1}
    assert outcome.rows.height + outcome.dropped.height == told.height
    assert outcome.decisions["reason"].unique().to_list() == ["kept apart by annotator"]
    assert outcome.decisions["because"][0] in {
        f"p{p} is on the {side} side, the scenario in {name}"
        for p in range(10)
        for side, name in (("training", "validation"), ("training", "test"), ("asked", "train"))
    }


def test_what_is_held_out_stays_whoever_answered_it() -> None:
    told = crowd(20).with_columns(
        domain=pl.when(pl.col("scenario") < "s05").then(pl.lit("logistics")).otherwise(pl.lit("retail"))
    )

    outcome = split(told, hold_out={"domain": ["logistics"]}, apart="annotator")

    assert outcome.measures["rows"]["out_of_context"] == 50
    assert outcome.dropped.join(told.filter(pl.col("domain") == "logistics"), on="id", how="semi").is_empty()


def test_a_split_far_from_its_share_says_why() -> None:
    told = placed(**{f"r{n}": {"scenario": "big" if n < 6 else f"s{n}"} for n in range(10)})

    notes = split(told, train=0.5, validation=0.25, test=0.25).measures["notes"]

    assert notes
    assert all("groups are not cut, and the largest holds 60% of the rows" in note for note in notes)
    assert split(many(), train=0.7, validation=0.1, test=0.2).measures["notes"] == []


def test_only_people_and_teams_can_be_kept_apart() -> None:
    with pytest.raises(RecipeError, match="Did you mean 'annotator'"):
        split(many(), apart="anotator")


def test_nothing_held_out_is_no_trouble_in_a_large_set() -> None:
    """Polars 2.1 fails on a filter that is a literal from 65,537 rows on."""
    many = pl.concat([placed(a={"scenario": "s1"}, b={"scenario": "s2"})] * 35_000).with_row_index("n")
    told = many.with_columns(pl.col("n").cast(pl.String).alias("id")).drop("n")

    parted = split(told, train=0.5, validation=0.0, test=0.5).rows

    assert parted.height == 70_000
    assert "out_of_context" not in set(parted["split"])
