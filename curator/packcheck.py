"""What is wrong with a pack before anybody is asked: its page, its mapping, and what a change would lose."""

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal
from xml.etree import ElementTree

import polars as pl

from curator.labels.results import Control, controls
from curator.pack import SHIPPED, Pack, find_pack, load_pack
from curator.workspace import Workspace

REFUSED = {  # pass every check of the server and the SDK, and break the page of the open edition
    "chat": "Chat is not in Label Studio's open edition: the page breaks. Use Paragraphs for a dialogue.",
    "reactcode": "ReactCode is not in Label Studio's open edition: the page breaks.",
    "custominterface": "CustomInterface is not in Label Studio's open edition: the page breaks.",
}
OBJECT_TAGS = "audio audioplus hypertext image list paragraphs pdf table text timeseries video"
OTHER_TAGS = """
    view header style collapse panel markdown filter repeater pagedview dialog typography relations relation
    shortcut choices choice taxonomy textarea rating number datetime pairwise ranker bucket labels label
    hypertextlabels paragraphlabels audiolabels brush brushlabels ellipse ellipselabels keypoint keypointlabels
    magicwand polygon polygonlabels rectangle rectanglelabels bitmask bitmasklabels vector vectorlabels
    videorectangle timelinelabels timeserieslabels channel multichannel videotimelinelabels script hint p br b i u a
    ul ol li h1 h2 h3 h4 div span
"""
OBJECTS = set(OBJECT_TAGS.split())
KNOWN = OBJECTS | set(OTHER_TAGS.split())
OURS = {"scenario", "domain", "team", "key"}  # what every task of curator's may bring besides the pack's own keys


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong (an error: people could not answer, or answers would be lost) or could be better."""

    level: Literal["error", "advice"]
    what: str


def find(workspace: Workspace, name: str | None) -> Pack:
    """Return the pack of that name, or the workspace's own; PackError names what cannot be read."""
    return load_pack(find_pack(name or workspace.config.pack, [workspace.root / "labeling_configs"]))


def known_packs(workspace: Workspace) -> list[dict[str, Any]]:
    """Return the packs that the workspace can use, its own before the shipped ones of the same name."""
    folders = [workspace.root / "labeling_configs", *SHIPPED]
    names = sorted({path.parent.name for folder in folders for path in folder.glob("*/pack.toml")})
    found = [find(workspace, name) for name in names]
    return [
        {"pack": p.name, "title": p.title, "stakeholders": list(p.stakeholders), "verdicts": list(p.verdicts)}
        for p in found
    ]


def check_pack(pack: Pack) -> list[Finding]:
    """Return what is wrong with a pack, errors first; nothing for a good one."""
    found = check_config(pack.config)
    try:
        root, page = _parsed(pack.config), controls(pack.config)
    except ElementTree.ParseError:
        return found
    found += _keys(pack, root) + _fields(pack, page) + _verdicts(pack, page)
    if pack.severity is not None and (name := pack.fields.get("severity")) in page and page[name].kind == "rating":
        most = int(next(tag.get("maxRating", "5") for tag in root.iter("Rating") if tag.get("name") == name))
        if most != pack.severity.most:
            what = f"The page rates up to {most}, the pack's severity goes up to {pack.severity.most}."
            found.append(Finding("error", what))
    if not pack.guidelines.strip():
        found.append(Finding("advice", "There is no guidelines.md: nobody is told how to judge."))
    return sorted(found, key=lambda one: one.level != "error")


