"""The tasks of a project, page by page, with proof that none was left out and no bad one in the way."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from curator.errors import SourceError
from curator.labels.reading import ANNOTATION, NEEDED
from curator.studio.client import Client, NotThere, Unreadable

PAGE = 200  # tasks in full; their ids must fit into an address of 4,000 characters
LIGHT = 1000  # tasks of which only the ids and times are read
HEAD = 100
CUT = 500  # characters after which Label Studio cuts its list of annotation ids
# Without `include` the server also works out 25 columns that nobody reads here, and takes about twice as long. The
# words hold for what lies inside, too: a name that is not here is missing from annotations and predictions.
BARE = "id,project,inner_id,data,meta,created_at,updated_at"
WHOLE = ",".join(dict.fromkeys([*BARE.split(","), *ANNOTATION, "annotations", "predictions", "model_version"]))
GLANCE = "id,created_at,updated_at"
Filter = tuple[str, str, str, Any]  # column, operator, type, value
Task = dict[str, Any]


@dataclass(frozen=True)
class Page:
    """Some tasks in the order of their ids, and what the server cannot show of them."""

    tasks: list[Task]
    left: int  # tasks from here on, this page included
    broken: list[tuple[int, int | None]] = field(default_factory=list)  # task and annotation; None: all of the task


@dataclass(frozen=True)
class Counts:
    """What the server says a project holds: tasks, answers that are not skipped, and its page."""

    tasks: int
    answers: int
    config: str


def pages(client: Client, project: int, *, after: int = 0, size: int = PAGE) -> Iterator[Page]:
    """Give all tasks with ids above `after`, with their annotations and predictions.

    Always the first page of what comes after the last id: a number of a page is no safe place on a live server.
    One annotation that the server cannot show fails its whole page; it is found by halving and named in `broken`.
    """
    while True:
        here: list[Filter] = [("id", "greater", "Number", after)]
        try:
            tasks, left = _whole(client, project, here, size, tries=3)
            page = Page(tasks, left)
        except Unreadable:
            tasks, left = ask(client, project, here, size, fields="task_only", include=GLANCE)
            page = _piecewise(client, project, tasks, left)
        if tasks:
            yield page
        if left <= len(tasks):
            return
        after = tasks[-1]["id"]


def ahead(pages: Iterator[Page]) -> Iterator[Page]:
    """Give the same pages, each asked for while the one before is being worked on."""
    with ThreadPoolExecutor(1) as other:
        coming = other.submit(next, pages, None)
        while (page := coming.result()) is not None:
            coming = other.submit(next, pages, None)
            yield page


def some(client: Client, project: int, ids: list[int], size: int = PAGE) -> Iterator[Page]:
    """Give those of these tasks that the project has, in full."""
    for start in range(0, len(ids), size):
        part = sorted(ids[start : start + size])
        among: list[Filter] = [("id", "in_list", "Number", part)]
        try:
            tasks, _ = _whole(client, project, among, len(part), tries=3)
            yield Page(tasks, len(ids) - start)
        except Unreadable:
            there, _ = ask(client, project, among, len(part), fields="task_only", include=GLANCE)
            yield _piecewise(client, project, there, len(ids) - start)


def glances(client: Client, project: int, since: str | None = None) -> list[Task]:
    """Return id, created_at and updated_at of all tasks, or of those that changed at or after `since`."""
    changed: list[Filter] = [("updated_at", "greater_or_equal", "Datetime", since)] if since else []
    found: list[Task] = []
    after = 0
    while True:
        here: list[Filter] = [("id", "greater", "Number", after), *changed]
        tasks, left = ask(client, project, here, LIGHT, fields="task_only", include=GLANCE)
        found += tasks
        if left <= len(tasks):
            return found
        after = tasks[-1]["id"]


def head(client: Client, project: int) -> tuple[list[Task], int]:
    """Return the tasks that changed last (id and times only), latest first, and how many the project has in all."""
    return ask(client, project, [], HEAD, ordering="-tasks:updated_at", fields="task_only", include=GLANCE)


def counts(client: Client, project: int) -> Counts:
    """Return what the server counts itself, apart from the counters of its tasks, which drift."""
    said = client.get(f"api/projects/{project}/", include="id,label_config,task_number,total_annotations_number")
    whole = client.wanted(said, dict, "the project")
    tasks = client.wanted(whole.get("task_number"), int, "the number of tasks")
    answers = client.wanted(whole.get("total_annotations_number"), int, "the number of answers")
    return Counts(tasks, answers, client.wanted(whole.get("label_config"), str, "the page"))


def ask(
    client: Client,
    project: int,
    filters: list[Filter],
    size: int,
    *,
    tries: int = 3,
    ordering: str = "tasks:id",
    **how: Any,
) -> tuple[list[Task], int]:
    """Return the first tasks (in the order of their ids) that pass the filters, and how many pass in all."""
    wrong = ""
    for _ in range(3):  # between counting and listing, somebody may have deleted one
        query = json.dumps({"filters": _filters(filters), "ordering": [ordering]}, separators=(",", ":"))
        said = client.get("api/tasks", tries=tries, project=project, query=query, page=1, page_size=size, **how)
        whole = client.wanted(said, dict, "the list of tasks")
        tasks = client.wanted(whole.get("tasks", whole), list, "the list of tasks")
        total = client.wanted(whole.get("total"), int, "the number of tasks")
        ids = [task["id"] for task in tasks if isinstance(task, dict) and isinstance(task.get("id"), int)]
        if len(ids) != len(tasks):
            wrong = "some without an id"
        elif len(ids) != len(set(ids)) or (ordering == "tasks:id" and ids != sorted(ids)):
            wrong = "some twice or out of order"
        elif len(ids) != min(size, total):
            wrong = f"{len(ids)} of {min(size, total)}"
        else:
            return tasks, total
    raise SourceError(
        f"{client.name} lists the tasks of project {project} incompletely: {wrong}. This page was not kept."
    )


def _whole(client: Client, project: int, filters: list[Filter], size: int, tries: int) -> tuple[list[Task], int]:
    tasks, total = ask(client, project, filters, size, tries=tries, fields="all", include=WHOLE)
    for task in tasks:
        lacks = [name for name in ("data", "updated_at", "created_at", "annotations") if name not in task]
        lacks += [name for one in task.get("annotations") or [] for name in NEEDED if name not in one]
        if lacks:
            raise SourceError(
                f"{client.name} shows task {task['id']} without {lacks[0]!r}: does this version speak otherwise?"
                " This page was not kept."
            )
    return tasks, total


def spelled(moment: str | datetime) -> str:
    """Return a moment in the one spelling that Label Studio's filters take; any other is an error 500 there."""
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def differing(client: Client, project: int, known: list[int]) -> tuple[set[int], set[int]]:
    """Return which of these tasks the project no longer has, and which others it has.

    Counts are compared, halving by halving, and only the ranges where they differ are listed. A range that lost as
    many as it won looks whole: its new tasks must be known already.
    """
    gone: set[int] = set()
    new: set[int] = set()
    ranges = [(0, 2**62, sorted(known))]
    while ranges:
        above, upto, ids = ranges.pop()
        here: list[Filter] = [("id", "greater", "Number", above), ("id", "less_or_equal", "Number", upto)]
        size = PAGE if len(ids) <= PAGE else 1
        tasks, total = ask(client, project, here, size, fields="task_only", include="id")
        if total == len(ids):
            continue
        if len(ids) > PAGE:
            middle = len(ids) // 2
            ranges += [(above, ids[middle - 1], ids[:middle]), (ids[middle - 1], upto, ids[middle:])]
            continue
        there = {task["id"] for task in tasks}
        while total > len(tasks):  # more than a page of tasks that nobody knew
            rest: list[Filter] = [("id", "greater", "Number", tasks[-1]["id"]), here[1]]
            tasks, total = ask(client, project, rest, LIGHT, fields="task_only", include="id")
            there |= {task["id"] for task in tasks}
        gone |= set(ids) - there
        new |= there - set(ids)
    return gone, new


