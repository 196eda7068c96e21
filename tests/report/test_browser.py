"""Hostile words and real hands, in a real browser."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from curator.dataset import Dataset
from curator.report import write_report

from .conftest import TWO, pack_of, publish, row
from .hostile import HOSTILE
from .test_page import EVALUATION, TRAINING

pytestmark = pytest.mark.slow

STRANGERS = ", ".join(
    f"main {found}"
    for found in [
        "img",
        "iframe",
        "script",
        "style",
        "link",
        "base",
        "math",
        "form:not(.controls)",
        "[onclick]",
        "[onerror]",
    ]
)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report whose every text is hostile."""
    folder = tmp_path_factory.mktemp("hostile")
    roles = {HOSTILE[i]: HOSTILE[i + 1] for i in (0, 2, 30)}
    verdicts = {HOSTILE[i]: HOSTILE[i + 1] for i in (4, 20, 31)}
    pack = pack_of(roles, verdicts, title="</title><script>alert(0)</script>")
    pack = pack.model_copy(update={"guidelines": "\n".join(HOSTILE)})
    rows = []
    for i, text in enumerate(HOSTILE):
        words = {
            "situation": text + f" s{i}",
            "context": text,
            "analysis": text,
            "rejected": text,
            "domain": text[:200],
            "team": text,
        }
        words |= {"extra": json.dumps({"more": [text], "hidden": text})}
        for j, role in enumerate(roles):
            name = "a1" if (i, j) == (0, 0) else f"b{i}-{j}"
            rows.append(row(name, role, list(verdicts)[(i + j) % 3], scenario=f"s{i}", **words))
        rows.append(row(f"twin{i}", next(iter(roles)), next(iter(verdicts)), scenario=f"s{i}", **words))
        rows.append(row(f"early{i}", text, text, scenario=f"s{i}", **words))
    dataset = publish(folder / "datasets", pack, rows)
    written = [
        {"scenario": text, "stakeholder": text, "question": text, "person": text, "base": text, "tuned": text}
        for text in HOSTILE
    ]
    told = EVALUATION | {
        "generations": written,
        "verdict": HOSTILE[1],
        "findings": HOSTILE,
        "libraries": {HOSTILE[1]: HOSTILE[2]},
        "base": HOSTILE[2],
    }
    return write_report(
        dataset,
        folder / "report.html",
        told,
        TRAINING | {"base_name": HOSTILE[1], "settings": {HOSTILE[1]: HOSTILE[2]}},
    )


def click_all(tab: Any, buttons: str) -> None:
    """Click buttons until none is left: each goes away, or hides, when it has shown everything."""
    left = tab.locator(f"{buttons}:visible")
    while left.count():
        left.first.click()


def test_hostile_words_are_shown_as_words_and_nothing_else_happens(
    hostile: Path, browse: Callable[[Path], Any]
) -> None:
    with browse(hostile) as (tab, noise):
        tab.locator("main details:not([open]) > summary").evaluate_all("all => all.forEach(one => one.click())")
        click_all(tab, "#list-more")
        click_all(tab, "button.more")
        click_all(tab, "p > button.inline:not(.foot > *)")
        tab.locator("#map-plot").focus()
        for _ in HOSTILE:
            tab.keyboard.press("ArrowRight")
        tab.keyboard.press("Enter")
        tab.locator("#dialog details.left-answers summary").click()
        tab.keyboard.press("Escape")
        for field in tab.locator("#map-controls select").all():
            for at in range(field.locator("option").count()):
                field.select_option(index=at)
            field.select_option(index=0)
        tab.locator("[data-open]").first.click()
        tab.keyboard.press("Escape")
        tab.locator("#list-controls input[name=query]").fill("alert(1)")
        tab.wait_for_timeout(300)
        tab.locator("#list-controls input[name=query]").fill("")
        tab.wait_for_timeout(300)
        click_all(tab, "#list-more")
        click_all(tab, "#list button.inline")
        shown = tab.locator("#list").evaluate("list => list.textContent")
        strangers = tab.locator(STRANGERS).evaluate_all("all => all.map(one => one.outerHTML)")
        title = tab.title()
        polluted = tab.evaluate("Object.keys({}).length + Object.keys(Object.prototype).length")

    assert noise == []
    assert strangers == []
    assert [text for text in HOSTILE if text not in shown] == []
    assert title.startswith("</title><script>alert(0)</script>")
    assert polluted == 0


