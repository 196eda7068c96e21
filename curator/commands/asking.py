"""The command that puts a scenario to a model."""

import rich_click as click

from curator.console import json_option, progress, say, show_json


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


COMMANDS = [ask]
