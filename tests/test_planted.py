"""Every trap that was planted in the sample data is looked up after a real run."""

import json
import re
import unicodedata
from itertools import combinations
from typing import Any

import polars as pl
import pytest

from curator.embedding import embed_texts
from curator.example import SPLITS
from tests import sample

pytestmark = pytest.mark.slow

PLANTED: list[dict[str, Any]] = json.loads((sample.DATA / "planted.json").read_text("utf-8"))
PERSONAL = {
    "health-12": ["Marguerite", "Ellingham", "m.ellingham@", "020 7946 0381", "7946 0381"],
    "health-13": ["Curtis", "Vandermeer", "c.vandermeer@", "202 555 0147"],
    "acad-18": ["Wilhelmina", "Trask", "Odell", "w.trask-odell@", "020 7946 0358"],
    "retail-19": ["Ellison", "Voss", "ellisonvoss@", "020 7946 0853"],
}


def planted(kind: str) -> list[Any]:
    """The items of one kind, named by their first answer."""
    return [pytest.param(item, id=item["answers"][0]) for item in PLANTED if item["kind"] == kind]


def fate(key: str) -> tuple[str, str, str | None]:
    """Where an answer ended: (step, reason, twin), or ('kept', split, None)."""
    left = sample.decisions().filter((pl.col("key") == key) & (pl.col("action") == "drop"))
    if left.height:
        return left.select("step", "reason", "of").row(0)
    return "kept", sample.examples().filter(pl.col("key") == key)["split"][0], None


def row(key: str) -> dict[str, Any]:
    return sample.examples().filter(pl.col("key") == key).row(0, named=True)


def chats() -> dict[str, dict[str, Any]]:
    """Every line of the training files, by the sample's key."""
    told = [
        json.loads(line)
        for name in SPLITS
        for line in sample.dataset().file(f"{name}.jsonl").read_text("utf-8").split("\n")
        if line
    ]
    return {sample.key_of()[line["id"]]: line for line in told}


def original(key: str) -> str:
    return next(line["analysis"] for line in sample.lines("answers") if line["key"] == key)


@pytest.mark.parametrize("item", planted("exact_repeat"))
def test_an_exact_repeat_leaves_first_and_names_its_twin(item: dict[str, Any]) -> None:
    one, other = item["answers"]
    left, stayed = (one, other) if fate(one)[0] == "exact_duplicates" else (other, one)

    assert fate(left) == ("exact_duplicates", "exact repeat", stayed)
    assert fate(stayed)[0] in ("kept", "balance")


@pytest.mark.parametrize("item", planted("paraphrased_repeat"))
def test_a_paraphrased_repeat_is_one_row_with_two_voices(item: dict[str, Any]) -> None:
    one, other = item["answers"]
    left, stayed = (one, other) if fate(one)[0] == "duplicates" else (other, one)

    assert fate(left) == ("duplicates", "said by the same role before", stayed)
    assert fate(stayed)[0] in ("kept", "balance")
    if fate(stayed)[0] == "kept":
        assert row(stayed)["voices"] == 2


def test_nothing_else_is_merged() -> None:
    expected = {
        frozenset(item["answers"]) for item in PLANTED if item["kind"] in ("exact_repeat", "paraphrased_repeat")
    }
    merged = sample.decisions().filter(pl.col("step").is_in(["exact_duplicates", "duplicates"]))

    assert {frozenset(pair) for pair in merged.select("key", "of").iter_rows()} == expected


@pytest.mark.parametrize("kind", ["two_teams_scenario", "same_words_other_context", "reversed_meaning"])
def test_what_is_near_but_not_the_same_is_never_merged_and_never_parted_by_a_split(kind: str) -> None:
    for item in (item for item in PLANTED if item["kind"] == kind):
        kept = sample.examples().filter(pl.col("key").is_in(item["answers"]))
        assert not [key for key in item["answers"] if fate(key)[0] in ("duplicates", "exact_duplicates", "quality")]
        assert kept["scenario"].n_unique() == len(item["scenarios"])
        assert kept["group"].n_unique() == 1
        assert kept["split"].n_unique() == 1


def test_groups_hold_planted_tellings_and_nothing_else() -> None:
    tellings = [
        set(item["scenarios"])
        for item in PLANTED
        if item["kind"] in ("two_teams_scenario", "same_words_other_context", "reversed_meaning")
        and len(item["scenarios"]) > 1
    ]
    told = sample.examples().with_columns(pl.col("key").str.replace(r"-a\d+$", "").alias("name"))
    together = told.group_by("group").agg(pl.col("name").unique()).filter(pl.col("name").list.len() > 1)

    assert sorted(map(sorted, together["name"].to_list())) == sorted(map(sorted, tellings))


def test_the_reversed_pair_is_shown_among_the_closest_kept_apart() -> None:
    pairs = sample.dataset().frame("table_pairs").filter(pl.col("kind") == "kept apart")
    shown = {
        frozenset((sample.key_of()[a], sample.key_of()[b])): why
        for a, b, why in pairs.select("a", "b", "why").iter_rows()
    }

    assert shown[frozenset(("logi-17-a4", "logi-17-a5"))] == "different verdicts"


