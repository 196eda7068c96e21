"""The report for those who do not see it or do not point at it: what axe-core finds is a fault."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from curator.dataset import Dataset
from curator.report import write_report

from .test_page import EVALUATION, TRAINING

pytestmark = pytest.mark.slow

NAMED = "select, input, button, svg[role=img], [role=region], [role=button], nav, section[id]"
NAMELESS = """all => all.filter(one => !one.getAttribute('aria-label') && !one.getAttribute('aria-labelledby')
    && !one.textContent.trim() && !(one.labels && one.labels.length)).map(one => one.outerHTML)"""
OPEN_ALL = "document.querySelectorAll('details').forEach(one => one.open = true)"


def faults(tab: Any) -> list[str]:
    """Return what axe-core finds in all its rules, each with the first element that has it."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(tab, options={"resultTypes": ["violations"]}).response["violations"]
    return [f"{one['id']}: {one['help']}: {one['nodes'][0]['html'][:200]}" for one in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_fault_with_everything_open(
    small: Dataset, tmp_path: Path, browse: Callable[[Path], Any], scheme: str
) -> None:
    with browse(write_report(small, tmp_path / "report.html", EVALUATION, TRAINING)) as (tab, noise):
        tab.emulate_media(color_scheme=scheme)
        tab.evaluate(OPEN_ALL)
        tab.wait_for_timeout(300)
        page = faults(tab)
        tab.locator("#map-plot").focus()
        tab.keyboard.press("ArrowRight")
        tab.keyboard.press("Enter")
        dialog = faults(tab)
        assert tab.locator("#dialog[open]").count() == 1
    assert page == []
    assert dialog == []
    assert noise == []


def test_axe_would_find_one(small: Dataset, tmp_path: Path, browse: Callable[[Path], Any]) -> None:
    with browse(write_report(small, tmp_path / "report.html")) as (tab, _):
        tab.evaluate("document.querySelector('main').append(document.createElement('button'))")
        assert [one.split(":")[0] for one in faults(tab)] == ["button-name"]


def test_every_control_and_figure_has_a_name(small: Dataset, tmp_path: Path, browse: Callable[[Path], Any]) -> None:
    with browse(write_report(small, tmp_path / "report.html", EVALUATION, TRAINING)) as (tab, _):
        nameless = tab.locator(NAMED).evaluate_all(NAMELESS)
        levels = tab.evaluate(
            "[...document.querySelectorAll('main h1, main h2')].filter(h => h.tagName === 'H1').length"
        )

    assert nameless == []
    assert levels == 1
