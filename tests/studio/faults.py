"""Each fault of a server or a network, what is done to bring it about, and how curator must end."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from curator.cli import run
from curator.registry import Person
from curator.workspace import Workspace
from tests.studio import proxy
from tests.studio.histories import ACCOUNTS, PACK, PEOPLE, valid
from tests.studio.proxy import Proxy, between
from tests.studio.virtual import TOKEN, Virtual, serving

TASKS = 8


@dataclass
class Scene:
    """A workspace whose server is the virtual one, behind the proxy."""

    workspace: Workspace
    virtual: Virtual
    proxy: Proxy
    said: Callable[[], str]  # what was printed to stderr since the last time
    stack: ExitStack
    lines: list[str] = field(default_factory=list)

    @classmethod
    def build(cls, root: Path, said: Callable[[], str], stack: ExitStack) -> "Scene":
        """Build a workspace in this folder, with answers on the server and none in the store."""
        virtual = Virtual(PACK.config, dict(ACCOUNTS))
        for number in range(TASKS):
            task = virtual.add_task({"situation": f"Situation {number}", "context": "Here."})
            for by in (2, 3):
                virtual.add_answer(task, valid(f"{by} thinks so of {number}."), by)
        virtual.now += timedelta(hours=1)
        door = stack.enter_context(between(stack.enter_context(serving(virtual))))
        scene = cls(None, virtual, door, said, stack)  # type: ignore[arg-type]  found in the next line
        scene.point_at(root, door.url)
        with scene.workspace.store() as store:
            store.put_people(PEOPLE)
            store.put_project(door.url, 1, PACK.name, PACK.hash)
        return scene

    def point_at(self, root: Path, url: str) -> None:
        """Write the address of the server into the workspace's settings."""
        (root / "curator.toml").write_text(f'name = "faults"\n[server]\nurl = "{url}"\n', "utf-8")
        self.workspace = Workspace.find(root)

    def elsewhere(self, url: str) -> None:
        """Move the server to another address."""
        with self.workspace.store() as store:
            store.put_project(url, 1, PACK.name, PACK.hash)
        self.point_at(self.workspace.root, url)

    def pull(self, *words: str) -> int:
        """Pull as the command line does; return the exit code and keep the line that says why."""
        code = run(["pull", *words])
        self.lines = [line for line in self.said().splitlines() if line.startswith("error: ")]
        return code

    def spoil(self, how: proxy.Spoiler, at: str = "/api/tasks", first: int = 1, last: int = 10**9) -> None:
        """Let the proxy spoil these requests from now on."""
        self.proxy.spoiler, self.proxy.at, self.proxy.first, self.proxy.last = how, at, first, last
        self.proxy.asked.clear()

    def stored(self) -> int:
        """Return how many answers stand in the store."""
        with self.workspace.store() as store:
            assert store.verify() == []
            return store.examples().height

    def people(self, *people: Person) -> None:
        """Replace nobody, add these."""
        with self.workspace.store() as store:
            store.put_people(people)


@dataclass(frozen=True)
class Case:
    """One fault: its row in the catalogue, its name, what brings it about, the exit code, words of the one line."""

    row: int
    name: str
    act: Callable[[Scene], Any]
    code: int
    words: str = ""
    kept: int | None = 0  # answers in the store after the fault; None: whatever was finished
    cure: tuple[str, ...] = ()  # what the next pull has to be told

    @property
    def id(self) -> str:
        """The name for a test."""
        return f"{self.row}-{self.name.replace(' ', '-')}"


def _spoil(how: proxy.Spoiler, **more: Any) -> Callable[[Scene], Any]:
    return lambda scene: scene.spoil(how, **more)


def _after_a_pull(act: Callable[[Scene], Any]) -> Callable[[Scene], Any]:
    def both(scene: Scene) -> None:
        assert scene.pull() == 0
        scene.virtual.now += timedelta(hours=1)
        act(scene)

    return both


def _restored(scene: Scene) -> None:
    backup = scene.virtual.backup()
    scene.virtual.change_answer(max(scene.virtual.annotations), result=valid("Edited after the backup."))
    scene.virtual.now += timedelta(hours=1)
    assert scene.pull() == 0
    scene.virtual.now += timedelta(hours=1)
    scene.virtual.restore(backup)


def _used_again(scene: Scene) -> None:
    backup = scene.virtual.backup()
    scene.virtual.add_answer(1, valid("After the backup."), 4)
    scene.virtual.now += timedelta(hours=1)
    assert scene.pull() == 0
    scene.virtual.restore(backup)
    scene.virtual.now += timedelta(hours=1)
    scene.virtual.add_answer(1, valid("Another, under the same number."), 4)


def _poison(scene: Scene) -> None:
    scene.virtual.add_answer(1, valid("half \ud83d"), 4)


def _one(scene: Scene, **more: Any) -> None:
    number = min(scene.virtual.annotations)
    scene.virtual.change_answer(number, **more)


def _delete_many(scene: Scene) -> None:
    for number in list(scene.virtual.tasks)[:4]:
        scene.virtual.delete_task(number)


def _yesterday(scene: Scene) -> None:
    scene.virtual.now -= timedelta(days=1)
    _one(scene, result=valid("Yesterday."))


def _new_text(scene: Scene) -> None:
    scene.virtual.change_task(1, {"situation": "New"})


def _narrow_token(scene: Scene) -> None:
    scene.virtual.mine_only, scene.virtual.me = True, 2
    for account in (3, 4):
        scene.virtual.accounts.pop(account)


def _only_mine(scene: Scene) -> None:
    scene.virtual.mine_only, scene.virtual.me = True, 2


