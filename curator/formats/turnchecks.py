"""What a conversation must be, message by message: OpenAI's cookbook, and what the format allows since. Pure."""

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with a row: its kind in one word, and a plain sentence."""

    kind: str
    says: str


@dataclass(frozen=True)
class Turns:
    """How a format writes a conversation: the names of a message's two keys, the keys and the roles it may have.

    `strict` is whether calls of tools need an id and arguments as text, as OpenAI wants them; templates of open models
    take objects and no id.
    """

    role: str = "role"
    content: str = "content"
    keys: frozenset[str] = frozenset({"role", "content", "name", "weight"})
    roles: tuple[str, ...] = ("system", "user", "assistant")
    answers: str = "assistant"
    parts: tuple[str, ...] = ()  # kinds of content besides plain text
    strict: bool = False


PLAIN = frozenset({"role", "content", "name", "weight"})
TOOLS = frozenset({"tool_calls", "tool_call_id"})
# The cookbook's keys and roles (examples/Chat_finetuning_data_prep.ipynb, 2023), and those of the API reference now
# (FineTuneChatRequestInput): calls of tools, the developer in place of the system, content in parts of text or images.
OPENAI = Turns(
    keys=PLAIN | TOOLS | {"function_call", "refusal"},
    roles=("system", "developer", "user", "assistant", "function", "tool"),
    parts=("text", "image_url", "refusal"),
    strict=True,
)
TRL = Turns(keys=PLAIN | TOOLS | {"thinking"}, roles=("system", "user", "assistant", "tool"), parts=("text", "image"))
SHAREGPT_ROLES = ("system", "human", "gpt", "observation", "function_call")
SHAREGPT = Turns("from", "value", frozenset({"from", "value"}), SHAREGPT_ROLES, "gpt")


def talk(row: dict[str, Any], key: str, turns: Turns) -> Iterator[Fault]:
    """Yield the faults of a conversation: the cookbook's, each counted as often as the cookbook does."""
    said = row.get(key)
    if not said or not isinstance(said, list):
        what = "is empty" if key in row and not said else "is not a list" if key in row else "is missing"
        yield Fault("missing_messages_list", f"the list `{key}` {what}")
        return
    for number, message in enumerate(said, 1):
        yield from _message(f"message {number}" if key == "messages" else f"{key}, message {number}", message, turns)
    if not any(isinstance(message, dict) and message.get(turns.role) == turns.answers for message in said):
        yield Fault("example_missing_assistant_message", f"`{key}` has no message of {turns.answers!r} to learn from")


def _message(where: str, message: Any, turns: Turns) -> Iterator[Fault]:
    if not isinstance(message, dict):
        yield Fault("data_type", f"{where} is {kind_of(message)}, not an object in braces")
        return
    calls = _calls(message, turns)
    missing = [
        key for key in (turns.role, turns.content) if key not in message and not (calls and key == turns.content)
    ]
    if missing:
        yield Fault("message_missing_key", f"{where} has no {' and no '.join(f'`{key}`' for key in missing)}")
    if odd := [key for key in message if key not in turns.keys]:
        yield Fault("message_unrecognized_key", f"{where} has the unknown key {', '.join(map(repr, odd))}")
    if message.get(turns.role) not in turns.roles:
        known = ", ".join(turns.roles)
        yield Fault("unrecognized_role", f"{where} has the role {message.get(turns.role)!r}; known are {known}")
    yield from _tools(where, message, turns)
    if not calls:
        yield from _content(where, message, turns)


def _content(where: str, message: dict[str, Any], turns: Turns) -> Iterator[Fault]:
    content = message.get(turns.content)
    if turns.parts and content and isinstance(content, list):
        for part in content:
            if wrong := _part(part, message.get(turns.role), turns):
                yield Fault("missing_content", f"{where} has a part that {wrong}")
                return
        return
    called = any(message.get(key) for key in ("function_call",) if key in turns.keys)
    refused = "refusal" in turns.keys and isinstance(message.get("refusal"), str) and message["refusal"]
    if refused and content in (None, ""):
        return
    if not isinstance(content, str) or not (content or called):
        what = "has no text" if not content else f"has {kind_of(content)} where its text should be"
        yield Fault("missing_content", f"{where} {what}")


def _part(part: Any, role: Any, turns: Turns) -> str:
    """Return what is wrong with a part of a message's content."""
    kind = part.get("type") if isinstance(part, dict) else None
    if not isinstance(kind, str) or kind not in turns.parts:
        return f"is none of {', '.join(turns.parts)}"
    if kind in ("text", "refusal") and not (isinstance(part.get(kind), str) and part[kind]):
        return f"has no `{kind}`"
    if kind == "image_url" and not _is_text(part.get("image_url"), "url"):
        return "has no `image_url` with a `url`"
    return f"is an image of {role!r}" if kind in ("image", "image_url") and role != "user" else ""


def _is_text(value: Any, key: str) -> bool:
    return isinstance(value, dict) and isinstance(value.get(key), str) and bool(value[key])


