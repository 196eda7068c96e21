"""Answers come in once, are followed through edits and deletions, and bad ones do not stop the rest."""

import pytest

from curator.errors import AuthError, PolicyError
from curator.labels.results import to_result
from curator.store import Intake
from curator.studio.push import Pushed, answer_as, ensure_project, push

pytestmark = pytest.mark.live


def test_project_and_scenarios_go_once(desk):
    rows = [{"situation": f"Situation {i}", "context": "", "key": f"k{i}"} for i in range(3)]
    owner, store = desk.studio.owner, desk.store

    first = push(owner, store, desk.pack, desk.project, rows)
    second = push(owner, store, desk.pack, desk.project, [*rows, rows[0]])

    assert (first, second) == (Pushed(3, 0), Pushed(0, 4))
    assert ensure_project(owner, store, desk.pack, "embedded", annotators=4) == desk.project
    said = owner.get(f"api/projects/{desk.project}/")
    assert said["maximum_annotations"] == 4
    assert said["show_collab_predictions"] is False
    assert "<strong>Answer from your own role.</strong>" in said["expert_instruction"]


def test_several_people_answer_and_the_second_pull_brings_nothing_new(desk):
    one, two = desk.push("First", "Second", key="k")
    desk.answer("ann", one, tactics=["other"])
    desk.answer("bob", one, verdict="manipulative", severity=5)
    desk.answer("cleo", two, verdict="reasonable", severity=1)

    first, second = desk.pull(size=1), desk.pull()

    assert first == Intake(fetched=3, new=3)
    assert second == Intake(fetched=3, same=3)
    rows = {row["annotator"]: row for row in desk.rows()}
    people = {p.email.split("@")[0]: p.pseudonym for p in desk.store.people()}
    ann, bob = rows[people["ann"]], rows[people["bob"]]
    assert (ann["stakeholder"], ann["verdict"], ann["severity"], ann["team"]) == ("hr", "questionable", 3, "harbor")
    assert (bob["stakeholder"], bob["team"], bob["domain"], bob["origin"]) == ("employee", "meadow", "it", "human")
    assert ann["scenario"] == bob["scenario"]
    assert ann["extra"] == {
        "annotation": ann["extra"]["annotation"],
        "scenario_key": "k",
        "scenario_team": "meadow",
        "tactics": ["other"],
        "task": one,
    }
    assert ann["created_at"] is not None


def test_no_e_mail_reaches_the_store(desk):
    (task,) = desk.push("With people")
    desk.answer("ann", task)
    desk.pull()

    payloads = [row[0] for row in desk.store._db.execute("SELECT payload FROM revisions")]
    assert len(payloads) == 1
    assert b"@" not in payloads[0]
    assert b"Ann" not in payloads[0]


def test_an_edited_answer_gets_a_new_revision_and_a_deleted_one_a_tombstone(desk):
    (task,) = desk.push("To be edited")
    mine, other = desk.answer("ann", task), desk.answer("bob", task)
    desk.pull()
    desk.send(
        "PATCH",
        f"api/annotations/{mine}/",
        {"result": to_result(desk.pack, {"verdict": "reasonable", "severity": 1, "analysis": "No."})},
    )
    edited = desk.pull()
    desk.send("DELETE", f"api/annotations/{other}/")
    deleted = desk.pull()

    assert (edited.changed, deleted.deleted) == (1, 1)
    (row,) = desk.rows()
    assert (row["verdict"], row["revision"]) == ("reasonable", 2)
    assert row["extra"]["edited_by"].startswith("annotator-")  # the owner's hand, not the annotator's
    assert desk.pull() == Intake(fetched=1, same=1)


def test_an_answer_taken_back_as_skipped_is_no_answer_any_more(desk):
    (task,) = desk.push("To be skipped")
    mine = desk.answer("ann", task)
    desk.pull()

    desk.send("PATCH", f"api/annotations/{mine}/", {"was_cancelled": True})

    assert desk.pull() == Intake(deleted=1)


def test_a_deleted_task_takes_its_answers_with_it(desk):
    one, two = desk.push("Stays", "Goes")
    desk.answer("ann", one)
    desk.answer("ann", two)
    desk.pull()

    desk.send("DELETE", f"api/tasks/{two}/")

    assert desk.pull().deleted == 1
    assert [row["situation"] for row in desk.rows()] == ["Stays"]


