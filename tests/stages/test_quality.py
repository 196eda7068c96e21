import polars as pl
import pytest

from curator.errors import RecipeError
from curator.stages.quality import quality
from tests.stages.placing import placed

LONG = "Nobody was asked, and it was done anyway, which is why I would have said no on the spot."


def flags(frame: pl.DataFrame, **settings: object) -> list[tuple[str, str, str]]:
    told = quality(frame, **settings).decisions.sort("id", "reason")  # type: ignore[arg-type]
    return told.select("id", "action", "reason").rows()


def test_a_text_far_from_its_scenario_and_from_all_others_is_off_topic() -> None:
    told = placed(
        on={"analysis": LONG, "_analysis": 60, "annotator": "p1"},
        off={"analysis": LONG, "_analysis": -95, "annotator": "p2"},
    )

    assert flags(told) == [("off", "flag", "off topic")]
    assert quality(told).decisions["because"].to_list() == [
        "its closeness to the scenario and to all other answers is -0.0872 at most, below 0.15"
    ]


def test_closeness_to_the_context_alone_is_enough() -> None:
    assert flags(placed(a={"analysis": LONG, "_analysis": 95, "_context": 60})) == []


def test_a_view_that_somebody_else_shares_is_on_topic_but_one_repeated_by_oneself_is_not() -> None:
    shared = placed(
        a={"analysis": LONG, "_analysis": 100, "annotator": "p1"},
        b={"analysis": LONG, "_analysis": 40, "annotator": "p2"},
    )
    repeated = placed(
        a={"analysis": LONG, "_analysis": 100, "annotator": "p1"},
        b={"analysis": LONG, "_analysis": 100, "annotator": "p1"},
    )

    assert flags(shared) == []
    assert flags(repeated) == [("a", "flag", "off topic"), ("b", "flag", "off topic")]


def test_what_one_person_wrote_about_several_scenarios_is_copied() -> None:
    told = placed(
        a={"scenario": "s1", "analysis": LONG},
        b={"scenario": "s2", "analysis": LONG, "_analysis": 10},
        c={"scenario": "s3", "analysis": LONG, "annotator": "p2"},
        d={"scenario": "s1", "analysis": LONG, "_analysis": 60},
    )

    assert flags(told) == [("a", "flag", "copied between scenarios"), ("b", "flag", "copied between scenarios")]
    assert flags(told, copies=2) == []


def test_the_same_words_about_two_tellings_of_one_event_are_no_copy() -> None:
    assert (
        flags(
            placed(
                a={"scenario": "s1", "group": "g"} | {"analysis": LONG},
                b={"scenario": "s2", "group": "g", "analysis": LONG},
            )
        )
        == []
    )


def test_little_is_counted_in_words() -> None:
    assert flags(placed(a={"analysis": "One two three four five."})) == [("a", "flag", "says little")]
    assert flags(placed(a={"analysis": "One two three four five."}), little=5) == []


def test_one_persons_flood_needs_more_than_two_people() -> None:
    told = {f"r{n}": {"analysis": LONG, "annotator": f"p{n if n > 3 else 0}", "scenario": "s"} for n in range(8)}

    assert [flag for flag in flags(placed(**told)) if flag[2] == "one person's flood"] == [
        (f"r{n}", "flag", "one person's flood") for n in range(4)
    ]
    assert flags(placed(a={"analysis": LONG}, b={"analysis": LONG})) == []


def test_a_reason_in_drop_takes_the_row_out_once_and_the_rest_are_counted() -> None:
    told = placed(
        off={"analysis": "Three short words.", "_analysis": 180, "annotator": "p1"},
        short={"analysis": "Three short words.", "annotator": "p2"},
        fine={"analysis": LONG, "annotator": "p3"},
    )

    outcome = quality(told, drop=["off topic"])

    assert outcome.decisions.select("id", "action", "reason").rows() == [
        ("off", "drop", "off topic"),
        ("short", "flag", "says little"),
    ]
    assert dict(outcome.rows.select("id", "_flags").iter_rows()) == {"short": 1, "fine": 0}
    assert set(outcome.rows.columns) == {*told.columns, "_flags"}


def test_a_lone_dissenter_is_never_flagged_for_it() -> None:
    told = {f"r{n}": {"analysis": LONG, "annotator": f"p{n}", "verdict": "manipulative"} for n in range(9)}
    told["r0"]["verdict"] = "reasonable"

    assert flags(placed(**told)) == []


