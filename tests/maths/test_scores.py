import numpy as np
import pytest
from scipy.stats import binomtest

from curator.maths.scores import (
    accuracy,
    calibration_error,
    cluster_interval,
    cross_entropy,
    holm,
    macro_f1,
    mcnemar,
    most_frequent,
    paired,
    sign_flip,
)


def test_macro_f1_counts_a_rare_label_as_much_as_a_common_one() -> None:
    assert macro_f1(["a", "a", "a", "a"], ["a", "a", "a", "b"]) == pytest.approx((6 / 7 + 0) / 2)
    assert accuracy(["a", "a", "a", "a"], ["a", "a", "a", "b"]) == 0.75


def test_cross_entropy_stays_finite_when_something_impossible_happens() -> None:
    assert cross_entropy([{"a": 1.0, "b": 0.0}], ["b"]) == pytest.approx(27.631021)


def test_a_model_that_is_sure_and_wrong_is_badly_calibrated() -> None:
    assert calibration_error([{"a": 1.0, "b": 0.0}] * 4, ["b"] * 4) == 1.0


def test_an_interval_draws_scenarios_not_rows() -> None:
    values = [0.0] * 50 + [1.0] * 50

    low, high = cluster_interval(values, [str(n // 4) for n in range(100)]) or (0, 0)
    assert 0.28 < low < 0.34
    assert 0.66 < high < 0.72
    low, high = cluster_interval(values, [str(n) for n in range(100)]) or (0, 0)
    assert 0.38 < low < 0.42
    assert 0.58 < high < 0.62


def test_one_scenario_has_no_interval() -> None:
    assert cluster_interval([1.0, 0.0], ["x", "x"]) is None


def test_the_order_of_rows_does_not_change_an_interval() -> None:
    values, scenarios = [0.1, 0.9, 0.4, 0.7], ["x", "y", "x", "z"]

    assert cluster_interval(values, scenarios) == cluster_interval(values[::-1], scenarios[::-1])


def test_the_sign_flip_of_single_rows_is_the_sign_test_when_all_are_of_one_size() -> None:
    values = [1.0] * 9 + [-1.0] * 3
    expected = binomtest(9, 12).pvalue

    assert sign_flip(values, [str(n) for n in range(12)]) == pytest.approx(expected)


def test_the_random_sign_flip_is_near_the_exact_one() -> None:
    values = [1.0] * 15 + [-1.0] * 5
    expected = binomtest(15, 20).pvalue

    assert sign_flip(values, [str(n) for n in range(20)]) == pytest.approx(expected, abs=0.01)


def test_without_an_effect_the_test_cries_wolf_in_one_of_twenty() -> None:
    chance = np.random.default_rng(5)
    alarms = 0
    for _ in range(300):
        scenario = chance.normal(size=14).repeat(4)  # four people judge each, and agree about much
        gains = scenario + chance.normal(size=56)
        p = sign_flip(gains.tolist(), [str(n) for n in np.arange(14).repeat(4)])
        alarms += p is not None and p < 0.05
    assert 4 <= alarms <= 27


def test_paired_reports_how_many_rows_and_scenarios_it_rests_on() -> None:
    found = paired([0, 0, 1, 0], [1, 1, 1, 1], ["x", "x", "y", "z"])

    assert (found["n"], found["clusters"], found["difference"]) == (4, 3, 0.75)


def test_mcnemar_is_the_sign_test_of_the_rows_that_changed() -> None:
    before = [True] * 2 + [False] * 9 + [True] * 30
    after = [False] * 2 + [True] * 9 + [True] * 30

    assert mcnemar(before, after) == pytest.approx(binomtest(2, 11).pvalue)
    assert mcnemar([True], [True]) == 1.0


def test_holm_never_makes_a_larger_p_smaller_than_a_smaller_one() -> None:
    assert holm({"a": 0.03, "b": 0.01, "c": 0.02}) == pytest.approx({"a": 0.04, "b": 0.03, "c": 0.04})


def test_ties_between_verdicts_go_to_the_one_named_first() -> None:
    assert most_frequent(["b", "c", "b", "c", "a"], order=["a", "c", "b"]) == "c"
