"""The command line: each command parses, calls one function, prints what it answers."""

import io
import os
import signal
import sys
import traceback
from types import FrameType
from typing import NoReturn

import rich_click as click

from curator import __version__
from curator.commands import (
    asking,
    auditing,
    checking,
    collect,
    curating,
    evaluating,
    exporting,
    looking,
    packs,
    people,
    review,
    thresholds,
    training,
    tuning,
)
from curator.console import colourless, plain
from curator.errors import CuratorError

TERMINATED = 128 + signal.SIGTERM
ANYWHERE = ("--debug", "--no-color")  # may stand behind a command too

click.rich_click.SHOW_ARGUMENTS = True
click.rich_click.COMMAND_GROUPS = {
    "curator": [
        {"name": "Begin", "commands": ["demo", "init", "status"]},
        {
            "name": "Collect",
            "commands": ["up", "down", "pack", "people", "project", "push", "pull", "add", "pool", "verify"],
        },
        {"name": "Look again", "commands": ["review", "predict"]},
        {"name": "Curate", "commands": ["curate", "why", "diff", "dropped", "near", "threshold", "stages"]},
        {"name": "Hand over", "commands": ["check", "card", "export", "validate"]},
        {"name": "Train", "commands": ["train", "sweep", "evaluate", "audit", "ask", "serve", "export-model"]},
        {"name": "Look", "commands": ["report", "explore", "completion"]},
    ]
}


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="curator")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.option("--no-color", is_flag=True, help="Print without colours, as with NO_COLOR=1 in the environment.")
def curator(debug: bool, no_color: bool) -> None:
    """Pool what people think about the same scenarios, keep every perspective, and train a small model on it."""


for command in (
    *collect.COMMANDS,
    *people.COMMANDS,
    *packs.COMMANDS,
    *review.COMMANDS,
    *curating.COMMANDS,
    *thresholds.COMMANDS,
    *checking.COMMANDS,
    *exporting.COMMANDS,
    *training.COMMANDS,
    *tuning.COMMANDS,
    *evaluating.COMMANDS,
    *auditing.COMMANDS,
    *asking.COMMANDS,
    *looking.COMMANDS,
):
    curator.add_command(command)


def main() -> NoReturn:
    """Run the command line and end the process with one of the documented exit codes."""
    signal.signal(signal.SIGTERM, _terminated)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # None where it was closed
            stream.reconfigure(errors="backslashreplace")
    if "--no-color" in sys.argv[1:]:
        os.environ["NO_COLOR"] = "1"  # what runs beside, such as Label Studio, is told too
    code = run(sys.argv[1:])
    try:
        if sys.stdout:
            sys.stdout.flush()
    except OSError:
        _mute()
    sys.exit(code)


def run(words: list[str]) -> int:
    """Run one command and return its exit code; what goes wrong is one line on stderr."""
    out, inside = sys.stdout, click.get_current_context(silent=True) is not None
    if any("\ud800" <= character <= "\udfff" for character in "".join(words)):  # bytes that could not be decoded
        return _fail("The command line is not UTF-8 text. Nothing was done.", 2)
    grey = colourless()
    click.rich_click.COLOR_SYSTEM = None if grey else "auto"
    try:
        known = [w for w in words if w not in ANYWHERE]
        code = curator.main(known, prog_name="curator", standalone_mode=False, color=False if grey else None)
        if sys.stdout:
            sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except BaseException as fault:
        if "--debug" in words:
            traceback.print_exc()
        stopped = isinstance(fault, KeyboardInterrupt | click.Abort) or getattr(fault, "code", 0) == TERMINATED
        if stopped and inside:  # a command that runs commands, as the demo does, stops too
            raise
        if (
            isinstance(fault, BrokenPipeError) or sys.stdout is not out
        ):  # `| head` has seen enough; click wraps the stream
            return _mute()
        return _told(fault)


def _told(fault: BaseException) -> int:
    """Say what went wrong and return the exit code that stands for it."""
    match fault:
        case CuratorError():
            return _fail(str(fault), fault.code)
        case click.ClickException():
            context = getattr(fault, "ctx", None)
            return _fail(
                f"{fault.format_message()} Look at: {context.command_path if context else 'curator'} --help", 2
            )
        case SystemExit(code=code) if code != TERMINATED:
            return code if isinstance(code, int) else 0
        case SystemExit():
            return _fail("Stopped from outside. What was finished is kept; run the same command to go on.", TERMINATED)
        case KeyboardInterrupt() | click.Abort():
            return _fail("Stopped. What was finished is kept; run the same command to go on.", 130)
        case MemoryError():
            return _fail("Out of memory. What was finished is kept; try fewer rows or a smaller batch.", 9)
        case OSError():
            return _fail(f"{fault.strerror or fault}: {fault.filename or 'this disk'}. What was finished is kept.", 6)
    what = f"{type(fault).__name__}: {fault}"
    return _fail(f"A fault of curator's own: {what}. What was finished is kept; --debug shows where.", 1)


def _fail(text: str, code: int) -> int:
    told = click.style("error: ", fg="red", bold=True) + plain(" ".join(text.splitlines()))
    click.echo(told, err=True, color=False if colourless() else None)
    return code


def _mute() -> int:
    """Send what is still to be printed nowhere: its reader has gone."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return 0


def _terminated(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(TERMINATED)
