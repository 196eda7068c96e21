"""Commands that train a small model and look at what it learnt."""

from typing import Any

import rich_click as click

from curator.commands.trained import show_estimate, show_preview, show_trained
from curator.console import json_option, progress, say, show_json, show_table


@click.command()
@click.option("--dataset", help="Which dataset (default: the last one).")
@click.option("--set", "changes", multiple=True, metavar="NAME=VALUE", help="Another setting, such as epochs=5.")
@click.option("--dry-run", is_flag=True, help="Say what it would take, from a few real steps; train nothing.")
@click.option(
    "--preview", type=click.IntRange(min=1), metavar="N", help="Show N rows with what is in the loss; train nothing."
)
@json_option
def train(dataset: str | None, changes: tuple[str, ...], dry_run: bool, preview: int | None, as_json: bool) -> None:
    """Fine-tune an adapter on the dataset's train split; the same call goes on where it was killed, or reuses it."""
    from curator import modelling
    from curator.workspace import Workspace

    if dry_run and preview:
        raise click.UsageError("Give --dry-run or --preview N, not both.")
    settings = _settings(changes)
    with progress() as bar:
        if preview:
            shown = modelling.preview(Workspace.find(), preview, dataset, settings, bar)
        elif dry_run:
            probed = modelling.estimate(Workspace.find(), dataset, settings, bar)
        else:
            made = modelling.train(Workspace.find(), dataset, settings, bar)
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


@click.command()
@click.option("--model", help="Which model (default: the last one).")
@click.option("--generations", default=3, show_default=True, help="How many scenarios to answer in full, side by side.")
@json_option
def evaluate(model: str | None, generations: int, as_json: bool) -> None:
    """Compare the base model with the tuned one on scenarios that it never saw."""
    from curator import modelling
    from curator.workspace import Workspace

    with progress() as bar:
        told = modelling.evaluate(Workspace.find(), model, generations, bar)
    if as_json:
        return show_json(told)
    head = ["", "n", "majority", "base", "95 %", "tuned", "95 %", "gain", "95 %"]
    show_table(head, evaluation_rows(told), title="Right verdicts on what was never seen, in %")
    for line in (told["verdict"], *told["findings"]):
        say(f"- {line}")
    return None


def evaluation_rows(told: dict[str, Any]) -> list[list[Any]]:
    """Return the table of an evaluation in percent: a row for all, each split, role and field of work."""
    cells = [("all", told["accuracy"]["overall"])]
    for part in ("split", "stakeholder", "domain"):
        cells += told["accuracy"][part].items()
    return [
        [
            name,
            cell["n"],
            *_share(cell["majority"])[:1],
            *_share(cell["base"]),
            *_share(cell["tuned"]),
            f"{100 * cell['gain']['difference']:+.0f}",
            _interval(cell["gain"]["interval"]),
        ]
        for name, cell in cells
    ]


def _share(part: dict[str, Any]) -> list[Any]:
    return [round(100 * part["accuracy"]), _interval(part["interval"])]


def _interval(ends: list[float] | None) -> str:
    return "too few" if ends is None else f"{100 * ends[0]:.0f} to {100 * ends[1]:.0f}"


@click.command()
@click.argument("situation", required=False)
@click.option("--context", default="", help="The norms against which to judge.")
@click.option("--scenario", help="A scenario of the last dataset instead, by its id (part of it will do).")
@click.option("--stakeholder", multiple=True, help="From which role (default: all of the pack).")
@click.option("--model", help="Which model (default: the last one).")
@json_option
def ask(
    situation: str | None,
    context: str,
    scenario: str | None,
    stakeholder: tuple[str, ...],
    model: str | None,
    as_json: bool,
) -> None:
    """Put one scenario to the model from every stakeholder's view, base beside tuned."""
    from curator import modelling
    from curator.look import scenario_text
    from curator.workspace import Workspace

    workspace = Workspace.find()
    if (situation is None) == (scenario is None):
        raise click.UsageError("Give the situation as text, or --scenario ID.")
    if scenario is not None:
        situation, context = scenario_text(workspace, scenario)
    with progress() as bar:
        told = modelling.ask(workspace, str(situation), context, list(stakeholder), model, bar)
    if as_json:
        return show_json(told)
    say(f"Situation: {situation}")
    if context:
        say(f"Context: {context}")
    for one in told:
        say()
        say(one["stakeholder"])
        for which in ("base", "tuned"):
            if answer := one.get(which):
                shares = ", ".join(f"{verdict} {share:.0%}" for verdict, share in answer["probabilities"].items())
                say(f"  {which}: {shares}")
                say("    " + answer["answer"].strip().replace("\n", "\n    "))
    return None


COMMANDS = [train, evaluate, ask]
