"""What is wrong with a Label Studio page alone: what its editor refuses, and neither the server nor the SDK does."""

import re
from collections import defaultdict
from collections.abc import Iterator
from difflib import get_close_matches
from itertools import chain

from curator.errors import nearest
from curator.pack_tools.editor import (
    ASKING,
    BELONGS,
    HOLDS,
    KNOWN,
    MOST_STARS,
    OBJECTS,
    READ,
    REFUSED,
    TAKEN,
    WHEN,
    WORDS,
    YES_NO,
)
from curator.pack_tools.finding import Finding, advice, error
from curator.pack_tools.tags import Tag, Torn, read_tags
from curator.wording import listed, several


def check_config(config: str) -> list[Finding]:
    """Return what is wrong with a Label Studio page alone; what the SDK says only where nothing else is wrong."""
    from curator.studio.interface import config_faults

    try:
        read = read_tags(config)
    except Torn as fault:
        return [error(str(fault))]
    tags = [tag for tag in read if not any(around.kind == "hypertext" for around in tag.above)]  # there, HTML
    found = list(chain(_head(config), _names(tags), *map(_tag, tags), *map(_values, tags), _choices(tags), _keys(tags)))
    if not any(one.level == "error" for one in found):
        found += [error(f"The page is not valid: {fault}.") for fault in config_faults(config)]
    if not any(tag.kind in ASKING for tag in tags):
        found.append(advice("The page asks nothing."))
    return found


def _head(config: str) -> Iterator[Finding]:
    if head := re.match(r"\s*(<\?xml[^>]*\bencoding\b[^>]*\?>)", config):
        yield error(f"The page begins with {head[1]}: Label Studio refuses one that names an encoding. Take it out.")


def _names(tags: list[Tag]) -> Iterator[Finding]:
    """What Label Studio calls things by: each name once, each question about an object."""
    called = defaultdict(list)
    for tag in tags:
        if tag.kind in OBJECTS | ASKING and not any(around.kind == "choices" for around in tag.above):
            called[tag.get("name")].append(tag)
            if not tag.get("name"):
                yield error(f'{tag} has no name, by which its answers would be stored. Write name="…".')
    for name, same in called.items():
        if name and len(same) > 1:
            yield error(f"{listed([str(tag) for tag in same])} have the same name. Name each once.")
    objects = [name for name, same in called.items() if name and any(tag.kind in OBJECTS for tag in same)]
    for tag in tags:
        if tag.kind not in ASKING or not tag.get("name"):
            continue
        if not tag.get("toName"):
            yield error(f"{tag} has no toName, the name of the text it asks about. {_about(objects)}")
        for about in tag.get("toName").split(",") if tag.get("toName") else ():
            if about not in called:
                yield error(f"toName of {tag} is {about!r}, which no tag is called. {nearest(about, objects)}")
            elif about not in objects:
                what = f"toName of {tag} is {about!r}, which is a question itself. Name the text it asks about."
                yield error(f"{what} {_about(objects)}")


def _about(objects: list[str]) -> str:
    return f'Write toName="{objects[0]}".' if objects else "The page shows nothing to ask about, such as a Text."


def _tag(tag: Tag) -> Iterator[Finding]:
    """A tag that breaks the page: unknown, or in the wrong place."""
    around = tag.parent
    if around is not None and around.kind == "markdown":
        yield error(f"{tag} stands in Markdown: the page breaks. Write **bold** and *italic* as Markdown does.")
    elif tag.kind in REFUSED:
        yield error(f"{REFUSED[tag.kind]} It stands on line {tag.line}.")
    elif tag.kind not in KNOWN:
        close = get_close_matches(tag.kind, KNOWN, n=1, cutoff=0.75)
        meant = f" Did you mean {READ.get(close[0], close[0].capitalize())}?" if close else ""
        yield error(f"There is no tag {tag.name} (line {tag.line}): the page breaks.{meant}")
    elif tag.kind in READ and tag.name != READ[tag.kind]:
        yield error(f"{tag} is not read by curator. Write {READ[tag.kind]}.")
    elif around is None:
        if tag.kind != "view":
            yield error(f"The page begins with {tag}. Put a View around everything.")
    elif tag.kind not in HOLDS.get(around.kind, {tag.kind}):
        yield error(f"{tag} cannot stand in {around}: the page breaks. Put it outside.")
    elif tag.kind in BELONGS and around.kind != BELONGS[tag.kind].lower():
        yield error(f"{tag} stands outside a {BELONGS[tag.kind]}: the page breaks. Put it in one.")
    elif tag.kind == "markdown" and around.kind == "panel":
        what = f"Markdown stands directly in a Panel (line {tag.line}), which breaks the page. Put a View around it."
        yield error(what)


