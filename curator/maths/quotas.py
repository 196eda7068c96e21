"""Quotas: how many rows of which cell each person may hold, and which rows those are."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from curator.maths.neighbours import Vectors
from curator.maths.selection import farthest_first, likenesses

Ints = NDArray[np.int64]
Available = Mapping[tuple[int, int], int]  # rows by (cell, person)


def deal_out(available: Available, room: Mapping[int, int], allowed: int) -> dict[tuple[int, int], int]:
    """Return how many rows each (cell, person) may keep so that as many as possible stay: the exact maximum.

    `room` is what a cell still takes, `allowed` what a person may hold over all cells. Large cells come first, then
    paths that move a person's share to another cell (Ford & Fulkerson 1956, https://doi.org/10.4153/CJM-1956-045-5).

    >>> deal_out({(0, 7): 2, (1, 7): 2, (0, 8): 2}, {0: 2, 1: 2}, 2)
    {(0, 7): 0, (0, 8): 2, (1, 7): 2}
    """
    held = dict.fromkeys(sorted(available), 0)
    free, left = dict(room), dict.fromkeys(sorted({person for _, person in available}), allowed)
    for cell, person in sorted(held, key=lambda pair: (-room[pair[0]], pair)):
        some = min(available[cell, person], free[cell], left[person])
        held[cell, person] = some
        free[cell] -= some
        left[person] -= some
    for person in left:
        while left[person] and (path := _path(person, held, available, free)):
            more = min(
                left[person],
                free[path[-1][0]],
                *(held[step] if n % 2 else available[step] - held[step] for n, step in enumerate(path)),
            )
            for n, step in enumerate(path):
                held[step] += -more if n % 2 else more
            free[path[-1][0]] -= more
            left[person] -= more
    return held


def _path(
    person: int, held: Mapping[tuple[int, int], int], available: Available, free: Mapping[int, int]
) -> list[tuple[int, int]]:
    """Return cells to enter and to leave, in turn, by which `person` gets one row more; empty if there is no way."""
    came: dict[tuple[str, int], tuple[str, int]] = {}
    queue = [("person", person)]
    for kind, at in queue:
        if kind == "cell" and free[at]:
            path, node = [], (kind, at)
            while node in came:
                before = came[node]
                path.append((node[1], before[1]) if node[0] == "cell" else (before[1], node[1]))
                node = before
            return path[::-1]
        for cell, who in held:
            if kind == "person" and who == at and held[cell, who] < available[cell, who]:
                step = ("cell", cell)
            elif kind == "cell" and cell == at and held[cell, who]:
                step = ("person", who)
            else:
                continue
            if step not in came and step != ("person", person):
                came[step] = (kind, at)
                queue.append(step)
    return []


def most_different(vectors: Vectors, count: int, owner: Sequence[int], limit: Mapping[int, int]) -> list[int]:
    """Return up to `count` places, each the one least alike to those before it; an owner has at most their `limit`.

    As `farthest_first`, which it is where nobody is limited.
    """
    whole = vectors.astype(np.float64)
    own = np.asarray(owner)
    left = dict(limit)
    open_ = np.array([left.get(who, 1) > 0 for who in owner])
    chosen: list[int] = []
    nearest = -(whole @ whole.mean(axis=0))
    likeness = likenesses(whole, count)
    while len(chosen) < count and open_.any():
        new = int(np.where(open_, nearest.round(9), np.inf).argmin())
        alike = likeness(new)
        nearest = np.maximum(nearest, alike) if chosen else alike
        chosen.append(new)
        open_[new] = False
        who = int(own[new])
        if who in left:
            left[who] -= 1
            if left[who] <= 0:
                open_[own == who] = False
    return chosen


def within_shares(
    vectors: Vectors, parts: Sequence[Ints], who: Ints, cap: int, share: float
) -> tuple[list[Ints], list[Ints], int]:
    """Return the rows of each part that caps leave, those that caps and shares leave, and what a person may hold.

    No part is left empty: its one row does not count against its author's share. With so few people that a share would
    only throw work away (fewer than 1.5 of them fit into the whole) nobody is limited.
    """
    capped: list[Ints] = [at[farthest_first(vectors[at], cap)] if len(at) > cap else at for at in parts]
    whole = sum(len(at) for at in capped)
    allowed = max(1, int(share * whole))
    if len(np.unique(who)) * share < 1.5:
        return capped, capped, whole
    kept = capped
    over: Ints = np.zeros(0, np.int64)
    while True:
        held = np.bincount(who[np.concatenate(kept)])
        busy: Ints = np.union1d(over, np.flatnonzero(held > allowed))
        if len(busy) == len(over):
            return capped, kept, allowed
        over = busy
        kept = _shared(vectors, parts, who, cap, allowed, over)


def _shared(vectors: Vectors, parts: Sequence[Ints], who: Ints, cap: int, allowed: int, over: Ints) -> list[Ints]:
    """Return the rows of each part when nobody of `over` may hold more than `allowed` of all."""
    available: dict[tuple[int, int], int] = {}
    others, room = {}, {}
    for cell, at in enumerate(parts):
        mine = {int(p): int((who[at] == p).sum()) for p in over}
        available |= {(cell, p): n for p, n in mine.items() if n}
        others[cell] = len(at) - sum(mine.values())
        room[cell] = max(0, min(cap, len(at)) - others[cell])
    quota = deal_out(available, room, allowed)
    spare = {int(p): allowed - sum(n for (_, q), n in quota.items() if q == p) for p in over}
    kept = []
    for cell, at in enumerate(parts):
        here = {p: n for (c, p), n in quota.items() if c == cell}
        size = min(cap, others[cell] + sum(here.values()))
        limit = {p: n + spare[p] for p, n in here.items()}  # what is spare may stand in for somebody else's row
        chosen = (
            at[most_different(vectors[at], size, who[at].tolist(), limit)]
            if size
            else at[farthest_first(vectors[at], 1)]
        )
        if size:
            spare |= {p: limit[p] - int((who[chosen] == p).sum()) for p in here}
        kept.append(chosen)
    return kept


def restore(stays: NDArray[np.bool_], parts: Sequence[Ints], least: int, vectors: Vectors) -> None:
    """Mark the most different of the rows that left each part as staying, as far as it has fewer than `least`."""
    for at in parts:
        mine = np.flatnonzero(stays[at]).tolist()
        if len(mine) < min(least, len(at)):
            stays[at[farthest_first(vectors[at], least, start=mine)]] = True


def factors(parts: Sequence[Ints], capped: Sequence[Ints], who: Ints, allowed: int) -> NDArray[np.float64]:
    """Return what each row weighs instead of leaving: a full part as much as its cap, then a person as their share."""
    factor = np.ones(len(who))
    for at, some in zip(parts, capped, strict=True):
        factor[at] = len(some) / len(at)
    held = np.bincount(who, weights=factor)
    return np.asarray(factor * np.minimum(1.0, allowed / held)[who], np.float64)


def nearest_kept(vectors: Vectors, gone: Ints, kept: Ints, block: int = 2048) -> tuple[Ints, NDArray[np.float64]]:
    """Return for each of `gone` the one of `kept` most like it (the first of equals) and how alike they are."""
    best, alike = [np.zeros(0, np.int64)], [np.zeros(0)]
    other = vectors[kept].astype(np.float64)
    for start in range(0, len(gone), block):
        scores = vectors[gone[start : start + block]].astype(np.float64) @ other.T
        at = scores.round(9).argmax(axis=1)
        best.append(kept[at])
        alike.append(scores[np.arange(len(at)), at])
    return np.concatenate(best), np.concatenate(alike)
