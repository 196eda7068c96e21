"""Which vectors are alike: the exact threshold join, of one set with itself and of one with another."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from curator.errors import UsageError
from curator.maths.copies import Copies, Pairs, ordered, spelled_out, together, with_copies
from curator.maths.covering import components, cover
from curator.maths.ruling_out import Plan, above, plan

__all__ = ["Indices", "Scores", "Vectors", "closest", "components", "cover", "join", "join_across"]

Vectors = NDArray[np.float32]  # (rows, dimensions), each of length 1
Indices = NDArray[np.int64]
Scores = NDArray[np.float64]

FEW = 1000  # comparisons for each row, below which ruling pairs out costs more than it saves
LOOK = 128  # rows: of all pairs about one for each 128 rows is then closer than the closest of these
BLOCK = 1024  # rows: a block of products is 4 MB in float32
MEMORY = 1 << 30  # bytes


def join(
    vectors: Vectors, threshold: float, workers: int = 2, *, memory: int = MEMORY
) -> tuple[Indices, Indices, Scores]:
    """Return every pair i < j whose cosine is at least `threshold`, as (i, j, cosine), ordered by i, then j.

    Exact: what is ruled out unseen cannot be alike (see `ruling_out`), and what is left is verified in float64, so that
    the answer hangs neither on the order in which a processor adds nor on `workers` (threads) nor on `memory` (bytes
    for blocks of products, beside about a kilobyte a row and the answer). Vectors need not be of length 1: it is their
    product that counts. Those that are, are fast.

    >>> i, j, alike = join(np.array([[1, 0], [0.8, 0.6], [0, 1]], np.float32), 0.7)
    >>> i.tolist(), j.tolist(), alike.round(2).tolist()
    ([0], [1], [0.8])
    """
    copies = _copies(vectors)
    found = _found(vectors, vectors, copies, copies, threshold, workers, memory)
    itself = np.full(len(copies.first), -np.inf)
    several = np.flatnonzero(copies.size > 1)
    itself[several] = _products(vectors[copies.first[several]], vectors[copies.first[several]])
    return ordered(with_copies(found, copies, itself, threshold), len(vectors))


def join_across(
    a: Vectors, b: Vectors, threshold: float, workers: int = 2, *, memory: int = MEMORY
) -> tuple[Indices, Indices, Scores]:
    """Return every pair (row of a, row of b) whose cosine is at least `threshold`, ordered by row of a, then of b.

    Exact as `join` is.
    """
    of_a, of_b = _copies(a), _copies(b)
    return ordered(spelled_out(_found(a, b, of_a, of_b, threshold, workers, memory), of_a, of_b), len(b))


def closest(a: Vectors, b: Vectors, workers: int = 2) -> float:
    """Return the greatest cosine between a row of a and a row of b. Both have rows.

    A few rows of a tell how close it is at least; what is closer still is looked for by `join_across`.
    """
    few = a[:: -(-len(a) // LOOK)]
    best = np.array([int((few[n : n + 1] @ b.T).argmax()) for n in range(len(few))])
    found = float(_products(few, b[best]).max())
    return max(found, float(join_across(a, b, found, workers)[2].max(initial=-np.inf)))


def _copies(vectors: Vectors) -> Copies:
    key = np.einsum("nd,d->n", vectors, np.random.default_rng(0).random(vectors.shape[1], np.float32))
    if not np.isfinite(key).all():
        bad = int(np.flatnonzero(~np.isfinite(key))[0])
        raise UsageError(f"Vector {bad} holds something that is no number. Embed again, or leave that row out.")
    return Copies.of(key, lambda i, j: (vectors[i] == vectors[j]).all(axis=1))


def _found(a: Vectors, b: Vectors, of_a: Copies, of_b: Copies, threshold: float, workers: int, memory: int) -> Pairs:
    """Return the pairs of different groups that are alike, by the numbers of the groups."""
    share = memory // workers
    with threadpool_limits(1), ThreadPoolExecutor(workers) as pool:

        def spread(function: Callable[[int], None], numbers: Iterable[int]) -> None:
            for _ in pool.map(function, numbers):
                pass

        left = None
        if threshold > 0 and len(of_a.first) * len(of_b.first) > FEW * (len(of_a.first) + len(of_b.first)):
            left = plan(a, b, of_a.first, of_b.first, threshold, spread, share)
        todo = left or _everything(a, b, of_a.first, of_b.first, threshold)

        def verified(number: int) -> Pairs:
            return together([_verified(a, b, i, j, threshold, share) for i, j in todo.part(number)])

        i, j, alike = together(list(pool.map(verified, range(todo.count))))
    return np.searchsorted(of_a.first, i), np.searchsorted(of_b.first, j), alike


def _everything(a: Vectors, b: Vectors, of_a: Indices, of_b: Indices, threshold: float) -> Plan:
    """Plan a plain product of all rows with all, for sets that are small or thresholds that rule nothing out."""
    longest = max((float(np.einsum("nd,nd->n", x, x).max(initial=0)) for x in (a, b)), default=0.0)
    margin = (1e-5 + a.shape[1] * 2.0**-23) * longest  # what float32 sums of this many products may be off by
    least = np.float32(threshold - margin)

    def part(number: int) -> Iterator[tuple[Indices, Indices]]:
        some = of_a[number * BLOCK : (number + 1) * BLOCK]
        mine = np.ascontiguousarray(a[some].T)
        for start in range(number * BLOCK if a is b else 0, len(of_b), BLOCK):
            others = of_b[start : start + BLOCK]
            j, i = above(b[others] @ mine, least)
            i, j = some[i], others[j]
            yield (i[i < j], j[i < j]) if a is b else (i, j)

    return Plan(-(-len(of_a) // BLOCK), part)


def _verified(a: Vectors, b: Vectors, some: Indices, others: Indices, threshold: float, memory: int) -> Pairs:
    """Return the pairs that are alike enough in float64, a part at a time, the smaller row first where a is b."""
    kept = []
    part = max(1, min(4096, memory // (24 * a.shape[1])))
    for start in range(0, len(some), part):
        i, j = some[start : start + part], others[start : start + part]
        if a is b:
            i, j = np.minimum(i, j), np.maximum(i, j)
        alike = _products(a[i], b[j])
        sure = alike >= threshold
        kept.append((i[sure], j[sure], alike[sure]))
    return together(kept)


def _products(a: Vectors, b: Vectors) -> Scores:
    """Return the product of each row with its partner, in float64."""
    products: Scores = np.einsum("nd,nd->n", a.astype(np.float64), b.astype(np.float64))
    return products
