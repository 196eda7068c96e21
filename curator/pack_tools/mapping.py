"""What is wrong between pack.toml and its page: texts never shown, columns not asked for, scales that differ."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from itertools import combinations

from curator.errors import nearest
from curator.labels.results import Control
from curator.pack import Pack
from curator.pack_tools.editor import ASKING, READ
from curator.pack_tools.finding import Finding, advice, error
from curator.pack_tools.page import stars
from curator.pack_tools.tags import Tag
from curator.wording import listed

OURS = {"scenario", "domain", "team", "key"}  # what every task of curator's may bring besides the pack's own keys
CHOICES = '<Choices choice="single-radio" required="true">'


def check_mapping(pack: Pack, tags: list[Tag], page: dict[str, Control]) -> list[Finding]:
    """Return where pack.toml and the page do not fit each other."""
    asked = {tag.get("name"): tag for tag in tags if tag.kind in ASKING and tag.get("name")}
    found = [*_keys(pack, tags), *_fields(pack, page, asked), *_whole(pack, page, asked)]
    return [*found, *_waiting(pack, page, asked), *_scale(pack, page, asked), *_hidden(pack, tags, asked)]


def _keys(pack: Pack, tags: list[Tag]) -> Iterator[Finding]:
    shown = {  # the task keys that the page names: `$key`, or `$key.inner`
        key
        for tag in tags
        for name, value in tag.attributes.items()
        if name != "toName"
        for key in re.findall(r"\$(\w+)", value)
    }
    for column, key in pack.task.items():
        lines = pack.cards.get(column, {})
        hidden = {line: part for line, part in lines.items() if part not in shown}
        if key not in shown and len(hidden) == len(lines):
            yield error(f"The page never shows ${key}, which holds the {column}.")
            continue
        for line, part in hidden.items():
            where = f"below the line {line!r}" if line else "above its first line"
            what = f"The page never shows ${part}, what stands in the {column} {where}."
            yield error(what) if key not in shown else advice(what)
    known = {*pack.task.values(), *pack.card_keys}
    for key in sorted(shown - known - OURS):
        meant = f" {nearest(key, sorted(known))}" if get_close_matches(key, known) else ""
        yield error(f"The page shows ${key}, which no task has: Label Studio refuses the scenarios.{meant}")


def _fields(pack: Pack, page: dict[str, Control], asked: dict[str, Tag]) -> Iterator[Finding]:
    """Say which columns no question fills, and which questions fill no column."""
    for column, name in pack.fields.items():
        if name in page:
            if column in ("verdict", "analysis") and not page[name].required:
                yield error(f'{asked[name]} holds the {column} and may be left empty. Write required="true".')
            elif column == "severity" and not page[name].required:
                yield advice(f"{asked[name]} holds the severity and may be left empty.")
        elif name in asked:
            known = listed(sorted(READ.values()), "or")
            yield error(f"{asked[name]} should hold the {column}, and curator reads no such tag. Use {known}.")
        else:
            yield error(f"The page has no control {name!r}, which should hold the {column}.")
    for (one, name), (other, same) in combinations(pack.fields.items(), 2):
        if name == same:
            yield error(f"[fields] {one} and {other} are both {name!r}: one control fills one column. Name another.")
    for name in sorted(set(asked) - set(pack.fields.values())):
        if name in page:
            yield advice(f"The control {name!r} is no column's: its answers are kept, but not exported.")
        else:
            yield advice(f"curator reads no {asked[name]}: what it is answered stays raw, and is not exported.")


def _whole(pack: Pack, page: dict[str, Control], asked: dict[str, Tag]) -> Iterator[Finding]:
    """Say where the verdict or the analysis is no question of its kind, or its choices are not the verdicts."""
    analysis, verdict = page.get(pack.fields["analysis"]), page.get(pack.fields["verdict"])
    if analysis is not None and analysis.kind != "textarea":
        what = f"{asked[analysis.name]} holds the analysis, which is a text. Let [fields] analysis name a TextArea."
        yield error(what)
    if verdict is None:
        return
    tag = asked[verdict.name]
    if verdict.kind != "choices":
        yield error(f"{tag} holds the verdict, which is chosen. Let [fields] verdict name a {CHOICES}.")
        return
    if not verdict.options and tag.get("value").startswith("$"):
        what = f"{tag} takes its choices from the tasks, and the verdicts are the pack's. Write a Choice for each."
        yield error(what)
    for word in dict.fromkeys(verdict.options):
        if word and word not in pack.verdicts:
            what = f"The page offers {word!r}, which is no verdict of the pack: such answers would be set aside. "
            cure = f"Add it to [verdicts] in pack.toml, or change the alias. {nearest(word, list(pack.verdicts))}"
            yield error(what + cure)
    for word in pack.verdicts if verdict.options else ():
        if word not in verdict.options:
            what = f"The verdict {word!r} cannot be chosen: no Choice of {verdict.name!r} stores it. "
            yield error(f'{what}Add <Choice alias="{word}" value="…"/> to config.xml, or take it out of [verdicts].')
    if verdict.several:
        yield error(f'{tag} takes several verdicts. Write choice="single-radio".')


def _waiting(pack: Pack, page: dict[str, Control], asked: dict[str, Tag]) -> Iterator[Finding]:
    """Say which questions wait for what never comes, and where a verdict or an analysis can never be given."""
    for one in page.values():
        for name, words in one.shown:
            known = set(page[name].options) if name in page else set()
            for word in sorted(words - known) if name not in page or known else ():
                yield error(f"{one.name!r} waits for the choice {word!r} of {name!r}, which nobody can make.")
    for column in ("verdict", "analysis"):
        tag = asked.get(pack.fields[column])
        for around in (tag, *tag.above) if tag is not None else ():
            when, whose = around.get("visibleWhen"), around.get("whenTagName")
            chosen = {word.strip() for word in around.get("whenChoiceValue").split(",") if word.strip()}
            if not when:
                continue
            if column == "verdict":
                yield error(f"{tag} holds the verdict, and line {around.line} hides it until something else is done.")
            elif when != "choice-selected" or whose != pack.fields["verdict"]:
                yield error(f"{tag} holds the analysis, and line {around.line} shows it only to some. Show it always.")
            elif chosen and (never := [word for word in pack.verdicts if word not in chosen]):
                said = listed([repr(word) for word in never], "or")
                yield error(f"{tag} holds the analysis: after {said}, line {around.line} hides it. Show it always.")


def _scale(pack: Pack, page: dict[str, Control], asked: dict[str, Tag]) -> Iterator[Finding]:
    """Say where [severity] and the control that asks for it differ."""
    scale, name = pack.severity, pack.fields.get("severity")
    if scale is None:
        if name is not None:
            yield error("[fields] severity names a control, and there is no scale. Add [severity] with least and most.")
        return
    if scale.least >= scale.most:
        yield error(f"[severity] goes from {scale.least} to {scale.most}. least stands below most.")
        return
    if name is None:
        yield error("There is a scale in [severity], and [fields] does not say which control asks for it.")
    if name not in page:
        return
    control, tag = page[name], asked[name]
    ends = f"[severity] goes from {scale.least} to {scale.most}"
    if control.kind == "rating" and (most := stars(tag)) is not None:
        if most != scale.most:
            yield error(f"The page rates up to {most}, the pack's severity goes up to {scale.most} ({tag}).")
        if scale.least != 1:
            yield error(f"{ends}, and {tag} begins with 1 star. Write least = 1.")
    elif control.kind == "number":
        for attribute, end in (("min", scale.least), ("max", scale.most)):
            if tag.get(attribute) != str(end):
                yield error(f'{ends}, and {tag} takes other numbers. Write {attribute}="{end}".')
    elif control.kind in ("textarea", "taxonomy"):
        yield error(f"{tag} holds the severity, which is a number. Let [fields] severity name a Rating.")
    else:
        wrong = [word for word in control.options if not _among(word, scale.least, scale.most)]
        if wrong:
            yield error(f"{ends}, and {tag} stores {listed([repr(word) for word in wrong])}. Write numbers as alias.")


def _among(word: str, least: int, most: int) -> bool:
    return re.fullmatch(r"-?[0-9]{1,9}", word) is not None and least <= int(word) <= most


def _hidden(pack: Pack, tags: list[Tag], asked: dict[str, Tag]) -> Iterator[Finding]:
    """Say which questions a style of the page hides: whole selectors of classes, or the style of a tag."""
    gone: list[set[str]] = []
    for style in tags:
        text = re.sub(r"/\*.*?\*/", "", style.text, flags=re.DOTALL) if style.kind == "style" else ""
        for selectors, rules in re.findall(r"([^{}]+)\{([^{}]*)\}", text):
            if re.search(r"display\s*:\s*none", rules):
                last = [selector.split()[-1] for selector in selectors.split(",") if selector.strip()]
                gone += [set(one[1:].split(".")) for one in last if re.fullmatch(r"(\.[\w-]+)+", one)]
    for name in dict.fromkeys(pack.fields.values()):
        for around in asked[name].above if name in asked else ():
            classes = set(around.get("className").split())
            if any(one <= classes for one in gone) or re.search(r"display\s*:\s*none", around.get("style")):
                yield advice(f"A style hides {around}, and with it the question {name!r}.")
