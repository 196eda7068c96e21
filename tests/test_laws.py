"""Laws that hold for every stage, whatever the rows: tried on many made-up ones."""

import math
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curator.errors import PolicyError
from curator.pack import Pack
from curator.pipeline import check_nothing_lost
from curator.recipe import Step, known_stages, parse_recipe
from curator.stage import Given, Known, Outcome
from curator.stages.duplicates import duplicates
from tests.stages.placing import placed

# Everything but embed, in the order of the standard recipe; the vectors are placed by hand.
CHAIN = [
    "consent",
    "normalise",
    "validate",
    "redact",
    "exact_duplicates",
    "scenarios",
    "agreement",
    "quality",
    "duplicates",
    "balance",
    "split",
    "leaks",
]
BUILT_ON = ["scenarios", "quality", "duplicates", "balance", "split", "leaks"]
SETTINGS: dict[str, dict[str, Any]] = {
    "agreement": {"draws": 10},
    "quality": {"drop": ["off topic", "copied between scenarios"]},
    "redact": {"names": "off"},  # what a model flags once it flags twice
    "balance": {"ratio": 1.0, "least": 2, "per_person": 0.3},
    "split": {"train": 0.6, "validation": 0.2, "test": 0.2, "hold_out": {"domain": ["logistics"]}},
}
NOON = datetime(2026, 1, 1, tzinfo=UTC)
ANALYSES = [
    "Nobody was asked, and it was done anyway.",
    "Nobody was asked,  and it was done ANYWAY.",
    "Marta Delacroix (m.delacroix@example.com, +1 202 555 0147) was right to say no.",
    "Marta said no\r\nand nobody cared\u200b.",
    "He apologised to everybody who was in the room.",
    "He refused to apologise to anybody in the room.",
    "",
    "Fine.",
    "这件事没有问过任何人就直接做了,我觉得很不公平。",
    "password: [person bbbbcccc] and then some more",
]
SITUATIONS = [0, 10, 90, 92, 45, 200]  # degrees; the first two and the next two are tellings of one event

one_row = st.fixed_dictionaries(
    {
        "scenario": st.integers(0, len(SITUATIONS) - 1),
        "stakeholder": st.sampled_from(["employee", "manager", "hr"]),
        "verdict": st.sampled_from(["reasonable", "questionable", "manipulative"]),
        "annotator": st.integers(0, 5),
        "severity": st.one_of(st.none(), st.integers(1, 5)),
        "analysis": st.sampled_from(ANALYSES),
        "angle": st.integers(0, 14),  # times 8 degrees
        "domain": st.sampled_from([None, "retail", "logistics"]),
        "minute": st.one_of(st.none(), st.integers(0, 40)),
    }
)
some_rows = st.lists(one_row, min_size=1, max_size=24)


def build(told: list[dict[str, Any]]) -> pl.DataFrame:
    """Make a frame of drawn rows; ids are in an order that is not that of the rows."""
    lines = {}
    for n, one in enumerate(told):
        name = f"s{one['scenario']}"
        lines[f"{(n * 7) % 31:02d}"] = {
            **{key: one[key] for key in ("stakeholder", "verdict", "severity", "domain")},
            "analysis": one["analysis"] and f"{one['analysis']} {one['angle']}",  # the same words, the same vector
            "annotator": f"annotator-{one['annotator']}",
            "situation": f"Situation {name}, told by Marta Delacroix" if one["scenario"] == 2 else f"Situation {name}",
            "created_at": None if one["minute"] is None else NOON + timedelta(minutes=one["minute"]),
            "scenario": name,
            "_situation": SITUATIONS[one["scenario"]],
            "_context": 15 * one["scenario"],
            "_analysis": 8 * one["angle"] if one["analysis"] else 0,
        }
    return placed(**lines).drop("group", "voices").sort("id")


@pytest.fixture(scope="module")
def what_is_known(pack: Pack) -> Given:
    people = (Known("Marta Delacroix", "marta@harbor.example"),)
    consents = {"annotator-1": ("analyse", "train"), "annotator-2": ("analyse",), "annotator-5": ()}
    return Given(key=b"k" * 32, people=people, consents=consents, pack=pack)


def step_of(name: str) -> Step:
    """The step of a recipe that holds this stage, with the settings of these tests."""
    words = "\n".join(f"[[step]]\nuse = {stage!r}" for stage in ["normalise", "embed", *CHAIN[2:], "consent"])
    step = next(step for step in parse_recipe(words).steps if step.name == name)
    return Step(step.name, step.stage, {**step.settings, **SETTINGS.get(name, {})})


