"""Recall and precision of `redact` on our own labelled sentences: tests/pii_gold.jsonl."""

from functools import cache

import pytest

from benchmarks.redact import KNOWN, STRUCTURED, Tally, gold, measure, spans_of, total
from curator.maths.pii import CUED, KINDS
from curator.privacy import ner


@cache
def tallies() -> dict[str, Tally]:
    """What is found without the model."""
    return measure("off")


def test_every_label_is_a_place_in_its_text_and_of_a_kind_that_exists() -> None:
    kinds = {*KINDS, *(cue[0] for cue in CUED), "person", "name"}
    for one in gold():
        ends = [0, *(end for _, end, _ in one["spans"])]
        for (start, end, kind), before in zip(one["spans"], ends, strict=False):
            assert before <= start < end <= len(one["text"])
            assert one["text"][start:end] == one["text"][start:end].strip()
            assert kind in kinds


def test_the_labelled_set_is_large_and_of_two_languages_and_full_of_traps() -> None:
    told = gold()

    assert len({one["text"] for one in told}) == len(told) >= 400
    assert sum(not one["spans"] for one in told) >= 120
    assert min(sum(one["lang"] == lang for one in told) for lang in ("en", "de")) >= 150
    assert {kind for one in told for _, _, kind in one["spans"]} == {*STRUCTURED, "person", "name"}


@pytest.mark.parametrize("kind", STRUCTURED)
def test_every_structured_kind_is_found(kind: str) -> None:
    tally = tallies()[kind]

    assert (tally.found / tally.gold, tally.missed) >= (0.99, [])


def test_known_people_are_found_however_they_are_written() -> None:
    tally = tallies()["person"]

    assert len(KNOWN) > 10
    assert (tally.found / tally.gold, tally.missed) >= (0.97, [])


def test_little_else_is_taken() -> None:
    everything = total(tallies(), sorted(tallies()))

    assert everything.right / everything.taken >= 0.95, everything.false


@pytest.mark.slow
@pytest.mark.skipif(not ner.installed(), reason="names are found where the extra privacy is installed")
def test_most_unknown_names_are_found_where_the_model_is_installed() -> None:
    tally = measure("replace")["name"]

    assert tally.found / tally.gold >= 0.90, tally.missed
    assert tally.right / tally.taken >= 0.85, tally.false


def test_places_are_read_off_from_what_was_replaced() -> None:
    assert spans_of("a b a", "[person bcdfghjk] b a") == [(0, 1, "person")]
