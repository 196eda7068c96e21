"""The part of OpenAI's chat API that a local model can keep: plain turns in, one answer out, whole or streamed.

Shapes: https://platform.openai.com/docs/api-reference/chat. What is not kept (tools, several answers, penalties) is
refused by name and not ignored, so that nobody believes that it was heeded.
"""

import secrets
import time
from collections.abc import Iterator
from itertools import chain
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, ValidationError

from curator.lm.writing import by_chance
from curator.serve.service import Refused, Service

MOST = 1024  # tokens of an answer
USUAL = 256

# What clients send unasked, and the values that change nothing.
NEUTRAL: dict[str, tuple[Any, ...]] = {
    "n": (None, 1),
    "top_p": (None, 1),
    "frequency_penalty": (None, 0),
    "presence_penalty": (None, 0),
    "logprobs": (None, False),
    "response_format": (None, {"type": "text"}),
    "stop": (None, []),
    "tools": (None, []),
    "tool_choice": (None, "none", "auto"),
}
HEEDLESS = {"user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key"}


class Piece(BaseModel):
    """A part of a message."""

    type: Literal["text"]
    text: str


class Said(BaseModel):
    """One message."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[Piece]

    @property
    def turn(self) -> dict[str, str]:
        """The message as a chat template takes it."""
        text = self.content if isinstance(self.content, str) else "".join(piece.text for piece in self.content)
        return {"role": "system" if self.role == "developer" else self.role, "content": text}


class Options(BaseModel):
    """What a stream may hold besides."""

    include_usage: StrictBool = False


class Asked(BaseModel):
    """A request, as far as it is kept. Without a temperature, the likeliest answer is given."""

    model_config = ConfigDict(extra="forbid")
    model: str
    messages: list[Said] = Field(min_length=1, max_length=200)
    max_tokens: int | None = Field(None, ge=1, le=MOST)
    max_completion_tokens: int | None = Field(None, ge=1, le=MOST)
    temperature: float | None = Field(None, ge=0, le=2)
    seed: int | None = Field(None, ge=-(2**63), lt=2**63)
    stream: StrictBool | None = False
    stream_options: Options | None = None


def models(service: Service) -> dict[str, Any]:
    """Return the list of models: base, tuned, and tuned by the adapter's own name."""
    names = [*service.voices.views, *([service.voices.name] if service.voices.name else [])]
    data = [{"id": name, "object": "model", "created": 0, "owned_by": "curator"} for name in names]
    return {"object": "list", "data": data}


def asked(service: Service, said: Any) -> Asked:
    """Return a checked request; Refused names the parameter that is wrong, unknown or not kept here."""
    if not isinstance(said, dict):
        raise Refused(400, "The request must be one JSON object.", "invalid_type")
    kept = {}
    for name, value in said.items():
        if name in NEUTRAL:
            if value not in NEUTRAL[name]:
                raise Refused(400, f"{name} is not kept by this server. Leave it out.", "unsupported_parameter", name)
        elif name not in HEEDLESS:
            kept[name] = value
    try:
        found = Asked.model_validate(kept)
    except ValidationError as fault:
        first = fault.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        code = "unknown_parameter" if first["type"] == "extra_forbidden" else "invalid_value"
        raise Refused(400, f"{where}: {first['msg']}", code, where) from None
    known = [model["id"] for model in models(service)["data"]]
    if found.model not in known:
        what = f"The model {found.model[:60]!r} does not exist. There are: {', '.join(known)}."
        raise Refused(404, what, "model_not_found", "model")
    if found.messages[-1].role == "assistant":
        raise Refused(400, "The last message must be the user's.", "invalid_value", "messages")
    return found


def complete(service: Service, request: Asked) -> Iterator[dict[str, Any]]:
    """Yield pieces of the answer: `text`, and at last `finish` ("stop" or "length") with `usage` in tokens."""
    voices = service.voices
    view = request.model if request.model in voices.views else "tuned"
    ids = voices.tokens([message.turn for message in request.messages])
    most = min(request.max_completion_tokens or MOST, request.max_tokens or MOST, MOST)
    if request.max_completion_tokens is None and request.max_tokens is None:
        most = USUAL
    whole = ""
    for _, event in voices.write(view, [ids], most=most, pick=by_chance(request.temperature or 0.0, request.seed)):
        if event["event"] == "text":
            whole += event["text"]
            yield {"text": event["text"]}
            continue
        wrote = most if event["finish"] == "length" else len(voices.encoder.plain(whole)) + 1
        usage = {"prompt_tokens": len(ids), "completion_tokens": wrote, "total_tokens": len(ids) + wrote}
        yield {"finish": event["finish"], "usage": usage}


def whole(request: Asked, pieces: Iterator[dict[str, Any]]) -> dict[str, Any]:
    """Return the answer in one object."""
    head, text, last = _head(request, "chat.completion"), "", {}
    for piece in pieces:
        text += piece.get("text", "")
        last = piece
    message = {"role": "assistant", "content": text, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": last["finish"]}
    return head | {"choices": [choice], "usage": last["usage"]}


def chunks(request: Asked, pieces: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the answer as the chunks of a stream; the server ends it with [DONE]."""
    head, usage = _head(request, "chat.completion.chunk"), {}
    first = next(pieces)  # what is refused has not begun
    yield head | {"choices": [_delta({"role": "assistant", "content": ""})]}
    for piece in chain([first], pieces):
        if "text" in piece:
            yield head | {"choices": [_delta({"content": piece["text"]})]}
        else:
            usage = piece["usage"]
            yield head | {"choices": [_delta({}, piece["finish"])]}
    if request.stream_options and request.stream_options.include_usage:
        yield head | {"choices": [], "usage": usage}


def _head(request: Asked, kind: str) -> dict[str, Any]:
    made = {"id": f"chatcmpl-{secrets.token_hex(12)}", "object": kind, "created": int(time.time())}
    return made | {"model": request.model}


def _delta(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}


def error(fault: Refused) -> dict[str, Any]:
    """Return a fault in OpenAI's shape."""
    kind = "server_error" if fault.status >= 500 else "invalid_request_error"
    return {"error": {"message": fault.message, "type": kind, "param": fault.param, "code": fault.code or None}}
