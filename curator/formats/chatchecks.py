"""What a row of curator's own chat lines must be: what training and evaluation read, by the same rules."""

from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from curator.chatrows import ChatRow, fault_of_turns
from curator.formats.turnchecks import Fault, Turns, talk

CURATOR = Turns(keys=frozenset({"role", "content", "weight"}))
SEVERAL = "several_answers"


def holds_several(row: dict[str, Any]) -> bool:
    """Say whether a row is of an export with --answers distribution or together: it names the answers it holds."""
    return "ids" in row


def chat(row: dict[str, Any]) -> Iterator[Fault]:
    """Yield what curator's own reader of rows (`chatrows`) would refuse.

    A row of several answers has no verdict of its own; it says which answers it holds, and their shares if it has any.
    """
    found = list(talk(row, "messages", CURATOR))
    yield from found
    several = holds_several(row)
    try:
        read = ChatRow.model_validate(row | ({"verdict": "several"} if several else {}))
    except ValidationError as fault:
        first = {one["loc"][0]: dict(one) for one in reversed(fault.errors())}  # one fault a field
        yield from (told for one in reversed(first.values()) if (told := _told(one, bool(found))))
    else:
        if wrong := fault_of_turns(read):
            yield Fault("turn_order" if wrong.startswith("the turns") else "message", wrong)
    if several:
        yield from _several(row)


def _told(fault: dict[str, Any], talked: bool) -> Fault | None:
    """Return one of pydantic's faults in our words; None where the messages' own checks said it."""
    name, *rest = fault["loc"]
    if name == "messages":
        place = f"message {rest[0] + 1}, `{rest[1]}`" if len(rest) > 1 else "`messages`"
        return None if talked else Fault("data_type", f"{place}: {fault['msg']}")
    if fault["type"] in ("missing", "string_too_short"):
        return Fault("missing_key", f"`{name}` is missing or empty")
    if name == "weight":
        return Fault("data_type", f"`weight` is {fault['input']!r}; it must be a number above 0, or null")
    return Fault("data_type", f"`{name}`: {fault['msg']}")


def _several(row: dict[str, Any]) -> Iterator[Fault]:
    ids, answers, shares = row["ids"], row.get("answers"), row.get("shares")
    if not isinstance(ids, list) or not ids or not all(isinstance(id, str) and id for id in ids):
        yield Fault("data_type", "`ids` is not a list of the answers that the row holds")
    elif isinstance(answers, bool) or not isinstance(answers, int) or answers < len(ids):
        yield Fault("data_type", f"`answers` must be a whole number, {len(ids)} or more: the row holds as many answers")
    if shares is None:
        return
    numbers = list(shares.values()) if isinstance(shares, dict) else []
    if not all(isinstance(share, int | float) and not isinstance(share, bool) and share >= 0 for share in numbers):
        yield Fault("data_type", "`shares` must have a number of 0 or more for each verdict")
    elif abs(sum(numbers) - 1) > 0.001:
        yield Fault("shares", "`shares` do not add up to 1")


def odd_chat(row: dict[str, Any]) -> Iterator[Fault]:
    """Yield what is odd about a row of curator's own."""
    if "system" not in [message["role"] for message in row["messages"]]:
        yield Fault("missing_system", "no message of 'system'")
    if holds_several(row):
        kind = "shares of verdicts (--answers distribution)" if "shares" in row else "all answers (--answers together)"
        yield Fault(
            SEVERAL,
            f"the row holds {kind}, for other trainers; curator itself reads one answer a row and makes these itself:"
            " curator train --set answers=...",
        )
