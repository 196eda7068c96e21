"""Scores of answers that are made up, so that what is right can be counted by hand."""

import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curator.chat import question
from curator.console import show_table
from curator.evaluation.answers import Answer, Judgement, read_judgements
from curator.evaluation.comparison import compare, rounded
from curator.evaluation.findings import sentences
from curator.evaluation.perspectives import between_roles, ceiling, distribution, own_role, role_swap, swap_test
from curator.evaluation.tables import VERDICT_HEAD, VIEW_HEAD, evaluation_rows, perspective_rows
from curator.pack import Pack
from curator.roles import as_role
from tests.model.answered import BLIND, KNOWS, ROLES, answer, judged_by, seen
from tests.model.conftest import line, write_dataset

VERDICTS = ["fine", "unfair"]


def contested(scenario: str, **more: Any) -> list[Answer]:
    """Nurses find it unfair and clerks fine; the tuned model knows, the base ignores the role."""
    return [
        answer(scenario, "nurse", "unfair", BLIND, KNOWS, **more),
        answer(scenario, "clerk", "fine", BLIND, KNOWS, **more),
    ]


def agreed(scenario: str, **more: Any) -> list[Answer]:
    return [answer(scenario, role, "fine", BLIND, KNOWS, **more) for role in ROLES]


def test_where_roles_differ_the_verdict_should_move_and_where_they_agree_it_should_stay() -> None:
    told = role_swap([*contested("one"), *contested("two"), *agreed("three")])

    assert told["contested"]["pairs"] == 2
    assert told["contested"]["base"] == {"moves": 0.0, "right_way_round": 0.5, "both_right": 0.0}
    assert told["contested"]["tuned"] == {"moves": 1.0, "right_way_round": 1.0, "both_right": 1.0}
    assert told["contested"]["change"]["moves"]["difference"] == 1.0
    assert (told["agreed"]["base"]["stays"], told["agreed"]["tuned"]["stays"]) == (1.0, 0.0)
    assert told["together"] == {"chance": 0.5, "base": 0.5, "tuned": 0.5}


def test_a_role_that_is_split_within_itself_says_nothing_of_the_other_role() -> None:
    rows = [*contested("one"), answer("one", "nurse", "fine", BLIND, KNOWS, number=1)]

    assert role_swap(rows)["contested"]["pairs"] == 0
    assert between_roles(rows) == {"one": "one role"}
    rows[0] = answer("one", "nurse", "unfair", BLIND, KNOWS, voices=2)
    assert between_roles(rows) == {"one": "contested"}


def test_the_swap_test_counts_analyses_that_are_likeliest_under_their_own_role() -> None:
    told = swap_test([*contested("one"), *contested("two")])

    assert (told["n"], told["of"], told["roles"], told["chance"]) == (4, 4, 2, 0.5)
    assert (told["base"]["share"], told["base"]["margin"]) == (0.5, 0.0)
    # A nurse's has 18 under the nurse's prompt and 21 under the clerk's: right for nurses, wrong for clerks.
    assert told["stakeholder"] == {
        "clerk": {"n": 2, "base": 0.5, "tuned": 0.0},
        "nurse": {"n": 2, "base": 0.5, "tuned": 1.0},
    }
    assert told["tuned"]["margin"] == pytest.approx(0.0)
    assert (told["tuned"]["share"], told["tuned"]["levelled"]) == (0.5, 0.5)
    nurses = swap_test([answer("one", "nurse", "unfair", BLIND, KNOWS)])
    assert nurses["tuned"]["margin"] == pytest.approx(0.3)  # 3 nats over 10 tokens


def test_a_prompt_that_suits_everybodys_words_is_levelled_out() -> None:
    """The nurse's prompt makes each analysis likelier; a clerk's own makes up for most of it."""
    suits = {"nurse": seen({"nurse": 0.5}, {"nurse": 10.0, "clerk": 14.0})}
    suits["clerk"] = seen({"clerk": 0.5}, {"nurse": 10.0, "clerk": 11.0})
    told = swap_test([answer("one", role, "fine", BLIND, suits[role]) for role in ROLES])

    assert (told["tuned"]["share"], told["tuned"]["levelled"]) == (0.5, 1.0)


def test_rows_whose_analysis_was_not_swapped_are_counted_and_left_out() -> None:
    alone = seen({"nurse": 0.5, "clerk": 0.5}, {"nurse": 12.0})
    told = swap_test([*contested("one"), answer("two", "nurse", "fine", alone, alone)])

    assert (told["n"], told["of"]) == (2, 3)


