"""What the command line shows: progress on stderr, answers on stdout, JSON for machines."""

import contextlib
import json
import math
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any, TextIO

import rich_click as click

from curator.progress import Pace, Progress

if TYPE_CHECKING:
    from rich.console import Console

WIDTH = 80  # columns, where no terminal says otherwise
EDGES = 2  # columns to the left and right of a table
SOON, EVERY = 2.0, 10.0  # seconds until a long work is named, and between two lines of it at most
NUMBERS = ("fields[count]", "fields[rate]", "fields[left]")

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[@-_]|[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

UNSAFE = re.compile(r"[\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")  # and yet allowed raw in JSON text


def plain(text: str) -> str:
    """Return text from people without anything that could steer a terminal.

    >>> plain("a\\x1b[31mred\\x07")
    'ared'
    """
    return ESCAPES.sub("", text)


def say(text: str = "") -> None:
    """Print one answer line to stdout."""
    click.echo(plain(text))


def say_wrapped(line: str) -> None:
    """Print a line no wider than a table; what goes on below stands further in than its beginning."""
    room = rich_console(sys.stdout).width if sys.stdout else WIDTH
    indent = " " * (len(line) - len(line.lstrip()) + 4)
    say("\n".join(wrap(line, room, subsequent_indent=indent, break_on_hyphens=False)) if len(line) > room else line)


def show_json(told: Any) -> None:
    """Print an answer for machines. What is not a number is null, and nothing in it can steer a terminal."""
    text = json.dumps(_finite(told), ensure_ascii=False, indent=1, default=str)
    click.echo(UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


def _finite(told: Any) -> Any:
    """Return the same with null for NaN and infinities, which JSON does not have."""
    if isinstance(told, dict):
        return {name: _finite(value) for name, value in told.items()}
    if isinstance(told, list | tuple):
        return [_finite(value) for value in told]
    return None if isinstance(told, float) and not math.isfinite(told) else told


def colourless() -> bool:
    """Whether nothing may be coloured: NO_COLOR says so (https://no-color.org), or a terminal that cannot."""
    return bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"


def rich_console(file: TextIO) -> "Console":
    """Return a console that is as wide as the terminal, or else COLUMNS or 80, and coloured where that is wanted."""
    from rich.console import Console

    columns = os.environ.get("COLUMNS", "")
    width = None if file.isatty() else int(columns) if columns.isdecimal() and int(columns) else WIDTH
    return Console(file=file, width=width, color_system=None if colourless() else "auto", highlight=False)


def show_table(head: Sequence[str], rows: Sequence[Sequence[Any]], *, title: str = "") -> None:
    """Print a table to stdout: numbers to the right; where the place is short, cells are folded between words."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    console = rich_console(sys.stdout)
    told = [[plain(str(cell)) for cell in row] for row in rows]
    columns, gaps = list(zip(head, *told, strict=True)), len(head) - 1
    room = console.width - EDGES
    gap = 3 if sum(map(widest, columns)) + 3 * gaps <= room else 2
    table = Table(
        box=SIMPLE_HEAD,
        show_header=any(head),
        title=title or None,
        title_justify="left",
        title_style="bold",
        pad_edge=False,
        padding=(0, gap - 1, 0, 0),
    )
    widths = fit(columns, room - gap * gaps)
    for at, (name, width) in enumerate(zip(head, widths, strict=True)):
        numbers = bool(rows) and all(isinstance(row[at], int | float) or row[at] in ("", "–") for row in rows)
        table.add_column(Text(name), justify="right" if numbers else "left", overflow="fold", width=width)
    for row in told:
        table.add_row(*map(Text, row))
    console.print(table)


def fit(columns: Sequence[Sequence[str]], width: int) -> list[int]:
    """Return how wide each column of cells may be, so that all of them take at most `width` and no word is cut.

    What is left beyond the longest words goes, place by place, to the column with the tallest cell. Where the longest
    words alone are too wide, the longest of them are cut.

    >>> fit([["id", "a1"], ["why", "it was said twice before"], ["n", "1"]], 20)
    [2, 17, 1]
    """
    want = [widest(column) for column in columns]
    widths = [widest(word for cell in column for word in cell.split()) for column in columns]
    text = [max(map(len, column)) for column in columns]
    while sum(widths) > max(width, len(widths)):
        widths[widths.index(max(widths))] -= 1
    for _ in range(width - sum(widths)):
        if folded := [at for at, now in enumerate(widths) if now < want[at]]:
            widths[max(folded, key=lambda at: text[at] / widths[at])] += 1
    return widths


def widest(cells: Iterable[str]) -> int:
    """Return how many columns of a terminal the longest line of some cells takes."""
    from rich.cells import cell_len

    return max((cell_len(line) for cell in cells for line in cell.splitlines()), default=0) or 1


@contextlib.contextmanager
def progress() -> Iterator[Progress]:
    """Give a function that draws progress bars on a terminal, and plain lines elsewhere."""
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        with contextlib.closing(Lines()) as lines:
            yield lines.tell
        return
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    what, *numbers = (TextColumn(f"{{task.{name}}}", markup=False) for name in ("description", *NUMBERS))
    columns = (what, BarColumn(16), *numbers, TimeElapsedColumn())
    with Bars(*columns, console=rich_console(sys.stderr), transient=True) as bars:
        tasks: dict[str, Any] = {}
        paces = Paces()

        def draw(what: str, done: int, total: int) -> None:
            pace = paces.at(what, done, total)
            told: dict[str, Any] = {"count": pace.count, "rate": pace.rate, "left": pace.left}
            many = total if total > 1 else None
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=many, **told)
            bars.update(tasks[what], total=many, completed=done, visible=total != 1 or pace.ahead, **told)

        yield draw


class Paces:
    """The pace of each work of a command, from when it is first heard of; one that falls back has begun anew."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """The clock tells seconds."""
        self.clock = clock
        self.known: dict[str, Pace] = {}

    def at(self, what: str, done: int, total: int) -> Pace:
        """Return the pace of a work that is now so far."""
        now, pace = self.clock(), self.known.get(what)
        if pace is None or done < pace.done:
            pace = Pace(began=now, before=done)
        self.known[what] = pace.at(now, done, total)
        return self.known[what]


class Lines:
    """Progress in plain lines: what takes long is named soon, then at its half and end, and every so many seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Lines go to stderr."""
        self.paces = Paces(clock)
        self.shown: dict[str, tuple[int, float]] = {}  # tenths and when
        self.waiting: dict[str, threading.Timer] = {}  # works that may say nothing before they are long

    def tell(self, what: str, done: int, total: int) -> None:
        """Print a line where there is news of a work that is long."""
        pace = self.paces.at(what, done, total)
        if pace.began == pace.now:
            self.shown.pop(what, None)
        if not pace.ahead:
            self._forget(what)
        elif what not in self.shown and what not in self.waiting:
            self.waiting[what] = timer = threading.Timer(SOON, self._late, [what])
            timer.daemon = True
            timer.start()
        if pace.now - pace.began >= SOON:
            self._say(what, pace)

    def close(self) -> None:
        """Say nothing more."""
        for what in list(self.waiting):
            self._forget(what)

    def _forget(self, what: str) -> None:
        if timer := self.waiting.pop(what, None):
            timer.cancel()

    def _late(self, what: str) -> None:
        if what in self.waiting and what not in self.shown:
            pace = self.paces.known[what]
            self._say(what, pace.at(self.paces.clock(), pace.done, pace.total))

    def _say(self, what: str, pace: Pace) -> None:
        tenth = 10 * pace.done // pace.total if pace.total > 1 else 0
        before, at = self.shown.get(what, (-5, -math.inf))
        if tenth >= before + 5 or (tenth == 10 and before != 10) or (pace.total > 1 and pace.now >= at + EVERY):
            self.shown[what] = tenth, pace.now
            click.echo(f"  {what}: {told}" if (told := pace.words()) else f"  {what}", err=True)


def short_path(path: Path) -> str:
    """Return a path as one would type it from here."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


json_option = click.option("--json", "as_json", is_flag=True, help="Answer in JSON, for machines.")
