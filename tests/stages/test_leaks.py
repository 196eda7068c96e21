import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from curator.embedding import embed_texts
from curator.errors import PolicyError, UsageError
from curator.files import read, texts_of
from curator.stage import Given
from curator.stages.leaks import leaks
from tests import sample
from tests.conftest import rows
from tests.stages.placing import placed


def test_a_telling_of_a_training_scenario_in_the_test_ends_the_run() -> None:
    told = placed(
        a={"scenario": "s1", "split": "train"},
        b={"scenario": "s2", "split": "test", "_situation": 8},
        c={"scenario": "s3", "split": "validation", "_situation": 20},
        d={"scenario": "s4", "split": "test", "_situation": 90},
    )

    with pytest.raises(PolicyError) as caught:
        leaks(told, given=Given())

    assert str(caught.value) == (
        "2 pairs of scenarios stand in train and in another split; the closest are 0.990 alike: s1 and s2 (test). "
        "No dataset was made. Lower scenarios.threshold so that they stay together."
    )


def test_what_is_alike_outside_of_train_is_no_leak() -> None:
    told = placed(
        a={"scenario": "s1", "split": "train"},
        b={"scenario": "s2", "split": "test", "_situation": 90},
        c={"scenario": "s3", "split": "out_of_context", "_situation": 91},
        d={"scenario": "s4", "split": "train", "_situation": 1},
    )

    outcome = leaks(told, given=Given())

    assert outcome.rows.equals(told)
    assert outcome.decisions.is_empty()
    assert outcome.measures == {"compared": 4, "closest": 0.0175}  # cos 89


def test_scenarios_out_of_context_are_compared_too() -> None:
    told = placed(a={"scenario": "s1", "split": "train"}, b={"scenario": "s2", "split": "out_of_context"})

    with pytest.raises(PolicyError, match=r"s1 and s2 \(out_of_context\)"):
        leaks(told, given=Given())


def test_the_threshold_is_a_setting() -> None:
    told = placed(a={"scenario": "s1", "split": "train"}, b={"scenario": "s2", "split": "test", "_situation": 30})

    assert leaks(told, given=Given()).measures == {"compared": 1, "closest": 0.866}
    with pytest.raises(PolicyError):
        leaks(told, given=Given(), threshold=0.86)


def test_with_nothing_to_compare_nothing_is_claimed() -> None:
    assert leaks(placed(a={"split": "train"}), given=Given()).measures == {"compared": 0, "closest": None}
    assert leaks(placed(a={"split": "test"}).head(0), given=Given()).measures == {"compared": 0, "closest": None}


BENCH = {
    "bench.jsonl": [
        ("bench.jsonl:1", "The shift was moved the evening before, and nobody had asked."),
        (
            "bench.jsonl:2",
            "Some other words come first. And he said that the rota is fixed a month ahead for all of us here.",
        ),
    ]
}


def bench(**more: Any) -> Given:
    return replace(Given(cache=sample.EMBEDDED), texts=BENCH.__getitem__, **more)


def real(**told: dict[str, Any]) -> pl.DataFrame:
    """Rows with vectors of the real model."""
    made = rows(**{id: {k: v for k, v in one.items() if k != "split"} for id, one in told.items()})
    vectors = embed_texts(made["situation"].to_list(), "all-minilm-l6-v2", sample.EMBEDDED)
    return made.with_columns(
        pl.Series("split", [one["split"] for one in told.values()]),
        pl.Series("_situation", vectors, pl.Array(pl.Float32, vectors.shape[1])),
    )


@pytest.mark.slow
def test_rows_of_train_that_stand_in_a_benchmark_leave_and_others_stay() -> None:
    long = "He told us that the rota is fixed a month ahead for all of us here, so no."
    told = real(
        a={"split": "train", "situation": "The shift was moved the evening before, and nobody had asked them."},
        b={"split": "train", "situation": "The parcel was left in the rain.", "analysis": long},
        c={"split": "train", "situation": "A colleague was praised in front of everybody."},
        d={"split": "test", "situation": "Two cooks disagree about the salt."},
    )

    outcome = leaks(told, given=bench(), benchmarks=["bench.jsonl"])

    assert outcome.rows["id"].to_list() == ["c", "d"]
    assert outcome.measures["bench.jsonl"] == 2
    first, second = outcome.decisions.select("id", "reason", "because").rows()
    assert first[:2] == ("a", "stands in bench.jsonl")
    assert first[2].startswith("its situation is 0.9")
    assert first[2].endswith(" alike to bench.jsonl:1")
    assert second == ("b", "stands in bench.jsonl", "13 words in a row stand at bench.jsonl:2")


@pytest.mark.slow
def test_twelve_words_in_a_row_are_no_leak() -> None:
    told = real(a={"split": "train", "analysis": "Was the rota is fixed a month ahead for all of us, or not."})

    assert leaks(told, given=bench(), benchmarks=["bench.jsonl"]).decisions.is_empty()


def test_the_texts_of_a_file_are_found_however_deep_they_lie(tmp_path: Path) -> None:
    deep = {"id": 7, "messages": [{"role": "user", "content": "How should I tell her that?"}], "tag": "two words"}
    (tmp_path / "b.jsonl").write_text(json.dumps(deep))

    assert texts_of(read(tmp_path / "b.jsonl")) == [("b.jsonl:1", "How should I tell her that?")]


def test_a_file_can_only_be_named_in_a_workspace() -> None:
    with pytest.raises(UsageError, match="files that a recipe names lie beside it"):
        leaks(placed(a={"split": "train"}), given=Given(), benchmarks=["b.jsonl"])