STEPS = {name: step_of(name) for name in CHAIN}


def apply(name: str, rows: pl.DataFrame, known: Given) -> Outcome:
    step = STEPS[name]
    return step.stage(rows, **({"given": known} if step.stage.wants_given else {}), **step.settings)


def before(name: str, rows: pl.DataFrame, known: Given) -> pl.DataFrame:
    """Return the rows as they come to a stage: those before it that it builds on have run."""
    for earlier in BUILT_ON[: BUILT_ON.index(name)]:
        rows = apply(earlier, rows, known).rows
    return rows


def test_no_stage_is_left_out() -> None:
    assert sorted([*CHAIN, "embed"]) == known_stages()


@settings(max_examples=30)
@given(told=some_rows)
def test_no_stage_loses_a_row(what_is_known: Given, told: list[dict[str, Any]]) -> None:
    rows = build(told)
    for name in CHAIN:
        outcome = apply(name, rows, what_is_known)

        check_nothing_lost(STEPS[name], rows, outcome)
        assert outcome.rows.height + outcome.dropped.height == rows.height, name
        assert set(rows.columns) <= set(outcome.rows.columns), name
        rows = outcome.rows


@settings(max_examples=30)
@given(told=some_rows, data=st.data())
def test_the_order_of_the_rows_changes_nothing(
    what_is_known: Given, told: list[dict[str, Any]], data: st.DataObject
) -> None:
    rows, order = build(told), ["id", "action", "reason"]
    mixed = rows[data.draw(st.permutations(range(rows.height)))]
    for name in CHAIN:
        one, other = apply(name, rows, what_is_known), apply(name, mixed, what_is_known)

        stayed = set(one.rows["id"])
        assert other.rows["id"].to_list() == [id for id in mixed["id"] if id in stayed], name
        assert one.rows.sort("id").equals(other.rows.sort("id")), name
        assert one.decisions.sort(order).equals(other.decisions.sort(order)), name
        assert one.measures == other.measures, name
        assert {n: t.rows() for n, t in one.tables.items()} == {n: t.rows() for n, t in other.tables.items()}, name
        rows, mixed = one.rows, other.rows


@pytest.mark.parametrize("name", ["normalise", "redact"])
@given(told=some_rows)
def test_twice_is_once(name: str, what_is_known: Given, told: list[dict[str, Any]]) -> None:
    once = apply(name, build(told), what_is_known)

    again = apply(name, once.rows, what_is_known)

    assert again.rows.equals(once.rows)
    assert again.decisions.is_empty()


@given(texts=st.lists(st.text(max_size=60), min_size=1, max_size=6), label=st.text(min_size=1, max_size=12))
def test_any_text_and_label_are_normal_after_one_pass(texts: list[str], label: str, what_is_known: Given) -> None:
    rows = build([{**BLANK, "analysis": text} for text in texts]).with_columns(pl.lit(label).alias("team"))
    once = apply("normalise", rows, what_is_known)

    again = apply("normalise", once.rows, what_is_known)

    assert again.rows.equals(once.rows)


BLANK: dict[str, Any] = {
    "scenario": 0,
    "stakeholder": "hr",
    "verdict": "reasonable",
    "annotator": 0,
    "severity": 1,
    "analysis": "",
    "angle": 0,
    "domain": "retail",
    "minute": None,
}


def alike(rows: pl.DataFrame, part: str, a: int, b: int) -> float:
    vectors = rows[f"_{part}"].to_numpy().astype(np.float64)
    return float(vectors[a] @ vectors[b])


@given(told=some_rows, tellings=st.sampled_from(["keep", "merge"]))
def test_what_duplicates_drops_is_covered_and_what_it_keeps_is_apart(
    what_is_known: Given, told: list[dict[str, Any]], tellings: str
) -> None:
    rows = before("duplicates", build(told), what_is_known)
    outcome = duplicates(rows, tellings=tellings)
    place = {id: n for n, id in enumerate(rows["id"])}
    kept = set(outcome.rows["id"])

    def same_thing(a: int, b: int) -> bool:
        one, other = rows.row(a, named=True), rows.row(b, named=True)
        near = alike(rows, "situation", a, b) >= 0.9 - 1e-6 and alike(rows, "context", a, b) >= 0.8 - 1e-6
        return (
            (one["scenario"] == other["scenario"] or (near and tellings == "merge"))
            and one["stakeholder"] == other["stakeholder"]
            and one["verdict"] == other["verdict"]
            and alike(rows, "analysis", a, b) >= 0.92
        )

    behind: dict[str, set[str]] = {id: {rows["annotator"][place[id]]} for id in kept}
    for id, twin, score in outcome.dropped.select("id", "twin", "score").iter_rows():
        assert twin in kept
        assert same_thing(place[id], place[twin])
        assert score == pytest.approx(alike(rows, "analysis", place[id], place[twin]), abs=0.0001)
        behind[twin].add(rows["annotator"][place[id]])
    for a in kept:
        for b in kept:
            assert a >= b or not same_thing(place[a], place[b])
    assert dict(outcome.rows.select("id", "voices").iter_rows()) == {id: len(who) for id, who in behind.items()}


