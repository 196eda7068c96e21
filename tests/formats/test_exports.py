"""Exports: every answer comes back once in every format, and each format's own consumer reads it."""

import csv
import json
import math
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curator.chatrows import read_split
from curator.cli import run
from curator.dataset import Dataset
from curator.errors import MissingExtra, StorageError, UsageError
from curator.formats import FORMATS, Written, export
from curator.formats.answered import EVERYBODY, percent
from curator.formats.shapes import alpaca
from curator.formats.validators import validate
from curator.lm.tokens import EVERYBODY as OF_TRAINING
from curator.pack import Pack, find_pack, load_pack
from curator.together import asked_of, head
from curator.workspace import Workspace
from tests import exported
from tests.exported import COLD, KIND, lines, published, said

SINGLE = [form for form in FORMATS if form not in ("preference", "kto")]


def talk(path: Path, form: str) -> list[tuple[str, str]]:
    """What each row of a file asks and answers, whatever its format."""
    if form == "csv":
        with open(path, encoding="utf-8-sig", newline="") as file:
            cells = [{name: cell.removeprefix("'") for name, cell in row.items()} for row in csv.DictReader(file)]
        return [(cell["question"], cell["answer"]) for cell in cells]
    if form == "label-studio":
        found = []
        for task in json.loads(path.read_text("utf-8")):
            for one in task["predictions"]:
                values = {item["from_name"]: item["value"] for item in one["result"]}
                (verdict,), (analysis,) = values["verdict"]["choices"], values["analysis"]["text"]
                role = one["model_version"].partition(" ")[2]
                found.append((f"{task['data']['scenario']} {role}", f"{verdict} {analysis}"))
        return found
    if form == "datasets":
        return [
            (row["messages"][-2]["content"], row["messages"][-1]["content"]) for row in pl.read_parquet(path).to_dicts()
        ]
    read: dict[str, Callable[[dict[str, Any]], tuple[str, str]]] = {
        "prompt-completion": lambda row: (row["prompt"][-1]["content"], row["completion"][0]["content"]),
        "sharegpt": lambda row: (row["conversations"][-2]["value"], row["conversations"][-1]["value"]),
        "alpaca": lambda row: (row["input"] or row["instruction"], row["output"]),
    }
    default = read.get(form, lambda row: (row["messages"][-2]["content"], row["messages"][-1]["content"]))
    return [default(row) for row in lines(path)]


TEXT = st.text(
    st.one_of(st.sampled_from("=+-@'\", \n\u2028\u0085é字{}"), st.characters(codec="utf-8", exclude_categories=["C"])),
    min_size=1,
    max_size=30,
).filter(lambda text: text.strip() and not text.lstrip().startswith("'"))
ROLES = st.sampled_from(["employee", "manager", "hr", "outside_expert"])
VERDICTS = st.sampled_from(["reasonable", "questionable", "manipulative"])
ROWS = st.lists(
    st.tuples(st.integers(0, 3), ROLES, VERDICTS, TEXT, st.sampled_from([None, 0.25, 1.0, 2.0])), min_size=1, max_size=9
)


def drawn(folder: str, pack: Pack, told: list[tuple[int, str, str, str, float | None]]) -> tuple[Dataset, list[Any]]:
    rows = [
        said(f"r{n}", f"Situation {at}.", role, verdict, ("train", "test")[at % 2], analysis=text, weight=weight)
        for n, (at, role, verdict, text, weight) in enumerate(told)
    ]
    return published(Path(folder) / "datasets", pack, rows), rows


