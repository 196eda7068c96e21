"""Commands to look at what is there."""

from pathlib import Path

import rich_click as click

from curator.console import json_option, say, show_json, show_table


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


def _dataset(dataset: dict[str, object], stale: bool) -> str:
    splits = ", ".join(f"{n} {name}" for name, n in dict(dataset["splits"]).items())  # type: ignore[call-overload]  # a dict by construction
    return f"{dataset['name']}: {splits}" + (" (answers came or went since)" if stale else "")


@click.command()
@click.option("--out", type=click.Path(path_type=Path), help="The file to write (default: report.html).")
@click.option("--dataset", help="Which dataset (default: the last one).")
def report(out: Path | None, dataset: str | None) -> None:
    """Write one HTML file with everything: funnel, balance, agreement, map, perspectives, base against tuned."""
    from curator.modelling import report as write
    from curator.workspace import Workspace

    say(f"Report: {write(Workspace.find(), dataset, out)}")


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


COMMANDS = [status, report, completion]
