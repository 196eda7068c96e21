"""The demo's way from people to the store, on a real server; what follows is run by the README's test."""

import json
from pathlib import Path

import pytest

from curator import demo as demonstration
from curator.begin import begin
from curator.cli import run
from curator.demo import PEOPLE_ANSWER, STEPS, demo
from curator.studio import server
from curator.workspace import Workspace

KEYS = ("tech-07", "retail-16", "acad-08")  # an exact repeat, an empty analysis, Arabic and emoji


def shorten(folder: Path) -> list[dict[str, object]]:
    """Leave a few scenarios and their answers in a sample workspace, and return the answers."""
    kept = {}
    for name, key in (("scenarios.jsonl", "key"), ("answers.jsonl", "scenario")):
        rows = [json.loads(line) for line in (folder / name).read_text("utf-8").splitlines()]
        kept[name] = [row for row in rows if row[key] in KEYS]
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in kept[name]), "utf-8")
    return kept["answers.jsonl"]


@pytest.mark.live
@pytest.mark.slow
def test_people_answer_as_themselves_and_a_second_run_adds_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(demonstration, "STEPS", STEPS[: STEPS.index("verify") + 1])
    folder, told = tmp_path / "demo", []
    begin(folder, "workplace", sample=True)
    answers = shorten(folder)
    try:
        demo(folder, run, told.append)
        with Workspace.find(folder).store() as store:
            first, people = store.examples(), {p.email: p for p in store.people()}
        demo(folder, run, told.append)
        with Workspace.find(folder).store() as store:
            second = store.examples()
    finally:
        server.down(folder / ".curator" / "studio")

    said = [answer for answer in answers if answer["analysis"]]
    assert [line for line in told if line.endswith("given")] == [f"{len(answers)} answers given", "0 answers given"]
    assert sorted(first["analysis"]) == sorted(answer["analysis"].strip() for answer in said)
    assert sorted(first["annotator"]) == sorted(people[answer["annotator"]].pseudonym for answer in said)
    assert second.equals(first)


def test_the_demo_is_made_of_commands():
    from curator.cli import curator

    assert [step for step in STEPS if step != PEOPLE_ANSWER and step.split()[0] not in curator.commands] == []