def test_two_people_of_a_role_are_a_pair_and_one_person_twice_is_not() -> None:
    def judgement(number: int, who: str, verdict: str, voices: int = 1, role: str = "nurse") -> Judgement:
        return Judgement(f"{role}{number}", "one", "one", "train", role, verdict, voices, who)

    two = [judgement(1, "ann", "fine"), judgement(2, "bob", "unfair")]
    assert ceiling(two, ROLES)["overall"]["share"] == 0.0
    again = [judgement(1, "ann", "fine"), judgement(2, "ann", "unfair")]
    told = ceiling(again, ROLES)["overall"]
    assert (told["pairs"], told["share"], told["note"]) == (0, None, "not enough pairs")
    merged = [judgement(1, "ann", "fine", voices=2), judgement(2, "bob", "unfair")]
    assert ceiling(merged, ROLES)["overall"] == {
        "pairs": 3,  # two who said the same and were merged, and each of them with bob
        "scenarios": 1,
        "share": pytest.approx(1 / 3),
        "interval": None,
        "note": None,
    }
    assert ceiling(merged, ROLES)["stakeholder"]["clerk"]["pairs"] == 0


def test_each_scenario_weighs_the_same_in_the_ceiling_however_many_judged_it() -> None:
    crowd = [Judgement(f"a{n}", "a", "a", "test", "nurse", "fine", 1, f"who{n}") for n in range(5)]
    two = [Judgement(f"b{n}", "b", "b", "test", "nurse", VERDICTS[n], 1, f"who{n}") for n in range(2)]

    told = ceiling([*crowd, *two], ["nurse"])["overall"]
    assert (told["pairs"], told["scenarios"], told["share"]) == (11, 2, 0.5)


def test_the_distance_is_to_the_shares_of_people_weighed_by_voices() -> None:
    rows = [
        answer("one", "nurse", "unfair", BLIND, KNOWS, voices=3),
        answer("one", "nurse", "fine", BLIND, KNOWS, number=1, voices=1),
    ]
    told = distribution(rows, {"": {"fine": 0.5, "unfair": 0.5}, "nurse": {"fine": 0.25, "unfair": 0.75}})

    assert (told["cells"], told["of_several"]) == (1, 1)
    assert told["base"]["manhattan"] == pytest.approx(0.9)  # people .25 and .75, the model .7 and .3
    assert told["tuned"]["total_variation"] == pytest.approx(0.15)
    assert told["training"]["manhattan"] == 0.0
    assert (told["majority"]["manhattan"], told["majority"]["cross_entropy"]) == (0.5, None)


def test_losing_more_in_unknown_domains_than_the_base_is_called_over_specific() -> None:
    right, wrong = seen({"nurse": 0.9}, {"nurse": 10.0}), seen({"nurse": 0.1}, {"nurse": 10.0})
    known = [answer(f"k{n}", "nurse", "fine", wrong, right) for n in range(30)]
    new = [
        answer(f"n{n}", "nurse", "fine", right, wrong if n % 3 else right, split="out_of_context") for n in range(30)
    ]
    rows = [*known, *new]

    report = compare(rows, [judged_by(one, "train") for one in rows], VERDICTS)

    assert report["over_specific"]["drop"] == pytest.approx({"base": -1.0, "tuned": 2 / 3, "majority": 0.0})
    assert report["over_specific"]["change"]["difference"] == pytest.approx(5 / 3)
    assert report["over_specific"]["change"]["method"] == "cluster bootstrap"
    assert compare(known, [], VERDICTS)["over_specific"] is None


def test_the_sentences_name_for_whom_it_is_better_and_how_small_a_gain_was_missed() -> None:
    rows = [row for n in range(20) for row in contested(f"s{n}")] + [row for n in range(3) for row in agreed(f"a{n}")]
    report = compare(rows, [judged_by(one, "train", annotator=one.id) for one in rows], VERDICTS)
    told = sentences(report | {"general": None}, {"nurse": "a nurse, who cares", "clerk": "a clerk"})

    by_role, smallest, *_ = told["brief"]
    assert by_role.startswith("Better as a nurse (+74 points, ")
    assert by_role.endswith("); as a clerk the difference is within chance.")
    assert smallest.startswith("With 23 scenarios a gain under ")
    assert report["accuracy"]["stakeholder"]["nurse"]["gain"]["method"] == "cluster t"
    assert report["accuracy"]["between_roles"]["agreed"]["n"] == 6
    assert "How often people of one role agree cannot be said: not enough pairs." in told["findings"]


