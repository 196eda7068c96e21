"""Scores of predictions, with intervals that know that answers to one scenario belong together."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from curator.maths.power import by_cluster, detectable, standard_error, t_interval

EXACT = 16  # clusters up to which every sign pattern is tried
FEW = 25  # clusters under which a bootstrap interval is too narrow


def accuracy(predicted: Sequence[str], true: Sequence[str]) -> float:
    """Return the share that was predicted rightly.

    >>> accuracy(["a", "b"], ["a", "a"])
    0.5
    """
    return sum(p == t for p, t in zip(predicted, true, strict=True)) / len(true)


def macro_f1(predicted: Sequence[str], true: Sequence[str]) -> float:
    """Return the F1 of each label that occurs at all, averaged: rare labels count as much as common ones.

    >>> round(macro_f1(["a", "a", "b"], ["a", "b", "b"]), 3)
    0.667
    """
    scores = []
    for label in sorted({*predicted, *true}):
        hit = sum(p == t == label for p, t in zip(predicted, true, strict=True))
        scores.append(2 * hit / (sum(p == label for p in predicted) + sum(t == label for t in true)))
    return sum(scores) / len(scores)


def cross_entropy(probabilities: Sequence[dict[str, float]], true: Sequence[str]) -> float:
    """Return the mean of minus the log of the probability that was given to what is true; 0 is perfect.

    A proper score: it sees a model that grows surer of the right verdict before accuracy does.

    >>> round(cross_entropy([{"a": 0.5, "b": 0.5}], ["b"]), 4)
    0.6931
    """
    told = [max(p[t], 1e-12) for p, t in zip(probabilities, true, strict=True)]
    return -sum(math.log(p) for p in told) / len(told)


def calibration_error(probabilities: Sequence[dict[str, float]], true: Sequence[str], bins: int = 10) -> float:
    """Return how far the probability of the likeliest label is from how often it is right, over equal-width bins.

    Expected calibration error (Guo et al. 2017, https://arxiv.org/abs/1706.04599).

    >>> round(calibration_error([{"a": 0.9, "b": 0.1}] * 10, ["a"] * 9 + ["b"]), 4)
    0.0
    """
    sure = np.array([max(p.values()) for p in probabilities])
    right = np.array([max(p, key=p.__getitem__) == t for p, t in zip(probabilities, true, strict=True)], dtype=float)
    place = np.minimum((sure * bins).astype(int), bins - 1)
    gaps = [
        (place == b).sum() * abs(sure[place == b].mean() - right[place == b].mean())
        for b in range(bins)
        if (place == b).any()
    ]
    return float(sum(gaps)) / len(sure)


def cluster_interval(
    values: Sequence[float], clusters: Sequence[str], *, draws: int = 2000, seed: int = 1, level: float = 0.95
) -> tuple[float, float] | None:
    """Return the interval of the mean where whole clusters vary; None where there are fewer than two.

    Percentiles of means over `draws` samples of clusters with replacement. With fewer than 25 clusters these are too
    narrow (in 600 simulated runs with 12 clusters 9.7 % of them missed the truth), so there it is the t interval with
    the clustered standard error (4.8 %). `interval_method` says which. A t interval of shares can pass 0 or 1.

    >>> low, high = cluster_interval([0, 1, 1, 1, 0, 1], list("xxyyzz"))
    >>> (round(low, 2), round(high, 2))
    (-0.05, 1.38)
    """
    sums, counts = by_cluster(values, clusters)
    if len(sums) < 2:
        return None
    if len(sums) < FEW:
        error = standard_error(values, clusters) or 0.0
        return t_interval(float(sums.sum() / counts.sum()), error, len(sums) - 1, level)
    drawn = np.random.default_rng(seed).integers(len(sums), size=(draws, len(sums)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def interval_method(clusters: Sequence[str]) -> str | None:
    """Say how `cluster_interval` finds its ends: "cluster t" or "cluster bootstrap"; None where it finds none.

    >>> interval_method(["x", "y", "x"])
    'cluster t'
    """
    count = len(set(clusters))
    return None if count < 2 else "cluster t" if count < FEW else "cluster bootstrap"


def sign_flip(values: Sequence[float], clusters: Sequence[str], *, draws: int = 10_000, seed: int = 1) -> float | None:
    """Return the chance of a mean this far from zero if each cluster's sign were a coin's; None without clusters.

    Every pattern of signs up to 16 clusters, else `draws` random ones (and the one seen). Two-sided.

    >>> sign_flip([1, 1, 1, 1, 1], list("abcde"))
    0.0625
    """
    sums, _ = by_cluster(values, clusters)
    if not len(sums):
        return None
    seen = abs(sums.sum()) - 1e-9
    if len(sums) <= EXACT:
        patterns = (np.arange(2 ** len(sums))[:, None] >> np.arange(len(sums)) & 1) * 2 - 1
        return float((abs(patterns @ sums) >= seen).mean())
    signs = np.random.default_rng(seed).integers(2, size=(draws, len(sums))) * 2 - 1
    return float(((abs(signs @ sums) >= seen).sum() + 1) / (draws + 1))


def paired(
    before: Sequence[float], after: Sequence[float], clusters: Sequence[str], *, seed: int = 1
) -> dict[str, float | int | str | list[float] | None]:
    """Return the mean difference after - before over the same rows, and what to make of it.

    Keys: n, clusters, difference, interval and its method (see `cluster_interval`), p (see `sign_flip`), and
    detectable, the smallest true difference that so many clusters would have shown (80 % power at 5 %).

    >>> paired([0, 0, 1], [1, 0, 1], ["x", "y", "y"])["clusters"]
    2
    """
    gains = [a - b for a, b in zip(after, before, strict=True)]
    interval = cluster_interval(gains, clusters, seed=seed)
    return {
        "n": len(gains),
        "clusters": len(set(clusters)),
        "difference": sum(gains) / len(gains) if gains else None,
        "interval": list(interval) if interval else None,
        "method": interval_method(clusters),
        "detectable": detectable(standard_error(gains, clusters), max(1, len(set(clusters)) - 1)),
        "p": sign_flip(gains, clusters, seed=seed),
    }


def mcnemar(before: Sequence[bool], after: Sequence[bool]) -> float:
    """Return the exact two-sided p-value of McNemar's test: among rows where only one was right, is it evenly either?

    It takes rows as independent: for one row a scenario. Where several people judge a scenario, use `sign_flip`.

    >>> mcnemar([False] * 5 + [True], [True] * 5 + [True])
    0.0625
    """
    better = sum(a and not b for b, a in zip(before, after, strict=True))
    worse = sum(b and not a for b, a in zip(before, after, strict=True))
    n, k = better + worse, min(better, worse)
    ways = sum(math.comb(n, i) for i in range(k + 1))
    return min(1.0, ways / 2 ** (n - 1)) if n else 1.0


def holm(p_values: dict[str, float]) -> dict[str, float]:
    """Return p-values adjusted for having asked several questions (Holm 1979).

    >>> holm({"a": 0.01, "b": 0.04})
    {'a': 0.02, 'b': 0.04}
    """
    adjusted: dict[str, float] = {}
    least = 0.0
    for rank, name in enumerate(sorted(p_values, key=lambda n: (p_values[n], n))):
        least = max(least, min(1.0, p_values[name] * (len(p_values) - rank)))
        adjusted[name] = least
    return {name: adjusted[name] for name in p_values}


def most_frequent(labels: Sequence[str], order: Sequence[str]) -> str:
    """Return the label that occurs most; ties go to the one that stands first in `order`.

    >>> most_frequent(["b", "a"], order=["a", "b"])
    'a'
    """
    count: Callable[[str], int] = list(labels).count
    return max(order, key=lambda label: (count(label), -order.index(label)))
