"""Which vectors are alike: the exact threshold join, the greedy cover, and connected components."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from curator.maths.ruling_out import candidates

Vectors = NDArray[np.float32]  # (rows, dimensions), each of length 1
Indices = NDArray[np.int64]
Scores = NDArray[np.float64]

BLOCK = 2048  # rows: a block of products is 16 MB in float32
FEW = 4000  # rows below which ruling pairs out costs more than it saves
PART = 16384  # pairs that are verified at a time


def join(vectors: Vectors, threshold: float, workers: int = 2) -> tuple[Indices, Indices, Scores]:
    """Return every pair i < j whose cosine is at least `threshold`, as (i, j, cosine), ordered by i, then j.

    Exact for unit vectors: what is ruled out unseen cannot be alike (see `ruling_out`), and what is left is verified
    in float64, so that the answer hangs neither on the order in which a processor adds nor on `workers` (threads).

    >>> i, j, alike = join(np.array([[1, 0], [0.8, 0.6], [0, 1]], np.float32), 0.7)
    >>> i.tolist(), j.tolist(), alike.round(2).tolist()
    ([0], [1], [0.8])
    """
    if len(vectors) < FEW or threshold <= 0:
        return _verified(vectors, vectors, threshold, _blocks(vectors, vectors, threshold, same=True))
    return _verified(vectors, vectors, threshold, candidates(np.ascontiguousarray(vectors), threshold, workers))


def join_across(a: Vectors, b: Vectors, threshold: float) -> tuple[Indices, Indices, Scores]:
    """Return every pair (row of a, row of b) whose cosine is at least `threshold`, ordered by row of a, then of b."""
    return _verified(a, b, threshold, _blocks(a, b, threshold, same=False))


def _blocks(a: Vectors, b: Vectors, threshold: float, *, same: bool) -> Iterator[tuple[Indices, Indices]]:
    margin = 1e-5 + a.shape[1] * 2.0**-24  # what float32 sums of this many products may be off by
    for start in range(0, len(a), BLOCK):
        for other in range(start if same else 0, len(b), BLOCK):
            product = a[start : start + BLOCK] @ b[other : other + BLOCK].T  # (BLOCK, BLOCK)
            i, j = np.nonzero(product >= threshold - margin)
            i, j = i + start, j + other
            yield (i[i < j], j[i < j]) if same else (i, j)


def _verified(
    a: Vectors, b: Vectors, threshold: float, pairs: Iterator[tuple[Indices, Indices]]
) -> tuple[Indices, Indices, Scores]:
    """Keep the pairs that are alike enough in float64, a part at a time, the smaller row first where a is b."""
    left: list[Indices] = [np.empty(0, np.int64)]
    right: list[Indices] = [np.empty(0, np.int64)]
    scores: list[Scores] = [np.empty(0, np.float64)]
    for some, others in pairs:
        for start in range(0, len(some), PART):
            i, j = some[start : start + PART], others[start : start + PART]
            if a is b:
                i, j = np.minimum(i, j), np.maximum(i, j)
            rough = np.einsum("nd,nd->n", a[i], b[j]) >= threshold - 1e-4
            i, j = i[rough], j[rough]
            alike = np.einsum("nd,nd->n", a[i].astype(np.float64), b[j].astype(np.float64))
            sure = alike >= threshold
            left.append(i[sure])
            right.append(j[sure])
            scores.append(alike[sure])
    i, j, alike = np.concatenate(left), np.concatenate(right), np.concatenate(scores)
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
