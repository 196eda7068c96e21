from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.maths.selection import WHOLE, deal, farthest_first, neighbours_kept, plane, themes
from tests.maths.test_neighbours import cloud

some_groups = st.lists(st.dictionaries(st.sampled_from("abcd"), st.integers(1, 4), min_size=1), min_size=1, max_size=40)
SHARES = {"train": 0.7, "validation": 0.1, "test": 0.2}


def ring(*degrees: float) -> np.ndarray:
    turned = np.radians(degrees)
    return np.stack([np.cos(turned), np.sin(turned)], axis=1).astype(np.float32)


def test_the_first_chosen_is_the_middle_and_each_next_the_least_like_those_before() -> None:
    assert farthest_first(ring(0, 10, 20, 90, 95), 4) == [2, 4, 0, 1]


def test_ties_go_to_the_smaller_index() -> None:
    assert farthest_first(ring(0, 0, 0), 2) == [0, 1]


def test_a_start_comes_first_and_more_than_there_are_gives_all() -> None:
    assert farthest_first(ring(0, 90, 180), 2, start=[1]) == [1, 0]
    assert sorted(farthest_first(ring(0, 90, 180), 9)) == [0, 1, 2]


@given(st.integers(1, 30), st.integers(1, 30), st.integers(0, 10**6))
def test_farthest_first_names_each_row_once_and_always_the_same(size: int, count: int, seed: int) -> None:
    vectors = cloud(size, 4, seed)

    chosen = farthest_first(vectors, count)

    assert len(set(chosen)) == len(chosen) == min(count, size)
    assert chosen == farthest_first(vectors.copy(), count)


def test_farthest_first_is_within_twice_the_best_cover() -> None:
    vectors = cloud(60, 3, seed=9).astype(np.float64)
    apart = np.arccos(np.clip(vectors @ vectors.T, -1, 1))
    radius = apart[:, farthest_first(vectors.astype(np.float32), 5)].min(axis=1).max()
    chance = np.random.default_rng(1)
    best = min(apart[:, chance.choice(60, 5, replace=False)].min(axis=1).max() for _ in range(3000))

    assert radius <= 2 * best


def test_themes_find_what_lies_together_and_number_it_by_size() -> None:
    assert themes(ring(90, 0, 91, 1, 2, 180), 3).tolist() == [1, 0, 1, 0, 0, 2]


@given(st.integers(0, 30), st.integers(1, 6), st.integers(0, 10**6))
def test_themes_hold_no_chance_and_leave_no_number_out(size: int, count: int, seed: int) -> None:
    vectors = cloud(size, 4, seed)

    found = themes(vectors, count)

    np.testing.assert_array_equal(found, themes(vectors.copy(), count))
    assert set(found.tolist()) == set(range(len(set(found.tolist()))))
    sizes = [n for _, n in sorted(Counter(found.tolist()).items())]
    assert sizes == sorted(sizes, reverse=True)


def test_more_themes_than_texts_is_no_fault() -> None:
    assert themes(ring(5, 5, 5), 8).tolist() == [0, 0, 0]


def test_the_plane_keeps_the_two_main_directions_and_fixes_their_signs() -> None:
    points = np.array([[3, 0, 0], [-3, 0, 0], [0, 1, 0], [0, -1, 0]], np.float32)

    x, y = plane(points)

    assert x.tolist() == [1.0, -1.0, 0.0, 0.0]
    assert y.tolist() == [0.0, 0.0, 0.333, -0.333]


def test_a_plane_of_one_or_none_is_its_middle() -> None:
    assert [a.tolist() for a in plane(np.zeros((1, 3), np.float32))] == [[0.0], [0.0]]
    assert [a.tolist() for a in plane(np.zeros((0, 3), np.float32))] == [[], []]
    assert [a.tolist() for a in plane(np.array([[1], [-1]], np.float32))] == [[1.0, -1.0], [0.0, 0.0]]


@given(some_groups, st.integers(0, 3))
def test_no_split_holds_more_than_one_group_too_many(strata: list[dict[str, int]], seed: int) -> None:
    groups = {f"g{n}": Counter(told) for n, told in enumerate(strata)}
    sizes = [told.total() for told in groups.values()]

    dealt = deal(groups, SHARES, seed)

    held = Counter(dict.fromkeys(SHARES, 0))
    for group, split in dealt.items():
        held[split] += groups[group].total()
    assert sum(held.values()) == sum(sizes)
    for split, share in SHARES.items():
        assert held[split] <= share * sum(sizes) + max(sizes)
        assert held[split] >= share * sum(sizes) - 2 * max(sizes), "what the two others may have too much"


def test_every_stratum_is_shared_out_alike() -> None:
    groups = {f"g{n}": Counter({"nurse|yes": n % 2 * 2 + 1, "manager|no": 2 - n % 2}) for n in range(100)}

    dealt = deal(groups, SHARES)

    for stratum in ("nurse|yes", "manager|no"):
        held = Counter[str]()
        for group, split in dealt.items():
            held[split] += groups[group][stratum]
        for split, share in SHARES.items():
            assert held[split] / held.total() == pytest.approx(share, abs=0.04)


def test_the_order_of_groups_does_not_matter_but_the_seed_does() -> None:
    groups = {f"g{n}": Counter({"a": 2}) for n in range(30)}
    backwards = dict(reversed(list(groups.items())))

    assert deal(groups, SHARES, seed=1) == deal(backwards, SHARES, seed=1)
    assert deal(groups, SHARES, seed=1) != deal(groups, SHARES, seed=2)


def test_a_large_cell_is_parted_and_every_part_gives_its_share() -> None:
    chance = np.random.default_rng(1)
    vectors = chance.normal(size=(WHOLE + 905, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)

    chosen = farthest_first(vectors, 100)

    assert len(set(chosen)) == 100
    spread = np.sort((vectors[chosen] @ vectors.T).max(axis=0))
    by_chance = np.sort((vectors[:100] @ vectors.T).max(axis=0))
    assert spread[0] > by_chance[0]  # the worst covered row is covered better than by a hundred at random


def test_a_plane_keeps_all_neighbours_of_what_is_flat_and_about_chance_of_what_is_not() -> None:
    chance = np.random.default_rng(3)
    turns = chance.uniform(0, 2 * np.pi, 200)
    circle = np.stack([np.cos(turns), np.sin(turns), np.zeros(200)], axis=1).astype(np.float32)
    ball = chance.normal(size=(200, 64)).astype(np.float32)
    ball /= np.linalg.norm(ball, axis=1, keepdims=True)

    assert neighbours_kept(circle, *plane(circle)) == 1.0
    assert 10 / 199 < neighbours_kept(ball, *plane(ball)) < 0.3  # type: ignore[operator]
    assert neighbours_kept(circle[:11], *plane(circle[:11])) is None
