"""What pull and push promise, one promise at a time, on the virtual server."""

from datetime import timedelta

import pytest

from curator.errors import PolicyError
from curator.store import Intake, Store
from curator.studio.push import ensure_project
from curator.studio.sync import pull
from tests.studio.histories import ACCOUNTS, KEY, PACK, PEOPLE, SOURCE, WIDER, valid
from tests.studio.virtual import Virtual


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "store.db") as store:
        store.put_people(PEOPLE)
        yield store
        assert store.verify() == []


@pytest.fixture
def virtual():
    return Virtual(PACK.config, dict(ACCOUNTS))


def answered(virtual: Virtual, many: int = 1) -> list[int]:
    tasks = [virtual.add_task({"situation": f"Situation {n}", "context": "Here."}) for n in range(many)]
    return [virtual.add_answer(task, valid("First."), 2) for task in tasks]


def bring(virtual: Virtual, store: Store, **how: bool) -> Intake:
    virtual.now += timedelta(hours=1)
    return pull(virtual.client(), store, 1, PACK, KEY, "virtual", **how)


def test_nothing_new_costs_two_requests_and_reads_no_answer(virtual, store):
    answered(virtual, 300)
    assert bring(virtual, store).new == 300
    virtual.asked = 0

    assert bring(virtual, store) == Intake()
    assert virtual.asked == 2


def test_only_what_changed_is_read_again(virtual, store):
    first, *_ = answered(virtual, 300)
    bring(virtual, store)
    virtual.now += timedelta(hours=1)
    virtual.change_answer(first, result=valid("Second."))

    assert bring(virtual, store) == Intake(fetched=1, changed=1)


def test_a_deleted_task_is_found_by_halving_the_counts(virtual, store):
    answered(virtual, 2000)
    bring(virtual, store)
    virtual.delete_task(777)
    virtual.asked = 0

    assert bring(virtual, store).deleted == 1
    assert virtual.asked < 12


def test_an_answer_that_was_repaired_is_no_longer_set_aside(virtual, store):
    (number,) = answered(virtual)
    virtual.change_answer(number, result=[])
    assert bring(virtual, store) == Intake(fetched=1, quarantined=1)
    assert len(store.quarantined()) == 1

    virtual.change_answer(number, result=valid("Repaired."))

    assert bring(virtual, store) == Intake(fetched=1, new=1)
    assert store.quarantined() == []


def test_an_answer_edited_into_none_leaves_until_it_is_repaired(virtual, store):
    (number,) = answered(virtual)
    bring(virtual, store)
    virtual.change_answer(number, result=[])

    assert bring(virtual, store) == Intake(fetched=1, quarantined=1, deleted=1)
    assert store.examples().height == 0
    virtual.change_answer(number, result=valid("First."))
    assert bring(virtual, store) == Intake(fetched=1, changed=1)
    assert store.examples()["analysis"].to_list() == ["First."]


def test_an_answer_that_cannot_be_shown_or_has_lost_its_author_stands(virtual, store):
    one, other = answered(virtual, 2)
    bring(virtual, store)
    virtual.change_answer(one, result=valid("half \ud83d"))
    virtual.change_answer(other, completed_by=None)

    assert bring(virtual, store) == Intake(fetched=2, quarantined=2)
    assert store.examples()["analysis"].to_list() == ["First.", "First."]
    assert len(store.quarantined()) == 2


def test_an_answer_is_read_by_the_page_that_asked_it(virtual, store):
    virtual.config = WIDER
    task = virtual.add_task({"situation": "Wide", "context": "Here."})
    virtual.add_answer(task, valid("Flattered.", tactic=["flattery"]), 2)
    bring(virtual, store)
    virtual.config = PACK.config
    virtual.add_answer(task, valid("Not so."), 3)

    assert bring(virtual, store) == Intake(fetched=2, new=1, same=1)
    assert sorted(store.configs().values()) == sorted([WIDER, PACK.config])


def test_a_page_that_stored_answers_do_not_fit_is_refused_unless_told(virtual, store):
    virtual.config = WIDER
    task = virtual.add_task({"situation": "Wide", "context": "Here."})
    virtual.add_answer(task, valid("Flattered.", tactic=["flattery"]), 2)
    bring(virtual, store)
    store.put_project("virtual", 1, PACK.name, "")

    with pytest.raises(PolicyError, match=r"1 of 1 stored answers do not fit .*'flattery'.* curator project --yes"):
        ensure_project(virtual.client(), store, PACK, "virtual")
    assert virtual.config == WIDER


def test_text_that_changed_under_an_answer_is_flagged_until_it_is_answered_again(virtual, store):
    (number,) = answered(virtual)
    bring(virtual, store)
    virtual.change_task(1, {"situation": "Other words", "context": "Here."})

    assert bring(virtual, store).changed == 1
    (row,) = store.examples().to_dicts()
    assert (row["situation"], '"text_changed": true' in row["extra"]) == ("Other words", True)
    virtual.change_answer(number, result=valid("Read again."))
    bring(virtual, store)
    (row,) = store.examples().to_dicts()
    assert "text_changed" not in row["extra"]


def test_a_project_made_just_before_the_end_is_found_by_its_mark(virtual, store, monkeypatch):
    class EndError(BaseException): ...

    def end(*_: object) -> None:
        raise EndError

    with monkeypatch.context() as patch:
        patch.setattr(store, "put_project", end)
        with pytest.raises(EndError):
            ensure_project(virtual.client(), store, PACK, "virtual")
    made = len(virtual.projects)

    assert ensure_project(virtual.client(), store, PACK, "virtual") in virtual.projects
    assert len(virtual.projects) == made


def test_one_answer_missing_is_asked_about_when_the_account_is_another(virtual, store):
    first, *_ = answered(virtual, 3)
    bring(virtual, store)
    virtual.delete_answer(first)
    virtual.me = 2

    with pytest.raises(PolicyError, match="the last pull was made with another"):
        bring(virtual, store)
    assert bring(virtual, store, confirm_deletions=True).deleted == 1


def test_a_restored_server_is_believed_when_told(virtual, store):
    answered(virtual, 150)
    backup = virtual.backup()
    bring(virtual, store)
    virtual.change_answer(max(virtual.annotations), result=valid("After the backup."))
    bring(virtual, store)
    virtual.restore(backup)

    with pytest.raises(PolicyError, match="older backup"):
        bring(virtual, store)
    assert bring(virtual, store, trust_server=True).changed == 1
    assert set(store.examples()["analysis"].to_list()) == {"First."}
    assert store.records(SOURCE) == {str(number) for number in virtual.annotations}
