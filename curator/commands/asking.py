"""The commands that put a scenario to a model: on the terminal, and on a local page."""

import sys
from collections.abc import Iterable
from typing import Any

import rich_click as click

from curator.console import json_option, plain, progress, say, show_json, show_table


@click.command()
@click.argument("situation", required=False)
@click.option("--context", default="", help="The norms against which to judge.")
@click.option("--scenario", help="A scenario of the last dataset instead, by its id (part of it will do).")
@click.option("--stakeholder", multiple=True, help="From which role (default: all of the pack).")
@click.option("--model", help="Which model (default: the last one).")
@click.option("--assumptions", is_flag=True, help="Say instead what it assumes about the people: swapped words, data.")
@json_option
def ask(
    situation: str | None,
    context: str,
    scenario: str | None,
    stakeholder: tuple[str, ...],
    model: str | None,
    assumptions: bool,
    as_json: bool,
) -> None:
    """Put one scenario to the model from every stakeholder's view, base beside tuned."""
    from curator.workspace import Workspace

    workspace = Workspace.find()
    if (situation is None) == (scenario is None):
        raise click.UsageError("Give the situation as text, or --scenario ID.")
    if scenario is not None:
        from curator.look import scenario_text

        situation, context = scenario_text(workspace, scenario)
    told = (workspace, str(situation), context, list(stakeholder), model)
    if assumptions:
        _assume(*told, as_json=as_json)
    else:
        _ask(*told, as_json=as_json)
    if workspace.pack.crisis and not as_json:
        say()
        say(workspace.pack.crisis)


def _ask(workspace: Any, situation: str, context: str, roles: list[str], model: str | None, *, as_json: bool) -> None:
    from curator import modelling

    if as_json or not sys.stdout.isatty():
        with progress() as bar:
            told = modelling.ask(workspace, situation, context, roles, model, bar)
        if as_json:
            return show_json(told)
        _head(situation, context)
        _show(event for one in told for event in _events(one))
        return None
    from curator.ask import check

    check(workspace.pack, situation, roles)  # before anything heavy is loaded
    with progress() as bar:
        voices = modelling.voices(workspace, model, bar)
    _head(situation, context)
    _show(voices.stream(situation, context, roles, in_turn=True))
    return None


def _head(situation: str, context: str) -> None:
    say(f"Situation: {situation}")
    if context:
        say(f"Context: {context}")


def _events(one: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """Yield an answer that is whole as the events of one that is written."""
    for which in ("base", "tuned"):
        if answer := one.get(which):
            head = {"stakeholder": one["stakeholder"], "which": which}
            yield head | {"event": "verdict", "probabilities": answer["probabilities"]}
            yield head | {"event": "text", "text": answer["answer"]}
            yield head | {"event": "end"}


def _show(events: Iterable[dict[str, Any]]) -> None:
    """Print answers as they come, under their role and view."""
    shares: dict[tuple[str, str], str] = {}
    role, at_start = None, True
    for event in events:
        key = event["stakeholder"], event["which"]
        if event["event"] == "verdict":
            shares[key] = ", ".join(f"{verdict} {share:.0%}" for verdict, share in event["probabilities"].items())
        elif event["event"] == "end":
            click.echo()
            at_start = True
        elif text := event["text"].lstrip() if at_start else event["text"]:
            if at_start:
                if role != key[0]:
                    role = key[0]
                    say(f"\n{role}")
                say(f"  {key[1]}: {shares[key]}")
                text, at_start = "    " + text, False
            click.echo(plain(text.replace("\n", "\n    ")), nl=False)
            sys.stdout.flush()


def _assume(
    workspace: Any, situation: str, context: str, roles: list[str], model: str | None, *, as_json: bool
) -> None:
    from curator.assumptions import assume

    with progress() as bar:
        told = assume(workspace, situation, context, roles, model, bar)
    if as_json:
        return show_json(told)
    views = [view for view in ("base", "tuned") if view in told["said"]]
    _head(situation, context)
    say()
    rows = [
        [
            row["kind"],
            row["how"],
            row["stakeholder"].replace("_", " "),
            *(f"{100 * row[view]['moved']:.0f}{_turn(row[view])}" for view in views),
        ]
        for row in told["swaps"]
    ]
    title = "How far the verdicts move when only these words change, in points of 100"
    show_table(["about", "changed", "role", *views], rows, title=title)
    for row in told["data"] or []:
        spoke = ", ".join(f"{kind} {count}" for kind, count in row["mention"].items())
        verdicts = ", ".join(f"{name} {count}" for name, count in row["verdicts"].items())
        people = f"{row['people']} {'people' if row['people'] != 1 else 'person'}"
        say(
            f"{row['stakeholder']}: {row['answers']} answers of {people} in training: {verdicts}; "
            f"of them speak of {spoke}"
        )
    say()
    say(f"Asked: {told['asked']}")
    for view in views:
        say(f"  {view}: " + told["said"][view].replace("\n", "\n    "))
    say()
    say(told["note"])
    return None


def _turn(row: dict[str, Any]) -> str:
    before, after = row["verdicts"]
    return "" if before == after else f", {before} → {after}"


@click.command()
@click.option("--port", default=8765, show_default=True, type=click.IntRange(0, 65535), help="On 127.0.0.1.")
@click.option("--model", help="Which model (default: the last one).")
@click.option("--token", is_flag=True, help="Let only those ask who know a token, made anew each time.")
def serve(port: int, model: str | None, token: bool) -> None:
    """Open the model as a local page, an OpenAI-compatible endpoint and a Label Studio ML backend."""
    from curator.serving import serve_model
    from curator.workspace import Workspace

    def ready(server: Any) -> None:
        key = server.service.token
        say(f"Page: {server.url}/{'#token=' + key if key else ''}")
        views = ", ".join(server.service.voices.views)
        say(f"OpenAI-compatible: {server.url}/v1 (models: {views}){'; API key: ' + key if key else ''}")
        say(f"Label Studio ML backend: {server.url}, or {server.url}/ml/ROLE for one role")
        say("Ctrl-C stops it.")
        sys.stdout.flush()

    with progress() as bar:
        answered = serve_model(Workspace.find(), port, model, token=token, ready=ready, progress=bar)
    say(f"Stopped. {answered} answer{'s' * (answered != 1)} given; nothing of them was kept.")


COMMANDS = [ask, serve]
