"""A workspace's answers: from its Label Studio project, or from files."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from curator.dataset import Dataset
from curator.errors import SourceError, StorageError, UsageError, nearest
from curator.example import matching_form, scenario_id
from curator.files import canonical, read
from curator.intake.door import Door, check_sources, is_scenario
from curator.intake.guess import renamed
from curator.parts import Unparted, parts
from curator.progress import Progress, counted, quiet
from curator.second_look import review_pack
from curator.secret import token
from curator.store import Fetched, Intake, Refused, Store
from curator.workspace import Workspace

if TYPE_CHECKING:
    from curator.studio.client import Client
    from curator.studio.people import Account

ALIKE = 0.9  # cosine from which two situations are named as nearly the same


@dataclass(frozen=True)
class Project:
    """A Label Studio project, where it is, for which stakeholder (empty: all), and whom to tell the link."""

    number: int
    url: str
    part: str = ""
    people: list[str] = field(default_factory=list)

    @property
    def link(self) -> str:
        """Where people answer, one task after the other, without seeing what others said."""
        return f"{self.url}/data?labeling=1"


@dataclass(frozen=True)
class Added:
    """What files brought: the store's counts, how much in them was no answer, by what it was, and the scenarios."""

    intake: Intake
    left_out: dict[str, int]
    scenarios: int


def client(workspace: Workspace) -> "Client":
    """Connect to the workspace's Label Studio as its owner; SourceError when it is down."""
    from curator.studio import server
    from curator.studio.client import connect

    url = server_name(workspace)
    if url != "embedded":
        return connect(url, token(url, workspace.hidden), any_version=workspace.config.server.any_version)
    running = server.running(workspace.studio)
    if running is None:
        raise SourceError("Label Studio is down. Nothing was fetched; start it with: curator up")
    return connect(running.url, account(workspace).token)


def account(workspace: Workspace, email: str | None = None) -> "Account":
    """Return somebody's account on the embedded server (default: the owner's); UsageError where there is none."""
    from curator.studio.people import OWNER, accounts

    known = accounts(workspace.studio)
    wanted = matching_form(email or OWNER)
    if wanted not in known:
        raise UsageError(f"{wanted} has no account on the embedded server. Add the person, then run: curator project")
    return known[wanted]


def server_name(workspace: Workspace) -> str:
    """Return what the server is called in the store: its address, or `embedded`, whose port changes."""
    return workspace.config.server.url.rstrip("/")


def project(
    workspace: Workspace, blind: bool = False, progress: Progress = quiet, *, yes: bool = False
) -> list[Project]:
    """Find or make the projects of the workspace's pack; every known person gets an account on the embedded server.

    One for everybody; `blind` makes one for each stakeholder, whose people are told no other. Who is blind stays so.
    """
    from curator.studio import people, push

    with workspace.store() as store:
        everybody = store.people()
        if not everybody:
            raise UsageError("Nobody is known who could answer. Add people first: curator people add FILE")
        link = client(workspace)
        if server_name(workspace) == "embedded":
            progress("accounts", 0, len(everybody))
            people.make_accounts(workspace.studio, everybody)
            progress("accounts", len(everybody), len(everybody))
        blind = blind or any(p["part"] in workspace.pack.stakeholders for p in projects(store, workspace))
        made = []
        for part in sorted({person.stakeholder for person in everybody}) if blind else [""]:
            mine = [person.email for person in everybody if part in ("", person.stakeholder)]
            title = f"{workspace.pack.title}: {part}" if part else None
            number = push.ensure_project(
                link, store, workspace.pack, server_name(workspace), title, len(mine), part, yes=yes
            )
            made.append(Project(number, f"{link.url}/projects/{number}", part, mine))
    return made


def projects(store: Store, workspace: Workspace) -> list[dict[str, Any]]:
    """Return the workspace's projects on its server: number, pack, and the part of the people each is for."""
    wanted = (server_name(workspace), workspace.pack.name)
    return [p for p in store.projects() if (p["server"], p["pack"]) == wanted]


