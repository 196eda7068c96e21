"""Blind projects, and the loop back: a second look by somebody else, and suggestions that nobody sees."""

import json

import polars as pl
import pytest

from curator import collecting
from curator.collecting import account, project, pull
from curator.people import add_people, invite
from curator.review import predict, push_review, review_queue
from curator.studio.client import connect
from curator.studio.people import invite_link
from curator.studio.push import answer_as, known
from curator.studio.server import down, up
from curator.training.train import TrainSettings, train
from curator.workspace import Workspace
from tests.model.conftest import line, tiny, write_dataset

__all__ = ["tiny"]  # a fixture

pytestmark = [pytest.mark.live, pytest.mark.slow]

TEAM = {"ann": "hr", "bob": "hr", "cleo": "hr", "dan": "employee"}
SCENES = ("The shift was moved.", "The rota was changed.")


@pytest.fixture(scope="module")
def team(tmp_path_factory):
    """A workspace with its own server up: four people, of whom three judged the first of two scenarios, each blind."""
    place = tmp_path_factory.mktemp("loop")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(place / "keys"))
        from curator.begin import begin

        begin(place / "team", "workplace")
        workspace = Workspace.find(place / "team")
        for name, role in TEAM.items():
            add_people(workspace, f"{name}@x.example", role, consent="analyse,train")
        up(workspace.studio)
        try:
            invite(workspace)
            made = {one.part: one for one in project(workspace, blind=True)}
            scenarios(workspace, *SCENES)
            say(workspace, "ann", made["hr"].number, "reasonable")
            say(workspace, "bob", made["hr"].number, "manipulative")
            say(workspace, "dan", made["employee"].number, "questionable")
            pull(workspace)
            yield workspace
        finally:
            down(workspace.studio)


def scenarios(workspace, *situations):
    file = workspace.root / "s.jsonl"
    rows = [{"key": f"k{n}", "situation": text, "context": "A ward."} for n, text in enumerate(situations)]
    file.write_text("\n".join(map(json.dumps, rows)))
    return collecting.push(workspace, [file])


def say(workspace, who, number, verdict, which=0):
    link = collecting.client(workspace)
    task = sorted(known(link, number).values())[which]
    said = {"verdict": verdict, "severity": 2, "analysis": f"{who} finds it {verdict}, all told."}
    answer_as(link.url, account(workspace, f"{who}@x.example").token, task, workspace.pack, said)


def test_blind_people_answer_apart_and_are_pulled_together(team):
    assert invite(team).waiting == []
    made = {one.part: one for one in project(team)}  # who is blind stays so

    assert {part: one.people for part, one in made.items()} == {
        "employee": ["dan@x.example"],
        "hr": ["ann@x.example", "bob@x.example", "cleo@x.example"],
    }
    assert [one.number for one in project(team, blind=True)] == [one.number for one in made.values()]
    assert scenarios(team, *SCENES)[:2] == (0, 2)
    assert pull(team).new == 0
    with team.store() as store:
        rows = store.examples().filter(~pl.col("extra").str.contains("review_of"))
    assert rows["scenario"].n_unique() == 1
    assert sorted(rows["stakeholder"].to_list()) == ["employee", "hr", "hr"]


def test_a_second_look_goes_to_somebody_else_and_comes_back_with_its_origin(team):
    (item,) = review_queue(team)
    first, again = push_review(team), push_review(team)

    one = first["projects"]["hr"]
    assert (one["sent"], again["projects"]["hr"]["sent"], again["projects"]["hr"]["known"]) == (1, 0, 1)
    assert list(one["may"].values()) == [1]
    link = collecting.client(team)
    (task,) = known(link, one["project"], "review").values()
    data = link.get(f"api/tasks/{task}/")["data"]
    assert data["review_reason"] == "People of this role did not all judge this alike."
    assert data["not_for"] == item["not_for"]
    assert "@" not in json.dumps(data)
    assert "finds it" not in data["review_earlier"]  # never redacted, so never shown

    said = {"verdict": "questionable", "severity": 2, "analysis": "Cleo looked again: it could be either."}
    answer_as(link.url, account(team, "cleo@x.example").token, task, team.pack, said)
    answer_as(link.url, account(team, "ann@x.example").token, task, team.pack, said)
    assert pull(team).new == 2
    assert pull(team).new == 0

    with team.store() as store:
        told = [row | {"extra": json.loads(row["extra"])} for row in store.examples().to_dicts()]
    back = [row for row in told if row["extra"].get("review_of")]
    assert [row["extra"]["review_of"] for row in back] == [item["ids"]] * 2
    assert {row["origin"] for row in back} == {"human"}
    assert {row["scenario"] for row in back} == {item["scenario"]}
    assert sum(row["extra"].get("own_review", False) for row in back) == 1  # Ann looked at her own


def test_a_models_suggestions_are_left_once_and_shown_to_nobody(team, tiny):
    verdicts = ["reasonable", "manipulative"] * 2
    rows = [line(team.pack, f"scene {n}", "hr", verdict, "It was asked.") for n, verdict in enumerate(verdicts)]
    dataset = write_dataset(team.root / "little", team.pack, train=rows, validation=rows[:1])
    adapter = train(dataset, team.models / "little", tiny, TrainSettings(epochs=1, rank=2, longest=4000)).folder
    settings = (team.root / "curator.toml").read_text()
    (team.root / "curator.toml").write_text(settings.replace('"smollm2-135m-instruct"', json.dumps(str(tiny))))
    workspace = Workspace.find(team.root)

    assert predict(workspace, 1) == {"left": 2, "known": 0}
    assert predict(workspace, 1) == {"left": 0, "known": 2}

    link = collecting.client(workspace)
    with workspace.store() as store:
        blind = [p for p in collecting.projects(store, workspace) if p["part"] in TEAM.values()]
    for one in blind:
        (left,) = link.get("api/predictions/", project=one["project"])
        assert left["model_version"] == f"{adapter.name} as {one['part']}"
        assert {item["from_name"] for item in left["result"]} >= {"verdict"}
        assert link.get(f"api/projects/{one['project']}/")["show_collab_predictions"] is False
    before = pull(workspace)
    assert before.new == 0


def test_the_invite_link_opens_an_account(team):
    import re
    import urllib.parse
    import urllib.request
    from http.cookiejar import CookieJar

    link = collecting.client(team)
    place = invite_link(link)
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    page = browser.open(place).read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[1]
    form = {"email": "new@x.example", "password": "a-long-password-1", "csrfmiddlewaretoken": token}
    request = urllib.request.Request(place, urllib.parse.urlencode(form).encode(), {"Referer": place})
    browser.open(request)

    assert "new@x.example" in connect(link.url, account(team).token).users().values()