def test_both_tables_fit_a_terminal_of_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    found = [row for n in range(30) for row in (contested if n % 3 else agreed)(f"s{n}", team="northern harbor")]
    rows = [one.model_copy(update={"split": "out_of_context"}) for one in found]
    report = compare(rows, [judged_by(one, "train") for one in rows], VERDICTS)

    show_table(VERDICT_HEAD, evaluation_rows(report))
    show_table(VIEW_HEAD, perspective_rows(report))

    told = capsys.readouterr().out
    assert max(len(line.rstrip()) for line in told.splitlines()) <= 80
    cells = {name: values for name, *values in (re.split(r"\s{2,}", line.strip()) for line in told.splitlines())}
    assert cells["nurse"][:5] == ["30", "–", "67", "33", "67"]
    assert cells["right way round"] == ["20", "50", "50", "100", "+50", "50 to 50"]
    assert cells["both together"] == ["30", "50", "50", "50", "+0", "–"]


shares = st.sampled_from([0.1, 0.4, 0.6, 0.9])
losses = st.sampled_from([8.0, 9.5, 11.0, 14.25])


@st.composite
def rows(draw: st.DrawFn, *, blind: bool = False) -> list[Answer]:
    found = []
    for n in range(draw(st.integers(1, 5))):
        said, lost = draw(shares), draw(losses)
        for role in draw(st.sampled_from([("nurse",), ("clerk",), ROLES])):
            for number in range(draw(st.integers(1, 3))):
                models = [
                    seen(
                        {one: said if blind else draw(shares) for one in ROLES},
                        {one: lost + number if blind else draw(losses) for one in ROLES},
                    )
                    for _ in range(2)
                ]
                split = "test" if n % 2 else "out_of_context"
                verdict = draw(st.sampled_from(VERDICTS))
                found.append(
                    answer(f"s{n}", role, verdict, *models, number, split=split, voices=draw(st.integers(1, 2)))
                )
    return found


@settings(max_examples=40, deadline=None)
@given(rows(), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_no_number_and_scoring_twice_is_once(found: list[Answer], chance: Any) -> None:
    people = [judged_by(one, split) for one in found for split in ("train", None)]
    once = compare(found, people, VERDICTS)
    mixed, others = list(found), list(people)
    chance.shuffle(mixed)
    chance.shuffle(others)

    assert compare(mixed, others, VERDICTS) == once
    assert rounded(rounded(once)) == rounded(once)


@settings(max_examples=40, deadline=None)
@given(rows(blind=True))
def test_a_model_that_ignores_the_role_scores_exactly_chance(found: list[Answer]) -> None:
    swap, told, own = role_swap(found), swap_test(found), own_role(found)

    for model in ("base", "tuned"):
        assert swap["together"][model] in (0.5, None)
        assert swap["contested"][model]["moves"] in (0.0, None)
        assert swap["contested"][model]["right_way_round"] in (0.5, None)
        assert (told[model]["share"], told[model]["levelled"], told[model]["margin"]) == (0.5, 0.5, 0.0)
        assert own[model]["change"]["difference"] == 0.0


words = st.lists(
    st.sampled_from(["a nurse", "{stakeholder}", "\n", " ", "Judge as a clerk.", "Context: ", "é"]), max_size=6
).map("".join)


@settings(max_examples=60, deadline=None)
@given(words, words)
def test_a_question_put_to_another_role_is_the_one_that_role_would_get(
    pack: Pack, situation: str, context: str
) -> None:
    asked = {role: question(pack, {"situation": situation, "context": context, "stakeholder": role}) for role in ROLES}
    turns = {role: [dict(turn) for turn in told] for role, told in asked.items()}

    assert as_role(pack, turns["nurse"], "nurse", "clerk") == turns["clerk"]
    assert as_role(pack, turns["clerk"], "clerk", "nurse") == turns["nurse"]


def test_a_dataset_whose_recipe_merges_nothing_is_judged_too(tmp_path: Path, pack: Pack) -> None:
    """Without `duplicates` nobody counts voices: the column is not there."""
    folder = write_dataset(tmp_path / "v1", pack, test=[line(pack, "ward 1", "nurse", "fine", "Ok.")])
    told = {"id": ["ward 1-nurse"], "annotator": ["ann"], "team": ["north"]}
    pl.DataFrame(told).write_parquet(folder / "examples.parquet")

    (judged,) = read_judgements(folder, pack)

    assert (judged.voices, judged.annotator, judged.team) == (None, "ann", "north")
