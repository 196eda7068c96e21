"""An answer becomes a Label Studio result and comes back the same; what does not answer the page is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.errors import UsageError
from curator.labels.results import Unfit, controls, from_result, to_result
from curator.pack import Pack

TACTICS = ["gaslighting", "guilt_tripping", "shifting_goalposts", "isolation", "other"]
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda t: t.strip())


def test_the_page_asks_what_the_pack_maps(pack: Pack):
    page = controls(pack.config)

    assert list(page) == ["verdict", "tactic", "severity", "analysis"]
    assert set(page["verdict"].options) == set(pack.verdicts)
    assert [name for name, control in page.items() if control.required] == ["verdict", "severity", "analysis"]
    assert page["tactic"].shown == (("verdict", frozenset({"questionable", "manipulative"})),)


@given(
    verdict=st.sampled_from(["reasonable", "questionable", "manipulative"]),
    severity=st.integers(1, 5),
    analysis=texts,
    tactics=st.lists(st.sampled_from(TACTICS), unique=True),
)
def test_an_answer_comes_back_as_it_was(pack, verdict, severity, analysis, tactics):
    answer = {"verdict": verdict, "severity": severity, "analysis": analysis}
    answer |= {"tactics": tactics} if tactics else {}

    assert from_result(pack, to_result(pack, answer)) == answer


def test_tactics_may_stand_in_extra(pack: Pack):
    items = to_result(pack, {"verdict": "questionable", "extra": {"tactics": ["other"]}})

    assert {item["from_name"]: item["value"] for item in items} == {
        "verdict": {"choices": ["questionable"]},
        "tactic": {"choices": ["other"]},
    }


def test_a_choice_that_is_not_there_is_not_sent(pack: Pack):
    with pytest.raises(UsageError, match=r"no choice 'reasonabel' for the verdict\. Did you mean 'reasonable'\?"):
        to_result(pack, {"verdict": "reasonabel"})


def item(name: str, kind: str, **value: object) -> dict[str, object]:
    return {"from_name": name, "to_name": "situation", "type": kind, "value": value}


VERDICT = item("verdict", "choices", choices=["reasonable"])
SEVERITY = item("severity", "rating", rating=2)
ANALYSIS = item("analysis", "textarea", text=["Because."])


@pytest.mark.parametrize(
    ("result", "why"),
    [
        ([], "nothing was answered"),
        (None, "nothing was answered"),
        (["x"], "not made of answers"),
        ([item("verdict", "choices", choices=["cruel"]), SEVERITY, ANALYSIS], "'cruel', which is not among the page's"),
        ([item("verdict", "choices", choices=["reasonable", "questionable"]), SEVERITY, ANALYSIS], "allows one"),
        ([VERDICT, VERDICT, SEVERITY, ANALYSIS], "answers 'verdict' twice"),
        ([VERDICT, SEVERITY], "does not answer 'analysis'"),
        ([VERDICT, SEVERITY, item("analysis", "textarea", text=[" "])], "does not answer 'analysis'"),
        ([VERDICT, item("severity", "rating", rating=0), ANALYSIS], "does not answer 'severity'"),
        ([VERDICT, item("severity", "rating", rating=9), ANALYSIS], "the severity 9 is not between 1 and 5"),
        ([VERDICT, item("severity", "rating", rating=2.5), ANALYSIS], "not a whole number"),
        ([VERDICT, item("severity", "rating", rating="2"), ANALYSIS], "'severity' is not a number"),
        ([VERDICT, SEVERITY, ANALYSIS, item("mood", "choices", choices=["x"])], "'mood', which the page does not ask"),
        ([item("verdict", "rating", rating=1), SEVERITY, ANALYSIS], "'rating' where the page asks for 'choices'"),
    ],
)
def test_what_does_not_answer_the_page_is_refused(pack: Pack, result: object, why: str):
    with pytest.raises(Unfit) as refused:
        from_result(pack, result)

    assert why in str(refused.value)


def test_marks_in_the_text_and_relations_are_not_answers(pack: Pack):
    marks = [item("spans", "labels", labels=["x"]), {"type": "relation", "from_id": "a", "to_id": "b"}]

    assert from_result(pack, [VERDICT, SEVERITY, ANALYSIS, *marks]) == {
        "verdict": "reasonable",
        "severity": 2,
        "analysis": "Because.",
    }


def test_a_required_question_that_was_not_shown_is_not_missed(pack: Pack):
    config = pack.config.replace('<Choices name="tactic"', '<Choices required="true" name="tactic"')
    stricter = pack.model_copy(update={"config": config})

    assert from_result(stricter, [VERDICT, SEVERITY, ANALYSIS])["verdict"] == "reasonable"
    with pytest.raises(Unfit, match="does not answer 'tactic'"):
        from_result(stricter, [item("verdict", "choices", choices=["questionable"]), SEVERITY, ANALYSIS])
