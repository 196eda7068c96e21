"""The one mutable truth: everything that was ever fetched, append-only, every record with its bytes and their hash."""

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import polars as pl

from curator.errors import StorageError
from curator.example import MOMENT, SCHEMA, Answer, example_id
from curator.registry import Consent, Person, Registry, Sight

STANDING = """FROM revisions JOIN (SELECT id, max(revision) AS revision FROM revisions GROUP BY id)
    USING (id, revision) WHERE source = ? AND example IS NOT NULL"""

__all__ = ["Before", "Consent", "Deleted", "Fetched", "Intake", "Person", "Refused", "Sight", "Store"]


@dataclass(frozen=True)
class Fetched:
    """One record that could be read: the source's own name for it, its raw bytes, what it says."""

    record: str
    payload: bytes
    answer: Answer
    config: str = ""  # SHA-256 of the page that asked, where there was one


@dataclass(frozen=True)
class Refused:
    """One record that could not be read: where it stood, its raw bytes, why.

    Where `record` names an answer that could be read before, that answer leaves, unless it `stands` since nobody can
    tell what it says now.
    """

    place: str
    payload: bytes
    reason: str
    record: str | None = None
    stands: bool = False


@dataclass(frozen=True)
class Deleted:
    """One record that the source no longer has."""

    record: str


@dataclass(frozen=True)
class Before:
    """An answer as it stands in the store: what tells whether the page or the text changed under it."""

    scenario: str
    created_at: int | None  # microseconds
    updated_at: int | None
    config: str
    text_changed: bool


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


