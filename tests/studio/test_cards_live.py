"""Cards on a real Label Studio: sent with each scenario, given to older tasks, seen side by side, and answered."""

import json
import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from curator import collecting
from curator.begin import begin
from curator.pack import Pack, find_pack, load_pack
from curator.parts import ABOVE, parts
from curator.store import Intake, Store
from curator.studio.push import answer_as, ensure_project, known, push
from curator.studio.server import down, up
from curator.studio.sync import pull
from curator.workspace import Workspace
from tests.studio.conftest import KEY, PEOPLE, Studio

pytestmark = [pytest.mark.live, pytest.mark.slow]

CHROMIUM = Path("/usr/bin/chromium")
PACK = load_pack(find_pack("preference", []))
CONTEXT = "A shop.\n\nAnswer A:\nYes, go now.\n\nAnswer B:\nPlease ask your team lead."
SAID = {"verdict": "b", "analysis": "It names who decides.", "reasons": ["clear"]}


def scenario(key: str, context: str = CONTEXT) -> dict[str, Any]:
    return {"key": key, "situation": f"May I go? ({key})", "context": context}


def data(studio: Studio, project: int) -> dict[str, dict[str, Any]]:
    """What the tasks of a project hold, by the key of their scenario."""
    tasks = [studio.owner.get(f"api/tasks/{number}/")["data"] for number in known(studio.owner, project).values()]
    return {task["key"]: task for task in tasks}


def before(pack: Pack) -> Pack:
    """The pack as it would be without cards, its page showing the whole text."""
    config = pack.config
    for key in pack.card_keys:
        config = config.replace(f"${key}", "$context")
    return pack.model_copy(update={"cards": {}, "config": config})


def test_older_tasks_get_the_parts_with_the_new_page_and_no_answer_changes(studio: Studio, tmp_path: Path) -> None:
    old = before(PACK)
    with Store(tmp_path / "store.db") as store:
        store.put_people(PEOPLE)
        project = ensure_project(studio.owner, store, old, "embedded", "Older", annotators=4)
        push(studio.owner, store, old, project, [scenario("s1"), scenario("s2", "Never marked.")])
        task = min(known(studio.owner, project).values())
        answer_as(studio.url, studio.people[PEOPLE[0].email].token, task, old, SAID)
        assert pull(studio.owner, store, project, old, KEY, "embedded").new == 1
        rows = store.examples()

        assert ensure_project(studio.owner, store, PACK, "embedded", annotators=4) == project
        told = data(studio, project)
        assert push(studio.owner, store, PACK, project, [scenario("s1"), scenario("s3")]).sent == 1
        answer_as(studio.url, studio.people[PEOPLE[1].email].token, task, PACK, SAID)
        again = pull(studio.owner, store, project, PACK, KEY, "embedded")

        assert (again.new, again.changed, again.quarantined) == (1, 0, 0)
        assert store.examples().filter(store.examples()["id"].is_in(rows["id"].to_list())).equals(rows)
        assert store.verify() == []
    assert (told["s1"]["setting"], told["s1"]["answer_b"]) == ("A shop.", "Please ask your team lead.")
    assert (told["s2"]["setting"], told["s2"]["answer_b"]) == ("Never marked.", ABOVE)
    assert told["s1"]["context"] == CONTEXT


def test_one_scenario_without_its_lines_is_set_aside_and_the_others_are_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "keys"))
    begin(tmp_path / "team", "preference", sample=True)
    workspace = Workspace.find(tmp_path / "team")
    with workspace.store() as store:
        store.put_people(PEOPLE)
    file = tmp_path / "s.jsonl"
    file.write_text("\n".join(json.dumps(one) for one in (scenario("s1"), scenario("s2", "A shop."), scenario("s3"))))
    up(workspace.studio)
    try:
        (made,) = collecting.project(workspace)
        sent = collecting.push(workspace, [file], check=False)
        there = known(collecting.client(workspace), made.number)
    finally:
        down(workspace.studio)

    assert (sent.sent, len(there)) == (2, 2)
    assert [(one.place, one.reason) for one in sent.refused] == [
        (
            "s.jsonl:2",
            "'s2' does not fit the page: its context has no line 'Answer A:'. Write 'Answer A:', 'Answer B:', each"
            " alone on its line, and below it what the card shows",
        )
    ]
    with workspace.store() as store:
        assert [one["reason"] for one in store.quarantined()] == [sent.refused[0].reason]
        assert {one["key"] for one in store.pushed("preference")} == {"s1", "s3"}
        assert all(set(one) & set(PACK.card_keys) == set() for one in store.pushed("preference"))


@pytest.mark.skipif(not CHROMIUM.exists(), reason="no Chromium on this machine")
def test_the_answers_stand_side_by_side_where_there_is_room_and_one_is_chosen(studio: Studio, tmp_path: Path) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    account = studio.people[PEOPLE[1].email]
    with Store(tmp_path / "store.db") as store, playwright.sync_playwright() as engine:
        store.put_people(PEOPLE)
        project = ensure_project(studio.owner, store, PACK, "embedded", "Cards", annotators=4)
        push(studio.owner, store, PACK, project, [scenario("s1")])
        flags = ["--disable-gpu", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
        browser = engine.chromium.launch(executable_path=str(CHROMIUM), args=flags)
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.goto(f"{studio.url}/user/login/")
        page.fill("#email", account.email)
        page.fill("#password", account.password)
        page.click("button[type=submit]")
        page.wait_for_url(lambda url: "/user/login" not in url)
        page.goto(f"{studio.url}/projects/{project}/data?labeling=1")
        submit = page.wait_for_selector("[data-testid=bottombar-submit-button]")
        cards = {name: page.locator(f".cur-{name}") for name in ("sit", "ctx", "a", "b")}
        told = {name: card.inner_text().split("\n", 1)[1].strip() for name, card in cards.items()}
        wide = {name: card.bounding_box() for name, card in cards.items()}
        page.set_viewport_size({"width": 800, "height": 900})
        narrow = [card.bounding_box() for card in cards.values()]
        page.keyboard.press("2")
        page.fill("textarea[name=analysis]", "It names who decides.")
        with page.expect_response(lambda r: r.request.method == "POST" and "/annotations" in r.url) as sent:
            submit.click()
        browser.close()
        assert sent.value.status == 201
        assert pull(studio.owner, store, project, PACK, KEY, "embedded") == Intake(fetched=1, new=1)
        (row,) = store.examples().to_dicts()

    assert told == {"sit": "May I go? (s1)", "ctx": "A shop."} | {
        name.removeprefix("answer_"): text
        for name, text in parts(PACK, scenario("s1")).items()
        if name.startswith("answer_")
    }
    assert (wide["a"]["y"], wide["a"]["height"]) == (wide["b"]["y"], wide["b"]["height"])
    assert wide["a"]["width"] == wide["b"]["width"] > 500
    assert wide["a"]["x"] + wide["a"]["width"] < wide["b"]["x"]
    assert all(above["y"] + above["height"] < below["y"] for above, below in pairwise(narrow))
    assert (row["context"], row["verdict"], row["analysis"]) == (CONTEXT, "b", "It names who decides.")
