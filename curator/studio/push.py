"""Push: the project, its scenarios as tasks, and (for samples) answers as the people who give them."""

import json
import secrets
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from curator.errors import PackError, PolicyError, SourceError, UsageError
from curator.example import scenario_id
from curator.labels.results import Unfit, from_result, to_result
from curator.pack import Pack
from curator.parts import Unparted, parts, parts_or_whole
from curator.progress import Progress, quiet
from curator.store import Store
from curator.studio.client import Client, NotThere, Rejected, Unsure, connect
from curator.studio.listing import ask, pages
from curator.studio.markup import as_html

CHUNK = 500  # tasks in one request


@dataclass(frozen=True)
class Pushed:
    """How many scenarios were sent, and how many were there already."""

    sent: int
    known: int


def ensure_project(
    client: Client,
    store: Store,
    pack: Pack,
    server_name: str,
    title: str | None = None,
    annotators: int = 1,
    part: str = "",
    *,
    yes: bool = False,
) -> int:
    """Return the workspace's project on this server for this part of the people: brought up to date, or a new one.

    A changed page that stored answers do not fit is refused unless `yes`. A project that was made just before curator
    was killed is found by its mark.
    """
    wanted = (server_name, pack.name, part)
    ours = [p["project"] for p in store.projects() if (p["server"], p["pack"], p["part"]) == wanted]
    for project in sorted(map(int, ours), reverse=True):
        try:
            said = client.wanted(client.get(f"api/projects/{project}/"), dict, "the project")
        except NotThere:  # somebody deleted it there
            continue
        _update(client, store, server_name, project, said, pack, annotators, yes)
        store.put_project(server_name, project, pack.name, pack.hash, part)
        return project
    intent = f"making:{server_name}:{pack.name}:{part}"
    mark = store.cursor(intent)
    made = _marked(client, mark) if mark else None
    if made is None:
        mark = f"Made by curator ({secrets.token_hex(6)})"
        store.take(intent, [], mark)  # before the project: who is killed in between finds it again
        made = _make(client, pack, title, annotators, mark)
    store.put_project(server_name, made, pack.name, pack.hash, part)
    return made


def _make(client: Client, pack: Pack, title: str | None, annotators: int, mark: str) -> int:
    try:
        return client.create_project(
            title=(title or pack.title)[:50],
            description=mark,
            label_config=pack.config,
            expert_instruction=as_html(pack.instructions),
            show_instruction=False,  # the page has the guidelines folded and the note on danger open: no window first
            maximum_annotations=annotators,
            show_collab_predictions=False,
            enable_empty_annotation=False,
            show_skip_button=True,
        )
    except Unsure:
        found = _marked(client, mark)
    if found is None:
        raise SourceError(f"{client.name} broke off while the project was made and did not keep it. Try again.")
    return found


def push(
    client: Client,
    store: Store,
    pack: Pack,
    project: int,
    scenarios: list[dict[str, Any]],
    progress: Progress = quiet,
) -> Pushed:
    """Send the scenarios that the project does not have yet; each carries our own name for it, so none goes twice."""
    rows = {row["scenario"]: row for row in (task_data(pack, one) for one in scenarios)}
    told = {name: {key: text for key, text in row.items() if key not in pack.card_keys} for name, row in rows.items()}
    store.put_scenarios((name, pack.name, json.dumps(row, ensure_ascii=False)) for name, row in told.items())
    new = send(client, project, list(rows.values()), "scenario", progress)
    return Pushed(new, len(scenarios) - new)


def send(client: Client, project: int, rows: list[dict[str, Any]], key: str, progress: Progress = quiet) -> int:
    """Send the tasks whose name under `key` the project does not have yet; return how many those were."""
    there = known(client, project, key)
    new = [row for row in rows if row[key] not in there]
    for start in range(0, len(new), CHUNK):
        _send(client, project, new[start : start + CHUNK], key)
        progress("Pushing", min(start + CHUNK, len(new)), len(new))
    return len(new)


def known(client: Client, project: int, key: str = "scenario") -> dict[str, int]:
    """Return the tasks that are there by our own name for them, which their data holds under `key`."""
    found: dict[str, int] = {}
    after = 0
    while True:
        tasks, left = ask(
            client, project, [("id", "greater", "Number", after)], 1000, fields="task_only", include="id,data"
        )
        for task in tasks:
            name = (task.get("data") or {}).get(key)
            if isinstance(name, str):
                found.setdefault(name, task["id"])
        if left <= len(tasks):
            return found
        after = tasks[-1]["id"]


