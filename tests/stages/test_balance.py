import math
from typing import Any

import polars as pl
import pytest

from curator.errors import RecipeError
from curator.stages.balance import balance
from tests.stages.placing import placed


def crowd(size: int, start: int = 0, **more: Any) -> dict[str, dict[str, Any]]:
    """That many rows of one cell, each of another person about another scenario, 3 degrees apart."""
    return {
        f"r{n:02d}": {"annotator": f"p{n}", "scenario": f"s{n:02d}", "_analysis": 3.0 * n, **more}
        for n in range(start, start + size)
    }


def test_a_full_cell_is_cut_to_its_cap_and_keeps_the_most_different() -> None:
    told = placed(**crowd(8), **crowd(2, 8, verdict="reasonable"), **crowd(2, 10, verdict="manipulative"))

    outcome = balance(told, ratio=2.0)  # the median cell has 2 rows

    assert outcome.measures["cap"] == 4
    kept = outcome.rows.filter(pl.col("verdict") == "questionable")["id"].to_list()
    assert len(kept) == 4
    assert {"r00", "r07"} <= set(kept), "the two ends are the most different"
    assert outcome.dropped["reason"].unique().to_list() == ["cell is full"]
    assert outcome.dropped["because"][0] == (
        "the cell employee / questionable / retail has 8 rows, 4 at most; others in it differ more"
    )
    assert outcome.tables["balance"].select("verdict", "before", "after", "cap").rows() == [
        ("manipulative", 2, 2, 4),
        ("questionable", 8, 4, 4),
        ("reasonable", 2, 2, 4),
    ]


def test_no_cell_is_cut_below_the_least_nor_ever_emptied() -> None:
    told = placed(**crowd(5), **crowd(1, 5, verdict="reasonable"))

    assert balance(told, ratio=0.1, least=3).rows.height == 4
    assert balance(told, ratio=0.0, least=0).rows["verdict"].value_counts().sort("verdict").rows() == [
        ("questionable", 1),
        ("reasonable", 1),
    ]


def test_a_scenario_weighs_one_however_many_people_judged_it() -> None:
    outcome = balance(
        placed(
            a={"scenario": "s", "voices": 3},
            b={"scenario": "s", "voices": 1, "verdict": "reasonable"},
            c={"scenario": "t", "voices": 2},
        )
    )

    assert dict(outcome.rows.select("id", "weight").iter_rows()) == {"a": 0.75, "b": 0.25, "c": 1.0}


def test_weighing_drops_nothing_and_a_full_cell_weighs_as_much_as_its_cap() -> None:
    told = placed(**crowd(8), **crowd(2, 8, verdict="reasonable"), **crowd(2, 10, verdict="manipulative"))

    outcome = balance(told, ratio=2.0, mode="weight")

    assert outcome.dropped.is_empty()
    assert outcome.rows.group_by("verdict").agg(pl.col("weight").sum().round(4)).sort("verdict").rows() == [
        ("manipulative", 2.0),
        ("questionable", 4.0),
        ("reasonable", 2.0),
    ]


def test_one_person_may_hold_only_their_share() -> None:
    told = placed(**crowd(6, annotator="busy"), **crowd(14, 6))

    outcome = balance(told, ratio=9, per_person=0.15)

    assert outcome.rows.filter(pl.col("annotator") == "busy").height == 3
    assert outcome.dropped["reason"].to_list() == ["one person's share"] * 3
    assert outcome.dropped["because"][0] == "busy holds 6 of 20 rows, 3 at most"


def test_a_share_never_takes_the_last_rows_of_a_cell() -> None:
    told = placed(
        **crowd(6, annotator="busy", _analysis=0),
        **{f"z{n}": {"annotator": "busy", "verdict": "manipulative", "scenario": "s"} for n in range(2)},
        **crowd(14, 6, verdict="reasonable"),
    )

    outcome = balance(told, ratio=9, per_person=0.1)

    assert outcome.rows.group_by("verdict").len().sort("verdict").rows() == [
        ("manipulative", 1),
        ("questionable", 2),
        ("reasonable", 14),
    ]


def test_with_so_few_people_nobody_is_capped() -> None:
    assert balance(placed(**crowd(4, annotator="busy"), **crowd(1, 4)), ratio=9, per_person=0.25).dropped.is_empty()


def test_the_cells_are_a_setting() -> None:
    told = placed(**crowd(5), **crowd(1, 5, team="summit"))

    assert balance(told, cell=["team"], ratio=1.0, least=1).rows["team"].value_counts().sort("team").rows() == [
        ("harbor", 3),
        ("summit", 1),
    ]
    with pytest.raises(RecipeError, match="Did you mean 'verdict'"):
        balance(told, cell=["verdct"])
    with pytest.raises(RecipeError, match="There are: stakeholder, verdict, domain, team, theme"):
        balance(told, cell=[])


