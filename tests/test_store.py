"""The store: append-only, all or nothing, one writer, and no damaged byte goes unseen."""

import random
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from curator.database import VERSION
from curator.errors import StorageError, StoreLocked
from curator.example import SCHEMA, Answer, example_id
from curator.store import Consent, Deleted, Fetched, Intake, Person, Refused, Store


def fetched(record: str, analysis: str = "It was asked.", **more: Any) -> Fetched:
    told = {"situation": "A shift was moved.", "stakeholder": "employee", "annotator": "annotator-1"}
    answer = Answer(**{**told, "verdict": "reasonable", "analysis": analysis, "pack": "workplace", **more})
    return Fetched(record, analysis.encode(), answer)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store.db")


def dump(path: Path) -> list[str]:
    with sqlite3.connect(path) as db:
        return list(db.iterdump())


def test_a_new_store_is_empty_and_its_owners_only(store: Store) -> None:
    assert store.examples().schema == SCHEMA
    assert (store.examples().height, store.ids(), store.quarantined(), store.people()) == (0, [], [], [])
    assert (store.intakes(), store.cursor("a"), store.verify()) == (Intake(), None, [])
    assert store.path.stat().st_mode & 0o777 == 0o600


def test_an_edited_answer_gets_a_new_revision_and_the_old_one_stays(store: Store) -> None:
    at = datetime(2026, 1, 31, 9, 0, 0, 123456, UTC)

    assert store.take("a", [fetched("1"), fetched("2")]) == Intake(fetched=2, new=2)
    assert store.take("a", [fetched("1", "Edited.", updated_at=at), fetched("2")]) == Intake(
        fetched=2, changed=1, same=1
    )
    name = example_id("a", "1")
    assert [(r["revision"], r["example"]["analysis"]) for r in store.life(name)] == [
        (1, "It was asked."),
        (2, "Edited."),
    ]
    (kept,) = [row for row in store.examples().to_dicts() if row["id"] == name]
    assert (kept["analysis"], kept["revision"], kept["updated_at"]) == ("Edited.", 2, at)
    assert store.verify() == []


def test_a_deleted_answer_leaves_a_tombstone_and_can_come_back(store: Store) -> None:
    store.take("a", [fetched("1"), fetched("2")])

    assert store.take("a", [Deleted("1"), Deleted("1"), Deleted("never seen")]) == Intake(deleted=1)
    assert store.records("a") == {"2"}
    assert store.take("a", [fetched("1")]) == Intake(fetched=1, changed=1)
    assert [r["example"] is None for r in store.life(example_id("a", "1"))] == [False, True, False]
    assert store.records("a") == {"1", "2"}
    assert store.verify() == []


def test_taking_a_page_twice_changes_nothing_but_the_count_of_what_came(store: Store) -> None:
    page: list[Fetched | Refused | Deleted] = [fetched("1"), Refused("a:2", b"\xff", "not text"), fetched("1")]

    assert store.take("a", page, "here") == Intake(fetched=3, new=1, same=1, quarantined=1)
    rows, aside = store.examples(), store.quarantined()
    assert store.take("a", page) == Intake(fetched=3, same=2, quarantined=1)
    assert store.examples().equals(rows)
    assert store.quarantined() == aside
    assert store.cursor("a") == "here"
    assert store.intakes() == Intake(fetched=6, new=1, same=3, quarantined=2)


def test_the_same_record_of_two_sources_is_two_answers(store: Store) -> None:
    store.take("a", [fetched("1")])
    store.take("b", [fetched("1")])

    assert store.examples()["source"].sort().to_list() == ["a", "b"]


def test_what_fails_inside_a_page_leaves_nothing_of_it(store: Store) -> None:
    def broken() -> Any:
        yield fetched("1")
        raise ValueError("in the middle")

    def wrong() -> Any:
        yield fetched("1")
        store._db.execute("INSERT INTO no_such_table VALUES (1)")

    with pytest.raises(ValueError, match="in the middle"):
        store.take("a", broken(), "later")
    with pytest.raises(StorageError, match=r"could not be written: no such table.*left nothing behind"):
        store.take("a", wrong())

    assert (store.ids(), store.cursor("a"), store.intakes()) == ([], None, Intake())
    assert store.take("a", [fetched("1")]).new == 1  # and it goes on


