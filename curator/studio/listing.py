"""Every task of a project, page by page, with proof that none was left out and no bad one in the way."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from curator.errors import SourceError
from curator.studio.client import Client, NotThere, Unreadable

PAGE = 200  # tasks
CUT = 500  # characters after which Label Studio cuts its list of annotation ids
Filter = tuple[str, str, str, Any]  # column, operator, type, value
Task = dict[str, Any]


@dataclass(frozen=True)
class Page:
    """Some tasks in the order of their ids, and what the server cannot show of them."""

    tasks: list[Task]
    left: int  # tasks from here on, this page included
    broken: list[tuple[int, int | None]] = field(default_factory=list)  # task and annotation; None: all of the task


def pages(
    client: Client, project: int, *, after: int = 0, since: str | None = None, size: int = PAGE
) -> Iterator[Page]:
    """Give all tasks with ids above `after`, changed at or after `since`, with their annotations and predictions.

    Always the first page of what comes after the last id: a number of a page is no safe place on a live server.
    One annotation that the server cannot show fails its whole page; it is found by halving and named in `broken`.
    """
    changed: list[Filter] = [("updated_at", "greater_or_equal", "Datetime", since)] if since else []
    while True:
        here: list[Filter] = [("id", "greater", "Number", after), *changed]
        try:
            tasks, left = ask(client, project, here, size, fields="all")
            page = Page(tasks, left)
        except Unreadable:
            light, left = ask(client, project, here, size, fields="task_only", include="id")
            page = _piecewise(client, project, [task["id"] for task in light], left)
            tasks = light
        if tasks:
            yield page
        if left <= len(tasks):
            return
        after = tasks[-1]["id"]


def ask(
    client: Client, project: int, filters: list[Filter], size: int, *, tries: int = 3, **how: Any
) -> tuple[list[Task], int]:
    """Return the first tasks in the order of their ids that pass the filters, and how many pass in all."""
    wrong = ""
    for _ in range(3):  # between counting and listing, somebody may have deleted one
        query = json.dumps({"filters": _filters(filters), "ordering": ["tasks:id"]})
        said = client.get("api/tasks", tries=tries, project=project, query=query, page=1, page_size=size, **how)
        whole = client.wanted(said, dict, "the list of tasks")
        tasks = client.wanted(whole.get("tasks"), list, "the list of tasks")
        total = client.wanted(whole.get("total"), int, "the number of tasks")
        ids = [task["id"] for task in tasks if isinstance(task, dict) and isinstance(task.get("id"), int)]
        if len(ids) != len(tasks):
            wrong = "some without an id"
        elif ids != sorted(set(ids)):
            wrong = "some twice or out of order"
        elif len(ids) != min(size, total):
            wrong = f"{len(ids)} of {min(size, total)}"
        else:
            return tasks, total
    raise SourceError(
        f"{client.name} lists the tasks of project {project} incompletely: {wrong}. This page was not kept."
    )


def newest(client: Client, project: int) -> str | None:
    """Return when a task of the project last changed, by the server's clock, as the server's filters spell it."""
    query = json.dumps({"ordering": ["-tasks:updated_at"]})
    said = client.get(
        "api/tasks", project=project, query=query, page=1, page_size=1, fields="task_only", include="id,updated_at"
    )
    tasks = client.wanted(client.wanted(said, dict, "the list of tasks").get("tasks"), list, "the list of tasks")
    return spelled(datetime.fromisoformat(tasks[0]["updated_at"])) if tasks else None


def spelled(moment: datetime) -> str:
    """Return a moment in the one spelling that Label Studio's filters take; any other is an error 500 there."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def missing(client: Client, project: int, tasks: list[int], size: int = 400) -> set[int]:
    """Return which of these tasks the project no longer has. Only the counts are read where none is gone."""
    gone: set[int] = set()
    for start in range(0, len(tasks), size):
        some = sorted(tasks[start : start + size])
        among: list[Filter] = [("id", "in_list", "Number", some)]
        _, there = ask(client, project, among, 1, fields="task_only", include="id")
        if there != len(some):
            found, _ = ask(client, project, among, size, fields="task_only", include="id")
            gone |= set(some) - {task["id"] for task in found}
    return gone


def _filters(filters: list[Filter]) -> dict[str, Any]:
    items = [{"filter": f"filter:tasks:{c}", "operator": o, "type": t, "value": v} for c, o, t, v in filters]
    return {"conjunction": "and", "items": items}


def _piecewise(client: Client, project: int, ids: list[int], left: int) -> Page:
    tasks: list[Task] = []
    broken: list[tuple[int, int | None]] = []
    pieces = [ids]
    while pieces:
        some = pieces.pop(0)
        among: list[Filter] = [("id", "in_list", "Number", some)]
        try:
            tasks += ask(client, project, among, len(some), tries=1, fields="all")[0]
        except Unreadable:
            if len(some) > 1:
                middle = len(some) // 2
                pieces = [some[:middle], some[middle:], *pieces]
                continue
            task, bad = _one(client, project, some[0])
            tasks += task
            broken += bad
    return Page(tasks, left, broken)


def _one(client: Client, project: int, number: int) -> tuple[list[Task], list[tuple[int, int | None]]]:
    """Return what can be shown of a task that cannot be shown whole, annotation by annotation."""
    only: list[Filter] = [("id", "equal", "Number", number)]
    try:
        tasks, _ = ask(client, project, only, 1, tries=1, fields="task_only", include="id,project,data,meta,created_at")
    except Unreadable:
        return [], [(number, None)]
    if not tasks:
        return [], []
    # A filter on a column makes the server compute it, which it does not do for being asked to include it.
    counted: list[Filter] = [*only, ("annotations_ids", "not_contains", "String", "x")]
    listed, _ = ask(client, project, counted, 1, fields="task_only", include="id,annotations_ids")
    text = str(listed[0].get("annotations_ids", "")) if listed else ""
    broken: list[tuple[int, int | None]] = [(number, None)] if len(text) >= CUT else []
    names = text.split(",")[: -1 if len(text) >= CUT else None]
    annotations = []
    for name in sorted(int(n) for n in names if n.strip()):
        try:
            annotations.append(client.get(f"api/annotations/{name}/", tries=1))
        except Unreadable:
            broken.append((number, name))
        except NotThere:
            continue
    return [{**tasks[0], "annotations": annotations, "predictions": []}], broken