def _targets(store: Store, workspace: Workspace) -> list[int]:
    """Return where scenarios go: the projects of each stakeholder where people are blind, else the last for all."""
    mine = projects(store, workspace)
    blind = [int(p["project"]) for p in mine if p["part"] in workspace.pack.stakeholders]
    shared = [int(p["project"]) for p in mine if not p["part"]]
    if not blind and not shared:
        raise UsageError("There is no project yet. Make it with: curator project")
    return blind or shared[-1:]


class Sent(NamedTuple):
    """What a push did: how many were sent, how many were there, what could not be read, what is like what was there."""

    sent: int
    known: int
    refused: list[Refused]
    alike: list[tuple[str, str, float]]  # the new scenario, the one that was there, their cosine


def push(workspace: Workspace, files: list[Path], check: bool = True, progress: Progress = quiet) -> Sent:
    """Send the scenarios of the files; with `check`, name those that are nearly what was pushed before."""
    from curator.studio import push as pushing

    good: list[dict[str, Any]] = []
    bad: list[Refused] = []
    for path in files:
        for record in read(path):
            if record.value is None or not is_scenario(record.value):
                bad.append(
                    Refused(record.place, record.payload, record.reason or "not a scenario: it has no situation")
                )
            elif reason := _unshown(workspace, record.value):
                bad.append(Refused(record.place, record.payload, reason))
            else:
                good.append(record.value)
    with workspace.store() as store:
        numbers, link = _targets(store, workspace), client(workspace)
        alike = _alike(workspace, store, good, progress) if check else []
        pushed = [pushing.push(link, store, workspace.pack, number, good, progress) for number in numbers]
        store.take("scenarios", bad)
    return Sent(max(one.sent for one in pushed), min(one.known for one in pushed), bad, alike)


def _unshown(workspace: Workspace, scenario: dict[str, Any]) -> str:
    """Return why the page cannot show the parts of a scenario; empty where it can."""
    try:
        parts(workspace.pack, scenario)
    except Unparted as fault:
        return f"{scenario['key']!r} does not fit the page: {fault}"
    return ""


def _alike(
    workspace: Workspace, store: Store, scenarios: list[dict[str, Any]], progress: Progress
) -> list[tuple[str, str, float]]:
    """Return the new situations that read nearly like one that was pushed before; none where there is no embedder."""
    import importlib.util

    from curator.embedding import PACKAGED, embed_texts
    from curator.maths.neighbours import join_across

    told = [str(one["situation"]) for one in scenarios]
    name = workspace.pack.task["situation"]
    before = sorted({str(one.get(name) or one.get("situation")) for one in store.pushed(workspace.pack.name)})
    new = sorted(set(told) - set(before))
    embedder = workspace.config.embedder
    missing = importlib.util.find_spec(PACKAGED.get(embedder, "torch")) is None
    if not new or not before or missing:
        return []
    a = embed_texts(new, embedder, workspace.cache, progress)
    b = embed_texts(before, embedder, workspace.cache, progress)
    pairs = zip(*(column.tolist() for column in join_across(a, b, ALIKE)), strict=True)
    return [(new[i], before[j], score) for i, j, score in sorted(pairs, key=lambda pair: -pair[2])]


def pull(
    workspace: Workspace, confirm_deletions: bool = False, progress: Progress = quiet, *, trust_server: bool = False
) -> Intake:
    """Fetch what is new, changed or gone in the workspace's projects, those for a second look among them."""
    from curator.studio import sync

    total = Intake()
    with workspace.store() as store:
        _targets(store, workspace)
        link, again = client(workspace), review_pack(workspace.pack)
        for one in projects(store, workspace):
            total += sync.pull(
                link,
                store,
                int(one["project"]),
                again if one["part"].startswith("review ") else workspace.pack,
                workspace.key,
                server_name(workspace),
                progress,
                confirm_deletions=confirm_deletions,
                trust_server=trust_server,
            )
        if wrong := store.balance():
            raise StorageError(f"{wrong} after the pull. Look at it with: curator verify")
    return total


