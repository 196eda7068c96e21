"""One real Label Studio for all live tests; a project and a store of its own for each."""

import contextlib
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from curator.example import pseudonym
from curator.pack import Pack, load_pack
from curator.store import Intake, Person, Store
from curator.studio.client import Client, connect
from curator.studio.people import OWNER, Account, accounts, make_accounts
from curator.studio.push import answer_as, ensure_project, known, push
from curator.studio.server import embedded
from curator.studio.sync import pull

KEY = b"k" * 32


def person(name: str, role: str, team: str | None = None) -> Person:
    email = f"{name.lower()}@team.example"
    return Person(email, role, pseudonym(KEY, "annotator", email), f"{name} Example", team)


PEOPLE = [
    person("Ann", "hr", "harbor"),
    person("Bob", "employee"),
    person("Cleo", "manager", "summit"),
    person("Dan", "employee", "summit"),
]


@dataclass
class Studio:
    """The running server and who may use it."""

    url: str
    folder: Path
    people: dict[str, Account]
    owner: Client


@dataclass
class Desk:
    """One project and one store."""

    studio: Studio
    store: Store
    pack: Pack
    project: int

    def push(self, *situations: str, **more: str) -> list[int]:
        """Send scenarios; return their tasks."""
        rows = [{"situation": s, "context": "An office.", "domain": "it", "team": "meadow", **more} for s in situations]
        push(self.studio.owner, self.store, self.pack, self.project, rows)
        return sorted(known(self.studio.owner, self.project).values())[-len(rows) :]

    def answer(self, who: str, task: int, verdict: str = "questionable", **more: Any) -> int:
        """Answer as that person; return the annotation's id."""
        account = self.studio.people[f"{who}@team.example"]
        said = {"verdict": verdict, "severity": 3, "analysis": f"{who} thinks so.", **more}
        return answer_as(self.studio.url, account.token, task, self.pack, said)

    def pull(self, **how: Any) -> Intake:
        """Pull as the owner."""
        return pull(self.studio.owner, self.store, self.project, self.pack, KEY, "embedded", **how)

    def send(self, method: str, path: str, body: Any = None) -> int:
        """Send what the SDK would refuse or repair; return the status."""
        request = urllib.request.Request(
            f"{self.studio.url}/{path}",
            None if body is None else json.dumps(body).encode(),
            {"Content-Type": "application/json", **self.studio.owner._credentials()},
            method=method,
        )
        with contextlib.suppress(urllib.error.HTTPError), urllib.request.urlopen(request) as answer:
            return int(answer.status)
        return 500

    def rows(self) -> list[dict[str, Any]]:
        """Return the stored examples as rows, `extra` read."""
        return [row | {"extra": json.loads(row["extra"])} for row in self.store.examples().to_dicts()]


@pytest.fixture(scope="session")
def pack() -> Pack:
    return load_pack(Path(__file__).parents[2] / "labeling_configs" / "workplace")


@pytest.fixture(scope="session")
def team() -> list[Person]:
    return PEOPLE


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    folder = tmp_path_factory.mktemp("workspace") / "studio"
    with embedded(folder) as server:
        people = make_accounts(folder, PEOPLE)
        yield Studio(server.url, folder, people, connect(server.url, accounts(folder)[OWNER].token))


@pytest.fixture
def desk(studio: Studio, pack: Pack, tmp_path: Path) -> Iterator[Desk]:
    with Store(tmp_path / "store.db") as store:
        store.put_people(PEOPLE)
        project = ensure_project(studio.owner, store, pack, "embedded", "A test", annotators=4)
        yield Desk(studio, store, pack, project)
        assert store.verify() == []
