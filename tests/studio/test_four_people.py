"""Four people with four accounts in a real browser: they answer by keyboard, change their minds, skip and delete."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from curator.store import Intake

pytestmark = [pytest.mark.live, pytest.mark.slow]

SUBMIT, SKIP = "[data-testid=bottombar-submit-button]", "[data-testid=bottombar-skip-button]"
SITUATION = "My manager said in front of the team that he had never promised me the Friday off."


@contextmanager
def at_the_page(browser: Any, desk: Any, who: str) -> Iterator[Any]:
    """Give the page of somebody who logged in and opened their next task."""
    account = desk.studio.people[f"{who}@team.example"]
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    page = context.new_page()
    page.goto(f"{desk.studio.url}/user/login/")
    page.fill("#email", account.email)
    page.fill("#password", account.password)
    page.click("button[type=submit]")
    page.wait_for_url(lambda url: "/user/login" not in url)
    page.goto(f"{desk.studio.url}/projects/{desk.project}/data?labeling=1")
    page.wait_for_selector(SUBMIT)
    page.get_by_text(SITUATION).wait_for()  # they read
    yield page
    context.close()


def answered(page: Any, key: str, stars: int, words: str) -> int:
    """Answer by keyboard and submit; return the annotation's id."""
    page.keyboard.press(key)
    page.click(f".ant-rate-star >> nth={stars - 1}")
    page.fill("textarea[name=analysis]", words)
    with page.expect_response(lambda r: r.request.method == "POST" and "/annotations" in r.url) as sent:
        page.click(SUBMIT)
    assert sent.value.status == 201
    return int(sent.value.json()["id"])


def test_four_people_answer_edit_skip_and_delete_and_the_store_follows(desk):
    playwright = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium")
    assert chromium, "This test needs Chromium: apt-get install chromium"
    (task,) = desk.push(SITUATION)
    people = {p.email.split("@")[0]: p.pseudonym for p in desk.store.people()}

    def stored() -> dict[str, tuple[str, str, int, int]]:
        names = {mark: name for name, mark in people.items()}
        return {
            names[row["annotator"]]: (row["stakeholder"], row["verdict"], row["severity"], row["revision"])
            for row in desk.rows()
        }

    with playwright.sync_playwright() as engine:
        flags = ["--disable-gpu", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
        browser = engine.chromium.launch(executable_path=chromium, args=flags)

        with at_the_page(browser, desk, "ann") as page:
            answered(page, "2", 2, "The promise should be looked up before anybody is called a liar.")
        assert desk.pull() == Intake(fetched=1, new=1)
        assert stored() == {"ann": ("hr", "questionable", 2, 1)}

        with at_the_page(browser, desk, "bob") as page:
            assert page.input_value("textarea[name=analysis]") == ""  # nothing of Ann's is to be seen
            given = answered(page, "3", 5, "He did promise it, and now I stand there as the one who made it up.")
            page.goto(f"{desk.studio.url}/projects/{desk.project}/data?task={task}&annotation={given}")
            update = page.wait_for_selector("[data-testid=bottombar-update-button]")
            assert desk.pull().new == 1
            page.keyboard.press("2")  # he thinks again
            page.click(".ant-rate-star >> nth=3")
            with page.expect_response(lambda r: r.request.method == "PATCH" and f"/annotations/{given}" in r.url):
                update.click()
        assert desk.pull().changed == 1
        assert stored()["bob"] == ("employee", "questionable", 4, 2)

        with at_the_page(browser, desk, "cleo") as page, page.expect_response(lambda r: "/annotations" in r.url):
            page.click(SKIP)
        assert desk.pull().new == 0
        assert set(stored()) == {"ann", "bob"}

        with at_the_page(browser, desk, "dan") as page:
            given = answered(page, "1", 1, "Plans change. It was said badly, but nobody was wronged by it.")
            assert desk.pull().new == 1
            assert stored()["dan"] == ("employee", "reasonable", 1, 1)
            token = next(c["value"] for c in page.context.cookies() if c["name"] == "csrftoken")
            gone = page.request.delete(f"{desk.studio.url}/api/annotations/{given}/", headers={"X-CSRFToken": token})
            assert gone.status == 204
        assert desk.pull().deleted == 1
        browser.close()

    assert stored() == {"ann": ("hr", "questionable", 2, 1), "bob": ("employee", "questionable", 4, 2)}
    assert {row["origin"] for row in desk.rows()} == {"human"}
    assert {row["extra"].get("edited_by") for row in desk.rows()} == {None}
