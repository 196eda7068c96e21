"""Agreement between people who judged the same things: alpha, Fleiss' and Cohen's kappa, for missing data."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curator.maths.resampling import Floats, distinct, interval_of

Counts = NDArray[np.float64]  # (units, values): how many gave this value to this unit
Ints = NDArray[np.int64]

TWICE = "fewer than two scenarios were judged twice"
BOTH = "fewer than two scenarios were judged by both"
UNANIMOUS = "everybody gave the same verdict, so chance cannot be told from agreement"


@dataclass(frozen=True)
class Agreement:
    """Krippendorff's alpha with its 95 % interval, or the reason why there is none."""

    alpha: float | None
    low: float | None
    high: float | None
    units: int  # judged at least twice
    answers: int  # on those units
    why: str = ""


@dataclass(frozen=True)
class Kappa:
    """Cohen's or Fleiss' kappa with its 95 % interval, or the reason why there is none."""

    kappa: float | None
    low: float | None
    high: float | None
    units: int
    why: str = ""


def nominal(values: Floats) -> Floats:
    """Return the distances of labels: 0 to itself, 1 to any other. Shape (values, values)."""
    return np.asarray(1.0 - np.eye(len(values)), np.float64)


def interval(values: Floats) -> Floats:
    """Return the squared differences of numbers. Shape (values, values)."""
    return np.asarray((values[:, None] - values[None, :]) ** 2, np.float64)


def midranks(total: Floats) -> Floats:
    """Return where each value stands in an order, in answers: those below it and half of its own.

    The ordinal distance of Krippendorff is the interval distance of these.
    """
    return np.asarray(np.cumsum(total) - total / 2, np.float64)


def counted(cell: Ints, *shape: int) -> Counts:
    """Count how often each cell of a table of this shape is named by its number."""
    return np.asarray(np.bincount(cell, minlength=math.prod(shape)).reshape(shape), np.float64)


def codes(key: Ints) -> tuple[Ints, int]:
    """Return small numbers, 0 and up, that stand for the keys, and how many; dense keys stand for themselves."""
    if not len(key):
        return key, 0
    low, high = int(key.min()), int(key.max())
    if high - low < 8 * len(key):  # then sorting them would only cost time
        return key - low, high - low + 1
    names, at = np.unique(key, return_inverse=True)
    return at, len(names)


def table(units: Ints, values: Ints, size: int) -> Counts:
    """Count the answers, shape (units judged at least twice, size); values are 0 to size - 1."""
    if not len(units):
        return np.zeros((0, size))
    at, number = codes(units)
    counts = counted(at * size + values, number, size)
    return np.asarray(counts[counts.sum(axis=1) > 1], np.float64)


def coefficient(counts: Counts, distance: Callable[[Floats], Floats], scale: Floats) -> float | None:
    """Return Krippendorff's alpha: 1 - observed / expected disagreement; None where all gave one value.

    `scale` are the values that the columns of `counts` stand for. Source: Krippendorff 2011,
    https://repository.upenn.edu/asc_papers/43

    >>> table_ = np.array([[2, 0], [0, 2], [1, 1]])
    >>> round(coefficient(table_, nominal, np.arange(2.0)), 4)
    0.4444
    """
    apart = distance(scale)
    sums = np.hstack([_disagreement(counts, apart)[:, None], counts]).sum(axis=0, keepdims=True)
    alpha = float(_alphas(sums, apart)[0])
    return None if np.isnan(alpha) else alpha


def _disagreement(counts: Counts, apart: Floats) -> Floats:
    within = ((counts @ apart) * counts).sum(axis=1)  # ordered pairs inside a unit
    return np.asarray(within / (counts.sum(axis=1) - 1), np.float64)


def _alphas(sums: Floats, apart: Floats) -> Floats:
    """Return alpha for each row of sums: the disagreement in units, then the total of each value. NaN: undefined."""
    inside, total = sums[:, 0], sums[:, 1:]
    n = total.sum(axis=1)
    expected = ((total @ apart) * total).sum(axis=1) / (n - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(expected > 0, 1 - inside / expected, np.nan), np.float64)


def krippendorff(
    units: Ints, values: Ints, size: int, *, level: str = "nominal", draws: int = 1000, seed: int = 0
) -> Agreement:
    """Return alpha over the units judged at least twice, with a percentile bootstrap interval over units.

    `level` is nominal, ordinal or interval; `values` are 0 to size - 1 in their order.
    """
    return alpha_of(*distinct(table(units, values, size)), level=level, draws=draws, seed=seed)


