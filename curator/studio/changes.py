"""What changed in a project since it was last read: ids and times are compared, little else is asked."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from curator.errors import PolicyError
from curator.labels.reading import Task
from curator.registry import BROKEN, HIDDEN, YOUNG
from curator.store import Sight
from curator.studio.client import Client
from curator.studio.listing import Page, glances, head, spelled

OVERLAP = timedelta(minutes=10)  # looked at again each time: a slow commit shows up later than its time says
SETTLED = timedelta(seconds=30)  # a task that changed later than this may change again within the same microsecond
TICK = timedelta(seconds=2)  # the server tells its clock in whole seconds
DAY = timedelta(days=1)  # after which every task's time is compared: a clock that went back and forth leaves no sign


@dataclass
class Place:
    """Where a pull is. A finished one knows the server's clock when it began; one under way how far it came."""

    clock: str | None = None  # the server's, when the last finished pull began
    start: str | None = None  # the same of the one under way
    swept: str | None = None  # when every task's time was last compared
    done: bool = False  # every task was read once
    after: int = 0  # the first pull read the tasks up to here
    open: bool = False  # something was read, and what is gone was not looked for yet
    account: int | None = None  # whose token it was
    users: int = 0  # how many accounts it was shown

    @classmethod
    def parse(cls, text: str | None) -> "Place":
        """Return the place that the store remembers; an older curator's words count as none."""
        said = json.loads(text) if text else {}
        return cls(**said) if set(said) <= set(cls.__dataclass_fields__) else cls()

    def __str__(self) -> str:
        return json.dumps({name: value for name, value in asdict(self).items() if value})

    def begin(self, clock: datetime | None) -> None:
        """Remember the server's clock at the beginning; a pull that goes on keeps the earlier one."""
        now = spelled(clock) if clock else None
        self.start = min(filter(None, (self.start, now)), default=None)

    def finish(self, account: int) -> None:
        """Make the end of this pull the beginning of the next."""
        self.clock, self.start, self.open, self.account = self.start, None, False, account


class Changes:
    """Finds the tasks that are other than they were when they were last read."""

    def __init__(self, client: Client, project: int, place: Place, trusted: bool) -> None:
        self.client, self.project, self.place, self.trusted = client, project, place, trusted

    def look(self, seen: dict[int, Sight], just_read: set[int], *, everything: bool) -> tuple[list[int], int]:
        """Return the tasks to read again, and how many the project has.

        The last changed ones are asked for first: where they reach back behind the last pull, that is all. Those that
        this pull has just read are read again only if their time tells.
        """
        rows, total = head(self.client, self.project)
        horizon = ""
        if len(rows) < total:
            since = self._since()
            if everything or since is None:
                rows = glances(self.client, self.project)
            else:
                horizon = min(spelled(row["updated_at"]) for row in rows)
                if horizon >= since:
                    rows, horizon = [*rows, *glances(self.client, self.project, since)], since
        if not horizon and self.client.clock:
            self.place.swept = spelled(self.client.clock)
        shown = {int(row["id"]): row for row in rows}
        look = {task for task, row in shown.items() if self._differs(row, seen.get(task))}
        look |= {
            task
            for task, sight in seen.items()
            if (sight.again and task not in just_read)
            or (task not in shown and sight.updated_at > horizon)  # it went, or went back
        }
        return sorted(look), total

    def _since(self) -> str | None:
        """Return the moment from which changes must be looked for; None where the server's clock is no guide."""
        last, now = self.place.clock or self.place.start, self.client.clock
        if last is None or now is None or self.place.swept is None:
            return None
        if went_back(self.place, now) or now - datetime.fromisoformat(self.place.swept) > DAY:
            return None
        # What was only just read in full for the first time is looked at again from the beginning of that reading; the
        # next pull's overlap reaches further back than that.
        return spelled(datetime.fromisoformat(last) - (OVERLAP if self.place.clock else TICK))

    def _differs(self, row: Task, sight: Sight | None) -> bool:
        if sight is None:
            return True
        check(self.client, self.place, row, sight, self.trusted)
        return sight.updated_at != spelled(row["updated_at"])


def sights(page: Page, client: Client, seen: dict[int, Sight], place: Place, trusted: bool) -> list[Sight]:
    """Return a page's tasks as they are to be remembered."""
    broken: dict[int, list[int | None]] = {}
    for number, annotation in page.broken:
        broken.setdefault(number, []).append(annotation)
    found = []
    for task in page.tasks:
        number, at, bad = int(task["id"]), spelled(task["updated_at"]), broken.get(task["id"], [])
        last = seen.get(number)
        if last is not None:
            check(client, place, task, last, trusted)
        answers = {int(one["id"]) for one in task["annotations"] or [] if not one.get("was_cancelled")}
        answers |= {annotation for annotation in bad if annotation is not None}
        young = client.clock is None or datetime.fromisoformat(at) > client.clock - SETTLED
        again = HIDDEN if None in bad else BROKEN if bad else YOUNG if young else 0
        if again == HIDDEN and last is not None:
            answers |= set(last.answers)
        found.append(Sight(number, at, spelled(task["created_at"]), tuple(sorted(answers)), again))
    return found


def check(client: Client, place: Place, task: Task, last: Sight, trusted: bool) -> None:
    """Refuse a task that went back in time, or whose number now belongs to another."""
    if trusted:
        return
    now, created = spelled(task["updated_at"]), spelled(task["created_at"])
    clock_is_behind = client.clock is not None and went_back(place, client.clock)
    if created != last.created_at or (now < last.updated_at and not clock_is_behind):
        raise restored(client, f"task {task['id']}", created if created != last.created_at else now)


def restored(client: Client, what: str, at: str | datetime) -> PolicyError:
    """Return the error that says that a server is not the one it was."""
    return PolicyError(
        f"{client.name} shows {what} as of {at}, and it was seen otherwise: was the server restored from an older"
        " backup? Nothing of this was kept. If so, pull with --trust-server: what it lost is then taken out here, too."
    )


def went_back(place: Place, now: datetime) -> bool:
    """Say whether the server's clock is behind what it told at the last pull."""
    return place.clock is not None and now < datetime.fromisoformat(place.clock) - TICK
