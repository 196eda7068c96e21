"""What another threshold would change, and which one the judgements of people support."""

import csv
from dataclasses import asdict
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.errors import RecipeError, UsageError
from curator.files import read
from curator.formats import write_csv
from curator.maths.annotators import wilson
from curator.pipeline import curate
from curator.recipe import load_recipe
from curator.thresholds import (
    Judged,
    Pair,
    in_force,
    near,
    pairs_to_judge,
    read_judged,
    remember,
    remembered,
    settle,
    write_threshold,
)
from tests import sample

MODEL = "all-minilm-l6-v2"
PAIRS = [Pair("a", "b", 0.95, True, "The shift moved.", "Fair.", "Fair enough."), Pair("a", "c", 0.8, True, "", "", "")]


def judged(*told: tuple[float, bool]) -> list[Judged]:
    return [Judged(str(n), "x", alike, same) for n, (alike, same) in enumerate(told)]


@pytest.mark.slow
def test_near_at_the_threshold_in_force_changes_nothing():
    told = near(sample.dataset(), 0.92, MODEL, sample.EMBEDDED)

    assert in_force(sample.dataset()) == 0.92
    assert (told.merged_before, told.merged_after, told.more, told.back) == (9, 9, [], [])


@pytest.mark.slow
@pytest.mark.parametrize("threshold", [0.5, 0.985])
def test_near_says_what_a_run_with_that_threshold_does(tmp_path: Path, threshold: float):
    (tmp_path / "recipe.toml").write_text((sample.DATA / "recipe.toml").read_text("utf-8"), "utf-8")
    write_threshold(tmp_path / "recipe.toml", threshold)

    told = near(sample.dataset(), threshold, MODEL, sample.EMBEDDED)
    run = curate(sample.rows(), load_recipe(tmp_path / "recipe.toml"), tmp_path / "sets", sample.given())
    before, after = (
        set(dataset.frame("decisions").filter(pl.col("step") == "duplicates")["id"])
        for dataset in (sample.dataset(), run)
    )

    assert {move.id for move in told.more} == after - before
    assert {move.id for move in told.back} == before - after
    assert before != after


@pytest.mark.slow
def test_forty_pairs_come_in_the_same_order_each_time_and_those_that_decide_come_first():
    pairs = pairs_to_judge(sample.dataset(), MODEL, sample.EMBEDDED)
    decides = [pair.decides for pair in pairs]

    assert len(pairs) == 40
    assert decides == sorted(decides, reverse=True)
    assert sum(pair.alike > 0.92 and pair.decides for pair in pairs) == 9  # those that were merged
    assert pairs == pairs_to_judge(sample.dataset(), MODEL, sample.EMBEDDED)
    assert all(pair.first != pair.second for pair in pairs)


@given(st.lists(st.tuples(st.sampled_from([0.7, 0.75, 0.8, 0.85, 0.9, 0.95]), st.booleans()), max_size=60))
def test_what_is_settled_is_proven_and_nothing_lower_is(told):
    settled = settle(judged(*told), now=0.99, precision=0.7)
    proven = [score for score in {alike for alike, _ in told} if (wilson(*_share(told, score)).low or 0.0) >= 0.7]

    assert settled.threshold == min(proven, default=None)
    assert (settled.why == "") == (settled.threshold is not None)


def _share(told, score):
    among = [same for alike, same in told if alike >= score]
    return sum(among), len(among)


def test_a_threshold_in_force_that_no_judged_pair_speaks_against_stays():
    told = judged(*[(0.98, True)] * 20, (0.6, False))

    assert settle(told, now=0.92).threshold == 0.92
    assert settle(told, now=0.5).threshold == 0.98


def test_too_few_judgements_prove_nothing_and_say_so():
    settled = settle(judged(*[(0.98, True)] * 10), now=0.92)

    assert settled.threshold is None
    assert settled.why.startswith("no threshold reaches 0.8: at best 100% of 10 pairs are the same, which proves 0.72.")
    assert settle([], now=0.92).why == "nothing was judged yet"


def test_a_sheet_comes_back_as_judgements_and_blanks_stay_open(tmp_path: Path):
    sheet = tmp_path / "sheet.csv"
    write_csv(sheet, [asdict(PAIRS[0]) | {"same": "Yes"}, asdict(PAIRS[1]) | {"same": ""}])

    assert list(csv.reader(sheet.open(encoding="utf-8-sig")))[1][:3] == ["a", "b", "0.95"]
    assert read_judged(read(sheet), PAIRS) == [Judged("a", "b", 0.95, True)]


@pytest.mark.parametrize(
    ("row", "why"),
    [("a,b,perhaps", "same is 'perhaps'; write yes or no"), ("a,z,yes", "no such pair in this dataset")],
)
def test_a_sheet_that_cannot_be_understood_names_the_row(tmp_path: Path, row: str, why: str):
    (tmp_path / "sheet.csv").write_text(f"a,b,same\na,b,no\n{row}\n")

    with pytest.raises(UsageError, match=rf"^sheet.csv:3: {why}"):
        read_judged(read(tmp_path / "sheet.csv"), PAIRS)


def test_what_was_judged_is_remembered_and_the_last_word_counts(tmp_path: Path):
    notes = tmp_path / "hidden" / "judged.jsonl"
    for same in (True, False):
        remember(notes, Judged("a", "b", 0.95, same))
    remember(notes, Judged("gone", "b", 0.95, True))

    assert remembered(notes, PAIRS) == [Judged("a", "b", 0.95, False)]
    assert remembered(tmp_path / "none", PAIRS) == []


def test_the_threshold_goes_into_the_recipe_and_its_comments_stay(tmp_path: Path):
    recipe = tmp_path / "recipe.toml"
    steps = '# Ours.\n[[step]]\nuse = "normalise"\n\n[[step]]\nuse = "embed"\n\n[[step]]\nuse = "scenarios"\n\n'
    steps += '[[step]]\nuse = "agreement"\n\n'
    recipe.write_text(steps + '[[step]]\nuse = "duplicates"  # what is said twice\nlook = 5\n')

    write_threshold(recipe, 0.9)

    assert (
        recipe.read_text() == steps + '[[step]]\nuse = "duplicates"  # what is said twice\nlook = 5\nanalysis = 0.9\n'
    )
    assert load_recipe(recipe).steps[-1].settings["analysis"] == 0.9


def test_a_recipe_without_the_step_is_left_as_it_is(tmp_path: Path):
    recipe = tmp_path / "recipe.toml"
    recipe.write_text('[[step]]\nuse = "normalise"\n')

    with pytest.raises(RecipeError, match=r"has no step 'duplicates'. Nothing was changed"):
        write_threshold(recipe, 0.9)
    assert recipe.read_text() == '[[step]]\nuse = "normalise"\n'