def _values(tag: Tag) -> Iterator[Finding]:
    """Values of attributes that the page cannot open with, or shows as they stand."""
    for attribute, said in tag.attributes.items():
        name, value = attribute.lower(), said[:40]
        known = WHEN if name == "visiblewhen" else WORDS.get((tag.kind, name))
        if name in YES_NO and value not in ("true", "false"):
            yield error(f'{attribute}="{value}" of {tag} breaks the page. Write {attribute}="true" or "false".')
        elif known and value not in known:
            why = nearest(value, sorted(known))
            yield error(f'Label Studio does not know {attribute}="{value}" of {tag}. {why}')
    value = tag.get("value")
    if tag.kind in OBJECTS and re.fullmatch(r"[A-Za-z_]\w*", value):
        yield error(f'{tag} shows the word {value!r}. Write value="${value}" for what a task holds.')
    if tag.kind == "rating" and stars(tag) is None:
        what = f'maxRating="{tag.get("maxRating")[:40]}" of {tag} is no number of stars.'
        yield error(f'{what} Write a whole number from 1 to {MOST_STARS}, such as maxRating="5".')


def stars(tag: Tag) -> int | None:
    """Return how many stars a Rating has; None where its number is none."""
    said = tag.attributes.get("maxRating", "5")
    return int(said) if re.fullmatch(r"[0-9]{1,3}", said) and 1 <= int(said) <= MOST_STARS else None


def _choices(tags: list[Tag]) -> Iterator[Finding]:
    """Questions whose choices are none, or that cannot be told apart."""
    for control in tags:
        if control.kind not in ("choices", "taxonomy"):
            continue
        under = [tag for tag in tags if tag.kind == "choice" and control in tag.above]
        if not under and not control.get("value").startswith("$") and not control.get("apiUrl"):
            what = f"{control} offers nothing: no Choice stands in it."
            yield error(f'{what} Write <Choice alias="…" value="…"/> for each answer.')
        for choice in under:
            if "value" not in choice.attributes:
                yield error(f'{choice} of {control} has no words to show. Write value="…".')
        yield from _alike(control, under)


def _alike(control: Tag, choices: list[Tag]) -> Iterator[Finding]:
    same: dict[tuple[str, str, Tag | None], list[Tag]] = defaultdict(list)
    for choice in choices:
        shown, kept = choice.get("value"), choice.get("alias") or choice.get("value")
        branch = choice.parent if control.kind == "taxonomy" else None  # on another branch, words may come again
        same["value", shown, branch].append(choice)
        if kept != shown:
            same["alias", kept, branch].append(choice)
    for (attribute, words, _), alike in same.items():
        if words and len(alike) > 1:
            what = "read" if attribute == "value" else "are stored as"
            where = listed([str(choice.line) for choice in alike])
            told = f"{several(len(alike), 'choice', 'choices')} of {control} {what} {words!r} (lines {where})"
            yield error(f"{told} and cannot be told apart. Give each its own {attribute}.")


def _keys(tags: list[Tag]) -> Iterator[Finding]:
    stand: dict[str, list[Tag]] = defaultdict(list)
    for tag in tags:
        for key in tag.get("hotkey").lower().replace(" ", "").split(","):
            if key:
                stand[key].append(tag)
    for key, same in stand.items():
        if len(same) > 1:
            yield error(f"The key {key!r} stands for {listed([_named(tag) for tag in same])} at once.")
        if key in TAKEN:
            what = f"The key {key!r} {TAKEN[key]} in Label Studio, and stands for {_named(same[0])} too."
            yield advice(f"{what} Choose another.")


def _named(tag: Tag) -> str:
    """Say which choice or question a tag is, and where."""
    if tag.kind not in ("choice", "label", "shortcut") or tag.parent is None:
        return str(tag)
    word = tag.get("alias") or tag.get("value")
    whose = next((around.get("name") for around in tag.above if around.get("name")), "")
    return f"{word!r} of {whose!r} (line {tag.line})"
