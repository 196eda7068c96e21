"""What a row of a training file must be, format by format: one table of checks. Pure."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from curator.formats.chatchecks import CURATOR, chat, odd_chat
from curator.formats.turnchecks import (
    OPENAI,
    SHAREGPT,
    TRL,
    Fault,
    Turns,
    kind_of,
    odd_openai,
    odd_trl,
    talk,
    texts,
    told,
)

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
        return [Fault("data_type", f"the line is {kind_of(row)}, not an object in braces")]
    return list(CHECKS[form].faults(row))


def _messages(turns: Turns) -> Callable[[dict[str, Any]], Iterator[Fault]]:
    return lambda row: talk(row, "messages", turns)


def _prompt_completion(row: dict[str, Any]) -> Iterator[Fault]:
    yield from _sides(row, ("completion",), prompt=True)


def _kto(row: dict[str, Any]) -> Iterator[Fault]:
    yield from _sides(row, ("completion",), prompt=True)
    if not isinstance(row.get("label"), bool):
        yield Fault("label", "`label` must be true (wanted) or false (not wanted)")


def _preference(row: dict[str, Any]) -> Iterator[Fault]:
    yield from _sides(row, ("chosen", "rejected"), prompt="prompt" in row)
    yield from _implicit(row)
    if "chosen" in row and row.get("chosen") == row.get("rejected"):
        yield Fault("same_answer", "`chosen` and `rejected` are the same, so nothing is preferred")


def _implicit(row: dict[str, Any]) -> Iterator[Fault]:
    """Yield what is wrong with a pair whose prompt stands in both of its conversations: it must be the same."""
    sides = [row.get("chosen"), row.get("rejected")]
    if "prompt" in row or not all(isinstance(side, list) for side in sides):
        return
    asked = []
    for side in sides:
        roles = [turn.get("role") if isinstance(turn, dict) else None for turn in side or []]
        asked.append((side or [])[: roles.index("assistant")] if "assistant" in roles else None)
    if None not in asked and (asked[0] != asked[1] or not asked[0]):
        what = "begin with different prompts" if any(asked) else "have no prompt before their answers"
        yield Fault("prompt_differs", f"`chosen` and `rejected` {what}, so they do not answer the same question")


def _sides(row: dict[str, Any], answers: tuple[str, ...], *, prompt: bool) -> Iterator[Fault]:
    """Yield the faults of prompt and answers, which must all be texts or all be conversations."""
    keys = (("prompt",) if prompt else ()) + answers
    kinds = set()
    for key in keys:
        said = row.get(key)
        if key not in row:
            yield Fault("missing_key", f"`{key}` is missing")
        elif not isinstance(said, str | list):
            yield Fault("data_type", f"`{key}` is {kind_of(said)}, neither a text nor a list of messages")
        elif not said:
            yield Fault("missing_content", f"`{key}` is empty")
        else:
            kinds.add(type(said))
            if isinstance(said, list):
                yield from _side(row, key, key in answers)
    if len(kinds) == 1 and prompt and (again := [key for key in answers if _repeats(row, key, answers)]):
        named = " and ".join(f"`{key}`" for key in again)
        yield Fault("prompt_repeated", f"{named} begin{'s' if len(again) == 1 else ''} with the prompt once more")
    if len(kinds) > 1:
        yield Fault("mixed_kinds", f"of {', '.join(keys)} some are texts and some are lists of messages")


def _repeats(row: dict[str, Any], key: str, answers: tuple[str, ...]) -> bool:
    """Say whether an answer begins with its prompt: a turn that is not an answer; of texts, where all answers do."""
    prompt, said = row.get("prompt"), row.get(key)
    if isinstance(said, list) and isinstance(prompt, list):
        answered = any(isinstance(turn, dict) and turn.get("role") == "assistant" for turn in said)
        return answered and isinstance(said[0], dict) and said[0] in prompt and said[0].get("role") != "assistant"
    texts = [row.get(name) for name in answers]
    if not isinstance(prompt, str) or len(prompt) <= 20 or len(answers) == 1:  # short ones begin answers by chance
        return False
    return all(isinstance(text, str) and text.startswith(prompt) for text in texts)


def _side(row: dict[str, Any], key: str, is_answer: bool) -> Iterator[Fault]:
    found = [f for f in talk(row, key, TRL) if is_answer or f.kind != "example_missing_assistant_message"]
    yield from found
    last = row[key][-1]
    role = last.get("role") if isinstance(last, dict) else None
    if is_answer and role != "assistant" and not found:
        yield Fault("turn_order", f"`{key}` ends with a message of {role!r}, not with the answer")
    elif not is_answer and role == "assistant":
        yield Fault("turn_order", f"`{key}` ends with an answer, so there is nothing to answer")


def _sharegpt(row: dict[str, Any]) -> Iterator[Fault]:
    found = list(talk(row, "conversations", SHAREGPT))
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
            yield Fault("data_type", f"`{key}` is {kind_of(row[key])}, not a text")
    if "output" in row and not row["output"]:
        yield Fault("missing_content", "`output` is empty")
    if "instruction" in row and not row["instruction"] and not row.get("input"):
        yield Fault("missing_content", "`instruction` and `input` are both empty")
    history = row.get("history") or []
    pairs = isinstance(history, list) and all(isinstance(pair, list) and len(pair) == 2 for pair in history)
    if not pairs or not all(isinstance(text, str) for pair in history for text in pair):
        yield Fault("data_type", "`history` is not a list of pairs of texts")


def _nothing(row: dict[str, Any]) -> Iterator[Fault]:
    yield from ()


def _texts_of_sides(*answers: str) -> Callable[[dict[str, Any]], list[list[str]]]:
    """Return how to read the prompt and the longer of the answers: what a trainer sees at once."""

    def read(row: dict[str, Any]) -> list[list[str]]:
        def part(key: str) -> list[list[str]]:
            said = row.get(key, [])
            return [[said]] if isinstance(said, str) else told(said, TRL)

        return part("prompt") + max(map(part, answers), key=lambda turns: sum(len(t) for turn in turns for t in turn))

    return read


def _texts_of_alpaca(row: dict[str, Any]) -> list[list[str]]:
    earlier = [text for pair in row.get("history") or [] for text in pair]
    texts = [row.get("system"), *earlier, row["instruction"], row.get("input"), row["output"]]
    return [[text] for text in texts if text]


CHECKS = {
    "openai": Check(_messages(OPENAI), odd_openai, texts("messages", OPENAI)),
    "chat": Check(chat, odd_chat, texts("messages", CURATOR)),
    "trl": Check(_messages(TRL), odd_trl, texts("messages", TRL)),
    "prompt-completion": Check(_prompt_completion, _nothing, _texts_of_sides("completion")),
    "preference": Check(_preference, _nothing, _texts_of_sides("chosen", "rejected")),
    "kto": Check(_kto, _nothing, _texts_of_sides("completion")),
    "sharegpt": Check(_sharegpt, _nothing, texts("conversations", SHAREGPT)),
    "alpaca": Check(_alpaca, _nothing, _texts_of_alpaca),
}
