"""What pairs of alike rows come to: connected components, and the greedy cover."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]
Scores = NDArray[np.float64]


def components(size: int, a: Indices, b: Indices) -> Indices:
    """Return for each of `size` nodes the number of its connected component, numbered by their smallest node.

    >>> components(4, np.array([0, 3]), np.array([3, 1])).tolist()
    [0, 0, 1, 0]
    """
    root = np.arange(size)
    while len(a):
        low, high = np.minimum(root[a], root[b]), np.maximum(root[a], root[b])
        apart = low != high
        low, high = low[apart], high[apart]
        np.minimum.at(root, high, low)  # roots only: what hangs below them follows
        while not np.array_equal(above := root[root], root):
            root = above
        a, b = low, high
    numbered: Indices = np.unique(root, return_inverse=True)[1].astype(np.int64)
    return numbered


def cover(best_first: Sequence[int], a: Indices, b: Indices, alike: Scores) -> dict[int, tuple[int, float]]:
    """Return for each node that is dropped the kept node that covers it and how alike they are, in the order given.

    Nodes are looked at in the order of `best_first`: one that is alike to a kept node is dropped, any other is kept.
    So every dropped node is alike to a kept one, and no two kept nodes are. Never a chain: a node that is only like
    a dropped one stays. Of several keepers the most alike explains, then the better one.

    >>> cover([0, 1, 2], np.array([0, 1]), np.array([1, 2]), np.array([0.9, 0.9]))
    {1: (0, 0.9)}
    """
    node = np.asarray(best_first, np.int64)
    place = np.full(int(max(node.max(initial=0), a.max(initial=0), b.max(initial=0))) + 1, -1)
    place[node] = np.arange(len(node))
    better, worse = np.minimum(place[a], place[b]), np.maximum(place[a], place[b])
    known = (better >= 0) & (better < worse)
    order = np.flatnonzero(known)[np.argsort(better[known], kind="stable")]
    better, worse, alike = better[order], worse[order], alike[order]

    gone = np.zeros(len(node), np.bool_)
    keeper, start = np.unique(better, return_index=True)
    stop = np.append(start, len(better))[1:]
    for at, begin, end in zip(keeper.tolist(), start.tolist(), stop.tolist(), strict=True):
        if not gone[at]:
            gone[worse[begin:end]] = True

    told = ~gone[better]
    better, worse, alike = better[told], worse[told], alike[told]
    order = np.lexsort((better, -alike, worse))
    dropped, first = np.unique(worse[order], return_index=True)
    by, how = node[better[order][first]].tolist(), alike[order][first].tolist()
    return dict(zip(node[dropped].tolist(), zip(by, how, strict=True), strict=True))
