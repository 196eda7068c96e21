"""`curator ask`: whole for pipes, as it is written on a terminal, with the pack's note on danger; `curator serve`."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from curator.cli import run
from curator.commands.asking import _show
from curator.pack import find_pack, load_pack
from curator.serving import serve_model
from curator.workspace import Workspace

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def curator(tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """A workspace about partners without a tuned model."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "keys"))
    (tmp_path / "curator.toml").write_text(f'name = "team"\npack = "relationship"\nbase_model = "{tiny}"\n')
    monkeypatch.chdir(tmp_path)

    def call(*words: str) -> tuple[int, str, str]:
        code = run(list(words))
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def test_a_pipe_gets_whole_answers_and_the_note_on_danger(curator: Run) -> None:
    code, out, _ = curator("ask", "He read her messages.", "--stakeholder", "coach")

    assert code == 0
    lines = out.splitlines()
    assert lines[:3] == ["Situation: He read her messages.", "", "coach"]
    assert lines[3].startswith("  base: caring ")
    assert lines[4].startswith("    Verdict: ")
    assert lines[-1].startswith("If somebody is hurt, threatened")
    told = json.loads(curator("ask", "He read her messages.", "--stakeholder", "coach", "--json")[1])
    assert [sorted(one) for one in told] == [["base", "stakeholder"]]
    assert told[0]["base"]["answer"].startswith(f"Verdict: {told[0]['base']['verdict']}\n")


def test_a_terminal_gets_each_answer_as_it_is_written(curator: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = curator("ask", "He read her messages.", "--stakeholder", "coach")[1]
    written = []
    echo = click.echo
    monkeypatch.setattr("rich_click.echo", lambda text="", **how: (written.append((text, how)), echo(text, **how))[1])
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)

    out = curator("ask", "He read her messages.", "--stakeholder", "coach")[1]

    assert out.rstrip() == whole.rstrip()
    assert sum(how.get("nl") is False for _, how in written) > 20  # pieces of the answer


def test_nothing_that_a_model_writes_steers_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    head = {"stakeholder": "coach", "which": "base"}
    texts = [head | {"event": "text", "text": text} for text in ("a\x1b", "[31mred\x07", "\nmore\u202e")]
    _show([head | {"event": "verdict", "probabilities": {"caring": 1.0}}, *texts, head | {"event": "end"}])

    assert capsys.readouterr().out == "\ncoach\n  base: caring 100%\n    a[31mred\n    more\n"


def test_assumptions_show_swaps_and_say_that_words_are_no_measurement(curator: Run) -> None:
    code, out, _ = curator("ask", "He read her messages.", "--stakeholder", "coach", "--assumptions")

    assert code == 0
    assert "its own words, swapped" in out
    assert "It was a Tuesday. / It was a" in out
    assert "What a model says of itself is no measurement" in out
    told = json.loads(curator("ask", "He read her messages.", "--stakeholder", "coach", "--assumptions", "--json")[1])
    assert [row["kind"] for row in told["swaps"]] == ["gender", "gender", "age", "seniority", "nothing"]
    assert told["swaps"][0]["b"] == "She read his messages."
    assert told["data"] is None  # nothing was trained


def test_guidelines_end_with_the_note_on_danger() -> None:
    pack = load_pack(find_pack("relationship", []))

    assert pack.instructions == f"{pack.guidelines.strip()}\n\n{pack.crisis.strip()}"
    assert not any(character.isdigit() for character in pack.crisis)  # no number of one country


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serving_ends_at_a_signal_and_puts_the_handlers_back(curator: Run, number: signal.Signals) -> None:
    before = signal.getsignal(number)

    answered = serve_model(Workspace.find(), 0, ready=lambda server: os.kill(os.getpid(), number))

    assert answered == 0
    assert signal.getsignal(number) == before


@pytest.mark.slow
def test_serve_answers_and_ends_with_one_line(curator: Run) -> None:
    call = [Path(sys.executable).parent / "curator", "serve", "--port", "0"]
    child = subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ)
    try:
        assert child.stdout is not None
        page = child.stdout.readline().removeprefix("Page: ").strip()
        assert page.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(f"{page}health", timeout=30) as reply:
            assert json.load(reply) == {"status": "UP", "model_class": "curator relationship"}
        for _ in range(3):
            child.stdout.readline()
        child.send_signal(signal.SIGINT)
        out, _ = child.communicate(timeout=60)
    finally:
        child.kill()

    assert (child.returncode, out) == (0, "Stopped. 0 answers given; nothing of them was kept.\n")
