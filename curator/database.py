"""One SQLite file: its tables, one writer at a time, everything in a transaction or nothing."""

import contextlib
import fcntl
import os
import re
import socket
import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Self

from curator.errors import StorageError, StoreLocked

VERSION = 2

TABLES = """
CREATE TABLE revisions (      -- append-only: every wording of every answer
    id TEXT NOT NULL, revision INTEGER NOT NULL, source TEXT NOT NULL, record TEXT NOT NULL,
    sha256 TEXT NOT NULL, payload BLOB NOT NULL, example TEXT, -- NULL: a tombstone
    config TEXT NOT NULL DEFAULT '', -- SHA-256 of the page that asked; empty where there was none
    PRIMARY KEY (id, revision)) WITHOUT ROWID;
CREATE INDEX revisions_by_source ON revisions (source, record);
CREATE TABLE quarantine (     -- records that could not be read, whole
    source TEXT NOT NULL, place TEXT NOT NULL, sha256 TEXT NOT NULL, reason TEXT NOT NULL,
    payload BLOB NOT NULL, first_seen TEXT NOT NULL,
    record TEXT, resolved TEXT, -- what the source calls it, where it has a name; how it was settled, NULL: open
    PRIMARY KEY (source, place, sha256));
CREATE TABLE intakes (        -- fetched = new + changed + same + quarantined, always
    number INTEGER PRIMARY KEY, source TEXT NOT NULL, at TEXT NOT NULL, fetched INTEGER NOT NULL,
    new INTEGER NOT NULL, changed INTEGER NOT NULL, same INTEGER NOT NULL, quarantined INTEGER NOT NULL,
    deleted INTEGER NOT NULL);
CREATE TABLE cursors (source TEXT PRIMARY KEY, cursor TEXT NOT NULL);
CREATE TABLE people (         -- e-mails and names stay in this table
    email TEXT PRIMARY KEY, name TEXT, stakeholder TEXT NOT NULL, team TEXT, pseudonym TEXT NOT NULL UNIQUE,
    consent TEXT NOT NULL);    -- JSON list of {at, purposes, text}, oldest first
CREATE TABLE projects (       -- Label Studio projects that belong to this workspace
    server TEXT NOT NULL, project INTEGER NOT NULL, pack TEXT NOT NULL, config_sha256 TEXT NOT NULL,
    part TEXT NOT NULL DEFAULT '', -- who it is for: empty everybody, a stakeholder, or 'review ' and a stakeholder
    PRIMARY KEY (server, project));
CREATE TABLE scenarios (      -- what was pushed or is to be pushed, by the key that files use or else its identity
    scenario TEXT PRIMARY KEY, pack TEXT NOT NULL, data TEXT NOT NULL);
"""

# What version 2 added; the words of a fresh store are the same.
SYNC = """
CREATE TABLE configs (sha256 TEXT PRIMARY KEY, config TEXT NOT NULL); -- every page that people were asked by
CREATE TABLE seen (           -- each task of a Label Studio project as it was when it was last read
    source TEXT NOT NULL, task INTEGER NOT NULL, updated_at TEXT NOT NULL, created_at TEXT NOT NULL,
    answers TEXT NOT NULL,    -- JSON list of annotation ids, skipped ones left out
    again INTEGER NOT NULL,   -- 0 settled; otherwise why it is read again the next time
    PRIMARY KEY (source, task)) WITHOUT ROWID;
CREATE INDEX quarantine_by_record ON quarantine (source, record);
"""
UPGRADES = {
    1: f"""
ALTER TABLE revisions ADD COLUMN config TEXT NOT NULL DEFAULT '';
ALTER TABLE quarantine ADD COLUMN record TEXT;
ALTER TABLE quarantine ADD COLUMN resolved TEXT;
ALTER TABLE projects ADD COLUMN part TEXT NOT NULL DEFAULT '';
{SYNC}"""
}


class Database:
    """The file. Readers need no lock; `write()` gives one process at a time a transaction."""

    def __init__(self, path: Path, *, patience: float = 10.0) -> None:
        """Open the file at `path`, making it where there is none. A writer waits `patience` seconds for another."""
        self.path, self.patience = path, patience
        self._lock_path = path.with_suffix(".lock")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh = not path.exists()
            self._db = sqlite3.connect(path, isolation_level=None, timeout=patience)
            if fresh:
                path.chmod(0o600)
            version = self._version()
            if version > VERSION:
                self.close()
                raise StorageError(
                    f"The store {path.name} was written by a newer curator. Nothing was changed; update curator."
                )
            if version == 0:
                self._make()
            elif version < VERSION:
                self._upgrade()
            self._db.execute("PRAGMA synchronous=FULL")
        except (sqlite3.Error, OSError) as fault:
            raise StorageError(
                f"The store {path} cannot be opened: {fault}. Nothing was changed. Put a backup of it in its place, or"
                " move it away and bring the answers in anew: curator pull, curator add."
            ) from None

    def _version(self) -> int:
        return int(self._db.execute("PRAGMA user_version").fetchone()[0])

    def _make(self) -> None:
        with self._locked():  # two processes that switch a fresh file to WAL at once: one gets "locked" at once
            self._db.execute("PRAGMA journal_mode=WAL")
        with self.write():
            if self._version() == 0:  # nobody else made the tables while we waited
                self._run(TABLES + SYNC)

    def _upgrade(self) -> None:
        with self.write():
            for version in range(self._version(), VERSION):
                self._run(UPGRADES[version])

    def _run(self, statements: str) -> None:
        for statement in re.sub(r"--.*", "", statements).split(";"):  # a comment may hold a semicolon
            self._db.execute(statement)
        self._db.execute(f"PRAGMA user_version={VERSION}")

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self, query: str, *values: Any) -> Iterator[tuple[Any, ...]]:
        """Give the rows of a query, one by one; StorageError when the file is damaged."""
        try:
            yield from self._db.execute(query, values)
        except sqlite3.Error as fault:
            raise StorageError(f"The store cannot be read: {fault}. Restore {self.path.name} from a backup.") from None

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
        try:
            lock = open(self._lock_path, "a+")  # noqa: SIM115  closed below; only the opening may fail so
        except OSError as fault:
            raise StorageError(f"The store cannot be locked for writing: {fault}. Nothing was changed.") from None
        with contextlib.closing(lock):
            self._wait(lock)
            with contextlib.suppress(OSError):  # a full disk: the lock holds all the same, only its holder has no name
                lock.truncate(0)
                lock.write(f"Process {os.getpid()} on {socket.gethostname()}, since {datetime.now(UTC):%H:%M:%S} UTC,")
                lock.flush()
            yield

    def _wait(self, lock: IO[str]) -> None:
        # A kernel lock: it goes with its process, whatever ends that.
        until = time.monotonic() + self.patience
        while True:
            try:
                return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > until:
                    lock.seek(0)
                    holder = lock.read().strip() or "another process"
                    raise StoreLocked(
                        f"{holder} is writing to the store. Nothing was changed; try again when it is done."
                    ) from None
                time.sleep(0.05)
