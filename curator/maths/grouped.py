"""Threshold joins inside groups of rows: only rows that belong together are compared, however many there are."""

from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from curator.maths.neighbours import Indices, Scores, Vectors, join, join_across

PART = 16384  # pairs that are compared at a time
FEW = 256  # pairs of groups so small are compared many at a time, pair by pair
MANY = 1 << 22  # and so large by `join`, which rules most pairs out; what lies between is one product


@dataclass(frozen=True)
class Groups:
    """Rows by group: those of group g are `member[start[g]:start[g + 1]]`, in their order."""

    member: Indices
    start: Indices

    @classmethod
    def of(cls, label: Indices, count: int) -> "Groups":
        """Sort rows by their group's number, 0 to count - 1."""
        member = np.argsort(label, kind="stable")
        return cls(member, np.searchsorted(label[member], np.arange(count + 1)))

    def of_group(self, group: int) -> Indices:
        """Return the rows of one group."""
        return self.member[self.start[group] : self.start[group + 1]]


def join_groups(
    vectors: Vectors, groups: Groups, g: Indices, h: Indices, threshold: float
) -> tuple[Indices, Indices, Scores]:
    """Return the pairs between groups g[n] and h[n] whose cosine is at least `threshold`, as (i, j, cosine), i < j.

    Where g[n] is h[n], the pairs inside that group. Shape (vectors): (rows, dimensions), of length 1. Memory hangs on
    `PART` and on what is found, never on the number of rows that are compared.

    >>> rows = np.array([[1, 0], [0.8, 0.6], [1, 0]], np.float32)
    >>> i, j, alike = join_groups(rows, Groups.of(np.array([0, 0, 1]), 2), np.array([0]), np.array([0]), 0.7)
    >>> i.tolist(), j.tolist(), alike.round(2).tolist()
    ([0], [1], [0.8])
    """
    size = np.diff(groups.start)
    products = size[g] * size[h]
    few, many = products <= FEW, products > MANY
    found = _few(vectors, groups, g[few], h[few], products[few], threshold)
    with threadpool_limits(1):  # many small products
        for a, b in zip(g[~few & ~many].tolist(), h[~few & ~many].tolist(), strict=True):
            found.append(_one_product(vectors, groups.of_group(a), groups.of_group(b), threshold, same=a == b))
    for a, b in zip(g[many].tolist(), h[many].tolist(), strict=True):
        found.append(_joined(vectors, groups.of_group(a), groups.of_group(b), threshold, same=a == b))
    i, j, alike = (np.concatenate(part) for part in zip(*found, strict=True)) if found else _nothing()
    i, j = np.minimum(i, j), np.maximum(i, j)
    order = np.lexsort((j, i))
    return i[order], j[order], alike[order]


def _nothing() -> tuple[Indices, Indices, Scores]:
    return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float64)


def _joined(
    vectors: Vectors, mine: Indices, others: Indices, threshold: float, *, same: bool
) -> tuple[Indices, Indices, Scores]:
    if same:
        i, j, alike = join(vectors[mine], threshold)
    else:
        i, j, alike = join_across(vectors[mine], vectors[others], threshold)
    return mine[i], others[j], alike


def _one_product(
    vectors: Vectors, mine: Indices, others: Indices, threshold: float, *, same: bool
) -> tuple[Indices, Indices, Scores]:
    near = vectors[mine] @ vectors[others].T >= threshold - 1e-4
    i, j = np.nonzero(np.triu(near, 1) if same else near)
    return _sure(vectors, mine[i], others[j], threshold)


def _sure(vectors: Vectors, i: Indices, j: Indices, threshold: float) -> tuple[Indices, Indices, Scores]:
    """Keep the pairs that are alike enough in float64."""
    found = [(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float64))]
    for start in range(0, len(i), PART):
        a, b = i[start : start + PART], j[start : start + PART]
        alike = np.einsum("nd,nd->n", vectors[a].astype(np.float64), vectors[b].astype(np.float64))
        sure = alike >= threshold
        found.append((a[sure], b[sure], alike[sure]))
    a, b, alike = (np.concatenate(part) for part in zip(*found, strict=True))
    return a, b, alike


def _few(
    vectors: Vectors, groups: Groups, g: Indices, h: Indices, products: Indices, threshold: float
) -> list[tuple[Indices, Indices, Scores]]:
    found = []
    size, upto = np.diff(groups.start), np.cumsum(products)
    begin = 0
    while begin < len(g):
        done = upto[begin - 1] if begin else 0
        end = max(begin + 1, int(np.searchsorted(upto, done + PART, side="right")))
        a, b, count = g[begin:end], h[begin:end], products[begin:end]
        pair = np.repeat(np.arange(len(a)), count)
        place = np.arange(len(pair)) - np.repeat(np.cumsum(count) - count, count)
        width = size[b][pair]
        x, y = (
            groups.start[a][pair] + place // np.maximum(width, 1),
            groups.start[b][pair] + place % np.maximum(width, 1),
        )
        once = (a != b)[pair] | (x < y)
        i, j = groups.member[x[once]], groups.member[y[once]]
        near = np.einsum("nd,nd->n", vectors[i], vectors[j]) >= threshold - 1e-4
        found.append(_sure(vectors, i[near], j[near], threshold))
        begin = end
    return found
