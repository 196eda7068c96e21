"""What a row of a training file must be, format by format: one table of checks. Pure."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

PLAIN = frozenset({"role", "content", "name", "weight"})


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with a row: its kind in one word, and a plain sentence."""

    kind: str
    says: str


@dataclass(frozen=True)
class Turns:
    """How a format writes a conversation: the names of a message's two keys, the keys and the roles it may have."""

    role: str = "role"
    content: str = "content"
    keys: frozenset[str] = PLAIN
    roles: tuple[str, ...] = ("system", "user", "assistant")
    answers: str = "assistant"


# The keys and roles of the check in OpenAI's cookbook, examples/Chat_finetuning_data_prep.ipynb.
OPENAI = Turns(keys=PLAIN | {"function_call"}, roles=("system", "user", "assistant", "function"))
CURATOR = Turns()
TRL = Turns(keys=PLAIN | {"tool_calls", "tool_call_id", "thinking"}, roles=("system", "user", "assistant", "tool"))
SHAREGPT_ROLES = ("system", "human", "gpt", "observation", "function_call")
SHAREGPT = Turns("from", "value", frozenset({"from", "value"}), SHAREGPT_ROLES, "gpt")
ASKS, TELLS = ("human", "observation"), ("gpt", "function_call")


@dataclass(frozen=True)
class Check:
    """The checks of one format: what is wrong with a row, what is odd about it, and its texts message by message."""

    faults: Callable[[dict[str, Any]], Iterator[Fault]]
    odd: Callable[[dict[str, Any]], Iterator[Fault]]
    texts: Callable[[dict[str, Any]], list[list[str]]]


def faults_of(row: Any, form: str) -> list[Fault]:
    """Return what is wrong with a row (any JSON value) in one of `CHECKS`, in the order in which one reads it."""
    if not isinstance(row, dict):
        return [Fault("data_type", f"the line is {_kind(row)}, not an object in braces")]
    return list(CHECKS[form].faults(row))


def _talk(row: dict[str, Any], key: str, turns: Turns) -> Iterator[Fault]:
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
        yield Fault("data_type", f"{where} is {_kind(message)}, not an object in braces")
        return
    missing = [key for key in (turns.role, turns.content) if key not in message]
    if missing:
        yield Fault("message_missing_key", f"{where} has no {' and no '.join(f'`{key}`' for key in missing)}")
    if odd := [key for key in message if key not in turns.keys]:
        yield Fault("message_unrecognized_key", f"{where} has the unknown key {', '.join(map(repr, odd))}")
    if message.get(turns.role) not in turns.roles:
        known = ", ".join(turns.roles)
        yield Fault("unrecognized_role", f"{where} has the role {message.get(turns.role)!r}; known are {known}")
    content = message.get(turns.content)
    called = any(message.get(key) for key in ("function_call", "tool_calls") if key in turns.keys)
    if not isinstance(content, str) or not (content or called):
        what = "has no text" if not content else f"has {_kind(content)} where its text should be"
        yield Fault("missing_content", f"{where} {what}")


def _messages(turns: Turns) -> Callable[[dict[str, Any]], Iterator[Fault]]:
    return lambda row: _talk(row, "messages", turns)


def _chat(row: dict[str, Any]) -> Iterator[Fault]:
    for key in ("id", "scenario", "stakeholder"):
        if not isinstance(row.get(key), str) or not row[key]:
            yield Fault("missing_key", f"`{key}` is missing or empty")
    weight = row.get("weight")
    if weight is not None and (isinstance(weight, bool) or not isinstance(weight, int | float) or weight < 0):
        yield Fault("data_type", f"`weight` is {weight!r}; it must be a number, 0 or more")
    yield from _talk(row, "messages", CURATOR)


def _prompt_completion(row: dict[str, Any]) -> Iterator[Fault]:
    yield from _sides(row, ("completion",), prompt=True)


def _kto(row: dict[str, Any]) -> Iterator[Fault]:
    yield from _sides(row, ("completion",), prompt=True)
    if not isinstance(row.get("label"), bool):
        yield Fault("label", "`label` must be true (wanted) or false (not wanted)")


def _preference(row: dict[str, Any]) -> Iterator[Fault]:
    yield from _sides(row, ("chosen", "rejected"), prompt="prompt" in row)
    if "chosen" in row and row.get("chosen") == row.get("rejected"):
        yield Fault("same_answer", "`chosen` and `rejected` are the same, so nothing is preferred")


def _sides(row: dict[str, Any], answers: tuple[str, ...], *, prompt: bool) -> Iterator[Fault]:
    """Yield the faults of prompt and answers, which must all be texts or all be conversations."""
    keys = (("prompt",) if prompt else ()) + answers
    kinds = set()
    for key in keys:
        said = row.get(key)
        if key not in row:
            yield Fault("missing_key", f"`{key}` is missing")
        elif not isinstance(said, str | list):
            yield Fault("data_type", f"`{key}` is {_kind(said)}, neither a text nor a list of messages")
        elif not said:
            yield Fault("missing_content", f"`{key}` is empty")
        else:
            kinds.add(type(said))
            if isinstance(said, list):
                yield from _side(row, key, key in answers)
    if len(kinds) > 1:
        yield Fault("mixed_kinds", f"of {', '.join(keys)} some are texts and some are lists of messages")


