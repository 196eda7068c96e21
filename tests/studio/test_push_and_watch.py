"""Two conveniences around push and pull: what is nearly there already, and pulling again and again."""

import contextlib
import json
import time

import pytest

from curator.cli import run
from tests.studio.faults import Scene, environment
from tests.studio.histories import valid


@pytest.fixture
def scene(tmp_path, monkeypatch, capfd):
    for name, value in environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "keys"))
    root = tmp_path / "team"
    root.mkdir()
    monkeypatch.chdir(root)
    with contextlib.ExitStack() as stack:
        yield Scene.build(root, lambda: capfd.readouterr().out, stack)


@pytest.mark.slow
def test_a_scenario_that_reads_nearly_like_an_older_one_is_named_and_sent_all_the_same(scene):
    def push(*situations: str) -> str:
        rows = [{"key": text[:9], "situation": text, "context": "An office."} for text in situations]
        (scene.workspace.root / "s.jsonl").write_text("\n".join(map(json.dumps, rows)))
        assert run(["push", "s.jsonl"]) == 0
        return scene.said()

    assert push("The shift was moved to Friday without asking anyone.").splitlines() == [
        "1 scenarios sent, 0 were there already."
    ]
    said = push("The shift was moved to Friday without asking anybody.", "The manager praised the new colleague.")

    line, rest = said.splitlines()
    assert line.startswith("alike (0.9")
    assert "'The shift was moved to Friday without asking anybody.' and" in line
    assert rest == "2 scenarios sent, 0 were there already."


def test_watching_pulls_until_it_is_stopped_and_waits_for_a_server_that_is_away(scene, monkeypatch):
    slept = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 1:
            scene.virtual.add_answer(1, valid("A third."), 4)
        if len(slept) == 2:
            scene.proxy.spoiler = lambda said, send: None
        if len(slept) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("curator.studio.client._pause", lambda _: None)
    monkeypatch.setattr(time, "sleep", sleep)

    assert run(["pull", "--watch", "7"]) == 130
    assert slept == [7, 7, 7]
    first, second = scene.said().splitlines()
    assert first.startswith("16 answers fetched: 16 new")
    assert second.startswith("3 answers fetched: 1 new")
