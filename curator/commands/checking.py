"""The commands that say whether a training is worth it, and that write the cards."""

from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import rich_click as click

from curator.console import json_option, progress, say, short_path, show_json, show_table
from curator.errors import PolicyError, UsageError

if TYPE_CHECKING:
    from curator.readiness.answers import Finding


@click.command()
@click.option("--dataset", help="Which dataset (default: the last one).")
@click.option("--explain", is_flag=True, help="Say in plain words whether to prompt, retrieve or fine-tune, and why.")
@click.option("--probe", is_flag=True, help="Measure time and memory on a few real steps, which are thrown away.")
@click.option("--strict", is_flag=True, help="End with 2 where there is a stop.")
@json_option
def check(dataset: str | None, explain: bool, probe: bool, strict: bool, as_json: bool) -> int:
    """Say whether the dataset is worth a training. Ends with 8 where somebody did not agree to it."""
    from curator import check as checking
    from curator.workspace import Workspace

    with progress() as bar:
        told = checking.check(Workspace.find(), dataset, probe=probe, progress=bar)
    code = PolicyError.code if told.forbidden else UsageError.code if strict and told.count("stop") else 0
    if as_json:
        lines = [vars(one) for one in told.findings]
        show_json({"dataset": told.dataset, "findings": lines, "to_add": told.to_add, "explained": told.explained})
        return code
    show_table(["", "check", "found / wanted", "why, and what to do next"], [_row(one) for one in told.findings])
    counts = ", ".join(f"{told.count(level)} {level}" for level in ("stop", "warn", "pass"))
    say(f"Dataset {told.dataset}: {counts}.")
    if told.to_add:
        say("\nTo be answered in curator.toml (change the words):\n")
        for line in told.to_add:
            say(line)
    if explain:
        for paragraph in told.explained:
            say()
            say("\n".join(wrap(paragraph, 80)))
    return code


def _row(one: "Finding") -> list[Any]:
    why = f"{one.why}\nNext: {one.next}" if one.next else one.why
    return [one.level, one.name, f"{one.number}\n({one.threshold})", why]


@click.command()
@click.option("--dataset", help="Which dataset (default: the last one).")
@click.option("--out", type=click.Path(path_type=Path), help="A folder to write dataset.md and model.md to.")
@json_option
def card(dataset: str | None, out: Path | None, as_json: bool) -> None:
    """Print the dataset's card with the answers of trust, sign the model's README.md; with --out write both there."""
    from curator import check as checking
    from curator.workspace import Workspace

    workspace = Workspace.find()
    written = checking.sign(workspace, dataset, out)
    if as_json:
        return show_json({"written": [str(path) for path in written], **checking.cards(workspace, dataset)})
    if out is None:
        say(checking.cards(workspace, dataset)["dataset"])
    for path in written:
        say(f"wrote {short_path(path)}")
    return None


COMMANDS = [check, card]