def _side(row: dict[str, Any], key: str, is_answer: bool) -> Iterator[Fault]:
    found = [f for f in _talk(row, key, TRL) if is_answer or f.kind != "example_missing_assistant_message"]
    yield from found
    last = row[key][-1]
    role = last.get("role") if isinstance(last, dict) else None
    if is_answer and role != "assistant" and not found:
        yield Fault("turn_order", f"`{key}` ends with a message of {role!r}, not with the answer")
    elif not is_answer and role == "assistant":
        yield Fault("turn_order", f"`{key}` ends with an answer, so there is nothing to answer")


def _sharegpt(row: dict[str, Any]) -> Iterator[Fault]:
    found = list(_talk(row, "conversations", SHAREGPT))
    yield from found
    if found:
        return
    roles = [message["from"] for message in row["conversations"]]
    body = roles[1:] if roles[0] == "system" else roles
    for at, role in enumerate(body):
        if role not in (TELLS if at % 2 else ASKS):
            number = at + 1 + len(roles) - len(body)
            wanted = " or ".join(TELLS if at % 2 else ASKS)
            yield Fault("turn_order", f"conversations, message {number} is of {role!r} where {wanted} comes")
            return
    if len(body) % 2:
        yield Fault("turn_order", "`conversations` ends with a question, not with an answer")


def _alpaca(row: dict[str, Any]) -> Iterator[Fault]:
    for key in ("instruction", "output"):
        if key not in row:
            yield Fault("missing_key", f"`{key}` is missing")
    for key in ("instruction", "input", "output", "system"):
        if key in row and row[key] is not None and not isinstance(row[key], str):
            yield Fault("data_type", f"`{key}` is {_kind(row[key])}, not a text")
    if "output" in row and not row["output"]:
        yield Fault("missing_content", "`output` is empty")
    if "instruction" in row and not row["instruction"] and not row.get("input"):
        yield Fault("missing_content", "`instruction` and `input` are both empty")
    history = row.get("history") or []
    pairs = isinstance(history, list) and all(isinstance(pair, list) and len(pair) == 2 for pair in history)
    if not pairs or not all(isinstance(text, str) for pair in history for text in pair):
        yield Fault("data_type", "`history` is not a list of pairs of texts")


def _odd_messages(row: dict[str, Any]) -> Iterator[Fault]:
    roles = [message.get("role") for message in row["messages"]]
    for role in ("system", "user"):
        if role not in roles:
            yield Fault(f"missing_{role}", f"no message of {role!r}")


def _odd_trl(row: dict[str, Any]) -> Iterator[Fault]:
    yield from _odd_messages(row)
    if any("weight" in message for message in row["messages"]):
        yield Fault("weight_ignored", "a message has a `weight`, which TRL does not look at")


def _nothing(row: dict[str, Any]) -> Iterator[Fault]:
    yield from ()


def _told(messages: list[dict[str, Any]], turns: Turns) -> list[list[str]]:
    """Return the text values of each message: role, content and name, all of which the cookbook counts."""
    names = (turns.role, turns.content, "name")
    return [[message[key] for key in names if isinstance(message.get(key), str)] for message in messages]


def _texts(key: str, turns: Turns) -> Callable[[dict[str, Any]], list[list[str]]]:
    return lambda row: _told(row[key], turns)


def _texts_of_sides(*answers: str) -> Callable[[dict[str, Any]], list[list[str]]]:
    """Return how to read the prompt and the longer of the answers: what a trainer sees at once."""

    def read(row: dict[str, Any]) -> list[list[str]]:
        def part(key: str) -> list[list[str]]:
            said = row.get(key, [])
            return [[said]] if isinstance(said, str) else _told(said, TRL)

        return part("prompt") + max(map(part, answers), key=lambda told: sum(len(t) for turn in told for t in turn))

    return read


def _texts_of_alpaca(row: dict[str, Any]) -> list[list[str]]:
    earlier = [text for pair in row.get("history") or [] for text in pair]
    texts = [row.get("system"), *earlier, row["instruction"], row.get("input"), row["output"]]
    return [[text] for text in texts if text]


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


CHECKS = {
    "openai": Check(_messages(OPENAI), _odd_messages, _texts("messages", OPENAI)),
    "chat": Check(_chat, _odd_messages, _texts("messages", CURATOR)),
    "trl": Check(_messages(TRL), _odd_trl, _texts("messages", TRL)),
    "prompt-completion": Check(_prompt_completion, _nothing, _texts_of_sides("completion")),
    "preference": Check(_preference, _nothing, _texts_of_sides("chosen", "rejected")),
    "kto": Check(_kto, _nothing, _texts_of_sides("completion")),
    "sharegpt": Check(_sharegpt, _nothing, _texts("conversations", SHAREGPT)),
    "alpaca": Check(_alpaca, _nothing, _texts_of_alpaca),
}
