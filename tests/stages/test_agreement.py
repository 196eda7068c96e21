from datetime import UTC, datetime
from typing import Any

import polars as pl

from curator.stage import Given, Outcome
from curator.stages.agreement import agreement
from tests.conftest import rows


def judged(given: Given, *answers: tuple[str, str, str, str], severities: list[int | None] | None = None) -> Outcome:
    """Each answer: scenario, annotator, stakeholder, verdict."""
    told: dict[str, Any] = {}
    for n, (scenario, annotator, stakeholder, verdict) in enumerate(answers):
        severity = severities[n] if severities else 1
        told[f"r{n}"] = {
            "situation": scenario,
            "annotator": annotator,
            "stakeholder": stakeholder,
            "verdict": verdict,
            "severity": severity,
        }
    return agreement(rows(**told), given=given, draws=50)


def pair(outcome: Outcome, a: str, b: str) -> dict[str, Any]:
    return outcome.tables["agreement"].filter((pl.col("a") == a) & (pl.col("b") == b)).row(0, named=True)


def test_no_row_is_touched(known: Given) -> None:
    told = rows(a={}, b={"annotator": "annotator-2"})
    outcome = agreement(told, given=known)

    assert outcome.rows.equals(told)
    assert outcome.decisions.is_empty()


def test_one_that_everybody_sees_alike_and_one_that_roles_see_differently(known: Given) -> None:
    outcome = judged(
        known,
        ("one", "p1", "employee", "manipulative"),
        ("one", "p2", "manager", "reasonable"),
        ("two", "p1", "employee", "reasonable"),
        ("two", "p2", "manager", "reasonable"),
        ("alone", "p1", "employee", "reasonable"),
    )

    assert outcome.measures["contested"] == {"judged": 2, "contested": 1, "share": 0.5}
    assert outcome.measures["split_within"] == {"judged": 0, "contested": 0, "share": None}
    both = pair(outcome, "employee", "manager")
    assert (both["scenarios"], both["answers"], both["same"]) == (2, 4, 0.5)
    # Coincidences: manipulative once, reasonable three times; 1 - (2/4) / (2*1*3/(4*3)) = 0.
    assert both["alpha"] == 0.0
    assert pair(outcome, "employee", "employee")["why"] == "fewer than two scenarios were judged twice"


def test_two_people_of_one_role_who_differ_are_split_within(known: Given) -> None:
    outcome = judged(
        known,
        ("one", "p1", "employee", "manipulative"),
        ("one", "p2", "employee", "reasonable"),
        ("two", "p1", "employee", "reasonable"),
        ("two", "p2", "employee", "reasonable"),
    )

    assert outcome.measures["split_within"] == {"judged": 2, "contested": 1, "share": 0.5}
    assert outcome.measures["contested"] == {"judged": 0, "contested": 0, "share": None}
    assert pair(outcome, "employee", "employee")["same"] == 0.5


def test_a_person_counts_once_by_their_last_answer(known: Given) -> None:
    first, last = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    told = rows(
        z={"verdict": "manipulative", "updated_at": first},
        a={"verdict": "reasonable", "updated_at": last},
        b={"verdict": "reasonable", "annotator": "annotator-2", "stakeholder": "manager", "updated_at": first},
    )

    outcome = agreement(told, given=known)

    assert outcome.measures["contested"] == {"judged": 1, "contested": 0, "share": 0.0}
    assert outcome.measures["all"]["answers"] == 2


def test_severities_are_compared_as_an_order_and_missing_ones_are_left_out(known: Given) -> None:
    answers = [(s, p, r, "reasonable") for s in ("x", "y", "z") for p, r in (("p1", "employee"), ("p2", "manager"))]

    near = judged(known, *answers, severities=[1, 2, 3, 3, 5, 5]).measures["severity"]
    far = judged(known, *answers, severities=[1, 5, 3, 3, 5, 1]).measures["severity"]
    gaps = judged(known, *answers, severities=[1, None, 3, 3, 5, 5]).measures["severity"]

    assert near["alpha"] > 0.8 > 0 > far["alpha"]
    assert (gaps["units"], gaps["answers"], gaps["alpha"]) == (2, 4, 1.0)


