"""How far a distribution over labels is from another."""

import math

LEAST = 1e-12  # the probability that something impossible is given, so that its surprise stays finite


def soft_cross_entropy(people: dict[str, float], told: dict[str, float]) -> float:
    """Return minus the people's shares times the logs of what was told, in nats; least where both are the same.

    The soft score of LeWiDi 2023 (Leonardelli et al., https://arxiv.org/abs/2304.14803). Its least value is the
    people's own entropy, 0 only where all say the same.

    >>> round(soft_cross_entropy({"a": 0.5, "b": 0.5}, {"a": 0.5, "b": 0.5}), 4)
    0.6931
    """
    return -sum(share * math.log(max(told.get(name, 0.0), LEAST)) for name, share in people.items() if share)


def manhattan(people: dict[str, float], told: dict[str, float]) -> float:
    """Return the sum of absolute differences, 0 to 2: the soft score of LeWiDi 2025. Half of it is total variation.

    LeWiDi 2025 is the third edition of Learning with Disagreements (https://arxiv.org/abs/2510.08460).

    >>> manhattan({"a": 1.0}, {"a": 0.75, "b": 0.25})
    0.5
    """
    return sum(abs(people.get(name, 0.0) - told.get(name, 0.0)) for name in sorted({*people, *told}))