@pytest.mark.parametrize("width", [390, 1280, 1920])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_sticks_out_at_any_width(hostile: Path, browse: Callable[[Path], Any], width: int, scheme: str) -> None:
    with browse(hostile) as (tab, noise):
        tab.emulate_media(color_scheme=scheme)
        tab.set_viewport_size({"width": width, "height": 900})
        tab.wait_for_timeout(200)
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert noise == []


def test_the_reasons_open_to_the_rows_and_their_twins(
    small: Dataset, tmp_path: Path, browse: Callable[[Path], Any]
) -> None:
    with browse(write_report(small, tmp_path / "report.html")) as (tab, noise):
        merged = tab.locator("details.reason").nth(1)
        merged.locator("summary").click()
        early = tab.locator("details.reason").nth(0)
        early.locator("summary").click()

        left, kept = (text.split("\n\n")[:3] for text in merged.locator(".view").all_inner_texts())
        assert left == ["Left Partner a", "Fair", "What a1 thinks about it."]
        assert kept == ["Kept Partner a", "Fair", "What a1 thinks of it."]
        assert merged.locator(".differs").all_inner_texts() == ["about", "of"]
        assert "They stay in the store" in early.inner_text()
    assert noise == []


def test_the_list_is_searched_and_filtered(small: Dataset, tmp_path: Path, browse: Callable[[Path], Any]) -> None:
    with browse(write_report(small, tmp_path / "report.html", EVALUATION, TRAINING)) as (tab, noise):
        assert tab.locator("#list article").count() == 2
        # the contested one comes first
        assert "The situation of s1." in tab.locator("#list article").first.text_content()

        tab.locator("input[name=contested]").check()
        tab.wait_for_timeout(300)
        assert tab.locator("#list-count").inner_text() == "1 scenario of 2"

        tab.locator("#list-controls input[name=query]").fill("NOWHERE")
        tab.wait_for_timeout(300)
        assert tab.locator("#list-count").inner_text().startswith("No scenario matches.")
    assert noise == []


def test_the_map_is_walked_with_the_keyboard(small: Dataset, tmp_path: Path, browse: Callable[[Path], Any]) -> None:
    with browse(write_report(small, tmp_path / "report.html")) as (tab, noise):
        tab.locator("#map-plot").focus()
        tab.keyboard.press("ArrowRight")
        assert "The situation of s2." in tab.locator("#map-said").inner_text()
        assert "The situation of s2." in tab.locator("#map-spoken").inner_text()
        tab.keyboard.press("Enter")
        assert "The situation of s2." in tab.locator("#dialog-body").inner_text()
        tab.keyboard.press("Escape")
        assert tab.evaluate("document.activeElement.id") == "map-plot"
    assert noise == []


POINTED = """() => { const of = (id) => document.getElementById(id).getBoundingClientRect();
    const [plot, ring] = [of('map-plot'), document.querySelector('.map-ring').getBoundingClientRect()];
    return [ring.x + ring.width / 2 - plot.x, ring.y + ring.height / 2 - plot.y]; }"""


def test_the_map_is_pointed_at_enlarged_and_dragged(
    small: Dataset, tmp_path: Path, browse: Callable[[Path], Any]
) -> None:
    with browse(write_report(small, tmp_path / "report.html")) as (tab, noise):
        tab.locator("#map-plot").scroll_into_view_if_needed()
        place = tab.locator("#map-plot").bounding_box()
        first = tab.evaluate(POINTED)
        tab.mouse.move(place["x"] + place["width"] - 18, place["y"] + place["height"] / 2)
        assert "The situation of s2." in tab.locator("#map-said").inner_text()
        second = tab.evaluate(POINTED)
        assert [round(first[0]), round(second[0] - place["width"])] == [18, -18]  # the ends of the frame

        tab.locator("#map-plot").focus()
        tab.keyboard.press("+")
        tab.wait_for_timeout(50)
        assert [round(one) for one in tab.evaluate(POINTED)] == [round(one) for one in second]  # it grows around it
        tab.mouse.move(place["x"] + 200, place["y"] + 40)
        tab.mouse.down()
        tab.mouse.move(place["x"] + 260, place["y"] + 40, steps=5)
        tab.mouse.up()
        tab.wait_for_timeout(50)
        assert round(tab.evaluate(POINTED)[0] - second[0]) == 60
        assert tab.locator("#dialog[open]").count() == 0
        tab.locator("#map-whole").click()
        tab.wait_for_timeout(50)
        assert [round(one) for one in tab.evaluate(POINTED)] == [round(one) for one in second]

        tab.mouse.click(place["x"] + place["width"] - 18, place["y"] + place["height"] / 2)
        assert "The situation of s2." in tab.locator("#dialog-body").inner_text()
    assert noise == []


