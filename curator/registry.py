"""What a workspace knows besides answers: its people, its Label Studio projects, its scenarios."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from curator.database import Database


@dataclass(frozen=True)
class Consent:
    """What somebody agreed to at one moment, having read one wording. No purposes: a withdrawal."""

    at: str  # ISO 8601, UTC
    purposes: tuple[str, ...]
    text: str  # which wording they read


@dataclass(frozen=True)
class Person:
    """Somebody who answers, as only the store knows them."""

    email: str
    stakeholder: str
    pseudonym: str
    name: str | None = None
    team: str | None = None
    consent: tuple[Consent, ...] = ()  # oldest first; the last one holds

    @property
    def purposes(self) -> tuple[str, ...] | None:
        """What the person's answers may be used for today; empty after a withdrawal, None where nobody asked."""
        return self.consent[-1].purposes if self.consent else None


@dataclass(frozen=True)
class Sight:
    """A task of a Label Studio project as it was when it was last read."""

    task: int
    updated_at: str
    created_at: str
    answers: tuple[int, ...] = ()  # the annotations that are there and not skipped
    again: int = 0  # 0: settled; otherwise it is read again the next time, for one of these reasons


YOUNG = 1  # it changed just before it was read
BROKEN = 2  # the server cannot show all of its answers
HIDDEN = 3  # nor tell which there are


class Registry(Database):
    """The tables that are kept up to date in place, unlike answers."""

    def put_people(self, people: Iterable[Person]) -> int:
        """Keep or update these people; return how many there are now."""
        with self.write() as db:
            for p in people:
                consent = json.dumps([vars(one) for one in p.consent])
                row = (p.email, p.name, p.stakeholder, p.team, p.pseudonym, consent)
                db.execute("INSERT OR REPLACE INTO people VALUES (?, ?, ?, ?, ?, ?)", row)
        return len(self.people())

    def people(self) -> list[Person]:
        """Return everybody, ordered by e-mail."""
        rows = self.read("SELECT email, stakeholder, pseudonym, name, team, consent FROM people ORDER BY email")
        return [
            Person(email, role, mark, name, team, _consents(consent)) for email, role, mark, name, team, consent in rows
        ]

    def put_project(self, server: str, project: int, pack: str, config_sha256: str, part: str = "") -> None:
        """Remember that this project of this server belongs to the workspace, and which part of the people it is for.

        `part` is empty for everybody, a stakeholder in blind mode, "review " and a stakeholder for a second look.
        """
        row = (server, project, pack, config_sha256, part)
        with self.write() as db:
            db.execute(
                "INSERT OR REPLACE INTO projects (server, project, pack, config_sha256, part) VALUES (?, ?, ?, ?, ?)",
                row,
            )

    def projects(self) -> list[dict[str, Any]]:
        """Return the workspace's projects: server, project, pack, config_sha256, part."""
        names = ("server", "project", "pack", "config_sha256", "part")
        rows = self.read("SELECT server, project, pack, config_sha256, part FROM projects ORDER BY server, project")
        return [dict(zip(names, row, strict=True)) for row in rows]

    def put_scenarios(self, scenarios: Iterable[tuple[str, str, str]]) -> None:
        """Remember scenarios as (identity, pack, JSON text of situation, context, domain, team, key).

        Kept by `key` where there is one: new words under a known key replace the old ones, and the same words may stand
        under several keys.
        """
        with self.write() as db:
            for identity, pack, data in scenarios:
                name = json.loads(data).get("key")
                row = (name if isinstance(name, str) else identity, pack, data)
                db.execute("INSERT OR REPLACE INTO scenarios VALUES (?, ?, ?)", row)

    def known_scenarios(self) -> dict[str, dict[str, Any]]:
        """Return the scenarios that were remembered, by the key that files use for them."""
        told = [json.loads(row[0]) for row in self.read("SELECT data FROM scenarios ORDER BY scenario")]
        return {one["key"]: one for one in told if isinstance(one.get("key"), str)}

    def pushed(self, pack: str) -> list[dict[str, Any]]:
        """Return the data of every scenario that was remembered for this pack."""
        return [json.loads(row[0]) for row in self.read("SELECT data FROM scenarios WHERE pack = ?", pack)]

    def seen(self, source: str) -> dict[int, Sight]:
        """Return every task of this source as it was when it was last read, by its number."""
        rows = self.read("SELECT task, updated_at, created_at, answers, again FROM seen WHERE source = ?", source)
        return {task: Sight(task, at, since, tuple(json.loads(ids)), again) for task, at, since, ids, again in rows}

    def put_config(self, sha256: str, config: str) -> None:
        """Remember a page by its hash."""
        with self.write() as db:
            db.execute("INSERT OR IGNORE INTO configs VALUES (?, ?)", (sha256, config))

    def configs(self) -> dict[str, str]:
        """Return every page that people were asked by, by its hash."""
        rows = self.read("SELECT sha256, config FROM configs")
        return {str(sha256): str(config) for sha256, config in rows}


def _consents(text: str) -> tuple[Consent, ...]:
    return tuple(Consent(one["at"], tuple(one["purposes"]), one["text"]) for one in json.loads(text))
