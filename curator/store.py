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
from curator.registry import Consent, Person, Registry

__all__ = ["Consent", "Deleted", "Fetched", "Intake", "Person", "Refused", "Store"]


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


class Store(Registry):
    """The store of a workspace. Readers need no lock; `write()` gives one process at a time a transaction."""

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
        seal = _seal(record.payload, row_text.encode())
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
        texts, numbers = [], []
        for name, number, seal, payload, text in self.read(
            "SELECT id, revision, sha256, payload, CAST(example AS BLOB) FROM revisions JOIN"
            " (SELECT id, max(revision) AS revision FROM revisions GROUP BY id) USING (id, revision)"
            " WHERE example IS NOT NULL ORDER BY id"
        ):
            if _seal(payload, text) != seal:
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
        rows = self.read(
            "SELECT record FROM revisions JOIN (SELECT id, max(revision) AS revision FROM revisions GROUP BY id)"
            " USING (id, revision) WHERE source = ? AND example IS NOT NULL",
            source,
        )
        return {row[0] for row in rows}

    def cursor(self, source: str) -> str | None:
        """Return where the last `take` of this source said to go on."""
        row = next(self.read("SELECT cursor FROM cursors WHERE source = ?", source), None)
        return None if row is None else str(row[0])

    def quarantined(self) -> list[dict[str, Any]]:
        """Return what was set aside: source, place, reason, first_seen."""
        rows = self.read("SELECT source, place, reason, first_seen FROM quarantine ORDER BY source, place")
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

    def _faults(self) -> Iterator[str]:
        for (said,) in self.read("PRAGMA integrity_check"):
            if said != "ok":
                yield f"SQLite: {said}"
        wordings, due = 0, ("", 0)
        for name, number, source, record, seal, payload, text in self.read(
            "SELECT id, revision, source, record, sha256, payload, CAST(example AS BLOB) FROM revisions"
            " ORDER BY id, revision"
        ):
            due = (name, due[1] + 1 if due[0] == name else 1)
            wordings += text is not None
            if text is not None and _seal(payload, text) != seal:
                yield f"answer {name}, revision {number}: its bytes are not those that were stored"
            if example_id(source, record) != name:
                yield f"answer {name}, revision {number}: it is not what {source} calls {record!r}"
            if number != due[1]:
                yield f"answer {name}: revision {due[1]} is gone"
        for place, seal, payload in self.read("SELECT place, sha256, payload FROM quarantine"):
            if hashlib.sha256(payload).hexdigest() != seal:
                yield f"what was set aside at {place}: its bytes are not those that were stored"
        total = self.intakes()
        if total.fetched != total.new + total.changed + total.same + total.quarantined:
            yield "the counts do not add up: fetched is not new + changed + same + quarantined"
        if wordings != total.new + total.changed:
            yield f"{wordings} wordings are here, {total.new + total.changed} came in"


def _seal(payload: bytes, example: bytes) -> str:
    return hashlib.sha256(payload + b"\0" + example).hexdigest()
