"""`curator status`: each stage's state and numbers, on one screen, for a workspace in any state."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from curator.cli import run
from curator.dashboard import CHECKED, LOOKED_AT, status
from curator.dataset import Dataset
from curator.store import Refused
from curator.workspace import Workspace

DEAL = """
import polars as pl
from curator.stage import Outcome, stage


@stage("row")
def deal(rows: pl.DataFrame) -> Outcome:
    split = pl.when(pl.col("situation").str.contains("9")).then(pl.lit("test")).otherwise(pl.lit("train"))
    return Outcome(rows.with_columns(split.alias("split"), pl.col("scenario").alias("group")))
"""
ROLES = ("employee", "manager", "hr", "outside_expert")
Run = Callable[..., tuple[int, str, str]]


def answers(count: int, roles: tuple[str, ...] = ROLES, **more: Any) -> str:
    """Answers to so many situations by one person of each role, as JSONL."""
    told = {"verdict": "reasonable", "severity": 2, "analysis": "Four words at least, and then some more of them."}
    rows = (
        {"id": f"{n}-{role}", "situation": f"Situation {n}.", "stakeholder": role, "annotator": role, **told, **more}
        for n in range(count)
        for role in roles
    )
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.fixture
def curator(workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run commands in an empty workspace with a recipe that needs no model."""
    monkeypatch.chdir(workspace.root)
    monkeypatch.syspath_prepend(workspace.root)
    monkeypatch.delenv("COLUMNS", raising=False)
    (workspace.root / "deal_here.py").write_text(DEAL)
    (workspace.root / "recipe.toml").write_text('[[step]]\nuse = "validate"\n[[step]]\nuse = "deal_here:deal"\n')

    def call(*words: str) -> tuple[int, str, str]:
        code = run(list(words))
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def curated(curator: Run, count: int = 10, roles: tuple[str, ...] = ROLES) -> Dataset:
    """Add answers, curate them, and return the dataset."""
    Path("a.jsonl").write_text(answers(count, roles))
    assert curator("add", "a.jsonl")[0] == 0
    assert curator("curate")[0] == 0
    return Dataset.find(Workspace.find().datasets)


def trained(on: Dataset, outcome: str = "helped", **changes: Any) -> Path:
    """Leave what a training and its evaluation leave, as far as the dashboard reads it."""
    folder = Workspace.find().models / "v1-abc123"
    folder.mkdir(parents=True)
    told = {"base_name": "smollm2-135m-instruct-b179c9523d0e", "best_epoch": 2, "train_loss": [3.7, 3.4, 3.3]}
    told |= {"validation_loss": [3.6, 3.51, 3.55], "dataset": on.manifest["dataset"], "adapter": "f29c"} | changes
    (folder / "training.json").write_text(json.dumps(told))
    gain = {"difference": 0.12, "interval": [0.03, 0.21]}
    overall = {"n": 132, "base": {"accuracy": 0.34}, "tuned": {"accuracy": 0.46}, "gain": gain}
    scored = {"accuracy": {"overall": overall}, "outcome": outcome, "adapter": "f29c", "verdict": "", "findings": []}
    (folder / "evaluation.json").write_text(json.dumps(scored))
    return folder


def stages(told: dict[str, Any]) -> dict[str, str]:
    """The state of each stage."""
    return {one["stage"]: one["state"] for one in told["stages"]}


def says(told: dict[str, Any], stage: str) -> list[str]:
    """The lines of one stage."""
    (found,) = [one["says"] for one in told["stages"] if one["stage"] == stage]
    return list(found)


def test_an_empty_workspace_has_all_to_do(curator: Run) -> None:
    code, out, err = curator("status")

    assert (code, err) == (0, "")
    assert [line.rstrip() for line in out.splitlines()] == [
        "team   pack workplace, version 1   Label Studio down",
        "",
        "collect   ○ to do      nobody is known yet; no answers yet",
        "curate    ○ to do      no dataset yet",
        "check     ○ to do      needs a dataset",
        "train     ○ to do      no model yet",
        "evaluate  ○ to do      needs a model",
        "look      ○ to do      no report yet",
        "",
        "Next: curator people add FILE   (or, with answers in files: curator add FILE)",
    ]