def of_two_teams(folder: Path) -> Dataset:
    """Five people of one team judge s1, four of another s2; one answer to s1 says what another said."""
    rows = [row(f"a{n}", "coach", "fair", team="harbor", annotator=f"one-{n}") for n in range(1, 6)]
    rows += [row(f"b{n}", "coach", "unfair", "s2", team="mill", annotator=f"two-{n}") for n in range(1, 5)]
    rows += [row("twin1", "coach", "fair", team="harbor", analysis="What a1 thinks about it.", annotator="one-6")]
    return publish(folder / "datasets", TWO, rows)


def test_the_map_is_filtered_by_team_and_decision_and_listed(tmp_path: Path, browse: Callable[[Path], Any]) -> None:
    with browse(write_report(of_two_teams(tmp_path), tmp_path / "report.html")) as (tab, noise):
        controls = tab.locator("#map-controls")
        offered = {
            name: controls.locator(f"select[name={name}] option").all_inner_texts() for name in ("team", "decision")
        }
        found = {}
        for name, choices in offered.items():
            for choice in choices:
                controls.locator(f"select[name={name}]").select_option(choice)
                tab.wait_for_timeout(30)
                found[choice] = tab.locator("#map-count").inner_text()
            controls.locator(f"select[name={name}]").select_option("all")
        controls.locator("select[name=decision]").select_option(offered["decision"][2])
        tab.wait_for_timeout(30)
        tab.locator("#map-list").click()

        assert offered["team"] == ["all", "Harbor (5 people)"]  # the mill's four could be guessed
        assert offered["decision"] == ["all", "nothing: as it came", "left: said before (1)"]
        assert found["Harbor (5 people)"] == "1 of 2 scenarios match"
        assert found["nothing: as it came"] == "1 of 2 scenarios match"
        assert found["left: said before (1)"] == "1 of 2 scenarios match"
        assert tab.locator("#list-count").inner_text() == "1 scenario of 2"
        assert tab.locator("#list-controls select[name=decision]").input_value() == "0"
        assert "The situation of s1." in tab.locator("#list article").inner_text()
    assert noise == []


def test_what_left_a_scenario_stands_below_it_with_its_reason(tmp_path: Path, browse: Callable[[Path], Any]) -> None:
    with browse(write_report(of_two_teams(tmp_path), tmp_path / "report.html")) as (tab, noise):
        left = tab.locator("#list details.left-answers")
        left.locator("summary").click()

        assert left.locator("summary").inner_text() == "1 answer left: said before"
        assert left.locator(".view").inner_text().split("\n\n")[:3] == [
            "Coach said before",
            "Fair",
            "What a1 thinks about it.",
        ]
    assert noise == []


def test_a_scenario_for_a_second_look_opens(tmp_path: Path, browse: Callable[[Path], Any]) -> None:
    rows = [row("a1", "coach", "fair", "s2"), row("a2", "coach", "unfair", "s2"), row("a3", "coach", "fair")]
    with browse(write_report(publish(tmp_path / "datasets", TWO, rows), tmp_path / "report.html")) as (tab, noise):
        item = tab.locator(".looks li")
        item.locator("button").click()

        assert item.locator(".look-why").inner_text() == "Coach 2 people of this role gave 2 verdicts: fair, unfair."
        assert "The situation of s2." in tab.locator("#dialog-body").inner_text()
    assert noise == []


def test_an_empty_set_opens_without_a_fault(tmp_path: Path, browse: Callable[[Path], Any]) -> None:
    dataset = publish(tmp_path / "datasets", TWO, [row("early1", "coach", "fair")])

    with browse(write_report(dataset, tmp_path / "report.html")) as (tab, noise):
        assert tab.locator("#list article").count() == 0
    assert noise == []
