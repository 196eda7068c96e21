"""Finding one's way in the report: what is asked, where one stands, and the way back, with hand, keys and paper."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from curator.dataset import Dataset
from curator.report import write_report

from .conftest import TWO, publish, row
from .test_page import EVALUATION, TRAINING

pytestmark = pytest.mark.slow

LIST = "#list-controls"
SETTLED = 250  # milliseconds: a typed question is looked for after 120


def many(folder: Path, scenarios: int = 30, **more: str) -> Dataset:
    """Return a set of contested scenarios, s10 upwards, long enough for a page to be scrolled."""
    rows = []
    for n in range(10, 10 + scenarios):
        told = {"situation": f"The situation of s{n}. " + "It went on for a while. " * 20} | more
        rows += [row(f"a{n}", "partner_a", "fair", f"s{n}", **told)]
        rows += [row(f"b{n}", "coach", ("fair", "unfair")[n % 2], f"s{n}", **told)]
    return publish(folder / "datasets", TWO, rows)


def of_decisions(folder: Path) -> Dataset:
    """In s1 partner A's second answer left, in s2 the coach's; ids of s3 read as words and as a hash."""
    rows = [row("a1", "partner_a", "fair"), row("a2", "coach", "unfair")]
    rows += [row("b1", "partner_a", "fair", "s2", situation="A cat sat near a dog. The cat left.")]
    rows += [row("b2", "coach", "fair", "s2")]
    rows += [row("bed1", "partner_a", "fair", "s3", analysis="Nothing.")]
    rows += [row("facade0123", "coach", "fair", "s3", analysis="No.")]
    rows += [row("twin1", "partner_a", "unfair", analysis="Said before, by A.")]
    rows += [row("twin2", "coach", "fair", "s2", analysis="Said before.")]
    return publish(folder / "datasets", TWO, rows)


def choose(tab: Any, form: str, **wanted: str) -> None:
    """Choose in a form by name: a word is typed into a search, else it is the beginning of what is offered."""
    for name, value in wanted.items():
        field = tab.locator(f"{form} [name={name}]")
        if name == "query":
            field.fill(value)
        else:
            offered = field.locator("option").all_inner_texts()
            field.select_option(next(one for one in offered if one.startswith(value)))
    tab.wait_for_timeout(SETTLED if "query" in wanted else 50)


def listed(tab: Any) -> list[str]:
    return tab.locator("#list > article .meta > code").all_text_contents()


def test_role_verdict_and_decision_must_meet_in_one_answer(tmp_path: Path, browse: Callable[[Path], Any]) -> None:
    asked = [
        {"decision": "left: said before"},
        {"decision": "left: said before", "role": "Partner a"},
        {"decision": "left: said before", "role": "Coach"},
        {"decision": "left: said before", "role": "Coach", "verdict": "Fair"},
        {"decision": "left: said before", "role": "Coach", "verdict": "Unfair"},
        {"decision": "nothing", "role": "Coach"},
        {"decision": "all", "role": "Coach", "verdict": "Unfair"},
    ]
    with browse(write_report(of_decisions(tmp_path), tmp_path / "report.html")) as (tab, noise):
        found = []
        for wanted in asked:
            choose(tab, LIST, **({"role": "all", "verdict": "all"} | wanted))
            found.append(sorted(listed(tab)))

    assert found == [["s1", "s2"], ["s1"], ["s2"], ["s2"], [], ["s3"], ["s1"]]
    assert noise == []


def test_every_word_is_looked_for_and_marked_and_a_hash_by_its_beginning(
    tmp_path: Path, browse: Callable[[Path], Any]
) -> None:
    with browse(write_report(of_decisions(tmp_path), tmp_path / "report.html")) as (tab, noise):
        found = {}
        for query in ("dog CAT", "cat bird", "bed", "facade", "facade01", "acade0123", "(left.", "a2"):
            choose(tab, LIST, query=query)
            found[query] = listed(tab)
        choose(tab, LIST, query="dog cat")
        marked = tab.locator("#list .situation mark").all_text_contents()

    assert found == {
        "dog CAT": ["s2"],
        "cat bird": [],
        "bed": [],
        "facade": ["s3"],
        "facade01": ["s3"],
        "acade0123": [],
        "(left.": [],
        "a2": ["s1"],  # "What a2 thinks of it."
    }
    assert marked == ["cat", "dog", "cat"]
    assert noise == []


def test_what_the_map_found_is_listed_whatever_the_list_was_asked_before(
    tmp_path: Path, browse: Callable[[Path], Any]
) -> None:
    with browse(write_report(of_decisions(tmp_path), tmp_path / "report.html")) as (tab, noise):
        tab.locator(f"{LIST} [name=contested]").check()
        choose(tab, LIST, query="nowhere", role="Coach")
        choose(tab, "#map-controls", verdict="Fair")
        button = tab.locator("#map-list").inner_text()
        tab.locator("#map-list").click()

        assert button in ("List them below", "List these 3 below")
        assert sorted(listed(tab)) == ["s1", "s2", "s3"]
        assert not tab.locator(f"{LIST} [name=contested]").is_checked()
    assert noise == []


def test_the_map_points_only_at_what_matches_and_reaches_all_of_it(
    tmp_path: Path, browse: Callable[[Path], Any]
) -> None:
    with browse(write_report(many(tmp_path, 8), tmp_path / "report.html")) as (tab, noise):
        said = tab.locator("#map-said")
        tab.locator("#map-table summary").click()
        choose(tab, "#map-controls", query="s12.")
        one = [said.inner_text(), tab.locator("#map-table tbody tr").count(), tab.locator("#map-list").inner_text()]
        walks = tab.locator("#map-next").is_visible()
        choose(tab, "#map-controls", query="nowhere")
        tab.locator("#map-plot").focus()
        for key in ("ArrowRight", "PageDown", "+", "Enter"):
            tab.keyboard.press(key)
        none = [said.inner_text(), tab.locator("#map-table tbody tr").count()]
        shown = tab.locator("#map-list, .map-ring, #map-next, #dialog").evaluate_all(
            "all => all.filter(one => one.checkVisibility()).length"
        )
        choose(tab, "#map-controls", query="", verdict="Unfair")
        reached = set()
        tab.locator("#map-plot").focus()
        for key in ("Home", "PageDown", "PageDown", "PageDown"):
            tab.keyboard.press(key)
            reached.add(said.locator(".situation").inner_text()[:21])
        tab.locator("#map-next").click()

        assert "The situation of s12." in one[0]
        assert one[1:] == [1, "List this 1 below"]
        assert not walks
        assert none == ["No scenario matches.", 0]
        assert shown == 0
        assert reached == {f"The situation of s{n}." for n in (11, 13, 15, 17)}
        assert "The situation of s11." in tab.locator("#map-spoken").inner_text()  # from the last to the first
    assert noise == []


def top_of(tab: Any, id: str) -> int:
    """Return how far a section's top stands below the bottom of what sticks to the screen's top, in pixels."""
    return round(
        tab.evaluate(
            """id => { const rail = document.querySelector('.rail').getBoundingClientRect();
            const top = document.getElementById(id).getBoundingClientRect().top;
            return top - (rail.width > innerWidth / 2 ? rail.bottom : 0); }""",
            id,
        )
    )


@pytest.mark.parametrize("width", [390, 1280])
def test_a_link_of_the_rail_arrives_and_stays_in_sight(
    tmp_path: Path, browse: Callable[[Path], Any], width: int
) -> None:
    with browse(write_report(many(tmp_path), tmp_path / "report.html", EVALUATION, TRAINING)) as (tab, noise):
        tab.set_viewport_size({"width": width, "height": 800})
        tops, current = {}, []
        for id in ("pairs", "made", "tuning", "balance"):
            # not click(): to bring the link into sight Playwright scrolls the page, and the rail follows the page
            tab.locator(f".rail a[href='#{id}']").dispatch_event("click")
            tab.locator(f".rail a[href='#{id}'][aria-current]").wait_for(state="attached")
            tab.wait_for_timeout(300)  # and there it stays
            tops[id] = top_of(tab, id)
            link = tab.locator(".rail [aria-current]")
            place = link.bounding_box()
            current.append(link.get_attribute("href"))
            assert 0 <= place["x"] <= width - place["width"]
        # what is above grows late
        tab.evaluate("document.getElementById('left').style.setProperty('padding-bottom', '700px')")
        tab.wait_for_timeout(200)
        late = top_of(tab, "balance")
        sideways = tab.evaluate("scrollX")
        focused = tab.evaluate("document.activeElement.id")

    assert {id: top for id, top in tops.items() if abs(top) > 2} == {}
    assert current == ["#pairs", "#made", "#tuning", "#balance"]
    assert abs(late) <= 2
    assert [sideways, focused] == [0, "balance"]
    assert noise == []


def test_the_address_keeps_what_is_asked_and_what_is_open(tmp_path: Path, browse: Callable[[Path], Any]) -> None:
    file = write_report(many(tmp_path, 20), tmp_path / "report.html")
    with browse(file) as (tab, _):
        choose(tab, LIST, query="went while", verdict="Unfair")
        tab.locator(f"{LIST} [name=contested]").check()
        tab.locator(".rail a[href='#pairs']").click()
        address = tab.url
        tab.goto("about:blank")
        tab.go_back()
        tab.wait_for_timeout(SETTLED)
        back = [tab.locator("#list-count").inner_text(), tab.locator(f"{LIST} [name=contested]").is_checked()]
        tab.reload()
        tab.wait_for_timeout(SETTLED)
        again = [tab.locator("#list-count").inner_text(), tab.locator(f"{LIST} [name=query]").input_value()]

        tab.locator("#map-plot").focus()
        tab.keyboard.press("End")
        tab.keyboard.press("Enter")
        opened, title = tab.url, tab.locator("#dialog-title").inner_text()
        tab.locator("#dialog-next").click()
        beside = tab.locator("#dialog-title").inner_text()
        tab.go_back()
        tab.wait_for_timeout(100)
        closed = [tab.url, tab.locator("#dialog").is_visible(), tab.evaluate("document.activeElement.id")]
        tab.go_forward()
        tab.wait_for_timeout(100)
        forward = tab.locator("#dialog").is_visible()
        tab.keyboard.press("Escape")
        tab.wait_for_timeout(100)
        left = [tab.url, tab.locator("#dialog").is_visible()]
        tab.locator(f"{LIST} button[type=reset]").click()
        tab.wait_for_timeout(100)
        cleared = tab.url

        tab.goto("about:blank")
        tab.goto(opened)
        tab.wait_for_timeout(SETTLED)
        sent = [tab.locator("#dialog").is_visible(), tab.locator("#list-count").text_content()]
        tab.keyboard.press("Escape")
        tab.wait_for_timeout(100)
        alone = [tab.url, tab.evaluate("history.length")]
        tab.goto("about:blank")
        tab.goto(f"{file.as_uri()}#made?role=99&verdict=x&open=nothing")
        tab.wait_for_timeout(SETTLED)
        nonsense = [tab.locator("#list-count").inner_text(), top_of(tab, "made")]

    assert address == f"{file.as_uri()}#pairs?query=went+while&verdict=1&contested=1"
    assert back == ["10 scenarios of 20", True]
    assert again == ["10 scenarios of 20", "went while"]
    assert opened.startswith(f"{address}&open=")
    assert [title, beside] == ["Scenario 20 of 20", "Scenario 1 of 20"]
    assert closed == [address, False, "map-plot"]
    assert forward
    assert left == [address, False]
    assert cleared == f"{file.as_uri()}#scenarios"
    assert sent == [True, "10 scenarios of 20"]
    assert alone[0] == address
    assert nonsense == ["20 scenarios", 0]


def test_each_lane_of_the_strip_is_walked_with_the_keyboard(tmp_path: Path, browse: Callable[[Path], Any]) -> None:
    with browse(write_report(of_decisions(tmp_path), tmp_path / "report.html")) as (tab, noise):
        lane = tab.locator(".lane-strip").nth(1)
        lane.focus()
        first = tab.locator("#strip-said").inner_text()
        tab.keyboard.press("End")
        last = tab.locator("#strip-said").inner_text()
        told = tab.locator(".strip [aria-live]").inner_text()
        tab.keyboard.press("Enter")
        shown = tab.locator("#dialog-body .situation").inner_text()
        tab.keyboard.press("Escape")
        tab.wait_for_timeout(100)
        focused = lane.evaluate("lane => lane === document.activeElement")
        tab.keyboard.press("Tab")
        beyond = tab.evaluate("document.activeElement.tagName")

    assert first != last
    assert told == f"Unfair. {last}"
    assert shown == last == "The situation of s1."
    assert focused
    assert beyond == "SUMMARY"  # one stop a lane
    assert noise == []


def test_a_set_without_scenarios_offers_nothing_to_press(tmp_path: Path, browse: Callable[[Path], Any]) -> None:
    dataset = publish(tmp_path / "datasets", TWO, [row("early1", "coach", "fair")])
    with browse(write_report(dataset, tmp_path / "report.html")) as (tab, noise):
        offered = tab.locator("button, select, input, #map, .rail a[href='#map'], .lane-strip").evaluate_all(
            "all => all.filter(one => one.checkVisibility()).map(one => one.outerHTML)"
        )
        said = tab.locator("#list-count").inner_text()

    assert offered == []
    assert said == "No scenario is in the set."
    assert noise == []


def test_buttons_that_open_a_scenario_are_told_apart(tmp_path: Path, browse: Callable[[Path], Any]) -> None:
    rows = [row("a1", "coach", "fair"), row("a2", "coach", "unfair"), row("twin1", "coach", "fair")]
    rows += [row("b1", "coach", "fair", "s2"), row("b2", "coach", "unfair", "s2")]
    with browse(write_report(publish(tmp_path / "datasets", TWO, rows), tmp_path / "report.html")) as (tab, noise):
        buttons = tab.locator("main button.inline").filter(has_text="open the scenario")
        names = buttons.evaluate_all("all => all.map(one => one.getAttribute('aria-label'))")
        small = buttons.evaluate_all("all => all.filter(one => one.getBoundingClientRect().height < 24).length")

    assert len(names) == len(set(names)) >= 4
    assert all(name.startswith("open the scenario: ") for name in names)
    assert small == 0
    assert noise == []