def test_bad_answers_are_set_aside_and_the_rest_go_on(desk):
    (task,) = desk.push("Answered badly")
    path = f"api/tasks/{task}/annotations/"
    desk.send("POST", path, {"result": []})
    desk.send(
        "POST",
        path,
        {
            "result": [
                {"from_name": "verdict", "to_name": "situation", "type": "choices", "value": {"choices": ["cruel"]}}
            ],
            "completed_by": desk.studio.people["bob@team.example"].id,
        },
    )
    desk.answer("ann", task)

    intake = desk.pull()

    assert intake == Intake(fetched=3, new=1, quarantined=2)
    reasons = [row["reason"] for row in desk.store.quarantined()]
    assert any("is not among this workspace's people" in reason for reason in reasons)
    assert any("'cruel', which is not among the page's choices" in reason for reason in reasons)
    assert all(row["place"].startswith(f"task {task}, annotation ") for row in desk.store.quarantined())
    assert all("@" not in reason for reason in reasons)


def test_one_broken_character_does_not_hide_the_others(desk):
    tasks = desk.push(*[f"Situation {i}" for i in range(5)])
    for task in tasks:
        desk.answer("ann", task)
    broken = to_result(desk.pack, {"verdict": "reasonable", "severity": 1, "analysis": "half \ud83d"})
    assert desk.send("POST", f"api/tasks/{tasks[2]}/annotations/", {"result": broken}) == 500

    intake = desk.pull()

    assert intake == Intake(fetched=6, new=5, quarantined=1)
    (aside,) = desk.store.quarantined()
    assert aside["place"].startswith(f"task {tasks[2]}, annotation ")
    assert "cannot show this annotation" in aside["reason"]


def test_changed_words_and_model_answers_are_told_apart(desk):
    one, two = desk.push("Words", "Model")
    desk.answer("ann", one)
    data = desk.studio.owner.get(f"api/tasks/{one}/")["data"]
    desk.send("PATCH", f"api/tasks/{one}/", {"data": {**data, "situation": "Other words"}})
    filled = to_result(desk.pack, {"verdict": "reasonable", "severity": 1, "analysis": "A model says."})
    desk.send("POST", "api/predictions/", {"task": two, "result": filled, "model_version": "m"})
    prediction = desk.studio.owner.get(f"api/tasks/{two}/")["predictions"][0]["id"]
    changed = to_result(desk.pack, {"verdict": "reasonable", "severity": 2, "analysis": "A model says."})
    for who, result in (("bob", filled), ("cleo", changed)):
        author = desk.studio.people[f"{who}@team.example"].id
        desk.send(
            "POST",
            f"api/tasks/{two}/annotations/",
            {"result": result, "parent_prediction": prediction, "completed_by": author},
        )

    desk.pull()

    rows = {(row["situation"], row["stakeholder"]): row for row in desk.rows()}
    assert rows["Other words", "hr"]["extra"]["text_changed"] is True
    assert rows["Model", "employee"]["origin"] == "model"
    assert rows["Model", "manager"]["origin"] == "edited"


def test_many_answers_that_vanish_stop_the_pull_until_confirmed(desk):
    tasks = desk.push(*[f"Situation {i}" for i in range(8)])
    for task in tasks:
        desk.answer("ann", task)
    desk.pull()
    for task in tasks[:6]:
        desk.send("DELETE", f"api/tasks/{task}/")

    with pytest.raises(PolicyError, match="6 of the 8 answers"):
        desk.pull()
    assert desk.store.examples().height == 8
    assert desk.pull(confirm_deletions=True).deleted == 6
    assert desk.store.examples().height == 2


def test_a_pull_that_was_cut_off_goes_on_and_loses_nothing(desk):
    tasks = desk.push(*[f"Situation {i}" for i in range(4)])
    gone, *_ = [desk.answer("ann", task) for task in tasks]
    desk.pull()
    desk.send("DELETE", f"api/annotations/{gone}/")
    desk.answer("bob", tasks[3])

    class CutOffError(Exception): ...

    def cut(what: str, done: int, total: int) -> None:
        if done == 2:
            raise CutOffError

    with pytest.raises(CutOffError):
        desk.pull(progress=cut, size=1)

    assert desk.pull(size=1) == Intake(fetched=4, new=1, same=3, deleted=1)  # what changed lately is read again
    assert desk.store.examples().height == 4


def test_a_wrong_token_is_said_so(desk):
    (task,) = desk.push("Not to be answered")
    token = desk.studio.people["ann@team.example"].token
    with pytest.raises(AuthError, match="refuses the token") as fault:
        answer_as(desk.studio.url, token[:-4] + "AAAA", task, desk.pack, {"verdict": "reasonable"})
    assert token[:20] not in str(fault.value)
