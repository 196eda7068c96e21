"""Rows gathered around centres and turned to their main axes: what `ruling_out` looks at."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Indices = NDArray[np.int64]
Spread = Callable[[Callable[[int], None], Iterable[int]], None]  # runs a function for each of several numbers

PLACES = 128  # main axes that are kept
SAMPLE = 4096  # rows that the axes are found on
MEMBERS = 40  # rows of a cell, at least
CELLS = 9.0  # times the square root of the rows: finer cells rule out more, and cost more to find
LEAN = 64  # places in which centres are sought
SEEN = 16  # rows for each centre that k-means looks at
ROUNDS = 4
PART = 4096  # rows that are looked at together
REST = 1e-5  # added to the square of a difference of about 1, which float32 may hold for less than it is


@dataclass
class Cells:
    """One set of rows, ordered by cell."""

    rows: Indices  # which row of the vectors each is
    turned: Floats  # (rows, places)
    squared: Floats  # lengths of the rows, squared
    start: Indices  # of each cell, and the end of the last
    own: Floats  # product with the centre of one's cell
    centres: Floats  # (cells, LEAN), shared
    dimensions: int

    @property
    def count(self) -> int:
        """How many cells there are, empty ones too."""
        return len(self.centres)

    @property
    def places(self) -> int:
        """How many main axes are kept."""
        return self.turned.shape[1]

    @property
    def leaning(self) -> Floats:
        """What centres are compared with, (rows, LEAN)."""
        return self.turned[:, :LEAN]

    @property
    def longest(self) -> float:
        """The square of the longest row's length."""
        return float(self.squared.max(initial=0))

    def between(self, cell: int) -> Floats:
        """Return how far each centre is from one of them, or a trifle more."""
        squared = np.einsum("cd,cd->c", self.centres, self.centres)
        apart = squared + squared[cell] - 2 * (self.centres @ self.centres[cell])
        between: Floats = np.sqrt(np.maximum(apart, 0) + np.float32(REST) * squared.max())
        return between

    def heads(self, k: int, at: Indices | None = None) -> Floats:
        """Return the first `k` places and the length of the rest, (rows, k + 1), of all rows or of those `at`."""
        size = len(self.rows) if at is None else len(at)
        heads = np.empty((size, k + 1), np.float32)
        for start in range(0, size, PART):
            part = slice(start, start + PART)
            of = part if at is None else at[part]
            head = self.turned[of, :k]
            rest = self.squared[of] - np.einsum("nd,nd->n", head, head)
            heads[part, :k] = head
            heads[part, k] = np.sqrt(np.maximum(rest, 0) + REST * self.squared[of])
        return heads


def gather(a: Floats, b: Floats, of_a: Indices, of_b: Indices, spread: Spread) -> tuple[Cells, Cells]:
    """Return the rows `of_a` of a and `of_b` of b as cells around the same centres; when a is b, one thing twice."""
    size = int(np.sqrt(len(of_a)) * np.sqrt(len(of_b)))
    count = int(max(1, min(size / MEMBERS, CELLS * np.sqrt(size))))
    sample = _evenly(a, of_a, SEEN * count)
    if a is not b:
        sample = np.concatenate([sample, _evenly(b, of_b, SEEN * count)])
    axes = _main_axes(sample[:: max(1, len(sample) // SAMPLE)])
    centres = _centres(sample @ axes[:, :LEAN], count, spread)
    left = _cells(a, of_a, axes, centres, spread)
    return left, left if a is b else _cells(b, of_b, axes, centres, spread)


def _evenly(vectors: Floats, rows: Indices, most: int) -> Floats:
    return vectors[rows[:: -(-len(rows) // most)]]


def _main_axes(sample: Floats) -> Floats:
    wide = sample.astype(np.float64)
    _, axes = np.linalg.eigh(wide.T @ wide)
    return np.ascontiguousarray(axes[:, ::-1][:, :PLACES], np.float32)


def _centres(sample: Floats, count: int, spread: Spread) -> Floats:
    """Return centres by k-means: any do, good ones rule out more."""
    centres = np.ascontiguousarray(sample[:: max(1, len(sample) // count)][:count])
    for _ in range(ROUNDS):
        cell, _ = _nearest(sample, centres, spread)
        order = np.argsort(cell, kind="stable")
        filled, start, size = np.unique(cell[order], return_index=True, return_counts=True)
        centres[filled] = np.add.reduceat(sample[order], start, axis=0) / size[:, None].astype(np.float32)
    return centres


def _nearest(turned: Floats, centres: Floats, spread: Spread) -> tuple[Indices, Floats]:
    """Return the nearest centre of each row, and the row's product with it."""
    cell, own = np.empty(len(turned), np.int64), np.empty(len(turned), np.float32)
    half = np.einsum("cd,cd->c", centres, centres) / 2

    def look(start: int) -> None:
        part = slice(start, start + PART)
        product = turned[part] @ centres.T
        product -= half
        cell[part] = nearest = product.argmax(axis=1)
        own[part] = product[np.arange(len(nearest)), nearest] + half[nearest]

    spread(look, range(0, len(turned), PART))
    return cell, own


def _cells(vectors: Floats, rows: Indices, axes: Floats, centres: Floats, spread: Spread) -> Cells:
    turned, squared = np.empty((len(rows), axes.shape[1]), np.float32), np.empty(len(rows), np.float32)

    def turn(start: int) -> None:
        part = slice(start, start + PART)
        some = vectors[rows[part]]
        turned[part] = some @ axes
        squared[part] = np.einsum("nd,nd->n", some, some)

    spread(turn, range(0, len(rows), PART))
    cell, own = _nearest(turned[:, :LEAN], centres, spread)
    order = np.lexsort((np.arange(len(rows)), cell))
    start = np.searchsorted(cell[order], np.arange(len(centres) + 1))
    return Cells(rows[order], turned[order], squared[order], start, own[order], centres, vectors.shape[1])
