"""The parts of a text that the page shows as cards of their own, each below a line that begins it. Pure."""

from collections.abc import Mapping
from itertools import pairwise

from curator.pack import Pack

ABOVE = "(This text could not be parted: it stands whole above.)"


class Unparted(ValueError):
    """A text that does not hold each line of its cards once and in order; says why, and what to do, for people."""


def parted(text: str, lines: Mapping[str, str], what: str = "text") -> dict[str, str]:
    """Return the parts of a text by key, without the blank lines around them; Unparted says why it has none.

    `lines` says in order which line begins which key; "" stands for what comes above the first. A line counts where
    it stands alone, with or without blanks behind it.

    >>> parted("A shop.\\nAnswer A:\\nYes.\\n\\nAnswer B:\\nNo.", {"": "setting", "Answer A:": "a", "Answer B:": "b"})
    {'setting': 'A shop.', 'a': 'Yes.', 'b': 'No.'}
    """
    rows = [row.rstrip() for row in text.split("\n")]
    wanted = [line for line in lines if line]
    for line in wanted:
        if (times := rows.count(line)) != 1:
            raise _unparted(f"has the line {line!r} {times} times" if times else f"has no line {line!r}", wanted, what)
    at = [-1, *map(rows.index, wanted), len(rows)]
    for above, line, here, there in zip(wanted, wanted[1:], at[1:], at[2:], strict=False):
        if there < here:
            raise _unparted(f"has the line {line!r} above {above!r}", wanted, what)
    pieces = [_trimmed(rows[start + 1 : end]) for start, end in pairwise(at)]
    found = dict(zip(["", *wanted], pieces, strict=True))
    if found[""] and "" not in lines:
        raise _unparted(f"has words above the line {wanted[0]!r}, which no card shows", wanted, what)
    if empty := [line for line in wanted if not found[line]]:
        raise _unparted(f"has nothing below the line {empty[0]!r}", wanted, what)
    return {key: found[line] for line, key in lines.items()}


def parts(pack: Pack, texts: Mapping[str, str]) -> dict[str, str]:
    """Return what the pack's cards show of a scenario's texts (by column), by key; Unparted where one has no parts."""
    found: dict[str, str] = {}
    for column, lines in pack.cards.items():
        found |= parted(texts.get(column) or "", lines, column)
    return found


def parts_or_whole(pack: Pack, texts: Mapping[str, str]) -> dict[str, str]:
    """Return the parts; a text that has none stands whole in its first card, so that people can read it still."""
    found: dict[str, str] = {}
    for column, lines in pack.cards.items():
        text = texts.get(column) or ""
        try:
            found |= parted(text, lines, column)
        except Unparted:
            first, *others = lines.values()
            found |= {first: text, **dict.fromkeys(others, ABOVE)}
    return found


def _unparted(why: str, wanted: list[str], what: str) -> Unparted:
    them = "it alone on its line" if len(wanted) == 1 else f"{', '.join(map(repr, wanted))}, each alone on its line"
    return Unparted(f"its {what} {why}. Write {them}, and below it what the card shows")


def _trimmed(rows: list[str]) -> str:
    """Return the rows as a text, without the blank ones at both ends; what the first is indented by stays."""
    told = [place for place, row in enumerate(rows) if row]
    return "\n".join(rows[told[0] : told[-1] + 1]) if told else ""
