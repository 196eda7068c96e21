"""Several teams in one set: redacted at home, their ids apart, in whatever order they are pooled."""

import json
from pathlib import Path

import pytest

from curator.begin import begin
from curator.collecting import add
from curator.errors import UsageError
from curator.people import add_people, change_consent
from curator.pipeline import curate
from curator.pooling import pool
from curator.recipe import parse_recipe
from curator.stage import Given
from curator.store import Deleted
from curator.workspace import Workspace
from tests import sample

RECIPE = "".join(f'[[step]]\nuse = "{name}"\n' for name in ("normalise", "validate", "redact", "exact_duplicates"))


@pytest.fixture
def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Makes a workspace of that name with these answers."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "keys"))

    def make(name: str, *answers: dict[str, str]) -> Workspace:
        begin(tmp_path / name, "workplace")
        workspace = Workspace.find(tmp_path / name)
        file = tmp_path / f"{name}.jsonl"
        file.write_text("".join(json.dumps(one) + "\n" for one in answers))
        if answers:
            add(workspace, [file], source="answers")
        return workspace

    return make


def answer(who: str, analysis: str, **more: str) -> dict[str, str]:
    told = {
        "situation": "The shift was moved the evening before.",
        "stakeholder": "employee",
        "verdict": "questionable",
    }
    return told | {"annotator": who, "analysis": analysis, "id": who, **more}


def test_the_order_of_pooling_has_no_effect(team, tmp_path):
    teams = [
        team("north", answer("ann", "Nobody was asked at all, and it was done anyway.")),
        team("south", answer("ann", "Somebody has to cover, and the rota allows for that.")),
    ]
    sets = []
    for name, order in (("one", teams), ("two", teams[::-1])):
        here = team(name)
        for other in order:
            pool(here, other.root)
        with here.store() as store:
            rows = store.examples()
        given = Given(key=b"k" * 32, pack=here.pack)
        sets.append(curate(rows, parse_recipe(RECIPE), tmp_path / f"sets-{name}", given))

    assert sets[0].manifest["dataset"] == sets[1].manifest["dataset"]
    assert sets[0].manifest["rows"] == 2


def test_the_same_ids_of_two_teams_are_two_answers_of_two_people(team):
    here = team("here", answer("ann", "We were not asked, and that is the whole story."))
    pool(here, team("north", answer("ann", "Nobody was asked at all, and it was done anyway.")).root)

    with here.store() as store:
        rows = store.examples()

    assert rows["source"].sort().to_list() == ["answers", "pool:north"]
    assert rows["annotator"].n_unique() == rows["id"].n_unique() == 2
    assert rows["scenario"].n_unique() == 1


def test_pooling_again_changes_nothing_and_follows_what_left(team):
    here, north = team("here"), team("north", answer("ann", "Nobody was asked."), answer("bob", "It was fair to all."))

    first, again = pool(here, north.root), pool(here, north.root)
    with north.store() as store:
        store.take("answers", [Deleted("ann")])
    third = pool(here, north.root)

    assert (first.intake.new, again.intake.same, again.intake.new) == (2, 2, 0)
    assert (third.intake.deleted, third.intake.same) == (1, 1)


def test_names_and_addresses_of_their_people_do_not_come_over(team):
    here, north = team("here"), team("north")
    add_people(north, "greta.hollis@north.example", "manager", name="Greta Hollis")
    file = north.root / "more.jsonl"
    file.write_text(json.dumps(answer("bob", "Greta Hollis asked nobody; write to greta.hollis@north.example.")))
    add(north, [file], source="answers")

    pool(here, north.root)
    with here.store() as store:
        text = store.examples()["analysis"][0]
        raw = store.path.read_bytes()

    assert text.startswith("[person ")
    assert "[email " in text
    assert b"Hollis" not in raw
    assert b"greta" not in raw


def test_who_withdrew_over_there_stays_there_and_leaves_here(team):
    here, north = team("here"), team("north")
    add_people(north, "ann@north.example", "employee", consent="analyse,train")
    add_people(north, "bob@north.example", "employee", consent="analyse")
    file = north.root / "more.jsonl"
    texts = {"ann@north.example": "Nobody was asked.", "bob@north.example": "It was fair to all.", "eve": "Nor was I."}
    file.write_text("".join(json.dumps(answer(who, text)) + "\n" for who, text in texts.items()))
    add(north, [file], source="answers")

    before = pool(here, north.root)
    change_consent(north, "ann@north.example", None)
    after = pool(here, north.root)

    assert (before.intake.new, before.without_consent) == (2, 1)
    assert (after.intake.deleted, after.intake.same, after.without_consent) == (1, 1, 2)


def test_another_pack_and_this_workspace_itself_are_refused(team, tmp_path):
    here = team("here")
    begin(tmp_path / "pair", "relationship")

    with pytest.raises(UsageError, match="judges by the pack 'relationship'"):
        pool(here, tmp_path / "pair")
    with pytest.raises(UsageError, match="is not another team's workspace"):
        pool(here, here.root)


def test_two_workspaces_of_one_name_do_not_take_each_others_answers_out(team, tmp_path):
    here, north = team("here"), team("north", answer("ann", "Nobody was asked."))
    other = team("south", answer("bob", "It was fair to all."))
    config = other.root / "curator.toml"
    config.write_text(config.read_text().replace('"south"', '"north"'))
    pool(here, north.root)

    with pytest.raises(UsageError, match="Another workspace was pooled as 'north' before"):
        pool(here, other.root)
    named = pool(here, other.root, source="south")

    assert (named.source, named.intake.new) == ("pool:south", 1)
    assert pool(here, north.root).intake.same == 1


@pytest.mark.slow
def test_one_event_told_by_two_teams_is_found_and_grouped(team, tmp_path):
    told = {line["key"]: line for line in sample.lines("scenarios")}
    here, north = team("here"), team("north")
    for workspace, key in ((here, "health-10"), (north, "health-11")):
        scenario = {name: told[key][name] for name in ("situation", "context")}
        file = workspace.root / "one.jsonl"
        file.write_text(json.dumps(answer("ann", "She was told to wait, and the patient paid for it.", **scenario)))
        add(workspace, [file], source="answers")
    pool(here, north.root)

    with here.store() as store:
        steps = RECIPE + '[[step]]\nuse = "embed"\n[[step]]\nuse = "scenarios"\n'
        given = Given(key=b"k" * 32, pack=here.pack, cache=sample.EMBEDDED)
        rows = curate(store.examples(), parse_recipe(steps), tmp_path / "sets", given).frame("examples")

    assert rows["scenario"].n_unique() == 2
    assert rows["group"].n_unique() == 1
