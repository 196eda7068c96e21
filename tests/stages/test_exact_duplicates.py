from datetime import UTC, datetime, timedelta
from typing import Any

from curator.stages.exact_duplicates import exact_duplicates
from tests.conftest import rows

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def told_at(seconds: float, **more: Any) -> dict[str, Any]:
    return {"created_at": NOON + timedelta(seconds=seconds), **more}


def twins(**told: dict[str, Any]) -> dict[str, str]:
    return dict(exact_duplicates(rows(**told)).dropped.select("id", "twin").iter_rows())


def test_the_second_of_a_double_click_goes_and_names_the_first() -> None:
    outcome = exact_duplicates(rows(a=told_at(5), b=told_at(0)))

    assert outcome.dropped.drop("step").rows() == [
        ("a", "drop", "exact repeat", "the same person gave the same answer as b", 1.0, "b")
    ]
    assert outcome.rows["id"].to_list() == ["b"]


def test_spacing_and_capitals_do_not_make_another_answer() -> None:
    assert twins(a=told_at(0, analysis="Not  fair\nat all."), b=told_at(1, analysis=" not fair at ALL.")) == {"b": "a"}


def test_who_what_and_how_grave_make_another_answer() -> None:
    for other in (
        {"annotator": "annotator-2"},
        {"stakeholder": "manager"},
        {"verdict": "reasonable"},
        {"severity": 3},
        {"severity": None},
        {"situation": "Another story."},
        {"analysis": "Another view."},
    ):
        assert twins(a=told_at(0), b=told_at(1, **other)) == {}, other


def test_what_a_person_says_again_later_stays() -> None:
    assert twins(a=told_at(0), b=told_at(600), c=told_at(1201)) == {"b": "a"}


def test_a_run_of_repeats_has_one_keeper() -> None:
    assert twins(a=told_at(0), b=told_at(500), c=told_at(1000), d=told_at(5000), e=told_at(5001)) == {
        "b": "a",
        "c": "a",
        "e": "d",
    }


def test_without_times_every_repeat_is_one_and_the_smaller_id_stays() -> None:
    assert twins(c={}, a={}, b={}) == {"b": "a", "c": "a"}


def test_a_time_and_none_are_not_compared() -> None:
    assert twins(a={}, b=told_at(0)) == {}


def test_missing_severities_are_the_same_severity() -> None:
    assert twins(a={"severity": None}, b={"severity": None}) == {"b": "a"}