def alpha_of(kinds: Counts, times: Ints, *, level: str = "nominal", draws: int = 1000, seed: int = 0) -> Agreement:
    """Return alpha of counts that stand for `times` units each, all judged at least twice."""
    units, answers = int(times.sum()), int(times @ kinds.sum(axis=1))
    if units < 2:
        return Agreement(None, None, None, units, answers, TWICE)
    scale = midranks(times @ kinds) if level == "ordinal" else np.arange(kinds.shape[1], dtype=np.float64)
    apart = nominal(scale) if level == "nominal" else interval(scale)
    looks = np.hstack([_disagreement(kinds, apart)[:, None], kinds])
    alpha, low, high = interval_of(lambda sums: _alphas(sums, apart), looks, times, draws, seed)
    return Agreement(alpha, low, high, units, answers, "" if alpha is not None else UNANIMOUS)


def fleiss(units: Ints, values: Ints, size: int, *, draws: int = 1000, seed: int = 0) -> Kappa:
    """Return Fleiss' kappa over the units judged at least twice, each by as many as judged it.

    Source: Fleiss 1971, https://doi.org/10.1037/h0031619. He had the same number of judges for each; with gaps, a
    unit's share of agreeing pairs is one look, and chance comes from all answers.
    """
    return fleiss_of(*distinct(table(units, values, size)), draws=draws, seed=seed)


def fleiss_of(kinds: Counts, times: Ints, *, draws: int = 1000, seed: int = 0) -> Kappa:
    """Return Fleiss' kappa of counts that stand for `times` units each, all judged at least twice."""
    units = int(times.sum())
    if units < 2:
        return Kappa(None, None, None, units, TWICE)
    n = kinds.sum(axis=1)
    agree = ((kinds**2).sum(axis=1) - n) / (n * (n - 1))
    looks = np.hstack([agree[:, None], np.ones((len(kinds), 1)), kinds])

    def kappas(sums: Floats) -> Floats:
        share = sums[:, 2:] / sums[:, 2:].sum(axis=1, keepdims=True)
        return beyond_chance(sums[:, 0] / sums[:, 1], (share**2).sum(axis=1))

    kappa, low, high = interval_of(kappas, looks, times, draws, seed)
    return Kappa(kappa, low, high, units, "" if kappa is not None else UNANIMOUS)


def cohen(a: tuple[Ints, Ints], b: tuple[Ints, Ints], size: int, *, draws: int = 1000, seed: int = 0) -> Kappa:
    """Return Cohen's kappa between two sides, each (units, values).

    Where a side has several answers to a unit, one of them is drawn, as it were: the unit counts once, by the share of
    pairs across that agree, and chance comes from the mean shares of both sides. With one answer a side this is Cohen
    1960, https://doi.org/10.1177/001316446002000104; with more, the pairwise mean of Schouten 1982 (Statistica
    Neerlandica 36, 45-61).

    >>> units = np.arange(4)
    >>> cohen((units, np.array([0, 0, 1, 1])), (units, np.array([0, 0, 1, 0])), 2).kappa
    0.5
    """
    common, at = np.unique(np.concatenate([a[0], b[0]]), return_inverse=True)
    left = counted(at[: len(a[0])] * size + a[1], len(common), size)
    right = counted(at[len(a[0]) :] * size + b[1], len(common), size)
    met = (left.sum(axis=1) > 0) & (right.sum(axis=1) > 0)
    return cohen_of(*distinct(np.hstack([left[met], right[met]])), draws=draws, seed=seed)


def cohen_of(kinds: Counts, times: Ints, *, draws: int = 1000, seed: int = 0) -> Kappa:
    """Return Cohen's kappa of counts by one side and, beside them, by the other, that stand for `times` units each."""
    units, size = int(times.sum()), kinds.shape[1] // 2
    if units < 2:
        return Kappa(None, None, None, units, BOTH)
    one, other = (side / side.sum(axis=1, keepdims=True) for side in (kinds[:, :size], kinds[:, size:]))
    looks = np.hstack([(one * other).sum(axis=1, keepdims=True), np.ones((len(kinds), 1)), one, other])

    def kappas(sums: Floats) -> Floats:
        share = sums / sums[:, 1:2]
        return beyond_chance(share[:, 0], (share[:, 2 : 2 + size] * share[:, 2 + size :]).sum(axis=1))

    kappa, low, high = interval_of(kappas, looks, times, draws, seed)
    return Kappa(kappa, low, high, units, "" if kappa is not None else UNANIMOUS)


def beyond_chance(agree: Floats, chance: Floats) -> Floats:
    """Return (agree - chance) / (1 - chance), NaN where chance alone would agree always."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(chance < 1 - 1e-12, (agree - chance) / (1 - chance), np.nan), np.float64)
