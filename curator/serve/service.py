"""What is served: one model, asked by one thread at a time, and how much may be asked of it."""

import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from curator.lm.writing import Pick
from curator.pack import Pack

WAITING = 8  # requests that may wait for the model; one more is sent away
LARGEST = 256 << 10  # bytes of a request

T = TypeVar("T")
Suggestion = Callable[[Pack, dict[str, Any]], dict[str, Any]]


class Voices(Protocol):
    """What `curator.ask.Voices` can do, as far as it is needed here."""

    @property
    def pack(self) -> Pack:
        """The labeling task."""

    @property
    def encoder(self) -> Any:
        """Texts to tokens."""

    @property
    def name(self) -> str:
        """The adapter's name; empty where there is none."""

    @property
    def views(self) -> list[str]:
        """`base`, and `tuned` where there is an adapter."""

    def tokens(self, turns: list[dict[str, str]]) -> list[int]:
        """Turns as tokens."""

    def stream(
        self,
        situation: str,
        context: str = "",
        stakeholders: Sequence[str] | None = None,
        *,
        views: Sequence[str] = ("base", "tuned"),
    ) -> Iterator[dict[str, Any]]:
        """Every role's answer as it is written."""

    def write(
        self, view: str, questions: Sequence[list[int]], *, most: int, pick: Pick
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        """Answers as they are written."""


class Refused(Exception):
    """A request that is not answered: an HTTP status, a message for people, and a word for programs."""

    def __init__(self, status: int, message: str, code: str = "", param: str | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.param = status, message, code, param


@dataclass
class Service:
    """One loaded model with its lock. `suggest` turns a model's words into columns, as `curator predict` does."""

    voices: Voices
    suggest: Suggestion
    token: str = ""
    answered: int = 0
    kept: dict[str, Any] = field(default_factory=dict)  # suggestions given before
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _room: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(WAITING))

    def one_at_a_time(self, make: Callable[[], Iterator[T]]) -> Iterator[T]:
        """Yield what `make()` yields, each piece computed under the lock: nobody who reads slowly holds up others."""
        if not self._room.acquire(blocking=False):
            raise Refused(503, f"{WAITING} requests wait already. Try again later.", "busy")
        pieces: Iterator[T] | None = None
        try:
            while True:
                with self._lock:
                    pieces = pieces if pieces is not None else make()
                    try:
                        piece = next(pieces)
                    except StopIteration:
                        self.answered += 1
                        return
                yield piece
        finally:
            self._room.release()

    def may(self, password: str) -> bool:
        """Say whether this is the token; always where none is asked for."""
        return not self.token or secrets.compare_digest(password.encode(), self.token.encode())
