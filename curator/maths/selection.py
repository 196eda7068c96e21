"""Choosing rows: the plane for a map, themes, the most different rows, and groups dealt out to splits."""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from curator.maths.neighbours import Indices, Vectors

Floats = NDArray[np.float64]

WHOLE = 4096  # vectors whose products with each other are kept: 128 MB


def plane(vectors: Vectors) -> tuple[Floats, Floats]:
    """Return x and y of each vector on the two main axes (PCA), scaled into -1 to 1 and rounded to 3 places.

    The sign of an axis, which PCA leaves open, is chosen so that its largest loading is positive.
    """
    if len(vectors) < 2:
        return np.zeros(len(vectors)), np.zeros(len(vectors))
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    _, axes = np.linalg.eigh(centred.T @ centred)  # ascending
    top = axes[:, ::-1][:, :2]
    top = top * np.sign(top[np.abs(top).argmax(axis=0), range(top.shape[1])])
    places = centred @ top
    if places.shape[1] == 1:
        places = np.hstack([places, np.zeros_like(places)])
    return spread(places)


def spread(places: Floats) -> tuple[Floats, Floats]:
    """Return x and y of places, shape (places, 2), scaled into -1 to 1 and rounded to 3 places."""
    told = (places / max(np.abs(places).max(), 1e-12)).round(3) + 0.0  # no minus zero
    return told[:, 0], told[:, 1]


def neighbours_kept(vectors: Vectors, x: Floats, y: Floats, *, nearest: int = 10, most: int = 500) -> float | None:
    """Return the share of each vector's `nearest` neighbours that are among its nearest on the plane too, 0 to 1.

    Chance alone gives nearest / (n - 1). Looked at are up to `most` vectors, evenly spaced; None where there are not
    more than `nearest` + 1. Source: trustworthiness and continuity are its ranked kin, Venna & Kaski 2001,
    https://doi.org/10.1007/3-540-44668-0_68
    """
    n = len(vectors)
    if n <= nearest + 1:
        return None
    looked = np.unique(np.linspace(0, n - 1, min(most, n)).astype(np.intp))
    far = 2 - 2 * (vectors[looked] @ vectors.T)
    flat = (x[looked, None] - x) ** 2 + (y[looked, None] - y) ** 2
    for table in (far, flat):
        table[np.arange(len(looked)), looked] = np.inf
    there, here = (np.argsort(table, axis=1, kind="stable")[:, :nearest] for table in (far, flat))
    kept = sum(len(np.intersect1d(a, b)) for a, b in zip(there, here, strict=True))
    return round(kept / there.size, 2)


def themes(vectors: Vectors, count: int, rounds: int = 50) -> Indices:
    """Return the number of the theme of each vector: spherical k-means, no chance anywhere.

    The first centre is the vector nearest to the mean, each next one the vector farthest from all centres; ties go
    to the first. Themes are numbered by size, then by their first vector. Source of the method: Dhillon & Modha
    2001, https://doi.org/10.1023/A:1007612920971
    """
    count = min(count, len(np.unique(vectors.round(5), axis=0))) if len(vectors) else 0
    if count < 2:
        return np.zeros(len(vectors), np.int64)
    whole = vectors.astype(np.float64)
    centres = whole[farthest_first(vectors, count)]
    label = np.full(len(whole), -1)
    for _ in range(rounds):
        new = (whole @ centres.T).round(9).argmax(axis=1)
        if (new == label).all():
            break
        label = new
        for theme in range(count):
            if (mine := label == theme).any():
                middle = whole[mine].sum(axis=0)
                centres[theme] = middle / max(float(np.linalg.norm(middle)), 1e-12)
    size = Counter(label.tolist())
    first = {theme: int(np.argmax(label == theme)) for theme in size}
    rank = {theme: n for n, theme in enumerate(sorted(size, key=lambda t: (-size[t], first[t])))}
    return np.array([rank[theme] for theme in label.tolist()], np.int64)


