"""What is wrong with a pack before anybody is asked: its page, its mapping, its words, and what a change would lose."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl

from curator.errors import PackError
from curator.labels.results import Control, controls
from curator.pack import SHIPPED, Pack, find_pack, load_pack
from curator.pack_tools.finding import Finding, error
from curator.pack_tools.mapping import check_mapping
from curator.pack_tools.page import check_config
from curator.pack_tools.tags import Torn, read_tags
from curator.pack_tools.words import check_consent, check_words
from curator.wording import several
from curator.workspace import Workspace


def find(workspace: Workspace, name: str | None) -> Path:
    """Return the folder of the pack of that name, or of the workspace's own; PackError where there is none."""
    return find_pack(name or workspace.config.pack, [workspace.root / "labeling_configs"])


def known_packs(workspace: Workspace | None) -> list[dict[str, Any]]:
    """Return the packs that a workspace can use, its own before shipped ones of the same name; None: the shipped."""
    own = [workspace.root / "labeling_configs"] if workspace is not None else []
    places = [path.parent for folder in [*own, *SHIPPED] for path in folder.glob("*/pack.toml")]
    folders = {place.name: place for place in reversed(places)}
    found = [load_pack(folders[name]) for name in sorted(folders)]
    return [
        {"pack": p.name, "title": p.title, "stakeholders": list(p.stakeholders), "verdicts": list(p.verdicts)}
        for p in found
    ]


def check_pack(pack: Pack, folder: Path | None = None) -> list[Finding]:
    """Return what is wrong with a pack, which was read from `folder`, errors first; nothing for a good one."""
    found = check_config(pack.config)
    try:
        tags, page = read_tags(pack.config), controls(pack.config)
    except (Torn, PackError):  # no XML: `check_config` says where
        tags, page = [], {}
    else:
        found += check_mapping(pack, tags, page)
    found += check_words(pack, tags)
    if folder is not None:
        if folder.name != pack.name:
            what = f"pack.toml calls this pack {pack.name!r}, its folder {folder.name!r}."
            found.append(error(f'{what} Write name = "{folder.name}" there.'))
        found += check_consent(folder)
    return sorted(found, key=lambda one: one.level != "error")


def losses(rows: pl.DataFrame, pack: Pack) -> list[str]:
    """Return what stored answers hold that this pack no longer asks or offers, with how many answers it touches."""
    mine = rows.filter(pl.col("pack") == pack.name)
    try:
        page = controls(pack.config) if read_tags(pack.config) else {}
    except (Torn, PackError):  # no XML, or too deep: `check_pack` says where
        return []
    lost: Counter[str] = Counter()
    for row in mine.select("verdict", "stakeholder", "severity", "extra").iter_rows(named=True):
        options = page[pack.fields["verdict"]].options if pack.fields["verdict"] in page else ()
        if row["verdict"] not in pack.verdicts or (options and row["verdict"] not in options):
            lost[f"the verdict {row['verdict']!r}"] += 1
        if row["stakeholder"] not in pack.stakeholders:
            lost[f"the role {row['stakeholder']!r}"] += 1
        if row["severity"] is not None and _off(row["severity"], pack, page):
            lost[f"the severity {row['severity']}"] += 1
        for name, value in (json.loads(row["extra"]) if row["extra"] else {}).items():
            control = page.get(pack.fields.get(name, name))
            for word in value if isinstance(value, list) else []:
                if control is not None and control.options and word not in control.options:
                    lost[f"{name} {word!r}"] += 1
    return [f"{what} in {several(count, 'answer', 'answers')}" for what, count in sorted(lost.items())]


def _off(severity: int, pack: Pack, page: dict[str, Control]) -> bool:
    if "severity" not in pack.fields or pack.fields["severity"] not in page or pack.severity is None:
        return True
    return not pack.severity.least <= severity <= pack.severity.most
