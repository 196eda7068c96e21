"""Commands that turn answers into a dataset and explain it."""

from pathlib import Path

import rich_click as click

from curator.console import json_option, progress, say, say_wrapped, show_json, show_table


@click.command()
@click.option("--recipe", type=click.Path(path_type=Path), help="Another recipe than the one in curator.toml.")
@json_option
def curate(recipe: Path | None, as_json: bool) -> None:
    """Run the recipe over the store's answers and publish a dataset."""
    from curator.look import funnel
    from curator.pipeline import curate_workspace
    from curator.workspace import Workspace

    with progress() as bar:
        dataset = curate_workspace(Workspace.find(), recipe, bar)
    told = {"dataset": dataset.name, "sha256": dataset.manifest["dataset"], "splits": dataset.manifest["splits"]}
    if as_json:
        return show_json(told)
    show_table(["step", "in", "out", "what it decided"], funnel(dataset))
    splits = ", ".join(f"{n} {name}" for name, n in dataset.manifest["splits"].items())
    say(f"Dataset {dataset.name} ({dataset.manifest['dataset'][:12]}): {splits}")
    return None


@click.command()
@click.argument("id")
@click.option("--dataset", help="Which dataset (default: the last one).")
@json_option
def why(id: str, dataset: str | None, as_json: bool) -> None:
    """Tell the life of one answer: whence it came, what each step decided, and why. Part of an ID will do."""
    from curator.look import life, life_lines
    from curator.workspace import Workspace

    told = life(Workspace.find(), id, dataset)
    if as_json:
        return show_json(told)
    for line in life_lines(told):
        say_wrapped(line)
    return None


@click.command()
@json_option
def stages(as_json: bool) -> None:
    """List the stages that a recipe can use, with their settings."""
    from curator.look import stage_list

    told = stage_list()
    if as_json:
        return show_json(told)
    for stage in told:
        say_wrapped(f"{stage['stage']}: {stage['does']}")
        for name, default in stage["settings"].items():
            say_wrapped(f"    {name} = {default}")
    return None


@click.command()
@click.argument("old")
@click.argument("new", required=False)
@json_option
def diff(old: str, new: str | None, as_json: bool) -> None:
    """Say which rows came, left (and why) or changed between the datasets OLD and NEW (default: the last one)."""
    from curator.dataset import Dataset
    from curator.ledger import diff as compare
    from curator.workspace import Workspace

    folder = Workspace.find().datasets
    told = compare(Dataset.find(folder, old), Dataset.find(folder, new))
    if as_json:
        return show_json(told)
    say(f"{told['old']} → {told['new']}: {len(told['in'])} in, {len(told['out'])} out, {len(told['changed'])} changed")
    rows = [["in", id, ""] for id in told["in"]]
    rows += [["out", row["id"], f"{row['step']}: {row['reason']}".removeprefix(": ")] for row in told["out"]]
    rows += [["changed", row["id"], ", ".join(row["changed"])] for row in told["changed"]]
    if rows:
        show_table(["", "id", "what"], rows)
    return None


@click.command()
@click.option("--reason", help="Only rows that left for this reason, such as 'off topic'.")
@click.option("--step", help="Only rows that left at this step.")
@click.option("--dataset", help="Which dataset (default: the last one).")
@json_option
def dropped(reason: str | None, step: str | None, dataset: str | None, as_json: bool) -> None:
    """List the rows that left, each with its reason, the evidence and the kept row that explains it."""
    from curator.dataset import Dataset
    from curator.ledger import dropped as find
    from curator.workspace import Workspace

    rows = find(Dataset.find(Workspace.find().datasets, dataset), reason, step)
    if as_json:
        return show_json(rows)
    show_table(["id", "step", "reason", "because"], [[r["id"], r["step"], r["reason"], r["because"]] for r in rows])
    return None


COMMANDS = [curate, why, diff, dropped, stages]