def farthest_first(vectors: Vectors, count: int, start: Sequence[int] = ()) -> list[int]:
    """Return `count` indices, each the one least alike to those before it.

    Source: Gonzalez 1985, https://doi.org/10.1016/0304-3975(85)90224-5, a 2-approximation of k-centre.

    The first is the vector nearest to the mean, unless `start` names some. Ties go to the smaller index. More than
    `WHOLE` vectors are parted along the line between two far ones first, and each part gives its share: the work grows
    with the number of vectors, not with its square.
    """
    if len(vectors) > WHOLE and not start and count < len(vectors):
        return [int(at) for part, some in _parts(vectors, count) for at in part[farthest_first(vectors[part], some)]]
    whole = vectors.astype(np.float64)
    chosen = list(start) or [int((whole @ whole.mean(axis=0)).round(9).argmax())]
    nearest = (whole @ whole[chosen].T).max(axis=1)
    likeness = likenesses(whole, count)
    while len(chosen) < min(count, len(whole)):
        nearest[chosen] = np.inf
        new = int(nearest.round(9).argmin())
        chosen.append(new)
        nearest = np.maximum(nearest, likeness(new))
    return chosen[:count]


def likenesses(whole: Floats, count: int) -> Callable[[int], Floats]:
    """Return what gives the products of one row with all, made at once where `count` of them will be asked for."""
    if len(whole) <= WHOLE and count * 16 > len(whole):
        products: Floats = whole @ whole.T
        return products.__getitem__
    return lambda row: np.asarray(whole @ whole[row], np.float64)


def _parts(vectors: Vectors, count: int) -> list[tuple[Indices, int]]:
    """Return parts of at most `WHOLE` neighbouring vectors, and how many of `count` each gives (largest remainders)."""
    one = vectors[int((vectors @ vectors.mean(axis=0)).round(5).argmin())].astype(np.float64)
    other = vectors[int((vectors @ one.astype(np.float32)).round(5).argmin())].astype(np.float64)
    order = np.argsort((vectors.astype(np.float64) @ (one - other)).round(9), kind="stable")
    parts = np.array_split(order, -(-len(order) // WHOLE))
    exact = np.array([count * len(part) / len(order) for part in parts])
    some = np.floor(exact).astype(np.int64)
    some[np.argsort(some - exact, kind="stable")[: count - some.sum()]] += 1
    return [(part, n) for part, n in zip(parts, some.tolist(), strict=True) if n]


def deal(
    groups: Mapping[str, Counter[str]], shares: Mapping[str, float], seed: int = 0, keep: str = "train"
) -> dict[str, str]:
    """Return the split of each group, so that every stratum is shared out as `shares` asks, and no group is cut.

    `groups` counts each group's rows by stratum. Large groups go first, to the split that is then nearest to what
    it should hold (least squares over strata and size); equal groups by a hash of seed and name, so that neither
    the order of rows nor one added scenario reshuffles the rest. Source: Sechidis et al. 2011,
    https://doi.org/10.1007/978-3-642-23808-6_10, with whole groups in the place of single rows.
    """
    order = sorted(groups, key=lambda g: (-groups[g].total(), hashlib.sha256(f"{seed}|{g}".encode()).digest()))
    total = sum(groups.values(), Counter[str]())
    wanted = {split: Counter({s: n * share for s, n in total.items()}) for split, share in shares.items()}
    held: dict[str, Counter[str]] = {split: Counter() for split in shares}
    dealt: dict[str, str] = {}
    for group in order:
        mine = groups[group]

        def gain(split: str, mine: Counter[str] = mine) -> float:
            """How much nearer this split comes to what it should hold, relative to its size."""
            size = sum(wanted[split].values()) or 1e-9
            short = sum(n * (wanted[split][s] - held[split][s]) / (total[s] or 1) for s, n in mine.items())
            room = (sum(wanted[split].values()) - held[split].total()) / size
            return room + short / max(mine.total(), 1)

        split = max(shares, key=lambda s: (round(gain(s), 9), s == keep, s))
        dealt[group] = split
        held[split] += mine
    return dealt
