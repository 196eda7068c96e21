"""Phrases of one person, words that stand in the scenario, and what other people's words speak for."""

import numpy as np
import polars as pl

from curator.phrases import only_one_uses, shared, speaks_for, words


def crowd(size: int = 48, people: int = 4) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Texts that share most of their words, each of another thing; the people take turns."""
    chance = np.random.default_rng(1)
    common = [f"word{n}" for n in range(40)]
    texts = [" ".join(chance.choice(common, 15)) for _ in range(size)]
    return texts, np.arange(size) % people, np.arange(size)


def found(
    texts: list[str], who: np.ndarray, what: np.ndarray, seen: str = "", **settings: float
) -> dict[int, tuple[str, int]]:
    beside, which = words(pl.Series([seen])), np.zeros(len(texts), np.int64)
    return only_one_uses(words(pl.Series(texts)), beside, which, who, what, **settings)  # type: ignore[arg-type]


def test_words_are_what_stands_between_spaces_and_points_in_any_script() -> None:
    assert words(pl.Series(["He said: “No.” ☂☂ 这件事!", "", "A-b"]))["word"].to_list() == [
        *("he", "said", "no", "☂☂", "这件事"),
        *("a", "b"),
    ]


def test_a_phrase_that_one_person_alone_says_about_many_things_is_found() -> None:
    texts, who, what = crowd()
    mine = np.flatnonzero(who == 2)
    for row in mine[:7]:
        texts[row] += " Blue River Protocol, ok."

    assert found(texts, who, what) == {int(row): ("blue river protocol", 7) for row in mine[:7]}


def test_it_may_be_made_of_words_that_everybody_says() -> None:
    texts, who, what = crowd()
    texts = [text + " zero apple" for text in texts]
    mine = np.flatnonzero(who == 1)
    for row in mine[:8]:
        texts[row] += " apple zero"

    assert {row: phrase for row, (phrase, _) in found(texts, who, what).items() if "apple" in phrase}.keys() == set(
        mine[:8].tolist()
    )


def test_what_others_say_too_what_is_rare_and_what_the_scenario_says_is_no_phrase() -> None:
    texts, who, what = crowd()
    for row in range(len(texts)):
        texts[row] += " everybody"
    for row in np.flatnonzero(who == 0)[:5]:
        texts[row] += " seldom"
    for row in np.flatnonzero(who == 3)[:9]:
        texts[row] += " warehouse"

    assert found(texts, who, what, seen="In the warehouse") == {}
    assert set(found(texts, who, what)) == set(np.flatnonzero(who == 3)[:9].tolist())


def test_many_words_about_one_thing_are_one() -> None:
    texts, who, _ = crowd()
    for row in np.flatnonzero(who == 2)[:9]:
        texts[row] += " refrain"

    assert found(texts, who, np.zeros(len(texts), np.int64)) == {}


def test_shared_counts_runs_of_four_words() -> None:
    texts = words(pl.Series(["a b c d e", "a b c d x y z", "no such words here", "a b", "a b c d"]))
    beside = words(pl.Series(["something else", "0 a b c d e f"]))

    found = shared(texts, beside, np.array([1, 1, 1, 1, 0]))

    assert found.round(4).tolist() == [1.0, 0.25, 0.0, 0.0, 0.0]


def test_a_persons_own_words_never_speak_for_or_against_them() -> None:
    texts = ["it was a lie"] * 6 + ["it was fair"] * 6
    verdict = np.repeat([0, 1], 6)
    several = np.arange(12) % 6
    alone = np.zeros(12, np.int64)

    by_others = speaks_for(pl.Series(texts), several, verdict, 2)
    by_nobody = speaks_for(pl.Series(texts), alone, verdict, 2)

    assert (by_others[np.arange(12), verdict] > 0.8).all()
    assert np.allclose(by_nobody, 0.5)


def test_a_flipped_verdict_reads_like_the_other() -> None:
    texts = ["it was a lie"] * 8 + ["it was fair"] * 8
    verdict = np.repeat([0, 1], 8)
    verdict[3] = 1

    likely = speaks_for(pl.Series(texts), np.arange(16) % 8, verdict, 2)

    assert likely[3, 0] > 0.8