def test_ids_are_found_by_how_they_begin(store: Store) -> None:
    store.take("a", [fetched(str(n)) for n in range(40)])
    every = store.ids()

    assert len(every) == 40
    assert store.ids(every[0][:3]) == [name for name in every if name.startswith(every[0][:3])]
    for odd in ("g", "%", "_", "'", "A", "\x00", "\ud800", "é"):
        assert store.ids(odd) == []


def test_a_scenario_is_known_by_its_key_in_its_last_words(store: Store) -> None:
    store.put_scenarios(
        [("i1", "p", '{"key": "s1", "situation": "old"}'), ("i1", "p", '{"key": "s2", "situation": "old"}')]
    )
    store.put_scenarios([("i2", "p", '{"key": "s1", "situation": "new"}'), ("i3", "p", '{"situation": "no key"}')])

    assert {key: one["situation"] for key, one in store.known_scenarios().items()} == {"s1": "new", "s2": "old"}


def test_people_and_projects_are_kept_up_to_date(store: Store) -> None:
    ann = Person("ann@x.y", "manager", "annotator-a", "Ann", None, (Consent("2026-01-31T09:00:00Z", ("train",), "1"),))

    assert store.put_people([ann, Person("bob@x.y", "hr", "annotator-b")]) == 2
    assert store.put_people([Person("bob@x.y", "employee", "annotator-b")]) == 2
    assert store.people() == [ann, Person("bob@x.y", "employee", "annotator-b")]
    store.put_project("embedded", 3, "p", "old")
    store.put_project("embedded", 3, "p", "new")
    assert store.projects() == [{"server": "embedded", "project": 3, "pack": "p", "config_sha256": "new", "part": ""}]


FLIPPED = ("payload", "example", "record", "source", "id", "sha256")


def test_every_flipped_byte_of_a_record_is_seen(store: Store) -> None:
    chance = random.Random(7)
    records = [fetched(f"r{n}", f"Answer {n}, é \u2028 {'x' * n}") for n in range(20)]
    store.take("a", [*records, Refused("a:9", b"raw bytes", "why")])
    rows = store.examples()
    with store.write() as db:
        for turn in range(120):
            column = FLIPPED[turn % len(FLIPPED)]
            name, number = db.execute("SELECT id, revision FROM revisions").fetchall()[chance.randrange(20)]
            key = f"SELECT CAST({column} AS BLOB), typeof({column}) FROM revisions WHERE id = ? AND revision = ?"
            raw, kind = db.execute(key, (name, number)).fetchone()
            place = chance.randrange(len(raw))
            damaged = raw[:place] + bytes([raw[place] ^ (1 << chance.randrange(8))]) + raw[place + 1 :]
            db.execute("SAVEPOINT flip")
            db.execute(f"UPDATE revisions SET {column} = CAST(? AS {kind}) WHERE id = ?", (damaged, name))
            assert store.verify() != [], (column, raw, damaged)
            if column in ("payload", "example", "sha256"):
                with pytest.raises(StorageError, match=r"is not as it was stored|Could not decode"):
                    store.examples()
            db.execute("ROLLBACK TO flip")
        db.execute("UPDATE quarantine SET payload = x'00'")
        assert store.verify() == ["what was set aside at a:9: its bytes are not those that were stored"]
        db.execute("UPDATE quarantine SET payload = CAST('raw bytes' AS BLOB)")
    assert store.verify() == []
    assert store.examples().equals(rows)


def test_a_lost_revision_and_a_lost_answer_are_seen(store: Store) -> None:
    store.take("a", [fetched("1"), fetched("2")])
    store.take("a", [fetched("1", "Edited.")])
    name = example_id("a", "1")
    for query, said in {
        f"DELETE FROM revisions WHERE id = '{name}' AND revision = 1": f"answer {name}: revision 1 is gone",
        "DELETE FROM revisions WHERE record = '2'": "2 wordings are here, 3 came in",
        "UPDATE intakes SET fetched = fetched + 1": "the counts do not add up",
    }.items():
        store._db.execute("BEGIN")
        store._db.execute(query)
        assert any(said in line for line in store.verify()), said
        store._db.execute("ROLLBACK")
    assert store.verify() == []


