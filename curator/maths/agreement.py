"""Agreement between people who judged the same things: Krippendorff's alpha, with intervals, for missing data."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.float64]  # (units, values): how many gave this value to this unit


@dataclass(frozen=True)
class Agreement:
    """A coefficient with its 95 % interval, or the reason why there is none."""

    alpha: float | None
    low: float | None
    high: float | None
    units: int  # judged at least twice
    answers: int  # on those units
    why: str = ""


def nominal(values: Floats) -> Floats:
    """Return the distances of labels: 0 to itself, 1 to any other. Shape (values, values)."""
    return np.asarray(1.0 - np.eye(len(values)), np.float64)


def interval(values: Floats) -> Floats:
    """Return the squared differences of numbers. Shape (values, values)."""
    return np.asarray((values[:, None] - values[None, :]) ** 2, np.float64)


def table(units: NDArray[np.int64], values: NDArray[np.int64], size: int) -> Counts:
    """Count the answers, shape (units judged at least twice, size); values are 0 to size - 1."""
    if not len(units):
        return np.zeros((0, size))
    names, at = np.unique(units, return_inverse=True)
    counts = np.zeros((len(names), size))
    np.add.at(counts, (at, values), 1)
    return np.asarray(counts[counts.sum(axis=1) > 1], np.float64)


def coefficient(counts: Counts, distance: Callable[[Floats], Floats], scale: Floats) -> float | None:
    """Return Krippendorff's alpha: 1 - observed / expected disagreement; None where all gave one value.

    `scale` are the values that the columns of `counts` stand for. Source: Krippendorff 2011,
    https://repository.upenn.edu/asc_papers/43

    >>> table_ = np.array([[2, 0], [0, 2], [1, 1]])
    >>> round(coefficient(table_, nominal, np.arange(2.0)), 4)
    0.4444
    """
    people = counts.sum(axis=1)
    total = counts.sum(axis=0)
    n = total.sum()
    if (total > 0).sum() < 2:
        return None
    apart = distance(scale)
    within = np.einsum("uv,vw,uw->u", counts, apart, counts)  # ordered pairs inside a unit
    observed = (within / (people - 1)).sum() / n
    expected = float(total @ apart @ total) / (n * (n - 1))
    return float(1 - observed / expected)


def ordinal(counts: Counts) -> Callable[[Floats], Floats]:
    """Return the ordinal distance for these counts: squared sum of what lies between two ranks, ends halved."""
    total = counts.sum(axis=0)

    def distance(values: Floats) -> Floats:
        upto = np.cumsum(total)
        low, high = (
            np.minimum.outer(range(len(values)), range(len(values))),
            np.maximum.outer(range(len(values)), range(len(values))),
        )
        between = upto[high] - upto[low] + total[low] - (total[low] + total[high]) / 2
        return np.asarray(np.where(low == high, 0.0, between**2), np.float64)

    return distance


def krippendorff(
    units: NDArray[np.int64],
    values: NDArray[np.int64],
    size: int,
    *,
    level: str = "nominal",
    draws: int = 1000,
    seed: int = 0,
) -> Agreement:
    """Return alpha over the units judged at least twice, with a percentile bootstrap interval over units.

    `level` is nominal, ordinal or interval; `values` are 0 to size - 1 in their order.
    """
    counts = table(units, values, size)
    answers = int(counts.sum())
    if len(counts) < 2:
        return Agreement(None, None, None, len(counts), answers, "fewer than two scenarios were judged twice")
    scale = np.arange(size, dtype=np.float64)
    distance = ordinal(counts) if level == "ordinal" else {"nominal": nominal, "interval": interval}[level]
    alpha = coefficient(counts, distance, scale)
    if alpha is None:
        return Agreement(
            None,
            None,
            None,
            len(counts),
            answers,
            "everybody gave the same verdict, so chance cannot be told from agreement",
        )
    chance = np.random.default_rng(seed)
    drawn = [coefficient(counts[chance.integers(0, len(counts), len(counts))], distance, scale) for _ in range(draws)]
    sure = np.array([a for a in drawn if a is not None])
    low, high = np.percentile(sure, [2.5, 97.5]) if len(sure) else (np.nan, np.nan)
    if not len(sure):
        return Agreement(round(alpha, 4), None, None, len(counts), answers, "too few for an interval")
    return Agreement(round(alpha, 4), round(float(low), 4), round(float(high), 4), len(counts), answers)