@given(told=some_rows)
def test_no_view_of_a_scenario_is_lost_to_duplicates(what_is_known: Given, told: list[dict[str, Any]]) -> None:
    rows = before("duplicates", build(told), what_is_known)
    outcome = apply("duplicates", rows, what_is_known)

    for cell in (["scenario", "stakeholder", "verdict"], ["group", "stakeholder", "verdict"]):
        assert set(outcome.rows.select(cell).iter_rows()) == set(rows.select(cell).iter_rows())


@given(told=some_rows)
def test_weighted_by_voices_the_verdicts_stand_as_before(what_is_known: Given, told: list[dict[str, Any]]) -> None:
    everybody_once = [{**one, "annotator": n} for n, one in enumerate(told)]
    rows = before("duplicates", build(everybody_once), what_is_known)

    after = apply("duplicates", rows, what_is_known).rows

    heard = Counter[tuple[str, str]]()
    for scenario, verdict, voices in after.select("scenario", "verdict", "voices").iter_rows():
        heard[scenario, verdict] += voices
    assert heard == Counter(rows.select("scenario", "verdict").iter_rows())


@given(
    told=some_rows,
    least=st.integers(0, 3),
    ratio=st.floats(0, 2),
    share=st.floats(0, 1),
    cell=st.lists(
        st.sampled_from(["stakeholder", "verdict", "domain", "team", "theme"]), min_size=1, max_size=3, unique=True
    ),
)
def test_no_cell_loses_its_last_row_to_balance(
    what_is_known: Given, told: list[dict[str, Any]], least: int, ratio: float, share: float, cell: list[str]
) -> None:
    rows = before("balance", build(told), what_is_known)
    settings = {"least": least, "ratio": ratio, "per_person": share, "cell": cell, "count": 3}

    outcome = STEPS["balance"].stage(rows, **settings)

    assert outcome.tables["balance"]["after"].min() != 0 if rows.height else True
    assert (outcome.rows["weight"] > 0).all()
    sums = outcome.rows.group_by("scenario").agg(pl.col("weight").sum())["weight"]
    assert all(math.isclose(total, 1, abs_tol=1e-4) for total in sums)


@given(told=some_rows)
def test_split_never_cuts_a_group_and_holds_out_whole_ones(what_is_known: Given, told: list[dict[str, Any]]) -> None:
    rows = before("split", build(told), what_is_known)
    parted = apply("split", rows, what_is_known).rows

    assert (parted.group_by("group").agg(pl.col("split").n_unique())["split"] == 1).all()
    away = set(parted.filter(pl.col("domain") == "logistics")["group"])
    assert set(parted.filter(pl.col("split") == "out_of_context")["group"]) == away
    inside = parted.filter(pl.col("split") != "out_of_context")
    largest = inside.group_by("group").len()["len"].max() or 0
    for name, share in (("train", 0.6), ("validation", 0.2), ("test", 0.2)):
        assert inside.filter(pl.col("split") == name).height <= share * inside.height + int(largest)  # type: ignore[call-overload]  # a count


@given(told=some_rows)
def test_leaks_finds_a_planted_leak_and_nothing_in_a_clean_split(
    what_is_known: Given, told: list[dict[str, Any]]
) -> None:
    rows = before("leaks", build(told), what_is_known)
    assert apply("leaks", rows, what_is_known).rows.equals(rows)

    train = rows.filter(pl.col("split") == "train")
    if train.is_empty():
        return
    planted = train.head(1).with_columns(
        pl.lit("99").alias("id"), pl.lit("copy").alias("scenario"), split=pl.lit("test")
    )
    with pytest.raises(PolicyError, match="No dataset was made"):
        apply("leaks", pl.concat([rows, planted]), what_is_known)
