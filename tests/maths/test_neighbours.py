import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from curator.maths import neighbours
from curator.maths.neighbours import components, cover, join, join_across

pairs_of = st.lists(st.tuples(st.integers(0, 14), st.integers(0, 14)).filter(lambda p: p[0] < p[1]), unique=True)


def cloud(size: int, dimensions: int, seed: int, near: float = 0.3) -> np.ndarray:
    """Unit vectors of which many lie close to each other."""
    chance = np.random.default_rng(seed)
    middles = chance.normal(size=(max(1, size // 4), dimensions))
    whole = middles[chance.integers(0, len(middles), size)] + near * chance.normal(size=(size, dimensions))
    return (whole / np.linalg.norm(whole, axis=1, keepdims=True)).astype(np.float32)


def by_hand(a: np.ndarray, b: np.ndarray, threshold: float, same: bool) -> list[tuple[int, int]]:
    wide_a, wide_b = a.astype(np.float64), b.astype(np.float64)
    return [
        (i, j)
        for i in range(len(a))
        for j in range(i + 1 if same else 0, len(b))
        if np.einsum("d,d->", wide_a[i], wide_b[j]) >= threshold
    ]


@given(st.integers(0, 40), st.integers(1, 9), st.integers(0, 10**6), st.floats(-1, 1))
def test_the_join_finds_exactly_the_pairs_that_brute_force_in_float64_finds(
    size: int, dimensions: int, seed: int, threshold: float
) -> None:
    vectors = cloud(size, dimensions, seed)

    i, j, alike = join(vectors, threshold)

    assert list(zip(i.tolist(), j.tolist(), strict=True)) == by_hand(vectors, vectors, threshold, same=True)
    assert (alike >= threshold).all()


def test_the_join_is_the_same_over_several_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = cloud(100, 6, seed=3)
    whole = join(vectors, 0.9)

    monkeypatch.setattr(neighbours, "BLOCK", 7)
    parts = join(vectors, 0.9)

    assert len(whole[0]) > 50
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_array_equal(one, other)


@given(st.integers(0, 20), st.integers(0, 20), st.integers(0, 10**6))
def test_the_join_across_compares_every_row_of_one_with_every_row_of_the_other(a: int, b: int, seed: int) -> None:
    left, right = cloud(a, 5, seed), cloud(b, 5, seed + 1)

    i, j, _ = join_across(left, right, 0.4)

    assert list(zip(i.tolist(), j.tolist(), strict=True)) == by_hand(left, right, 0.4, same=False)


def test_equal_vectors_are_alike_at_threshold_one_within_what_float32_holds() -> None:
    one = np.array([[0.6, 0.8], [0.6, 0.8], [0.8, 0.6]], np.float32)

    i, j, alike = join(one, 0.9999)

    assert (i.tolist(), j.tolist(), alike.round(6).tolist()) == ([0], [1], [1.0])


@given(pairs_of)
def test_components_are_those_of_scipy(pairs: list[tuple[int, int]]) -> None:
    a, b = np.array([p[0] for p in pairs], np.int64), np.array([p[1] for p in pairs], np.int64)

    mine = components(15, a, b)

    _, theirs = connected_components(coo_array((np.ones(len(a)), (a, b)), shape=(15, 15)), directed=False)
    assert [theirs.tolist().index(label) for label in theirs.tolist()] == [
        mine.tolist().index(label) for label in mine.tolist()
    ]
    first = [mine.tolist().index(label) for label in range(mine.max() + 1)]
    assert first == sorted(first), "components are numbered by their smallest node"


@given(pairs_of, st.permutations(range(15)), st.data())
def test_every_dropped_node_is_alike_to_a_kept_one_and_no_two_kept_ones_are(
    pairs: list[tuple[int, int]], best_first: list[int], data: st.DataObject
) -> None:
    scores = data.draw(st.lists(st.floats(0.9, 1.0), min_size=len(pairs), max_size=len(pairs)))
    a, b = np.array([p[0] for p in pairs], np.int64), np.array([p[1] for p in pairs], np.int64)

    gone = cover(best_first, a, b, np.array(scores))

    alike = {frozenset(pair): score for pair, score in zip(pairs, scores, strict=True)}
    kept = set(range(15)) - set(gone)
    assert not any(pair <= kept for pair in alike)
    place = {node: rank for rank, node in enumerate(best_first)}
    for node, (keeper, score) in gone.items():
        assert keeper in kept
        assert place[keeper] < place[node]
        near = [alike[frozenset((node, k))] for k in kept if frozenset((node, k)) in alike and place[k] < place[node]]
        assert score == alike[frozenset((node, keeper))] == max(near), "the most alike keeper explains"


def test_a_chain_is_not_merged_into_one() -> None:
    gone = cover([0, 1, 2, 3], np.array([0, 1, 2]), np.array([1, 2, 3]), np.array([0.95, 0.95, 0.95]))

    assert gone == {1: (0, 0.95), 3: (2, 0.95)}


def test_of_two_keepers_equally_alike_the_better_one_explains() -> None:
    assert cover([2, 0, 1], np.array([0, 1]), np.array([1, 2]), np.array([0.9, 0.9])) == {1: (2, 0.9)}