def test_every_pair_of_roles_has_a_line_and_none_is_nan(known: Given) -> None:
    outcome = judged(
        known, ("one", "p1", "hr", "reasonable"), ("one", "p2", "employee", "odd"), ("one", "p3", "manager", "odd")
    )

    table = outcome.tables["agreement"]
    assert table.select("a", "b").rows() == [
        ("employee", "employee"),
        ("employee", "hr"),
        ("employee", "manager"),
        ("hr", "hr"),
        ("hr", "manager"),
        ("manager", "manager"),
    ]
    assert table.select(pl.col("alpha", "low", "high", "same").is_nan().any()).row(0) in (
        (False,) * 4,
        (None,) * 4,
        (False, False, False, None),
        (None, None, None, False),
    )
    assert (table["why"] != "").all()


def test_no_answers_are_no_trouble(known: Given) -> None:
    outcome = agreement(rows(a={}).head(0), given=known)

    assert outcome.measures["all"]["why"] == "fewer than two scenarios were judged twice"
    assert outcome.tables["agreement"].is_empty()


def test_each_pair_of_roles_has_a_kappa_or_says_why(known: Given) -> None:
    told = [
        (scenario, person, role, verdict)
        for scenario, mine, theirs in (("x", "odd", "odd"), ("y", "odd", "fair"), ("z", "fair", "fair"))
        for person, role, verdict in (("p1", "employee", mine), ("p2", "employee", mine), ("p3", "manager", theirs))
    ]
    outcome = judged(known, *told)

    between, within = pair(outcome, "employee", "manager"), pair(outcome, "employee", "employee")
    assert between["kappa"] == 0.4, "two of three alike, chance is 2/3 * 1/3 + 1/3 * 2/3 = 4/9"
    assert within["kappa"] == 1.0
    assert pair(outcome, "manager", "manager")["kappa_why"] == "fewer than two scenarios were judged twice"


def test_each_person_is_compared_with_their_role_and_with_themselves(known: Given) -> None:
    moments = [datetime(2026, month, 1, tzinfo=UTC) for month in (1, 2)]
    told: dict[str, Any] = {
        f"{scenario}{n}": {"situation": scenario, "annotator": "p1", "verdict": verdict, "created_at": moments[n]}
        for scenario, verdicts in (("x", ("odd", "odd")), ("y", ("odd", "fair")))
        for n, verdict in enumerate(verdicts)
    }
    told |= {f"{s}2": {"situation": s, "annotator": "p2", "verdict": "odd"} for s in ("x", "y")}

    people = agreement(rows(**told), given=known, draws=20).tables["annotators"]

    looked = people.select("annotator", "with", "looks", "same").rows()
    assert looked == [
        ("p1", "own role", 2, 0.5),
        ("p2", "own role", 2, 0.5),
        ("p1", "self", 2, 0.5),
        ("p2", "self", 0, None),
    ]
    assert people["why"][3] == "nothing was judged twice by this person"


def test_what_differs_is_split_into_three_parts_for_verdicts_and_severities(known: Given) -> None:
    told = [
        (scenario, f"{role}-{n}", role, "odd" if role == "hr" else "fair")
        for scenario in ("x", "y", "z")
        for role in ("hr", "employee")
        for n in range(2)
    ]
    table = judged(known, *told, severities=[4, 4, 2, 2] * 3).tables["variation"]

    assert table.select("of", "part", "share").rows() == [
        ("verdict", "within person", None),
        ("verdict", "within role", 0.0),
        ("verdict", "between roles", 1.0),
        ("severity", "within person", None),
        ("severity", "within role", 0.0),
        ("severity", "between roles", 1.0),
    ]
    assert table["why"][0] == "nobody judged a scenario twice, so it cannot be told from what differs within a role"
