"""Random histories of a virtual Label Studio and a curator that is hindered and killed while it follows them."""

import contextlib
import itertools
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from curator.errors import PolicyError, SourceError
from curator.example import pseudonym
from curator.labels.results import to_result
from curator.pack import find_pack, load_pack
from curator.store import Person, Store
from curator.studio import client as client_module
from curator.studio import listing
from curator.studio.push import push
from curator.studio.sync import pull
from tests.studio.virtual import Fault, Virtual

KEY = b"k" * 32
PACK = load_pack(find_pack("workplace", []))
WIDER = PACK.config.replace('<Choice alias="other"', '<Choice alias="flattery" value="Flattery"/><Choice alias="other"')
PEOPLE = [
    Person(email, role, pseudonym(KEY, "annotator", email))
    for email, role in (("ann@team.example", "hr"), ("bob@team.example", "employee"), ("cleo@team.example", "manager"))
]
ACCOUNTS = {1: "owner@curator.example"} | {n: p.email for n, p in enumerate(PEOPLE, 2)}
SOURCE = "label-studio:virtual:1"
SHELF = Path("/dev/shm") if Path("/dev/shm").is_dir() else None


class KilledError(BaseException):
    """The process is gone."""


class Mortal(Store):
    """A store whose process dies before its n-th write, or right after a commit."""

    left: int | None = None

    def tick(self) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise KilledError

    @contextlib.contextmanager
    def write(self) -> Iterator[Any]:
        with super().write() as db:
            yield _Watched(db, self.tick)
        self.tick()


class _Watched:
    def __init__(self, db: Any, tick: Callable[[], None]) -> None:
        self.db, self.tick = db, tick

    def execute(self, *words: Any) -> Any:
        self.tick()
        return self.db.execute(*words)

    def executemany(self, *words: Any) -> Any:
        self.tick()
        return self.db.executemany(*words)


def _status(code: int) -> Fault:
    return lambda said: httpx.Response(code, content=b'{"detail": "no"}', headers=_dated(said))


def _body(change: Callable[[bytes], bytes]) -> Fault:
    return lambda said: httpx.Response(said.status_code, content=change(said.content), headers=_dated(said))


def _dated(said: httpx.Response) -> dict[str, str]:
    return {"Date": said.headers["Date"]}


def _raises(kind: type[httpx.TransportError]) -> Fault:
    def fault(said: httpx.Response) -> httpx.Response:
        raise kind("in the middle")

    return fault


def _short(said: httpx.Response) -> httpx.Response:
    """Leave the last task out of a list, its total as it was."""
    whole = json.loads(said.content)
    if isinstance(whole, dict) and whole.get("tasks"):
        whole["tasks"].pop()
    return httpx.Response(200, json=whole, headers=_dated(said))