def test_a_missing_domain_is_a_cell_of_its_own() -> None:
    told = placed(**crowd(3, domain=None), **crowd(3, 3))

    assert balance(told).tables["balance"].select("domain", "before").rows() == [(None, 3), ("retail", 3)]


def test_themes_are_named_by_the_words_that_tell_them_apart() -> None:
    shifts = {
        f"a{n}": {"scenario": f"a{n}", "situation": f"The shift rota changed {n}", "_situation": n} for n in range(3)
    }
    theses = {
        f"b{n}": {"scenario": f"b{n}", "situation": f"The thesis draft waited {n}", "_situation": 90 + n}
        for n in range(2)
    }

    outcome = balance(placed(**shifts, **theses), count=2)

    assert outcome.rows["theme"].to_list() == ["1: changed, rota, shift"] * 3 + ["2: draft, thesis, waited"] * 2
    assert outcome.measures["themes"] == ["1: changed, rota, shift", "2: draft, thesis, waited"]


def test_evenness_is_one_where_all_cells_are_equal() -> None:
    even = balance(placed(**crowd(3), **crowd(3, 3, verdict="reasonable"))).measures

    assert (even["evenness_before"], even["evenness_after"]) == (1.0, 1.0)


def test_no_rows_are_no_trouble() -> None:
    outcome = balance(placed(a={}).head(0))

    assert outcome.rows.is_empty()
    assert {"theme", "weight"} <= set(outcome.rows.columns)


def test_a_dropped_row_names_its_twin_the_kept_row_of_its_cell_most_like_it() -> None:
    told = placed(**crowd(8), **crowd(2, 8, verdict="reasonable"), **crowd(2, 10, verdict="manipulative"))

    outcome = balance(told, ratio=2.0)

    kept = [int(id[1:]) for id in outcome.rows.filter(pl.col("verdict") == "questionable")["id"]]
    for id, twin, score in outcome.dropped.select("id", "twin", "score").iter_rows():
        nearest = min(abs(int(id[1:]) - other) for other in kept)
        assert abs(int(id[1:]) - int(twin[1:])) == nearest
        assert score == pytest.approx(math.cos(math.radians(1.5 * nearest)), abs=0.0001), "situations are all the same"


def test_what_each_quota_cost_is_in_a_table() -> None:
    told = placed(**crowd(6, annotator="busy", voices=2), **crowd(14, 6), **crowd(30, 20, verdict="reasonable"))

    outcome = balance(told, ratio=1.0, per_person=0.06)

    assert outcome.tables["quotas"].select("quota", "what", "limit", "rows", "voices").rows() == [
        ("cell", "employee / reasonable / retail", 25, 5, 5),
        ("person", "busy", 2, 4, 8),
    ]
    assert outcome.tables["quotas"]["alike"].is_between(0.9, 1).all()


def test_a_cap_takes_others_rows_before_it_takes_more_than_a_share_needs() -> None:
    """Busy people stand in the full cell, too: caps and shares are met together, not one after the other."""
    told = placed(**crowd(6, annotator="busy"), **crowd(6, 6), **crowd(6, 12, verdict="reasonable", annotator="busy"))

    outcome = balance(told, ratio=1.0, least=6, cell=["verdict"], per_person=0.5)

    assert outcome.rows.filter(pl.col("annotator") == "busy").height == 7


def test_floors_hold_against_caps_and_name_what_to_collect() -> None:
    told = placed(
        **crowd(8),
        **crowd(2, 8, verdict="reasonable"),
        **crowd(2, 10, verdict="manipulative", stakeholder="hr"),
    )

    outcome = balance(told, ratio=1.0, least=1, floors={"verdict": 5, "stakeholder, verdict": 3})

    assert outcome.rows.group_by("verdict").len().sort("verdict").rows() == [
        ("manipulative", 2),
        ("questionable", 5),
        ("reasonable", 2),
    ]
    assert outcome.tables["floors"].filter(pl.col("fields") == "verdict").rows() == [
        ("verdict", "manipulative", 5, 2, 2, 3),
        ("verdict", "questionable", 5, 8, 5, 0),
        ("verdict", "reasonable", 5, 2, 2, 3),
    ]
    assert outcome.measures["collect"] == [
        "collect 3 more of manipulative",
        "collect 3 more of reasonable",
        "collect 3 more of employee / manipulative",
        "collect 1 more of employee / reasonable",
        "collect 1 more of hr / manipulative",
        "collect 3 more of hr / questionable",
        "collect 3 more of hr / reasonable",
    ]
    with pytest.raises(RecipeError, match="has no field 'verdct' for its floors"):
        balance(told, floors={"stakeholder, verdct": 3})


def test_weighing_holds_a_busy_person_to_their_share() -> None:
    told = placed(**crowd(6, annotator="busy"), **crowd(14, 6))

    outcome = balance(told, ratio=9, per_person=0.15, mode="weight")

    assert outcome.dropped.is_empty()
    assert dict(outcome.rows.group_by("annotator").agg(pl.col("weight").sum()).iter_rows())["busy"] == 3.0
