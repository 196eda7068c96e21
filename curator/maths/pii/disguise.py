"""Disguises taken off a text: invisible characters, full-width letters, entities, "(at)" and " at … dot "."""

import html
import re
import unicodedata
from collections.abc import Callable, Sequence

_NOTHING = "\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"  # no width
_WIDE = "\uff01-\uff5e\U0001d400-\U0001d7ff"  # full-width, and letters for mathematics
_CODES = r"&#?[0-9A-Za-z]{2,8};|\\u[0-9a-fA-F]{4}|%40|%2[eE]"
_AT, _DOT = "at|AT|At|ät|Ät|aett?", "dot|DOT|Dot|punkt|PUNKT|Punkt"
_WORDS = rf"[(\[{{<] ?(?:{_AT}|{_DOT}|@|\.) ?[)\]}}>]"

# Whether there is anything to take off; understood by Python and by polars.
VEILED = rf"[{_NOTHING}{_WIDE}]|{_CODES}|{_WORDS}|\s(?:{_AT})\s"
# The same, asked more closely, for polars: "at" alone is an everyday word, and a text in Python costs a thousandfold.
DISGUISED = rf"[{_NOTHING}{_WIDE}]|{_CODES}|{_WORDS}| (?:{_AT}) \S+ (?:{_DOT}) |\S\.\S+ (?:{_AT}) \S+\.\S"

# All repeats are bounded, so that a hostile text takes linear time.
_MARK = re.compile(rf"[{_NOTHING}{_WIDE}]|{_CODES}| {{0,2}}{_WORDS} {{0,2}}")
_PART = r"[\w+\-]{1,64}"
_SPOKEN = re.compile(
    rf"\b{_PART}(?:(?:\.| (?:{_DOT}) ){_PART}){{0,4}} (?:{_AT}) "
    rf"(?!(?:the|a|an|our|your|my|this|that|der|die|das) ){_PART}(?:\.{_PART}){{0,3}}"
    rf" (?:{_DOT}) {_PART}(?:(?:\.| (?:{_DOT}) )[^\W\d_]{{2,24}}){{0,2}}"
    rf"|\b{_PART}\.[^\W\d_]{{5,64}} (?:{_AT}) {_PART}(?:\.{_PART}){{0,3}}\.[^\W\d_]{{2,24}}\b"
)
_SAID = re.compile(rf" (?:({_AT})|{_DOT}) ")

View = tuple[str, Sequence[int], Sequence[int]]  # characters, and where each began and ended in the text


def unveil(text: str) -> View:
    """Return the text without its disguises, and where each character began and ended.

    >>> unveil("ann&#64;x (dot) org")[0], unveil("ann at mail dot example dot org")[0], unveil("＋１")
    ('ann@x.org', 'ann@mail.example.org', ('+1', [0, 1], [1, 2]))
    >>> unveil("look at the dot on the map")[0]
    'look at the dot on the map'
    """
    view = _take(_MARK, _meant, (text, range(len(text)), range(1, len(text) + 1)))
    spoken = [match.span() for match in _SPOKEN.finditer(view[0])]
    if not spoken:
        return view
    inside = {i for start, end in spoken for i in range(start, end)}
    return _take(_SAID, lambda said: ("@" if said[1] else ".") if said.start() in inside else said[0], view)


def _take(pattern: re.Pattern[str], meant: Callable[[re.Match[str]], str], view: View) -> View:
    text, starts, ends = view
    parts: list[str] = []
    begins: list[int] = []
    stops: list[int] = []
    at = 0
    for match in pattern.finditer(text):
        put = meant(match)
        if put == match[0] or len(put) > 1:
            continue
        parts += [text[at : match.start()], put]
        begins += [*starts[at : match.start()], *([starts[match.start()]] if put else [])]
        stops += [*ends[at : match.start()], *([ends[match.end() - 1]] if put else [])]
        at = match.end()
    return ("".join([*parts, text[at:]]), [*begins, *starts[at:]], [*stops, *ends[at:]]) if parts else view


def _meant(match: re.Match[str]) -> str:
    """Return the one character that a mark stands for, nothing for what has no width, or the mark itself."""
    mark = match[0]
    if mark[0] == "&":
        return html.unescape(mark)
    if mark.startswith("\\u"):
        return chr(int(mark[2:], 16))
    if mark[0] == "%":
        return chr(int(mark[1:], 16))
    if len(mark) > 1:
        return "." if mark.strip()[1:-1].strip().casefold() in ("dot", "punkt", ".") else "@"
    wide = unicodedata.normalize("NFKC", mark)
    return "" if wide == mark else wide
