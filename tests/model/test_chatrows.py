"""Every line is checked before anything is trained, and the error names file and line."""

from pathlib import Path
from typing import Any

import pytest

from curator.chatrows import ChatRow, read_split
from curator.errors import FileError
from curator.pack import Pack

from .conftest import line, write_dataset


def turns(*said: tuple[str, str]) -> dict[str, Any]:
    return {"messages": [{"role": role, "content": content} for role, content in said]}


def weighed(row: dict[str, Any], number: int, weight: object) -> dict[str, Any]:
    messages = [dict(message) for message in row["messages"]]
    messages[number]["weight"] = weight
    return row | {"messages": messages}


GOOD = "Verdict: fine\nAnalysis: Ok."


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (turns(("usr", "x"), ("assistant", GOOD)), "messages.0.role: Input should be 'system', 'user' or 'assistant'"),
        (turns(("user", "x")), "messages: Tuple should have at least 2 items after validation, not 1"),
        (turns(("user", "x"), ("user", "y")), "the turns are user, user; they must be user and assistant in turn"),
        (turns(("assistant", GOOD), ("user", "x")), "the turns are assistant, user; they must be"),
        (turns(("user", "x"), ("system", "s"), ("assistant", GOOD)), "the turns are user, system, assistant; they"),
        (turns(("system", "s"), ("assistant", GOOD)), "the turns are system, assistant; they must be"),
        (turns(("user", "x"), ("user", "y"), ("assistant", GOOD)), "the turns are user, user, assistant; they must"),
        (turns(("user", "x"), ("assistant", "")), "messages.1.content: String should have at least 1 character"),
        (turns(("user", " \n"), ("assistant", GOOD)), "message 1 (user) is empty"),
        (turns(("user", "x"), ("assistant", " \t")), "message 2 (assistant) is empty"),
        (turns(("user", "x"), ("assistant", "Ok.")), "the answer does not begin with its verdict 'fine'"),
        (turns(("user", "x"), ("assistant", "Verdict: fine\nAnalysis:  ")), "a verdict but no analysis"),
        ({"verdict": "unfair"}, "the answer does not begin with its verdict 'unfair'"),
        ({"verdict": "odd"}, "the pack 'little' has no verdict 'odd'"),
        ({"verdict": ""}, "verdict: String should have at least 1 character"),
        ({"verdict": None}, "verdict: Input should be a valid string"),
        ({"stakeholder": ""}, "stakeholder: String should have at least 1 character"),
        ({"stakeholder": "boss"}, "the pack 'little' has no stakeholder 'boss'"),
        ({"weight": 0}, "weight: Input should be greater than 0"),
        ({"weight": -0.5}, "weight: Input should be greater than 0"),
        ({"weight": float("nan")}, "weight: Input should be a finite number"),
        ({"weight": float("inf")}, "weight: Input should be a finite number"),
        ({"weight": "1"}, "weight: Input should be a valid number"),
        ({"id": "ward 0-nurse"}, "the id 'ward 0-nurse' stands in line 1 already"),
    ],
)
def test_a_wrong_line_is_refused_with_its_file_and_number(
    tmp_path: Path, pack: Pack, change: dict[str, Any], message: str
) -> None:
    good = line(pack, "ward 0", "nurse", "fine", "Ok.")
    write_dataset(tmp_path, pack, validation=[good, line(pack, "ward 1", "nurse", "fine", "Ok.") | change])

    with pytest.raises(FileError) as refused:
        read_split(tmp_path, "validation", pack)
    assert str(refused.value).startswith("validation.jsonl:2: ")
    assert message in str(refused.value)
    assert str(refused.value).endswith("Nothing was done; make the dataset again with: curator curate")


@pytest.mark.parametrize("missing", ["verdict", "stakeholder", "messages", "id", "scenario", "group"])
def test_a_line_that_leaves_something_out_is_refused(tmp_path: Path, pack: Pack, missing: str) -> None:
    row = line(pack, "ward 0", "nurse", "fine", "Ok.")
    del row[missing]
    write_dataset(tmp_path, pack, train=[row])

    with pytest.raises(FileError, match=f"train.jsonl:1: {missing}: Field required"):
        read_split(tmp_path, "train", pack)


def test_the_first_of_several_wrong_lines_is_named_and_the_others_counted(tmp_path: Path, pack: Pack) -> None:
    rows = [line(pack, f"ward {n}", "nurse", "fine", "Ok.") for n in range(4)]
    write_dataset(tmp_path, pack, train=[rows[0], rows[1] | {"weight": 0}, rows[2] | {"verdict": "odd"}, rows[3]])
    (tmp_path / "train.jsonl").open("a").write("{not json\n")

    with pytest.raises(FileError, match=r"train.jsonl:2: weight: .* 2 more of its lines are wrong. Nothing was done"):
        read_split(tmp_path, "train", pack)


def test_the_weight_of_an_answer_multiplies_that_of_its_row(pack: Pack) -> None:
    row = line(pack, "ward 1", "nurse", "fine", "Ok.", weight=0.5)

    assert ChatRow.model_validate(row).loss_weight == 0.5
    assert ChatRow.model_validate(weighed(row, -1, 0.25)).loss_weight == 0.125
    assert ChatRow.model_validate(weighed(row, -1, 0)).loss_weight == 0
    assert ChatRow.model_validate(row | {"weight": None}).loss_weight == 1  # a recipe without `balance`
    assert ChatRow.model_validate(weighed(row, -1, 1)).question == ChatRow.model_validate(row).question


@pytest.mark.parametrize(
    ("number", "weight", "message"),
    [
        (0, 1.0, r"message 1 \(system\) has weight 1, but only the last answer is learned"),
        (1, 0.5, r"message 2 \(user\) has weight 0.5, but only the last answer is learned"),
        (2, -1, "messages.2.weight: Input should be greater than or equal to 0"),
        (2, float("nan"), "messages.2.weight: Input should be a finite number"),
        (2, "1", "messages.2.weight: Input should be a valid number"),
    ],
)
def test_a_weight_that_could_not_be_honoured_is_refused(
    tmp_path: Path, pack: Pack, number: int, weight: object, message: str
) -> None:
    write_dataset(tmp_path, pack, train=[weighed(line(pack, "ward 1", "nurse", "fine", "Ok."), number, weight)])

    with pytest.raises(FileError, match=f"train.jsonl:1: {message}"):
        read_split(tmp_path, "train", pack)
