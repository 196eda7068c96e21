"""Known strings in a text, found however they are spaced, quoted and capitalised, in time linear in the text."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from curator.maths.pii import ALIKE, TAG, VEILED, unveil
from curator.maths.pii.disguise import View

# Scripts that are written without spaces: Thai, Lao, Burmese, Khmer, kana, Han.
NO_SPACES = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"
_JOINS = re.compile(rf"[^\W{NO_SPACES}]")  # a letter or digit that would go on with a word
_TAG, _SPACE, _VEILED = re.compile(TAG), re.compile(r"\s"), re.compile(VEILED)
_ALIKE = str.maketrans(ALIKE)


@dataclass(frozen=True)
class Wanted:
    """A string to look for, and what to put in its place."""

    text: str
    value: str
    touching: bool = False  # also where letters or digits touch it
    exact: bool = False  # only as it is capitalised here

    @cached_property
    def needle(self) -> str:
        """The string as `fold` writes it."""
        return fold(self.text.strip())[0]


def fold(text: str) -> tuple[str, Sequence[int]]:
    """Return the text undisguised, in small letters, with plain quotes and single spaces; where each character stood.

    >>> fold("Ann \\n O’Brien")
    ("ann o'brien", [0, 1, 2, 3, 6, 7, 8, 9, 10, 11, 12])
    """
    folded, starts, _ = _fold(text)
    return folded, starts


def _fold(text: str) -> View:
    """Return the folded text, and where each of its characters began and ended."""
    starts: Sequence[int] = range(len(text))
    ends: Sequence[int] = range(1, len(text) + 1)
    if _VEILED.search(text):
        text, starts, ends = unveil(text)
    small = text.lower()
    if len(small) != len(text):  # a letter whose small form is two characters stays as it is
        small = "".join(low if len(low := c.lower()) == 1 else c for c in text)
    flat = _SPACE.sub(" ", small.translate(_ALIKE))
    if "  " not in flat:
        return flat, starts, ends
    places = [i for i, c in enumerate(flat) if c != " " or not i or flat[i - 1] != " "]
    return "".join(flat[i] for i in places), [starts[i] for i in places], [ends[i] for i in places]


def replace(text: str, wanted: Iterable[Wanted]) -> tuple[str, list[Wanted]]:
    """Return the text with every wanted string replaced, and which these were, in order.

    The leftmost comes first, then the longest; nothing is replaced inside a tag that stands there already.

    >>> replace("Ask ann  bell, not Joann Bell", [Wanted("Ann Bell", "[X]")])[0]
    'Ask [X], not Joann Bell'
    """
    folded, starts, ends = _fold(text)
    found: list[tuple[int, int, int, Wanted | None]] = [
        (match.start(), -len(match.group()), 0, None) for match in _TAG.finditer(folded)
    ]
    for rank, one in enumerate(wanted):
        needle, start = one.needle, -1
        while needle and (start := folded.find(needle, start + 1)) >= 0:
            if _stands(text, folded, starts, ends, start, one):
                found.append((start, -len(needle), rank, one))
    parts, seen, end, rest = [], [], 0, 0
    for start, minus, _, what in sorted(found, key=lambda hit: hit[:3]):
        if start < end:
            continue
        end = start - minus
        if what is not None:
            parts += [text[rest : starts[start]], what.value]
            rest = ends[end - 1]
            seen.append(what)
    return "".join([*parts, text[rest:]]), seen


def _stands(text: str, folded: str, starts: Sequence[int], ends: Sequence[int], start: int, one: Wanted) -> bool:
    """Tell whether what was found is the string itself, and not a part of a longer word."""
    end = start + len(one.needle)
    if one.exact:
        raw = text[starts[start] : ends[end - 1]]
        if (unveil(raw)[0] if _VEILED.search(raw) else raw).translate(_ALIKE) != one.text.translate(_ALIKE):
            return False
    if one.touching:
        return True
    before = start > 0 and _JOINS.match(folded[start]) and _JOINS.match(folded[start - 1])
    after = end < len(folded) and _JOINS.match(folded[end - 1]) and _JOINS.match(folded[end])
    return not before and not after
