"""A training file: every fault by its line, what is odd, and how long its rows are."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from curator.cli import run
from curator.errors import FileError, UsageError
from curator.formats.validators import Finding, Ruler, ruler_of, validate, words
from curator.workspace import Workspace
from tests.formats.lines import ASK, GOOD, SAY, SYSTEM, written


def test_what_is_not_a_line_of_json_is_named_by_its_line(tmp_path: Path) -> None:
    good = json.dumps(GOOD["openai"]).encode()
    path = tmp_path / "a.jsonl"
    path.write_bytes(
        b"\n".join(
            [
                good,
                b"",
                b'{"messages": [',
                b"\xff" + good,
                good,
                b"\xef\xbb\xbf" + good,
                b'{"a":1,"a":2}',
                good + b"\r",
                good + b"\x0b",
            ]
        )
        + b"\n"
    )
    report = validate(path, "openai")

    assert [(one.line, one.kind) for one in report.errors] == [
        (2, "empty_line"),
        (3, "not_json"),
        (4, "encoding"),
        (6, "encoding"),
        (7, "not_json"),
        (9, "not_json"),
    ]
    assert report.errors[1].says == "the line is not JSON: EOF while parsing a list at character 14"
    assert report.errors[2].says == "byte 1 of the line is not UTF-8"
    assert (report.rows, len(report.lengths)) == (9, 3)


@pytest.mark.parametrize(
    ("content", "kind", "says"),
    [
        (b"", "empty_file", "empty"),
        (b" \n\n", "empty_file", "empty"),
        (json.dumps(GOOD["openai"]).encode("utf-16"), "encoding", "UTF-16, not UTF-8 text"),
        (b"\x1f\x8b\x08", "encoding", "packed with gzip, not UTF-8 text; unpack it first"),
        (b"PAR1....", "encoding", "Parquet"),
        (json.dumps([GOOD["openai"]] * 2, indent=1).encode(), "not_json_lines", "one JSON list"),
        (json.dumps(GOOD["openai"], indent=1).encode(), "not_json_lines", "one JSON object over several lines"),
        (b"\n{\n}\n", "not_json_lines", "one JSON object"),
    ],
)
def test_a_file_of_another_kind_is_one_error(tmp_path: Path, content: bytes, kind: str, says: str) -> None:
    (tmp_path / "a.jsonl").write_bytes(content)
    (one,) = validate(tmp_path / "a.jsonl", "openai").errors

    assert (one.line, one.kind) == (1, kind)
    assert says in one.says


def test_the_last_line_may_end_without_a_line_break(tmp_path: Path) -> None:
    line = json.dumps(GOOD["openai"])
    (tmp_path / "a.jsonl").write_text(f"{line}\n{line}", "utf-8")
    report = validate(tmp_path / "a.jsonl", "openai")

    assert (report.rows, report.errors, len(report.lengths)) == (2, [], 2)


def test_a_file_that_is_not_there_and_a_format_without_checks_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="There is no file"):
        validate(tmp_path / "a.jsonl", "openai")
    with pytest.raises(FileError, match="cannot be read"):
        validate(tmp_path, "openai")
    with pytest.raises(UsageError, match="no checks for the format 'csv'"):
        validate(written(tmp_path / "a.jsonl", {}), "csv")


def test_what_is_odd_is_a_warning_by_its_line(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl", {"messages": [ASK, SAY]}, {"messages": [SYSTEM, SAY]}, GOOD["openai"])
    report = validate(path, "openai", most=8)

    assert report.errors == []
    assert [(one.line, one.kind) for one in report.warnings] == [
        (1, "missing_system"),
        (2, "missing_user"),
        (2, "assistant_first"),
        (3, "too_long"),
        (1, "few_rows"),
    ]
    assert report.warnings[3].says == "11 words, more than 8; it would be cut or left out"
    weighed = written(tmp_path / "w.jsonl", {"messages": [SYSTEM, ASK, SAY | {"weight": 0}]})
    assert [one.kind for one in validate(weighed, "trl").warnings] == ["weight_ignored"]
    assert [one.kind for one in validate(weighed, "openai").warnings] == ["nothing_learned", "few_rows"]


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([SYSTEM, ASK, SAY | {"weight": 0}, ASK, SAY | {"weight": 1}], []),
        ([SYSTEM, ASK, SAY | {"weight": 0.5}], ["weight_value"]),
        ([SYSTEM, ASK, SAY | {"weight": "1"}], ["weight_value"]),
        ([SYSTEM, ASK, SAY | {"weight": True}], ["weight_value"]),
        ([SYSTEM, ASK, SAY | {"weight": 0}, ASK, SAY | {"weight": 0}], ["nothing_learned"]),
        ([SYSTEM, ASK | {"weight": 1}, SAY], ["weight_ignored"]),
        ([SYSTEM, ASK, SAY, ASK], ["last_turn"]),
        ([SYSTEM, SAY, ASK, SAY], ["assistant_first"]),
        ([SYSTEM, ASK | {"name": 7}, SAY], ["name_type"]),
        ([SYSTEM, ASK, SAY | {"content": " \u200b\n"}], ["blank_content"]),
        ([{"role": "developer", "content": "Be fair."}, ASK, SAY], []),
    ],
)
def test_what_openai_would_take_otherwise_than_meant_is_odd(
    tmp_path: Path, messages: list[dict[str, Any]], expected: list[str]
) -> None:
    report = validate(written(tmp_path / "a.jsonl", *[{"messages": messages}] * 10), "openai")

    assert report.errors == []
    assert [one.kind for one in report.warnings if one.line == 1] == expected


def test_a_file_of_nine_rows_is_too_short_for_openai(tmp_path: Path) -> None:
    (one,) = validate(written(tmp_path / "a.jsonl", *[GOOD["openai"]] * 9), "openai").warnings
    assert (one.kind, one.says) == ("few_rows", "OpenAI takes no file with fewer than 10 rows; this one has 9")
    assert validate(written(tmp_path / "a.jsonl", *[GOOD["openai"]] * 10), "openai").warnings == []


def test_a_row_of_several_answers_is_said_to_be_one(tmp_path: Path) -> None:
    whole = GOOD["chat"] | {"ids": ["a"], "answers": 1}
    path = written(tmp_path / "a.jsonl", whole, whole | {"id": "b", "shares": {"no": 1.0}})

    assert [(one.kind, one.says[:44]) for one in validate(path, "chat").warnings] == [
        ("several_answers", "the row holds all answers (--answers togethe"),
        ("several_answers", "the row holds shares of verdicts (--answers "),
    ]


def test_pairs_that_repeat_or_contradict_another_are_odd(tmp_path: Path) -> None:
    pair = GOOD["preference"]
    other = pair | {"chosen": pair["rejected"], "rejected": pair["chosen"]}
    rows = [pair, other, pair | {"prompt": [SYSTEM, ASK]}, pair]
    said = validate(written(tmp_path / "a.jsonl", *rows), "preference").warnings
    assert [(one.line, one.kind) for one in said] == [(2, "opposite_rows"), (4, "repeated_row")]
    assert said[0].says == "says the opposite of line 1 on the same prompt, and a trainer learns both"

    single = GOOD["kto"]
    rows = [single, single | {"completion": [SYSTEM, SAY]}, single | {"label": False}, single]
    said = validate(written(tmp_path / "b.jsonl", *rows), "kto").warnings
    assert [(one.line, one.kind) for one in said] == [(3, "opposite_rows"), (4, "repeated_row")]


def test_labels_that_are_alike_or_sorted_are_odd_for_kto(tmp_path: Path) -> None:
    def odd(*labels: bool) -> list[str]:
        rows = [GOOD["kto"] | {"prompt": [ASK | {"name": f"p{n}"}], "label": label} for n, label in enumerate(labels)]
        return [one.kind for one in validate(written(tmp_path / "a.jsonl", *rows), "kto").warnings]

    assert odd(True, True, True) == ["one_label"]
    assert odd(True, True, False, False) == ["sorted_labels"]
    assert odd(False, True, True, False) == []


def test_an_id_that_stands_twice_is_a_fault_of_the_second(tmp_path: Path) -> None:
    report = validate(written(tmp_path / "a.jsonl", GOOD["chat"], GOOD["chat"]), "chat")

    assert report.errors == [Finding(2, "doubled_id", "the id 'a' stands in line 1 already")]


def test_tokens_are_counted_by_the_cookbook_s_rule(tmp_path: Path) -> None:
    ruler = Ruler("tokens", lambda text: len(text.split()), "words as tokens", context=30)
    row = {"messages": [SYSTEM, ASK | {"name": "ann"}, SAY]}
    report = validate(written(tmp_path / "a.jsonl", row, GOOD["openai"], {"messages": [SAY] * 6}, 3), "openai", ruler)

    assert report.lengths == [24, 23, 6 * (3 + 4) + 3]
    assert report.limit == 30
    assert [(one.line, one.kind) for one in report.warnings if one.kind == "too_long"] == [(3, "too_long")]
    assert report.lengths_told() == {
        "unit": "tokens",
        "tokenizer": "words as tokens",
        "why": None,
        "rows": 3,
        "min": 23,
        "median": 24,
        "mean": 30.7,
        "max": 45,
        "total": 92,
    }


def test_the_longer_answer_of_a_pair_is_what_counts(tmp_path: Path) -> None:
    row = {"prompt": "one two", "chosen": "three", "rejected": "three four five"}

    assert validate(written(tmp_path / "a.jsonl", row), "preference").lengths == [5]


def saved(folder: Path) -> Path:
    """A model's folder with nothing but its tokenizer and its config."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({"fair": 0, "?": 1}, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.enable_truncation(2)
    folder.mkdir(parents=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "config.json").write_text('{"max_position_embeddings": 40}')
    return folder


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("smollm2-135m-instruct", "smollm2-135m-instruct-0123456789ab"),
        ("owner/model", "hub-owner--model"),
        ("owner/model@v1/x", "hub-owner--model-v1-x"),
    ],
)
def test_the_tokenizer_of_the_base_model_counts(workspace: Workspace, name: str, where: str) -> None:
    own = Workspace(workspace.root, workspace.config.model_copy(update={"base_model": name}))
    before = ruler_of(own)
    saved(own.cache / where)
    ruler = ruler_of(own)

    assert (before.unit, before.why) == (
        "words",
        f"the base model {name} is not unpacked yet; curator train does that",
    )
    assert (ruler.unit, ruler.name, ruler.context) == ("tokens", name, 40)
    assert ruler.count("fair fair fair, not?") == 6


