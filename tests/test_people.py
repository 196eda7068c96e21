"""People: consent is a history that nothing overwrites by accident; who does what."""

import json
from pathlib import Path

import pytest

from curator.annotators import statistics, who_does_what
from curator.collecting import add
from curator.errors import StorageError, UsageError
from curator.people import add_people, change_consent, consent_text, listing
from curator.store import Person
from curator.workspace import Workspace
from tests.conftest import rows

ANN = "ann@x.org"


def consents(workspace: Workspace) -> list[tuple[tuple[str, ...], str]]:
    with workspace.store() as store:
        (person,) = store.people()
    return [(one.purposes, one.text) for one in person.consent]


def test_consent_is_kept_with_its_purposes_wording_and_time(workspace: Workspace) -> None:
    add_people(workspace, ANN, "hr", consent="train, analyse")
    version, text = consent_text(workspace)

    assert consents(workspace) == [(("analyse", "train"), version)]
    assert "withdraw at any time" in text
    with workspace.store() as store:
        assert store.people()[0].consent[0].at.endswith("+00:00")
        (row,) = listing(store.people())
    assert row["consent"] == "analyse, train"
    assert "ann" not in json.dumps(row)[len("annotator-") + 20 :]


def test_adding_the_same_people_again_adds_no_consent_and_undoes_no_withdrawal(
    workspace: Workspace, tmp_path: Path
) -> None:
    file = tmp_path / "people.jsonl"
    file.write_text(json.dumps({"email": ANN, "stakeholder": "hr", "consent": ["analyse"]}))
    add_people(workspace, str(file), text="form 1")
    add_people(workspace, str(file), text="form 1")
    assert consents(workspace) == [(("analyse",), "form 1")]

    change_consent(workspace, ANN, None, "by phone")
    add_people(workspace, str(file), text="form 1")
    assert consents(workspace)[-1] == ((), "by phone")

    change_consent(workspace, ANN, "analyse,train", "form 2")
    assert consents(workspace) == [(("analyse",), "form 1"), ((), "by phone"), (("analyse", "train"), "form 2")]


def test_a_person_is_found_by_pseudonym_too_and_others_are_not_told(workspace: Workspace) -> None:
    add_people(workspace, ANN, "hr")
    with workspace.store() as store:
        mark = store.people()[0].pseudonym

    assert change_consent(workspace, mark, None).purposes == ()
    with pytest.raises(UsageError, match="Nobody here is called") as refused:
        change_consent(workspace, "bob@x.org", None)
    assert ANN not in str(refused.value)


@pytest.mark.parametrize(
    ("consent", "said"),
    [("trian", "Did you mean 'train'?"), (5, "must be a list of purposes"), ([1], "must be a list")],
)
def test_a_purpose_that_nobody_knows_is_refused(
    workspace: Workspace, tmp_path: Path, consent: object, said: str
) -> None:
    file = tmp_path / "people.jsonl"
    file.write_text(json.dumps({"email": ANN, "stakeholder": "hr", "consent": consent}))

    with pytest.raises(UsageError, match="Nobody was added") as refused:
        add_people(workspace, str(file))
    assert said in str(refused.value)


def test_with_another_key_nobody_gets_a_second_pseudonym(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_people(workspace, ANN, "hr")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "other"))

    with pytest.raises(StorageError, match="under another pseudonym"):
        add_people(Workspace.find(workspace.root), ANN, "hr")


def test_an_answer_in_another_role_than_the_persons_says_so(workspace: Workspace, tmp_path: Path) -> None:
    add_people(workspace, ANN, "hr")
    file = tmp_path / "answers.jsonl"
    told = {"situation": "S", "annotator": ANN, "verdict": "reasonable", "analysis": "Fine by me, it is."}
    file.write_text(
        json.dumps({**told, "key": "1", "stakeholder": "manager"}) + "\n" + json.dumps({**told, "key": "2"})
    )
    add(workspace, [file])

    with workspace.store() as store:
        extra = {row["stakeholder"]: json.loads(row["extra"]) for row in store.examples().to_dicts()}
    assert extra["manager"]["other_role"] == "hr"
    assert "other_role" not in extra["hr"]
    (row,) = who_does_what(workspace)
    assert row["other_role"] == 1
    assert "name another role" in row["note"]


def test_each_persons_numbers_are_those_counted_by_hand() -> None:
    told = rows(
        a={"annotator": "x", "extra": '{"lead_time": 10}', "verdict": "reasonable"},
        b={"annotator": "x", "extra": '{"lead_time": 30}', "verdict": "manipulative"},
        c={"annotator": "y", "verdict": "manipulative"},
        d={"annotator": "z", "stakeholder": "hr"},
    )

    made = {row["pseudonym"]: row for row in statistics(told, [Person("e@x", "manager", "silent")])}

    assert list(made) == ["x", "y", "z", "silent"]
    assert (made["x"]["answers"], made["x"]["share"], made["x"]["pace"]) == (2, 0.5, 20.0)
    assert (made["x"]["self"]["share"], made["x"]["self"]["of"]) == (0.0, 1)
    assert (made["x"]["role"]["share"], made["y"]["role"]["share"], made["z"]["role"]["share"]) == (1.0, 1.0, None)
    assert made["x"]["note"] == "1 shared: too few; 1 asked twice: too few"
    assert made["silent"]["note"] == "no answers yet"


def test_who_withdrew_is_not_measured(workspace: Workspace, tmp_path: Path) -> None:
    add_people(workspace, ANN, "hr", consent="train")
    file = tmp_path / "answers.jsonl"
    file.write_text(json.dumps({"situation": "S", "annotator": ANN, "verdict": "reasonable", "analysis": "Fine."}))
    add(workspace, [file])

    (row,) = who_does_what(workspace)
    assert (row["answers"], row["note"]) == (0, "did not agree to be analysed")
