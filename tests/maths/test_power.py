import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from curator.maths.distances import manhattan, soft_cross_entropy
from curator.maths.power import apart, detectable, standard_error, t_interval, t_quantile
from curator.maths.scores import cluster_interval, paired


@given(st.floats(0.55, 0.999), st.floats(1, 10_000))
def test_the_t_quantile_is_scipys(share: float, freedom: float) -> None:
    assert t_quantile(share, freedom) == pytest.approx(stats.t.ppf(share, freedom), rel=1e-5)


def test_with_one_row_a_cluster_the_interval_is_the_textbooks() -> None:
    values = [0.2, 0.9, 0.4, 0.7, 0.1]
    known = stats.ttest_1samp(values, 0).confidence_interval(0.95)

    error = standard_error(values, list("abcde")) or 0
    assert t_interval(float(np.mean(values)), error, 4) == pytest.approx((known.low, known.high))
    assert cluster_interval(values, list("abcde")) == pytest.approx((known.low, known.high))


def test_rows_that_repeat_their_cluster_bring_no_certainty() -> None:
    values, clusters = [0.2, 0.9, 0.4, 0.7], list("abcd")

    assert standard_error(values * 5, clusters * 5) == pytest.approx(standard_error(values, clusters))


def test_two_sets_apart_are_welchs_test() -> None:
    one, other = [1.0, 0.5, 0.25, 0.9], [0.1, 0.3, 0.2, 0.8, 0.7, 0.0]
    known = stats.ttest_ind(one, other, equal_var=False).confidence_interval(0.95)

    found = apart((one, list("abcd")), (other, list("uvwxyz")))
    assert found["interval"] == pytest.approx([known.low, known.high])
    many = apart((one * 10, [str(n) for n in range(40)]), (other * 10, [str(n) for n in range(60)]))
    assert many["method"] == "cluster bootstrap"
    assert many["difference"] == pytest.approx(found["difference"])


def test_an_effect_of_the_smallest_size_is_shown_four_times_in_five() -> None:
    chance = np.random.default_rng(2)
    groups = [str(n) for n in range(20)]
    least = detectable(1 / 20**0.5, 19) or 0
    shown = sum(
        paired([0.0] * 20, (chance.normal(size=20) + least).tolist(), groups)["interval"][0] > 0 for _ in range(400)
    )

    assert shown / 400 == pytest.approx(0.8, abs=0.06)


def test_the_interval_of_few_clusters_misses_the_truth_once_in_twenty() -> None:
    chance = np.random.default_rng(4)
    clusters = [str(n) for n in np.arange(12).repeat(4)]
    missed = 0
    for _ in range(600):
        values = chance.normal(size=12).repeat(4) + chance.normal(size=48)
        low, high = cluster_interval(values.tolist(), clusters) or (0, 0)
        missed += not low <= 0 <= high
    assert missed / 600 == pytest.approx(0.05, abs=0.025)


def test_where_nothing_varies_no_smallest_effect_is_named() -> None:
    assert paired([0, 0], [0, 0], ["x", "y"])["detectable"] is None
    assert paired([0], [1], ["x"])["detectable"] is None


def test_distances_are_zero_between_equals_and_two_between_opposites() -> None:
    assert manhattan({"a": 1.0, "b": 0.0}, {"b": 1.0}) == 2.0
    assert manhattan({"a": 0.5, "b": 0.5}, {"b": 0.5, "a": 0.5}) == 0.0
    assert soft_cross_entropy({"a": 1.0}, {"a": 0.0, "b": 1.0}) == pytest.approx(27.631021)
