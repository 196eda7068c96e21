"""What a terminal gets: tables readable at 80 columns, colours only where they are wanted, progress that fits."""

import fcntl
import os
import pty
import re
import shutil
import struct
import sys
import termios
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from curator.begin import begin
from curator.cli import run
from curator.console import fit, show_table
from curator.store import Refused
from curator.workspace import Workspace
from tests import sample

Show = Callable[..., str]
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample's workspace with a dataset; vectors and names come from the cache of the other tests."""
    folder = tmp_path_factory.mktemp("terminal")
    sample.dataset()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(folder / "keys"))
        begin(folder / "team", "workplace", sample=True)
        patch.chdir(folder / "team")
        shutil.copytree(sample.EMBEDDED, Workspace.find().cache)
        Path("bad.jsonl").write_text('{"situation": "half a scenario"}\n{"annotator": "x", "verdict": "odd"}\n')
        Path("bad-chat.jsonl").write_text('{"messages": []}\n{"messages": [{"role": "judge", "content": ""}]}\n[]\n')
        Path("short.toml").write_text('[[step]]\nuse = "normalise"\n[[step]]\nuse = "exact_duplicates"\n')
        adds = ["people add people.jsonl", "add scenarios.jsonl answers.jsonl", "add bad.jsonl"]
        for words in (*adds, "curate --recipe short.toml", "curate", "threshold --sheet pairs.csv"):
            assert run(words.split()) == (3 if "bad" in words else 0)
        pairs = Path("pairs.csv")
        lines = pairs.read_text("utf-8-sig").splitlines()
        pairs.write_text("\n".join([lines[0], *(line + "yes" for line in lines[1:])]) + "\n", "utf-8-sig")
    return folder / "team"


