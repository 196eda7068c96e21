"""The main job, end to end, on the sample data: the commands a team would type, one after the other."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from curator.begin import begin
from curator.collecting import account, client
from curator.errors import QUARANTINED, CuratorError
from curator.files import read
from curator.progress import Progress, quiet
from curator.workspace import FILE, Workspace

PEOPLE_ANSWER = "the sample's people answer, each as themselves, through the API"
STEPS = [
    "people add people.jsonl",
    "up",
    "project",
    "push scenarios.jsonl",
    PEOPLE_ANSWER,  # the one thing that is not a command
    "pull",
    "verify",
    "curate",
    "export",
    "train",
    "evaluate",
    "report",
    "status",
]


def demo(
    folder: Path, run: Callable[[list[str]], int], tell: Callable[[str], None], progress: Progress = quiet
) -> list[tuple[str, float]]:
    """Do the main job in `folder` and return each step with its seconds. What is there already is used again.

    `run` runs one command line as `curator` would and returns its exit code; CuratorError when one fails.
    """
    if not (folder / FILE).exists():
        begin(folder, "workplace", sample=True)
    start, took = Path.cwd(), []
    os.chdir(folder)
    try:
        for step in STEPS:
            began = time.monotonic()
            if step == PEOPLE_ANSWER:
                tell(f"… {step}")
                tell(f"{answer_all(Workspace.find(), progress)} answers given")
            else:
                tell(f"$ curator {step}")
                if run(step.split()) not in (0, QUARANTINED):
                    raise CuratorError(f"The demo stopped at: curator {step}. What was finished is kept.")
            took.append((step, time.monotonic() - began))
    finally:
        os.chdir(start)
    return took


def answer_all(workspace: Workspace, progress: Progress = quiet) -> int:
    """Give the sample's answers in the real server, each as its own person; return how many were given now."""
    from curator.studio import push, server

    scenarios = {str(scenario["key"]): scenario for scenario in _values(workspace.root / "scenarios.jsonl")}
    answers = _values(workspace.root / "answers.jsonl")
    link = client(workspace)
    with workspace.store() as store:
        tasks = push.known(link, int(store.projects()[-1]["project"]))
    running = server.running(workspace.studio)
    assert running is not None  # noqa: S101  client() has just connected to it
    log = workspace.hidden / "demo-answers"  # which were given, so that a second run gives only the rest
    done = set(log.read_text("utf-8").split()) if log.exists() else set()
    for number, answer in enumerate(answers, 1):
        if answer["key"] not in done:
            task = tasks[push.task_data(workspace.pack, scenarios[answer["scenario"]])["scenario"]]
            extra = {"tactics": answer["tactics"]} if answer.get("tactics") else {}
            who = account(workspace, answer["annotator"])
            push.answer_as(running.url, who.token, task, workspace.pack, {**answer, "extra": extra})
            with open(log, "a", encoding="utf-8") as file:
                file.write(answer["key"] + "\n")
        progress("answering", number, len(answers))
    return len(answers) - len(done)


def _values(path: Path) -> list[dict[str, Any]]:
    return [record.value for record in read(path) if record.value is not None]
