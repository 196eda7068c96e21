"""What can be said of each annotator: how they agree with themselves, and with others of their role."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curator.maths.agreement import Kappa, beyond_chance, codes, counted

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Z = 1.959963984540054  # 95 %


@dataclass(frozen=True)
class Share:
    """A share of `of` looks, with a 95 % interval; all None where there was nothing to look at."""

    share: float | None
    low: float | None
    high: float | None
    of: int


def wilson(hits: float, of: int) -> Share:
    """Return hits / of with Wilson's score interval; `hits` may be a sum of parts.

    Source: Wilson 1927, https://doi.org/10.1080/01621459.1927.10502953

    >>> wilson(8, 10)
    Share(share=0.8, low=0.4902, high=0.9433, of=10)
    >>> wilson(0, 0)
    Share(share=None, low=None, high=None, of=0)
    """
    if of == 0:
        return Share(None, None, None, 0)
    p = hits / of
    middle = (p + Z * Z / (2 * of)) / (1 + Z * Z / of)
    half = Z * np.sqrt(p * (1 - p) / of + Z * Z / (4 * of * of)) / (1 + Z * Z / of)
    return Share(round(p, 4), round(float(max(0.0, middle - half)), 4), round(float(min(1.0, middle + half)), 4), of)


def self_consistency(unit: Ints, who: Ints, value: Ints, people: int) -> list[Share]:
    """Return for each of `people` the share of answers that say the same as the one they gave to that unit before.

    Rows come in the order in which they were given; each answer but the first to a unit is one look.
    """
    order = np.lexsort((np.arange(len(unit)), unit, who))
    u, w, v = unit[order], who[order], value[order]
    again = (u[1:] == u[:-1]) & (w[1:] == w[:-1])
    looks = np.bincount(w[1:][again], minlength=people)
    hits = np.bincount(w[1:][again & (v[1:] == v[:-1])], minlength=people)
    return [wilson(float(h), int(n)) for h, n in zip(hits, looks, strict=True)]


def agreement_with_role(unit: Ints, role: Ints, who: Ints, value: Ints, people: int) -> list[Share]:
    """Return for each of `people` how often others of their role, asked the same, said the same as they did.

    One row for a person, a role and a unit. A unit is one look, however many others judged it, and counts by the share
    of them who agree: answers to one unit hang together, so their number would make the interval too narrow.
    """
    if not len(unit):
        return [wilson(0, 0)] * people
    cell, cells = codes(unit * (int(role.max()) + 1) + role)
    size = int(value.max()) + 1
    others = np.bincount(cell)[cell] - 1
    alike = counted(cell * size + value, cells, size)[cell, value] - 1
    looked = others > 0
    part = alike[looked] / others[looked]
    looks = np.bincount(who[looked], minlength=people)
    hits = np.bincount(who[looked], weights=part, minlength=people)
    return [wilson(float(h), int(n)) for h, n in zip(hits, looks, strict=True)]


def kappas_with_self(unit: Ints, who: Ints, value: Ints, people: int, size: int) -> list[Kappa]:
    """Return Cohen's kappa of each of `people` between an answer and the one they gave to that unit before.

    Rows come in the order in which they were given; values are 0 to size - 1.
    """
    order = np.lexsort((np.arange(len(unit)), unit, who))
    u, w, v = unit[order], who[order], value[order]
    again = np.flatnonzero((u[1:] == u[:-1]) & (w[1:] == w[:-1]))
    return _kappas(w[again], v[again + 1], np.eye(size)[v[again]], people, "nothing was judged twice by this person")


def kappas_with_role(unit: Ints, role: Ints, who: Ints, value: Ints, people: int, size: int) -> list[Kappa]:
    """Return Cohen's kappa of each of `people` with the others of their role, who count by their shares.

    One row for a person, a role and a unit; values are 0 to size - 1.
    """
    cell, cells = codes(unit * (int(role.max(initial=0)) + 1) + role)
    others = counted(cell * size + value, cells, size)[cell]
    others[np.arange(len(value)), value] -= 1
    met = np.flatnonzero(others.sum(axis=1) > 0)
    others = others[met] / others[met].sum(axis=1, keepdims=True)
    return _kappas(who[met], value[met], others, people, "nobody else of the role judged what this person judged")


def _kappas(who: Ints, mine: Ints, theirs: Floats, people: int, none: str) -> list[Kappa]:
    """Return a kappa for each of `people` over looks: what they said, and the shares of what it is compared with.

    The interval is the large-sample one, by the influence of each look on kappa (Fleiss, Cohen & Everitt 1969,
    https://doi.org/10.1037/h0028106), for there may be thousands of people; below ten looks there is none.
    """
    size = theirs.shape[1]
    looks = np.bincount(who, minlength=people)
    n = np.maximum(looks, 1)[:, None]
    own = np.bincount(who * size + mine, minlength=people * size).reshape(people, size) / n
    other = np.stack([np.bincount(who, weights=theirs[:, v], minlength=people) for v in range(size)], axis=1) / n
    hit = theirs[np.arange(len(mine)), mine]
    agree = np.bincount(who, weights=hit, minlength=people) / n[:, 0]
    chance = (own * other).sum(axis=1)
    kappa = beyond_chance(agree, chance)
    pull = other[who, mine] + (own[who] * theirs).sum(axis=1) - 2 * chance[who]
    room = np.maximum(1 - chance, 1e-12)[who]
    influence = ((hit - agree[who]) * room - (1 - agree[who]) * pull) / room**2
    half = Z * np.sqrt(np.bincount(who, weights=influence**2, minlength=people)) / n[:, 0]
    return [_kappa(float(kappa[p]), float(half[p]), int(looks[p]), none) for p in range(people)]


def _kappa(kappa: float, half: float, looks: int, none: str) -> Kappa:
    if not looks:
        return Kappa(None, None, None, 0, none)
    if np.isnan(kappa):
        return Kappa(None, None, None, looks, "one verdict throughout, so chance cannot be told from agreement")
    if looks < 10:
        return Kappa(round(kappa, 4), None, None, looks, "fewer than ten looks: no interval")
    return Kappa(round(kappa, 4), round(max(kappa - half, -1.0), 4), round(min(kappa + half, 1.0), 4), looks)