@pytest.mark.parametrize("scenario", PERSONAL)
def test_personal_data_stands_in_no_byte_of_the_dataset(scenario: str) -> None:
    whole = b"".join(path.read_bytes() for path in sorted(sample.dataset().folder.iterdir()))
    frames = "\n".join(
        sample.dataset().frame(name.removesuffix(".parquet")).write_ndjson()  # parquet is compressed
        for name in sample.dataset().manifest["files"]
        if name.endswith(".parquet")
    )

    for secret in PERSONAL[scenario]:
        assert secret.encode() not in whole
        assert secret not in frames


def test_nobody_who_answered_stands_in_the_dataset() -> None:
    frames = "\n".join(sample.dataset().frame(name).write_ndjson() for name in ("examples", "dropped", "decisions"))

    for person in sample.people():
        assert person.email not in frames
        assert (person.name or "?") not in frames


@pytest.mark.parametrize("scenario", PERSONAL)
def test_one_person_bears_one_tag_in_every_telling(scenario: str) -> None:
    texts: set[str] = set()
    for name in ("examples", "dropped"):
        told = sample.dataset().frame(name).with_columns(pl.col("id").replace_strict(sample.key_of()).alias("key"))
        told = told.filter(pl.col("key").str.starts_with(scenario))
        texts |= {text for column in ("situation", "context", "analysis") for text in told[column].drop_nulls()}
    whole = "\n".join(texts)

    assert len(set(re.findall(r"\[person \w+\]", whole))) == 1
    assert len(set(re.findall(r"\[email \w+\]", whole))) == 1
    assert len(set(re.findall(r"\[phone \w+\]", whole))) == 1


def test_only_the_planted_people_were_redacted() -> None:
    edited = sample.decisions().filter((pl.col("step") == "redact") & (pl.col("action") == "edit"))
    touched = edited["key"].str.replace(r"-a\d+$", "").unique().sort()

    assert touched.to_list() == sorted(PERSONAL)


def test_what_says_nothing_leaves_at_validate() -> None:
    assert fate("retail-16-a4")[:2] == ("validate", "no analysis")
    assert fate("retail-13-a4")[:2] == ("validate", "one word")
    assert fate("retail-17-a4")[:2] == ("validate", "one word")
    assert sample.decisions().filter(pl.col("step") == "validate").height == 3


def test_the_off_topic_and_the_careless_leave_at_quality_and_no_careful_answer_does() -> None:
    caught = sample.decisions().filter((pl.col("step") == "quality") & (pl.col("action") == "drop"))
    expected = [key for item in PLANTED if item["kind"] in ("off_topic", "careless") for key in item["answers"]]

    assert sorted(caught["key"]) == sorted(expected)


def test_careful_people_are_not_marked_for_one_word_or_a_lone_view() -> None:
    flagged = sample.decisions().filter((pl.col("step") == "quality") & (pl.col("action") == "flag"))

    assert flagged["key"].to_list() == []


@pytest.mark.parametrize("item", [*planted("rtl_emoji"), *planted("markup_braces"), *planted("hidden_instruction")])
def test_odd_texts_come_through_to_the_letter(item: dict[str, Any]) -> None:
    for key in item["answers"]:
        words = unicodedata.normalize("NFC", original(key))
        if fate(key)[0] == "balance":
            continue
        assert row(key)["analysis"] == words
        assert chats()[key]["messages"][2]["content"].endswith(f"Analysis: {words}")


def test_braces_in_an_answer_are_not_filled_in() -> None:
    told = chats()["tech-05-a3"]["messages"]

    assert "{situation}" in told[2]["content"]
    assert "{{ config }}" in told[2]["content"]
    assert "<script>alert(1)</script>" in told[2]["content"]
    assert [message["role"] for message in told] == ["system", "user", "assistant"]


def test_the_dataset_keeps_most_of_what_was_clean() -> None:
    left = sample.decisions().filter(pl.col("action") == "drop")
    planted_keys = {key for item in PLANTED for key in item["answers"]}
    clean = left.filter(~pl.col("key").is_in(list(planted_keys)))

    assert clean["step"].unique().to_list() == ["balance"], "a clean answer leaves only where its cell is full"
    assert clean.height <= 10


def test_distances_leave_room_on_both_sides_of_every_threshold() -> None:
    """The closest pair of different people in one scenario that is not planted is far below what is merged."""
    analysis = {}
    told = sample.examples()
    vectors = embed_texts(told["analysis"].to_list(), "all-minilm-l6-v2", sample.given().cache)
    for _, part in told.with_row_index("at").group_by(["scenario"]):
        for a, b in combinations(part["at"].to_list(), 2):
            analysis[frozenset((told["key"][a], told["key"][b]))] = float(vectors[a] @ vectors[b])
    reversed_pair = analysis.pop(frozenset(("logi-17-a4", "logi-17-a5")))

    assert reversed_pair > 0.98
    assert max(analysis.values()) < 0.8
    merged = sample.decisions().filter(pl.col("step") == "duplicates")["score"]
    assert float(merged.min()) > 0.97  # type: ignore[arg-type]  # a column of numbers