def proof(workspace: Workspace) -> str:
    """Say how the answers on the server, as the last pull counted them, stand in the store."""
    with workspace.store() as store:
        tasks = answers = stands = aside = 0
        for one in projects(store, workspace):
            source = f"label-studio:{server_name(workspace)}:{one['project']}"
            seen, standing = store.seen(source), store.records(source)
            tasks, answers = tasks + len(seen), answers + sum(len(sight.answers) for sight in seen.values())
            stands, aside = stands + len(standing), aside + len(store.set_aside(source) - standing)
    return f"{answers} answers to {tasks} scenarios are on the server: {stands} stored, {aside} set aside."


def add(
    workspace: Workspace,
    files: list[Path],
    source: str | None = None,
    stakeholder: str | None = None,
    annotator: str | None = None,
    columns: dict[str, str] | None = None,
    progress: Progress = quiet,
) -> Added:
    """Read answers (and the scenarios they name) from files into the store, all files in one transaction each.

    Files are read whole before anything is kept: a file that is refused leaves nothing behind. `stakeholder` is the
    role of everybody whose role neither the files nor the store know, `annotator` who gave answers that name nobody;
    `columns` says which of the files' own fields hold our columns.
    """
    roles = list(workspace.pack.stakeholders)
    if stakeholder is not None and stakeholder not in roles:
        raise UsageError(f"There is no stakeholder {stakeholder!r}. {nearest(stakeholder, roles)} Nothing was read.")
    records = [(path, renamed(read(path), columns or {}, path.name)) for path in files]
    total = Intake()
    with workspace.store() as store:
        known = store.known_scenarios()
        people = {p.email: p for p in store.people()}
        door = Door(workspace.pack, workspace.key, people, known, stakeholder, annotator)
        scenarios = [r for _, told in records for r in told if r.value is not None and is_scenario(r.value)]
        door.take(scenarios)  # wherever they stand
        taken: list[tuple[str, list[Fetched | Refused]]] = []
        for path, told in records:
            rest = [record for record in told if record.value is None or not is_scenario(record.value)]
            before = len(door.taken)
            name = source or path.name.split(".")[0]
            door.take(counted(rest, progress, f"reading {path.name}", len(rest)), name)
            taken.append((name, door.taken[before:]))
        check_sources(store, taken)
        for name, found in taken:
            total += store.take(name, counted(found, progress, f"storing {name}", len(found)))
        store.put_scenarios(_named(told, workspace.pack.name) for told in known.values())
    return Added(total, {what: count for what, count in sorted(door.left_out.items()) if count}, len(scenarios))


def _named(told: dict[str, Any], pack: str) -> tuple[str, str, str]:
    name = scenario_id(told["situation"], str(told.get("context") or ""), pack)
    return name, pack, canonical({**told, "scenario": name}).decode()


def verify(workspace: Workspace) -> dict[str, Any]:
    """Check the store and the last dataset; return what holds and what was set aside, or raise StorageError."""
    with workspace.store() as store:
        if wrong := store.verify():
            raise StorageError(f"The store is damaged: {wrong[0]}. Restore it from a backup; nothing was changed.")
        intake, rows, set_aside = store.intakes(), store.examples(), store.quarantined()
    lines = [
        f"fetched {intake.fetched} = {intake.new} new + {intake.changed} changed + {intake.same} as before "
        f"+ {intake.quarantined} set aside",
        f"stored {intake.new + intake.changed} wordings of answers; {rows.height} answers stand today",
    ]
    try:
        dataset = Dataset.find(workspace.datasets)
    except UsageError:
        return {"lines": [*lines, "no dataset yet"], "quarantine": set_aside}
    dataset.verify()
    given, kept = dataset.manifest["input"]["rows"], dataset.manifest["rows"]
    dropped = sum(step["dropped"] for step in dataset.manifest["steps"])
    if given != kept + dropped:
        raise StorageError(f"{dataset.name}: {given} answers came in, {kept} + {dropped} came out. Run: curator curate")
    lines.append(
        f"dataset {dataset.name}: {given} answers = {kept} kept + {dropped} left with a reason; all hashes hold"
    )
    return {"lines": lines, "quarantine": set_aside}
