"""Each export read by the program that it is for: datasets, TRL, Label Studio; LLaMA-Factory by its documented keys."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import curator.offline  # noqa: F401  before anything of Hugging Face
from curator.dataset import Dataset
from curator.formats import FORMATS, export
from curator.formats.answered import ANSWERS
from curator.formats.folder import ROW
from curator.formats.shapes import LLAMA_FACTORY
from curator.pack import Pack
from tests.exported import lines

# What LLaMA-Factory's data/README.md documents. It needs another transformers than curator, so it cannot run here.
LF_KEYS = {"file_name", "formatting", "ranking", "subset", "split", "folder", "num_samples", "columns", "tags"}
LF_COLUMNS = {"prompt", "query", "response", "history", "messages", "system", "tools", "chosen", "rejected", "kto_tag"}
LF_TAGS = {"role_tag", "content_tag", "user_tag", "assistant_tag", "observation_tag", "function_tag", "system_tag"}


@pytest.mark.parametrize("form", LLAMA_FACTORY)
def test_llama_factory_finds_its_columns_by_its_documented_keys(dataset: Dataset, tmp_path: Path, form: str) -> None:
    export(dataset, form, [], tmp_path)
    told = json.loads((tmp_path / "dataset_info.json").read_text("utf-8"))

    assert sorted(told) == [f"curator_workplace_{dataset.name}_{split}" for split in ("test", "train")]
    for one in told.values():
        rows = lines(tmp_path / one["file_name"])
        assert set(one) <= LF_KEYS
        assert set(one["columns"]) <= LF_COLUMNS
        assert all(set(row) == set(one["columns"].values()) for row in rows)
        tags = one.get("tags", {})
        assert set(tags) <= LF_TAGS
        roles = {tags["user_tag"], tags["assistant_tag"], tags["system_tag"]} if tags else set()
        for turn in [turn for row in rows for turn in row.get("conversations", [])]:
            assert set(turn) == {tags["role_tag"], tags["content_tag"]}
            assert turn[tags["role_tag"]] in roles


@pytest.mark.parametrize("form", ["openai", "chat", "trl", "prompt-completion", "sharegpt", "alpaca", "csv"])
def test_datasets_loads_every_file(dataset: Dataset, tmp_path: Path, form: str) -> None:
    from datasets import load_dataset

    for answers in FORMATS[form].answers:
        made = [one for one in export(dataset, form, [], tmp_path / answers, answers) if one.path]
        files = {one.split: str(one.path) for one in made}
        loaded = load_dataset("csv" if form == "csv" else "json", data_files=files, cache_dir=str(tmp_path / "cache"))
        assert {split: part.num_rows for split, part in loaded.items()} == {one.split: one.rows for one in made}
        if form == "csv":
            assert [pl.read_csv(path).height for path in files.values()] == [one.rows for one in made]
        else:
            for split, path in files.items():
                for row, told in zip(loaded[split], lines(Path(path)), strict=True):
                    assert {name: row[name] for name in told} == told


@pytest.mark.parametrize("answers", ANSWERS)
def test_datasets_loads_the_folder_by_its_card(dataset: Dataset, tmp_path: Path, answers: str) -> None:
    from datasets import load_dataset
    from huggingface_hub import DatasetCard

    made = export(dataset, "datasets", [], tmp_path / "set", answers)
    loaded = load_dataset(str(tmp_path / "set"), cache_dir=str(tmp_path / "cache"))
    card = DatasetCard.load(tmp_path / "set" / "README.md")

    assert {split: part.num_rows for split, part in loaded.items()} == {one.split: one.rows for one in made if one.path}
    assert card.data.pretty_name == "Workplace situations"
    (config,) = card.data.to_dict()["configs"]
    assert [part["split"] for part in config["data_files"]] == ["train", "test"]
    first = loaded["train"][0]
    assert [turn["role"] for turn in first["messages"]] == ["system", "user", "assistant"]
    assert all(f"| `{name}` |" in card.text for name in first)
    if answers == "each":
        export(dataset, "chat", ["train"], tmp_path / "chat")
        assert loaded["train"].to_list() == lines(tmp_path / "chat" / "train.jsonl")


@pytest.mark.parametrize("answers", ANSWERS)
def test_the_card_of_the_folder_speaks_of_what_is_there(dataset: Dataset, tmp_path: Path, answers: str) -> None:
    (one,) = export(dataset, "datasets", ["train"], tmp_path, answers)
    text = (tmp_path / "README.md").read_text("utf-8")

    assert f"| split | rows here |\n|---|---|\n| train | {one.rows} |\n\n" in text
    assert "test" not in text.partition("\n# ")[0]
    assert "6 examples of 3 scenarios" in text
    assert not any(f"`{name}.parquet`" in text for name in ("dropped", "decisions"))
    assert ("One row is one person's verdict" in text) == (answers == "each")
    assert ROW[answers] in text
    assert "People may take their answers back." in text


def test_trl_takes_its_formats_for_what_they_are(dataset: Dataset, pairs: Dataset, tmp_path: Path) -> None:
    from trl.data_utils import extract_prompt, is_conversational, maybe_convert_to_chatml, unpair_preference_dataset

    read = {}
    for form, source in (("trl", dataset), ("prompt-completion", dataset), ("preference", pairs), ("kto", pairs)):
        (one,) = export(source, form, ["train"], tmp_path / form)
        read[form] = lines(one.path)
        assert all(is_conversational(row) for row in read[form])
    (one,) = export(dataset, "sharegpt", ["train"], tmp_path / "sharegpt")
    turns = [maybe_convert_to_chatml(row)["messages"] for row in lines(one.path)]
    names = {"human": "user", "gpt": "assistant"}
    assert [[turn | {"role": names.get(turn["role"], turn["role"])} for turn in row] for row in turns] == [
        row["messages"] for row in read["trl"]
    ]

    from datasets import Dataset as Table

    whole = [{side: row["prompt"] + row[side] for side in ("chosen", "rejected")} for row in read["preference"]]
    assert [extract_prompt(row) for row in whole] == read["preference"]
    single = unpair_preference_dataset(Table.from_list(read["preference"])).to_list()

    def key(row: dict[str, Any]) -> str:
        return json.dumps(row, sort_keys=True)

    assert sorted(single, key=key) == sorted(read["kto"], key=key)


def test_label_studio_finds_its_tasks_and_predictions_valid(dataset: Dataset, tmp_path: Path, pack: Pack) -> None:
    from label_studio_sdk.label_interface import LabelInterface

    train, *_ = export(dataset, "label-studio", [], tmp_path)
    assert train.path is not None
    tasks = json.loads(train.path.read_text("utf-8"))
    page = LabelInterface(pack.config)

    assert (train.rows, train.left) == (3, "6 answers as predictions")
    assert Counter(len(task["predictions"]) for task in tasks) == {3: 1, 2: 1, 1: 1}
    for task in tasks:
        assert page.validate_task({"data": task["data"]})
        assert page.load_task(task["data"])
        for one in task["predictions"]:
            assert page.validate_prediction(one, return_errors=True) == []
    broken = {"model_version": "x", "result": [tasks[0]["predictions"][0]["result"][0] | {"from_name": "nobody"}]}
    assert page.validate_prediction(broken, return_errors=True), "the check can fail"
    desk = next(task for task in tasks if task["data"]["situation"] == "The desk was moved.")
    assert [one["model_version"] for one in desk["predictions"]] == [f"{dataset.name} hr", f"{dataset.name} manager"]
    named = [[item["from_name"] for item in one["result"]] for one in desk["predictions"]]
    assert named == [["verdict", "analysis"], ["verdict", "severity", "analysis", "tactic"]]
