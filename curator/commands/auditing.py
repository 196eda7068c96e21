"""The command that looks at what a training remembers of single texts."""

import rich_click as click

from curator.console import json_option, progress, say, show_json, show_table


@click.command()
@click.option("--model", help="Which model's settings and dataset (default: the last one).")
@click.option("--rows", type=click.IntRange(min=1), metavar="N", help="Take about N training rows, for a quick look.")
@json_option
def audit(model: str | None, rows: int | None, as_json: bool) -> None:
    """Train once more with made-up secrets among the answers, and say which of them a model gives away.

    Takes as long as one training. The model and its dataset stay as they are; what is trained is thrown away.
    """
    from curator import auditing
    from curator.workspace import Workspace

    click.echo(
        "Training once more, which takes as long as the model did. Model and dataset stay as they are.", err=True
    )
    with progress() as bar:
        told = auditing.audit(Workspace.find(), model, rows, bar)
    if as_json:
        return show_json(told)
    lines = [
        [
            one["times"],
            one["sentence"],
            *(round(one[name]["exposure"], 1) for name in ("base", "tuned")),
            *("yes" if one[name]["finished"] else "no" for name in ("base", "tuned")),
        ]
        for one in told["canaries"]
    ]
    head = ["stands", "planted sentence", "base", "tuned", "base writes it", "tuned writes it"]
    show_table(head, lines, title=f"How far made-up secrets are remembered: 0 to 8 bits over {told['candidates']}")
    for line in told["findings"]:
        say(f"- {line}")
    return None


COMMANDS = [audit]
