"""The one mutable truth: an SQLite file with everything that was ever fetched, append-only, one writer at a time."""

import contextlib
import fcntl
import hashlib
import json
import os
import socket
import sqlite3
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from curator.errors import StorageError, StoreLocked
from curator.example import MOMENT, SCHEMA, Answer, example_id

VERSION = 1

TABLES = """
CREATE TABLE revisions (      -- append-only: every wording of every answer
    id TEXT NOT NULL, revision INTEGER NOT NULL, source TEXT NOT NULL, record TEXT NOT NULL,
    sha256 TEXT NOT NULL, payload BLOB NOT NULL, example TEXT, -- NULL: a tombstone
    PRIMARY KEY (id, revision)) WITHOUT ROWID;
CREATE INDEX revisions_by_source ON revisions (source, record);
CREATE TABLE quarantine (     -- records that could not be read, whole
    source TEXT NOT NULL, place TEXT NOT NULL, sha256 TEXT NOT NULL, reason TEXT NOT NULL,
    payload BLOB NOT NULL, first_seen TEXT NOT NULL, PRIMARY KEY (source, place, sha256));
CREATE TABLE intakes (        -- fetched = new + changed + same + quarantined, always
    number INTEGER PRIMARY KEY, source TEXT NOT NULL, at TEXT NOT NULL, fetched INTEGER NOT NULL,
    new INTEGER NOT NULL, changed INTEGER NOT NULL, same INTEGER NOT NULL, quarantined INTEGER NOT NULL,
    deleted INTEGER NOT NULL);
CREATE TABLE cursors (source TEXT PRIMARY KEY, cursor TEXT NOT NULL);
CREATE TABLE people (         -- e-mails and names stay in this table
    email TEXT PRIMARY KEY, name TEXT, stakeholder TEXT NOT NULL, team TEXT, pseudonym TEXT NOT NULL UNIQUE,
    consent TEXT NOT NULL);
CREATE TABLE projects (       -- Label Studio projects that belong to this workspace
    server TEXT NOT NULL, project INTEGER NOT NULL, pack TEXT NOT NULL, config_sha256 TEXT NOT NULL,
    PRIMARY KEY (server, project));
CREATE TABLE scenarios (      -- what was pushed or is to be pushed, by our own key
    scenario TEXT PRIMARY KEY, pack TEXT NOT NULL, data TEXT NOT NULL);
"""


@dataclass(frozen=True)
class Fetched:
    """One record that could be read: the source's own name for it, its raw bytes, what it says."""

    record: str
    payload: bytes
    answer: Answer


@dataclass(frozen=True)
class Refused:
    """One record that could not be read: where it stood, its raw bytes, why."""

    place: str
    payload: bytes
    reason: str


@dataclass(frozen=True)
class Deleted:
    """One record that the source no longer has."""

    record: str


@dataclass(frozen=True)
class Intake:
    """What one page of records did to the store. Fetched = new + changed + same + quarantined."""

    fetched: int = 0
    new: int = 0
    changed: int = 0
    same: int = 0
    quarantined: int = 0
    deleted: int = 0

    def __add__(self, other: "Intake") -> "Intake":
        return Intake(*(getattr(self, f) + getattr(other, f) for f in self.__dataclass_fields__))


@dataclass(frozen=True)
class Person:
    """Somebody who answers, as only the store knows them."""

    email: str
    stakeholder: str
    pseudonym: str
    name: str | None = None
    team: str | None = None
    consent: tuple[str, ...] = ()


