"""The command line: each command parses, calls one function, prints what it answers."""

import os
import signal
import sys
from types import FrameType
from typing import NoReturn

import rich_click as click

from curator import __version__
from curator.commands import collect, curating, looking, training
from curator.errors import CuratorError

click.rich_click.USE_MARKDOWN = False
click.rich_click.SHOW_ARGUMENTS = True
click.rich_click.COMMAND_GROUPS = {
    "curator": [
        {"name": "Begin", "commands": ["demo", "init", "status"]},
        {"name": "Collect", "commands": ["up", "down", "people", "project", "push", "pull", "add", "verify"]},
        {"name": "Curate", "commands": ["curate", "why", "stages", "export"]},
        {"name": "Train", "commands": ["train", "evaluate", "ask"]},
        {"name": "Look", "commands": ["report", "completion"]},
    ]
}


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="curator")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def curator(debug: bool) -> None:
    """Pool what people think about the same scenarios, keep every perspective, and train a small model on it."""


for command in (*collect.COMMANDS, *curating.COMMANDS, *training.COMMANDS, *looking.COMMANDS):
    curator.add_command(command)


def main() -> NoReturn:
    """Run the command line and end the process with one of the documented exit codes."""
    signal.signal(signal.SIGTERM, _terminated)
    sys.exit(run(sys.argv[1:]))


def run(words: list[str]) -> int:
    """Run one command and return its exit code; what goes wrong is one line on stderr."""
    debug = "--debug" in words
    try:
        code = curator.main(words, prog_name="curator", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except click.ClickException as fault:
        fault.show()
        return 2
    except CuratorError as fault:
        if debug:
            raise
        return _fail(str(fault), fault.code)
    except (KeyboardInterrupt, click.Abort):
        return _fail("Stopped. What was finished is kept; run the same command to go on.", 130)
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except MemoryError:
        return _fail("Out of memory. What was finished is kept; try fewer rows or a smaller batch.", 9)
    except OSError as fault:
        if debug:
            raise
        return _fail(f"{fault.strerror or fault}: {fault.filename or 'this disk'}. What was finished is kept.", 6)
    except Exception as fault:
        if debug:
            raise
        what = f"{type(fault).__name__}: {fault}".splitlines()[0]
        return _fail(f"A fault of curator's own: {what}. What was finished is kept; --debug shows where.", 1)


def _fail(text: str, code: int) -> int:
    from curator.console import plain

    click.echo(click.style("error: ", fg="red", bold=True) + plain(text), err=True)
    return code


def _terminated(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)