def test_a_role_that_nobody_answered_as_and_what_is_set_aside_ask_for_attention(curator: Run) -> None:
    Path("a.jsonl").write_text(answers(4, ("hr",)) + answers(2, ("manager",)))
    curator("add", "a.jsonl")
    with Workspace.find().store() as store:
        store.take("a", [Refused("a.jsonl:9", b"{", "not JSON")])
    told = status(Workspace.find())
    out = curator("status")[1]

    assert stages(told)["collect"] == "attention"
    assert told["roles_without_answers"] == ["employee", "outside_expert"]
    assert [line.rstrip() for line in out.splitlines()[2:8]] == [
        "collect   ! attention  6 answers to 4 scenarios by 2 people",
        "                       nobody is known yet",
        "                       1 set aside: curator verify",
        "                       nobody answered as employee or outside_expert",
        "                       hr      4 ████████████████████████",
        "                       manager 2 ████████████",
    ]


def test_the_numbers_of_a_dataset_and_of_its_check(curator: Run) -> None:
    curator("people", "add", "hr@x.org", "--stakeholder", "hr")
    curated(curator)
    told = status(Workspace.find())

    assert stages(told) == {
        "collect": "done",
        "curate": "done",
        "check": "attention",
        "train": "to do",
        "evaluate": "to do",
        "look": "to do",
    }
    assert says(told, "curate") == ["v1: 40 of 40 answers kept", "36 train, 4 test"]
    counts, worst = says(told, "check")
    assert counts == f"{told['check']['stop']} stop, {told['check']['warn']} warn, {told['check']['pass']} pass: " + (
        "curator check"
    )
    assert worst.startswith(f"{told['check']['worst']['name']}: {told['check']['worst']['next'][:20]}")
    assert len(worst) <= 112
    assert told["next"] == "curator check"


def test_what_lies_in_the_folder_is_named_first(curator: Run) -> None:
    for name in ("people.jsonl", "scenarios.jsonl", "answers.jsonl"):
        Path(name).write_text("{}\n")

    assert (
        status(Workspace.find())["next"]
        == "curator people add people.jsonl, then: curator add scenarios.jsonl answers.jsonl"
    )


def test_a_dataset_of_nothing_sends_to_what_left(curator: Run) -> None:
    Path("a.jsonl").write_text(answers(4, ("hr",), analysis=""))
    curator("add", "a.jsonl")
    curator("curate")
    told = status(Workspace.find())

    assert says(told, "curate")[-1] == "what left, and why: curator dropped"
    assert (stages(told)["curate"], told["next"]) == ("attention", "curator dropped")


def test_who_took_their_consent_back_makes_a_dataset_stale(curator: Run) -> None:
    curator("people", "add", "hr@x.org", "--stakeholder", "hr", "--consent", "analyse,train")
    Path("a.jsonl").write_text(answers(4, ("hr",), annotator="hr@x.org"))
    curator("add", "a.jsonl")
    curator("curate")
    curator("people", "consent", "hr@x.org", "--withdraw")
    told = status(Workspace.find())

    assert says(told, "curate")[-1] == "4 of them may not be used any more: curator curate"
    assert (stages(told)["curate"], told["next"]) == ("stale", "curator curate")


def test_an_empty_report_is_none(curator: Run) -> None:
    Path("report.html").write_text("")

    assert stages(status(Workspace.find()))["look"] == "to do"


def test_a_dataset_is_stale_when_answers_come_go_or_change(curator: Run) -> None:
    curated(curator)
    Path("b.jsonl").write_text(answers(1, ("hr",), situation="Another one."))
    curator("add", "b.jsonl")
    came = status(Workspace.find())
    curator("curate")
    fresh = status(Workspace.find())
    Path("b.jsonl").write_text(answers(1, ("hr",), situation="Another one.", severity=3))
    curator("add", "b.jsonl")
    changed = status(Workspace.find())

    assert (came["stale"], fresh["stale"], changed["stale"]) == (True, False, True)
    assert [told["next"] for told in (came, changed)] == ["curator curate"] * 2
    assert says(came, "curate")[-1] == "answers came or went since: curator curate"
    assert says(changed, "curate")[-1] == "answers changed since: curator curate"
    assert stages(fresh)["curate"] == "done"
    assert stages(changed)["curate"] == "stale"


def test_a_model_its_evaluation_and_the_report(curator: Run) -> None:
    trained(curated(curator))
    curator("report")
    os.utime("report.html", (1, 1))
    old = status(Workspace.find())
    os.utime("report.html")
    told = status(Workspace.find())

    assert says(told, "train") == [
        "v1-abc123 on smollm2-135m-instruct",
        "epoch 2 of 3 kept, validation loss 3.5100",
    ]
    assert says(told, "evaluate") == [
        "right verdicts: base 34 % → tuned 46 % of 132 never seen",
        "+12 points (95 % +3 to +21): helped",
    ]
    assert {**stages(told), "check": ""} == {**dict.fromkeys(stages(told), "done"), "check": ""}
    assert says(told, "look") == ["report.html shows all of this"]
    assert told["next"] == "curator ask"
    assert stages(old)["look"] == "stale"
    assert old["next"] == "curator report"
    assert says(old, "look") == [
        "report.html is older than the dataset, the model and the evaluation: curator report",
    ]


