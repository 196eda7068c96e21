"""What can be said of each annotator: how they agree with themselves, and with others of their role."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
    _, cell = np.unique(np.stack([unit, role]), axis=1, return_inverse=True)
    _, same = np.unique(np.stack([cell.ravel(), value]), axis=1, return_inverse=True)
    others = np.bincount(cell.ravel())[cell.ravel()] - 1
    alike = np.bincount(same.ravel())[same.ravel()] - 1
    looked = others > 0
    part = alike[looked] / others[looked]
    looks = np.bincount(who[looked], minlength=people)
    hits = np.bincount(who[looked], weights=part, minlength=people)
    return [wilson(float(h), int(n)) for h, n in zip(hits, looks, strict=True)]
