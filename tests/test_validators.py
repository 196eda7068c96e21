"""The validator: the public cookbook's faults with the cookbook's counts, each by its line, and how long rows are."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.cli import run
from curator.errors import FileError, UsageError
from curator.formats.rowchecks import CHECKS, faults_of
from curator.formats.validators import Finding, Ruler, ruler_of, validate, words
from curator.workspace import Workspace

ASK, SAY = {"role": "user", "content": "Is it fair?"}, {"role": "assistant", "content": "Not to her."}
SYSTEM = {"role": "system", "content": "You judge."}
GOOD: dict[str, dict[str, Any]] = {
    "openai": {"messages": [SYSTEM, ASK, SAY]},
    "chat": {"id": "a", "scenario": "s", "group": "s", "stakeholder": "hr", "verdict": "no", "weight": 1}
    | {"messages": [SYSTEM, ASK, SAY]},
    "trl": {"messages": [SYSTEM, ASK, SAY]},
    "prompt-completion": {"prompt": [ASK], "completion": [SAY]},
    "preference": {"prompt": [ASK], "chosen": [SAY], "rejected": [SAY | {"content": "Yes."}]},
    "kto": {"prompt": [ASK], "completion": [SAY], "label": True},
    "sharegpt": {"conversations": [{"from": "human", "value": "Fair?"}, {"from": "gpt", "value": "No."}]},
    "alpaca": {"instruction": "Is it fair?", "input": "", "output": "No."},
}


def kinds(row: Any, form: str = "openai") -> dict[str, int]:
    return dict(Counter(fault.kind for fault in faults_of(row, form)))


def written(path: Path, *rows: Any) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (7, {"data_type": 1}),
        ("messages", {"data_type": 1}),
        ([GOOD["openai"]], {"data_type": 1}),
        (None, {"data_type": 1}),
        ({}, {"missing_messages_list": 1}),
        ({"messages": []}, {"missing_messages_list": 1}),
        ({"messages": None}, {"missing_messages_list": 1}),
        ({"messages": "Is it fair?"}, {"missing_messages_list": 1}),
        ({"conversation": [ASK, SAY]}, {"missing_messages_list": 1}),
        ({"messages": [ASK, {"role": "assistant"}]}, {"message_missing_key": 1, "missing_content": 1}),
        ({"messages": [{"content": "Is it fair?"}, SAY]}, {"message_missing_key": 1, "unrecognized_role": 1}),
        (
            {"messages": [{}, SAY]},
            {"message_missing_key": 1, "unrecognized_role": 1, "missing_content": 1},
        ),
        ({"messages": [ASK | {"mood": "calm", "tone": "dry"}, SAY]}, {"message_unrecognized_key": 1}),
        ({"messages": [ASK | {"mood": 1}, SAY | {"tools": []}]}, {"message_unrecognized_key": 2}),
        ({"messages": [ASK | {"role": "human"}, SAY]}, {"unrecognized_role": 1}),
        ({"messages": [ASK | {"role": None}, SAY]}, {"unrecognized_role": 1}),
        ({"messages": [ASK | {"content": ""}, SAY]}, {"missing_content": 1}),
        ({"messages": [ASK | {"content": None}, SAY]}, {"missing_content": 1}),
        ({"messages": [ASK | {"content": ["Is it fair?"]}, SAY]}, {"missing_content": 1}),
        ({"messages": [ASK, {"role": "assistant", "content": "", "function_call": {"name": "f"}}]}, {}),
        (
            {"messages": [ASK, {"role": "assistant", "content": None, "function_call": {"name": "f"}}]},
            {"missing_content": 1},
        ),
        ({"messages": [SYSTEM, ASK]}, {"example_missing_assistant_message": 1}),
        (
            {"messages": [SYSTEM, ASK | {"role": "Assistant"}]},
            {"unrecognized_role": 1, "example_missing_assistant_message": 1},
        ),
        ({"messages": [ASK, "SAY"]}, {"data_type": 1, "example_missing_assistant_message": 1}),
        ({"messages": [ASK | {"name": "ann"}, SAY | {"weight": 0}]}, {}),
        ({"messages": [{"role": "function", "content": "4", "name": "f"}, SAY]}, {}),
    ],
)
def test_the_cookbook_s_faults_are_counted_as_it_counts_them(row: Any, expected: dict[str, int]) -> None:
    assert kinds(row) == expected


def cookbook(row: dict[str, Any]) -> dict[str, int]:
    """The rules of the public check, written down again, for rows whose messages are objects."""
    found: Counter[str] = Counter()
    for message in row["messages"]:
        text, call = message.get("content"), message.get("function_call")
        found["message_missing_key"] += not {"role", "content"} <= set(message)
        found["message_unrecognized_key"] += bool(set(message) - {"role", "content", "name", "function_call", "weight"})
        found["unrecognized_role"] += message.get("role") not in ("system", "user", "assistant", "function")
        found["missing_content"] += (not text and not call) or not isinstance(text, str)
    found["example_missing_assistant_message"] = all(m.get("role") != "assistant" for m in row["messages"])
    return {kind: int(count) for kind, count in found.items() if count}


VALUES = {
    "role": st.sampled_from(["system", "user", "assistant", "function", "", None, 3]),
    "content": st.sampled_from(["", "hi", None, 3, ["hi"], [], [{"type": "text"}], {}]),
    "name": st.just("ann"),
    "function_call": st.sampled_from([None, {}, "f", {"name": "f"}]),
    "weight": st.sampled_from([0, 1]),
    "mood": st.just("calm"),
}


@given(st.lists(st.fixed_dictionaries({}, optional=VALUES), min_size=1, max_size=4))
def test_messages_of_the_cookbook_s_time_get_its_counts(messages: list[dict[str, Any]]) -> None:
    assert kinds({"messages": messages}) == cookbook({"messages": messages})


CALL = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
CALLS, RESULT = {"role": "assistant", "tool_calls": [CALL]}, {"role": "tool", "tool_call_id": "1", "content": "4"}
LOOSE = {"role": "assistant", "tool_calls": [{"type": "function", "function": {"name": "f", "arguments": {"a": 1}}}]}
PICTURE = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}


@pytest.mark.parametrize(
    "messages",
    [
        [ASK, CALLS, RESULT, SAY],
        [ASK, CALLS | {"content": None}, RESULT, SAY],
        [ASK, CALLS | {"content": ""}],
        [ASK, SAY | {"tool_calls": [CALL, CALL | {"id": "2"}]}],
        [{"role": "developer", "content": "Be fair."}, ASK, SAY],
        [ASK | {"content": [{"type": "text", "text": "Fair?"}, PICTURE]}, SAY],
        [ASK, {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}}],
        [ASK, {"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}}],
        [ASK, {"role": "assistant", "content": None, "refusal": "No."}],
    ],
)
def test_what_openai_takes_today_is_right(messages: list[dict[str, Any]]) -> None:
    assert kinds({"messages": messages, "tools": [], "parallel_tool_calls": False}) == {}


@pytest.mark.parametrize(
    ("form", "messages", "expected"),
    [
        ("openai", [ASK, SAY | {"tool_calls": "x"}], {"malformed_tool_calls": 1}),
        ("openai", [ASK, SAY | {"tool_calls": []}], {"malformed_tool_calls": 1}),
        (
            "openai",
            [ASK, {"role": "assistant", "tool_calls": [1]}],
            {"malformed_tool_calls": 1} | {"message_missing_key": 1, "missing_content": 1},
        ),
        ("openai", [ASK, LOOSE | {"content": "So."}], {"malformed_tool_calls": 1}),
        ("openai", [ASK | {"tool_calls": [CALL]}, SAY], {"malformed_tool_calls": 1}),
        ("openai", [ASK, CALLS, RESULT | {"tool_call_id": ""}, SAY], {"missing_tool_call_id": 1}),
        ("openai", [ASK | {"content": [{"type": "text", "text": ""}]}, SAY], {"missing_content": 1}),
        ("openai", [ASK | {"content": [{"type": "sound"}]}, SAY], {"missing_content": 1}),
        ("openai", [ASK, SAY | {"content": [PICTURE]}], {"missing_content": 1}),
        ("openai", [ASK | {"content": [PICTURE | {"image_url": "a.png"}]}, SAY], {"missing_content": 1}),
        ("trl", [ASK, LOOSE, {"role": "tool", "name": "f", "content": "4"}, SAY], {}),
        ("trl", [ASK, LOOSE | {"content": None}], {}),
        ("trl", [ASK, SAY | {"content": "", "tool_calls": "x"}], {"malformed_tool_calls": 1, "missing_content": 1}),
        ("trl", [ASK | {"content": [{"type": "image"}, {"type": "text", "text": "Fair?"}]}, SAY], {}),
    ],
)
def test_calls_of_tools_and_content_in_parts_are_looked_at(
    form: str, messages: list[dict[str, Any]], expected: dict[str, int]
) -> None:
    assert kinds({"messages": messages}, form) == expected


def test_the_texts_of_parts_are_measured(tmp_path: Path) -> None:
    row = {"messages": [ASK | {"content": [{"type": "text", "text": "Is it fair?"}, PICTURE]}, SAY]}

    assert validate(written(tmp_path / "a.jsonl", row), "openai").lengths == [8]
    row = {"prompt": [ASK], "completion": [LOOSE]}
    assert validate(written(tmp_path / "b.jsonl", row), "prompt-completion").errors == []


@pytest.mark.parametrize(
    ("form", "change", "expected"),
    [
        ("chat", {"id": ""}, {"missing_key": 1}),
        ("chat", {"weight": -1}, {"data_type": 1}),
        ("chat", {"weight": 0}, {"data_type": 1}),
        ("chat", {"weight": "1"}, {"data_type": 1}),
        ("chat", {"weight": None}, {}),
        ("chat", {"domain": 3}, {"data_type": 1}),
        ("chat", {"verdict": ""}, {"missing_key": 1}),
        ("chat", {"group": None, "verdict": 7}, {"data_type": 2}),
        ("chat", {"messages": [ASK | {"name": "ann"}, SAY]}, {"message_unrecognized_key": 1}),
        ("chat", {"messages": [ASK, SAY, ASK]}, {"turn_order": 1}),
        ("chat", {"messages": [SAY, ASK]}, {"turn_order": 1}),
        ("chat", {"messages": [ASK, SAY | {"content": " "}]}, {"message": 1}),
        ("chat", {"messages": [ASK | {"weight": 1}, SAY]}, {"message": 1}),
        ("chat", {"messages": [ASK, SAY | {"weight": "1"}]}, {"data_type": 1}),
        ("chat", {"ids": ["a", "b"], "answers": 3, "verdict": None}, {}),
        ("chat", {"ids": ["a", "b"], "answers": 1}, {"data_type": 1}),
        ("chat", {"ids": []}, {"data_type": 1}),
        ("chat", {"ids": ["a"], "answers": 1, "shares": {"no": 0.25, "yes": 0.75}}, {}),
        ("chat", {"ids": ["a"], "answers": 1, "shares": {"no": 0.5}}, {"shares": 1}),
        ("chat", {"ids": ["a"], "answers": 1, "shares": {"no": "all"}}, {"data_type": 1}),
        ("trl", {"messages": [ASK | {"content": None}, SAY]}, {"missing_content": 1}),
        ("prompt-completion", {"completion": "Not to her."}, {"mixed_kinds": 1}),
        ("prompt-completion", {"completion": [ASK]}, {"example_missing_assistant_message": 1}),
        ("chat", {"messages": [ASK]}, {"example_missing_assistant_message": 1}),
        ("prompt-completion", {"completion": [SAY, ASK]}, {"turn_order": 1}),
        ("prompt-completion", {"prompt": [ASK, SAY]}, {"turn_order": 1}),
        ("prompt-completion", {"prompt": []}, {"missing_content": 1}),
        ("prompt-completion", {"prompt": 3}, {"data_type": 1}),
        ("prompt-completion", {"prompt": "Is it fair?", "completion": "No."}, {}),
        ("preference", {"rejected": [SAY]}, {"same_answer": 1}),
        ("preference", {"chosen": [ASK, SAY]}, {"prompt_repeated": 1}),
        ("preference", {"chosen": [ASK, SAY], "rejected": [ASK, SAY | {"content": "No."}]}, {"prompt_repeated": 1}),
        ("prompt-completion", {"completion": [ASK, SAY]}, {"prompt_repeated": 1}),
        (
            "preference",
            {"prompt": "Is it fair to move the shift?", "chosen": "Is it fair to move the shift? No."}
            | {"rejected": "Is it fair to move the shift? Yes."},
            {"prompt_repeated": 1},
        ),
        ("preference", {"prompt": "I", "chosen": "I do.", "rejected": "I do not."}, {}),
        ("preference", {"chosen": [ASK]}, {"example_missing_assistant_message": 1}),
        ("preference", {"prompt": "Fair?", "chosen": "No.", "rejected": "Yes."}, {}),
        ("kto", {"label": 1}, {"label": 1}),
        ("kto", {"completion": []}, {"missing_content": 1}),
        (
            "sharegpt",
            {"conversations": [{"from": "user", "value": "Fair?"}]},
            {"unrecognized_role": 1} | {"example_missing_assistant_message": 1},
        ),
        ("sharegpt", {"conversations": [{"from": "gpt", "value": "No."}] * 2}, {"turn_order": 1}),
        (
            "sharegpt",
            {"conversations": GOOD["sharegpt"]["conversations"] * 2 + [{"from": "human", "value": "?"}]},
            {"turn_order": 1},
        ),
        ("alpaca", {"output": ""}, {"missing_content": 1}),
        ("alpaca", {"instruction": "", "input": None}, {"missing_content": 1}),
        ("alpaca", {"instruction": "", "input": "Is it fair?"}, {}),
        ("alpaca", {"output": 4}, {"data_type": 1}),
        ("alpaca", {"history": [["a"]]}, {"data_type": 1}),
        ("alpaca", {"history": [["a", "b"]], "system": "Judge."}, {}),
    ],
)
def test_each_format_has_its_own_faults(form: str, change: dict[str, Any], expected: dict[str, int]) -> None:
    assert kinds(GOOD[form], form) == {}
    assert kinds(GOOD[form] | change, form) == expected


@pytest.mark.parametrize(
    ("chosen", "rejected", "expected"),
    [
        ([SYSTEM, ASK, SAY], [SYSTEM, ASK, SAY | {"content": "Yes."}], {}),
        ([ASK, SAY, ASK, SAY], [ASK, SAY | {"content": "Yes."}], {}),
        ([ASK, SAY], [ASK | {"content": "Is it?"}, SAY], {"prompt_differs": 1}),
        ([SYSTEM, ASK, SAY], [ASK, SAY], {"prompt_differs": 1}),
        ([SAY], [SAY | {"content": "Yes."}], {"prompt_differs": 1}),
    ],
)
def test_a_pair_without_a_prompt_of_its_own_has_the_same_in_both(
    chosen: list[Any], rejected: list[Any], expected: dict[str, int]
) -> None:
    assert kinds({"chosen": chosen, "rejected": rejected}, "preference") == expected


@pytest.mark.parametrize("form", CHECKS)
def test_a_good_file_has_no_fault_and_each_missing_key_has(tmp_path: Path, form: str) -> None:
    assert validate(written(tmp_path / "a.jsonl", GOOD[form]), form).errors == []
    for key in set(GOOD[form]) - {"input", "weight"}:
        assert kinds({name: value for name, value in GOOD[form].items() if name != key}, form)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "messages",
                        "role",
                        "content",
                        "prompt",
                        "completion",
                        "chosen",
                        "rejected",
                        "label",
                        "conversations",
                        "from",
                        "value",
                        "instruction",
                        "input",
                        "output",
                        "history",
                        "id",
                        "weight",
                    ]
                ),
                inner,
                max_size=4,
            )
        ),
    )
)
def test_no_json_value_breaks_a_check(row: Any) -> None:
    for form, check in CHECKS.items():
        if not faults_of(row, form):
            assert all(isinstance(text, str) for message in check.texts(row) for text in message)
            list(check.odd(row))


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
