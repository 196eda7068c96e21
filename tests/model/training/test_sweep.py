"""A sweep: what is tried first, what fits into the time, and which differences are more than noise."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from curator import tuning
from curator.cli import run
from curator.errors import UsageError
from curator.maths.scores import sign_flip
from curator.training.sweep import Row, Tried, combinations, judged, look
from curator.training.train import TrainSettings, train
from curator.workspace import Workspace, read_config

Run = Callable[..., tuple[int, str, str]]


def rows(losses: list[float], rights: list[float] | None = None) -> list[Row]:
    """Two stakeholders in each scenario, in turn."""
    rights = rights or [1.0] * len(losses)
    roles = ["nurse", "clerk"]
    return [
        Row(f"r{n}", f"s{n // 2}", roles[n % 2], loss, right)
        for n, (loss, right) in enumerate(zip(losses, rights, strict=True))
    ]


def model(name: str, losses: list[float]) -> Tried:
    return Tried(name, {"rank": name}, rows(losses), rows([9.0] * len(losses)))


def test_the_most_different_settings_come_first_and_all_come_once() -> None:
    found = combinations({"rate": ["1", "2", "3"], "rank": ["8"]})

    assert found == [{"rate": "1", "rank": "8"}, {"rate": "3", "rank": "8"}, {"rate": "2", "rank": "8"}]
    assert len(combinations({"a": ["1", "2"], "b": ["1", "2"], "c": ["1", "2"]})) == 8


def test_the_best_one_is_best_for_its_worst_stakeholder_and_each_other_is_noise_or_is_not() -> None:
    """Twelve scenarios: b is worse in every one, c now better, now worse, d good on average and bad for clerks."""
    best = [1.0, 1.2] * 12
    near = [loss + (0.01 if n // 2 % 2 else -0.009) for n, loss in enumerate(best)]
    tried = [
        model("b", [loss + 0.1 for loss in best]),
        model("d", [0.5, 1.5] * 12),
        model("a", best),
        model("c", near),
    ]

    told = judged(tried)

    assert [one["model"] for one in told["models"]] == ["a", "c", "b", "d"]
    assert [(one["worst"], round(one["worst_loss"], 3)) for one in told["models"]] == [
        ("clerk", 1.2),
        ("clerk", 1.2),
        ("clerk", 1.3),
        ("clerk", 1.5),
    ]
    worse = told["models"][2]["change"]
    assert (round(worse["difference"], 6), worse["clusters"]) == (0.1, 12)
    assert worse["p"] == sign_flip([0.1] * 24, [row.group for row in tried[0].rows]) == 2 / 2**12
    assert worse["p_holm"] == 3 * worse["p"]
    assert [one["noise"] for one in told["models"]] == [False, True, False, False]
    assert told["findings"] == [
        "a has the lowest loss for its worst stakeholder (clerk) on 24 validation rows of 12 scenarios;"
        " test was not looked at.",
        "Shown to differ from it, on average over all rows: b (worse), d (better).",
        "Within noise of it (Holm's p is not below 0.05): c.",
        "12 scenarios are few: a difference that is not shown may still be there.",
        "It was chosen on these very rows, so its numbers here are too good; how good it is says: curator evaluate"
        " --model a",
    ]


def test_four_scenarios_cannot_show_anything_and_that_is_said() -> None:
    told = judged([model("a", [1.0] * 8), model("b", [5.0] * 8)])

    assert told["models"][1]["noise"] is True
    assert "4 scenarios are too few to show any difference between 2 models." in told["findings"]


def test_one_model_alone_is_judged_without_comparison() -> None:
    told = judged([model("a", [1.0] * 8)])

    assert told["models"][0]["change"] is None
    assert (told["base"]["loss"], told["rows"], told["scenarios"]) == (9.0, 8, 4)
    assert len(told["findings"]) == 2


def test_only_validation_is_read_and_what_was_seen_is_kept(dataset: Path, tiny: Path, tmp_path: Path) -> None:
    settings = TrainSettings(rank=2, layers=1, rate=5e-2, epochs=1)
    made = train(dataset, tmp_path / "m", tiny, settings)
    copy = Path(shutil.copytree(dataset, tmp_path / "dataset"))
    for split in ("train", "test", "out_of_context"):
        (copy / f"{split}.jsonl").write_text("broken\n")

    tuned, plain = look(copy, tiny, made.folder, 1024)

    assert [row.id for row in tuned] == ["ward 90-nurse", "ward 90-clerk", "ward 91-nurse", "ward 91-clerk"]
    assert sum(row.loss for row in tuned) < sum(row.loss for row in plain)
    kept = json.loads((made.folder / "validation.json").read_text())
    assert kept["tuned"][0]["loss"] == tuned[0].loss
    kept["tuned"][0]["loss"] = 7.0
    (made.folder / "validation.json").write_text(json.dumps(kept))
    assert look(copy, tiny, made.folder, 1024)[0][0].loss == 7.0
    assert look(copy, tiny, made.folder, 1023)[0][0].loss == tuned[0].loss


@pytest.fixture
def workspace(tmp_path: Path, tiny: Path, dataset: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace whose dataset v1 is the little one of nurses and clerks."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "keys"))
    team = tmp_path / "team"
    (team / "datasets").mkdir(parents=True)
    (team / "curator.toml").write_text(f'name = "team"\nbase_model = "{tiny}"\n')
    v1 = Path(shutil.copytree(dataset, team / "datasets" / "v1"))
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(v1.glob("*.jsonl"))}
    manifest = {"pack": json.loads((v1 / "manifest.json").read_text())["pack"]}
    manifest["files"] = {name: {"sha256": seal, "bytes": (v1 / name).stat().st_size} for name, seal in files.items()}
    seal = hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()
    (v1 / "manifest.json").write_text(json.dumps(manifest | {"dataset": seal}))
    (team / "datasets" / "LATEST").write_text("v1\n")
    monkeypatch.chdir(team)
    return Workspace(team, read_config(team / "curator.toml"))


@pytest.fixture
def curator(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*words: str) -> tuple[int, str, str]:
        code = run(list(words))
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


GRID = ("--set", "rate=1e-3,5e-2", "--set", "rank=2", "--set", "layers=1", "--set", "epochs=1")


def test_a_sweep_leaves_ordinary_models_and_the_same_call_reuses_them(curator: Run, workspace: Workspace) -> None:
    code, said, _ = curator("sweep", "--json", *GRID)
    told: dict[str, Any] = json.loads(said)

    assert code == 0
    assert [one["settings"]["rate"] for one in told["models"]] == ["5e-2", "1e-3"]
    assert (told["rows"], told["scenarios"], told["left"]) == (4, 2, [])
    made = {path.parent.name: path.stat().st_mtime_ns for path in workspace.models.glob("*/training.json")}
    assert set(made) == {one["model"] for one in told["models"]}
    assert json.loads((workspace.models / told["models"][0]["model"] / "training.json").read_text())["rows"] == {
        "train": 16,
        "validation": 4,
    }

    code, said, _ = curator("sweep", "--minutes", "0", *GRID)

    assert code == 0
    table = [line.split() for line in said.splitlines() if line.startswith((" rate=", " nothing"))]
    assert [line[0] for line in table] == ["rate=5e-2", "rate=1e-3", "nothing"]
    assert table[0][1] == told["models"][0]["model"]
    assert float(table[0][3]) == round(told["models"][0]["worst_loss"], 4)
    assert "- 2 scenarios are too few to show any difference between 2 models." in said
    assert made == {path.parent.name: path.stat().st_mtime_ns for path in workspace.models.glob("*/training.json")}


def test_what_does_not_fit_is_left_and_said(curator: Run, workspace: Workspace) -> None:
    code, _, said = curator("sweep", "--minutes", "0", *GRID)
    assert (code, said.splitlines()[-1]) == (
        2,
        "error: No training fits into 0 minutes: the first one found no time left. Nothing was trained; give more"
        " --minutes, or set fewer epochs or layers.",
    )
    code, said, _ = curator("sweep", "--minutes", "0.3", *GRID[:-2], "--set", "epochs=1,1000")
    assert code == 0
    assert "- Left: rate=5e-2 rank=2 layers=1 epochs=1000 takes " in said
    assert len(list(workspace.models.iterdir())) < 4


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--set", "rate"], "--set 'rate' is not NAME=VALUE,VALUE"),
        (["--set", "rank=8", "--set", "rank=16"], "names a setting twice"),
        (["--set", "rnak=8,16"], "Setting 'rnak': Extra inputs are not permitted. Did you mean 'rank'?"),
        (["--set", "rank=8,0"], "Setting 'rank': Input should be greater than or equal to 1"),
    ],
)
def test_a_wrong_grid_is_refused_before_anything_is_trained(curator: Run, words: list[str], message: str) -> None:
    code, _, said = curator("sweep", *words)

    assert code == 2
    assert message in said
    assert not Path("models").exists()


def test_a_model_goes_out_of_a_workspace_with_real_prompts(curator: Run, workspace: Workspace) -> None:
    made = tuning.modelling.train(workspace, "v1", {"rank": "2", "layers": "1", "epochs": "1"})

    code, said, _ = curator("export-model", "whole")
    assert code == 0
    assert said.splitlines()[0].startswith("whole: hf f32, ")
    assert "Merged and adapter agree: on 4 prompts (" in said
    assert "the likeliest token is the same at 100.0 % of the places." in said
    code, said, _ = curator("export-model", "m.gguf", "--format", "gguf", "--weights", "q8_0", "--json")
    assert json.loads(said)["path"] == "m.gguf"
    assert json.loads(said)["prompts"] == 4
    shutil.rmtree(workspace.datasets)
    code, said, _ = curator("export-model", "stock", "--model", made.folder.name, "--weights", "bf16")
    assert (code, "on 3 prompts (" in said) == (0, True)
    assert curator("export-model", "alone", "--format", "adapter")[0] == 0
    code, _, error = curator("export-model", "alone", "--format", "adapter")
    assert (code, "alone is there already" in error) == (2, True)


def test_a_preference_training_in_a_workspace_says_what_it_lacks(curator: Run) -> None:
    code, _, said = curator("train", "--preference", "--dry-run")
    assert (code, "--preference trains at once" in said) == (2, True)
    code, _, said = curator("train", "--preference", "--set", "bata=1")
    assert (code, "Did you mean 'beta'?" in said) == (2, True)
    code, _, said = curator("train", "--preference")
    assert (code, "examples.parquet cannot be read" in said) == (2, True)


def test_settings_are_checked_by_their_own_kind() -> None:
    with pytest.raises(UsageError, match="Setting 'epochs'"):
        tuning.checked(TrainSettings, {"epochs": 0})
    assert tuning.checked(TrainSettings, {"epochs": "3"}).epochs == 3
