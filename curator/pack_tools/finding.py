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
