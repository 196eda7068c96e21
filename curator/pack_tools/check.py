"""What is wrong with a pack before anybody is asked: its page, its mapping, and what a change would lose."""

import contextlib
import json
import re
from collections import Counter
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal
from xml.etree import ElementTree

import polars as pl

from curator.errors import PackError, nearest
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
BLANKS = {"system": (), "user": ("situation", "context", "stakeholder"), "answer": ("verdict", "severity", "analysis")}
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


def check_pack(pack: Pack, folder: str | None = None) -> list[Finding]:
    """Return what is wrong with a pack, which lies in a folder of that name, errors first; nothing for a good one."""
    found = check_config(pack.config) + _prompt(pack)
    if folder is not None and folder != pack.name:
        what = f'pack.toml calls this pack {pack.name!r}, its folder {folder!r}. Write name = "{folder}" there.'
        found.append(Finding("error", what))
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
    if pack.severity is not None and "severity" not in pack.fields:
        what = "There is a scale in [severity], and [fields] does not say which control asks for it."
        found.append(Finding("error", what))
    folded = _plain(*("".join(tag.itertext()) for tag in root.iter("Markdown")))
    if not pack.guidelines.strip():
        found.append(Finding("advice", "There is no guidelines.md: nobody is told how to judge."))
    elif folded and _plain(pack.guidelines) not in folded:
        what = (
            "The page folds in other guidelines than guidelines.md holds. Copy them between <Markdown> and </Markdown>."
        )
        found.append(Finding("advice", what))
    return sorted(found, key=lambda one: one.level != "error")


def check_config(config: str) -> list[Finding]:
    """Return what is wrong with a Label Studio page alone: what the SDK says, and what it and the server miss."""
    try:
        root = _parsed(config)
    except ElementTree.ParseError as fault:
        return [Finding("error", _torn(config, fault))]
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


def _torn(config: str, fault: ElementTree.ParseError) -> str:
    """Say where a page stops being XML, and what is usually wrong there."""
    line, _ = fault.position
    text = config.split("\n")[line - 1].strip()[:80] or "empty, at the end"
    told = f"The page is not XML: {fault}. The line is: {text}"
    if "invalid token" in str(fault):
        return f"{told} In a text, & is written &amp; and < is written &lt;."
    if "mismatched tag" not in str(fault) and "no element" not in str(fault):
        return told
    still: list[str] = []
    parser: Any = ElementTree.XMLPullParser(("start", "end"))
    with contextlib.suppress(ElementTree.ParseError):
        parser.feed(config)
        for event, tag in parser.read_events():
            still = [*still, str(getattr(tag, "tag", ""))] if event == "start" else still[:-1]
    return f"{told} There, {still[-1]} is open and was not closed." if still else told


def _plain(*texts: str) -> str:
    return " ".join(" ".join(texts).split())


def _prompt(pack: Pack) -> list[Finding]:
    """Return blanks of the prompt that no example fills, and what the model is never told."""
    found = []
    for part, known in BLANKS.items():
        for blank in re.findall(r"\{(\w+)\}", getattr(pack.prompt, part)):
            if blank not in known:
                why = nearest(blank, list(known)) if known else "It has no blanks."
                found.append(Finding("error", f"[prompt] {part} names {{{blank}}}, which stays as it stands. {why}"))
    if "context" in pack.task and "{context}" not in pack.prompt.user:
        found.append(Finding("advice", "[prompt] user does not name {context}: no model is told of it."))
    said = f"{pack.prompt.system} {pack.prompt.user}"
    untold = [word for word in pack.verdicts if not re.search(rf"\b{re.escape(word)}\b", said)]
    if untold and len(untold) < len(pack.verdicts):
        found.append(Finding("advice", f"[prompt] names the other verdicts, but not {', '.join(map(repr, untold))}."))
    return found


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
    found = []
    for column, key in pack.task.items():
        lines = pack.cards.get(column, {})
        hidden = {line: part for line, part in lines.items() if part not in shown}
        if key not in shown and len(hidden) == len(lines):
            found.append(Finding("error", f"The page never shows ${key}, which holds the {column}."))
            continue
        for line, part in hidden.items():
            where = f"below the line {line!r}" if line else "above its first line"
            what = f"The page never shows ${part}, what stands in the {column} {where}."
            found.append(Finding("error" if key not in shown else "advice", what))
    known = {*pack.task.values(), *pack.card_keys}
    for key in sorted(shown - known - OURS):
        meant = f" {nearest(key, sorted(known))}" if get_close_matches(key, known) else ""
        what = f"The page shows ${key}, which no task has: Label Studio refuses the scenarios.{meant}"
        found.append(Finding("error", what))
    return found


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
        Finding(
            "error",
            f"The page offers {word!r}, which is no verdict of the pack: such answers would be set aside. "
            f"Add it to [verdicts] in pack.toml, or change the alias. {nearest(word, list(pack.verdicts))}",
        )
        for word in control.options
        if word not in pack.verdicts
    ]
    found += [
        Finding(
            "error",
            f"The verdict {word!r} cannot be chosen: no Choice of {control.name!r} stores it. "
            f'Add <Choice alias="{word}" value="…"/> to config.xml, or take it out of [verdicts].',
        )
        for word in pack.verdicts
        if word not in control.options
    ]
    if control.several:
        found.append(Finding("error", f'{control.name!r} takes several verdicts. Write choice="single-radio".'))
    found += [
        Finding("error", f"{one.name!r} waits for the choice {word!r} of {tag!r}, which nobody can make.")
        for one in page.values()
        for tag, words in one.shown
        if tag not in page or page[tag].options
        for word in sorted(words - set(page[tag].options if tag in page else ()))
    ]
    if control.shown:
        found.append(Finding("error", f"{control.name!r} is hidden until something else is chosen."))
    return found


def losses(rows: pl.DataFrame, pack: Pack) -> list[str]:
    """Return what stored answers hold that this pack no longer asks or offers, with how many answers it touches."""
    mine = rows.filter(pl.col("pack") == pack.name)
    try:
        page = controls(pack.config)
    except PackError:  # no XML: `check_pack` says where
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
    return [f"{what} in {count} answers" for what, count in sorted(lost.items())]


def _off(severity: int, pack: Pack, page: dict[str, Control]) -> bool:
    if "severity" not in pack.fields or pack.fields["severity"] not in page or pack.severity is None:
        return True
    return not pack.severity.least <= severity <= pack.severity.most
