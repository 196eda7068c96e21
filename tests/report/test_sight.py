"""How the report looks where a reader sees otherwise: on paper, on a phone, in forced colours, with many classes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from curator.dataset import Dataset
from curator.report import write_report

from .conftest import TWO, pack_of, publish, row
from .test_navigation import LIST, choose, many
from .test_page import EVALUATION, TRAINING

pytestmark = pytest.mark.slow

VISIBLE = "all => all.filter(one => one.checkVisibility()).length"


def test_paper_has_the_first_twelve_says_so_and_leaves_the_settings_closed(
    tmp_path: Path, browse: Callable[[Path], Any]
) -> None:
    with browse(write_report(many(tmp_path), tmp_path / "report.html")) as (tab, noise):
        said = tab.locator("#list-printed")
        on_screen = said.is_visible()
        tab.locator("#list-more").click()
        tab.emulate_media(media="print")
        tab.evaluate("dispatchEvent(new Event('beforeprint'))")
        printed = [tab.locator("#list > article").evaluate_all(VISIBLE), said.inner_text()]
        closed = tab.locator("details.table:not([open]) > summary").all_inner_texts()
        whole = tab.locator("#list > article").first.evaluate("one => getComputedStyle(one).breakInside")
        tab.evaluate("dispatchEvent(new Event('afterprint'))")
        tab.emulate_media(media="screen")
        choose(tab, LIST, query="s12.")
        few = said.text_content()

    assert not on_screen
    assert printed == [12, "The first 12 of 30 scenarios are printed."]
    assert closed[0] == "Table: the scenarios on the map"
    assert closed[1:] == [
        "Recipe and settings",
        "What each step measured",
        "What people were told",
        "How a model is asked",
        "Hashes and versions",
    ]
    assert whole == "auto"
    assert few == ""
    assert noise == []


def test_verdicts_keep_their_colours_where_a_reader_has_forced_others(
    small: Dataset, tmp_path: Path, browse: Callable[[Path], Any]
) -> None:
    with browse(write_report(small, tmp_path / "report.html", EVALUATION, TRAINING)) as (tab, noise):
        tab.emulate_media(forced_colors="active")
        colours = {
            what: len(
                set(
                    tab.evaluate(
                        "([what, part, of]) => [...document.querySelectorAll(what)].map(one => "
                        "getComputedStyle(one, part)[of])",
                        [what, part, of],
                    )
                )
            )
            for what, part, of in (
                (".strip .swatch", None, "backgroundColor"),
                (".glossary .pill", "::before", "backgroundColor"),
                ("#list .answer", None, "borderTopColor"),
                ("#tuning .key.tuned, #tuning .key.base", None, "backgroundColor"),
            )
        }
        pale = tab.locator("#map-legend path").first.evaluate(
            "one => getComputedStyle(one).stroke !== getComputedStyle(one).fill"
        )

    assert set(colours.values()) == {2}
    assert pale
    assert noise == []


@pytest.mark.parametrize("width", [1024, 1280])
def test_four_roles_stand_side_by_side(tmp_path: Path, browse: Callable[[Path], Any], width: int) -> None:
    roles = {name: name for name in ("employee", "manager", "hr", "outside_expert")}
    pack = pack_of(roles, {"fair": "it is fair", "unfair": "it is not"})
    rows = [row(f"a{n}", name, "fair") for n, name in enumerate(roles)]
    with browse(write_report(publish(tmp_path / "datasets", pack, rows), tmp_path / "report.html")) as (tab, noise):
        tab.set_viewport_size({"width": width, "height": 900})
        tops = tab.locator("#list .view").evaluate_all("all => all.map(one => one.getBoundingClientRect().top)")

    assert len(tops) == 4
    assert len(set(tops)) == 1
    assert noise == []


def test_the_charts_keep_their_axes_on_a_phone_and_pale_points_an_outline(
    small: Dataset, tmp_path: Path, browse: Callable[[Path], Any]
) -> None:
    with browse(write_report(small, tmp_path / "report.html", EVALUATION, TRAINING)) as (tab, noise):
        tab.set_viewport_size({"width": 390, "height": 800})
        marks, axes = (
            tab.locator(what).evaluate_all(
                "all => all.map(one => one.getBoundingClientRect()).map(one => [one.left, one.width].map(Math.round))"
            )
            for what in (".duel-mark", ".duel-row.axis .ends")
        )
        outline = tab.locator("#map-legend path").first.evaluate("one => getComputedStyle(one).stroke")
        soft = tab.locator("#map-count").evaluate("one => getComputedStyle(one).color")

    assert len(axes) == 2
    assert {tuple(one) for one in axes} == {tuple(one) for one in marks}
    assert outline == soft
    assert noise == []


def test_what_is_beyond_eight_colours_of_the_map_is_one_colour_and_told_so(
    tmp_path: Path, browse: Callable[[Path], Any]
) -> None:
    rows = [row(f"a{n}", "coach", "fair", f"s{n}", domain=f"domain {'abcdefghij'[n % 10]}") for n in range(20)]
    with browse(write_report(publish(tmp_path / "sets", TWO, rows), tmp_path / "report.html")) as (tab, noise):
        choose(tab, "#map-controls", colour="domain")
        legend = tab.locator("#map-legend > span").all_inner_texts()
        looks = tab.locator("#map-legend path").evaluate_all(
            "all => all.map(one => one.getAttribute('class') + one.getAttribute('d'))"
        )

    assert legend == [*(f"Domain {letter}" for letter in "abcdefgh"), "other (2)"]
    assert len(legend) == len(set(looks)) == 9
    assert noise == []
