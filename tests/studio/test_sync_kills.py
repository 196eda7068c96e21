"""kill -9 at any moment of a pull or a push: nothing lost, nothing twice, and the store opens at once."""

import os

import pytest

from curator.store import Store
from curator.studio.sync import pull
from tests.studio.histories import ACCOUNTS, KEY, PACK, PEOPLE, SOURCE, valid
from tests.studio.kills import kill_after, moments, nursery, seconds_to_open
from tests.studio.virtual import Virtual, serving

MANY = int(os.environ.get("CURATOR_KILLS", "60"))


@pytest.mark.slow
def test_no_kill_loses_or_doubles_anything(tmp_path):
    virtual, path = Virtual(PACK.config, dict(ACCOUNTS)), tmp_path / "store.db"
    slowest = 0.0
    with Store(path) as store:
        store.put_people(PEOPLE)
    with serving(virtual) as url, nursery(path, url) as processes:
        for turn, seconds in enumerate(moments(MANY)):
            process = processes.start("pull" if turn % 2 else "push", str(turn))
            with virtual.lock:  # people go on meanwhile
                for task in sorted(virtual.tasks)[-3:]:
                    virtual.add_answer(task, valid(f"At turn {turn}."), 2 + turn % 3)
                if turn % 7 == 3 and virtual.annotations:
                    virtual.delete_answer(max(virtual.annotations))
            kill_after(process, seconds)
            slowest = max(slowest, seconds_to_open(path))

    with Store(path) as store:
        pull(virtual.client(), store, 1, PACK, KEY, "virtual", confirm_deletions=True)
        assert len(virtual.tasks) >= MANY  # the kills fell among work that was done
        names = [task["data"]["scenario"] for task in virtual.tasks.values()]
        assert len(names) == len(set(names))
        assert store.records(SOURCE) == {str(number) for number in virtual.annotations}
        assert store.examples().height == len(virtual.annotations)
        assert {row["revision"] for row in store.examples().to_dicts()} == {1}  # nobody edited: no wording twice
        assert store.verify() == []
    assert slowest < 2
