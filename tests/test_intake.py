"""The door: what comes in is an answer, a scenario, or set aside with a reason; nobody's name goes past it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.errors import FileError
from curator.files import Record, canonical, read
from curator.intake.door import Door, is_scenario
from curator.pack import Pack
from curator.store import Fetched, Intake, Person, Refused, Store

ANSWER = {
    "situation": "The shift was moved.",
    "annotator": "Ann@Example.com",
    "stakeholder": "employee",
    "verdict": "reasonable",
    "analysis": "It was asked.",
}
SCENARIO = {"key": "s1", "situation": "The shift was moved.", "context": "A ward.", "domain": "health", "team": "north"}


@pytest.fixture
def door(pack: Pack, key: bytes) -> Door:
    ann = Person("ann@example.com", "manager", "annotator-ann", "Ann", "north")
    return Door(pack, key, {ann.email: ann}, {})


def record(**told: Any) -> Record:
    return Record("a.jsonl:1", canonical(told), told)


def answer(**told: Any) -> Record:
    return record(**{name: value for name, value in {**ANSWER, **told}.items() if value is not ...})


def one(door: Door, *records: Record) -> Fetched:
    door.take(records)
    (taken,) = door.taken
    assert isinstance(taken, Fetched), taken
    return taken


def reason(door: Door, *records: Record) -> str:
    door.take(records)
    taken = door.taken[-1]
    assert isinstance(taken, Refused), taken
    return taken.reason


def test_the_annotator_is_a_pseudonym_in_the_row_and_in_the_payload(door: Door) -> None:
    for who in ("ann@example.com", " ANN@Example.COM ", "ann@\u200bexample.com"):
        door.take([answer(annotator=who)])
    door.take([answer(annotator="Bob Stranger")])

    fetched = [taken for taken in door.taken if isinstance(taken, Fetched)]
    assert [taken.answer.annotator for taken in fetched[:3]] == ["annotator-ann"] * 3
    assert fetched[3].answer.annotator.startswith("annotator-")
    assert not any(name in taken.payload for taken in fetched for name in (b"xample", b"Bob", b"Stranger"))


def test_a_known_persons_role_and_team_fill_what_the_record_leaves_out(door: Door) -> None:
    filled = one(door, answer(stakeholder=..., team=None)).answer

    assert (filled.stakeholder, filled.team) == ("manager", "north")


def test_an_answer_takes_its_situation_from_the_scenario_it_names(door: Door) -> None:
    taken = one(door, record(**SCENARIO), answer(situation=..., scenario="s1")).answer

    assert (taken.situation, taken.context, taken.domain) == ("The shift was moved.", "A ward.", "health")
    assert (taken.extra["scenario_key"], taken.extra["scenario_team"]) == ("s1", "north")


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"annotator": ...}, "no annotator"),
        ({"annotator": "  "}, "no annotator"),
        ({"annotator": "\u200b"}, "no annotator"),
        ({"annotator": 7}, "no annotator"),
        ({"situation": ..., "scenario": "s9"}, "it says 's9'"),
        ({"situation": ...}, "neither a situation nor a known scenario"),
        ({"situation": ""}, "situation: string should have at least 1 character"),
        ({"situation": ["x"]}, "situation: input should be a valid string"),
        ({"verdict": ...}, "verdict: field required"),
        ({"verdict": " "}, "verdict: string should have at least 1 character"),
        ({"verdict": "v" * 201}, "verdict: string should have at most 200 characters"),
        ({"analysis": 5}, "analysis: input should be a valid string"),
        ({"analysis": "x" * 1_000_001}, "analysis: string should have at most 1000000 characters"),
        ({"stakeholder": "", "annotator": "bob"}, "stakeholder: string should have at least 1 character"),
        ({"severity": "two"}, "severity: input should be a valid integer"),
        ({"severity": 2.5}, "severity: input should be a valid integer"),
        ({"severity": True}, "severity: input should be a valid integer"),
        ({"severity": "9" * 5000}, "severity: input should be a valid integer"),
        ({"severity": 10**9}, "severity: input should be less than"),
        ({"origin": "robot"}, "origin: input should be 'human', 'edited' or 'model'"),
        ({"created_at": 1_700_000_000}, "a time must be ISO 8601"),
        ({"created_at": "1700000000"}, "could be several moments"),
        ({"created_at": "2026-01-31"}, "created_at: input should have timezone info"),
        ({"created_at": "2026-01-31T09:00:00"}, "created_at: input should have timezone info"),
        ({"updated_at": "9999-12-31T23:59:59-23:00"}, "not within the years 1 to 9999"),
        ({"updated_at": "0001-01-01T00:00:00+23:00"}, "not within the years 1 to 9999"),
        ({"updated_at": "yesterday-ish"}, "updated_at: input should be a valid datetime"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_record_that_is_no_answer_is_set_aside_with_its_reason(door: Door, told: dict[str, Any], said: str) -> None:
    bad = answer(**told)

    assert said in reason(door, bad)
    refused = door.taken[0]
    assert isinstance(refused, Refused)
    assert (refused.place, refused.payload) == ("a.jsonl:1", bad.payload)  # its bytes as they were


@pytest.mark.parametrize(("grade", "whole"), [("3", 3), (" 3 ", 3), (3, 3), (3.0, 3), (None, None)])
def test_a_severity_may_be_a_spreadsheets_text_or_float(door: Door, grade: Any, whole: int | None) -> None:
    assert one(door, answer(severity=grade)).answer.severity == whole


@pytest.mark.parametrize(
    "told",
    [
        {**SCENARIO, "key": None},
        {**SCENARIO, "key": " "},
        {**SCENARIO, "key": 7},
        {**SCENARIO, "situation": ""},
        {**SCENARIO, "situation": 5},
        {**SCENARIO, "context": ["x"]},
        {**SCENARIO, "domain": 1},
        {"situation": "no key"},
    ],
    ids=str,
)
def test_a_broken_scenario_is_set_aside_and_not_lost(door: Door, told: dict[str, Any]) -> None:
    assert not is_scenario(told)
    assert "a scenario needs a `key` and a `situation`" in reason(door, record(**told))
    assert door.scenarios == {}


def test_two_scenarios_with_one_key_and_other_words_refuse_the_files_whole(door: Door) -> None:
    door.take([record(**SCENARIO), record(**SCENARIO)])  # the same twice is fine

    with pytest.raises(FileError, match=r"'s1' stands at a\.jsonl:1 in other words"):
        door.take([record(**{**SCENARIO, "situation": "Another one."})])


def test_a_record_keeps_its_own_id_or_gets_a_natural_one(door: Door) -> None:
    door.take([answer(id="x"), answer(key=7), answer(id=True), answer(id=""), answer(id=1.5)])

    names = [taken.record for taken in door.taken if isinstance(taken, Fetched)]
    assert names[:2] == ["x", "7"]
    assert [name[-2:] for name in names[2:]] == ["-1", "-2", "-3"]
    assert len({name[:-2] for name in names[2:]}) == 1


def test_an_id_counts_within_its_source(door: Door) -> None:
    door.take([answer(id=1)], "north")
    door.take([answer(id=1, verdict="questionable")], "south")
    assert [type(taken) for taken in door.taken] == [Fetched, Fetched]

    assert "stands twice in these files" in reason(door, answer(id=1), answer(id=1, verdict="questionable"))


ODD = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)


@given(st.lists(st.dictionaries(ODD, ODD | st.integers() | st.none(), max_size=3), max_size=3), ODD, ODD, ODD)
def test_any_text_comes_out_of_the_store_as_it_went_in(
    tmp_path_factory: pytest.TempPathFactory, pack: Pack, key: bytes, more: list[Any], said: str, where: str, name: str
) -> None:
    door = Door(pack, key, {}, {})
    told = {
        "situation": where + ".",
        "context": where,
        "analysis": said,
        "rejected": said,
        "more": more,
        "id": "i" + name,
    }
    door.take([answer(**told)])
    (fetched,) = door.taken
    assert isinstance(fetched, Fetched)
    with Store(tmp_path_factory.mktemp("store") / "store.db") as store:
        store.take("odd\u2028", [fetched])
        (row,) = store.examples().to_dicts()
        (revision,) = store.life(row["id"])
        assert store.verify() == []
    assert (row["situation"], row["context"], row["analysis"], row["rejected"]) == (where + ".", where, said, said)
    assert revision["record"] == "i" + name
    assert fetched.answer.extra["more"] == more


LINES = st.lists(
    st.one_of(
        st.just(canonical(ANSWER)),
        st.just(canonical({**ANSWER, "id": "a"})),
        st.just(canonical(SCENARIO)),
        st.just(b'{"situation": "half a scenario"}'),
        st.just(b'{"a": 1, "a": 2}'),
        st.binary(max_size=30).filter(lambda line: b"\n" not in line),
    ),
    max_size=12,
)


@given(LINES)
def test_fetched_is_stored_plus_set_aside_and_twice_is_once(
    tmp_path_factory: pytest.TempPathFactory, pack: Pack, key: bytes, lines: list[bytes]
) -> None:
    path = tmp_path_factory.mktemp("lines") / "a.jsonl"
    path.write_bytes(b"\n".join(lines) + b"\n")
    try:
        records = read(path)
    except FileError:
        return

    def taken() -> list[Fetched | Refused]:
        door = Door(pack, key, {}, {})
        door.take(records)
        return door.taken

    scenarios = sum(record.value is not None and is_scenario(record.value) for record in records)
    with Store(path.with_suffix(".db")) as store:
        first = store.take("a", taken())
        rows, aside = store.examples(), store.quarantined()
        again = store.take("a", taken())
        assert first.fetched + scenarios == len(records)
        assert first.fetched == first.new + first.same + first.quarantined
        assert (again.new, again.changed) == (0, 0)
        assert again.same == first.new + first.same
        assert store.examples().equals(rows)
        assert store.quarantined() == aside
        assert store.verify() == []


def test_the_order_of_files_has_no_effect(tmp_path: Path, pack: Pack, key: bytes) -> None:
    given_files = {"north": [answer(id=1), answer(verdict="questionable")], "south": [answer(id=1), answer()]}

    def stored(order: Iterable[str]) -> list[dict[str, Any]]:
        door, total = Door(pack, key, {}, {}), Intake()
        with Store(tmp_path / f"{'-'.join(order)}.db") as store:
            for source in order:
                before = len(door.taken)
                door.take(given_files[source], source)
                total += store.take(source, door.taken[before:])
            assert (total.fetched, total.new) == (4, 4)
            return store.examples().to_dicts()

    assert stored(["north", "south"]) == stored(["south", "north"])
