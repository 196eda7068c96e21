from datetime import UTC, datetime

import numpy as np
import polars as pl

from curator.stage import Outcome
from curator.stages.duplicates import duplicates
from tests.stages.placing import placed


def twins(outcome: Outcome) -> dict[str, str]:
    return dict(outcome.dropped.select("id", "twin").iter_rows())


def voices(outcome: Outcome) -> dict[str, int]:
    return dict(outcome.rows.select("id", "voices").iter_rows())


def test_what_the_same_role_said_twice_is_one_row_with_two_voices() -> None:
    outcome = duplicates(
        placed(
            a={"annotator": "p1", "analysis": "It was not fair."},
            b={"annotator": "p2", "analysis": "It was not fair at all.", "_analysis": 8},
        )
    )

    assert outcome.dropped.drop("step").rows() == [
        (
            "a",
            "drop",
            "said by the same role before",
            "the same role gave the same verdict, and its analysis is 0.99 alike to b",
            0.9903,
            "b",
        )
    ]
    assert voices(outcome) == {"b": 2}
    assert outcome.measures == {"merged": 1, "voices": 2}


def test_another_role_verdict_scenario_or_view_is_never_a_duplicate() -> None:
    for other in (
        {"stakeholder": "manager"},
        {"verdict": "reasonable"},
        {"scenario": "t", "_situation": 30},
        {"scenario": "t", "_context": 60},
        {"_analysis": 26},
    ):
        outcome = duplicates(placed(a={"annotator": "p1"}, b={"annotator": "p2"} | other))
        assert voices(outcome) == {"a": 1, "b": 1}, other


def test_answers_to_two_tellings_stay_unless_the_recipe_merges_them() -> None:
    told = placed(
        a={"scenario": "s", "annotator": "p1"}, b={"scenario": "t", "annotator": "p2", "_situation": 8, "_context": 30}
    )

    assert duplicates(told).dropped.is_empty()
    assert duplicates(told).tables["pairs"]["why"].to_list() == ["two tellings"]
    assert twins(duplicates(told, tellings="merge")) == {"b": "a"}
    assert duplicates(told, tellings="merge").tables["pairs"]["kind"].to_list() == ["merged"]


def test_a_person_who_said_it_twice_is_one_voice() -> None:
    outcome = duplicates(placed(a={"annotator": "p1"}, b={"annotator": "p1"}, c={"annotator": "p2"}))

    assert voices(outcome) == {"a": 2}


def test_the_best_is_kept_by_flags_then_length_then_age_then_id() -> None:
    early, late = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    long, short = "A long view of what went on.", "A short view."

    def keeper(**told: dict[str, object]) -> list[str]:
        return duplicates(placed(**told)).rows["id"].to_list()

    assert keeper(a={"_flags": 1, "analysis": long}, b={"_flags": 0, "analysis": short}) == ["b"]
    assert keeper(a={"analysis": short, "created_at": early}, b={"analysis": long, "created_at": late}) == ["b"]
    assert keeper(a={"created_at": late}, b={"created_at": early}) == ["b"]
    assert keeper(a={"created_at": None}, b={"created_at": early}) == ["b"]
    assert keeper(b={}, a={}) == ["a"]


def test_no_chain_is_merged_into_one() -> None:
    chain = {f"r{n}": {"annotator": f"p{n}", "_analysis": 20 * n} for n in range(4)}  # .940 alike, next but one .766

    outcome = duplicates(placed(**chain))

    assert twins(outcome) == {"r1": "r0", "r3": "r2"}
    assert voices(outcome) == {"r0": 2, "r2": 2}


def test_the_thresholds_are_settings() -> None:
    told = placed(a={"annotator": "p1"}, b={"annotator": "p2", "_analysis": 26, "scenario": "t", "_situation": 30})

    assert duplicates(told).dropped.is_empty()
    assert duplicates(told, analysis=0.89, tellings="merge").dropped.is_empty()
    assert twins(duplicates(told, analysis=0.89, tellings="merge", scenario=0.86)) == {"b": "a"}


def test_the_closest_kept_apart_and_the_farthest_merged_are_listed_for_a_person_to_see() -> None:
    told = placed(
        a={"annotator": "p1"},
        b={"annotator": "p2", "_analysis": 8},
        c={"annotator": "p3", "_analysis": 16},
        d={"annotator": "p4", "_analysis": 20, "verdict": "reasonable"},
        e={"annotator": "p5", "_analysis": 3, "stakeholder": "manager"},
        f={"annotator": "p6", "_analysis": 1, "scenario": "t", "_situation": 28},
    )

    pairs = duplicates(told, look=3).tables["pairs"]

    assert pairs.filter(pl.col("kind") == "merged").select("a", "b", "alike").rows() == [
        ("c", "a", 0.9613),
        ("b", "a", 0.9903),
    ]
    assert pairs.filter(pl.col("kind") == "kept apart").select("a", "b", "why").rows() == [
        ("a", "f", "different scenarios"),
        ("e", "f", "different scenarios"),
        ("a", "e", "different roles"),
    ]


def test_no_rows_are_no_trouble() -> None:
    outcome = duplicates(placed(a={}).drop("voices").head(0))

    assert outcome.rows.is_empty()
    assert "voices" in outcome.rows.columns
    assert outcome.tables["pairs"].is_empty()


def test_scenarios_that_are_far_apart_are_not_compared_at_all() -> None:
    told = placed(a={}, b={"scenario": "t", "_situation": 90}, c={"scenario": "u", "_context": 90})

    assert duplicates(told).tables["pairs"].is_empty()


def test_the_same_words_to_many_scenarios_are_not_compared_with_each_other() -> None:
    """20,000 times "Fine.": 200 million pairs if all were compared, 120 thousand inside the scenarios."""
    size, scenarios = 20_000, 5_000
    number = np.arange(size) // 4
    places = np.random.default_rng(1).normal(size=(scenarios, 64)).astype(np.float32)
    places /= np.linalg.norm(places, axis=1, keepdims=True)
    name = pl.Series(number).cast(pl.String())
    told = pl.concat([placed(a={"analysis": "Fine."})] * size).with_columns(
        pl.Series("id", [f"r{n:05d}" for n in range(size)]),
        name.alias("scenario"),
        name.alias("situation"),
        pl.Series("annotator", [f"p{n % 4}" for n in range(size)]),
        pl.Series("_situation", places[number], pl.Array(pl.Float32, 64)),
    )

    outcome = duplicates(told)

    assert outcome.rows["voices"].to_list() == [4] * scenarios