class Store:
    """The store of a workspace. Readers need no lock; `write()` gives one process at a time a transaction."""

    def __init__(self, path: Path, *, patience: float = 10.0) -> None:
        """Open the store at `path`, making it where there is none. A writer waits `patience` seconds for another."""
        self.path, self.patience = path, patience
        self._lock_path = path.with_suffix(".lock")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh = not path.exists()
            self._db = sqlite3.connect(path, isolation_level=None, timeout=patience)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            if fresh:
                path.chmod(0o600)
            if self._version() == 0:
                with self.write():
                    if self._version() == 0:  # nobody else made the tables while we waited
                        for statement in TABLES.split(";"):
                            self._db.execute(statement)
                        self._db.execute(f"PRAGMA user_version={VERSION}")
        except (sqlite3.Error, OSError) as fault:
            raise StorageError(f"The store {path.name} cannot be opened: {fault}. Nothing was changed.") from None
        if self._version() > VERSION:
            raise StorageError(
                f"The store {path.name} was written by a newer curator. Nothing was changed; update curator."
            )

    def _version(self) -> int:
        return int(self._db.execute("PRAGMA user_version").fetchone()[0])

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextlib.contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Give the one writer a transaction: all of what happens inside is kept, or none of it."""
        with self._locked():
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield self._db
                self._db.execute("COMMIT")
            except sqlite3.Error as fault:
                self._undo()
                raise StorageError(f"The store could not be written: {fault}. This step left nothing behind.") from None
            except BaseException:
                self._undo()
                raise

    def _undo(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            self._db.execute("ROLLBACK")

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        # A kernel lock: it goes with its process, whatever ends that.
        with open(self._lock_path, "a+") as lock:
            until = time.monotonic() + self.patience
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > until:
                        lock.seek(0)
                        holder = lock.read().strip() or "another process"
                        raise StoreLocked(
                            f"{holder} is writing to the store. Nothing was changed; try again when it is done."
                        ) from None
                    time.sleep(0.05)
            lock.truncate(0)
            lock.write(f"Process {os.getpid()} on {socket.gethostname()}, since {datetime.now(UTC):%H:%M:%S} UTC,")
            lock.flush()
            yield

    def take(
        self,
        source: str,
        records: Iterable[Fetched | Refused | Deleted],
        cursor: str | None = None,
    ) -> Intake:
        """Keep one page of records and where to go on, in one transaction. Taking the same page again changes nothing.

        A record whose bytes changed gets a new revision; a deleted one a tombstone, which later bytes may revive.
        """
        at = datetime.now(UTC).isoformat()
        count = dict.fromkeys((*Intake.__dataclass_fields__, "ignored"), 0)
        with self.write() as db:
            for record in records:
                count["fetched"] += not isinstance(record, Deleted)
                count[self._keep(db, source, record, at)] += 1
            count.pop("ignored", None)
            if cursor is not None:
                db.execute("INSERT OR REPLACE INTO cursors VALUES (?, ?)", (source, cursor))
            intake = Intake(**count)
            if any(count.values()):
                db.execute(
                    "INSERT INTO intakes VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (source, at, *vars(intake).values()),
                )
        return intake

    def _keep(self, db: sqlite3.Connection, source: str, record: Fetched | Refused | Deleted, at: str) -> str:
        if isinstance(record, Refused):
            seal = hashlib.sha256(record.payload).hexdigest()
            row = (source, record.place, seal, record.reason, record.payload, at)
            db.execute("INSERT OR IGNORE INTO quarantine VALUES (?, ?, ?, ?, ?, ?)", row)
            return "quarantined"
        name = example_id(source, record.record)
        last = db.execute(
            "SELECT revision, sha256, example IS NULL FROM revisions WHERE id = ? ORDER BY revision DESC LIMIT 1",
            (name,),
        ).fetchone()
        if isinstance(record, Deleted):
            if last is None or last[2]:
                return "ignored"  # not a record, so it may not count as one
            db.execute(
                "INSERT INTO revisions VALUES (?, ?, ?, ?, '', x'', NULL)",
                (name, last[0] + 1, source, record.record),
            )
            return "deleted"
        row_text = json.dumps(record.answer.row(id=name, source=source, revision=0), ensure_ascii=False, sort_keys=True)
        seal = hashlib.sha256(record.payload + b"\0" + row_text.encode()).hexdigest()
        if last is not None and last[1] == seal:
            return "same"
        number = 1 if last is None else last[0] + 1
        db.execute(
            "INSERT INTO revisions VALUES (?, ?, ?, ?, ?, ?, ?)",
            (name, number, source, record.record, seal, record.payload, row_text),
        )
        return "new" if last is None else "changed"

    def examples(self) -> pl.DataFrame:
        """Return the last revision of every answer that is not deleted: columns of `SCHEMA`, ordered by id."""
        found = self._db.execute(
            "SELECT example, revision FROM revisions JOIN (SELECT id, max(revision) AS revision FROM revisions GROUP BY id)"
            " USING (id, revision) WHERE example IS NOT NULL ORDER BY id"
        ).fetchall()
        if not found:
            return pl.DataFrame(schema=SCHEMA)
        stored = {name: pl.Int64() if kind == MOMENT else kind for name, kind in SCHEMA.items()}
        rows = pl.read_ndjson("\n".join(text for text, _ in found).encode(), schema=stored)
        number = pl.Series("revision", [number for _, number in found], pl.Int64())
        return rows.with_columns(number).cast({"created_at": MOMENT, "updated_at": MOMENT})

    def life(self, id: str) -> list[dict[str, Any]]:
        """Return every revision of one answer, oldest first: revision, source, record, and the row or None if deleted."""
        rows = self._db.execute(
            "SELECT revision, source, record, example FROM revisions WHERE id = ? ORDER BY revision", (id,)
        ).fetchall()
        return [
            {"revision": n, "source": source, "record": record, "example": json.loads(text) if text else None}
            for n, source, record, text in rows
        ]

    def ids(self, start: str = "") -> list[str]:
        """Return the ids that begin with `start`, in order."""
        rows = self._db.execute(
            "SELECT DISTINCT id FROM revisions WHERE id >= ? AND id < ? ORDER BY id", (start, start + "g")
        )
        return [row[0] for row in rows]

    def records(self, source: str) -> set[str]:
        """Return the source's names of the answers that are here and not deleted."""
        rows = self._db.execute(
            "SELECT record FROM revisions JOIN (SELECT id, max(revision) AS revision FROM revisions GROUP BY id)"
            " USING (id, revision) WHERE source = ? AND example IS NOT NULL",
            (source,),
        )
        return {row[0] for row in rows}

    def cursor(self, source: str) -> str | None:
        """Return where the last `take` of this source said to go on."""
        row = self._db.execute("SELECT cursor FROM cursors WHERE source = ?", (source,)).fetchone()
        return None if row is None else str(row[0])

    def quarantined(self) -> list[dict[str, Any]]:
        """Return what was set aside: source, place, reason, first_seen."""
        rows = self._db.execute(
            "SELECT source, place, reason, first_seen FROM quarantine ORDER BY source, place"
        ).fetchall()
        return [dict(zip(("source", "place", "reason", "first_seen"), row, strict=True)) for row in rows]

    def put_people(self, people: Iterable[Person]) -> int:
        """Keep or update these people; return how many there are now."""
        with self.write() as db:
            for p in people:
                row = (p.email, p.name, p.stakeholder, p.team, p.pseudonym, json.dumps(p.consent))
                db.execute("INSERT OR REPLACE INTO people VALUES (?, ?, ?, ?, ?, ?)", row)
        return len(self.people())

    def people(self) -> list[Person]:
        """Return everybody, ordered by e-mail."""
        rows = self._db.execute("SELECT email, stakeholder, pseudonym, name, team, consent FROM people ORDER BY email")
        return [Person(*row[:5], consent=tuple(json.loads(row[5]))) for row in rows]

    def put_project(self, server: str, project: int, pack: str, config_sha256: str) -> None:
        """Remember that this project of this server belongs to the workspace."""
        with self.write() as db:
            db.execute("INSERT OR REPLACE INTO projects VALUES (?, ?, ?, ?)", (server, project, pack, config_sha256))

    def projects(self) -> list[dict[str, Any]]:
        """Return the workspace's projects: server, project, pack, config_sha256."""
        rows = self._db.execute(
            "SELECT server, project, pack, config_sha256 FROM projects ORDER BY server, project"
        ).fetchall()
        return [dict(zip(("server", "project", "pack", "config_sha256"), row, strict=True)) for row in rows]

    def put_scenarios(self, scenarios: Iterable[tuple[str, str, str]]) -> None:
        """Remember scenarios as (identity, pack, JSON text of situation, context, domain, team, key)."""
        with self.write() as db:
            db.executemany("INSERT OR REPLACE INTO scenarios VALUES (?, ?, ?)", scenarios)

    def known_scenarios(self) -> dict[str, dict[str, Any]]:
        """Return the scenarios that were remembered, by the key that files use for them."""
        rows = self._db.execute("SELECT data FROM scenarios ORDER BY scenario").fetchall()
        told = [json.loads(row[0]) for row in rows]
        return {one["key"]: one for one in told if isinstance(one.get("key"), str)}

    def intakes(self) -> Intake:
        """Return the sum of everything that ever came in."""
        row = self._db.execute(
            "SELECT coalesce(sum(fetched), 0), coalesce(sum(new), 0), coalesce(sum(changed), 0), coalesce(sum(same), 0),"
            " coalesce(sum(quarantined), 0), coalesce(sum(deleted), 0) FROM intakes"
        ).fetchone()
        return Intake(*row)

    def verify(self) -> list[str]:
        """Return what is wrong with the store, as sentences; an empty list says that every record is whole."""
        wrong = [f"SQLite: {row[0]}" for row in self._db.execute("PRAGMA integrity_check") if row[0] != "ok"]
        for name, number, seal, payload, text in self._db.execute(
            "SELECT id, revision, sha256, payload, example FROM revisions WHERE example IS NOT NULL"
        ):
            if hashlib.sha256(payload + b"\0" + text.encode()).hexdigest() != seal:
                wrong.append(f"answer {name}, revision {number}: its bytes are not those that were stored")
        total = self.intakes()
        if total.fetched != total.new + total.changed + total.same + total.quarantined:
            wrong.append("the counts do not add up: fetched is not new + changed + same + quarantined")
        count = self._db.execute("SELECT count(*) FROM revisions WHERE example IS NOT NULL").fetchone()[0]
        if count != total.new + total.changed:
            wrong.append(f"{count} wordings are here, {total.new + total.changed} came in")
        return wrong
