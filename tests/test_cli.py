"""The command line: every exit code for real, every error one line, and nothing half done whatever stops it."""

import http.server
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from curator.cli import run
from curator.console import plain, show_json
from curator.store import Store
from curator.workspace import Workspace

CURATOR = Path(sys.executable).with_name("curator")
SIMPLE = '[[step]]\nuse = "normalise"\n[[step]]\nuse = "validate"\n[[step]]\nuse = "exact_duplicates"\n'
Run = Callable[..., tuple[int, str, str]]


def lines(count: int, **more: Any) -> str:
    """Answers of one person to many situations, as JSONL."""
    told = {"annotator": "ann@x.org", "stakeholder": "hr", "verdict": "reasonable", "severity": 2}
    said = {"analysis": "Four words at least, and then some more of them."}
    every = ({"id": n, "situation": f"Situation {n} of the many.", **told, **said, **more} for n in range(count))
    return "".join(json.dumps(one) + "\n" for one in every)


@pytest.fixture
def here(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The workspace as the current folder, with a recipe that needs no model."""
    monkeypatch.chdir(workspace.root)
    (workspace.root / "recipe.toml").write_text(SIMPLE)
    return workspace.root


@pytest.fixture
def curator(here: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process; return its exit code, stdout and stderr."""

    def call(*words: str) -> tuple[int, str, str]:
        code = run(list(words))
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def process(*words: str, **how: Any) -> "subprocess.CompletedProcess[str]":
    """Run a command as a process of its own."""
    return subprocess.run([CURATOR, *words], capture_output=True, text=True, timeout=120, **how)


def one_line(text: str) -> bool:
    return text.startswith("error: ") and text.count("\n") == 1 and "Traceback" not in text


def test_0_everything_was_done(curator: Run, here: Path) -> None:
    (here / "a.jsonl").write_text(lines(20))

    assert curator("add", "a.jsonl")[:2] == (0, "20 answers fetched: 20 new, 0 changed, 0 as before, 0 deleted.\n")
    assert curator("curate")[0] == 0
    assert curator("verify")[0] == 0
    assert curator("status")[0] == 0


def test_1_a_stage_that_loses_rows_or_fails_is_named(curator: Run, here: Path) -> None:
    (here / "a.jsonl").write_text(lines(3))
    (here / "mine_1.py").write_text(
        "from curator.stage import Outcome, stage\n"
        "@stage('row')\ndef lose(rows):\n    return Outcome(rows.head(1))\n"
        "@stage('row')\ndef fail(rows):\n    return Outcome(rows / 0)\n"
    )
    curator("add", "a.jsonl")
    for name, said in {"lose": "lost 2 ids", "fail": "Stage 'mine_1:fail' failed"}.items():
        (here / "recipe.toml").write_text(f'[[step]]\nuse = "mine_1:{name}"\n')
        code, out, err = curator("curate")
        assert (code, out) == (1, "")
        assert said in err
        assert one_line(err.splitlines(keepends=True)[-1])
    assert not list(here.glob("datasets/v*"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["statsu"], "No such command 'statsu'. (Did you mean one of: 'stages', 'status'?)"),
        (["status", "--jsn"], "No such option '--jsn'. Did you mean '--json'?"),
        (["add"], "Missing argument 'FILES...'"),
        (["add", "none.jsonl"], "There is no file none.jsonl"),
        (["add", "https://host/a.jsonl"], "is an address, not a file"),
        (["add", "recipe.toml"], "is none of .jsonl"),
        (["add", "x.jsonl", "--source"], "Option '--source' requires an argument"),
        (["init", "."], "is a workspace already"),
        (["init", "new", "--pack", "workplac"], "Did you mean 'workplace'?"),
        (["init", "new", "--pack", "../up"], "is not the name of a pack"),
        (["people", "add", "bob"], "There is no file bob"),
        (["people", "add", "bob@x.org", "--stakeholder", "mangaer"], "Did you mean 'manager'?"),
        (["curate"], "There are no answers to curate"),
        (["curate", "--recipe", "none.toml"], "There is no recipe none.toml"),
        (["curate", "--recipe", "."], "cannot be read: Is a directory"),
        (["why", "abc"], "No answer begins with 'abc'"),
        (["why", "'; DROP TABLE revisions; --"], "No answer begins with"),
        (["export"], "There is no dataset yet"),
        (["export", "--dataset", "v9"], "There is no dataset 'v9'"),
        (["train"], "There is no dataset yet"),
        (["train", "--set", "epochs"], "is not NAME=VALUE"),
        (["train", "--set", "epoch=5"], "Did you mean 'epochs'?"),
        (["train", "--set", "epochs=many"], "Setting 'epochs'"),
        (["ask"], "Give the situation as text, or --scenario ID"),
        (["ask", "x", "--stakeholder", "mangaer"], "Did you mean 'manager'?"),
        (["report"], "There is no dataset yet"),
        (["pull"], "There is no project yet"),
        (["push", "recipe.toml"], "is none of .jsonl"),
        (["project"], "Nobody is known who could answer"),
        (["completion", "tcsh"], "is not one of 'bash', 'zsh', 'fish'"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
def test_2_wrong_words_are_one_line_that_says_what_to_do(curator: Run, words: list[str], said: str) -> None:
    code, out, err = curator(*words)

    assert (code, out) == (2, "")
    assert said in err
    assert one_line(err)


def test_2_outside_of_a_workspace_the_next_step_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for words in (["status"], ["add", "a.jsonl"], ["curate"], ["why", "a"], ["verify"], ["people", "list"], ["train"]):
        assert run(words) == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert "Start one here with: curator init" in said.err
        assert one_line(said.err)
    assert list(tmp_path.iterdir()) == []


def test_2_a_bad_file_leaves_nothing_of_any_file_behind(curator: Run, here: Path) -> None:
    (here / "good.jsonl").write_text(lines(3))
    (here / "bad.csv").write_bytes(b"annotator,verdict\nann,\xff\n")

    assert curator("add", "good.jsonl", "bad.csv")[0] == 2
    with Workspace.find().store() as store:
        assert (store.ids(), store.quarantined(), store.intakes().fetched) == ([], [], 0)


def test_2_a_recipe_names_the_nearest_stage_and_setting(curator: Run, here: Path) -> None:
    for text, said in {
        '[[step]]\nuse = "validat"': "recipe.toml, step 1: there is no stage 'validat'. Did you mean 'validate'?",
        '[[step]]\nuse = "validate"\nleest = 1': "stage 'validate' has no setting 'leest'. Did you mean 'least'?",
    }.items():
        (here / "recipe.toml").write_text(text)
        code, _, err = curator("curate")
        assert code == 2
        assert said in err


def test_3_a_bad_record_is_set_aside_with_its_place_and_the_rest_goes_on(curator: Run, here: Path) -> None:
    (here / "a.jsonl").write_text(
        lines(2) + '{"id": 1, "id": 2}\n{"situation": "half a scenario"}\n' + lines(1, id="z")
    )

    code, out, err = curator("add", "a.jsonl")
    assert (code, err) == (3, "")
    assert "5 answers fetched: 3 new" in out
    assert "2 could not be read and were set aside: curator verify" in out
    code, out, _ = curator("verify", "--json")
    assert code == 3
    assert [(aside["place"], aside["reason"]) for aside in json.loads(out)["quarantine"]] == [
        ("a.jsonl:3", 'not strict JSON: Detected duplicate key "id" at column 16'),
        ("a.jsonl:4", "a scenario needs a `key` and a `situation`; these and its other fields must be text"),
    ]


def test_4_a_server_that_is_down_is_a_source_error(curator: Run, here: Path) -> None:
    with Workspace.find().store() as store:
        store.put_project("embedded", 1, "workplace", "hash")
    code, out, err = curator("pull")

    assert (code, out) == (4, "")
    assert "Label Studio is down. Nothing was fetched; start it with: curator up" in err
    assert one_line(err)


class Refuses(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b'{"detail": "Invalid token."}'
        self.send_response(401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        pass


def test_5_a_refused_token_is_an_authentication_error(
    curator: Run, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refuses)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    (here / "curator.toml").write_text(f'name = "x"\n[server]\nurl = "{url}"\n')
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", "wrong")
    with Workspace.find().store() as store:
        store.put_project(url, 1, "workplace", "hash")
    try:
        code, out, err = curator("pull")
    finally:
        server.shutdown()
        server.server_close()

    assert (code, out) == (5, "")
    assert one_line(err)
    assert "wrong" not in err.replace("is wrong", "")  # the token is in no message


def test_6_a_store_that_cannot_be_made_is_a_storage_error(curator: Run, here: Path) -> None:
    shutil.rmtree(here / ".curator", ignore_errors=True)
    (here / ".curator").write_text("a file where the folder should be")
    code, out, err = curator("status")

    assert (code, out) == (6, "")
    assert "store.db cannot be opened" in err
    assert one_line(err)


def test_6_a_full_disk_is_a_storage_error_and_leaves_nothing_of_the_file(here: Path) -> None:
    (here / "small.jsonl").write_text(lines(5))
    (here / "large.jsonl").write_text(lines(2000))
    assert process("add", "small.jsonl").returncode == 0
    full = process("add", "large.jsonl", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (400_000,) * 2))

    assert (full.returncode, full.stdout) == (6, "")
    assert "could not be written" in full.stderr
    assert one_line(full.stderr)
    with Workspace.find().store() as store:
        assert (store.verify(), store.examples().height) == ([], 5)


def test_6_a_damaged_store_says_so(curator: Run, here: Path) -> None:
    (here / "a.jsonl").write_text(lines(5))
    curator("add", "a.jsonl")
    with Workspace.find().store() as store, store.write() as db:
        db.execute("UPDATE revisions SET example = replace(example, 'reasonable', 'manipulative') WHERE record = '3'")
    for words in (["verify"], ["curate"], ["status"]):
        code, out, err = curator(*words)
        assert (code, out) == (6, "")
        assert one_line(err)


def test_7_a_second_writer_is_told_who_is_first(curator: Run, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "a.jsonl").write_text(lines(5))
    opened = Workspace.store
    monkeypatch.setattr(Workspace, "store", lambda self: _impatient(opened(self)))
    with Store(here / ".curator" / "store.db") as first, first.write():
        code, out, err = curator("add", "a.jsonl")

    assert (code, out) == (7, "")
    assert f"Process {os.getpid()} on " in err
    assert "is writing to the store. Nothing was changed; try again when it is done." in err
    assert curator("add", "a.jsonl")[0] == 0


def _impatient(store: Store) -> Store:
    store.patience = 0.1
    return store


@pytest.mark.slow
def test_8_a_model_that_could_run_code_is_a_policy_error(curator: Run, here: Path) -> None:
    (here / "base").mkdir()
    (here / "base" / "config.json").write_text("{}")
    (here / "base" / "pytorch_model.bin").write_bytes(b"a pickle")
    (here / "curator.toml").write_text('name = "x"\nbase_model = "base"\n')
    code, out, err = curator("ask", "A shift was moved.")

    assert (code, out) == (8, "")
    assert "can run code when loaded. Nothing was loaded" in err
    assert one_line(err.splitlines(keepends=True)[-1])


@contextmanager
def started(*words: str) -> Iterator["subprocess.Popen[str]"]:
    child = subprocess.Popen([CURATOR, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield child
    finally:
        child.kill()
        child.communicate()


def wait_for_writing(here: Path) -> None:
    """Wait until the log of the store grows: a transaction is on its way."""
    log, until = here / ".curator" / "store.db-wal", time.monotonic() + 60
    while time.monotonic() < until and not (log.exists() and log.stat().st_size > 500_000):
        time.sleep(0.002)


@pytest.mark.parametrize(("sign", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_130_and_143_stop_a_long_add_and_leave_nothing_of_it(here: Path, sign: int, code: int) -> None:
    (here / "long.jsonl").write_text(lines(8000, analysis="A long answer. " * 60))
    with started("add", "long.jsonl") as child:
        wait_for_writing(here)
        child.send_signal(sign)
        out, err = child.communicate(timeout=30)

    assert (child.returncode, out) == (code, "")
    assert one_line(err.lstrip("\n"))
    assert "Stopped" in err
    with Workspace.find().store() as store:
        assert (store.verify(), store.examples().height, store.intakes().fetched) == ([], 0, 0)


def test_130_stops_a_long_curate_and_leaves_no_dataset(here: Path) -> None:
    (here / "a.jsonl").write_text(lines(50))
    (here / "mine_130.py").write_text(
        "import time\nfrom pathlib import Path\nfrom curator.stage import Outcome, stage\n"
        "@stage('row')\ndef long(rows):\n    Path('running').touch()\n    time.sleep(60)\n    return Outcome(rows)\n"
    )
    assert process("add", "a.jsonl").returncode == 0
    (here / "recipe.toml").write_text(SIMPLE + '[[step]]\nuse = "mine_130:long"\n')
    with started("curate") as child:
        while not (here / "running").exists() and child.poll() is None:
            time.sleep(0.01)
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=30)

    assert child.returncode == 130
    assert not (here / "datasets").exists() or list((here / "datasets").iterdir()) == []
    with Workspace.find().store() as store:
        assert (store.verify(), store.examples().height) == ([], 50)


ADDS = """
import os, sys
from curator.cli import run
import curator.collecting, curator.workspace  # from here on it is all reading and writing
os.write(1, b"ready" + os.linesep.encode())
sys.stdout = open(os.devnull, "w")
for n in range(1000):
    assert run(["add", "a.jsonl", "--source", f"{sys.argv[1]}-{n}"]) == 3
"""


@pytest.mark.slow
def test_kill_9_at_any_moment_of_add_leaves_each_source_whole_or_absent(here: Path) -> None:
    chance = random.Random(5)
    (here / "a.jsonl").write_text(lines(60) + "not JSON\n")
    kills = 0
    for turn in range(30):
        child = subprocess.Popen([sys.executable, "-c", ADDS, str(turn)], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        time.sleep(chance.random() * 0.2)
        child.kill()
        child.communicate()
        kills += child.returncode == -signal.SIGKILL
        with Store(here / ".curator" / "store.db", patience=1) as store:
            assert store.verify() == []
            counts = dict(store.examples()["source"].value_counts().iter_rows())
            assert set(counts.values()) <= {60}
            assert len(store.quarantined()) == len(counts)
            assert store.intakes().fetched == 61 * len(counts)
    assert kills == 30
    assert len(counts) > 5  # and much was written in between


def test_the_debug_switch_shows_where_and_keeps_the_exit_code(curator: Run) -> None:
    for words in (["--debug", "why", "abc"], ["why", "abc", "--debug"]):
        code, _, err = curator(*words)
        assert code == 2
        assert "Traceback" in err
        assert err.splitlines()[-1].startswith("error: No answer begins with 'abc'")


def test_why_names_the_answers_that_begin_alike(curator: Run, here: Path) -> None:
    (here / "a.jsonl").write_text(lines(40))
    curator("add", "a.jsonl")
    with Workspace.find().store() as store:
        ids = store.ids()
    alike = next(start for start in "0123456789abcdef" if sum(name.startswith(start) for name in ids) > 1)
    code, _, err = curator("why", alike)

    assert code == 2
    assert f"Several answers begin with '{alike}'" in err
    assert next(name for name in ids if name.startswith(alike)) in err
    code, out, _ = curator("why", ids[0])
    assert code == 0
    assert ids[0] in out


def test_json_can_be_parsed_wherever_it_is_offered(curator: Run, here: Path) -> None:
    (here / "a.jsonl").write_text(lines(5, analysis="Evil \x1b[31m \x9b31m \u202e and \u2028 more words here."))
    said = {}
    curator("people", "add", "bob@x.org", "--stakeholder", "hr")
    for words in ("add a.jsonl", "people list", "status", "verify", "stages", "curate"):
        code, out, err = curator(*words.split(), "--json")
        assert (code, "Traceback" in err) == (0, False)
        said[words] = json.loads(out)
    with Workspace.find().store() as store:
        code, out, _ = curator("why", store.ids()[0], "--json")

    assert said["add a.jsonl"]["new"] == 5
    assert said["status"]["answers"] == 5
    assert said["verify"]["quarantine"] == []
    assert json.loads(out)["revisions"][0]["example"]["analysis"].startswith("Evil \x1b[31m \x9b31m \u202e")
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", out)  # nothing of it steers a terminal


def test_what_is_not_a_number_is_null_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    show_json({"a": [float("nan"), float("inf"), 1.5], "b": "\ud800"})

    assert json.loads(capsys.readouterr().out) == {"a": [None, None, 1.5], "b": "\ud800"}


EVIL = "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x9b2J \r\u202eback \x08\x08 end of the analysis."


def test_what_people_write_cannot_steer_a_terminal(curator: Run, here: Path) -> None:
    (here / "a.jsonl").write_text(
        lines(1, id=EVIL, situation=EVIL, analysis=EVIL) + '{"annotator": "x", "verdict": "\\u001b[2J"}\n'
    )
    curator("add", "a.jsonl", "--source", EVIL)
    curator("curate")
    with Workspace.find().store() as store:
        (name,) = store.ids()
    for words in (["why", name], ["status"], ["verify"], ["add", EVIL], ["why", EVIL], ["stages"]):
        _, out, err = curator(*words)
        assert out + err
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", out + err), words
    assert plain(EVIL) == "red 0;title 2J back  end of the analysis."


FORMULAS = ["=HYPERLINK(1)", "+1", "-1", "@SUM(1)", "\t=1", " =1"]


def test_cells_that_a_spreadsheet_would_run_are_text_in_csv(curator: Run, here: Path) -> None:
    prompt = (here / "labeling_configs" / "workplace" / "pack.toml").read_text("utf-8")
    prompt = prompt.replace("Verdict: {verdict}\nSeverity: {severity}\nAnalysis: {analysis}", "{verdict}{analysis}")
    (here / "labeling_configs" / "workplace" / "pack.toml").write_text(
        prompt.replace('reasonable = "', '"=cmd()" = "x"\nreasonable = "'), "utf-8"
    )
    (here / "a.jsonl").write_text(lines(30, verdict="=cmd()", domain="=DOMAIN()"))
    (here / "recipe.toml").write_text('[[step]]\nuse = "mine_csv:deal"\n')
    (here / "mine_csv.py").write_text(
        "import polars as pl\nfrom curator.stage import Outcome, stage\n"
        "@stage('row')\ndef deal(rows):\n    return Outcome(rows.with_columns(pl.lit('train').alias('split')))\n"
    )
    assert [curator(*words.split())[0] for words in ("add a.jsonl", "curate", "export --format csv")] == [0, 0, 0]
    text = (here / "exports" / "csv" / "train.csv").read_text("utf-8-sig")

    assert "'=cmd()" in text
    assert not re.search(r'(^|,)"?\s*[=+@]', text, re.MULTILINE)


def test_head_closes_the_pipe_quietly(here: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; '{CURATOR}' stages --json | head -n 1"], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "[\n", "")
    for way in (">&-", "1>/dev/full"):
        done = subprocess.run(["bash", "-c", f"'{CURATOR}' stages {way}"], capture_output=True, text=True)
        assert "Traceback" not in done.stderr
        assert "Exception ignored" not in done.stderr
        assert done.returncode in (0, 6)


@pytest.mark.parametrize("language", [{"LC_ALL": "C", "TERM": "dumb"}, {"LANG": "C", "PYTHONIOENCODING": "ascii"}])
def test_any_language_setting_will_do(here: Path, language: dict[str, str]) -> None:
    (here / "naïve.jsonl").write_text(lines(3, analysis="Überall naïve Wörter, 日本語 too."), "utf-8")
    env = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG"))} | language
    for words in (["add", "naïve.jsonl"], ["status"], ["add", "döes-not-exist.jsonl"]):
        done = process(*words, env=env, stdin=subprocess.DEVNULL)
        assert done.returncode == (2 if "döes" in words[-1] else 0), done.stderr
        assert "Traceback" not in done.stderr


def test_words_and_file_names_that_are_no_text_are_refused(here: Path) -> None:
    (here / os.fsdecode(b"caf\xe9.jsonl")).write_text(lines(1))
    for words in (["add", b"caf\xe9.jsonl"], ["why", b"\xff"], ["add", "x.jsonl", "--source", b"\xff"]):
        done = process(*words)
        assert done.returncode == 2
        assert one_line(done.stderr)


def test_without_a_command_there_is_help(curator: Run) -> None:
    code, out, err = curator()

    assert code == 2
    assert "Usage" in out + err
    assert "Traceback" not in err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_printed_for_each_shell(curator: Run, shell: str) -> None:
    code, out, err = curator("completion", shell)

    assert (code, err) == (0, "")
    assert "_CURATOR_COMPLETE" in out
    assert "curator" in out


def test_completion_completes(here: Path) -> None:
    env = {**os.environ, "_CURATOR_COMPLETE": "bash_complete", "COMP_WORDS": "curator sta", "COMP_CWORD": "1"}

    assert process(env=env).stdout.split() == ["plain,stages", "plain,status"]


def test_explore_writes_the_report_anew_and_opens_it(curator: Run, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "a.jsonl").write_text(lines(20))
    curator("add", "a.jsonl")
    curator("curate")
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda address: bool(opened.append(address)) or len(opened) < 2)

    assert curator("explore")[:2] == (0, "Report: report.html\n")
    assert opened == [(here / "report.html").resolve().as_uri()]
    assert curator("explore")[1] == "Report: report.html. There is no browser here: open this file in one.\n"
