"""Which vectors are alike: the exact threshold join, the greedy cover, and connected components."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]  # (rows, dimensions), each of length 1
Indices = NDArray[np.int64]
Scores = NDArray[np.float64]

BLOCK = 2048  # rows: a block of products is 16 MB in float32


def join(vectors: Vectors, threshold: float) -> tuple[Indices, Indices, Scores]:
    """Return every pair i < j whose cosine is at least `threshold`, as (i, j, cosine), ordered by i, then j.

    Exact: all pairs are compared, in blocks. Candidates found in float32 are verified in float64, so that the
    answer does not hang on the order in which a processor adds.

    >>> i, j, alike = join(np.array([[1, 0], [0.8, 0.6], [0, 1]], np.float32), 0.7)
    >>> i.tolist(), j.tolist(), alike.round(2).tolist()
    ([0], [1], [0.8])
    """
    return _join(vectors, vectors, threshold, same=True)


def join_across(a: Vectors, b: Vectors, threshold: float) -> tuple[Indices, Indices, Scores]:
    """Return every pair (row of a, row of b) whose cosine is at least `threshold`, ordered by row of a, then of b."""
    return _join(a, b, threshold, same=False)


def _join(a: Vectors, b: Vectors, threshold: float, *, same: bool) -> tuple[Indices, Indices, Scores]:
    margin = 1e-5 + a.shape[1] * 2.0**-24  # what float32 sums of this many products may be off by
    left: list[Indices] = [np.empty(0, np.int64)]
    right: list[Indices] = [np.empty(0, np.int64)]
    for start in range(0, len(a), BLOCK):
        for other in range(start if same else 0, len(b), BLOCK):
            product = a[start : start + BLOCK] @ b[other : other + BLOCK].T  # (BLOCK, BLOCK)
            i, j = np.nonzero(product >= threshold - margin)
            left.append(i + start)
            right.append(j + other)
    i, j = np.concatenate(left), np.concatenate(right)
    if same:
        i, j = i[i < j], j[i < j]
    alike = np.einsum("nd,nd->n", a[i].astype(np.float64), b[j].astype(np.float64)) if len(i) else np.empty(0)
    sure = alike >= threshold
    i, j, alike = i[sure], j[sure], alike[sure]
    order = np.lexsort((j, i))
    return i[order], j[order], alike[order]


def components(size: int, a: Indices, b: Indices) -> Indices:
    """Return for each of `size` nodes the number of its connected component, numbered by their smallest node.

    >>> components(4, np.array([0, 3]), np.array([3, 1])).tolist()
    [0, 0, 1, 0]
    """
    parent = list(range(size))

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for i, j in zip(a.tolist(), b.tolist(), strict=True):
        low, high = sorted((root(i), root(j)))
        parent[high] = low
    found: dict[int, int] = {}
    return np.array([found.setdefault(root(node), len(found)) for node in range(size)], np.int64)


def cover(best_first: Sequence[int], a: Indices, b: Indices, alike: Scores) -> dict[int, tuple[int, float]]:
    """Return for each node that is dropped the kept node that covers it and how alike they are.

    Nodes are looked at in the order of `best_first`: one that is alike to a kept node is dropped, any other is kept.
    So every dropped node is alike to a kept one, and no two kept nodes are. Never a chain: a node that is only like
    a dropped one stays. Of several keepers the most alike explains, then the better one.

    >>> cover([0, 1, 2], np.array([0, 1]), np.array([1, 2]), np.array([0.9, 0.9]))
    {1: (0, 0.9)}
    """
    near: dict[int, list[tuple[int, float]]] = {}
    for i, j, score in zip(a.tolist(), b.tolist(), alike.tolist(), strict=True):
        near.setdefault(i, []).append((j, score))
        near.setdefault(j, []).append((i, score))
    place = {node: rank for rank, node in enumerate(best_first)}
    kept: set[int] = set()
    dropped: dict[int, tuple[int, float]] = {}
    for node in best_first:
        above = [(score, -place[other], other) for other, score in near.get(node, []) if other in kept]
        if above:
            score, _, other = max(above)
            dropped[node] = (other, score)
        else:
            kept.add(node)
    return dropped