class Store(Registry):
    """The store of a workspace. Readers need no lock; `write()` gives one process at a time a transaction."""

    def take(
        self,
        source: str,
        records: Iterable[Fetched | Refused | Deleted],
        cursor: str | None = None,
        *,
        seen: Iterable[Sight] = (),
        gone: Iterable[int] = (),
    ) -> Intake:
        """Keep one page of records and where to go on, in one transaction. Taking the same page again changes nothing.

        A record whose bytes changed gets a new revision; a deleted one a tombstone, which later bytes may revive.
        What was set aside is settled when the record can be read again or goes. `seen` and `gone` are the page's tasks.
        """
        at = datetime.now(UTC).isoformat()
        count = dict.fromkeys(Intake.__dataclass_fields__, 0)
        with self.write() as db:
            for record in records:
                if isinstance(record, Refused):
                    count["quarantined"] += 1
                    count["deleted"] += self._set_aside(db, source, record, at)
                elif isinstance(record, Deleted):
                    count["deleted"] += self._bury(db, source, record.record)
                    _settle(db, source, record.record, "gone")
                else:
                    count[self._keep(db, source, record)] += 1
                    _settle(db, source, record.record, "repaired")
                count["fetched"] += not isinstance(record, Deleted)
            if cursor is not None:
                db.execute("INSERT OR REPLACE INTO cursors VALUES (?, ?)", (source, cursor))
            rows = [(source, s.task, s.updated_at, s.created_at, json.dumps(s.answers), s.again) for s in seen]
            db.executemany("INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?, ?, ?)", rows)
            db.executemany("DELETE FROM seen WHERE source = ? AND task = ?", [(source, task) for task in gone])
            if any(count.values()):
                db.execute("INSERT INTO intakes VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)", (source, at, *count.values()))
        return Intake(**count)

    def _keep(self, db: sqlite3.Connection, source: str, record: Fetched) -> str:
        name = example_id(source, record.record)
        last = _last(db, name)
        row = record.answer.row(id=name, source=source, revision=0)
        text = json.dumps(row, ensure_ascii=False, sort_keys=True).encode()
        # The same words stay what they were, asked by the page that they were first seen with.
        if last is not None and last[1] == _seal(record.payload, text, last[2]):
            return "same"
        number = 1 if last is None else last[0] + 1
        seal = _seal(record.payload, text, record.config)
        db.execute(
            "INSERT INTO revisions VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (name, number, source, record.record, seal, record.payload, text.decode(), record.config),
        )
        return "new" if last is None else "changed"

    def _set_aside(self, db: sqlite3.Connection, source: str, record: Refused, at: str) -> bool:
        seal = hashlib.sha256(record.payload).hexdigest()
        if record.record is not None:
            _settle(db, source, record.record, "replaced", unless=seal)
        row = (source, record.place, seal, record.reason, record.payload, at, record.record)
        db.execute(
            "INSERT INTO quarantine VALUES (?, ?, ?, ?, ?, ?, ?, NULL)"
            " ON CONFLICT DO UPDATE SET reason = excluded.reason, resolved = NULL",
            row,
        )
        return record.record is not None and not record.stands and self._bury(db, source, record.record)

    def _bury(self, db: sqlite3.Connection, source: str, record: str) -> bool:
        """Leave a tombstone where the answer stands; say whether it did."""
        name = example_id(source, record)
        last = _last(db, name)
        if last is None or last[3]:
            return False
        tomb = (name, last[0] + 1, source, record, "", b"", None, "")
        db.execute("INSERT INTO revisions VALUES (?, ?, ?, ?, ?, ?, ?, ?)", tomb)
        return True

    def examples(self) -> pl.DataFrame:
        """Return the last revision of every answer that is not deleted: columns of `SCHEMA`, ordered by id."""
        texts, numbers = [], []
        for name, number, seal, payload, text, config in self.read(
            "SELECT id, revision, sha256, payload, CAST(example AS BLOB), config FROM revisions JOIN"
            " (SELECT id, max(revision) AS revision FROM revisions GROUP BY id) USING (id, revision)"
            " WHERE example IS NOT NULL ORDER BY id"
        ):
            if _seal(payload, text, config) != seal:
                raise StorageError(
                    f"Answer {name} is not as it was stored. Restore {self.path.name} from a backup: curator verify"
                )
            texts.append(text)
            numbers.append(number)
        if not texts:
            return pl.DataFrame(schema=SCHEMA)
        stored = {name: pl.Int64() if kind == MOMENT else kind for name, kind in SCHEMA.items()}
        rows = pl.read_ndjson(b"\n".join(texts), schema=stored)
        rows = rows.with_columns(pl.Series("revision", numbers, pl.Int64()))
        return rows.cast({"created_at": MOMENT, "updated_at": MOMENT})

    def life(self, id: str) -> list[dict[str, Any]]:
        """Return every revision of one answer, oldest first: revision, source, record, row (None if deleted)."""
        rows = self.read("SELECT revision, source, record, example FROM revisions WHERE id = ? ORDER BY revision", id)
        return [
            {"revision": n, "source": source, "record": record, "example": json.loads(text) if text else None}
            for n, source, record, text in rows
        ]

    def ids(self, start: str = "") -> list[str]:
        """Return the ids that begin with `start`, in order."""
        if set(start) - set("0123456789abcdef"):
            return []
        rows = self.read("SELECT DISTINCT id FROM revisions WHERE id >= ? AND id < ? ORDER BY id", start, start + "g")
        return [row[0] for row in rows]

    def records(self, source: str) -> set[str]:
        """Return the source's names of the answers that are here and not deleted."""
        rows = self.read(f"SELECT record {STANDING}", source)
        return {row[0] for row in rows}

    def before(self, source: str, records: Iterable[str]) -> dict[str, Before]:
        """Return those of these records whose answers stand here."""
        found: dict[str, Before] = {}
        for record in records:
            query = "SELECT example, config FROM revisions WHERE id = ? ORDER BY revision DESC LIMIT 1"
            text, config = next(self.read(query, example_id(source, record)), (None, ""))
            if text is not None:
                row = json.loads(text)
                changed = '"text_changed": true' in (row["extra"] or "")
                found[record] = Before(row["scenario"], row["created_at"], row["updated_at"], config, changed)
        return found

    def payloads(self, source: str) -> Iterator[bytes]:
        """Give the raw bytes of every answer of this source that stands."""
        for (payload,) in self.read(f"SELECT payload {STANDING}", source):
            yield payload

    def set_aside(self, source: str) -> set[str]:
        """Return the source's names of the records that could not be read and were not settled since."""
        query = "SELECT record FROM quarantine WHERE source = ? AND record IS NOT NULL AND resolved IS NULL"
        return {row[0] for row in self.read(query, source)}

    def cursor(self, source: str) -> str | None:
        """Return where the last `take` of this source said to go on."""
        row = next(self.read("SELECT cursor FROM cursors WHERE source = ?", source), None)
        return None if row is None else str(row[0])

    def quarantined(self) -> list[dict[str, Any]]:
        """Return what was set aside and not settled since: source, place, reason, first_seen."""
        rows = self.read(
            "SELECT source, place, reason, first_seen FROM quarantine WHERE resolved IS NULL ORDER BY source, place"
        )
        return [dict(zip(("source", "place", "reason", "first_seen"), row, strict=True)) for row in rows]

    def intakes(self) -> Intake:
        """Return the sum of everything that ever came in."""
        sums = ", ".join(f"coalesce(sum({name}), 0)" for name in Intake.__dataclass_fields__)
        return Intake(*next(self.read(f"SELECT {sums} FROM intakes")))  # noqa: S608  the names of a class's fields

    def verify(self) -> list[str]:
        """Return what is wrong with the store, as sentences; an empty list says that every record is whole."""
        try:
            return list(self._faults())
        except StorageError as fault:
            return [str(fault)]

    def balance(self) -> str:
        """Return how the counts contradict each other; empty where everything that came in is here."""
        total = self.intakes()
        wordings = next(self.read("SELECT count(example) FROM revisions"))[0]
        if total.fetched != total.new + total.changed + total.same + total.quarantined:
            return "the counts do not add up: fetched is not new + changed + same + quarantined"
        if wordings != total.new + total.changed:
            return f"{wordings} wordings are here, {total.new + total.changed} came in"
        return ""

    def _faults(self) -> Iterator[str]:
        for (said,) in self.read("PRAGMA integrity_check"):
            if said != "ok":
                yield f"SQLite: {said}"
        due = ("", 0)
        for name, number, source, record, seal, payload, text, config in self.read(
            "SELECT id, revision, source, record, sha256, payload, CAST(example AS BLOB), config FROM revisions"
            " ORDER BY id, revision"
        ):
            due = (name, due[1] + 1 if due[0] == name else 1)
            if text is not None and _seal(payload, text, config) != seal:
                yield f"answer {name}, revision {number}: its bytes are not those that were stored"
            if example_id(source, record) != name:
                yield f"answer {name}, revision {number}: it is not what {source} calls {record!r}"
            if number != due[1]:
                yield f"answer {name}: revision {due[1]} is gone"
        for place, seal, payload in self.read("SELECT place, sha256, payload FROM quarantine"):
            if hashlib.sha256(payload).hexdigest() != seal:
                yield f"what was set aside at {place}: its bytes are not those that were stored"
        if wrong := self.balance():
            yield wrong


def _last(db: sqlite3.Connection, name: str) -> tuple[int, str, str, bool] | None:
    """Return an answer's last revision: number, seal, config, whether it is a tombstone."""
    query = (
        "SELECT revision, sha256, config, example IS NULL FROM revisions WHERE id = ? ORDER BY revision DESC LIMIT 1"
    )
    found: tuple[int, str, str, bool] | None = db.execute(query, (name,)).fetchone()
    return found


def _settle(db: sqlite3.Connection, source: str, record: str, how: str, unless: str = "") -> None:
    query = "UPDATE quarantine SET resolved = ? WHERE source = ? AND record = ? AND resolved IS NULL AND sha256 != ?"
    db.execute(query, (how, source, record, unless))


def _seal(payload: bytes, example: bytes, config: str) -> str:
    whole = payload + b"\0" + example + (b"\0" + config.encode() if config else b"")
    return hashlib.sha256(whole).hexdigest()
