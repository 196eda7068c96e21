"""What the command line shows: progress on stderr, answers on stdout, JSON for machines."""

import contextlib
import json
import math
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import rich_click as click

from curator.progress import Progress

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


def show_table(head: Sequence[str], rows: Sequence[Sequence[Any]], *, title: str = "") -> None:
    """Print a table to stdout: numbers to the right, as wide as it needs, wrapped to a terminal's width."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(
        box=SIMPLE_HEAD,
        show_header=any(head),
        title=title or None,
        title_justify="left",
        title_style="bold",
        pad_edge=False,
    )
    for at, name in enumerate(head):
        numbers = bool(rows) and all(isinstance(row[at], int | float) or row[at] in ("", "–") for row in rows)
        table.add_column(Text(name), justify="right" if numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(plain(str(cell))) for cell in row))
    Console(file=sys.stdout, width=None if sys.stdout.isatty() else 110, highlight=False).print(table)


@contextlib.contextmanager
def progress() -> Iterator[Progress]:
    """Give a function that draws progress bars on a terminal, and plain lines elsewhere."""
    if not sys.stderr.isatty():
        yield _lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description:<24}"),
        BarColumn(32),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, Any] = {}

        def draw(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=max(total, 1))
            bars.update(tasks[what], completed=done if total else 1, total=max(total, 1))

        yield draw


def _lines() -> Progress:
    shown: dict[str, int] = {}

    def line(what: str, done: int, total: int) -> None:
        tenth = 10 * done // total if total else 10
        if tenth >= shown.get(what, -1) + 5 or (tenth == 10 and shown.get(what) != 10):
            shown[what] = tenth
            click.echo(f"  {what}: {done} of {total}", err=True)

    return line


def short_path(path: Path) -> str:
    """Return a path as one would type it from here."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


json_option = click.option("--json", "as_json", is_flag=True, help="Answer in JSON, for machines.")
