"""Commands about the people who answer."""

from typing import Any

import rich_click as click

from curator.console import json_option, progress, say, show_json, show_table
from curator.progress import one_piece


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def people(context: click.Context, as_json: bool) -> None:
    """Who answers, from which role, what they agreed to, and how they do it (without a command: the statistics)."""
    if context.invoked_subcommand is None:
        _stats(as_json)


@people.command("add")
@click.argument("who")
@click.option("--stakeholder", help="The role from which this person judges.")
@click.option("--team", help="The team that this person belongs to.")
@click.option("--name", help="The full name, so that it can be taken out of texts.")
@click.option("--consent", metavar="PURPOSES", help="What they agreed to: analyse,train.")
@click.option("--text", help="Which wording they agreed to (default: the version of the pack's consent.md).")
def people_add(who: str, **told: str | None) -> None:
    """Add one person by e-mail, or all of a JSONL or CSV file (email, stakeholder, team, name, consent)."""
    from curator.people import add_people
    from curator.workspace import Workspace

    count = add_people(Workspace.find(), who, **told)
    say(f"{count} people are known. Their e-mails stay in the store.")


@people.command("list")
@json_option
def people_list(as_json: bool) -> None:
    """List the people: pseudonym, role, team, consent."""
    from curator.people import listing
    from curator.workspace import Workspace

    with Workspace.find().store() as store:
        rows = listing(store.people())
    if as_json:
        return show_json(rows)
    _table([{**row, "stakeholder": (row["stakeholder"] or "–").replace("_", " ")} for row in rows])
    return None


@people.command("consent")
@click.argument("who")
@click.option("--purposes", help="What they agree to from now on: analyse,train.")
@click.option("--withdraw", is_flag=True, help="They take it back: their answers are used no more.")
@click.option("--text", help="Which wording they agreed to (default: the version of the pack's consent.md).")
def people_consent(who: str, purposes: str | None, withdraw: bool, text: str | None) -> None:
    """Record what WHO (an e-mail or a pseudonym) agrees to, or that they withdraw. What was before stays on record."""
    from curator.people import change_consent
    from curator.workspace import Workspace

    if withdraw == (purposes is not None):
        raise click.UsageError("Give either --purposes or --withdraw.")
    person = change_consent(Workspace.find(), who, purposes, text)
    last = person.consent[-1]
    agreed = f"agrees to {' and '.join(last.purposes)}" if last.purposes else "withdrew their consent"
    say(f"{person.pseudonym} {agreed} (text {last.text}). It counts from the next: curator curate")


@people.command("invite")
@json_option
def people_invite(as_json: bool) -> None:
    """Let everybody into Label Studio: accounts on the embedded server, the invite link on any other."""
    from curator.people import consent_text, invite
    from curator.workspace import Workspace

    workspace = Workspace.find()
    with progress() as bar:
        told = invite(workspace, bar)
    version, text = consent_text(workspace)
    if as_json:
        return show_json({**vars(told), "consent_text": version})
    say(f"{len(told.ready)} people have an account.")
    if told.waiting:
        say(f"{len(told.waiting)} have none yet: {', '.join(told.waiting)}. Send them this link: {told.link}")
    if text:
        say(f"What they agree to (text {version}):\n\n{text.strip()}")
    return None


@people.command("stats")
@json_option
def people_stats(as_json: bool) -> None:
    """Say who does what: answers, pace, self-consistency, agreement with their own role, share of the set."""
    _stats(as_json)


def _stats(as_json: bool) -> None:
    from curator.annotators import who_does_what
    from curator.workspace import Workspace

    with progress() as bar, one_piece(bar, "comparing people"):
        rows = who_does_what(Workspace.find())
    if as_json:
        return show_json(rows)
    shown = [
        {
            "annotator": row["pseudonym"].removeprefix("annotator-"),
            "role": (row["stakeholder"] or "–").replace("_", " "),
            "answers": f"{row['answers']} ({row['share']:.1%})",
            "seconds": "–" if row["pace"] is None else round(row["pace"]),
            "like before": _measure(row["self"]),
            "like their role": _measure(row["role"]),
            "note": row["note"],
        }
        for row in rows
    ]
    _table(shown)
    return None


def _measure(told: dict[str, Any]) -> str:
    if told["share"] is None:
        return "–"
    return f"{told['share']:.0%} ({told['low']:.0%}–{told['high']:.0%})"


def _table(rows: list[dict[str, Any]]) -> None:
    if not rows:
        return say("Nobody is known yet. Add people with: curator people add FILE")
    show_table(list(rows[0]), [["–" if cell is None else cell for cell in row.values()] for row in rows])
    return None


COMMANDS = [people]
