"""Commands that bring answers in."""

from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import rich_click as click

from curator.console import json_option, plain, progress, say, show_json, show_table
from curator.errors import QUARANTINED, SourceError
from curator.progress import one_piece

if TYPE_CHECKING:
    from curator.workspace import Workspace

FILES = click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))


@click.command()
@click.argument("folder", default=".", type=click.Path(path_type=Path, file_okay=False))
@click.option("--pack", default="workplace", show_default=True, help="The labeling task to begin with.")
@click.option("--sample", is_flag=True, help="Bring the sample scenarios, answers and people along.")
def init(folder: Path, pack: str, sample: bool) -> None:
    """Make FOLDER a workspace: curator.toml, a recipe and a pack to edit."""
    from curator.begin import begin

    for made in begin(folder, pack, sample=sample):
        say(f"made {made}")
    say("Next: curator status")


@click.command()
@click.option("--email", help="Whose log-in to print (default: the owner's).")
@json_option
def up(email: str | None, as_json: bool) -> None:
    """Start the embedded Label Studio on a free port of this machine."""
    from curator import collecting
    from curator.studio import server
    from curator.workspace import Workspace

    workspace = Workspace.find()
    with progress() as bar:
        running = server.up(workspace.studio, bar)
    account = collecting.account(workspace, email)
    told = {"url": running.url, "email": account.email, "password": account.password, "pid": running.pid}
    if as_json:
        return show_json(told)
    say(f"Label Studio is up at {running.url}")
    say(f"log in as {account.email} with {account.password}")
    return None


@click.command()
def down() -> None:
    """Stop the embedded Label Studio."""
    from curator.studio import server
    from curator.workspace import Workspace

    say("Label Studio is down." if server.down(Workspace.find().studio) else "Label Studio was not running.")


@click.command()
@click.option("--blind", is_flag=True, help="One project for each stakeholder, so that no role sees another's answers.")
@click.option("--yes", is_flag=True, help="Change the page even where stored answers do not fit it.")
@json_option
def project(blind: bool, yes: bool, as_json: bool) -> None:
    """Make the Label Studio project of this workspace's pack, or find it, and say who answers where."""
    from curator import collecting
    from curator.workspace import Workspace

    with progress() as bar:
        found = collecting.project(Workspace.find(), blind, bar, yes=yes)
    if as_json:
        return show_json([{**vars(one), "link": one.link} for one in found])
    for one in found:
        say(f"Project {one.number}, {one.url}" + (f" for {one.part}" if one.part else ""))
        say(f"People answer at {one.link}" + (", told to these only:" if one.part else ""))
        if one.part:
            say("\n".join(f"  {email}" for email in one.people))
    return None


@click.command()
@FILES
@click.option("--no-check", is_flag=True, help="Do not look for scenarios that are nearly the same as older ones.")
@json_option
def push(files: tuple[Path, ...], no_check: bool, as_json: bool) -> int:
    """Send the scenarios of FILES to the project; those already there are not sent again."""
    from curator import collecting
    from curator.workspace import Workspace

    with progress() as bar:
        done = collecting.push(Workspace.find(), list(files), not no_check, bar)
    if as_json:
        show_json({**done._asdict(), "refused": [[r.place, r.reason] for r in done.refused]})
    else:
        for new, old, score in done.alike:
            say(f"alike ({score:.3f}): {new[:60]!r} and {old[:60]!r}, which was there")
        say(f"{done.sent} scenarios sent, {done.known} were there already.")
        for record in done.refused:
            say(f"set aside: {record.place}: {record.reason}")
    return QUARANTINED if done.refused else 0


@click.command()
@click.option("--confirm-deletions", is_flag=True, help="Believe the server that many answers are gone.")
@click.option("--trust-server", is_flag=True, help="Believe a restored server, or a token that is shown less.")
@click.option("--watch", type=click.IntRange(1), metavar="SECONDS", help="Pull again and again, until Ctrl-C.")
@json_option
def pull(confirm_deletions: bool, trust_server: bool, watch: int | None, as_json: bool) -> int:
    """Fetch new, changed and deleted answers from the project into the store."""
    from curator import collecting
    from curator.workspace import Workspace

    workspace = Workspace.find()
    if watch:
        _watch(workspace, watch, as_json)
    with progress() as bar:
        intake = collecting.pull(workspace, confirm_deletions, bar, trust_server=trust_server)
    code = _taken(vars(intake), as_json)
    if not as_json:
        say(collecting.proof(workspace))
    return code


