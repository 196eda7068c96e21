"""One thing that is wrong with a pack, or could be better."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong (an error: people could not answer, or answers would be lost) or could be better."""

    level: Literal["error", "advice"]
    what: str


def error(what: str) -> Finding:
    """Return what has to change before anybody is asked."""
    return Finding("error", what)


def advice(what: str) -> Finding:
    """Return what could be better, or may be meant."""
    return Finding("advice", what)


def listed(words: list[str], last: str = "and") -> str:
    """Return words as one reads them aloud.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    return f" {last} ".join(part for part in (", ".join(words[:-1]), words[-1]) if part) if words else ""


def counted(number: int, one: str, many: str) -> str:
    """Return how many, in the right number.

    >>> counted(1, "error", "errors"), counted(0, "error", "errors")
    ('1 error', '0 errors')
    """
    return f"{number} {one if number == 1 else many}"
