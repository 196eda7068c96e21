"""The parts of a text that a page shows as cards: nothing of it is lost, and what cannot be parted is named."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from curator.errors import UsageError
from curator.formats.studio_tasks import studio_tasks
from curator.pack import SHIPPED, Pack, find_pack, load_pack
from curator.parts import ABOVE, Unparted, parted, parts, parts_or_whole
from curator.review import _task
from curator.studio.push import task_data
from tests.conftest import rows as examples
from tests.exported import published

SAMPLE = next(place for place in SHIPPED if place.is_dir()).parent / "sample_data"
LINES = {"": "setting", "Answer A:": "a", "Answer B:": "b"}
PREFERENCE = load_pack(find_pack("preference", []))
CARDED = ["legal_clause", "preference", "review", "support_reply"]
CONTEXT = "A shop.\n\nAnswer A:\nYes.\n\nAnswer B:\nNo."


def scenario(context: str = CONTEXT, **more: str) -> dict[str, Any]:
    return {"key": "s1", "situation": "May I go?", "context": context, **more}


def test_each_part_stands_under_its_key_in_the_order_of_the_pack() -> None:
    told = "A shop.\n  Open late.\n\nAnswer A:  \r\n\n  Yes.\n\n  Go.\n\nAnswer B:\nNo.\n\n"

    assert parted(told, LINES) == {"setting": "A shop.\n  Open late.", "a": "  Yes.\n\n  Go.", "b": "No."}
    assert list(parted(told, LINES)) == ["setting", "a", "b"]


def test_nothing_need_stand_above_the_first_line() -> None:
    assert parted("Answer A:\nYes.\nAnswer B:\nNo.", LINES) == {"setting": "", "a": "Yes.", "b": "No."}


def test_words_in_a_sentence_begin_no_part() -> None:
    told = "Compare Answer A: and\n Answer B:\n\nAnswer A:\nSee Answer B: below.\nAnswer B:\nNo."

    assert parted(told, LINES)["a"] == "See Answer B: below."


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "has no line 'Answer A:'"),
        ("A shop.\nAnswer A:\nYes.", "has no line 'Answer B:'"),
        ("Answer A: yes\nAnswer B:\nNo.", "has no line 'Answer A:'"),
        ("Answer A:\nYes.\nAnswer B:\nNo.\nAnswer A:\nOr.", "has the line 'Answer A:' 2 times"),
        ("Answer B:\nNo.\nAnswer A:\nYes.", "has the line 'Answer B:' above 'Answer A:'"),
        ("Answer A:\n \nAnswer B:\nNo.", "has nothing below the line 'Answer A:'"),
        ("Answer A:\nYes.\nAnswer B:\n", "has nothing below the line 'Answer B:'"),
    ],
)
def test_what_is_missing_is_named_and_what_to_do(text: str, why: str) -> None:
    with pytest.raises(Unparted) as said:
        parted(text, LINES, "context")

    assert str(said.value) == (
        f"its context {why}. Write 'Answer A:', 'Answer B:', each alone on its line, and below it what the card shows"
    )


def test_words_that_no_card_would_show_are_refused() -> None:
    with pytest.raises(Unparted, match=r"has words above the line 'Draft:', which no card shows\. Write it alone on"):
        parted("A ticket.\nDraft:\nSorry.", {"Draft:": "draft"})


BODY = st.text(st.sampled_from("ab \n\tA:é"), max_size=30)


def joined(told: dict[str, str], lines: dict[str, str]) -> str:
    """What a text would be that has these parts."""
    return "\n".join(piece for line, key in lines.items() for piece in (line, told[key]) if line or told[key])


@given(st.lists(BODY, min_size=3, max_size=3))
def test_joined_parts_give_the_parts_again_and_hold_every_word(bodies: list[str]) -> None:
    assume(all(body.strip() for body in bodies[1:]))
    text = joined(dict(zip(LINES.values(), bodies, strict=True)), LINES)

    found = parted(text, LINES)

    assert parted(joined(found, LINES), LINES) == found
    assert joined(found, LINES).split() == text.split()
    assert [part.split() for part in found.values()] == [body.split() for body in bodies]


@given(st.lists(st.sampled_from(["Answer A:", "Answer B:", "Yes.", "", " Answer A:"]), max_size=8))
def test_a_text_is_parted_whole_or_refused(drawn: list[str]) -> None:
    text = "\n".join(drawn)
    try:
        found = parted(text, LINES)
    except Unparted:
        assert parts_or_whole(PREFERENCE, {"context": text}) == {"setting": text, "answer_a": ABOVE, "answer_b": ABOVE}
    else:
        assert joined(found, LINES).split() == text.split()


@pytest.mark.parametrize("name", CARDED)
def test_every_sample_scenario_has_the_parts_of_its_pack(name: str) -> None:
    pack = load_pack(find_pack(name, []))

    for line in (SAMPLE / name / "scenarios.jsonl").read_text("utf-8").splitlines():
        told = json.loads(line)
        assert list(parts(pack, told)) == pack.card_keys
        assert all(text in told["situation"] + told["context"] for text in parts(pack, told).values())


def test_a_task_holds_the_parts_beside_the_whole_text_under_the_same_name() -> None:
    bare = PREFERENCE.model_copy(update={"cards": {}})

    data = task_data(PREFERENCE, scenario())

    assert data == task_data(bare, scenario()) | {"setting": "A shop.", "answer_a": "Yes.", "answer_b": "No."}
    assert data["context"] == CONTEXT


def test_a_pack_without_cards_sends_what_it_sent(pack: Pack) -> None:
    assert list(task_data(pack, scenario(domain="it"))) == ["scenario", "situation", "context", "domain", "key"]


def test_a_scenario_that_does_not_fit_the_page_is_refused_by_name() -> None:
    with pytest.raises(UsageError) as said:
        task_data(PREFERENCE, scenario("A shop."))
    assert str(said.value) == (
        "The scenario 's1' does not fit the page: its context has no line 'Answer A:'. Write 'Answer A:', 'Answer B:',"
        " each alone on its line, and below it what the card shows. Nothing was sent."
    )
    with pytest.raises(UsageError, match=r"The scenario 'May I go\?' does not"):
        task_data(PREFERENCE, scenario("A shop.", key=""))


@pytest.mark.parametrize(("context", "setting"), [(CONTEXT, "A shop."), ("No lines.", "No lines."), ("", "")])
def test_a_second_look_shows_the_parts_or_the_whole_text(context: str, setting: str) -> None:
    told = {"review": "r", "ids": ["a"], "reasons": [{"kind": "contested"}], "not_for": [], "domain": None}

    data = _task(PREFERENCE, {**told, "scenario": "s", **scenario(context)}, {})

    assert (data["context"], data["setting"]) == (context, setting)
    assert data["answer_b"] == ("No." if context == CONTEXT else ABOVE)


def test_exported_tasks_hold_what_the_page_shows(tmp_path: Path) -> None:
    rows = examples(
        a={"context": CONTEXT, "verdict": "a", "severity": None, "pack": "preference"},
        b={"context": "Loose.", "verdict": "b", "severity": None, "pack": "preference"},
    )
    made = published(tmp_path, PREFERENCE, [row | {"split": "train"} for row in rows.to_dicts()])

    tasks, _ = studio_tasks(made, "train")

    assert {task["data"]["setting"]: task["data"]["answer_a"] for task in tasks} == {"A shop.": "Yes.", "Loose.": ABOVE}
