"""Which pairs of vectors could be alike at all: a superset of the answer, found at a small part of its cost.

Two bounds rule pairs out, and neither can miss one. They hold for vectors of any length and are tight for unit vectors.

1. Cells. Rows are gathered around centres. For a row a of the cell around c and a row b of the cell around e, the step
   from b to a is at least as long as its shadow on the line from e to c: |a - b| |c - e| >= (ac - ae) + (be - bc).
   Two unit vectors with a cosine of t are sqrt(2 - 2t) apart, so most cells never meet, and of the others only the
   rows next to the border do. ("Generalised hyperplanes", Uhlmann 1991, https://doi.org/10.1016/0020-0190(91)90074-R)
2. Head and rest. Turn to the main axes and keep the first `k` places of each vector, with the length of what is left
   as one place more. By Cauchy and Schwarz the product of two such heads is at least that of the vectors.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from curator.maths.cells import Cells, Floats, Indices, Spread, gather

SLACK = 1e-4  # what float32 may be off by in a product of unit vectors, with room to spare
HEADS = (15, 23, 31, 47, 63, 95, 127)  # places that are tried
SCAN = 25.0  # cost of looking at one product, in multiply-adds
VERIFY = 12000.0  # cost of verifying one candidate, in multiply-adds
FETCH = 6000.0  # cost of fetching a row
SLICE = 256  # rows of a cell that are compared at a time
BLOCK = 1 << 17  # products at a time: half a megabyte stays in a processor's own cache
PANEL = 64  # cells whose distance to all rows is held at a time
STRETCH = 32  # products that are looked at together
TRIALS = 48  # slices that are tried
TRIED = 2048  # rows that they are tried against

Pairs = tuple[Indices, Indices]


@dataclass
class Plan:
    """The pairs that are left, in `count` parts; `part(n)` may run in any thread and gives them a block at a time."""

    count: int
    part: Callable[[int], Iterator[Pairs]]


def plan(
    a: Floats, b: Floats, of_a: Indices, of_b: Indices, threshold: float, spread: Spread, memory: int
) -> Plan | None:
    """Return what is left to verify between the rows `of_a` of a and `of_b` of b, or None if ruling out does not pay.

    When a is b no unordered pair comes twice.
    """
    left, right = gather(a, b, of_a, of_b, spread)
    sift = _Sift(a, b, left, right, threshold, memory)
    return Plan(-(-left.count // sift.panel), sift.part) if sift.pays else None


class _Sift:
    def __init__(self, a: Floats, b: Floats, left: Cells, right: Cells, threshold: float, memory: int) -> None:
        self.a, self.b = a, b
        self.left, self.right, self.same = left, right, left is right
        longest = max(left.longest, right.longest)  # of the squared lengths; 1 for unit vectors
        self.apart = float(np.sqrt(max(0.0, 2 * longest - 2 * threshold)))
        slack = (SLACK + left.dimensions * 2.0**-23) * longest
        self.slack, self.least = np.float32(slack), np.float32(threshold - slack)
        self.panel = int(max(1, min(PANEL, memory // (4 * max(1, len(right.rows))))))
        self.k = 0
        self.pays = self._try()
        if self.pays:
            self.mine, self.others = left.heads(self.k), right.heads(self.k)

    def part(self, number: int) -> Iterator[Pairs]:
        """Give the pairs that may be alike of the rows of some cells, and of all rows or, in one set, the later."""
        first, last = number * self.panel, min(self.left.count, (number + 1) * self.panel)
        begin = int(self.left.start[first]) if self.same else 0
        toward = self._toward(first, last, begin)
        for cell in range(first, last):
            for start in range(int(self.left.start[cell]), int(self.left.start[cell + 1]), SLICE):
                stop = min(start + SLICE, int(self.left.start[cell + 1]))
                near = self._near(cell, start, stop, toward[cell - first], begin)
                for i, j in self._compared(start, stop, near):
                    if self.same:
                        later = i < j
                        i, j = i[later], j[later]
                    if len(i):
                        yield self.left.rows[i], self.right.rows[j]

    def _toward(self, first: int, last: int, begin: int) -> Floats:
        """Return how far each row of the right, from `begin` on, leans to some cells, (cells, rows)."""
        toward: Floats = self.left.centres[first:last] @ self.right.leaning[begin:].T
        return toward

    def _near(self, cell: int, start: int, stop: int, toward: Floats, begin: int) -> Indices:
        """Return the rows of the right that are near enough to a slice of a cell, in their order."""
        leaning = self.left.leaning[start:stop] @ self.left.centres.T  # (slice, cells)
        inside = (leaning[:, cell, None] - leaning).min(axis=0)  # how deep at least the slice lies, as seen by a cell
        limit = self.left.between(cell) * self.apart - inside + self.slack
        limit[cell] = np.inf
        first = start if self.same else 0
        ends = np.maximum(self.right.start, first)
        toward = toward[first - begin :] + np.repeat(limit, np.diff(ends))
        return np.flatnonzero(toward >= self.right.own[first:]) + first

    def _compared(self, start: int, stop: int, near: Indices) -> Iterator[Pairs]:
        """Give the pairs of a slice and some rows of the right whose product is about the threshold or more."""
        mine, whole = self.mine[start:stop], self.a[self.left.rows[start:stop]]
        width = max(1, BLOCK // (stop - start))
        for at in range(0, len(near), width):
            some = near[at : at + width]
            product = mine @ self.others[some].T  # (slice, some)
            hit = np.flatnonzero(product.max(axis=0) >= self.least)
            if not len(hit):
                continue
            some = some[hit]
            passing = np.flatnonzero(product[:, hit] >= self.least)
            if self._dense(len(whole), len(hit)) < VERIFY * len(passing):
                product = whole @ self.b[self.right.rows[some]].T
                i, j = np.divmod(np.flatnonzero(product >= self.least), len(some))
            else:
                i, j = np.divmod(passing, len(some))
                product = np.einsum("nd,nd->n", whole[i], self.b[self.right.rows[some[j]]])
                sure = product >= self.least
                i, j = i[sure], j[sure]
            yield i + start, some[j]

    def _dense(self, slice_: int, others: int) -> float:
        """Return what it costs to verify whole rows with a slice."""
        return others * (slice_ * (self.left.dimensions + 2 * SCAN) + FETCH)

    def _try(self) -> bool:
        """Find how many places cost least, on slices and rows that the cells left over."""
        cost = dict.fromkeys([k for k in HEADS if k < self.left.places], 0.0)
        if self.left.places == self.left.dimensions:
            cost[self.left.places] = 0.0
        plain = 0.0
        filled = np.flatnonzero(np.diff(self.left.start))
        for cell in filled[:: max(1, len(filled) // TRIALS)]:
            start = int(self.left.start[cell])
            stop = min(start + SLICE, int(self.left.start[cell + 1]))
            begin = start if self.same else 0
            near = self._near(int(cell), start, stop, self._toward(cell, cell + 1, begin)[0], begin)
            tried = near[:: max(1, len(near) // TRIED)]
            each = len(near) / max(1, len(tried))
            for k in cost:
                product = self.right.heads(k, tried) @ self.left.heads(k, np.arange(start, stop)).T
                passing = product >= self.least
                verifying = min(
                    VERIFY * np.count_nonzero(passing), self._dense(stop - start, np.count_nonzero(passing.any(axis=1)))
                )
                cost[k] += each * ((k + 1 + SCAN) * product.size + verifying)
            plain += (stop - start) * (len(self.right.rows) - begin) * (self.left.dimensions + SCAN)
        self.k = min(cost, key=lambda k: cost[k])
        return cost[self.k] < plain


def above(product: Floats, least: np.float32) -> Pairs:
    """Return where a block of products is at least `least`.

    Most stretches of a column hold none, and these are looked at once only: a maximum over whole rows of memory.
    """
    height, width = product.shape
    whole = height // STRETCH * STRETCH
    stretches = product[:whole].reshape(-1, STRETCH, width)
    stretch, column = np.nonzero(stretches.max(axis=1) >= least)
    hit, place = np.nonzero(stretches[stretch, :, column] >= least)
    i, j = np.nonzero(product[whole:] >= least)
    return np.concatenate([stretch[hit] * STRETCH + place, i + whole]), np.concatenate([column[hit], j])
