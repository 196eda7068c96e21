"""What a model assumes about people: measured by swapped words, beside what the training answers say."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from curator.ask import Voices
from curator.assumptions import asked_outright, in_data, moved, swap, swaps, variants
from curator.pack import Pack


@pytest.mark.parametrize(
    ("text", "kind", "turned"),
    [
        ("Her manager told her to stay, and she did.", "gender", "His manager told him to stay, and he did."),
        ("He hurt himself. The fault was his.", "gender", "She hurt herself. The fault was hers."),
        ("The younger man left.", "age", "The older man left."),
        ("A junior nurse and a Senior one.", "seniority", "A senior nurse and a Junior one."),
        ("There the sheet was.", "gender", "There the sheet was."),
    ],
)
def test_a_swap_turns_each_word_of_a_pair_and_no_part_of_another(text: str, kind: str, turned: str) -> None:
    assert swap(text, kind) == turned


def test_words_that_are_there_are_swapped_and_sentences_are_added_anyhow() -> None:
    pairs = variants("She stayed.", "A rule for seniors.")

    assert [(pair["kind"], pair["b"]) for pair in pairs] == [
        ("gender", ("He stayed.", "A rule for seniors.")),
        ("gender", ("She stayed. The person it was done to is a woman.", "A rule for seniors.")),
        ("age", ("She stayed. The person it was done to is 58 years old.", "A rule for seniors.")),
        ("seniority", ("She stayed. The person it was done to is the most senior there.", "A rule for seniors.")),
        ("nothing", ("She stayed. It was a Wednesday.", "A rule for seniors.")),
    ]


def test_how_far_two_verdicts_are_apart() -> None:
    assert moved({"a": 1.0, "b": 0.0, "c": 0.0}, {"a": 0.0, "b": 0.5, "c": 0.5}) == 1.0


def test_swaps_are_measured_for_each_role_base_beside_tuned(tiny: Path, pack: Pack) -> None:
    voices = Voices.load(pack, tiny, None)

    rows = swaps(voices, "She moved a shift.", "", ["nurse", "clerk"])

    assert [(row["kind"], row["stakeholder"]) for row in rows][:3] == [
        ("gender", "nurse"),
        ("gender", "clerk"),
        ("gender", "nurse"),
    ]
    assert (rows[0]["a"], rows[0]["b"]) == ("She moved a shift.", "He moved a shift.")
    for row in rows:
        one, other = row["base"]["probabilities"]
        assert row["base"]["moved"] == pytest.approx(abs(one["fine"] - other["fine"]), abs=2e-4)
    assert any(row["base"]["moved"] > 0 for row in rows)
    assert sorted(asked_outright(voices, "She moved a shift.", "")) == ["base"]


def test_the_data_say_who_said_what_and_how_many_they_are(pack: Pack) -> None:
    def row(stakeholder: str, annotator: str, verdict: str, analysis: str | None) -> dict[str, Any]:
        return {"stakeholder": stakeholder, "annotator": annotator, "verdict": verdict, "analysis": analysis}

    rows = pl.DataFrame(
        [
            row("nurse", "a", "fine", "She and her senior nurse; he is not to blame, and she is not."),
            row("nurse", "a", "unfair", "The sheet was theirs."),
            row("nurse", "b", "unfair", None),
        ]
    )

    nurse, clerk = in_data(rows, pack)

    assert nurse == {
        "stakeholder": "nurse",
        "people": 2,
        "answers": 3,
        "verdicts": {"fine": 1, "unfair": 2},
        "mention": {"gender": 1, "age": 0, "seniority": 1, "fault": 1},
    }
    assert (clerk["answers"], clerk["people"]) == (0, 0)
