"""How far one answer tells another, found again where it is known, and what follows for each role."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from curator.maths.readings import ALONE, alone, common, guesses, nearest

USUAL = np.array([[0.6, 0.4], [0.3, 0.7], [0.5, 0.5]])


def simulated(shared: float, own: float, scenarios: int, each: int, seed: int) -> np.ndarray:
    """Answers of three roles whose chance of the first verdict moves by the scenario, and by the role in it."""
    rng = np.random.default_rng(seed)
    spread = np.sqrt(1 - (USUAL**2).sum(1)) / np.sqrt(2)  # of one answer
    both = rng.choice([-1.0, 1.0], (scenarios, 1)) * np.sqrt(shared)
    apart = rng.choice([-1.0, 1.0], (scenarios, 3)) * np.sqrt(own - shared)
    chance = USUAL[:, 0] + spread * (both + apart)
    assert chance.min() >= 0
    assert chance.max() <= 1
    first = rng.binomial(each, chance)
    return np.stack([first, each - first], 2).astype(float)


@pytest.mark.parametrize(("shared", "own"), [(0.0, 0.2), (0.15, 0.15), (0.05, 0.2)])
def test_what_roles_have_in_common_is_found_again(shared: float, own: float) -> None:
    found = np.mean([common(simulated(shared, own, 400, 3, seed), USUAL) for seed in range(12)], axis=0)

    off = ~np.eye(3, dtype=bool)
    assert np.diag(found) == pytest.approx([own] * 3, abs=0.02)
    assert np.mean([alone(simulated(shared, own, 400, 3, seed), USUAL) for seed in range(12)]) == pytest.approx(
        own, abs=0.02
    )
    assert found[off] == pytest.approx([shared] * 6, abs=0.03)


def test_the_guess_comes_nearer_to_the_truth_than_habit_and_than_what_one_said() -> None:
    rng = np.random.default_rng(5)
    truth = USUAL[:, 0] + 0.28 * rng.choice([-1.0, 1.0], (2000, 1))
    first = (rng.random((2000, 3)) < truth).astype(float)
    counts = np.stack([first, 1 - first], 2)

    found = guesses(counts, USUAL, common(counts, USUAL))[..., 0]

    errors = [float(((guess - truth) ** 2).mean()) for guess in (found, USUAL[:, 0], first)]
    assert errors[0] < 0.8 * errors[1] < 0.8 * errors[2]


def test_two_roles_that_always_differ_teach_each_other_the_contrary() -> None:
    one = np.array([1.0, 0.0])
    told = np.array([[one, one[::-1]], [one[::-1], one]] * 100)

    found = common(told, np.full((2, 2), 0.5))

    assert found[0, 1] < -0.4
    assert guesses(np.array([[one, 0 * one]]), np.full((2, 2), 0.5), found)[0, 1, 1] > 0.7


def test_where_nobody_judged_what_another_did_half_of_an_answer_is_its_roles() -> None:
    counts = np.array([[[1.0, 0], [0, 0]], [[0, 0], [0, 1.0]], [[0, 1.0], [0, 0]], [[0, 0], [1.0, 0]]])

    found = common(counts, np.full((2, 2), 0.5))

    assert found == pytest.approx(np.array([[ALONE, 0], [0, ALONE]]))


def test_two_answers_of_one_role_are_trusted_more_than_one_by_spearman_and_brown() -> None:
    usual = np.array([[0.75, 0.25]])

    found = guesses(np.array([[[2.0, 0]], [[1, 0]], [[0, 1]], [[0, 0]]]), usual, np.array([[0.5]]))

    assert found[0, 0] == pytest.approx([2 / 3 + 0.75 / 3, 0.25 / 3])  # 2 · 0.5 / 1.5
    assert found[1, 0] == pytest.approx([0.875, 0.125])
    assert found[2, 0] == pytest.approx([0.375, 0.625])
    assert found[3, 0] == pytest.approx([0.75, 0.25])


def test_a_role_that_always_says_the_same_is_left_alone_and_tells_nothing() -> None:
    counts = np.array([[[1.0, 0], [1, 0]], [[1, 0], [0, 1]]])
    usual = np.array([[1.0, 0], [0.5, 0.5]])

    found = guesses(counts, usual, common(counts, usual))

    assert found[:, 0] == pytest.approx(np.array([[1.0, 0], [1, 0]]))
    assert np.isfinite(found).all()


counted = arrays.arrays(
    np.int64, st.tuples(st.integers(1, 8), st.integers(1, 4), st.integers(2, 4)), elements=st.integers(0, 3)
)


@given(counted, st.randoms(use_true_random=False))
def test_guesses_are_shares_whatever_the_order_of_scenarios_roles_and_verdicts(counts: np.ndarray, random) -> None:
    counts = np.concatenate([counts, np.ones((1, *counts.shape[1:]))]).astype(float)  # each role said something
    usual = counts.sum(0) / counts.sum((0, 2))[:, None]
    told = common(counts, usual)
    found = guesses(counts, usual, told)

    assert (found >= 0).all()
    assert found.sum(2) == pytest.approx(1)
    assert np.linalg.eigvalsh(told).min() >= -1e-9
    assert np.diag(told).max() <= 1 + 1e-9

    s, r, v = (random.sample(range(n), n) for n in counts.shape)
    mixed, habits = counts[np.ix_(s, r, v)], usual[np.ix_(r, v)]
    assert guesses(mixed, habits, common(mixed, habits)) == pytest.approx(found[np.ix_(s, r, v)], abs=1e-6)


def test_the_nearest_covariance_of_a_covariance_is_itself() -> None:
    told = np.array([[0.4, 0.1], [0.1, 0.3]])

    assert nearest(told) == pytest.approx(told)