def task_data(pack: Pack, scenario: dict[str, Any]) -> dict[str, Any]:
    """Return a scenario as the data of a task: the pack's keys, the parts that its cards show, our own name for it."""
    situation, context = scenario.get("situation"), scenario.get("context") or ""
    if not isinstance(situation, str) or not situation.strip():
        raise UsageError(f"The scenario {scenario.get('key') or ''!r} has no situation. Nothing was sent.")
    try:
        name = scenario_id(situation, context, pack.name)
    except UnicodeEncodeError:
        raise UsageError(f"The scenario {situation[:40]!r} holds half a character. Nothing was sent.") from None
    data = {"scenario": name, pack.task["situation"]: situation, pack.task.get("context", "context"): context}
    try:
        data |= parts(pack, {"situation": situation, "context": context})
    except Unparted as fault:
        called = scenario.get("key") or situation[:40]
        raise UsageError(f"The scenario {called!r} does not fit the page: {fault}. Nothing was sent.") from None
    return data | {column: scenario[column] for column in ("domain", "team", "key") if scenario.get(column)}


def answer_as(
    url: str, token: str, task_id: int, pack: Pack, answer: dict[str, Any], lead_time: float | None = None
) -> int:
    """Answer a task as the owner of `token`; return the annotation's id."""
    more = {} if lead_time is None else {"lead_time": lead_time}
    return _account(url, token).annotate(task_id, to_result(pack, answer), **more)


@lru_cache(maxsize=256)
def _account(url: str, token: str) -> Client:
    return connect(url, token)


def _update(
    client: Client,
    store: Store,
    server_name: str,
    project: int,
    said: dict[str, Any],
    pack: Pack,
    annotators: int,
    yes: bool,
) -> None:
    changes: dict[str, Any] = {}
    if str(said.get("label_config", "")).strip() != pack.config.strip():
        changes["label_config"] = pack.config
        if not yes:
            _check_fit(store, f"label-studio:{server_name}:{project}", pack)
    if int(said.get("maximum_annotations") or 1) < annotators:
        changes["maximum_annotations"] = annotators
    if str(said.get("expert_instruction") or "").strip() != as_html(pack.instructions).strip():
        changes["expert_instruction"] = as_html(pack.instructions)
    if not changes:
        return
    if "label_config" in changes:
        _add_parts(client, project, pack)  # before the page that shows them: it is never without
    try:
        client.change_project(project, **changes)
    except Rejected as fault:
        raise PackError(
            f"The changed page of {pack.name!r} does not fit the answers that project {project} has: {fault}."
            " The project was not changed; give the pack a new name to start a new project."
        ) from None


def _add_parts(client: Client, project: int, pack: Pack) -> None:
    """Give the tasks that were sent before the pack had these cards the parts that its new page shows."""
    if not pack.cards:
        return
    for page in pages(client, project):
        for task in page.tasks:
            data = task.get("data") or {}
            texts = {column: str(data.get(key) or "") for column, key in pack.task.items()}
            more = parts_or_whole(pack, texts)
            if texts["situation"] and any(data.get(key) != text for key, text in more.items()):
                client.change_task(task["id"], {**data, **more})


def _check_fit(store: Store, source: str, pack: Pack) -> None:
    """Refuse a page that answers in the store would not have been possible on."""
    reasons: Counter[str] = Counter()
    stored = 0
    for payload in store.payloads(source):
        stored += 1
        try:
            from_result(pack, json.loads(payload)["annotation"]["result"])
        except Unfit as fault:
            reasons[str(fault)] += 1
    if reasons:
        told = "; ".join(f"{count}: {why}" for why, count in reasons.most_common(3))
        raise PolicyError(
            f"{reasons.total()} of {stored} stored answers do not fit the changed page ({told}). The project was not"
            " changed. They stay in the store, but are lost once edited there; if that is right: curator project --yes"
        )


def _marked(client: Client, mark: str) -> int | None:
    said = client.wanted(client.get("api/projects", page_size=1000), dict, "the list of projects")
    for project in client.wanted(said.get("results"), list, "the list of projects"):
        if project.get("description") == mark:
            return int(project["id"])
    return None


def _send(client: Client, project: int, rows: list[dict[str, Any]], key: str) -> None:
    """Send one chunk. Where the server does not say whether it took it, look, and send what is not there, once."""
    try:
        client.import_tasks(project, [{"data": row} for row in rows])
    except Unsure:
        there = known(client, project, key)
        left = [row for row in rows if row[key] not in there]
        if left:
            client.import_tasks(project, [{"data": row} for row in left])
