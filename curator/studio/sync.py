"""Pull: what people answered since the last time, what they changed, what they took back."""

import hashlib
from dataclasses import dataclass, field

from curator.errors import PolicyError, SourceError
from curator.example import microseconds
from curator.labels.reading import Reader
from curator.pack import Pack
from curator.progress import Progress, quiet
from curator.registry import BROKEN, HIDDEN
from curator.store import Deleted, Fetched, Intake, Refused, Store
from curator.studio.changes import Changes, Place, restored, sights
from curator.studio.client import Client
from curator.studio.listing import PAGE, Counts, Page, ahead, counts, differing, pages, some

ROUNDS = 3


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
    trust_server: bool = False,
    size: int = PAGE,
) -> Intake:
    """Bring the project's answers into the store; return what came in. Pulling again changes nothing.

    The first time every task is read, later only those whose time of change is another than the one they were last
    read with. Each page and the place to go on from are one transaction, so a pull that was cut off goes on where it
    was. At the end the server's own counts of tasks and answers must be those of what was read.

    Answers that vanished get a tombstone, last of all; more than 10 % (and 5) or 100 of them only with
    `confirm_deletions`. A server that went back in time, or shows this token less than it showed the last one, is
    only believed with `trust_server`.
    """
    work = _Pull(client, store, project, pack, key, f"label-studio:{server_name}:{project}", progress, size)
    work.check_account(trust_server)
    work.read_all(trust_server)
    return work.finish(confirm_deletions, trust_server)


