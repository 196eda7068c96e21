import pytest

from curator.pack import Pack
from curator.stage import Given
from curator.stages.validate import validate
from tests.conftest import rows

LONG = "Nobody was asked, and it was done anyway."


def reasons(given: Given, **told: object) -> dict[str, str]:
    outcome = validate(rows(**told), given=given)  # type: ignore[arg-type]
    return dict(outcome.dropped.select("id", "reason").iter_rows())


def test_an_answer_must_say_something_that_can_be_learnt(known: Given) -> None:
    assert reasons(
        known,
        fine=LONG,
        empty="",
        one="Unacceptable.",
        two="Not nice",
        short="I a a a a b",
        long="word " * 5000,
    ) == {
        "empty": "no analysis",
        "one": "one word",
        "two": "too few words",
        "short": "too short",
        "long": "too long",
    }


def test_a_script_without_spaces_counts_by_characters_alone(known: Given) -> None:
    assert reasons(known, chinese="这件事没有问过任何人就直接做了,我觉得很不公平。", few="不公平。") == {
        "few": "too short"
    }


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"verdict": "perhaps"}, "unknown verdict"),
        ({"verdict": None}, "unknown verdict"),
        ({"stakeholder": "customer"}, "unknown stakeholder"),
        ({"severity": 6}, "severity off the scale"),
        ({"severity": 0}, "severity off the scale"),
        ({"situation": ""}, "no situation"),
    ],
)
def test_labels_and_scenario_must_be_those_of_the_pack(known: Given, told: dict[str, object], reason: str) -> None:
    assert reasons(known, a=told) == {"a": reason}


def test_no_severity_is_no_fault(known: Given) -> None:
    assert reasons(known, a={"severity": None}) == {}


def test_the_evidence_names_what_was_counted(known: Given) -> None:
    outcome = validate(rows(a={"analysis": "Fine.", "severity": None}), given=known)

    assert outcome.dropped["because"].to_list() == [
        "the analysis has 1 words, 5 characters; verdict questionable, stakeholder employee, severity missing"
    ]


def test_the_limits_are_settings_and_a_pack_is_not_needed(pack: Pack) -> None:
    told = rows(a={"analysis": "Fine.", "verdict": "whatever"})

    assert validate(told, given=Given(), least=1, words=1).dropped["reason"].to_list() == ["one word"]
    assert validate(rows(a="Not nice"), given=Given(pack=pack), least=1, words=2).dropped.is_empty()
