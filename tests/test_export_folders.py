"""The folder of an export: nothing of another dataset stays in it, and nothing that curator did not write goes."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from curator.cli import run
from curator.dataset import Dataset
from curator.errors import UsageError
from curator.formats import export
from curator.pack import find_pack, load_pack
from curator.workspace import Workspace
from tests import exported
from tests.exported import lines, published, said


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return exported.judged(tmp_path_factory.mktemp("old"))


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """The same, but what was tested with is now trained on, and one person took an answer back."""
    rows = [
        said("g", "The badge was cut.", "outside_expert", "manipulative"),
        said("h", "The badge was lost.", "hr", "reasonable", split="validation"),
    ]
    return published(tmp_path_factory.mktemp("new"), load_pack(find_pack("workplace", [])), rows)


def held(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_the_splits_of_another_dataset_go_and_are_named(old: Dataset, new: Dataset, tmp_path: Path) -> None:
    export(old, "openai", [], tmp_path)
    (tmp_path / "notes.txt").write_text("mine")

    made = export(new, "openai", ["train"], tmp_path)

    assert made.removed == ["test.jsonl"]
    assert held(tmp_path) == ["export.json", "notes.txt", "train.jsonl"]
    assert len(lines(tmp_path / "train.jsonl")) == 1


def test_the_other_splits_of_the_same_dataset_stay(new: Dataset, tmp_path: Path) -> None:
    for form in ("openai", "datasets", "sharegpt"):
        export(new, form, ["train"], tmp_path / form)
        assert export(new, form, ["validation"], tmp_path / form).removed == []
        export(new, form, [], tmp_path / f"{form} at once")
        assert held(tmp_path / form) == held(tmp_path / f"{form} at once")
        for name in held(tmp_path / form):
            assert (tmp_path / form / name).read_bytes() == (tmp_path / f"{form} at once" / name).read_bytes(), name


def test_other_answers_go_and_another_format_stays_where_its_names_are_free(new: Dataset, tmp_path: Path) -> None:
    export(new, "openai", [], tmp_path)
    export(new, "csv", [], tmp_path)
    assert held(tmp_path) == ["export.json", "train.csv", "train.jsonl", "validation.csv", "validation.jsonl"]

    assert export(new, "chat", ["train"], tmp_path, "together").removed == ["validation.jsonl"]
    assert held(tmp_path) == ["export.json", "train.csv", "train.jsonl", "validation.csv"]


def test_what_the_folder_holds_is_written_down(new: Dataset, tmp_path: Path) -> None:
    export(new, "chat", [], tmp_path / "one", "together")
    export(new, "chat", [], tmp_path / "two", "together")
    told = json.loads((tmp_path / "one" / "export.json").read_text("utf-8"))

    assert (tmp_path / "one" / "export.json").read_bytes() == (tmp_path / "two" / "export.json").read_bytes()
    assert (told["dataset"], told["name"], told["pack"]) == (new.manifest["dataset"], new.name, "workplace")
    assert told["curator"] == new.manifest["curator"]
    train = told["files"]["train.jsonl"]
    assert (train["format"], train["answers"], train["split"], train["rows"]) == ("chat", "together", "train", 1)
    assert "People may take their answers back." in told["notes"][-1]


@pytest.mark.parametrize(
    ("form", "name"), [("openai", "test.jsonl"), ("datasets", "README.md"), ("alpaca", "dataset_info.json")]
)
def test_a_file_that_curator_did_not_write_is_refused(new: Dataset, tmp_path: Path, form: str, name: str) -> None:
    (tmp_path / name).write_text("mine")

    with pytest.raises(
        UsageError, match=rf"has {name}, and no export.json there says that an export wrote it.*Nothing was written"
    ):
        export(new, form, ["train"], tmp_path)
    assert held(tmp_path) == [name]
    assert (tmp_path / name).read_text() == "mine"


@pytest.mark.parametrize("text", ["", "[]", '{"dataset": 1}', '{"dataset": "x", "files": {"a": 1}}'])
def test_an_export_json_of_somebody_else_is_refused(new: Dataset, tmp_path: Path, text: str) -> None:
    (tmp_path / "export.json").write_text(text)

    with pytest.raises(UsageError, match=r"export.json is not what an export left.*choose another folder with --out"):
        export(new, "openai", [], tmp_path)
    assert (tmp_path / "export.json").read_text() == text


def test_no_list_of_files_removes_one_elsewhere(new: Dataset, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    out = tmp_path / "out"
    out.mkdir()
    names = ("../mine.txt", str(tmp_path / "mine.txt"), "train.csv")
    files = {name: {"format": "csv", "answers": "each", "split": "train", "rows": 1} for name in names}
    (out / "export.json").write_text(json.dumps({"dataset": "another", "files": files}))
    (out / "train.csv").write_text("old")

    assert export(new, "openai", [], out).removed == ["train.csv"]
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_the_command_says_what_went(
    old: Dataset,
    new: Dataset,
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    workspace.datasets.mkdir()
    for name, one in (("v1", old), ("v2", new)):
        (workspace.datasets / name).symlink_to(one.folder)
    monkeypatch.chdir(workspace.root)

    assert run(["export", "--dataset", "v1", "--format", "datasets"]) == 0
    capsys.readouterr()
    assert run(["export", "--dataset", "v2", "--format", "datasets", "--split", "train"]) == 0
    assert "do not go with this one: data/test-00000-of-00001.parquet\n" in capsys.readouterr().out
    assert pl.read_parquet(workspace.root / "exports/datasets/data").height == 1
    assert run(["export", "--dataset", "v2", "--format", "csv", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["removed"], [one["rows"] for one in told["files"]]) == ([], [1, 1, 0, 0])


@pytest.fixture(scope="module")
def merged(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """One answer that three people gave, and one of another role."""
    rows = [
        said("a", "The badge was cut.", "hr", "reasonable", voices=3, weight=0.75, team="north"),
        said("b", "The badge was cut.", "manager", "questionable", weight=0.25, team="south"),
    ]
    return published(tmp_path_factory.mktemp("merged"), load_pack(find_pack("workplace", [])), rows)


def test_answers_counts_the_voices_of_merged_answers(merged: Dataset, tmp_path: Path) -> None:
    for form in ("chat", "datasets", "csv"):
        (each,) = export(merged, form, ["train"], tmp_path / form)
        assert [row["voices"] for row in table(each.path)] == [3, 1], form
        (shared,) = export(merged, form, ["train"], tmp_path / f"{form}-shares", "distribution")
        assert {row["stakeholder"]: row["answers"] for row in table(shared.path)} == {
            "hr": 3,
            "manager": 1,
            "everybody": 4,
        }
        (whole,) = export(merged, form, ["train"], tmp_path / f"{form}-whole", "together")
        assert [row["answers"] for row in table(whole.path)] == [4]


def table(path: Path | None) -> list[dict[str, Any]]:
    assert path is not None
    if path.suffix == ".jsonl":
        return lines(path)
    return (pl.read_csv if path.suffix == ".csv" else pl.read_parquet)(path).to_dicts()


def test_what_a_format_cannot_hold_is_counted_in_its_record(merged: Dataset, tmp_path: Path) -> None:
    export(merged, "openai", [], tmp_path, "distribution")
    told = json.loads((tmp_path / "export.json").read_text("utf-8"))

    assert told["files"]["train.jsonl"]["rows_by_answers"] == {"1": 1, "3": 1, "4": 1}
    assert export(merged, "openai", ["train"], tmp_path, "distribution").removed == []


@pytest.mark.parametrize("form", ["openai", "trl", "prompt-completion", "sharegpt", "alpaca"])
def test_weights_that_are_lost_are_said(merged: Dataset, new: Dataset, tmp_path: Path, form: str) -> None:
    (note,) = export(merged, form, [], tmp_path / "one").notes

    assert f"The format '{form}' has no place for weights" in note
    assert "take all 2 rows alike, which in the dataset weigh from 0.25 to 0.75. With weights: --format chat," in note
    assert ("`weight` is 0 or 1 for OpenAI" in note) == (form == "openai")
    assert json.loads((tmp_path / "one" / "export.json").read_text("utf-8"))["notes"][0] == note
    assert export(new, form, [], tmp_path / "two").notes == [], "all weigh the same"
    assert export(merged, "chat", [], tmp_path / "three").notes == []


@pytest.mark.parametrize("form", ["preference", "kto"])
def test_weights_of_pairs_that_are_lost_are_said(tmp_path: Path, form: str) -> None:
    text = exported.said("own", "May I swap?", "hr", "reasonable", rejected="No.", weight=0.5)
    rows = [text, text | {"id": "other", "weight": 2.0}]
    found = published(tmp_path, load_pack(find_pack("workplace", [])), rows)

    assert "no place for weights" in export(found, form, [], tmp_path / form).notes[0]


def test_a_task_for_label_studio_says_nothing_of_who_answered(merged: Dataset, tmp_path: Path) -> None:
    (one,) = export(merged, "label-studio", ["train"], tmp_path)
    assert one.path is not None
    (task,) = json.loads(one.path.read_text("utf-8"))

    assert set(task["data"]) == {"scenario", "situation", "context", "domain"}
    assert "north" not in one.path.read_text("utf-8")
    assert one.left == "2 answers as predictions"