@settings(max_examples=25)
@given(told=ROWS)
def test_each_answer_comes_back_exactly_once_in_every_format(
    pack: Pack, told: list[tuple[int, str, str, str, float | None]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found, rows = drawn(folder, pack, told)
        chats = [row for split in ("train", "test") for row in read_split(found.folder, split, pack)]
        expected = Counter((row.question[-1]["content"], row.answer) for row in chats)
        judged = Counter(
            (f"{row['scenario']} {row['stakeholder']}", f"{row['verdict']} {row['analysis']}") for row in rows
        )
        for form in SINGLE:
            files = [one.path for one in export(found, form, [], Path(folder) / form) if one.path]
            back = Counter(pair for path in files for pair in talk(path, form))
            assert back == (judged if form == "label-studio" else expected), form


@settings(max_examples=25)
@given(told=ROWS)
def test_what_holds_several_answers_loses_none(pack: Pack, told: list[tuple[int, str, str, str, float | None]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found, rows = drawn(folder, pack, told)
        ids = Counter(row["id"] for row in rows)
        texts = {row["id"]: row["analysis"] for row in rows}
        for form in ("chat", "datasets"):
            made = {}
            for answers in ("distribution", "together"):
                files = [
                    one.path for one in export(found, form, [], Path(folder) / form / answers, answers) if one.path
                ]
                read = [lines(path) if form == "chat" else pl.read_parquet(path).to_dicts() for path in files]
                made[answers] = [row for part in read for row in part]
            whole = made["together"]
            assert Counter(id for row in whole for id in row["ids"]) == ids
            assert all(texts[id] in row["messages"][-1]["content"] for row in whole for id in row["ids"])
            shared = made["distribution"]
            assert Counter(id for row in shared if row["stakeholder"] != EVERYBODY for id in row["ids"]) == ids
            assert all(math.isclose(sum(row["shares"].values()), 1) for row in shared)
            assert all(row["answers"] == len(row["ids"]) for row in whole + shared)


@settings(max_examples=15)
@given(told=ROWS)
def test_what_is_exported_has_no_fault(pack: Pack, told: list[tuple[int, str, str, str, float | None]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found, _ = drawn(folder, pack, told)
        for form in ("openai", "chat", "trl", "prompt-completion", "sharegpt", "alpaca"):
            for answers in FORMATS[form].answers:
                for one in export(found, form, [], Path(folder) / form / answers, answers):
                    if one.path:
                        report = validate(one.path, form)
                        assert (report.rows, report.errors) == (one.rows, [])
                        kinds = {finding.kind for finding in report.warnings} - {"few_rows"}
                        assert kinds == ({"several_answers"} if form == "chat" and answers != "each" else set())


def test_a_split_without_rows_gets_no_file(dataset: Dataset, tmp_path: Path) -> None:
    assert list(export(dataset, "trl", [], tmp_path)) == [
        Written("train", tmp_path / "train.jsonl", 6),
        Written("validation", None, 0),
        Written("test", tmp_path / "test.jsonl", 1),
        Written("out_of_context", None, 0),
    ]


def test_shares_are_weighted_and_said_in_percent(dataset: Dataset, tmp_path: Path, pack: Pack) -> None:
    (one,) = export(dataset, "chat", ["train"], tmp_path, "distribution")
    rows = {(row["messages"][-2]["content"][11:16], row["stakeholder"]): row for row in lines(one.path)}
    moved = {role: row for (what, role), row in rows.items() if "shift" in row["messages"][-2]["content"]}

    assert sorted(moved) == ["employee", EVERYBODY, "hr"]
    assert moved["employee"]["shares"] == {"reasonable": 0, "questionable": 0.25, "manipulative": 0.75}
    assert (
        moved["employee"]["messages"][-1]["content"] == "Verdicts: reasonable 0 %, questionable 25 %, manipulative 75 %"
    )
    assert (moved["employee"]["weight"], moved["employee"]["answers"]) == (4.0, 2)
    everybody = moved[EVERYBODY]
    assert everybody["shares"] == {"reasonable": 0.5 / 4.5, "questionable": 1 / 4.5, "manipulative": 3 / 4.5}
    assert everybody["messages"][-1]["content"] == "Verdicts: reasonable 11 %, questionable 22 %, manipulative 67 %"
    asked = everybody["messages"][-2]["content"]
    who = [f"as {pack.stakeholders[role]}" for role in ("employee", "hr")]
    end = "Say in percent how their verdicts are shared (reasonable, questionable or manipulative), and give no verdict"
    assert asked.endswith(f"\n\nPeople judge this {'; '.join(who)}. {end} of your own.")
    assert sum(row["messages"][-2]["content"].startswith("Situation: The raise") for row in rows.values()) == 1


def test_one_answer_tells_all_perspectives_in_the_words_of_training(
    dataset: Dataset, tmp_path: Path, pack: Pack
) -> None:
    assert EVERYBODY == OF_TRAINING
    (one,) = export(dataset, "chat", ["train"], tmp_path, "together")
    given = {row.id: row for row in read_split(dataset.folder, "train", pack)}

    for row in lines(one.path):
        turn = [given[id] for id in row["ids"]]
        asked = asked_of(pack, turn[0].question, turn[0].stakeholder, [part.stakeholder for part in turn])
        assert row["messages"][:-1] == asked
        parts = [head(part.stakeholder, number) + part.answer for number, part in enumerate(turn)]
        assert row["messages"][-1]["content"] == "".join(parts)
        assert row["weight"] == pytest.approx(sum(part.loss_weight for part in turn) / len(turn))


def test_percent_adds_up_to_a_hundred_for_any_shares() -> None:
    assert percent({"a": 1 / 3, "b": 2 / 3}) == {"a": 33, "b": 67}
    assert percent({"a": 0.005, "b": 0.005, "c": 0.99}) == {"a": 1, "b": 0, "c": 99}
    assert percent({"a": 0.29, "b": 0.57, "c": 0.14}) == {"a": 29, "b": 57, "c": 14}


@pytest.mark.parametrize(
    ("form", "answers", "why"),
    [
        ("trl", "distribution", "no place for shares of verdicts. .* use openai, chat, datasets, csv"),
        ("alpaca", "distribution", "no place for shares"),
        ("kto", "together", "holds single answers"),
        ("label-studio", "together", "holds single answers.* use openai, chat, trl"),
        ("opnai", "each", "There is no format 'opnai'. Did you mean 'openai'"),
        ("csv", "all", "There is no kind of answers 'all'. There are: distribution, each, together"),
    ],
)
def test_what_makes_no_sense_is_refused(dataset: Dataset, tmp_path: Path, form: str, answers: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        export(dataset, form, [], tmp_path / "out", answers)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("form", ["preference", "kto"])
def test_a_dataset_without_pairs_is_refused(dataset: Dataset, tmp_path: Path, form: str) -> None:
    with pytest.raises(UsageError, match=r"has no pairs, .* as in the pack 'preference'; this one is 'workplace'"):
        export(dataset, form, [], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_pairs_without_their_package_name_it(pairs: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("curator.training.pairs", "curator.lm.tokens"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "tokenizers", None)

    with pytest.raises(MissingExtra, match=r"Pairs need tokenizers, which is not installed: pip install"):
        export(pairs, "kto", [], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_dataset_that_was_never_split_says_so(tmp_path: Path, pack: Pack) -> None:
    whole = published(tmp_path, pack, [said("a", "The shift was moved.", "hr", "reasonable", split=None)])

    with pytest.raises(
        UsageError, match=r"no rows in train, validation, test, out_of_context.*without the step 'split'"
    ):
        export(whole, "openai", [], tmp_path / "out")


def test_a_damaged_dataset_and_a_full_disk_are_told_apart(dataset: Dataset, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file where the folder should be")
    with pytest.raises(StorageError, match=r"out could not be written: .*The dataset is as it was"):
        export(dataset, "openai", [], tmp_path / "out")


def test_alpaca_takes_chats_without_a_system_turn_and_with_a_history() -> None:
    turns = [{"role": role, "content": text} for role, text in (("user", "Hm?"), ("assistant", "Fine."))]
    longer = [*turns, {"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]

    assert alpaca({"messages": turns}) == {"instruction": "Hm?", "input": "", "output": "Fine."}
    assert alpaca({"messages": [{"role": "system", "content": "Judge."}, *longer]}) == {
        "instruction": "Judge.",
        "input": "Why?",
        "output": "So.",
        "history": [["Hm?", "Fine."]],
    }


def test_pairs_are_those_of_training_and_ties_are_counted(pairs: Dataset, tmp_path: Path) -> None:
    train, _, test, _ = export(pairs, "preference", [], tmp_path)

    assert (train.rows, train.left) == (20, "1 answer gives no pair")
    for number, row in enumerate(lines(train.path)):
        (chosen,), (rejected,) = row["chosen"], row["rejected"]
        best = (KIND, COLD) if number % 3 else (COLD, KIND)
        assert (chosen["content"], rejected["content"]) == best
        assert f"day {number}?" in row["prompt"][-1]["content"]
    (own,) = lines(test.path)
    assert own["rejected"][0]["content"] == "Verdict: tie\nWhy: They are alike in all."


@pytest.mark.parametrize(
    ("form", "said"),
    [
        (
            "preference",
            "Among the 3 rows of train: 1 repeats of another and 1 the opposite of another on the same prompt.",
        ),
        ("kto", "Among the 6 rows of train: 2 repeats of another and 2 the opposite of another on the same prompt."),
    ],
)
def test_pairs_that_go_against_one_another_are_said(tmp_path: Path, form: str, said: str) -> None:
    both = {"context": f"A team.\n\nAnswer A:\n{KIND}\n\nAnswer B:\n{COLD}", "pack": "preference", "severity": None}
    rows = [
        exported.said(id, "May I go?", "hr", verdict, **both) for id, verdict in (("p", "a"), ("q", "b"), ("r", "a"))
    ]
    found = published(tmp_path, load_pack(find_pack("preference", [])), rows)
    (one,) = made = export(found, form, ["train"], tmp_path / form)

    assert one.path is not None
    assert made.notes == [f"{said} A trainer learns all of them."]
    assert {"repeated_row", "opposite_rows"} <= {finding.kind for finding in validate(one.path, form).warnings}


def test_kto_rows_are_mixed_the_same_way_each_time(pairs: Dataset, tmp_path: Path) -> None:
    (one,) = export(pairs, "kto", ["train"], tmp_path / "one")
    (again,) = export(pairs, "kto", ["train"], tmp_path / "two")
    labels = [row["label"] for row in lines(one.path)]

    assert lines(one.path) == lines(again.path)
    assert (labels.count(True), labels.count(False)) == (20, 20)
    changes = sum(a != b for a, b in pairwise(labels))
    assert 12 <= changes <= 27, "39 places, half of which change in a good mix"
    for form in ("preference", "kto"):
        for path in [part.path for part in export(pairs, form, [], tmp_path / form) if part.path]:
            assert validate(path, form).errors == []


def test_an_answer_that_the_page_cannot_show_is_named(tmp_path: Path, pack: Pack) -> None:
    odd = said("odd1", "The shift was moved.", "hr", "reasonable", extra='{"tactics": ["bribe"]}')

    with pytest.raises(UsageError, match=r"answer odd1: The page has no choice 'bribe' .* Nothing was written"):
        export(published(tmp_path, pack, [odd]), "label-studio", [], tmp_path / "out")


def test_the_command_writes_and_validates(
    dataset: Dataset, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (workspace.datasets).mkdir()
    (workspace.datasets / "v1").symlink_to(dataset.folder)
    (workspace.datasets / "LATEST").write_text("v1\n")
    monkeypatch.chdir(workspace.root)

    assert run(["export", "--format", "openai", "--answers", "together"]) == 0
    said = capsys.readouterr().out
    assert "     3 rows  exports/openai-together/train.jsonl\n" in said
    assert "     0 rows  validation: no file, since it has no rows\n" in said
    assert run(["validate", "exports/openai-together/train.jsonl", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["rows"], told["errors"], told["lengths"]["unit"]) == (3, [], "words")
    assert run(["export", "--format", "label-studio", "--answers", "distribution"]) == 2
    assert "no place for shares" in capsys.readouterr().err
