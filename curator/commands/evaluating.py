"""The command that compares the tuned model with its base."""

from typing import Any

import rich_click as click

from curator.console import json_option, progress, say, show_json, show_table


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


COMMANDS = [evaluate]
