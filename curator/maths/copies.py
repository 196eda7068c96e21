"""Rows that are there more than once: compared once, answered for all."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]
Scores = NDArray[np.float64]
Pairs = tuple[Indices, Indices, Scores]

PART = 16384  # rows that are looked at together


@dataclass
class Copies:
    """Rows in groups of equal ones, in the order of the first of each."""

    first: Indices  # the first row of each group
    members: Indices  # the rows, group by group
    start: Indices  # of each group in `members`
    size: Indices  # of each group

    @classmethod
    def of(cls, key: NDArray[Any], equal: Callable[[Indices, Indices], NDArray[np.bool_]]) -> "Copies":
        """Return groups of rows that are equal. Equal rows have equal keys; those of one key are looked at.

        A few copies may be missed where another row shares their key: they are then compared like any two rows.

        >>> Copies.of(np.array([5, 7, 5]), lambda i, j: i != j).first.tolist()
        [0, 1]
        """
        order = np.argsort(key, kind="stable")
        close = np.flatnonzero(key[order[1:]] == key[order[:-1]])
        again = np.zeros(len(order), np.bool_)  # equal to the row before it, in this order
        for at in range(0, len(close), PART):
            some = close[at : at + PART]
            again[some + 1] = equal(order[some], order[some + 1])
        start = np.flatnonzero(~again)
        first = order[start]
        by_row = np.argsort(first)
        size = np.diff(np.append(start, len(order)))[by_row]
        starts = np.cumsum(size) - size
        members = order[np.repeat(start[by_row] - starts, size) + np.arange(len(order))]
        return cls(first[by_row], members, starts, size)

    @property
    def none(self) -> bool:
        """Whether all rows differ."""
        return len(self.first) == len(self.members)


def spelled_out(pairs: Pairs, a: Copies, b: Copies) -> Pairs:
    """Return all pairs of rows that pairs of groups stand for, in no order."""
    left, right, scores = pairs
    if a.none and b.none:
        return a.first[left], b.first[right], scores
    wide = b.size[right]
    count = a.size[left] * wide
    pair = np.repeat(np.arange(len(left)), count)
    place = np.arange(len(pair)) - np.repeat(np.cumsum(count) - count, count)
    i = a.members[a.start[left][pair] + place // wide[pair]]
    j = b.members[b.start[right][pair] + place % wide[pair]]
    return i, j, scores[pair]


def with_copies(pairs: Pairs, copies: Copies, itself: Scores, threshold: float) -> Pairs:
    """Return all pairs i < j in one set: those that pairs of groups stand for, and those inside a group.

    `itself` tells how alike a member of each group is to another.
    """
    i, j, scores = spelled_out(pairs, copies, copies)
    several = np.flatnonzero((copies.size > 1) & (itself >= threshold))
    x, y, inside = spelled_out((several, several, itself[several]), copies, copies)
    once = x < y
    return (
        np.concatenate([np.minimum(i, j), x[once]]),
        np.concatenate([np.maximum(i, j), y[once]]),
        np.concatenate([scores, inside[once]]),
    )


def ordered(pairs: Pairs, width: int) -> Pairs:
    """Return pairs ordered by i, then by j, which is less than `width`."""
    i, j, scores = pairs
    order = np.argsort(i * width + j)
    return i[order], j[order], scores[order]


def together(parts: list[Pairs]) -> Pairs:
    """Return parts as one."""
    if not parts:
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float64)
    i, j, scores = zip(*parts, strict=True)
    return np.concatenate(i), np.concatenate(j), np.concatenate(scores)
