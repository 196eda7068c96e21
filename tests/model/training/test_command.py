"""`curator train` in a workspace: what it shows, refuses and goes on with."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from curator.cli import run

DEAL = """
import polars as pl
from curator.stage import Outcome, stage

@stage("row")
def deal(rows: pl.DataFrame) -> Outcome:
    split = pl.when(pl.col("situation").str.contains("held")).then(pl.lit("validation")).otherwise(pl.lit("train"))
    return Outcome(rows.with_columns(split.alias("split"), pl.col("scenario").alias("group")))
"""
QUICK = ["--set", "rank=2", "--set", "layers=1", "--set", "longest=8000"]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def curator(tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """A workspace with a dataset and the tiny model; returns exit code, stdout and stderr of a command."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "keys"))
    team = tmp_path / "team"
    team.mkdir()
    (team / "curator.toml").write_text(f'name = "team"\nbase_model = "{tiny}"\n')
    (team / "recipe.toml").write_text('[[step]]\nuse = "deal:deal"\n')
    (team / "deal.py").write_text(DEAL)
    told = [("hr", "reasonable"), ("employee", "questionable")]
    answers = [
        {
            "annotator": role,
            "stakeholder": role,
            "verdict": verdict,
            "severity": 2,
            "context": "A ward.",
            "situation": s,
        }
        | {"analysis": f"The {role} finds it {verdict}, all told."}
        for s in ("A shift was moved.", "A rota was changed.", "A day was held back.")
        for role, verdict in told
    ]
    (team / "a.jsonl").write_text("".join(json.dumps(answer) + "\n" for answer in answers))
    monkeypatch.chdir(team)
    monkeypatch.syspath_prepend(team)

    def call(*words: str) -> tuple[int, str, str]:
        code = run(list(words))
        said = capsys.readouterr()
        return code, said.out, said.err

    assert call("add", "a.jsonl")[0] == 0
    assert call("curate")[0] == 0
    return call


def test_a_preview_a_dry_run_and_a_training(curator: Run) -> None:
    code, shown, _ = curator("train", "--preview", "1", *QUICK)
    assert code == 0
    assert "‹Verdict›‹:›‹ ›«" in shown
    assert "4 rows, " in shown
    assert shown.endswith(
        "0 rows are cut short. Left out whole: 0 too long, 0 of weight 0, 0 of validation not usable."
        " Nothing was trained.\n"
    )

    code, took, _ = curator("train", "--dry-run", *QUICK)
    assert code == 0
    assert "4 answers to 2 scenarios; 0 left out" in took
    assert "MB at its peak" in took
    assert took.endswith("Nothing was trained and nothing was kept.\n")
    assert not Path("models").exists()
    assert not Path(".curator/checkpoints").exists()

    code, made, _ = curator("train", "--json", *QUICK)
    told = json.loads(made)
    assert (code, told["rows"], told["resumed"], told["reused"]) == (0, 4, 0, False)
    assert {role: len(losses) for role, losses in told["stakeholder_loss"].items()} == {"employee": 2, "hr": 2}
    code, again, _ = curator("train", *QUICK)
    assert "on validation" in again
    assert "trained before with the same settings" in again
    assert list(Path(".curator/checkpoints").glob("*")) == []


def test_a_training_that_was_interrupted_goes_on_and_says_so(curator: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from curator.training.fit import Loop

    learn = Loop.learn

    def stop_at_the_second(self: Loop, *told: object) -> float:
        if told[1].step == 1:  # type: ignore[attr-defined]
            raise KeyboardInterrupt
        return learn(self, *told)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(Loop, "learn", stop_at_the_second)
        code, _, said = curator("train", *QUICK)
    assert (code, said.splitlines()[-1]) == (
        130,
        "error: Stopped. What was finished is kept; run the same command to go on.",
    )
    assert [path.name for path in Path(".curator/checkpoints").glob("*/*")] == ["step-00000001"]

    code, made, _ = curator("train", *QUICK)

    assert code == 0
    assert "It went on from the checkpoint of step 1." in made
    assert list(Path(".curator/checkpoints").glob("*")) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--dry-run", "--preview", "2"], "Give --dry-run or --preview N, not both."),
        (["--preview", "0"], "0 is not in the range x>=1"),
        (["--set", "keep_best=both"], "Setting 'keep_best': Input should be 'worst', 'mean' or 'last'"),
        (["--set", "longest=16"], "All 4 rows of train.jsonl are longer than 16 tokens"),
        (["--preview", "1", "--set", "longest=16"], "All 4 rows of train.jsonl are longer than 16 tokens"),
        (["--dry-run", "--set", "longest=16"], "All 4 rows of train.jsonl are longer than 16 tokens"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(curator: Run, words: list[str], message: str) -> None:
    code, out, said = curator("train", *words)

    assert (code, out) == (2, "")
    assert message in said.splitlines()[-1]
    assert not Path("models").exists()
