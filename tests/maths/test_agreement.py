"""Krippendorff's alpha against the numbers he published and against a second, plain implementation."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from curator.maths.agreement import alpha_of, coefficient, cohen, fleiss, krippendorff, nominal, table
from curator.maths.resampling import distinct

# Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", example C: four observers, twelve units, gaps.
FOUR = [
    "1 2 3 3 2 1 4 1 2 . . .",
    "1 2 3 3 2 2 4 1 2 5 . 3",
    ". 3 3 3 2 3 4 2 2 5 1 .",
    "1 2 3 3 2 4 4 1 2 5 1 .",
]
# Example A, two observers, binary; example B, two observers, nominal.
MEG_AND_OWEN = ["0 1 0 0 0 0 0 0 1 0", "1 1 1 0 0 1 0 0 0 0"]
BEN_AND_GERRY = ["a a b b d c c c e d d a", "b a b b b c c c e d d d"]


def coded(observers: list[str]) -> tuple[np.ndarray, np.ndarray, int]:
    told = [(unit, mark) for line in observers for unit, mark in enumerate(line.split()) if mark != "."]
    marks = sorted({mark for _, mark in told})
    return np.array([u for u, _ in told]), np.array([marks.index(m) for _, m in told]), len(marks)


def plain_alpha(units: list[int], values: list[int], level: str) -> float:
    """Alpha as its definition reads: mean distance inside units over mean distance of all pairable values."""
    by_unit: dict[int, list[int]] = {}
    for unit, value in zip(units, values, strict=True):
        by_unit.setdefault(unit, []).append(value)
    pairable = [told for told in by_unit.values() if len(told) > 1]
    everything = [value for told in pairable for value in told]

    def apart(one: int, other: int) -> float:
        if level == "nominal":
            return float(one != other)
        if level == "interval":
            return float(one - other) ** 2
        low, high = sorted((one, other))
        between = sum(everything.count(value) for value in range(low, high + 1))
        return (between - (everything.count(one) + everything.count(other)) / 2) ** 2

    inside = sum(apart(x, y) / (len(told) - 1) for told in pairable for x, y in permutations(told, 2)) / len(everything)
    overall = sum(apart(x, y) for x, y in permutations(everything, 2))
    return 1 - inside / (overall / (len(everything) * (len(everything) - 1)))


@pytest.mark.parametrize(("level", "published"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_is_what_krippendorff_published_for_four_observers_with_gaps(level: str, published: float) -> None:
    found = krippendorff(*coded(FOUR), level=level, draws=50)

    assert found.alpha == pytest.approx(published, abs=0.0006)
    assert (found.units, found.answers) == (11, 40), "one unit was judged once and says nothing"


def test_alpha_is_what_krippendorff_published_for_two_observers() -> None:
    assert krippendorff(*coded(MEG_AND_OWEN), draws=50).alpha == pytest.approx(0.095, abs=0.0006)
    assert krippendorff(*coded(BEN_AND_GERRY), draws=50).alpha == pytest.approx(0.692, abs=0.0006)


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 4)), min_size=2, max_size=30),
    st.sampled_from(["nominal", "ordinal", "interval"]),
)
def test_alpha_equals_its_definition_written_out(told: list[tuple[int, int]], level: str) -> None:
    units, values = [u for u, _ in told], [v for _, v in told]
    found = krippendorff(np.array(units), np.array(values), 5, level=level, draws=2)
    assume(found.alpha is not None)

    assert found.alpha == pytest.approx(plain_alpha(units, values, level), abs=0.00006)


def test_the_interval_holds_the_coefficient_and_narrows_with_more_units() -> None:
    chance = np.random.default_rng(5)

    def judged(size: int) -> tuple[np.ndarray, np.ndarray]:
        truth = chance.integers(0, 3, size)
        second = np.where(chance.random(size) < 0.7, truth, chance.integers(0, 3, size))
        return np.tile(np.arange(size), 2), np.concatenate([truth, second])

    few, many = krippendorff(*judged(30), 3), krippendorff(*judged(600), 3)

    for found in (few, many):
        assert found.alpha is not None
        assert found.low is not None
        assert found.high is not None
        assert -1 <= found.low < found.alpha < found.high <= 1
    assert many.alpha == pytest.approx(0.7, abs=0.06)
    assert many.high - many.low < (few.high - few.low) / 2  # type: ignore[operator]  # checked above


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    chance, inside = np.random.default_rng(6), 0
    for _ in range(60):
        truth = chance.integers(0, 2, 80)
        second = np.where(chance.random(80) < 0.6, truth, chance.integers(0, 2, 80))
        found = krippendorff(np.tile(np.arange(80), 2), np.concatenate([truth, second]), 2, draws=200)
        inside += found.low <= 0.6 <= found.high  # type: ignore[operator]  # there are enough units

    assert 51 <= inside <= 60


def test_where_there_is_nothing_to_measure_it_says_why() -> None:
    alone = krippendorff(np.array([0, 1, 2]), np.array([0, 1, 0]), 2)
    unanimous = krippendorff(np.array([0, 0, 1, 1]), np.array([1, 1, 1, 1]), 2)
    nobody = krippendorff(np.array([], np.int64), np.array([], np.int64), 2)

    assert (alone.alpha, alone.units, alone.why) == (None, 0, "fewer than two scenarios were judged twice")
    assert (nobody.alpha, nobody.why) == (None, "fewer than two scenarios were judged twice")
    assert unanimous.alpha is None
    assert unanimous.why == "everybody gave the same verdict, so chance cannot be told from agreement"


def test_chance_comes_from_a_seed() -> None:
    assert krippendorff(*coded(FOUR)) == krippendorff(*coded(FOUR))


# Fleiss' kappa, the worked example of the encyclopedias: ten subjects, fourteen raters, five categories.
FOURTEEN = ["0 0 0 0 14", "0 2 6 4 2", "0 0 3 5 6", "0 3 9 2 0", "2 2 8 1 1", "7 7 0 0 0", "3 2 6 3 0"]
FOURTEEN += ["2 5 3 2 2", "6 5 2 1 0", "0 2 2 3 7"]


def answers(counts: list[str]) -> tuple[np.ndarray, np.ndarray]:
    told = [
        (unit, value) for unit, line in enumerate(counts) for value, n in enumerate(line.split()) for _ in range(int(n))
    ]
    return np.array([unit for unit, _ in told]), np.array([value for _, value in told])


def test_fleiss_kappa_is_what_was_published() -> None:
    found = fleiss(*answers(FOURTEEN), 5, draws=50)

    assert found.kappa == pytest.approx(0.210, abs=0.0006)
    assert found.units == 10


def test_cohens_kappa_is_what_the_books_say_and_answers_to_other_things_do_not_count() -> None:
    first = np.repeat([0, 0, 1, 1], [20, 5, 10, 15])
    second = np.repeat([0, 1, 0, 1], [20, 5, 10, 15])
    units = np.arange(50)

    found = cohen((units, first), (units, second), 2)
    with_more = cohen((np.append(units, 99), np.append(first, 1)), (units, second), 2)

    assert found.kappa == 0.4
    assert found.low < 0.4 < found.high  # type: ignore[operator]  # there are enough units
    assert with_more == found


def test_a_side_of_several_people_counts_by_its_shares() -> None:
    """Three say a, a, b and one says a: two of three pairs agree; chance is .5 * 2/3 + .5 * 1/3 over two such units."""
    sides = (np.array([0, 0, 0, 1, 1, 1]), np.array([0, 0, 1, 1, 1, 0])), (np.array([0, 1]), np.array([0, 1]))

    found = cohen(*sides, 2)

    assert found.kappa == round((2 / 3 - 1 / 2) / (1 / 2), 4)


def test_two_answers_a_unit_give_cohen_when_sides_are_told_apart_and_fleiss_when_not() -> None:
    chance = np.random.default_rng(8)
    first, units = chance.integers(0, 3, 400), np.arange(400)
    second = np.where(chance.random(400) < 0.5, first, chance.integers(0, 3, 400))

    told_apart = cohen((units, first), (units, second), 3).kappa
    together = fleiss(np.tile(units, 2), np.concatenate([first, second]), 3).kappa

    assert told_apart == pytest.approx(together, abs=0.01)  # type: ignore[arg-type]  # both are numbers


def test_a_kappa_that_cannot_be_says_why() -> None:
    apart = cohen((np.array([0, 1]), np.array([0, 1])), (np.array([2, 3]), np.array([0, 1])), 2)
    alike = cohen((np.array([0, 1]), np.array([1, 1])), (np.array([0, 1]), np.array([1, 1])), 2)
    alone = fleiss(np.array([0, 1]), np.array([0, 1]), 2)

    assert (apart.kappa, apart.units, apart.why) == (None, 0, "fewer than two scenarios were judged by both")
    assert (alike.kappa, alike.why) == (
        None,
        "everybody gave the same verdict, so chance cannot be told from agreement",
    )
    assert (alone.kappa, alone.why) == (None, "fewer than two scenarios were judged twice")


def test_many_units_have_the_interval_that_drawing_them_one_by_one_gives() -> None:
    chance = np.random.default_rng(9)
    truth = chance.integers(0, 3, 30_000)
    second = np.where(chance.random(30_000) < 0.6, truth, chance.integers(0, 3, 30_000))
    kinds, times = distinct(table(np.tile(np.arange(30_000), 2), np.concatenate([truth, second]), 3))

    found = alpha_of(kinds, times)
    drawn = []
    for _ in range(300):
        sample = chance.multinomial(30_000, times / 30_000)
        drawn.append(coefficient(np.repeat(kinds, sample, axis=0), nominal, np.arange(3.0)))

    assert len(kinds) == 6, "what is equal is drawn together"
    assert [found.low, found.high] == pytest.approx(np.percentile(drawn, [2.5, 97.5]), abs=0.002)