def test_an_unknown_reason_is_refused_with_the_nearest() -> None:
    with pytest.raises(RecipeError, match="Did you mean 'off topic'"):
        quality(placed(a={}), drop=["of topic"])


def test_no_rows_are_no_trouble() -> None:
    assert quality(placed(a={}).head(0)).rows.is_empty()


WORDS = [
    f"{a}{b}" for a in ("br", "cl", "dr", "fl", "gr", "pl", "st", "tr") for b in ("ade", "ent", "ick", "omp", "ust")
]


def spoken(n: int) -> str:
    """Twenty words that are different in each telling, and none of them anybody's own."""
    return " ".join(WORDS[(n * 7 + k * 3) % len(WORDS)] for k in range(20))


def test_an_answer_of_a_model_is_said_to_be_one() -> None:
    told = placed(a={"analysis": LONG, "origin": "model"}, b={"analysis": LONG, "origin": "edited"})

    assert flags(told) == [("a", "flag", "written by a model")]


def test_what_repeats_the_scenario_word_by_word_is_copied_from_it() -> None:
    situation = "The rota was changed on the evening before and nobody on the team was asked whether they could come."
    told = placed(
        a={"situation": situation, "analysis": f"Well. {situation} Yes."},
        b={"situation": situation, "analysis": f"They write that nobody on the team was asked. {LONG}"},
    )

    assert flags(told) == [("a", "flag", "copied from the scenario")]
    assert quality(told).decisions["because"].to_list() == ["88.9 % of it stands word by word in the scenario"]
    assert flags(told, quoted=0.95) == []


def test_a_text_is_short_beside_what_two_others_wrote_about_the_same() -> None:
    told = {f"p{n}": {"analysis": f"{LONG} " * 5, "annotator": f"p{n}"} for n in range(2)}
    told["short"] = {"analysis": LONG, "annotator": "p2", "_analysis": 30}

    assert flags(placed(**told), short=0.25) == [("short", "flag", "short for its scenario")]
    assert flags(placed(**told), short=0.15) == []
    del told["p1"]
    assert flags(placed(**told), short=0.25) == [], "one other is no measure"


def test_a_phrase_that_one_person_alone_says_again_and_again_is_flagged_and_nobody_elses_words_are() -> None:
    told = {
        f"r{n:02d}": {
            "analysis": spoken(n),
            "annotator": f"p{n % 3}",
            "scenario": f"s{n}",
        }
        for n in range(30)
    }
    for n in (0, 3, 6, 9, 12, 15):
        told[f"r{n:02d}"]["analysis"] += " Under blue moonlight."

    found = [(f"r{n:02d}", "flag", "one person's phrase") for n in (0, 3, 6, 9, 12, 15)]
    assert flags(placed(**told), copies=30) == found
    because = quality(placed(**told), copies=30).decisions["because"][0]
    assert because == "“under blue moonlight” stands in this person's answers to 6 scenarios only"
    assert flags(placed(**told), phrase=7, copies=30) == []


def test_a_verdict_that_other_peoples_words_speak_against_is_only_looked_for_when_asked() -> None:
    fair, foul = (
        "They were told in time and it was open and fair to all of them.",
        "It was a threat, dressed up as a favour, and it left her no choice.",
    )
    told = {
        f"{kind[0]}{n}": {"analysis": kind, "annotator": f"p{n}", "scenario": f"s{n}", "verdict": verdict}
        for kind, verdict in ((fair, "reasonable"), (foul, "manipulative"))
        for n in range(9)
    }
    told["T4"] |= {"verdict": "manipulative"}

    assert flags(placed(**told)) == []
    asked = quality(placed(**told), another_verdict=0.9, copies=9).decisions
    assert asked.select("id", "reason").rows() == [("T4", "reads like another verdict")]
    assert (
        asked["because"][0]
        == "by other people's words it sits among analyses of reasonable; its own verdict is 0.0 % likely"
    )


def test_a_minority_role_is_never_flagged_for_being_one() -> None:
    told = {
        f"r{n}": {"analysis": f"{spoken(n)}.", "annotator": f"p{n}", "verdict": "manipulative", "_analysis": 3 * n}
        for n in range(9)
    }
    told["r0"] |= {"verdict": "reasonable", "stakeholder": "hr"}

    assert flags(placed(**told), another_verdict=0.97) == []
