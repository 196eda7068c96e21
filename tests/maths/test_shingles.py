import unicodedata
from fractions import Fraction
from itertools import groupby, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.errors import UsageError
from curator.maths.shingles import join_texts, join_texts_across

Found = list[tuple[int, int, float]]

texts_of = st.lists(
    st.one_of(
        st.lists(st.sampled_from(["he", "He", "lied", "left,", "again", "üb", "x1"]), max_size=9).map(" ".join),
        st.text(max_size=6),
    ),
    max_size=14,
)
thresholds = st.one_of(st.floats(1e-3, 1), st.sampled_from([1e-9, 0.2, 0.5, 0.6, 2 / 3, 0.7, 0.999999, 1.0]))
widths = st.integers(1, 4)


def shingles(text: str, words: int) -> set[tuple[str, ...]]:
    runs = groupby(text.lower(), lambda one: one == "_" or unicodedata.category(one)[0] in "LNM")
    found = ["".join(run) for inside, run in runs if inside] or [text.lower()]
    return {tuple(found[n : n + words]) for n in range(max(1, len(found) - words + 1))}


def by_hand(a: list[str], b: list[str], threshold: float, words: int, same: bool) -> Found:
    left, right = [shingles(text, words) for text in a], [shingles(text, words) for text in b]
    return [
        (i, j, share)
        for i, j in product(range(len(a)), range(len(b)))
        if (share := len(left[i] & right[j]) / len(left[i] | right[j])) >= threshold and (i < j or not same)
    ]


def listed(found: tuple) -> Found:
    return list(zip(*(part.tolist() for part in found), strict=True))


@given(texts_of, thresholds, widths)
def test_the_join_finds_exactly_the_pairs_that_brute_force_finds(
    texts: list[str], threshold: float, words: int
) -> None:
    assert listed(join_texts(texts, threshold, words=words)) == by_hand(texts, texts, threshold, words, same=True)


@given(texts_of, texts_of, thresholds, widths)
def test_the_join_across_compares_every_text_of_one_with_every_text_of_the_other(
    a: list[str], b: list[str], threshold: float, words: int
) -> None:
    b = b + a[:2]

    assert listed(join_texts_across(a, b, threshold, words=words)) == by_hand(a, b, threshold, words, same=False)


@given(texts_of, thresholds)
def test_memory_does_not_change_the_answer(texts: list[str], threshold: float) -> None:
    assert listed(join_texts(texts, threshold, memory=1)) == listed(join_texts(texts, threshold))


@given(texts_of, thresholds, st.randoms(use_true_random=False))
def test_the_order_of_the_texts_does_not_matter(texts: list[str], threshold: float, chance) -> None:
    order = list(range(len(texts)))
    chance.shuffle(order)

    shuffled = listed(join_texts([texts[n] for n in order], threshold))

    there = {(min(order[i], order[j]), max(order[i], order[j]), share) for i, j, share in shuffled}
    assert there == set(listed(join_texts(texts, threshold)))


def test_a_text_shorter_than_the_window_is_one_shingle_as_a_whole() -> None:
    assert listed(join_texts(["It is fine.", "Fine.", "fine", "fine by me", ""], 0.1)) == [(1, 2, 1.0)]


def test_texts_without_words_are_alike_when_they_are_equal() -> None:
    assert listed(join_texts(["!!", "", "?", "!!", ""], 0.1)) == [(0, 3, 1.0), (1, 4, 1.0)]


def test_case_and_punctuation_do_not_count_but_letters_of_any_script_do() -> None:
    assert listed(join_texts(["Über MICH, bitte!", "über mich bitte", "uber mich bitte"], 0.5, words=1)) == [
        (0, 1, 1.0),
        (0, 2, 0.5),
        (1, 2, 0.5),
    ]


def test_an_index_on_the_threshold_counts() -> None:
    seven_of_ten = [" ".join("abcdefghij"), " ".join("abcdefg")]

    assert listed(join_texts(seven_of_ten, float(Fraction(7, 10)), words=1)) == [(0, 1, 0.7)]


def test_many_copies_of_a_short_text_are_compared_once() -> None:
    i, j, alike = join_texts(["fine"] * 1500 + ["not fine"] * 2, 0.9)

    assert len(i) == 1500 * 1499 // 2 + 1
    assert (i < j).all()
    assert set(alike.tolist()) == {1.0}


def test_a_threshold_of_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="must be above 0"):
        join_texts(["a", "b"], 0)
