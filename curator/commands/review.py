"""Commands that close the loop: what people should look at again, and what a model would say."""

import rich_click as click

from curator.console import json_option, progress, say, show_json, show_table
from curator.progress import one_piece


@click.command()
@click.option("--limit", default=20, show_default=True, help="How many, the weightiest first.")
@click.option("--push", "send", is_flag=True, help="Put them into a review project for each role.")
@json_option
def review(limit: int, send: bool, as_json: bool) -> None:
    """List what deserves a second look, each with its reasons; --push asks people who did not write it."""
    from curator.review import push_review, review_queue
    from curator.workspace import Workspace

    workspace = Workspace.find()
    if send:
        with progress() as bar:
            told = push_review(workspace, limit, bar)
        if as_json:
            return show_json(told)
        for role, one in told["projects"].items():
            say(f"{role}: {one['sent']} sent, {one['known']} were there already. {one['url']}")
            for who, count in one["may"].items():
                say(f"  {who} may take {count} of them")
        if told["nobody"]:
            say(f"{len(told['nobody'])} wait: nobody else of their role is known.")
        say("Label Studio cannot hide a task from one person: who gets their own again skips it.")
        return None
    with progress() as bar, one_piece(bar, "looking for what deserves a second look"):
        rows = review_queue(workspace, limit)
    if as_json:
        return show_json(rows)
    shown = [
        [
            f"{row['weight']:.2f}",
            row["stakeholder"],
            row["scenario"],
            "; ".join(f"{r['kind']}: {r['because']}" for r in row["reasons"]),
            len(row["may"]),
        ]
        for row in rows
    ]
    if not shown:
        say("Nothing deserves a second look.")
        return None
    show_table(["weight", "role", "scenario", "why", "may"], shown)
    return None


@click.command()
@click.option("--limit", default=10, show_default=True, help="At how many tasks of each project.")
@json_option
def predict(limit: int, as_json: bool) -> None:
    """Leave the model's suggestions at the project's tasks, hidden unless somebody turns them on there."""
    from curator.review import predict as suggest
    from curator.workspace import Workspace

    with progress() as bar:
        told = suggest(Workspace.find(), limit, bar)
    if as_json:
        return show_json(told)
    say(f"{told['left']} suggestions left, {told['known']} were there already.")
    return None


COMMANDS = [review, predict]
