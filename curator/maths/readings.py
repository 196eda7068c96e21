"""What people of several roles make of one scenario together: how far one answer tells what another would be.

An answer is what its role usually says, what is in the scenario for everybody, what is in it for this role, and what is
this person's alone. How much of each there is shows where several judged one scenario: as the share of agreement beyond
what their roles' habits give, within a role and between each two. From the answers to a scenario follows then, for each
role, the best linear guess of what its people would say: near the role's habit where answers tell little, near what was
said where they tell much.

Sources: best linear unbiased prediction, Robinson 1991, https://doi.org/10.1214/ss/1177011926; for one role alone it is
Spearman 1910, https://doi.org/10.1111/j.2044-8295.1910.tb00206.x; pooling where an order is known to hold, Barlow &
Brunk 1972, https://doi.org/10.1080/01621459.1972.10481216; the nearest matrix that can be a covariance, Higham 1988,
https://doi.org/10.1016/0024-3795(88)90223-6
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ALONE = 0.5  # what one answer tells of its role where nobody judged what another of the role did
PAIRS = 5.0  # pairs of answers that stand for ALONE, and for nothing in common between roles, beside those there are
OF_TWO = 20.0  # pairs that stand for what any two roles have in common, beside those of the two


def alone(counts: Floats, usual: Floats) -> float:
    """Return how far one answer tells another of the same role to the same scenario: 0 as chance, 1 wholly.

    `counts` (scenarios, roles, verdicts) says how many gave which verdict, `usual` (roles, verdicts) each role's shares
    over all scenarios. Pairs of one role only, the roles taken together.
    """
    beyond, most = _pairs(counts, usual)
    return min(max(_own(beyond, most), 0.0), 1.0)


def common(counts: Floats, usual: Floats) -> Floats:
    """Return how far one answer tells another to the same scenario, shape (roles, roles).

    As `alone`, and between roles too. On the diagonal stands what an answer tells of its own role, the same for all
    but for the last step; people of one role have no less in common than people of two. The result is a covariance
    (no negative eigenvalue).
    """
    beyond, most = _pairs(counts, usual)
    within = np.trace(beyond), np.trace(most)
    upper = np.triu_indices(len(usual), 1)
    between = beyond[upper].sum(), most[upper].sum()
    own = _own(beyond, most)
    other = between[0] / (between[1] + PAIRS / 2)
    if other > own:
        own = other = (within[0] + ALONE * PAIRS / 2 + between[0]) / (within[1] + between[1] + PAIRS)
    found = (beyond + other * OF_TWO / 2) / (most + OF_TWO / 2)
    np.fill_diagonal(found, max(own, 0.0))
    return nearest(found)


def _own(beyond: Floats, most: Floats) -> float:
    return float((np.trace(beyond) + ALONE * PAIRS / 2) / (np.trace(most) + PAIRS / 2))


def nearest(wanted: Floats) -> Floats:
    """Return the covariance nearest to a symmetric matrix, with nothing above 1 on its diagonal."""
    values, vectors = np.linalg.eigh((wanted + wanted.T) / 2)
    whole = (vectors * np.maximum(values, 0.0)) @ vectors.T
    scale = 1 / np.sqrt(np.maximum(np.diag(whole), 1.0))
    return np.asarray(whole * scale[:, None] * scale[None, :], np.float64)


def guesses(counts: Floats, usual: Floats, told: Floats) -> Floats:
    """Return what each role would say to each scenario, shares of shape (scenarios, roles, verdicts).

    `told` is what `common` returns. Where nobody answered, and where answers tell nothing, it is the role's habit.
    """
    number = counts.sum(2)
    there = number > 0
    spread = _spread(usual)
    means = np.divide(counts, number[..., None], out=np.zeros_like(counts), where=there[..., None])
    moved = np.where(there[..., None], means - usual, 0.0)
    moved = np.divide(moved, spread[:, None], out=np.zeros_like(moved), where=spread[:, None] > 0)
    # The mean of n answers of a role varies by what they have in common and by the n-th part of what they have not.
    alone = (1 - np.diag(told)) / np.maximum(number, 1)
    both = there[:, :, None] & there[:, None, :]
    matrix = np.where(both, told, 0.0) + np.eye(len(usual)) * np.where(there, alone, 1.0)[:, None, :]
    shift = told @ (np.linalg.pinv(matrix, hermitian=True) @ moved)
    shares = np.maximum(usual + spread[:, None] * shift, 0.0)
    return np.asarray(shares / shares.sum(2, keepdims=True), np.float64)


def _spread(usual: Floats) -> Floats:
    """Return how far an answer of each role lies from its habit: the root of the mean squared distance."""
    return np.asarray(np.sqrt(np.maximum(1 - (usual**2).sum(1), 0.0)), np.float64)


def _pairs(counts: Floats, usual: Floats) -> tuple[Floats, Floats]:
    """Return for each two roles the agreement of their pairs of answers beyond habit, and the most that it could be."""
    number, spread = counts.sum(2), _spread(usual)
    sums = counts - number[..., None] * usual
    beyond = np.einsum("sav,sbv->ab", sums, sums)
    pairs = number.T @ number
    of_one = (number * (number - 1)).sum(0) / 2
    same = (counts * (counts - 1)).sum((0, 2)) / 2  # pairs of one role that gave the same verdict
    np.fill_diagonal(beyond, same - of_one * (usual**2).sum(1))
    np.fill_diagonal(pairs, of_one)
    return np.asarray(beyond, np.float64), np.asarray(pairs * spread[:, None] * spread[None, :], np.float64)
