"""Quotas: the greatest number of rows that caps and shares allow, against an integer program."""

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from curator.maths.quotas import deal_out, most_different, nearest_kept, restore, within_shares
from curator.maths.selection import farthest_first


def most_rows(cell: np.ndarray, who: np.ndarray, cap: int, allowed: int) -> int:
    """The optimum: rows by (cell, person) and, where a cell keeps none, one that does not count against a share."""
    cells, people = cell.max() + 1, who.max() + 1
    size = cells * people
    held = np.bincount(cell * people + who, minlength=size)
    rules, low, high = [], [], []
    for c in range(cells):
        row, least = np.zeros(size + cells), np.zeros(size + cells)
        row[c * people : (c + 1) * people] = least[c * people : (c + 1) * people] = 1
        row[size + c], least[size + c] = cap, 1
        rules += [row, least]
        low, high = [*low, 0, 1], [*high, cap, np.inf]
    for p in range(people):
        row = np.zeros(size + cells)
        row[p:size:people] = 1
        rules, low, high = [*rules, row], [*low, 0], [*high, allowed]
    found = milp(
        -np.ones(size + cells),
        constraints=LinearConstraint(np.array(rules), low, high),
        bounds=Bounds(0, np.append(held, np.ones(cells))),
        integrality=np.ones(size + cells),
    )
    return round(-found.fun)


@pytest.mark.parametrize("seed", range(40))
def test_at_most_three_percent_are_lost_to_the_optimum(seed: int) -> None:
    chance = np.random.default_rng(seed)
    rows, cells, people = chance.integers(60, 201), chance.integers(4, 25), chance.integers(4, 16)
    cell = chance.choice(cells, rows, p=chance.dirichlet(np.ones(cells) * chance.uniform(0.3, 3)))
    who = chance.choice(people, rows, p=chance.dirichlet(np.ones(people) * chance.uniform(0.3, 3)))
    cell, who = (np.unique(x, return_inverse=True)[1] for x in (cell, who))
    vectors = chance.normal(size=(rows, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    parts = [np.flatnonzero(cell == c) for c in range(cell.max() + 1)]
    cap = max(3, int(np.ceil(1.6 * np.median([len(at) for at in parts]))))
    share = max(0.1, 1.6 / (who.max() + 1))

    _, kept, allowed = within_shares(vectors, parts, who, cap, share)

    assert all(1 <= len(at) <= cap for at in kept)
    stayed = sum(map(len, kept))
    held = np.bincount(who[np.concatenate(kept)])
    alone = np.bincount([who[at[0]] for at in kept if len(at) == 1], minlength=len(held))
    assert (held - alone <= allowed).all()
    assert stayed >= 0.97 * most_rows(cell, who, cap, allowed)


def test_a_share_moves_to_another_cell_where_that_keeps_more() -> None:
    """Person 7 could stand in both cells, 8 only in the first: first come would leave the second cell half empty."""
    available = {(0, 7): 2, (0, 8): 2, (1, 7): 2}

    assert deal_out(available, {0: 2, 1: 2}, 2) == {(0, 7): 0, (0, 8): 2, (1, 7): 2}
    assert deal_out({(0, 1): 5}, {0: 3}, 9) == {(0, 1): 3}
    assert deal_out({}, {0: 3}, 9) == {}


def test_the_most_different_are_farthest_first_until_somebody_has_enough() -> None:
    angles = np.radians(np.arange(0, 80, 10))
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    owner = [0, 1, 1, 1, 1, 1, 1, 0]

    assert most_different(vectors, 4, owner, {}) == farthest_first(vectors, 4)
    assert [owner[i] for i in most_different(vectors, 4, owner, {0: 1})].count(0) == 1
    assert sorted(most_different(vectors, 9, owner, {1: 0})) == [0, 7]


def test_what_a_floor_asks_for_comes_back_farthest_from_what_stayed() -> None:
    angles = np.radians([0, 5, 40, 80])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    stays = np.array([True, False, False, False])

    restore(stays, [np.arange(4)], 2, vectors)
    assert stays.tolist() == [True, False, False, True]
    restore(stays, [np.arange(4)], 9, vectors)
    assert stays.all()


def test_the_twin_is_the_most_alike_of_those_kept_and_the_first_of_equals() -> None:
    angles = np.radians([0, 10, 30, 30, 80])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)

    twin, alike = nearest_kept(vectors, np.array([1, 4]), np.array([0, 2, 3]), block=1)

    assert twin.tolist() == [0, 2]
    assert alike == pytest.approx(np.cos(np.radians([10, 50])), abs=1e-6)