def _filters(filters: list[Filter]) -> dict[str, Any]:
    items = [{"filter": f"filter:tasks:{c}", "operator": o, "type": t, "value": v} for c, o, t, v in filters]
    return {"conjunction": "and", "items": items}


def _piecewise(client: Client, project: int, there: list[Task], left: int) -> Page:
    tasks: list[Task] = []
    broken: list[tuple[int, int | None]] = []
    pieces = [there]
    while pieces:
        part = pieces.pop(0)
        among: list[Filter] = [("id", "in_list", "Number", [task["id"] for task in part])]
        if not part:
            continue
        try:
            tasks += _whole(client, project, among, len(part), tries=1)[0]
        except Unreadable:
            if len(part) > 1:
                middle = len(part) // 2
                pieces = [part[:middle], part[middle:], *pieces]
                continue
            task, bad = _one(client, project, part[0])
            tasks += task
            broken += bad
    return Page(tasks, left, broken)


def _one(client: Client, project: int, glance: Task) -> tuple[list[Task], list[tuple[int, int | None]]]:
    """Return what can be shown of a task that cannot be shown whole, annotation by annotation."""
    number = int(glance["id"])
    only: list[Filter] = [("id", "equal", "Number", number)]
    try:
        tasks, _ = ask(client, project, only, 1, fields="task_only", include=BARE)
    except Unreadable:
        return [{**glance, "annotations": None}], [(number, None)]
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
            annotations.append(client.get(f"api/annotations/{name}/", tries=2))
        except Unreadable:
            broken.append((number, name))
        except NotThere:
            continue
    return [{**tasks[0], "annotations": annotations, "predictions": []}], broken