@pytest.fixture
def show(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Show:
    """Return what something prints where COLUMNS says how wide it is."""

    def printed(call: Callable[[], Any], columns: int) -> str:
        monkeypatch.setenv("COLUMNS", str(columns))
        capsys.readouterr()
        call()
        return capsys.readouterr().out

    return printed


def check_readable(show: Show, call: Callable[[], Any]) -> None:
    """Hold what is printed at 80 columns to the words of what is printed where there is room for everything.

    Only tables are held to 80: a sentence is left to the terminal.
    """
    narrow, wide = show(call, 80), show(call, 1000)
    tables = [line for line in narrow.splitlines() if line.startswith(" ") or "  " in line]
    assert "─" in narrow or "█" in narrow, "there is no table"
    assert max(map(len, tables)) <= 80, narrow
    words = [Counter(word for word in text.split() if word.strip("─")) for text in (narrow, wide)]
    assert words[0] == words[1], narrow


TABLES = [
    "status",
    "people",
    "people list",
    "pack list",
    "verify",
    "curate",
    "check",
    "dropped",
    "diff v1 v2",
    "review --limit 60",
    "near 0.985",
    "threshold --judged pairs.csv",
    "add --guess answers.jsonl",
    "validate bad-chat.jsonl",
]


@pytest.mark.parametrize("words", TABLES)
def test_a_table_is_readable_at_80_columns(team: Path, words: str, show: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(team.parent / "keys"))
    monkeypatch.chdir(team)

    check_readable(show, lambda: run(words.split()))


LOSS = {"difference": -0.0123, "interval": [-0.1234, 0.1234], "p_holm": 0.123}
ROLES = ["employee", "manager", "hr", "outside_expert", "works_council"]  # one more than any pack has


def swept(name: str) -> dict[str, Any]:
    settings = {"rate": "0.0005", "rank": "16", "verdict_weight": "0.5"}
    told = {"settings": settings, "model": f"v12-{name}", "worst": "outside_expert", "worst_loss": 3.64346}
    return {**told, "loss": 3.50999, "accuracy": 0.456, "change": LOSS}


def test_the_tables_of_models_are_readable_at_80_columns(
    workspace: Workspace, show: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their commands print what a long run leaves; here it is made up, with names and numbers as long as they get."""
    from curator.commands.trained import show_estimate, show_trained
    from curator.commands.tuning import show_preferred

    monkeypatch.chdir(workspace.root)
    sweep = {"models": [swept("abcdef"), swept("012345")], "findings": [], "left": []}
    sweep["base"] = {**swept("base"), "settings": {}, "change": None}
    monkeypatch.setattr("curator.tuning.sweep", lambda *_: sweep)
    seen = {"exposure": 7.25, "finished": True}
    sentence = "The code to the store room on the second floor is 4711-0815."
    canaries = [{"times": 16, "sentence": sentence, "base": seen, "tuned": seen}]
    told = {"canaries": canaries, "candidates": 256, "findings": []}
    monkeypatch.setattr("curator.auditing.audit", lambda *_: told)
    moved = {"moved": 0.43, "verdicts": ["reasonable", "manipulative"]}
    swap = {"kind": "nationality", "how": "Ms Schneider → Mr Papadopoulos", "stakeholder": "outside_expert"}
    assumed = {"swaps": [{**swap, "base": moved, "tuned": moved}], "said": {"base": "", "tuned": ""}}
    assumed |= {"data": [], "asked": "", "note": ""}
    monkeypatch.setattr("curator.assumptions.assume", lambda *_: assumed)
    made = SimpleNamespace(
        folder=Path("v1-abcdef"),
        rows={"train": 211, "validation": 30},
        tokens=72_217,
        refused=[],
        masked=[],
        train_loss=[3.761157, 3.397241],
        validation_loss=[3.585923, 3.509992],
        stakeholder_loss={role: [3.260807, 3.185186] for role in ROLES},
        best_epoch=2,
        seconds=312.0,
        tokens_per_second=513.2,
        resumed=0,
        passed_over=[],
        reused=False,
    )
    probed: Any = SimpleNamespace(
        rows=211,
        scenarios=56,
        left_out={"weight 0": ["a"]},
        tokens=72_217,
        computed=40_123,
        learning=1_234_567,
        steps=56,
        epochs=2,
        seconds=412.0,
        begin=12.0,
        first=200.0,
        next=190.0,
        memory=2**31,
        probed=8,
        took=23.0,
    )
    losses = {"train_loss": [0.6931, 0.5123], "validation_loss": [0.6931], "best_epoch": 1, "rows": {"train": 80}}
    preferred: Any = SimpleNamespace(
        folder=Path("v1-abcdef"),
        reused=False,
        told={**losses, "refused": {}, "first_preferred": None, "validation": None},
    )
    for call in (
        lambda: run(["sweep", "--set", "rate=0.0005,0.001", "--set", "rank=16,32", "--set", "verdict_weight=0.5,1"]),
        lambda: run(["audit"]),
        lambda: run(["ask", "A shift was moved.", "--assumptions"]),
        lambda: show_trained(made, as_json=False),
        lambda: show_estimate(probed, as_json=False),
        lambda: show_preferred(preferred, as_json=False),
    ):
        check_readable(show, call)


def test_a_table_is_as_wide_as_columns_says_and_80_where_nothing_does(
    show: Show, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [["a", "word " * 40]]
    for said, width in (("40", 40), ("120", 120), ("0", 80), ("wide", 80), ("", 80)):
        monkeypatch.setenv("COLUMNS", said)
        show_table(["id", "why"], rows)
        assert max(map(len, capsys.readouterr().out.splitlines())) == width


def test_only_the_longest_word_is_cut_where_nothing_else_is_left() -> None:
    assert fit([["id", "604713294dc0088f"], ["count", "12345"], ["why", "it was said before"]], 30) == [16, 5, 9]
    assert fit([["id", "604713294dc0088f"], ["count", "12345"], ["why", "it was said before"]], 20) == [9, 5, 6]


def on_a_terminal(words: list[str], cwd: Path, columns: int = 80, **more: str) -> str:
    """Run the program on a pseudo terminal and return all that it wrote there."""
    return python_on_a_terminal(["-m", "curator", *words], cwd, columns, **more)


def python_on_a_terminal(words: list[str], cwd: Path, columns: int = 80, **more: str) -> str:
    """Run Python on a pseudo terminal and return all that was written there."""
    kept = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR", "FORCE_COLOR")}
    env = kept | {"TERM": "xterm-256color"} | more
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(cwd)
        os.execve(sys.executable, [sys.executable, *words], env)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    said = b""
    while True:
        try:
            part = os.read(terminal, 2**16)
        except OSError:  # the program has ended
            break
        if not part:
            break
        said += part
    os.waitpid(child, 0)
    os.close(terminal)
    return said.decode()


WAYS: list[tuple[list[str], dict[str, str]]] = [
    (["--no-color"], {}),
    ([], {"NO_COLOR": "1"}),
    ([], {"TERM": "dumb"}),
]


@pytest.mark.parametrize("words", ["--help", "statsu", "verify"])
def test_colours_are_there_and_can_be_turned_off_in_three_ways(workspace: Workspace, words: str) -> None:
    """Help and errors of click, a table and progress of rich."""
    with workspace.store() as store:
        store.take("a", [Refused("a.jsonl:9", b"{", "not JSON")])

    assert COLOUR.search(on_a_terminal([words], workspace.root, NO_COLOR=""))  # empty: as if it were not there
    for behind, more in WAYS:
        said = on_a_terminal([words, *behind], workspace.root, **more)
        assert len(said) > 80
        assert not COLOUR.search(said)


BARS = """
import time
from curator.console import progress
with progress() as bar:
    for n in range(4):
        bar("embedding", n, 4)
        bar("Making a database", 0, 0)
        time.sleep(0.25)
"""


def test_a_terminal_gets_bars_with_speed_and_time_left_and_without_colours_where_it_says_so(tmp_path: Path) -> None:
    said = [python_on_a_terminal(["-c", BARS], tmp_path, **more) for more in ({}, {"NO_COLOR": "1"})]

    for text in said:
        assert re.search(r"embedding.* 3 of 4 .*\d\.\d/s.* 1 s left", COLOUR.sub("", text))
        assert "0 of 0" not in text
    assert [bool(COLOUR.search(text)) for text in said] == [True, False]


def test_a_table_takes_the_terminals_own_width(workspace: Workspace) -> None:
    wide = on_a_terminal(["pack", "list"], workspace.root, 120)
    narrow = on_a_terminal(["pack", "list"], workspace.root, 60)

    assert max(map(len, COLOUR.sub("", narrow).split("\r\n"))) == 60
    assert 80 < max(map(len, COLOUR.sub("", wide).split("\r\n"))) <= 120


def test_a_long_line_goes_on_below_further_in(capsys):
    from curator.console import say_wrapped

    say_wrapped("  duplicates  drop: " + "the same role said it " * 6)

    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[1].startswith("      ")
    assert len(lines) == 2


def test_bars_grow_no_wider_than_the_terminal():
    from curator.commands.looking import _bars

    assert max(map(len, _bars({"employee": 90, "hr": 3}, False, 17))) == 17
    assert _bars({"employee": 90}, False, 10) == ["employee 90"]