def test_a_model_s_own_folder_counts_and_a_damaged_tokenizer_is_named(workspace: Workspace, tmp_path: Path) -> None:
    folder = saved(tmp_path / "model")
    own = Workspace(workspace.root, workspace.config.model_copy(update={"base_model": str(folder)}))
    assert ruler_of(own).count("fair fair fair") == 3
    (folder / "tokenizer.json").write_text("{")
    with pytest.raises(FileError, match=r"The tokenizer of .* cannot be read"):
        ruler_of(own)


def test_counting_tokens_loads_no_torch(workspace: Workspace) -> None:
    saved(workspace.cache / "smollm2-135m-instruct-0123456789ab")
    path = written(workspace.root / "a.jsonl", GOOD["openai"])
    code = (
        "import sys; from curator.cli import run; code = run(['validate', 'a.jsonl']);"
        "sys.stderr.write(f'{code} ' + str([n for n in ('torch', 'transformers') if n in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=path.parent, check=True)

    assert done.stderr.endswith("0 []")
    assert "tokens a row (smollm2-135m-instruct): min 26" in done.stdout


def test_the_command_ends_with_two_where_there_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    written(tmp_path / "bad.jsonl", GOOD["openai"], {"messages": [ASK]}, *[{}] * 60)
    written(tmp_path / "good.jsonl", {"messages": [ASK, SAY]})

    assert run(["validate", "bad.jsonl"]) == 2
    said = capsys.readouterr().out
    assert "bad.jsonl as openai: 62 rows, errors in 61 lines" in said
    assert "example_missing_assistant_message" in said
    assert "and 11 more; --json names them all" in said
    assert run(["validate", "bad.jsonl", "--json"]) == 2
    told = json.loads(capsys.readouterr().out)
    assert told["error_counts"] == {"example_missing_assistant_message": 1, "missing_messages_list": 60}
    assert told["errors"][0]["line"] == 2
    assert run(["validate", "good.jsonl", "--tokens", "5"]) == 0
    said = capsys.readouterr().out
    assert "good.jsonl as openai: 1 row, no errors" in said
    assert "warning: missing_system (line 1): no message of 'system'" in said
    assert "words a row (there is no workspace here): min 8" in said
    assert "limit: 5 words; 1 row is longer" in said
    assert run(["validate", "nowhere.jsonl"]) == 2
    assert "There is no file nowhere.jsonl" in capsys.readouterr().err


def test_words_are_counted_without_what_stands_around_them() -> None:
    assert words().length([["user", "Is it fair?"], ["assistant", "No."]]) == 6