@dataclass
class _Pull:
    client: Client
    store: Store
    project: int
    pack: Pack
    key: bytes
    source: str
    progress: Progress
    size: int
    intake: Intake = field(default_factory=Intake)
    reader: Reader | None = None
    read: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.place = Place.parse(self.store.cursor(self.source))
        self.seen = self.store.seen(self.source)
        self.other_account = self.place.account not in (None, self.client.me)

    def check_account(self, trusted: bool) -> None:
        """Refuse an account that sees fewer people than the last one: it may see fewer answers, too."""
        if self.other_account:
            self._see(self.client.users(), trusted)

    def read_all(self, trusted: bool) -> None:
        """Read what changed, until what was read is what the server counts."""
        counted = counts(self.client, self.project)
        self.place.begin(self.client.clock)
        if not self.place.done:
            for page in ahead(pages(self.client, self.project, after=self.place.after, size=self.size)):
                self._take(page, counted, trusted, first=True)
            self.place.after, self.place.done, self.place.swept = 0, True, self.place.start
        changes = Changes(self.client, self.project, self.place, trusted)
        for turn in range(1, ROUNDS + 1):
            look, total = changes.look(self.seen, self.read, everything=trusted or turn == ROUNDS)
            gone = self._fetch(look, counted, trusted)
            if len(self.seen) - len(gone) != total:
                lost, new = differing(self.client, self.project, sorted(set(self.seen) - gone))
                gone |= lost | self._fetch(sorted(new), counted, trusted)
            self._forget(gone)
            if self._proven(counted):
                return
            last, counted = counted, counts(self.client, self.project)
        if (last.tasks, last.answers) != (counted.tasks, counted.answers):
            return  # people are at work: the next pull goes on
        self.place.done = False
        self.store.take(self.source, [], str(self.place))
        answers = sum(len(sight.answers) for sight in self.seen.values())
        raise SourceError(
            f"{self.client.name} counts {counted.tasks} tasks and {counted.answers} answers in project {self.project},"
            f" and shows {len(self.seen)} and {answers}; does the token see the whole project? What it shows was kept,"
            " and the next pull reads everything again."
        )

    def finish(self, confirmed: bool, trusted: bool) -> Intake:
        """Bury what is gone, where that may be believed, and remember where the next pull goes on."""
        if self.place.open:
            there = {str(number) for sight in self.seen.values() for number in sight.answers}
            stored = self.store.records(self.source)
            gone = sorted((stored | self.store.set_aside(self.source)) - there, key=int)
            lost = len(stored.intersection(gone))
            if not confirmed:
                self._brake(lost, len(stored))
            if lost and self.other_account and not (confirmed or trusted):
                raise PolicyError(
                    f"{lost} answers are not shown to this account, and the last pull was made with another."
                    " None was deleted here. If they are gone, pull with --confirm-deletions."
                )
            self.intake += self.store.take(self.source, [Deleted(record) for record in gone])
        self.place.finish(self.client.me)
        self.store.take(self.source, [], str(self.place))
        return self.intake

    def _fetch(self, ids: list[int], counted: Counts, trusted: bool) -> set[int]:
        """Read these tasks in full; return those that are no longer there."""
        bad = [task for task in ids if task in self.seen and self.seen[task].again in (BROKEN, HIDDEN)]
        gone = set(ids)
        for part in (sorted(set(ids) - set(bad)), *([task] for task in bad)):
            for page in some(self.client, self.project, part, self.size):
                self._take(page, counted, trusted)
                gone -= {task["id"] for task in page.tasks}
        return gone & set(self.seen)

    def _take(self, page: Page, counted: Counts, trusted: bool, *, first: bool = False) -> None:
        reader = self._reader(counted.config, trusted)
        fresh = sights(page, self.client, self.seen, self.place, trusted)
        before = self.store.before(self.source, (str(number) for sight in fresh for number in sight.answers))
        records: list[Fetched | Refused] = [reader.unreadable(task, annotation) for task, annotation in page.broken]
        for task in page.tasks:
            records += reader.read(task, before)
        for record in records if not trusted else []:
            if isinstance(record, Fetched) and record.record in before:
                made = record.answer.created_at
                if made is not None and microseconds(made) != before[record.record].created_at:
                    raise restored(self.client, f"answer {record.record}", made)
        self.place.open = True
        if first and page.tasks:
            self.place.after = max(task["id"] for task in page.tasks)
        self.intake += self.store.take(self.source, records, str(self.place), seen=fresh)
        self.seen |= {sight.task: sight for sight in fresh}
        self.read |= {sight.task for sight in fresh}
        self.progress("Pulling answers", len(self.read), len(self.read) + page.left - len(page.tasks))

    def _forget(self, gone: set[int]) -> None:
        if gone:
            self.place.open = True
            self.store.take(self.source, [], str(self.place), gone=gone)
            for task in gone:
                self.seen.pop(task, None)

    def _proven(self, counted: Counts) -> bool:
        """Say whether what was read is what the server counts; whether one it cannot show is skipped, nobody knows."""
        answers = sum(len(sight.answers) for sight in self.seen.values())
        unsure = sum(len(sight.answers) for sight in self.seen.values() if sight.again == BROKEN)
        hidden = any(sight.again == HIDDEN for sight in self.seen.values())
        return len(self.seen) == counted.tasks and (hidden or answers - unsure <= counted.answers <= answers)

    def _reader(self, config: str, trusted: bool) -> Reader:
        """Return what reads this project's answers, by the page that is there now and those that were."""
        same = config.strip() == self.pack.config.strip()  # the server trims it
        seal = self.pack.hash if same else hashlib.sha256(config.encode()).hexdigest()
        if self.reader is None or self.reader.config_sha256 != seal:
            emails = self.client.users()
            self._see(emails, trusted)
            people = {person.email.casefold(): person for person in self.store.people()}
            self.store.put_config(seal, self.pack.config if same else config)
            self.reader = Reader(self.pack, self.key, emails, people, seal, self.store.configs())
        return self.reader

    def _see(self, emails: dict[int, str], trusted: bool) -> None:
        if len(emails) < self.place.users and not trusted:
            raise PolicyError(
                f"{self.client.name} shows this token {len(emails)} accounts, and showed {self.place.users} at the last"
                " pull: it may hide answers, too. Nothing was changed. If that is right, pull with --trust-server."
            )
        self.place.users = len(emails)

    def _brake(self, lost: int, stored: int) -> None:
        if lost > 100 or (lost > 5 and lost > stored / 10):
            raise PolicyError(
                f"{lost} of the {stored} answers from project {self.project} are no longer on the server."
                " None was deleted here; new answers were kept. If that is right, pull with --confirm-deletions."
            )
