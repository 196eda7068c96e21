"""How sure a mean over clusters is, how small an effect it could have shown, and how two such means compare."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def by_cluster(values: Sequence[float], clusters: Sequence[str]) -> tuple[Floats, Floats]:
    """Return the sum and the count of each cluster's values, clusters in the order of their names.

    >>> [part.tolist() for part in by_cluster([1, 2, 4], ["y", "x", "y"])]
    [[2.0, 5.0], [1.0, 2.0]]
    """
    names = sorted(set(clusters))
    place = {name: n for n, name in enumerate(names)}
    at = np.array([place[c] for c in clusters], dtype=np.intp)
    sums = np.bincount(at, weights=np.asarray(values, dtype=np.float64), minlength=len(names))
    return sums.astype(np.float64), np.bincount(at, minlength=len(names)).astype(np.float64)


def standard_error(values: Sequence[float], clusters: Sequence[str]) -> float | None:
    """Return the clustered standard error of the mean; None where there are fewer than two clusters.

    The root of the sum over clusters of the square of their summed deviations, over n (Miller 2024,
    https://arxiv.org/abs/2411.00640), times the root of G/(G - 1) for G clusters (Cameron and Miller 2015, "A
    Practitioner's Guide to Cluster-Robust Inference", Journal of Human Resources 50). With one row a cluster it is the
    textbook's standard deviation over the root of n.

    >>> round(standard_error([0, 1, 0, 1], list("abcd")), 4), round(standard_error([0, 1, 0, 1], list("aabb")), 4)
    (0.2887, 0.0)
    """
    sums, counts = by_cluster(values, clusters)
    if len(sums) < 2:
        return None
    deviations = sums - counts * (sums.sum() / counts.sum())
    return float(np.sqrt(len(sums) / (len(sums) - 1) * (deviations**2).sum()) / counts.sum())


@lru_cache(maxsize=1024)
def t_quantile(share: float, freedom: float) -> float:
    """Return the value below which Student's t with `freedom` degrees lies with chance `share`, at least a half.

    With t = sqrt(freedom) tan(angle) the density is cos(angle) to the power of freedom - 1, which is summed up.

    >>> [round(t_quantile(0.975, freedom), 4) for freedom in (1, 9, 34, 1e6)]
    [12.7062, 2.2622, 2.0322, 1.96]
    """
    angles = np.linspace(0, min(np.pi / 2, 40 / freedom**0.5), 100_001)
    density = np.cos(angles) ** (freedom - 1)
    below = np.concatenate([[0.0], np.cumsum(density[1:] + density[:-1])])
    angle = np.interp(share - 0.5, below / below[-1] / 2, angles)
    return float(freedom**0.5 * np.tan(angle))


def t_interval(mean: float, error: float, freedom: float, level: float = 0.95) -> tuple[float, float]:
    """Return mean -/+ the t quantile of `freedom` degrees times its error: for G clusters, G - 1 (Cameron and Miller).

    >>> low, high = t_interval(0.0, 1.0, 9)
    >>> (round(low, 3), round(high, 3))
    (-2.262, 2.262)
    """
    reach = t_quantile((1 + level) / 2, freedom) * error
    return mean - reach, mean + reach


def detectable(error: float | None, freedom: float, *, size: float = 0.05, power: float = 0.8) -> float | None:
    """Return the smallest true difference that would have been shown with this power; None where nothing varies.

    (t of 1 - size/2 plus t of power) standard errors: Bloom 1995, "Minimum Detectable Effects", Evaluation Review 19.
    With many clusters that is 2.8 standard errors (Gelman and Hill 2007, chapter 20), with ten it is 3.1.

    >>> round(detectable(1.0, 10_000), 2), round(detectable(1.0, 9), 2)
    (2.8, 3.15)
    """
    if not error:
        return None
    return (t_quantile(1 - size / 2, freedom) + t_quantile(power, freedom)) * error


def apart(
    one: tuple[Sequence[float], Sequence[str]], other: tuple[Sequence[float], Sequence[str]], *, few: int = 25
) -> dict[str, float | int | str | list[float] | None]:
    """Return the mean of `one` minus that of `other`, two sets of (values, clusters) that share no cluster.

    Keys: difference, interval (None where one has fewer than two clusters), method, clusters, detectable. The interval
    draws whole clusters of each set (2,000 times); where one has fewer than `few`, it is Welch's t with clustered
    errors (Welch 1947, Biometrika 34; degrees of freedom by Satterthwaite).

    >>> found = apart(([1, 1, 0], list("abc")), ([0, 0, 1], list("xyz")))
    >>> round(found["difference"], 3), found["method"], found["clusters"]
    (0.333, 'cluster t', 6)
    """
    sets = [by_cluster(*one), by_cluster(*other)]
    sizes = [len(sums) for sums, _ in sets]
    if not all(sizes):
        return {"difference": None, "interval": None, "method": None, "clusters": sum(sizes), "detectable": None}
    means = [float(sums.sum() / counts.sum()) for sums, counts in sets]
    difference = means[0] - means[1]
    errors = [standard_error(*one), standard_error(*other)]
    parts = [0.0 if error is None else error**2 for error in errors]
    interval, method, least = None, None, None
    if None not in errors:
        whole = sum(parts)
        shares = sum(part**2 / (size - 1) for part, size in zip(parts, sizes, strict=True))
        freedom = whole**2 / shares if shares else float(sum(sizes) - 2)
        least = detectable(whole**0.5, freedom)
        if min(sizes) < few:
            interval, method = list(t_interval(difference, whole**0.5, freedom)), "cluster t"
        else:
            interval, method = _drawn(sets), "cluster bootstrap"
    return {
        "difference": difference,
        "interval": interval,
        "method": method,
        "clusters": sum(sizes),
        "detectable": least,
    }


def _drawn(sets: list[tuple[Floats, Floats]], draws: int = 2000, seed: int = 1) -> list[float]:
    chance = np.random.default_rng(seed)
    means = []
    for sums, counts in sets:
        at = chance.integers(len(sums), size=(draws, len(sums)))
        means.append(sums[at].sum(axis=1) / counts[at].sum(axis=1))
    low, high = np.quantile(means[0] - means[1], [0.025, 0.975])
    return [float(low), float(high)]
