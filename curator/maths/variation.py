"""Where disagreement on one scenario comes from: the same person twice, people of one role, or the roles."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curator.maths.agreement import codes, counted, midranks
from curator.maths.resampling import Floats, Ints, distinct, drawn

PARTS = ("within person", "within role", "between roles")
WHY = {
    "within person": "nobody judged a scenario twice, so it cannot be told from what differs within a role",
    "within role": "no scenario was judged by two people of one role",
    "between roles": "no scenario was judged by two roles",
}
NONE_DIFFER = "nobody differed from anybody, so there is nothing to share out"


@dataclass(frozen=True)
class Part:
    """One part of the variation: its amount, its share with a 95 % interval, or why there is none."""

    part: str
    amount: float | None
    share: float | None
    low: float | None
    high: float | None
    scenarios: int  # that say something about it
    why: str = ""


def split_variation(
    unit: Ints, role: Ints, who: Ints, value: Floats, *, level: str = "nominal", draws: int = 500, seed: int = 0
) -> list[Part]:
    """Return the three parts of what differs on one scenario, repeated answers of a person included.

    Half the mean squared difference of two answers is their variance; for labels, half the share of pairs that differ
    (Light & Margolin 1971, https://doi.org/10.1080/01621459.1971.10482297). Taken over pairs by one person, by two
    people of one role and by two roles, the nested components follow by subtraction, the method of moments (Searle,
    Casella & McCulloch 1992, Variance Components, chapter 3). A part that comes out below zero is zero. Each scenario
    counts once. `level` is nominal, ordinal (values are 0 and up; their midranks are compared) or interval.
    """
    if level == "ordinal":
        place = value.astype(np.int64)
        value = midranks(np.bincount(place).astype(np.float64))[place] / max(len(place), 1)
    looks = _looks(unit, role, who, value, level)
    seen = (looks[:, 3:] > 0).sum(axis=0)
    kinds, times = distinct(looks)
    amounts = _amounts((times @ kinds)[None, :])[0] if len(kinds) else np.full(3, np.nan)
    sampled = _shares(_amounts(drawn(kinds, times, draws, seed))) if len(kinds) else np.zeros((0, 3))
    shares = _shares(amounts[None, :])[0]
    return [_part(at, amounts, shares, sampled[:, at], int(seen[at]), amounts[1:]) for at in range(3)]


def _part(at: int, amounts: Floats, shares: Floats, sampled: Floats, seen: int, needed: Floats) -> Part:
    name = PARTS[at]
    if np.isnan(amounts[at]):
        blame = PARTS[1] if at == 2 and seen else name
        return Part(name, None, None, None, None, seen, WHY[blame])
    amount = round(float(amounts[at]), 6)
    if np.isnan(shares[at]):
        blame = next((PARTS[n + 1] for n in (0, 1) if np.isnan(needed[n])), "")
        return Part(name, amount, None, None, None, seen, WHY.get(blame, NONE_DIFFER))
    sure = sampled[~np.isnan(sampled)]
    low, high = (round(float(x), 4) for x in np.percentile(sure, [2.5, 97.5])) if len(sure) > 1 else (None, None)
    return Part(name, amount, round(float(shares[at]), 4), low, high, seen)


def _looks(unit: Ints, role: Ints, who: Ints, value: Floats, level: str) -> Floats:
    """Return for each unit the mean squared difference of the three kinds of pairs, and whether it has such pairs."""
    unit, units = codes(unit)
    roles, people = int(role.max(initial=0)) + 1, int(who.max(initial=0)) + 1
    cell = unit * roles + role
    own, twice = repeats(cell * people + who)
    pairs, apart = [], []
    for key, held, wide in ((own, twice, roles * people), (cell, slice(None), roles), (unit, slice(None), 1)):
        n, unlike, owner = _pairs(key, value[held], level)
        pairs.append(np.bincount(owner // wide, weights=n, minlength=units))
        apart.append(np.bincount(owner // wide, weights=unlike, minlength=units))
    looks = np.zeros((units, 6))
    for at in range(3):  # pairs inside a level that are not inside the one below
        met = pairs[at] - pairs[at - 1] if at else pairs[0]
        differ = apart[at] - apart[at - 1] if at else apart[0]
        looks[:, at] = np.where(met > 0, differ / np.maximum(met, 1), 0.0).round(9)
        looks[:, 3 + at] = met > 0
    return looks


def repeats(key: Ints) -> tuple[Ints, NDArray[np.bool_]]:
    """Return the keys that stand there more than once, and where: the others have no pairs."""
    ordered = np.sort(key)
    twice = np.isin(key, ordered[1:][ordered[1:] == ordered[:-1]])
    return key[twice], twice


def _pairs(key: Ints, value: Floats, level: str) -> tuple[Floats, Floats, Ints]:
    """Return for each key the ordered pairs of answers, their summed squared differences, and the key."""
    at, number = codes(key)
    owner = np.zeros(number, np.int64)
    owner[at] = key
    n = np.bincount(at, minlength=number).astype(np.float64)
    if level == "nominal":
        code = value.astype(np.int64)
        size = int(code.max(initial=0)) + 1
        alike = (counted(at * size + code, number, size) ** 2).sum(axis=1)
        return n * (n - 1), n * n - alike, owner
    total = np.bincount(at, weights=value, minlength=number)
    squares = np.bincount(at, weights=value * value, minlength=number)
    return n * (n - 1), 2 * np.maximum(n * squares - total**2, 0), owner


def _amounts(sums: Floats) -> Floats:
    """Return the three components for each row of summed looks; NaN where no pair speaks of one."""
    with np.errstate(divide="ignore", invalid="ignore"):
        half = np.where(sums[:, 3:] > 0, sums[:, :3] / sums[:, 3:] / 2, np.nan)
    person, same_role, roles = half.T
    return np.stack(
        [person, np.maximum(same_role - np.nan_to_num(person), 0), np.maximum(roles - same_role, 0)], axis=1
    )


def _shares(amounts: Floats) -> Floats:
    """Return each part over the sum of all; without repeats the first is unknown and inside the second."""
    total = np.nan_to_num(amounts[:, 0]) + amounts[:, 1] + amounts[:, 2]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(total[:, None] > 0, amounts / total[:, None], np.nan), np.float64)
