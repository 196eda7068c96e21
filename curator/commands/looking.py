"""Commands to look at what is there."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from curator.console import json_option, progress, say, short_path, show_json, show_table
from curator.progress import one_piece

if TYPE_CHECKING:
    from curator.workspace import Workspace


@click.command()
@json_option
def status(as_json: bool) -> None:
    """Say what is here and what to do next."""
    from curator.look import status as look
    from curator.workspace import Workspace

    told = look(Workspace.find())
    if as_json:
        return show_json(told)
    roles = ", ".join(f"{n} {role}" for role, n in told["answers_by_stakeholder"].items())
    dataset = told["dataset"]
    show_table(
        ["", ""],
        [
            ["workspace", f"{told['workspace']} (pack {told['pack']})"],
            ["people", str(told["people"])],
            ["Label Studio", told["server"] + (f", {told['projects']} project" if told["projects"] else "")],
            ["answers", f"{told['answers']} of {told['scenarios']} scenarios" + (f" ({roles})" if roles else "")],
            ["set aside", f"{told['set_aside']}" + (" (see: curator verify)" if told["set_aside"] else "")],
            ["dataset", _dataset(dataset, told.get("stale", False)) if dataset else "none yet"],
            ["model", told["model"] or "none yet"],
            ["evaluated", "yes" if told["evaluation"] else "not yet"],
            ["report", told["report"] or "none yet"],
        ],
    )
    say(f"Next: {told['next']}")
    return None


def _dataset(dataset: dict[str, Any], stale: bool) -> str:
    splits = ", ".join(f"{n} {name}" for name, n in dataset["splits"].items())
    return f"{dataset['name']}: {splits}" + (" (answers came or went since)" if stale else "")


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