HALF = proxy.changed(lambda body: body[: len(body) // 2])
MORE = proxy.changed(lambda body: body.replace(b'"total": 8', b'"total": 9'))
TWICE = proxy.changed(lambda body: body.replace(b'"id": 4,', b'"id": 1,'))
DATED = proxy.status(429, Retry_After="Sun, 01 Mar 2026 12:00:00 GMT")
ETERNAL = proxy.status(429, Retry_After="31536000000")
OLD = proxy.status(200, b'{"release": "1.19.0"}')
RENAMED = proxy.changed(lambda body: body.replace(b'"was_cancelled"', b'"renamed"'))


def _tls(scene: Scene) -> None:
    scene.elsewhere(scene.proxy.url.replace("http:", "https:"))


def _edited(said: str) -> Callable[[Scene], Any]:
    return lambda scene: _one(scene, result=valid(said))


CASES = [
    Case(22, "500 once, then well", _spoil(proxy.status(500), last=1), 0, kept=None),
    Case(22, "502 twice, then well", _spoil(proxy.status(502), last=2), 0, kept=None),
    Case(22, "503 that stays", _spoil(proxy.status(503, b"busy")), 4, "with 503"),
    Case(22, "500 for everything", _spoil(proxy.status(500)), 4, "with 500"),
    Case(23, "429 with seconds", _spoil(proxy.status(429, Retry_After="1"), last=2), 0, kept=None),
    Case(23, "429 with a date", _spoil(DATED, last=1), 0, kept=None),
    Case(23, "429 for a thousand years", _spoil(ETERNAL), 4, "(429)"),
    Case(24, "nobody listens", lambda s: s.elsewhere("http://127.0.0.1:9"), 4, "nobody answers there"),
    Case(24, "a name that is none", lambda s: s.elsewhere("http://label-studio.invalid"), 4, "no such name"),
    Case(24, "no TLS where TLS is asked for", _tls, 4, "no safe connection"),
    Case(25, "no answer", _spoil(proxy.silent), 4, "no whole answer within"),
    Case(25, "closed without a word", _spoil(proxy.closed), 4, "broke off in the middle"),
    Case(26, "a byte now and then", _spoil(proxy.dripping), 4, "no whole answer within"),
    Case(27, "half the JSON", _spoil(HALF), 4, "broken JSON"),
    Case(27, "more announced than sent", _spoil(proxy.told_length(10)), 4, "broke off in the middle"),
    Case(27, "less announced than sent", _spoil(proxy.told_length(-10)), 4, "broken JSON"),
    Case(27, "a cut chunk", _spoil(proxy.cut_chunk), 4, "broke off in the middle"),
    Case(27, "no HTTP at all", _spoil(proxy.garbage), 4, "broke off in the middle"),
    Case(28, "a log-in page with 200", _spoil(proxy.status(200, b"<html>log in</html>")), 4, "a web page"),
    Case(28, "a message with 200", _spoil(proxy.status(200, b'{"detail": "maintenance"}')), 4, "maintenance"),
    Case(28, "an empty list with 200", _spoil(proxy.status(200, b"[]")), 4, "something else"),
    Case(28, "null with 200", _spoil(proxy.status(200, b"null")), 4, "something else"),
    Case(29, "404 in the middle", _spoil(proxy.status(404), first=2), 4, "(404)", None),
    Case(30, "tasks left out of a page", _spoil(MORE), 4, "incompletely"),
    Case(30, "tasks twice", _spoil(TWICE), 4, "twice"),
    Case(30, "fewer shown than counted", _only_mine, 4, "does the token see the whole project?", None),
    Case(31, "sent on to another host", _spoil(proxy.redirect("http://elsewhere.example/")), 4, "elsewhere.example"),
    Case(32, "an answer without end", _spoil(proxy.endless), 4, "more than"),
    Case(32, "a gzip bomb", _spoil(proxy.bomb), 4, "more than"),
    Case(33, "token refused at once", _spoil(proxy.status(401), at="/api"), 5, "refuses the token"),
    Case(33, "token refused in the middle", _spoil(proxy.status(401), first=2), 5, "refuses the token", None),
    Case(34, "a token that sees fewer people", _after_a_pull(_narrow_token), 8, "showed 4 at the last", 16),
    Case(35, "restored from a backup", _restored, 8, "older backup", 16, ("--trust-server",)),
    Case(35, "numbers used again", _used_again, 8, "older backup", 17, ("--trust-server",)),
    Case(36, "an old version", _spoil(OLD, at="/api/version"), 2, "1.19.0"),
    Case(36, "a field renamed", _spoil(RENAMED), 4, "without 'was_cancelled'"),
    Case(37, "edited between two pulls", _after_a_pull(_edited("Edited.")), 0, kept=16),
    Case(38, "many answers gone", _after_a_pull(_delete_many), 8, "8 of the 16", 16, ("--confirm-deletions",)),
    Case(39, "text changed under an answer", _after_a_pull(_new_text), 0, kept=16),
    Case(40, "a choice that the page lacks", lambda s: _one(s, result=valid("x", tactic=["flattery"])), 3, kept=15),
    Case(41, "changed within one microsecond", _after_a_pull(_edited("Again.")), 0, kept=16),
    Case(42, "the server's clock went back a day", _after_a_pull(_yesterday), 0, kept=16),
    Case(44, "an answer that the server cannot show", _poison, 3, kept=16),
]


def heal(scene: Scene) -> None:
    """Take away what spoils."""
    scene.proxy.spoiler = None
    scene.virtual.mine_only, scene.virtual.me, scene.virtual.accounts = False, 1, dict(ACCOUNTS)
    scene.point_at(scene.workspace.root, scene.proxy.url)


def environment() -> dict[str, str]:
    """Return what the command line must find in the environment."""
    return {"LABEL_STUDIO_API_KEY": TOKEN}
