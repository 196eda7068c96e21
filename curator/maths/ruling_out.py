"""Which pairs of vectors could be alike at all: a superset of the answer, found at a small part of its cost.

Two bounds rule pairs out, and neither can miss one:

1. Head and rest. Rotate to the main axes and keep the first `k` places of each unit vector, with the length of what
   is left as one place more. By Cauchy and Schwarz the product of two such heads is at least their cosine.
2. Angles. Rows are gathered around centres. If a lies at an angle α from a centre and b at β, they are at least
   |α - β| apart (the triangle inequality on the sphere), so a needs only those b with β >= α - arccos(threshold).
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

Floats = NDArray[np.float32]
Indices = NDArray[np.int64]

SLACK = 1e-4  # what float32 may be off by in a product of a head, with room to spare
ROOM = 1e-3  # radians: the same for an angle
HEADS = (15, 31, 47, 63, 95, 127, 191)  # places that are tried on a sample
SCAN = 60.0  # cost of looking at one product, in multiply-adds
GATHER = 30000.0  # cost of verifying one candidate
MEMBERS = 1000  # rows around a centre: their products with as many others stay in the processor's cache
SAMPLE = 2048
STRETCH = 64  # products that are looked at together


def candidates(vectors: Floats, threshold: float, workers: int = 2) -> Iterator[tuple[Indices, Indices]]:
    """Give pairs (i, j), no unordered pair twice, among them all with a cosine of `threshold` or more."""
    gathered = _Gathered(vectors, threshold)
    with threadpool_limits(1), ThreadPoolExecutor(workers) as pool:
        for found in pool.map(gathered.pairs_of, range(gathered.count)):
            yield from found


class _Gathered:
    """The rows in the order of their centres, the outermost of each first."""

    def __init__(self, vectors: Floats, threshold: float) -> None:
        self.reach = float(np.arccos(np.clip(threshold, -1, 1))) + ROOM
        self.least = np.float32(threshold - SLACK)
        self.count = max(1, len(vectors) // MEMBERS)
        self.centres = _centres(vectors, self.count)
        owner, beta = _nearest(vectors, self.centres)
        self.order = np.lexsort((np.arange(len(vectors)), -beta, owner))
        self.vectors = vectors[self.order]
        self.beta = beta[self.order]
        self.start = np.searchsorted(owner[self.order], np.arange(self.count + 1))
        outer = [self.beta[a] if a < b else -np.inf for a, b in zip(self.start, self.start[1:], strict=False)]
        self.outermost = np.array(outer, np.float32)
        self.heads = _heads(self.vectors, threshold)

    def pairs_of(self, centre: int) -> list[tuple[Indices, Indices]]:
        """Return the candidates between the rows of a centre and those of it and all later ones."""
        begin, end = self.start[centre], self.start[centre + 1]
        if begin == end:
            return []
        mine = self.heads[begin:end]
        alpha = _angles(self.vectors[begin:end] @ self.centres[centre:].T)  # (mine, this and later centres)
        alpha -= self.reach
        found = []
        for other in range(centre, self.count):
            first, last = self.start[other], self.start[other + 1]
            inner = alpha[:, other - centre]  # the least β that a partner can have
            if other == centre:
                rows = np.arange(end - begin)
            else:
                rows = np.flatnonzero(inner <= self.outermost[other])
                if not len(rows):
                    continue
                last = first + int(np.searchsorted(-self.beta[first:last], -inner[rows].min(), side="right"))
            j, i = _above(self.heads[first:last] @ mine[rows].T, self.least)
            i, j = rows[i] + begin, j + first
            if other == centre:
                i, j = i[i < j], j[i < j]
            if len(i):
                sure = np.einsum("nd,nd->n", self.vectors[i], self.vectors[j]) >= self.least
                found.append((self.order[i[sure]], self.order[j[sure]]))
        return found


def _above(product: Floats, least: np.float32) -> tuple[Indices, Indices]:
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


def _centres(vectors: Floats, count: int, rounds: int = 5) -> Floats:
    """Return unit centres by k-means on an evenly spread sample: any centres do, good ones rule out more."""
    sample = vectors[:: max(1, len(vectors) // (count * 40))]
    centres = sample[:: max(1, len(sample) // count)][:count].copy()
    for _ in range(rounds):
        owner, _ = _nearest(sample, centres)
        for centre in range(len(centres)):
            if (mine := owner == centre).any():
                centres[centre] = sample[mine].sum(axis=0)
        centres /= np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-9)
    return centres


def _nearest(vectors: Floats, centres: Floats) -> tuple[NDArray[np.int64], Floats]:
    owner, beta = np.empty(len(vectors), np.int64), np.empty(len(vectors), np.float32)
    for start in range(0, len(vectors), 8192):
        cosine = vectors[start : start + 8192] @ centres.T
        owner[start : start + 8192] = cosine.argmax(axis=1)
        beta[start : start + 8192] = _angles(cosine.max(axis=1))
    return owner, beta


def _angles(cosine: Floats) -> Floats:
    return np.arccos(np.clip(cosine, -1, 1))


def _heads(vectors: Floats, threshold: float) -> Floats:
    """Return the first places on the main axes and the length of the rest, (rows, k + 1); k is what costs least."""
    sample = vectors[:: max(1, len(vectors) // SAMPLE)][:SAMPLE].astype(np.float64)
    _, axes = np.linalg.eigh(sample.T @ sample)
    axes = axes[:, ::-1]
    turned = (sample @ axes).astype(np.float32)
    best, least = turned.shape[1], np.inf
    for k in HEADS:
        if k < turned.shape[1]:
            trial = _with_rest(turned[:, :k])
            passing = float((np.triu(trial @ trial.T, 1) >= threshold - SLACK).mean())
            cost = k + 1 + SCAN + GATHER * passing
            best, least = (k, cost) if cost < least else (best, least)
    turn = np.ascontiguousarray(axes[:, :best], np.float32)
    heads = np.empty((len(vectors), best + 1), np.float32)
    for start in range(0, len(vectors), 65536):
        heads[start : start + 65536] = _with_rest(vectors[start : start + 65536] @ turn)
    return heads


def _with_rest(head: Floats) -> Floats:
    rest = np.sqrt(np.maximum(0, 1 - np.einsum("nd,nd->n", head, head)))
    return np.hstack([head, rest[:, None]]).astype(np.float32)
