"""Pull: what people answered since the last time, what they changed, what they took back."""

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from curator.errors import PolicyError
from curator.example import example_id
from curator.pack import Pack
from curator.progress import Progress, quiet
from curator.store import Deleted, Fetched, Intake, Refused, Store
from curator.studio.client import Client
from curator.studio.listing import PAGE, Page, missing, newest, pages, spelled
from curator.labels.reading import Reader

OVERLAP = timedelta(minutes=10)  # looked at again each time: a slow commit shows up later than its time says


def pull(
    client: Client,
    store: Store,
    project: int,
    pack: Pack,
    key: bytes,
    server_name: str,
    progress: Progress = quiet,
    *,
    confirm_deletions: bool = False,
    size: int = PAGE,
) -> Intake:
    """Bring the project's answers into the store; return what came in. Pulling again changes nothing.

    Each page and the place to go on from are one transaction, so a pull that was cut off goes on where it was. Answers
    that vanished get a tombstone, at the end; more than 10 % (and 5) or 100 of them only with `confirm_deletions`.
    """
    source = f"label-studio:{server_name}:{project}"
    place = _Place.parse(store.cursor(source))
    reader = _reader(client, store, project, pack, key)
    known = _known(store, source)
    if place.newest is None:
        place.newest = newest(client, project)
    intake, done = Intake(), 0
    since = _earlier(place.since)
    for page in pages(client, project, after=place.after, since=since, size=size):
        records, vanished = _records(page, reader, known, source)
        place.after = max([task["id"] for task in page.tasks] + [task for task, _ in page.broken])
        place.gone = sorted({*place.gone, *vanished} - {r.record for r in records if isinstance(r, Fetched)})
        intake += store.take(source, records, str(place))
        done += len(page.tasks)
        progress("Pulling answers", done, done + page.left - len(page.tasks))
    by_task: dict[int, list[str]] = {}
    for record, task in known.values():
        by_task.setdefault(task, []).append(record)
    lost = [record for task in missing(client, project, sorted(by_task)) for record in by_task[task]]
    gone = sorted({*place.gone, *lost} & store.records(source), key=int)
    if not confirm_deletions:
        _brake(store, source, place, gone)
    return intake + store.take(source, [Deleted(record) for record in gone], str(_Place(place.newest or place.since)))


class _Place:
    """Where a pull is: a finished one knows only `since`; one under way also how far it came."""

    def __init__(
        self, since: str | None = None, newest: str | None = None, after: int = 0, gone: list[str] | None = None
    ) -> None:
        self.since, self.newest, self.after, self.gone = since, newest, after, gone or []

    @classmethod
    def parse(cls, text: str | None) -> "_Place":
        return cls(**json.loads(text)) if text else cls()

    def __str__(self) -> str:
        return json.dumps({name: value for name, value in vars(self).items() if value})


def _earlier(since: str | None) -> str | None:
    return spelled(datetime.fromisoformat(since) - OVERLAP) if since else None


def _reader(client: Client, store: Store, project: int, pack: Pack, key: bytes) -> Reader:
    said = client.wanted(client.get(f"api/projects/{project}/"), dict, "the project")
    config = str(said.get("label_config", ""))
    same = config.strip() == pack.config.strip()  # the server trims it
    seal = pack.hash if same else hashlib.sha256(config.encode()).hexdigest()
    people = {person.email.casefold(): person for person in store.people()}
    return Reader(pack, key, client.users(), people, seal)


def _known(store: Store, source: str) -> dict[str, tuple[str, int]]:
    """Return the stored answers of this source: id -> their name and task there."""
    rows = store.examples().filter(pl.col("source") == source).select("id", "extra").rows()
    found: dict[str, tuple[str, int]] = {}
    for name, text in rows:
        extra: dict[str, Any] = json.loads(text)
        found[name] = (str(extra["annotation"]), int(extra["task"]))
    return found


def _records(
    page: Page, reader: Reader, known: dict[str, tuple[str, int]], source: str
) -> tuple[list[Fetched | Refused], set[str]]:
    """Return a page's records, and the names of stored answers that its tasks no longer have (or only as skipped)."""
    records: list[Fetched | Refused] = [reader.unreadable(task, annotation) for task, annotation in page.broken]
    here: set[str] = {example_id(source, str(annotation)) for _, annotation in page.broken if annotation is not None}
    for task in page.tasks:
        records += reader.read(task)
        here |= {example_id(source, str(a["id"])) for a in task.get("annotations") or [] if not a.get("was_cancelled")}
    whole = {task["id"] for task in page.tasks} - {task for task, annotation in page.broken if annotation is None}
    return records, {record for name, (record, task) in known.items() if task in whole and name not in here}


def _brake(store: Store, source: str, place: _Place, gone: list[str]) -> None:
    stored = len(store.records(source))
    if len(gone) > 100 or (len(gone) > 5 and len(gone) > stored / 10):
        store.take(source, [], str(_Place(place.since)))  # look at all of it again the next time
        raise PolicyError(
            f"{len(gone)} of the {stored} answers from project {source.rsplit(':', 1)[1]} are no longer on the server."
            " None was deleted here; new answers were kept. If that is right, pull with --confirm-deletions."
        )
