"""How long work tells the command line how far it is, and how that is said: done, speed, time left."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

T = TypeVar("T")

Progress = Callable[[str, int, int], None]  # what, done, total: 0 where nobody knows, 1 where it is one piece


STRIDE = 500  # what is counted goes by in thousands a second


def quiet(what: str, done: int, total: int) -> None:
    """Say nothing."""


@contextlib.contextmanager
def one_piece(progress: Progress, what: str) -> Iterator[None]:
    """Tell that a work goes on of which nobody knows how far it is, and that it ended."""
    progress(what, 0, 1)
    yield
    progress(what, 1, 1)


def counted(these: Iterable[T], progress: Progress, what: str, total: int) -> Iterator[T]:
    """Give these one by one, and tell now and then how many went."""
    for done, one in enumerate(these):
        if done % STRIDE == 0:
            progress(what, done, total)
        yield one
    if total:
        progress(what, total, total)


@dataclass(frozen=True)
class Pace:
    """How far one work is and how fast it goes. Times are in seconds, from any beginning.

    `before` was done when it was first heard of, such as what a checkpoint held: that says nothing of the speed.

    >>> Pace(began=10.0).at(12.0, 242, 591).words()
    '242 of 591, 121/s, 3 s left'
    >>> Pace(began=10.0).at(70.0, 3, 4).words()
    '3 of 4, 3.0/min, 20 s left'
    >>> Pace(began=10.0).at(15.0, 591, 591).words()
    '591 of 591, 118/s'
    """

    began: float
    before: int = 0
    done: int = 0
    total: int = 0
    now: float = 0.0

    def at(self, now: float, done: int, total: int) -> "Pace":
        """Return the same a while later."""
        return replace(self, now=now, done=done, total=total)

    @property
    def count(self) -> str:
        """How many of how many; nothing for one piece, or where nobody knows how many there are."""
        return f"{self.done:,} of {self.total:,}" if self.total > 1 else ""

    @property
    def speed(self) -> float:
        """Pieces in a second; 0 as long as nothing can be said."""
        took = self.now - self.began
        return (self.done - self.before) / took if self.total > 1 and took > 0 else 0.0

    @property
    def rate(self) -> str:
        """The speed in words, a minute's where a second's would be a fraction."""
        return speed_words(self.speed) if self.speed > 0 else ""

    @property
    def left(self) -> str:
        """The time left in words; nothing at the end."""
        return f"{time_words((self.total - self.done) / self.speed)} left" if self.speed > 0 and self.ahead else ""

    @property
    def ahead(self) -> bool:
        """Whether something is still to be done."""
        return not self.total or self.done < self.total

    def words(self) -> str:
        """Say all that is known."""
        return ", ".join(part for part in (self.count, self.rate, self.left) if part)


def speed_words(speed: float) -> str:
    """Return a speed with two digits at least.

    >>> speed_words(1234.5), speed_words(1.23), speed_words(0.23)
    ('1,234/s', '1.2/s', '14/min')
    """
    every, unit = (speed, "s") if speed >= 1 else (60 * speed, "min")
    return f"{every:,.0f}/{unit}" if every >= 10 else f"{every:.1f}/{unit}"


def time_words(seconds: float) -> str:
    """Return a time as one would say it.

    >>> time_words(0.3), time_words(75), time_words(5000)
    ('1 s', '1 min 15 s', '1 h 23 min')
    """
    whole = max(1, round(seconds))
    if whole < 60:
        return f"{whole} s"
    return f"{whole // 60} min {whole % 60} s" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60} min"
