"""Commands about packs: which there are, and whether one is fit to ask people with."""

from pathlib import Path
from typing import Any

import rich_click as click

from curator.console import json_option, progress, say, short_path, show_json, show_table
from curator.progress import one_piece


@click.group()
def pack() -> None:
    """Labeling tasks: list them, make one, check one before people see it."""


@pack.command("list")
@json_option
def pack_list(as_json: bool) -> None:
    """List the packs that come with curator and, in a workspace, its own."""
    from curator.pack_tools.check import known_packs
    from curator.workspace import FILE, Workspace

    here = Path.cwd()
    inside = any((folder / FILE).is_file() for folder in (here, *here.parents))
    rows = known_packs(Workspace.find() if inside else None)
    if as_json:
        return show_json(rows)
    shown = [[row["pack"], row["title"], ", ".join(row["stakeholders"]), ", ".join(row["verdicts"])] for row in rows]
    show_table(["pack", "title", "roles", "verdicts"], shown)
    return None


@pack.command("new")
@click.argument("name")
@click.option("--role", "roles", multiple=True, metavar="WORD[=WHO]", help="Who judges. May be given several times.")
@click.option("--verdict", "verdicts", multiple=True, metavar="WORD[=WHEN]", help="What they may say, mild to grave.")
@json_option
def pack_new(name: str, roles: tuple[str, ...], verdicts: tuple[str, ...], as_json: bool) -> None:
    """Make the pack NAME in this workspace: a page, roles, verdicts and guidelines to edit, whole from the start."""
    from curator.pack_tools.new import new_pack
    from curator.workspace import Workspace

    folder, files = new_pack(Workspace.find().root / "labeling_configs", name, roles, verdicts)
    if as_json:
        return show_json({"pack": name, "files": [str(folder / file) for file in files]})
    for file in files:
        say(f"made {short_path(folder / file)}")
    say(f"Edit them, then: curator pack check {name}")
    say(f'To ask people with it, write in curator.toml: pack = "{name}"')
    return None


@pack.command("check")
@click.argument("name", required=False)
@click.option("--browser", is_flag=True, help="Open the page in Chromium too (the embedded server must be up).")
@json_option
def pack_check(name: str | None, browser: bool, as_json: bool) -> int:
    """Say what is wrong with the pack NAME (default: the workspace's), and what stored answers it would lose."""
    from curator.pack import load_pack
    from curator.pack_tools.check import check_pack, find, losses
    from curator.wording import several
    from curator.workspace import Workspace

    workspace = Workspace.find()
    folder = find(workspace, name)
    found_pack = load_pack(folder)
    pictures: list[Path] = []
    with progress() as bar, one_piece(bar, "checking the pack"):
        found = check_pack(found_pack, folder)
        if browser:
            from curator.pack_tools.browser import look

            seen, pictures = look(workspace, found_pack)
            found += seen
    with workspace.store() as store:
        lost = losses(store.examples(), found_pack)
    wrong = sum(one.level == "error" for one in found)
    told: dict[str, Any] = {"pack": found_pack.name, "findings": [vars(one) for one in found], "lost": lost}
    if as_json:
        show_json({**told, "pictures": [str(path) for path in pictures]})
        return 2 if wrong else 0
    for one in found:
        say(f"{one.level}: {one.what}")
    for line in lost:
        say(f"no longer asked: {line}")
    for path in pictures:
        say(f"picture: {short_path(path)}")
    good = several(len(found) - wrong, "piece", "pieces")
    say(f"{found_pack.name}: {several(wrong, 'error', 'errors')}, {good} of advice.")
    return 2 if wrong else 0


COMMANDS = [pack]
