"""The command that trains a small model."""

from typing import Any

import rich_click as click

from curator.commands.trained import show_estimate, show_preview, show_trained
from curator.commands.tuning import show_preferred
from curator.console import json_option, progress


@click.command()
@click.option("--dataset", help="Which dataset (default: the last one).")
@click.option("--set", "changes", multiple=True, metavar="NAME=VALUE", help="Another setting, such as epochs=5.")
@click.option("--dry-run", is_flag=True, help="Say what it would take, from a few real steps; train nothing.")
@click.option(
    "--preview", type=click.IntRange(min=1), metavar="N", help="Show N rows with what is in the loss; train nothing."
)
@click.option(
    "--preference", is_flag=True, help="Learn which of two answers people prefer (DPO), not to answer as they do."
)
@json_option
def train(
    dataset: str | None,
    changes: tuple[str, ...],
    dry_run: bool,
    preview: int | None,
    preference: bool,
    as_json: bool,
) -> None:
    """Fine-tune an adapter on the dataset's train split; the same call goes on where it was killed, or reuses it."""
    from curator import modelling, tuning
    from curator.workspace import Workspace

    if dry_run and preview:
        raise click.UsageError("Give --dry-run or --preview N, not both.")
    if preference and (dry_run or preview):
        raise click.UsageError("--preference trains at once: leave out --dry-run and --preview.")
    settings = _settings(changes)
    with progress() as bar:
        if preference:
            preferred = tuning.prefer(Workspace.find(), dataset, settings, bar)
        elif preview:
            shown = modelling.preview(Workspace.find(), preview, dataset, settings, bar)
        elif dry_run:
            probed = modelling.estimate(Workspace.find(), dataset, settings, bar)
        else:
            made = modelling.train(Workspace.find(), dataset, settings, bar)
    if preference:
        return show_preferred(preferred, as_json)
    if preview:
        return show_preview(shown, as_json)
    return show_estimate(probed, as_json) if dry_run else show_trained(made, as_json)


def _settings(changes: tuple[str, ...]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for change in changes:
        name, found, value = change.partition("=")
        if not found:
            raise click.UsageError(f"--set {change!r} is not NAME=VALUE.")
        told[name.strip()] = value.strip()
    return told


COMMANDS = [train]
