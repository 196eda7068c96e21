"""Commands to look at what is there."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from curator.console import json_option, plain, progress, rich_console, say, short_path, show_json, show_table
from curator.progress import one_piece

if TYPE_CHECKING:
    from curator.workspace import Workspace

SIGNS = {  # the sign, the same where only ASCII can be shown, and the colour
    "done": ("✓+", "green"),
    "to do": ("○-", "dim"),
    "stale": ("↻~", "yellow"),
    "attention": ("!!", "bold red"),
}
BARS, BAR = 6, 24  # at most so many roles, the longest bar in columns
INDENT = 23  # columns before what a stage says


@click.command()
@json_option
def status(as_json: bool) -> None:
    """Say what is here and what to do next."""
    from curator.dashboard import status as look
    from curator.workspace import Workspace

    told = look(Workspace.find())
    if as_json:
        return show_json(told)
    _draw(told)
    say(f"Next: {told['next']}")
    return None


def _draw(told: dict[str, Any]) -> None:
    """Print the dashboard: a line for the workspace, then each stage with a sign that needs no colour."""
    from rich.table import Table
    from rich.text import Text

    console = rich_console(sys.stdout)
    ascii_only = console.options.ascii_only
    server = f"Label Studio {'' if told['server'] == 'down' else 'at '}{told['server']}"
    projects = f", {told['projects']} project{'s' * (told['projects'] != 1)}" if told["projects"] else ""
    here, there = f"   pack {told['pack']}, version {told['pack_version']}", f"{server}{projects}"
    fits = len(told["workspace"] + here + there) + 3 <= console.width
    here += ("   " if fits else "\n") + there
    table = Table.grid(padding=(0, 2, 0, 0))
    for width in (8, 11, None):
        table.add_column(width=width, overflow="fold")
    for stage in told["stages"]:
        signs, style = SIGNS[stage["state"]]
        room = console.width - INDENT
        bars = _bars(told["answers_by_stakeholder"], ascii_only, room) if stage["stage"] == "collect" else []
        state = Text(f"{signs[ascii_only]} {stage['state']}", style)
        table.add_row(Text(stage["stage"], "bold"), state, Text(plain("\n".join([*stage["says"], *bars]))))
    for part in (Text.assemble((plain(told["workspace"]), "bold"), plain(here)), "", table, ""):
        console.print(part)


def _bars(counts: dict[str, int], ascii_only: bool, room: int) -> list[str]:
    """Return a bar for each role, so that one sees who speaks most; of many roles the few with most answers.

    No line is longer than `room` columns; where that leaves nothing for bars, there are numbers alone.
    """
    shown = sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:BARS]
    most = max(counts.values(), default=1)
    name, digits = max((len(role) for role, _ in shown), default=0), len(f"{most:,}")
    longest = min(BAR, room - name - digits - 2)
    lines = [
        f"{role:<{name}} {count:>{digits},} {'█#'[ascii_only] * max(1, round(longest * count / most))}"
        if longest > 0
        else f"{role:<{name}} {count:>{digits},}"
        for role, count in shown
    ]
    if rest := len(counts) - len(shown):
        lines.append(f"and {sum(counts.values()) - sum(count for _, count in shown):,} as {rest} more roles")
    return lines


@click.command()
@click.option("--out", type=click.Path(path_type=Path), help="The file to write (default: report.html).")
@click.option("--dataset", help="Which dataset (default: the last one).")
@json_option
def report(out: Path | None, dataset: str | None, as_json: bool) -> None:
    """Write one HTML file with everything: funnel, balance, agreement, map, perspectives, base against tuned."""
    from curator.modelling import report as write
    from curator.workspace import Workspace

    with progress() as bar, one_piece(bar, "writing the report"):
        path = write(Workspace.find(), dataset, out)
    if as_json:
        return show_json({"report": str(path)})
    say(f"Report: {short_path(path)}")
    return None


@click.command()
@click.option("--dataset", help="Which dataset (default: the last one).")
def explore(dataset: str | None) -> None:
    """Write the report anew and open it in the browser."""
    import webbrowser

    from curator.modelling import report as write
    from curator.workspace import Workspace

    with progress() as bar, one_piece(bar, "writing the report"):
        path = write(Workspace.find(), dataset).resolve()
    opened = webbrowser.open(path.as_uri())
    say(f"Report: {short_path(path)}" + ("" if opened else ". There is no browser here: open this file in one."))


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what makes SHELL complete curator's commands. For bash: eval "$(curator completion bash)"."""
    from click.shell_completion import get_completion_class

    from curator.cli import curator

    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"No completion for {shell}.")
    click.echo(kind(curator, {}, "curator", "_CURATOR_COMPLETE").source())


@click.command()
@click.argument("folder", default="demo", type=click.Path(path_type=Path, file_okay=False))
@click.option("--keep", is_flag=True, help="Leave Label Studio up and say how to log in.")
def demo(folder: Path, keep: bool) -> None:
    """Do the whole job on the sample data, from Label Studio to a fine-tuned and evaluated model, in FOLDER."""
    from curator.cli import run
    from curator.demo import demo as do
    from curator.studio import people, server
    from curator.workspace import Workspace

    try:
        with progress() as bar:
            took = do(folder, run, lambda line: click.secho(f"\n{line}", bold=True), bar)
    except BaseException:
        server.down(folder / ".curator" / "studio")
        raise
    workspace = Workspace.find(folder)
    show_table(["step", "seconds"], [[step, round(seconds, 1)] for step, seconds in took], title="What happened")
    show_table(["", ""], where(workspace), title="Where everything lies")
    running = server.running(workspace.studio)
    if keep and running:
        say(f"Label Studio stays up at {running.url}: curator up prints a log-in, curator down stops it.")
        for account in list(people.accounts(workspace.studio).values())[:3]:
            say(f"  {account.email}  {account.password}")
    else:
        server.down(workspace.studio)
        say("Label Studio is down again.")


def where(workspace: "Workspace") -> list[list[str]]:
    """Return what was made and where, relative to the current folder."""
    from curator.dataset import Dataset
    from curator.look import latest_model

    model = latest_model(workspace)
    places = {
        "report": workspace.root / "report.html",
        "dataset": Dataset.find(workspace.datasets).folder,
        "chat JSONL": workspace.root / "exports" / "openai",
        "adapter": model or workspace.models,
        "answers": workspace.hidden / "store.db",
        "Label Studio": workspace.studio,
    }
    return [[name, short_path(path)] for name, path in places.items()]


COMMANDS = [demo, status, report, explore, completion]
