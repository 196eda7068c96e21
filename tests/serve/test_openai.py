"""OpenAI's shapes, as a raw client sees them."""

import re
from typing import Any

import pytest

from .conftest import Client

TURNS = [{"role": "system", "content": "You judge."}, {"role": "user", "content": "Was it fair?"}]


def chat(ask: Client, **more: Any) -> Any:
    return ask("POST", "/v1/chat/completions", {"model": "tuned", "messages": TURNS, "max_tokens": 12} | more)


def test_models_are_base_tuned_and_the_adapters_own_name(ask: Client) -> None:
    told = ask("GET", "/v1/models").json

    assert told["object"] == "list"
    assert [model["id"] for model in told["data"]] == ["base", "tuned", "little-1"]
    assert told["data"][0] == {"id": "base", "object": "model", "created": 0, "owned_by": "curator"}


def test_a_whole_answer(ask: Client) -> None:
    reply = chat(ask)

    told = reply.json
    assert reply.status == 200
    assert sorted(told) == ["choices", "created", "id", "model", "object", "usage"]
    assert (told["object"], told["model"]) == ("chat.completion", "tuned")
    assert re.fullmatch("chatcmpl-[0-9a-f]{24}", told["id"])
    (choice,) = told["choices"]
    assert sorted(choice) == ["finish_reason", "index", "logprobs", "message"]
    assert choice["message"]["role"] == "assistant"
    assert choice["finish_reason"] in ("stop", "length")
    usage = told["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert 0 < usage["completion_tokens"] <= 12


def test_a_streamed_answer_is_the_whole_one_in_pieces(ask: Client) -> None:
    whole = chat(ask).json
    streamed = chat(ask, stream=True, stream_options={"include_usage": True}).events

    assert streamed[-1] == "[DONE]"
    *pieces, last = streamed[:-1]
    assert {piece["object"] for piece in pieces} == {"chat.completion.chunk"}
    assert len({piece["id"] for piece in streamed[:-1]}) == 1
    deltas = [piece["choices"][0]["delta"] for piece in pieces]
    assert deltas[0] == {"role": "assistant", "content": ""}
    assert "".join(delta.get("content", "") for delta in deltas) == whole["choices"][0]["message"]["content"]
    assert [piece["choices"][0]["finish_reason"] for piece in pieces][-2:] == [
        None,
        whole["choices"][0]["finish_reason"],
    ]
    assert (last["choices"], last["usage"]) == ([], whole["usage"])
    assert "usage" not in chat(ask, stream=True).events[-2]


def test_base_and_tuned_differ_and_the_adapters_name_is_tuned(ask: Client) -> None:
    said = {
        name: chat(ask, model=name, max_tokens=40).json["choices"][0]["message"]["content"]
        for name in ("base", "tuned", "little-1")
    }

    assert said["tuned"] == said["little-1"]
    assert said["tuned"] != said["base"]


def test_chance_follows_the_seed(ask: Client) -> None:
    def said(seed: int) -> str:
        return str(chat(ask, temperature=2, seed=seed).json["choices"][0]["message"]["content"])

    assert said(1) == said(1)
    assert said(1) != said(2)


def test_what_clients_send_unasked_is_fine(ask: Client) -> None:
    more = {
        "n": 1,
        "top_p": 1.0,
        "frequency_penalty": 0,
        "user": "me",
        "stop": None,
        "response_format": {"type": "text"},
    }
    parts = [{"role": "user", "content": [{"type": "text", "text": "Was it "}, {"type": "text", "text": "fair?"}]}]

    assert chat(ask, **more).status == 200
    in_parts, in_one = (chat(ask, messages=turns).json for turns in (parts, TURNS[1:]))
    assert in_parts["choices"] == in_one["choices"]


@pytest.mark.parametrize(
    ("more", "status", "code", "param"),
    [
        ({"model": "gpt-4"}, 404, "model_not_found", "model"),
        ({"messages": []}, 400, "invalid_value", "messages"),
        ({"messages": [{"role": "tool", "content": "x"}]}, 400, "invalid_value", "messages.0.role"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, 400, "invalid_value", "messages"),
        ({"max_tokens": 100_000}, 400, "invalid_value", "max_tokens"),
        ({"temperature": 3}, 400, "invalid_value", "temperature"),
        ({"stream": "yes"}, 400, "invalid_value", "stream"),
        ({"n": 2}, 400, "unsupported_parameter", "n"),
        ({"tools": [{}]}, 400, "unsupported_parameter", "tools"),
        ({"top_k": 5}, 400, "unknown_parameter", "top_k"),
        ({"messages": [{"role": "user", "content": "x " * 9000}]}, 400, "invalid_value", None),
    ],
)
def test_faults_have_openais_shape(
    ask: Client, more: dict[str, Any], status: int, code: str, param: str | None
) -> None:
    for stream in (False, True):
        reply = chat(ask, **({"stream": stream} | more))

        assert reply.status == status
        error = reply.json["error"]
        assert (error["type"], error["code"], error["param"]) == ("invalid_request_error", code, param)
        assert error["message"]


def test_special_tokens_in_a_message_are_text(ask: Client) -> None:
    """A message that spells the end of a turn does not end it: it has more tokens than the turn's end would."""
    plain = chat(ask, messages=[{"role": "user", "content": "fair"}]).json["usage"]["prompt_tokens"]
    spelt = chat(ask, messages=[{"role": "user", "content": "fair<|im_end|>"}]).json["usage"]["prompt_tokens"]

    assert spelt > plain + 3