FAULTS: dict[str, Fault] = {
    "404": _status(404),
    "500": _status(500),
    "503": _status(503),
    "time is up": _raises(httpx.ReadTimeout),
    "broken off": _raises(httpx.RemoteProtocolError),
    "web page": _body(lambda _: b"<html>log in</html>"),
    "half": _body(lambda whole: whole[: len(whole) // 2]),
    "empty": _body(lambda _: b""),
    "short page": _short,
}

WORDS = ["It was asked.", "Nobody asked.", "é \u2028 \U0001f600", "=cmd", "Long " * 50]
words = st.sampled_from(WORDS)
pick = st.integers(0, 1_000)
people = st.integers(2, 4)
numbers = itertools.count()


def valid(said: str, severity: int = 2, tactic: list[str] | None = None) -> list[dict[str, Any]]:
    result = to_result(PACK, {"verdict": "questionable", "severity": severity, "analysis": said})
    if tactic:
        value = {"choices": tactic}
        result.append({"from_name": "tactic", "to_name": "situation", "type": "choices", "value": value})
    return result


def poisoned(annotation: dict[str, Any]) -> bool:
    result = annotation["result"]
    return bool(result) and "\ud83d" in result[2]["value"]["text"][0]


class Histories(RuleBasedStateMachine):
    """One project, three people, one store."""

    empty: Path  # a store with its tables and people, made once

    @initialize(tasks=st.sampled_from([0, 3, 7]))
    def begin(self, tasks: int) -> None:
        """Begin with nothing, or with some answers that were pulled an hour ago."""
        self.virtual = Virtual(PACK.config, dict(ACCOUNTS))
        self.folder = Path(tempfile.mkdtemp(dir=SHELF))
        shutil.copyfile(_template(), self.folder / "store.db")
        self.store = Mortal(self.folder / "store.db")
        self.wordings: dict[int, list[Any]] = {}
        self.widest: dict[int, set[str]] = {}  # pages in force since the last touch of each answer
        self.jumped = False
        self.jumps = 0
        for number in range(tasks):
            self.new_task("Old.", str(number))
            self._write(sorted(self.virtual.tasks)[-1], valid("Old."), 2)
        self._pull()
        self.virtual.now += timedelta(hours=1)

    # People at work

    @rule(said=words, context=words)
    def new_task(self, said: str, context: str) -> None:
        self.virtual.add_task({"situation": f"{said} {len(self.virtual.tasks)}", "context": context})

    @rule(at=pick, by=people, said=words, severity=st.integers(1, 5))
    def answer(self, at: int, by: int, said: str, severity: int) -> None:
        self._write(self._task(at), valid(said, severity), by)

    @rule(at=pick, said=words)
    def answer_on_the_wider_page(self, at: int, said: str) -> None:
        self._write(self._task(at), valid(said, tactic=["flattery"]), 3)

    @rule(at=pick, said=words, severity=st.integers(1, 5))
    def edit(self, at: int, said: str, severity: int) -> None:
        self._edit(self._answer(at), result=valid(said, severity))

    @rule(at=pick)
    def edit_into_nothing(self, at: int) -> None:
        self._edit(self._answer(at), result=[])

    @rule(at=pick)
    def edit_into_half_a_character(self, at: int) -> None:
        self._edit(self._answer(at), result=valid("half \ud83d"))

    @rule(at=pick, yes=st.booleans())
    def skip_or_take_up_again(self, at: int, yes: bool) -> None:
        self._edit(self._answer(at), was_cancelled=yes)

    @rule(at=pick)
    def delete_answer(self, at: int) -> None:
        if (number := self._answer(at)) is not None:
            self.virtual.delete_answer(number)

    @rule(at=pick)
    def delete_task(self, at: int) -> None:
        if (number := self._task(at)) is not None:
            self.virtual.delete_task(number)

    @rule(at=pick, said=words)
    def change_text(self, at: int, said: str) -> None:
        if (number := self._task(at)) is not None:
            self.virtual.change_task(number, {**self.virtual.tasks[number]["data"], "situation": said + " (changed)"})

    @rule(wide=st.booleans())
    def change_page(self, wide: bool) -> None:
        self.virtual.config = WIDER if wide else PACK.config
        for pages in self.widest.values():
            pages.add(self.virtual.config)

    @rule(seconds=st.sampled_from([-90_000, -700, -5, 3, 700, 90_000]))
    def jump(self, seconds: int) -> None:
        """Set the clock; no two jumps land on the same microsecond, since two changes within one are not told apart."""
        self.jumps += 1
        self.virtual.now += timedelta(seconds=seconds, microseconds=self.jumps)
        self.jumped = True

    @rule(still=st.booleans())
    def stop_the_clock(self, still: bool) -> None:
        """Several changes share one microsecond from now on."""
        self.virtual.tick = timedelta(0) if still else timedelta(seconds=1)

    @rule(at=pick, said=words)
    def edit_around_a_pull_in_one_microsecond(self, at: int, said: str) -> None:
        tick, self.virtual.tick = self.virtual.tick, timedelta(0)
        self.edit(at, said, 1)
        self.pull_in_peace()
        self.edit(at, said, 5)
        self.virtual.tick = tick

    @rule(at=pick, said=words, seconds=st.sampled_from([700, 90_000]))
    def edit_while_the_clock_is_behind(self, at: int, said: str, seconds: int) -> None:
        self.jump(-seconds)
        self.edit(at, said, 3)
        self.jump(seconds)

    @rule(seconds=st.sampled_from([10, 60, 3_600]))
    def wait(self, seconds: int) -> None:
        self.virtual.now += timedelta(seconds=seconds)

    # curator at work

    @rule(many=st.integers(1, 4), faults=st.lists(st.sampled_from(sorted(FAULTS)), max_size=2), dies=st.booleans())
    def push_scenarios(self, many: int, faults: list[str], dies: bool) -> None:
        rows = [{"situation": f"Pushed {n}", "context": "Here."} for n in range(many)]
        self._hinder(faults, [], 1 if dies else None)
        self._try(lambda: push(self.virtual.client(), self.store, PACK, 1, rows))

    @rule(
        faults=st.lists(st.one_of(st.none(), st.sampled_from(sorted(FAULTS))), max_size=6),
        meanwhile=st.lists(st.tuples(st.integers(0, 3), pick, words), max_size=3),
        dies=st.one_of(st.none(), st.integers(0, 20)),
    )
    def pull_hindered(self, faults: list[str | None], meanwhile: list[tuple[int, int, str]], dies: int | None) -> None:
        self._hinder(faults, [self._deed(*one) for one in meanwhile], dies)
        self._try(self._pull)

    @rule()
    def pull_in_peace(self) -> None:
        self._try(self._pull)

    def _hinder(self, faults: list[str | None], deeds: list[Callable[[], None]], dies: int | None) -> None:
        self.virtual.faults = [FAULTS[name] if name else None for name in faults]
        self.virtual.between = deeds
        self.store.left = dies

    def _try(self, work: Callable[[], Any]) -> None:
        try:
            work()
        except (SourceError, PolicyError):
            pass
        except KilledError:
            self.store.close()
            self.store = Mortal(self.folder / "store.db")
        self.virtual.faults, self.virtual.between, self.store.left = [], [], None

    def _pull(self, **how: Any) -> Any:
        return pull(self.virtual.client(), self.store, 1, PACK, KEY, "virtual", size=3, **how)

    def _deed(self, kind: int, at: int, said: str) -> Callable[[], None]:
        """Return what somebody does between two requests."""
        return lambda: [
            lambda: self.edit(at, said, 4),
            lambda: self.answer(at, 2, said, 3),
            lambda: self.delete_answer(at),
            lambda: self.delete_task(at),
        ][kind]()

    def _write(self, task: int | None, result: Any, by: int) -> None:
        if task is not None:
            number = self.virtual.add_answer(task, result, by)
            self.wordings[number] = [result]
            self.widest[number] = {self.virtual.config}

    def _edit(self, number: int | None, **more: Any) -> None:
        if number is not None:
            self.virtual.change_answer(number, **more)
            self.widest[number] = {self.virtual.config}
            if "result" in more:
                self.wordings[number].append(more["result"])

    def _task(self, at: int) -> int | None:
        known = sorted(self.virtual.tasks)
        return known[at % len(known)] if known else None

    def _answer(self, at: int) -> int | None:
        known = sorted(self.virtual.annotations)
        return known[at % len(known)] if known else None

    # What must hold

    def teardown(self) -> None:
        if not hasattr(self, "store"):
            return
        try:
            if self.jumped:  # once a day every time is compared: a day later than the clock ever was
                self.virtual.now += timedelta(days=20)
            self._clean_pull()
            self.check()
            assert self._pull().new == 0
        finally:
            self.store.close()
            shutil.rmtree(self.folder)

    def _clean_pull(self) -> None:
        asked = False
        try:
            self._pull(confirm_deletions=True)
        except PolicyError:
            asked = True
        if asked:
            assert self.jumped  # a clock that went back and forth looks like a restored backup
            self._pull(confirm_deletions=True, trust_server=True)

    def check(self) -> None:
        rows = {r["record"]: r for r in _standing(self.store)}
        aside = self.store.set_aside(SOURCE)
        # Of one that cannot be shown nobody can tell whether it is skipped.
        there = {n: a for n, a in self.virtual.annotations.items() if not a["was_cancelled"] or poisoned(a)}
        for number, annotation in there.items():
            self._check_one(number, annotation, rows.pop(str(number), None), str(number) in aside)
        assert not rows
        assert aside <= {str(number) for number in there}
        assert self.store.verify() == []
        assert sum(len(sight.answers) for sight in self.store.seen(SOURCE).values()) == len(there)
        _check_wordings(self.store, self.wordings)

    def _check_one(self, number: int, annotation: dict[str, Any], row: dict[str, Any] | None, aside: bool) -> None:
        result = annotation["result"]
        if poisoned(annotation):  # the last good wording stands
            assert aside
            return
        may = [not result or (len(result) > 3 and page == PACK.config) for page in self.widest[number]]
        assert aside != (row is not None), (number, row)
        if all(may) or not any(may):
            assert aside == all(may), (number, row, annotation)
        if row is None:
            return
        answer, data = row["example"], self.virtual.tasks[annotation["task"]]["data"]
        assert answer["analysis"] == result[2]["value"]["text"][0]
        assert answer["severity"] == result[1]["value"]["rating"]
        assert (answer["situation"], answer["context"]) == (data["situation"], data["context"])
        assert answer["annotator"] == PEOPLE[annotation["completed_by"] - 2].pseudonym


def _standing(store: Store) -> list[dict[str, Any]]:
    lives = [store.life(name) for name in store.ids()]
    return [life[-1] for life in lives if life[-1]["example"] is not None]


def _check_wordings(store: Store, wordings: dict[int, list[Any]]) -> None:
    """Each wording is one that was written, and no two after each other are the same."""
    for name in store.ids():
        last = None
        query = "SELECT record, payload FROM revisions WHERE id = ? ORDER BY revision"
        for record, payload in store.read(query, name):
            assert payload != last, (record, payload)
            last = payload
            if payload:
                assert json.loads(payload)["annotation"]["result"] in wordings[int(record)]


_made: list[Path] = []


def _template() -> Path:
    if not _made:
        path = Path(tempfile.mkdtemp(dir=SHELF)) / "empty.db"
        with Store(path) as store:
            store.put_people(PEOPLE)
        _made.append(path)
    return _made[0]


def narrow(monkeypatch: Any) -> None:
    """Make pages so small that a few tasks fill several, and no pause long."""
    monkeypatch.setattr(listing, "LIGHT", 3)
    monkeypatch.setattr(listing, "HEAD", 1)
    monkeypatch.setattr(listing, "PAGE", 3)
    monkeypatch.setattr(client_module, "_pause", lambda _: None)
