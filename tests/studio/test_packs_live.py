"""Every pack that comes along on a real Label Studio: its page is taken, its sample is answered and comes back."""

import json
from pathlib import Path
from typing import Any

import pytest

from curator.pack import find_pack, load_pack
from curator.store import Person, Store
from curator.studio.push import answer_as, ensure_project, known, push, task_data
from curator.studio.sync import pull
from tests.studio.conftest import KEY, PEOPLE, Studio

pytestmark = [pytest.mark.live, pytest.mark.slow]

SAMPLE = Path(__file__).parents[2] / "sample_data"
PACKS = sorted(path.parent.name for path in SAMPLE.glob("*/scenarios.jsonl"))  # workplace has live tests of its own
SOME = 2  # scenarios that are answered


def sample(name: str, what: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (SAMPLE / name / f"{what}.jsonl").read_text("utf-8").splitlines()]


def test_every_pack_is_pushed_answered_and_pulled(studio: Studio, tmp_path: Path) -> None:
    for name in PACKS:
        pack = load_pack(find_pack(name, []))
        judges = {
            role: Person(who.email, role, who.pseudonym, who.name, who.team)
            for role, who in zip(pack.stakeholders, PEOPLE, strict=False)
        }
        role = {person["email"]: person["stakeholder"] for person in sample(name, "people")}
        scenarios = {one["key"]: one for one in sample(name, "scenarios")[:12]}
        tried = list(scenarios)[:SOME]
        said = {
            (one["scenario"], role[one["annotator"]]): one
            for one in sample(name, "answers")
            if one["scenario"] in tried
        }
        with Store(tmp_path / f"{name}.db") as store:
            store.put_people(judges.values())
            project = ensure_project(studio.owner, store, pack, "embedded", annotators=len(judges))
            assert push(studio.owner, store, pack, project, list(scenarios.values())).sent == 12
            tasks = known(studio.owner, project)
            data = studio.owner.get(f"api/tasks/{tasks[task_data(pack, scenarios[tried[0]])['scenario']]}/")["data"]
            assert data == task_data(pack, scenarios[tried[0]])  # the whole texts, and the parts that its cards show
            for (key, who), answer in said.items():
                task = tasks[task_data(pack, scenarios[key])["scenario"]]
                answer_as(studio.url, studio.people[judges[who].email].token, task, pack, answer)

            got = pull(studio.owner, store, project, pack, KEY, "embedded")
            rows = [row | {"extra": json.loads(row["extra"])} for row in store.examples().to_dicts()]
            assert store.verify() == []

        assert (name, got.new, got.quarantined) == (name, len(said), 0)
        assert {row["stakeholder"] for row in rows} == {who for _, who in said}
        more = next((column for column in pack.fields if column not in ("verdict", "severity", "analysis")), "")
        told = [
            (r["situation"], r["stakeholder"], r["verdict"], r["severity"], r["analysis"], r["extra"].get(more, []))
            for r in rows
        ]
        assert sorted(told) == sorted(
            (scenarios[key]["situation"], who, a["verdict"], a.get("severity"), a["analysis"], a.get(more, []))
            for (key, who), a in said.items()
        )