@pytest.mark.parametrize(
    ("outcome", "changes", "stage", "state", "last", "then"),
    [
        ("hurt", {}, "evaluate", "attention", "+12 points (95 % +3 to +21): hurt", "curator report"),
        (
            "helped",
            {"dataset": "x"},
            "train",
            "stale",
            "trained on another dataset than v1: curator train",
            "curator train",
        ),
        (
            "helped",
            {"adapter": "x"},
            "evaluate",
            "stale",
            "of other weights than the model's: curator evaluate",
            "curator evaluate",
        ),
        ("helped", {"validation_loss": []}, "train", "done", "epoch 2 of 3 kept", "curator report"),
        ("helped", {"best_epoch": None, "base_name": ""}, "train", "done", "v1-abc123", "curator report"),
    ],
)
def test_a_model_that_does_not_fit_says_so(
    curator: Run, outcome: str, changes: dict[str, Any], stage: str, state: str, last: str, then: str
) -> None:
    trained(curated(curator), outcome, **changes)
    told = status(Workspace.find())

    assert stages(told)[stage] == state
    assert says(told, stage)[-1] == last
    assert told["next"] == then


def test_a_damaged_dataset_is_named_and_the_rest_is_shown(curator: Run) -> None:
    dataset = curated(curator)
    with (dataset.folder / "examples.parquet").open("ab") as file:
        file.write(b"x")
    code, out, _ = curator("status")

    assert code == 0
    assert " ".join(out.split()).count("v1/examples.parquet is missing or damaged. Delete v1 and run: curator curate")
    assert "check     ! attention" in out


def test_what_takes_long_is_left_to_its_command(curator: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    curated(curator)
    assert min(CHECKED, LOOKED_AT) > 408  # the sample's answers: all is said of these
    monkeypatch.setattr("curator.dashboard.CHECKED", 5)
    monkeypatch.setattr("curator.dashboard.LOOKED_AT", 5)
    told = status(Workspace.find())

    assert (told["check"], told["second_look"]) == (None, None)
    assert says(told, "check") == ["is it worth a training? curator check"]


def test_json_keeps_its_old_names(curator: Run) -> None:
    curated(curator)
    told = json.loads(curator("status", "--json")[1])

    assert told["dataset"]["name"] == "v1"
    assert told["dataset"]["splits"] == {"train": 36, "validation": 0, "test": 4, "out_of_context": 0}
    old = {"workspace": "team", "pack": "workplace", "people": 0, "projects": 0, "answers": 40, "scenarios": 10}
    old |= {"fetched": 40, "set_aside": 0, "server": "down", "model": None, "evaluation": False, "report": None}
    old |= {"stale": False, "answers_by_stakeholder": dict.fromkeys(sorted(ROLES), 10)}
    assert {name: told[name] for name in old} == old


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_a_full_dashboard_fits_one_screen_whatever_it_is_called(
    curator: Run, encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained(curated(curator, 8), "not shown", dataset="another")
    roles = [f"a_very_long_role_of_ours_{n}" for n in range(9)]
    real = Workspace.find().store().examples()
    many = pl.concat([real.with_columns(pl.lit(role).alias("stakeholder")) for role in roles])
    monkeypatch.setattr("curator.store.Store.examples", lambda _: many)
    Path("curator.toml").write_text(f'name = "{"A team with a long name " * 5}"\n')
    Path("report.html").write_text("")
    os.utime("report.html", (1, 1))
    monkeypatch.setattr("curator.commands.looking.rich_console", as_(encoding))
    out = curator("status")[1]

    assert max(map(len, out.splitlines())) <= 80
    assert len(out.splitlines()) <= 32  # and two lines more than a usual name needs
    assert ("█" in out, "#" in out) == (encoding == "utf-8", encoding == "ascii")
    assert "and 96 as 3 more roles" in out


def as_(encoding: str) -> Callable[..., Any]:
    """A console whose terminal knows only so many letters."""
    from rich.console import Console

    class Narrow(Console):
        @property
        def encoding(self) -> str:
            return encoding

    return lambda file: Narrow(file=file, width=80)
