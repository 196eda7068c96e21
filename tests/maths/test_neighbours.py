from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from curator.errors import UsageError
from curator.maths import cells, neighbours, ruling_out
from curator.maths.neighbours import closest, components, cover, join, join_across

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


@contextmanager
def ruling_out_whatever_it_costs() -> Iterator[None]:
    """Small sets in many cells, so that a few rows go the way of a million."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbours, "FEW", 0)
        patch.setattr(cells, "MEMBERS", 2)
        patch.setattr(cells, "PART", 5)
        patch.setattr(ruling_out, "SLICE", 3)
        patch.setattr(ruling_out, "BLOCK", 12)
        patch.setattr(ruling_out, "HEADS", (1, 2, 4))
        patch.setattr(cells, "PLACES", 6)
        patch.setattr(cells, "LEAN", 3)
        tried = ruling_out._Sift._try
        patch.setattr(ruling_out._Sift, "_try", lambda self: tried(self) or True)
        yield


sizes = st.integers(0, 40)
thresholds = st.one_of(st.floats(-1, 1), st.sampled_from([1e-6, 0.9, 0.999999, 1.0]))


@st.composite
def sets_of_vectors(
    draw: st.DrawFn, sizes: st.SearchStrategy[int] = sizes, dimensions: int | None = None
) -> np.ndarray:
    """Clouds with copies, rows of zeros, and now and then rows of other lengths than 1."""
    size = draw(sizes)
    vectors = cloud(size, dimensions or draw(st.integers(1, 9)), draw(st.integers(0, 10**6)))
    if size:
        row = st.integers(0, size - 1)
        for to, like in draw(st.lists(st.tuples(row, row), max_size=8)):
            vectors[to] = vectors[like]
        vectors[draw(st.lists(row, max_size=2))] = 0
        vectors[draw(st.lists(row, max_size=2))] *= np.float32(draw(st.sampled_from([1, 0.5, 3])))
    return vectors


@given(sets_of_vectors(), thresholds)
def test_the_join_finds_exactly_the_pairs_that_brute_force_in_float64_finds(
    vectors: np.ndarray, threshold: float
) -> None:
    i, j, alike = join(vectors, threshold)

    assert list(zip(i.tolist(), j.tolist(), strict=True)) == by_hand(vectors, vectors, threshold, same=True)
    assert (alike >= threshold).all()


@given(sets_of_vectors(), thresholds)
def test_what_is_ruled_out_unseen_is_never_alike(vectors: np.ndarray, threshold: float) -> None:
    with ruling_out_whatever_it_costs():
        i, j, _ = join(vectors, threshold)

    assert list(zip(i.tolist(), j.tolist(), strict=True)) == by_hand(vectors, vectors, threshold, same=True)


@given(st.integers(1, 9), st.data(), thresholds, st.booleans())
def test_the_join_across_compares_every_row_of_one_with_every_row_of_the_other(
    dimensions: int, data: st.DataObject, threshold: float, ruling: bool
) -> None:
    left, right = (data.draw(sets_of_vectors(dimensions=dimensions)) for _ in range(2))
    if len(left) and len(right):
        right[0] = left[-1]

    with ruling_out_whatever_it_costs() if ruling else nullcontext():
        i, j, _ = join_across(left, right, threshold)

    assert list(zip(i.tolist(), j.tolist(), strict=True)) == by_hand(left, right, threshold, same=False)


@given(st.integers(1, 9), st.data())
def test_the_closest_pair_is_as_close_as_brute_force_says(dimensions: int, data: st.DataObject) -> None:
    left, right = (data.draw(sets_of_vectors(st.integers(1, 20), dimensions)) for _ in range(2))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbours, "LOOK", 2)
        found = closest(left, right)

    assert found == max(np.einsum("d,d->", x, y) for x in left.astype(np.float64) for y in right.astype(np.float64))


@given(sets_of_vectors(), thresholds, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(vectors: np.ndarray, threshold: float, chance: Random) -> None:
    shuffled = list(range(len(vectors)))
    chance.shuffle(shuffled)

    with ruling_out_whatever_it_costs():
        i, j, alike = join(vectors, threshold)
        x, y, again = join(vectors[shuffled], threshold)

    back = np.array(shuffled, np.int64)
    there = {(min(p), max(p)): score for *p, score in zip(back[x].tolist(), back[y].tolist(), again, strict=True)}
    assert there == {p: score for *p, score in zip(i.tolist(), j.tolist(), alike, strict=True) for p in [tuple(p)]}


@given(sets_of_vectors(), thresholds, st.integers(1, 4), st.sampled_from([1, 1000, 1 << 30]))
def test_neither_threads_nor_memory_change_the_answer(
    vectors: np.ndarray, threshold: float, workers: int, memory: int
) -> None:
    with ruling_out_whatever_it_costs():
        one = join(vectors, threshold)
        other = join(vectors, threshold, workers, memory=memory)

    for here, there in zip(one, other, strict=True):
        np.testing.assert_array_equal(here, there)


def test_the_join_is_the_same_over_several_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = cloud(100, 6, seed=3)
    whole = join(vectors, 0.9)

    monkeypatch.setattr(neighbours, "BLOCK", 7)
    parts = join(vectors, 0.9)

    assert len(whole[0]) > 50
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("threshold", [0.6, 0.9, 0.99])
def test_five_thousand_rows_give_the_same_pairs_with_and_without_ruling_out(
    monkeypatch: pytest.MonkeyPatch, threshold: float
) -> None:
    vectors = cloud(5000, 48, seed=1, near=0.45)

    quick = join(vectors, threshold)
    across = join_across(vectors[:2500], vectors[2500:], threshold)
    monkeypatch.setattr(neighbours, "FEW", 10**9)
    plain = join(vectors, threshold)

    for one, other in zip(quick, plain, strict=True):
        np.testing.assert_array_equal(one, other)
    between = (plain[0] < 2500) & (plain[1] >= 2500)
    np.testing.assert_array_equal(across[0], plain[0][between])
    np.testing.assert_array_equal(across[1] + 2500, plain[1][between])


def test_many_copies_of_one_vector_cost_no_more_than_their_pairs() -> None:
    vectors = np.repeat(cloud(3, 8, seed=2), [2000, 1, 1], axis=0)

    i, j, alike = join(vectors, 0.999)

    assert len(i) == 2000 * 1999 // 2
    assert (i < j).all()
    assert j.max() == 1999
    assert len(np.unique(alike)) == 1


def test_a_vector_that_holds_no_number_is_refused() -> None:
    vectors = cloud(5, 3, seed=0)
    vectors[3, 1] = np.nan

    with pytest.raises(UsageError, match="Vector 3 holds something that is no number"):
        join(vectors, 0.9)


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


def cover_row_by_row(
    best_first: list[int], pairs: list[tuple[int, int]], scores: list[float]
) -> dict[int, tuple[int, float]]:
    """The definition, as plain as it can be said."""
    place = {node: rank for rank, node in enumerate(best_first)}
    kept: set[int] = set()
    dropped: dict[int, tuple[int, float]] = {}
    for node in best_first:
        near = [(score, *({*pair} - {node})) for pair, score in zip(pairs, scores, strict=True) if node in pair]
        above = [(score, -place[other], other) for score, other in near if other in kept]
        if above:
            score, _, other = max(above)
            dropped[node] = (other, score)
        else:
            kept.add(node)
    return dropped


@given(pairs_of, st.permutations(range(15)), st.data())
def test_the_cover_is_the_one_that_looking_row_by_row_gives(
    pairs: list[tuple[int, int]], best_first: list[int], data: st.DataObject
) -> None:
    scores = data.draw(st.lists(st.sampled_from([0.9, 0.95, 1.0]), min_size=len(pairs), max_size=len(pairs)))
    a, b = np.array([p[0] for p in pairs], np.int64), np.array([p[1] for p in pairs], np.int64)

    gone = cover(best_first, a, b, np.array(scores))

    assert gone == cover_row_by_row(best_first, pairs, scores)
    assert list(gone) == [node for node in best_first if node in gone], "in the order given"


def test_a_chain_of_many_is_one_component_and_half_of_it_covers_the_rest() -> None:
    links = np.arange(20_000)

    assert components(20_001, links, links + 1).max() == 0
    assert len(cover(range(20_001), links, links + 1, np.full(20_000, 0.9))) == 10_000


def test_a_chain_is_not_merged_into_one() -> None:
    gone = cover([0, 1, 2, 3], np.array([0, 1, 2]), np.array([1, 2, 3]), np.array([0.95, 0.95, 0.95]))

    assert gone == {1: (0, 0.95), 3: (2, 0.95)}


def test_of_two_keepers_equally_alike_the_better_one_explains() -> None:
    assert cover([2, 0, 1], np.array([0, 1]), np.array([1, 2]), np.array([0.9, 0.9])) == {1: (2, 0.9)}
