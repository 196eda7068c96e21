"""Bootstrap intervals that cost as much as there are different looks, not as much as there are looks."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MANY = 20_000  # looks, from which a sum over a sample of them is normal to three digits


def distinct(looks: Floats, times: Ints | None = None) -> tuple[Floats, Ints]:
    """Return the rows of `looks` that differ, and how often each stands there; their order is fixed by what they say.

    A million judged units have a few hundred different counts of answers, and what is equal may be drawn together.
    `times` says how often each row stands for itself already.
    """
    if not len(looks):
        return looks, np.zeros(0, np.int64)
    mark = np.zeros(len(looks), np.uint64)
    bits = np.ascontiguousarray(looks + 0.0).view(np.uint64)
    for column in range(looks.shape[1]):  # murmur3's mixing: 64 bits stand for a row
        mark ^= bits[:, column]
        mark ^= mark >> np.uint64(33)
        mark *= np.uint64(0xFF51AFD7ED558CCD)
        mark ^= mark >> np.uint64(33)
        mark += np.uint64(0x9E3779B97F4A7C15)
    if times is None:
        _, first, counts = np.unique(mark, return_index=True, return_counts=True)
        return looks[first], counts.astype(np.int64)
    _, first, at = np.unique(mark, return_index=True, return_inverse=True)
    return looks[first], np.bincount(at, weights=times).astype(np.int64)


def drawn(looks: Floats, times: Ints, draws: int, seed: int) -> Floats:
    """Return the sums of the looks of `draws` bootstrap samples, shape (draws, columns of looks).

    From `MANY` looks on, the sums are drawn from the normal distribution that they have in the limit.
    """
    chance, n = np.random.default_rng(seed), int(times.sum())
    if n < MANY:
        samples = (chance.multinomial(n, times / n) for _ in range(draws))
        return np.stack([sample.astype(np.float64) @ looks for sample in samples])
    mean = times @ looks / n
    off = looks - mean
    spread, axes = np.linalg.eigh((off * times[:, None]).T @ off)
    axes = axes * np.where(axes[np.abs(axes).argmax(axis=0), range(len(axes))] < 0, -1.0, 1.0)
    pull = np.sqrt(np.maximum(spread, 0))[:, None] * axes.T
    return np.asarray(n * mean + chance.standard_normal((draws, len(mean))) @ pull, np.float64)


def interval_of(
    statistic: Callable[[Floats], Floats], looks: Floats, times: Ints, draws: int, seed: int
) -> tuple[float | None, float | None, float | None]:
    """Return a statistic of sums over looks with its 95 % percentile interval, rounded to 4 places.

    `statistic` takes (samples, columns) and gives one number a sample, NaN where it is undefined; then all are None.
    """
    value = float(statistic((times @ looks)[None, :])[0])
    if np.isnan(value):
        return None, None, None
    sampled = statistic(drawn(looks, times, draws, seed))
    sure = sampled[~np.isnan(sampled)]
    if not len(sure):
        return round(value, 4), None, None
    low, high = np.percentile(sure, [2.5, 97.5])
    return round(value, 4), round(float(low), 4), round(float(high), 4)