def _watch(workspace: "Workspace", seconds: int, as_json: bool) -> NoReturn:
    """Pull every so many seconds and say what came; a server that is away for a while is waited for."""
    import time

    from curator import collecting

    while True:
        try:
            intake = collecting.pull(workspace)
        except SourceError as fault:
            click.echo(plain(f"waiting: {fault}"), err=True)
        else:
            if intake.new or intake.changed or intake.deleted or intake.quarantined:
                _taken(vars(intake), as_json)
        time.sleep(seconds)


@click.command()
@FILES
@click.option("--source", help="A name for where these come from, such as a team's (default: the file's name).")
@click.option("--stakeholder", help="The role of everybody whose role is not known.")
@click.option("--annotator", help="Who gave the answers that name nobody.")
@click.option(
    "--map", "maps", multiple=True, metavar="COLUMN=FIELD", help="Which field holds a column: situation=text."
)
@click.option("--guess", is_flag=True, help="Propose the --map options for a file of another making; load nothing.")
@json_option
def add(
    files: tuple[Path, ...],
    source: str | None,
    stakeholder: str | None,
    annotator: str | None,
    maps: tuple[str, ...],
    guess: bool,
    as_json: bool,
) -> int:
    """Read answers from FILES without a server: JSONL, CSV, Parquet or any Label Studio export."""
    from curator import collecting
    from curator.intake.guess import parse_columns
    from curator.workspace import Workspace

    workspace = Workspace.find()
    if guess:
        return _guess(workspace, files, as_json)
    with progress() as bar:
        added = collecting.add(workspace, list(files), source, stakeholder, annotator, parse_columns(maps), bar)
    if added.scenarios and not added.intake.fetched and not as_json:
        say(f"{added.scenarios} scenarios read; answers in other files may name them now.")
        return 0
    return _taken(vars(added.intake), as_json, added.left_out)


@click.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--source", help="A name for where these come from (default: the other workspace's own name).")
@json_option
def pool(folders: tuple[Path, ...], source: str | None, as_json: bool) -> None:
    """Take the answers of other teams' workspaces (FOLDERS), redacted over there and under their pseudonyms."""
    from curator.pooling import pool as take
    from curator.workspace import Workspace

    if source and len(folders) > 1:
        raise click.UsageError("One --source cannot name several folders. Pool them one by one.")
    here = Workspace.find()
    with progress() as bar:
        told = [take(here, folder, source, bar) for folder in folders]
    if as_json:
        return show_json([vars(one) | {"intake": vars(one.intake)} for one in told])
    for one in told:
        say(f"{one.source}:")
        _taken(vars(one.intake), as_json=False)
        if one.without_consent:
            say(f"{one.without_consent} answers stayed there: their authors did not agree to analysis and training.")
    return None


def _guess(workspace: "Workspace", files: tuple[Path, ...], as_json: bool) -> int:
    from dataclasses import asdict

    from curator.files import read
    from curator.intake.guess import guess

    told = [(path, guess(path, read(path), workspace.pack)) for path in files]
    if as_json:
        show_json([{"file": str(path), **asdict(found)} for path, found in told])
        return 0
    for path, found in told:
        say(f"{path.name} seems to hold {found.holds}.")
        if found.columns:
            rows = [[c.column, c.field, c.why, " | ".join(c.samples)] for c in found.columns]
            show_table(["column", "field", "why", "what stands there"], rows)
        for hint in found.hints:
            say(hint)
        if found.command:
            say(f"To load it: {found.command}")
    return 0


def _taken(told: dict[str, int], as_json: bool, left_out: dict[str, int] | None = None) -> int:
    if as_json:
        show_json(told if left_out is None else {**told, "left_out": left_out})
    else:
        say(
            "{fetched} answers fetched: {new} new, {changed} changed, {same} as before, {deleted} deleted.".format(
                **told
            )
        )
        if left_out:
            say(f"No answers: {', '.join(f'{count} {what}' for what, count in left_out.items())}.")
        if told["quarantined"]:
            say(f"{told['quarantined']} could not be read and were set aside: curator verify")
    return QUARANTINED if told["quarantined"] else 0


@click.command()
@json_option
def verify(as_json: bool) -> int:
    """Prove that nothing was lost: the store's counts and hashes, and every file of the last dataset."""
    from curator import collecting
    from curator.workspace import Workspace

    with progress() as bar, one_piece(bar, "checking store and dataset"):
        told = collecting.verify(Workspace.find())
    if as_json:
        show_json(told)
    else:
        for line in told["lines"]:
            say(line)
        if told["quarantine"]:
            show_table(["source", "where", "why"], [[q["source"], q["place"], q["reason"]] for q in told["quarantine"]])
    return QUARANTINED if told["quarantine"] else 0


COMMANDS = [init, up, down, project, push, pull, add, pool, verify]