def _calls(message: dict[str, Any], turns: Turns) -> bool:
    """Say whether a message calls a tool or function as the format has it, so that it needs no text."""
    if message.get(turns.role) != "assistant" or message.get(turns.content) not in (None, ""):
        return False
    if "function_call" in turns.keys and _is_call(message.get("function_call"), turns):
        return True
    return "tool_calls" in turns.keys and bool(message.get("tool_calls")) and not _wrong_calls(message, turns)


def _is_call(value: Any, turns: Turns) -> bool:
    arguments = value.get("arguments") if isinstance(value, dict) else None
    return _is_text(value, "name") and isinstance(arguments, str if turns.strict else (str, dict))


def _wrong_calls(message: dict[str, Any], turns: Turns) -> str:
    """Return what is wrong with the calls of a message."""
    calls = message["tool_calls"]
    if message.get(turns.role) != "assistant":
        return "stands in a message that is not of 'assistant'"
    if not isinstance(calls, list) or not calls:
        return f"is {kind_of(calls) if calls != [] else 'an empty list'}, not a list of calls"
    for call in calls:
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(call, dict) or call.get("type", None if turns.strict else "function") != "function":
            return "has a call that is not of the type 'function'"
        if not _is_call(function, turns):
            return f"has a call without a function's `name` and its `arguments`{' as text' if turns.strict else ''}"
        if turns.strict and not _is_text(call, "id"):
            return "has a call without an `id`"
    return ""


def _tools(where: str, message: dict[str, Any], turns: Turns) -> Iterator[Fault]:
    called = "tool_calls" in turns.keys and message.get("tool_calls") is not None
    if called and (wrong := _wrong_calls(message, turns)):
        yield Fault("malformed_tool_calls", f"{where}: `tool_calls` {wrong}")
    if turns.strict and message.get(turns.role) == "tool" and not _is_text(message, "tool_call_id"):
        yield Fault("missing_tool_call_id", f"{where} answers a call but names none in `tool_call_id`")


def odd_messages(row: dict[str, Any]) -> Iterator[Fault]:
    """Yield what is odd about a conversation without faults, in any format that has `messages`."""
    roles = [message.get("role") for message in row["messages"]]
    if "system" not in roles and "developer" not in roles:
        yield Fault("missing_system", "no message of 'system'")
    if "user" not in roles:
        yield Fault("missing_user", "no message of 'user'")
    first = next((role for role in roles if role not in ("system", "developer")), None)
    if first == "assistant":
        yield Fault("assistant_first", "an answer comes first, before anything was asked")
    if roles[-1] != "assistant":
        yield Fault(
            "last_turn", f"the last message is of {roles[-1]!r}: what comes after the last answer teaches nothing"
        )
    for number, message in enumerate(row["messages"], 1):
        if isinstance(message.get("content"), str) and message["content"] and not visible(message["content"]):
            yield Fault("blank_content", f"message {number} has nothing but spaces in its text")
        if "name" in message and not isinstance(message["name"], str):
            yield Fault("name_type", f"message {number} has {kind_of(message['name'])} for its `name`, not a text")


def odd_openai(row: dict[str, Any]) -> Iterator[Fault]:
    """Yield what is odd about a row for OpenAI, whose messages may weigh 0 or 1."""
    yield from odd_messages(row)
    weights = []
    for number, message in enumerate(row["messages"], 1):
        weight, answers = message.get("weight"), message.get("role") == "assistant"
        if "weight" in message and not answers:
            yield Fault("weight_ignored", f"message {number} has a `weight`, which only answers can have")
        elif weight is not None and (isinstance(weight, bool) or weight not in (0, 1)):
            yield Fault("weight_value", f"message {number} has the `weight` {weight!r}; OpenAI takes 0 or 1")
        weights += [weight] if answers else []
    if all(weight is not None and weight == 0 for weight in weights):
        yield Fault("nothing_learned", "every answer has the `weight` 0, so nothing is learned from the row")


def odd_trl(row: dict[str, Any]) -> Iterator[Fault]:
    """Yield what is odd about a row for TRL."""
    yield from odd_messages(row)
    if any("weight" in message for message in row["messages"]):
        yield Fault("weight_ignored", "a message has a `weight`, which TRL does not look at")


def visible(text: str) -> bool:
    r"""Say whether a text has anything that can be seen.

    >>> visible(" \u200b"), visible(" a")
    (False, True)
    """
    return any(not sign.isspace() and unicodedata.category(sign) != "Cf" for sign in text)


def told(messages: list[dict[str, Any]], turns: Turns) -> list[list[str]]:
    """Return the text values of each message: role, content and name, all of which the cookbook counts."""
    names = (turns.role, turns.content, "name")
    return [[text for key in names for text in _texts(message.get(key))] for message in messages]


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    parts = value if isinstance(value, list) else []
    return [part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str)]


def texts(key: str, turns: Turns) -> Callable[[dict[str, Any]], list[list[str]]]:
    """Return how to read the texts of a conversation."""
    return lambda row: told(row[key], turns)


def kind_of(value: Any) -> str:
    """Return what a JSON value is, in words."""
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