def test_a_file_with_flipped_bytes_is_never_read_as_if_it_were_whole(tmp_path: Path) -> None:
    chance = random.Random(11)
    path = tmp_path / "store.db"
    with Store(path) as store:
        store.take("a", [fetched(f"r{n}", f"Answer {n} " + "x" * 200) for n in range(60)])
        rows = store.examples()
    whole = path.read_bytes()
    seen = 0
    for _ in range(100):
        place = chance.randrange(len(whole))
        path.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << chance.randrange(8))]) + whole[place + 1 :])
        try:
            with Store(path) as store:
                wrong = store.verify()
                if not wrong:
                    assert store.examples().equals(rows)
                    continue
        except StorageError:
            pass
        seen += 1
    assert seen >= 30  # the others hit what no row uses: the rows were equal
    path.write_bytes(whole)
    with Store(path) as store:
        assert (store.verify(), store.examples().equals(rows)) == ([], True)


def test_what_is_no_store_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.write_bytes(b"This is not a database, it is a letter. " * 50)
    before = path.read_bytes()

    with pytest.raises(StorageError, match=r"store\.db cannot be opened.*Nothing was changed"):
        Store(path)
    assert path.read_bytes() == before


def test_a_store_of_a_newer_curator_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with Store(path) as store:
        store.take("a", [fetched("1")])
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version={VERSION + 1}")
    before = dump(path)

    with pytest.raises(StorageError, match=r"written by a newer curator\. Nothing was changed"):
        Store(path)
    assert dump(path) == before


def test_a_place_that_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")

    with pytest.raises(StorageError, match="cannot be opened"):
        Store(tmp_path / "file" / "store.db")


def test_a_store_that_was_taken_away_meanwhile_is_not_made_anew(store: Store) -> None:
    store.take("a", [fetched("1")])
    store.path.parent.rename(store.path.parent.with_name("elsewhere"))

    with pytest.raises(StorageError, match="cannot be locked for writing"):
        store.take("a", [fetched("2")])
    assert not store.path.exists()


PROGRAM = """
import sys
from pathlib import Path
from tests.test_store import fetched
from curator.errors import StorageError
from curator.store import Store
"""


def python(code: str, *words: str, **more: Any) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM + code, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent.parent,
        **more,
    )


def limit_files(size: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def test_a_full_disk_is_said_and_what_was_there_stays(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    code = """
with Store(Path(sys.argv[1])) as store:
    for page in range(200):
        try:
            store.take("a", [fetched(f"{page}-{n}", "x" * 500) for n in range(20)], str(page))
        except StorageError as fault:
            print(page, fault)
            break
"""
    said, _ = python(code, str(path), preexec_fn=limit_files(300_000)).communicate(timeout=60)

    page, _, message = said.partition(" ")
    assert message.startswith("The store could not be written: ")
    assert "left nothing behind" in message
    with Store(path) as store:  # there is room again
        assert store.verify() == []
        assert store.examples().height == 20 * int(page)
        assert store.cursor("a") == str(int(page) - 1)
        assert store.take("a", [fetched("after")]).new == 1


def test_a_second_writer_waits_and_then_names_the_first(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    code = """
with Store(Path(sys.argv[1])) as store, store.write():
    print("writing", flush=True)
    sys.stdin.readline()
"""
    holder = python(code, str(path), stdin=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdin is not None
    assert holder.stdout.readline() == "writing\n"
    with Store(path, patience=0.2) as store:
        assert store.examples().height == 0  # readers do not wait
        began = time.monotonic()
        with pytest.raises(StoreLocked, match=rf"Process {holder.pid} on \S+, since .* UTC, is writing to the store"):
            store.take("a", [fetched("1")])
        assert 0.2 <= time.monotonic() - began < 2
    with Store(path, patience=30) as store:
        threading.Timer(0.3, holder.stdin.close).start()
        assert store.take("a", [fetched("1")]).new == 1  # it waited until the first was done
    assert holder.wait(10) == 0


def test_a_lock_goes_with_its_process(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    code = """
with Store(Path(sys.argv[1])).write():
    print(1, flush=True)
    input()
"""
    holder = python(code, str(path), stdin=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "1\n"
    holder.send_signal(signal.SIGKILL)
    holder.wait()

    with Store(path, patience=0.2) as store:
        assert store.take("a", [fetched("1")]).new == 1


def test_several_processes_may_make_and_fill_one_store(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    code = """
for n in range(5):
    with Store(Path(sys.argv[1]), patience=60) as store:
        store.take(sys.argv[2], [fetched(str(n))], str(n))
"""
    writers = [python(code, str(path), f"writer {n}") for n in range(3)]
    assert [(writer.communicate(timeout=120)[1][-300:], writer.returncode) for writer in writers] == [("", 0)] * 3
    with Store(path) as store:
        assert store.verify() == []
        assert store.intakes() == Intake(fetched=15, new=15)