def check_config(config: str) -> list[Finding]:
    """Return what is wrong with a Label Studio page alone: what the SDK says, and what it and the server miss."""
    try:
        root = _parsed(config)
    except ElementTree.ParseError as fault:
        return [Finding("error", f"The page is not XML: {fault}.")]
    found = [Finding("error", f"The page is not valid: {fault}.") for fault in _sdk_faults(config)]
    for tag in root.iter():
        name = str(tag.tag).lower()
        if name in REFUSED:
            found.append(Finding("error", REFUSED[name]))
        elif name not in KNOWN:
            found.append(Finding("error", f"There is no tag {tag.tag}: the page shows an error in its place."))
        if name == "panel" and any(str(child.tag).lower() == "markdown" for child in tag):
            what = "Markdown stands directly in a Panel, which breaks the page. Put a View around it."
            found.append(Finding("error", what))
        value = tag.get("value", "")
        if name in OBJECTS and re.fullmatch(r"[A-Za-z_]\w*", value):
            what = (
                f'{tag.tag} {tag.get("name")!r} shows the word {value!r}. Write value="${value}" for what a task holds.'
            )
            found.append(Finding("error", what))
    keys = Counter(key for tag in root.iter() if (key := (tag.get("hotkey") or "").lower().replace(" ", "")))
    for key, times in keys.items():
        if times > 1:
            found.append(Finding("error", f"The key {key!r} stands for {times} things at once."))
    if not any(tag.get("toName") for tag in root.iter()):
        found.append(Finding("advice", "The page asks nothing."))
    return found


def _parsed(config: str) -> ElementTree.Element:
    return ElementTree.fromstring(config)  # noqa: S314 (packs declare no entities: load_pack refuses them)


def _sdk_faults(config: str) -> list[str]:
    from curator.studio.interface import config_faults

    return config_faults(config)


def _shown(root: ElementTree.Element) -> set[str]:
    """Return the task keys that the page names: `$key`, or `$key.inner`."""
    return {
        found
        for tag in root.iter()
        for name, value in tag.items()
        if name != "toName"
        for found in re.findall(r"\$(\w+)", value)
    }


def _keys(pack: Pack, root: ElementTree.Element) -> list[Finding]:
    shown = _shown(root)
    found = [
        Finding("error", f"The page never shows ${key}, which holds the {column}.")
        for column, key in pack.task.items()
        if key not in shown
    ]
    return found + [
        Finding("error", f"The page shows ${key}, which no task has: Label Studio refuses the scenarios.")
        for key in sorted(shown - set(pack.task.values()) - OURS)
    ]


def _fields(pack: Pack, page: dict[str, Control]) -> list[Finding]:
    found = []
    for column, name in pack.fields.items():
        if name not in page:
            found.append(Finding("error", f"The page has no control {name!r}, which should hold the {column}."))
        elif column in ("verdict", "analysis") and not page[name].required:
            what = f'{name!r} holds the {column} and may be left empty. Write required="true".'
            found.append(Finding("error", what))
        elif column == "severity" and not page[name].required:
            found.append(Finding("advice", f"{name!r} holds the severity and may be left empty."))
    return found + [
        Finding("advice", f"The control {name!r} is no column's: its answers are kept, but not exported.")
        for name in sorted(set(page) - set(pack.fields.values()))
    ]


def _verdicts(pack: Pack, page: dict[str, Control]) -> list[Finding]:
    control = page.get(pack.fields["verdict"])
    if control is None or not control.options:
        return []
    found = [
        Finding("error", f"The page offers {word!r}, which is no verdict of the pack: such answers would be set aside.")
        for word in control.options
        if word not in pack.verdicts
    ]
    found += [
        Finding("error", f"The verdict {word!r} cannot be chosen: no Choice of {control.name!r} stores it.")
        for word in pack.verdicts
        if word not in control.options
    ]
    if control.several:
        found.append(Finding("error", f'{control.name!r} takes several verdicts. Write choice="single-radio".'))
    if control.shown:
        found.append(Finding("error", f"{control.name!r} is hidden until something else is chosen."))
    return found


def losses(rows: pl.DataFrame, pack: Pack) -> list[str]:
    """Return what stored answers hold that this pack no longer asks or offers, with how many answers it touches."""
    mine = rows.filter(pl.col("pack") == pack.name)
    page = controls(pack.config)
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
    return [f"{what} in {count} answers" for what, count in sorted(lost.items())]


def _off(severity: int, pack: Pack, page: dict[str, Control]) -> bool:
    if "severity" not in pack.fields or pack.fields["severity"] not in page or pack.severity is None:
        return True
    return not pack.severity.least <= severity <= pack.severity.most
