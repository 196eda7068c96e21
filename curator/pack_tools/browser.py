"""A pack's page in a real browser: does it open, does it ask everything, how does it look."""

import importlib.util
import os
import secrets
import shutil
from pathlib import Path
from typing import Any

from curator import collecting
from curator.errors import MissingExtra, SourceError, UsageError
from curator.labels.results import controls
from curator.pack import Pack
from curator.pack_tools.finding import Finding
from curator.workspace import Workspace

SUBMIT = "[data-testid=bottombar-submit-button]"
LOOKS = {"light": (1400, False), "dark": (1400, True), "narrow": (800, False)}


def look(workspace: Workspace, pack: Pack) -> tuple[list[Finding], list[Path]]:
    """Return what a real Chromium finds wrong with the page, and pictures of it: light, dark and narrow.

    A project for one task is made on the workspace's embedded server, and taken away again.
    """
    if importlib.util.find_spec("playwright") is None:
        raise MissingExtra("To look at a page, curator needs Playwright. Get it with: pip install 'curator[dev]'")
    if collecting.server_name(workspace) != "embedded":
        raise UsageError('A page is looked at on the embedded server. Set url = "embedded" in a copy of the workspace.')
    link, owner = collecting.client(workspace), collecting.account(workspace)
    project = link.create_project(title="Page check", description=secrets.token_hex(6), label_config=pack.config)
    try:
        sample = {key: f"{text}, to look at." for key, text in _samples(pack).items()}
        link.import_tasks(project, [{"data": {**sample, "domain": "sample", "team": "sample", "key": "sample"}}])
        folder = workspace.cache / "pages"
        folder.mkdir(parents=True, exist_ok=True)
        return _open(link.url, owner, f"{link.url}/projects/{project}/data?labeling=1", pack, folder)
    finally:
        link.delete_project(project)


def _samples(pack: Pack) -> dict[str, str]:
    """Return what a task to look at holds, by key: a text for each column and for each part of one that has cards."""
    whole = {key: f"A sample of the {column}" for column, key in pack.task.items()}
    return whole | {key: f"A sample of the part {key}" for key in pack.card_keys}


def _open(url: str, owner: Any, place: str, pack: Pack, folder: Path) -> tuple[list[Finding], list[Path]]:
    from playwright.sync_api import Error, sync_playwright

    found: list[Finding] = []
    pictures = []
    chromium = next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
    )
    flags = ["--disable-gpu", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    try:
        with sync_playwright() as engine:
            browser = engine.chromium.launch(executable_path=chromium, args=flags)
            page = browser.new_page(viewport={"width": 1400, "height": 900})
            page.goto(f"{url}/user/login/")
            page.fill("#email", owner.email)
            page.fill("#password", owner.password)
            page.click("button[type=submit]")
            page.wait_for_url(lambda here: "/user/login" not in here)
            page.goto(place)
            try:
                page.wait_for_selector(f"{SUBMIT}, [class*=errors], [class*=error-list]", timeout=30_000)
                page.wait_for_timeout(500)
            except Error:
                found.append(Finding("error", "The page did not open within 30 s."))
            text = page.inner_text("body")
            found += [
                Finding("error", f"The browser says: {line.strip()[:150]}")
                for line in text.splitlines()
                if "Error" in line
            ]
            if not found:
                found += _asked(page, pack)
            for name, (width, dark) in LOOKS.items():
                page.set_viewport_size({"width": width, "height": 900})
                page.evaluate("dark => document.body.setAttribute('data-color-scheme', dark ? 'dark' : 'light')", dark)
                page.evaluate(
                    "d => document.documentElement.setAttribute('data-color-scheme', d ? 'dark' : 'light')", dark
                )
                page.wait_for_timeout(200)
                pictures.append(folder / f"{pack.name}-{name}.png")
                page.screenshot(path=pictures[-1], full_page=True)
            browser.close()
    except Error as fault:
        why = str(fault).splitlines()[0]
        raise SourceError(f"The browser failed: {why}. Is Chromium installed? Nothing was changed.") from None
    return found, pictures


def _asked(page: Any, pack: Pack) -> list[Finding]:
    """Return the choices, fields and texts that the page should show and does not."""
    found = []
    for control in controls(pack.config).values():
        if control.shown:
            continue
        if control.kind == "textarea" and not page.locator(f"textarea[name={control.name}]").count():
            found.append(Finding("error", f"The browser shows no field for {control.name!r}."))
    verdict = controls(pack.config)[pack.fields["verdict"]]
    seen = page.locator(".lsf-choice").count()
    if seen < len(verdict.options):
        found.append(
            Finding("error", f"The browser shows {seen} choices where the verdict alone has {len(verdict.options)}.")
        )
    text = page.inner_text("body")
    samples = _samples(pack)
    for column, key in pack.task.items():
        shown = [samples[part] in text for part in pack.cards.get(column, {}).values()]
        if samples[key] not in text and not (shown and all(shown)):
            found.append(
                Finding("error", f"The browser does not show the {column}" + (" whole." if any(shown) else "."))
            )
    return found
