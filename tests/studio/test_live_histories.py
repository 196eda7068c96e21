"""Short random histories on the real Label Studio: after each pull the store is what the server exports."""

import os
import random

import pytest

from curator.labels.results import to_result

pytestmark = [pytest.mark.live, pytest.mark.slow]
MANY = int(os.environ.get("CURATOR_LIVE_HISTORIES", "30"))


def result(desk, said):
    return to_result(desk.pack, {"verdict": "questionable", "severity": 2, "analysis": said})


def exported(desk):
    """Return what stands on the server, by another door than the one that pull uses."""
    path = f"api/projects/{desk.project}/export"
    said = desk.studio.owner.get(path, exportType="JSON", download_all_tasks="true")
    answers = {str(a["id"]): a["result"] for t in said for a in t["annotations"] if not a["was_cancelled"]}
    return {number: told[2]["value"]["text"][0] for number, told in answers.items() if told}


def step(desk, chance, number):
    owner, tasks = desk.studio.owner, sorted(exported_tasks(desk))
    answers = sorted(map(int, exported(desk)))
    deed = chance.choice(["task", "answer", "answer", "edit", "edit", "empty", "skip", "delete", "delete task", "text"])
    if deed == "task" or not tasks:
        desk.push(f"History {number} {chance.random()}")
    elif deed == "answer" or not answers:
        desk.answer(chance.choice(["ann", "bob", "cleo"]), chance.choice(tasks))
    elif deed == "delete task" and len(tasks) > 1:
        desk.send("DELETE", f"api/tasks/{chance.choice(tasks)}/")
    elif deed == "text":
        task = chance.choice(tasks)
        data = owner.get(f"api/tasks/{task}/")["data"]
        desk.send("PATCH", f"api/tasks/{task}/", {"data": {**data, "situation": f"Changed {chance.random()}"}})
    else:
        body = {"edit": {"result": result(desk, f"Edited {chance.random()}")}, "empty": {"result": []}}
        path = f"api/annotations/{chance.choice(answers)}/"
        desk.send("DELETE" if deed == "delete" else "PATCH", path, body.get(deed, {"was_cancelled": True}))


def exported_tasks(desk):
    said = desk.studio.owner.get("api/tasks", project=desk.project, page_size=1000, fields="task_only", include="id")
    return [task["id"] for task in said["tasks"]]


def test_after_any_short_history_the_store_is_what_the_server_exports(desk):
    chance = random.Random(8)
    for number in range(MANY):
        for _ in range(chance.randint(1, 4)):
            step(desk, chance, number)
        desk.pull(confirm_deletions=True)
        stored = {str(row["extra"]["annotation"]): row["analysis"] for row in desk.rows()}
        assert stored == exported(desk), number
        assert desk.store.verify() == []
