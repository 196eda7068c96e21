"""The page itself: what somebody chooses and writes there is what the store gets."""

import os
from pathlib import Path

import pytest

from curator.store import Intake

CHROMIUM = Path("/usr/bin/chromium")


@pytest.mark.live
@pytest.mark.skipif(not CHROMIUM.exists(), reason="no Chromium on this machine")
def test_an_answer_given_on_the_page_is_pulled_as_it_was_given(desk):
    playwright = pytest.importorskip("playwright.sync_api")
    desk.push("My manager denies what he said in writing.")
    account = desk.studio.people["dan@team.example"]
    with playwright.sync_playwright() as engine:
        flags = ["--disable-gpu", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
        browser = engine.chromium.launch(executable_path=str(CHROMIUM), args=flags)
        page = browser.new_page()
        page.goto(f"{desk.studio.url}/user/login/")
        page.fill("#email", account.email)
        page.fill("#password", account.password)
        page.click("button[type=submit]")
        page.wait_for_url(lambda url: "/user/login" not in url)
        page.goto(f"{desk.studio.url}/projects/{desk.project}/data?labeling=1")
        submit = page.wait_for_selector("[data-testid=bottombar-submit-button]")
        tactic = page.locator(".lsf-choice:has(input[name='Gaslighting' i]) label")
        assert not tactic.is_visible()  # asked only when it makes sense
        page.keyboard.press("3")
        tactic.click()
        page.click(".ant-rate-star >> nth=3")
        page.fill("textarea[name=analysis]", "He says the opposite of the e-mail.\n\nThat is not forgetting.")
        with page.expect_response(lambda r: r.request.method == "POST" and "/annotations" in r.url) as sent:
            submit.click()
        assert sent.value.status == 201
        browser.close()

    assert desk.pull() == Intake(fetched=1, new=1)
    (row,) = desk.rows()
    assert (row["verdict"], row["severity"], row["stakeholder"]) == ("manipulative", 4, "employee")
    assert row["analysis"] == "He says the opposite of the e-mail.\n\nThat is not forgetting."
    assert row["extra"]["tactics"] == ["gaslighting"]
    assert row["extra"]["lead_time"] > 0
    assert row["origin"] == "human"
