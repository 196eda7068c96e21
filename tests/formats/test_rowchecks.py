"""One line of a training file: which faults it has, by the cookbook and by each format."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.formats.rowchecks import CHECKS, faults_of
from curator.formats.validators import validate
from tests.formats.lines import ASK, GOOD, SAY, SYSTEM, kinds, written


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
