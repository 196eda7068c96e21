"""Consistency and agreement by hand-counted examples, and against a slow count of pairs."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from curator.maths.agreement import cohen
from curator.maths.annotators import (
    agreement_with_role,
    kappas_with_role,
    kappas_with_self,
    self_consistency,
    wilson,
)


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def test_a_person_is_compared_with_what_they_said_before_about_the_same() -> None:
    unit, who, value = ints(1, 2, 1, 1, 2), ints(0, 0, 0, 0, 1), ints(5, 5, 5, 6, 5)

    mine, other = self_consistency(unit, who, value, 2)

    assert (mine.share, mine.of) == (0.5, 2)
    assert (other.share, other.of) == (None, 0)


def test_a_unit_is_one_look_however_many_judged_it() -> None:
    unit, role, who = ints(1, 1, 1, 1, 2), ints(0, 0, 0, 1, 0), ints(0, 1, 2, 3, 0)
    value = ints(7, 7, 8, 7, 7)

    shares = agreement_with_role(unit, role, who, value, 4)

    assert [(one.share, one.of) for one in shares] == [(0.5, 1), (0.5, 1), (0.0, 1), (None, 0)]


def test_the_interval_is_that_of_the_books() -> None:
    assert (wilson(15, 20).low, wilson(15, 20).high) == (0.5313, 0.8881)  # Newcombe 1998, table I
    assert wilson(0, 10).low == 0.0
    assert wilson(10, 10).high == 1.0


rows = st.lists(st.tuples(*[st.integers(0, 3)] * 4), max_size=30, unique_by=lambda row: row[:3])


@given(rows)
def test_the_fast_count_is_the_slow_count(told: list[tuple[int, int, int, int]]) -> None:
    unit, role, who, value = (ints(*column) for column in (zip(*told, strict=True) if told else ((), (), (), ())))

    fast = agreement_with_role(unit, role, who, value, 4)

    for person in range(4):
        parts = []
        for u, r, w, v in told:
            others = [o for o in told if o[:2] == (u, r) and o[2] != w]
            if w == person and others:
                parts.append(sum(o[3] == v for o in others) / len(others))
        assert fast[person].of == len(parts)
        assert fast[person].share == (round(sum(parts) / len(parts), 4) if parts else None)


def test_a_persons_kappa_with_their_role_is_cohens_where_one_other_answered() -> None:
    chance = np.random.default_rng(2)
    units, first = np.arange(60), chance.integers(0, 3, 60)
    second = np.where(chance.random(60) < 0.6, first, chance.integers(0, 3, 60))
    unit, value = np.tile(units, 2), np.concatenate([first, second])
    who, role = np.repeat([0, 1], 60), np.zeros(120, np.int64)

    mine, theirs, nobody = kappas_with_role(unit, role, who, value, 3, 3)
    expected = cohen((units, first), (units, second), 3)

    assert mine.kappa == theirs.kappa == expected.kappa
    assert abs(mine.low - expected.low) < 0.05  # type: ignore[operator]  # there are sixty looks
    assert abs(mine.high - expected.high) < 0.05  # type: ignore[operator]
    assert (nobody.kappa, nobody.why) == (None, "nobody else of the role judged what this person judged")


def test_a_persons_kappa_with_themselves_looks_at_each_repeat() -> None:
    unit, who = ints(0, 1, 2, 3, 0, 1, 2, 3), ints(*[0] * 8)

    (same,) = kappas_with_self(unit, who, ints(0, 0, 1, 1, 0, 0, 1, 1), 1, 2)
    (half,) = kappas_with_self(unit, who, ints(0, 0, 1, 1, 0, 1, 1, 0), 1, 2)
    (one,) = kappas_with_self(unit, who, ints(*[1] * 8), 1, 2)

    assert (same.kappa, same.units, same.why) == (1.0, 4, "fewer than ten looks: no interval")
    assert half.kappa == 0.0
    assert (one.kappa, one.why) == (None, "one verdict throughout, so chance cannot be told from agreement")
