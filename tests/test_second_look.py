"""What is worth a second look: every kind of reason, the order, and that what was looked at does not come back."""

import json
from pathlib import Path

import polars as pl

from curator.collecting import add
from curator.labels.results import controls
from curator.pack import Pack
from curator.people import add_people
from curator.review import review_queue, suggestion, without_verdicts
from curator.second_look import already_reviewed, in_answers, in_dataset, in_evaluation, queue, review_pack
from curator.stage import DECISIONS
from curator.stages.duplicates import PAIRS
from curator.workspace import Workspace
from tests.conftest import rows

ROWS = rows(
    a={"annotator": "x", "verdict": "reasonable"},
    b={"annotator": "y", "verdict": "manipulative"},
    c={"annotator": "z", "stakeholder": "hr", "extra": '{"text_changed": true}'},
    d={"annotator": "z", "stakeholder": "hr", "verdict": "reasonable", "extra": '{"other_role": "manager"}'},
)
SCENARIO = ROWS["scenario"][0]


def test_the_answers_alone_show_four_kinds(pack: Pack) -> None:
    told = {look.kind: look for look in in_answers(ROWS, pack)}

    assert set(told) == {"contested", "inconsistent", "text changed", "other role"}
    assert (told["contested"].ids, told["contested"].weight) == (("a", "b"), 0.9)  # from one end to the other
    assert told["contested"].because == "2 people of this role gave 2 verdicts: reasonable, manipulative"
    assert told["inconsistent"].because == "z said questionable then reasonable"
    assert told["text changed"].ids == ("c",)


def test_the_dataset_and_the_model_show_four_more() -> None:
    off = {"id": "a", "step": "quality", "action": "flag", "reason": "off topic", "because": "0.1", "score": None}
    decisions = pl.DataFrame([{**off, "twin": None}, {**off, "id": "gone", "twin": None}], schema=DECISIONS)
    pairs = [("merged", "a", "b", 0.93, "x"), ("kept apart", "b", "c", 0.99, "different verdicts")]
    table = pl.DataFrame([*pairs, ("kept apart", "a", "c", 0.98, "different scenarios")], schema=PAIRS, orient="row")

    told = [(look.kind, look.stakeholder, look.ids) for look in in_dataset(ROWS, decisions, table)]
    sure = [{"id": "a", "stakeholder": "employee", "verdict": "reasonable", "tuned": {"reasonable": 0.1, "bad": 0.9}}]
    unsure = [{**sure[0], "tuned": {"reasonable": 0.45, "bad": 0.55}}, {**sure[0], "id": "gone"}]

    assert told == [
        ("off topic", "employee", ("a",)),
        ("merged", "employee", ("a", "b")),
        ("kept apart", "employee", ("b", "c")),
        ("kept apart", "hr", ("b", "c")),
    ]
    (miss,) = in_evaluation(sure + unsure, ROWS)
    assert (miss.kind, miss.scenario, miss.weight) == ("model", SCENARIO, 0.72)


def test_reasons_are_joined_by_scenario_and_role_and_the_weightiest_comes_first(pack: Pack) -> None:
    items = queue(in_answers(ROWS, pack), {})

    assert [(item.stakeholder, item.ids) for item in items] == [("employee", ("a", "b")), ("hr", ("c", "d"))]
    assert items[1].weight == 0.8 + 2 * 0.05
    again = queue(in_answers(ROWS.reverse(), pack), {})
    assert [item.name for item in again] == [item.name for item in items]


def test_what_was_looked_at_comes_back_only_with_a_new_answer(pack: Pack) -> None:
    extra = json.dumps({"review_of": ["a", "b"]})
    settled = rows(a="x", b="y", r={"annotator": "w", "extra": extra})
    own = rows(r={"annotator": "x", "extra": json.dumps({"review_of": ["a"], "own_review": True})})

    assert already_reviewed(settled) == {(SCENARIO, "employee"): {"a", "b", "r"}}
    assert already_reviewed(own) == {}  # nobody settles what they wrote
    looked = pl.concat([ROWS, settled.filter(pl.col("id") == "r")])
    left = queue(in_answers(looked, pack), already_reviewed(looked))
    assert [item.stakeholder for item in left] == ["hr"]
    more = pl.concat([looked, rows(n={"annotator": "v", "verdict": "manipulative"})])
    assert [item.stakeholder for item in queue(in_answers(more, pack), already_reviewed(more))] == ["employee", "hr"]


def test_who_wrote_it_may_not_take_it(workspace: Workspace, tmp_path: Path) -> None:
    for name in ("ann", "bob", "cleo"):
        add_people(workspace, f"{name}@x.org", "hr")
    file = tmp_path / "answers.jsonl"
    told = {"situation": "The shift was moved.", "analysis": "Nobody was asked."}
    lines = [
        {**told, "annotator": f"{n}@x.org", "verdict": v} for n, v in (("ann", "reasonable"), ("bob", "manipulative"))
    ]
    file.write_text("\n".join(map(json.dumps, lines)))
    add(workspace, [file])

    (row,) = review_queue(workspace)

    with workspace.store() as store:
        marks = {p.email[:3]: p.pseudonym for p in store.people()}
    assert row["may"] == [marks["cle"]]
    assert row["not_for"] == sorted([marks["ann"], marks["bob"]])
    assert [reason["kind"] for reason in row["reasons"]] == ["contested"]


def test_the_page_asks_the_same_and_shows_why(pack: Pack) -> None:
    page = review_pack(pack)

    assert controls(page.config) == controls(pack.config)
    assert "$review_reason" in page.config
    assert len(page.title) <= 50


def test_verdicts_are_taken_out_of_what_was_written_before(pack: Pack) -> None:
    said = "Manipulative, I think; not reasonable at all. Unreasonable demands stay."

    assert without_verdicts(pack, said) == "…, I think; not … at all. Unreasonable demands stay."


def test_what_a_model_wrote_becomes_an_answer(pack: Pack) -> None:
    text = "Verdict: manipulative\nSeverity: 9\nAnalysis: She denies it.\nTwice."
    whole = suggestion(pack, {"verdict": "questionable", "answer": text})
    broken = suggestion(pack, {"verdict": "questionable", "answer": "Verdict: well, hmm"})

    assert whole == {"verdict": "questionable", "severity": 5, "analysis": "She denies it.\nTwice."}
    assert broken == {"verdict": "questionable", "analysis": "well, hmm"}
