"""The command that compares the tuned model with its base."""

import rich_click as click

from curator.console import json_option, progress, say, show_json, show_table
from curator.evaluation.tables import BLIND, VERDICT_HEAD, VIEW_HEAD, evaluation_rows, perspective_rows


@click.command()
@click.option("--model", help="Which model (default: the last one).")
@click.option("--generations", default=3, show_default=True, help="How many scenarios to answer in full, side by side.")
@click.option("--rescore", is_flag=True, help="Score the answers that were kept anew; no model is loaded.")
@json_option
def evaluate(model: str | None, generations: int, rescore: bool, as_json: bool) -> None:
    """Compare the base model with the tuned one on scenarios that it never saw."""
    from curator import modelling
    from curator.workspace import Workspace

    with progress() as bar:
        told = modelling.evaluate(Workspace.find(), model, generations, bar, rescored=rescore)
    if as_json:
        return show_json(told)
    show_table(VERDICT_HEAD, evaluation_rows(told), title="Right verdicts on what was never seen, in %")
    say("people: how often two people of the role agree. usual: always the role's most")
    say("frequent verdict. least: the smallest gain that would have been seen.")
    show_table(VIEW_HEAD, perspective_rows(told), title="Does it know both views? In %, distances apart")
    say(BLIND)
    for line in (told["verdict"], *told["brief"]):
        say(f"- {line}")
    return None


COMMANDS = [evaluate]
