"""What a page asks, read from its config; an answer as Label Studio stores it, and back. Pure."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from xml.etree import ElementTree

from curator.errors import PackError, UsageError, nearest
from curator.example import digest
from curator.pack import Pack

KINDS = {
    "Choices": "choices",
    "Taxonomy": "taxonomy",
    "Rating": "rating",
    "TextArea": "textarea",
    "Number": "number",
}


class Unfit(ValueError):
    """A stored result that does not answer what the page asks; says why in words for people."""


@dataclass(frozen=True)
class Control:
    """One question of the page."""

    name: str
    kind: str
    object: str  # what it is asked about
    options: tuple[str, ...] = ()  # as stored: the alias where a choice has one; empty where the task brings them
    several: bool = False
    required: bool = False
    shown: tuple[tuple[str, frozenset[str]], ...] = ()  # asked only when each of these chose one of those


@lru_cache(maxsize=16)
def controls(config: str) -> dict[str, Control]:
    """Return the questions of a page by name; PackError where the config is not XML."""
    if "<!DOCTYPE" in config or "<!ENTITY" in config:
        raise PackError("The labeling config declares a DOCTYPE, which curator never reads. Take it out.")
    try:
        root = ElementTree.fromstring(config)  # noqa: S314  no DOCTYPE, no entities
    except ElementTree.ParseError as fault:
        raise PackError(f"The labeling config is not XML: {fault}.") from None
    found: dict[str, Control] = {}
    _walk(root, (), found)
    return found


def _walk(tag: ElementTree.Element, shown: tuple[tuple[str, frozenset[str]], ...], found: dict[str, Control]) -> None:
    if tag.get("visibleWhen") == "choice-selected" and tag.get("whenTagName"):
        values = frozenset(v.strip() for v in tag.get("whenChoiceValue", "").split(",") if v.strip())
        shown = (*shown, (tag.get("whenTagName", ""), values))
    if tag.tag in KINDS and tag.get("name"):
        # a taxonomy stores paths, and may bring its words with the task
        choices = () if tag.tag == "Taxonomy" else tag.iter("Choice")
        options = tuple(c.get("alias") or c.get("value") or "" for c in choices)
        found[tag.get("name", "")] = Control(
            name=tag.get("name", ""),
            kind=KINDS[tag.tag],
            object=tag.get("toName", ""),
            options=options,
            several=tag.tag == "Taxonomy" or tag.get("choice", "single") == "multiple",
            required=tag.get("required", "").lower() == "true",
            shown=shown,
        )
    for child in tag:
        _walk(child, shown, found)


def to_result(pack: Pack, answer: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the items that Label Studio stores for an answer: verdict, severity, analysis, and what is in `extra`."""
    given = {**(answer.get("extra") or {}), **answer}
    page = controls(pack.config)
    items = []
    for column, name in pack.fields.items():
        value = given.get(column)
        if value is None or value == "" or value == []:
            continue
        if name not in page:
            raise PackError(f"The page of {pack.name!r} has no control {name!r} for the {column}.")
        control = page[name]
        items.append(
            {
                "id": digest("item", name)[:10],
                "from_name": name,
                "to_name": control.object,
                "type": control.kind,
                "origin": "manual",
                "value": {_inner(control): _stored(control, column, value)},
            }
        )
    return items


def from_result(pack: Pack, result: Any) -> dict[str, Any]:
    """Return the answer in a stored result, by column; controls that the pack does not map keep their own name.

    Raises Unfit, since the server takes any result at all, whatever the page would have refused.
    """
    if not isinstance(result, list) or not result:
        raise Unfit("it is empty: nothing was answered")
    page, columns = controls(pack.config), {name: column for column, name in pack.fields.items()}
    said: dict[str, Any] = {}
    for item in result:
        if not isinstance(item, dict) or not isinstance(item.get("value", {}), dict):
            raise Unfit("it is not made of answers to controls")
        name = item.get("from_name")
        if name is None and item.get("type") == "relation":
            continue
        if name not in page:
            if item.get("type") in KINDS.values():
                raise Unfit(f"it answers {name!r}, which the page does not ask. {nearest(str(name), list(page))}")
            continue  # a mark in the text: kept in the raw record
        if name in said:
            raise Unfit(f"it answers {name!r} twice")
        value = _read(page[name], item)
        if value is not None:
            said[name] = value
    for control in page.values():
        asked = all(_chose(said.get(tag), values) for tag, values in control.shown)
        if control.name not in said and asked and (control.required or columns.get(control.name) == "verdict"):
            raise Unfit(f"it does not answer {control.name!r}, which the page requires")
    if pack.fields["verdict"] not in said:
        raise Unfit(f"it holds no verdict: nothing answers {pack.fields['verdict']!r}")
    return {columns.get(name, name): _typed(pack, columns.get(name, name), value) for name, value in said.items()}


def _inner(control: Control) -> str:
    return "text" if control.kind == "textarea" else control.kind


def _stored(control: Control, column: str, value: Any) -> Any:
    if control.kind == "choices":
        chosen = [str(one) for one in value] if isinstance(value, list | tuple) else [str(value)]
        for one in chosen:
            if control.options and one not in control.options:
                raise UsageError(
                    f"The page has no choice {one!r} for the {column}. {nearest(one, list(control.options))}"
                )
        return chosen
    return [value] if control.kind == "textarea" else value


def _read(control: Control, item: dict[str, Any]) -> Any:
    """Return what one item says: a word, a list of words, a number or a text; None where it says nothing."""
    if item.get("type") != control.kind:
        raise Unfit(f"it answers {control.name!r} with {item.get('type')!r} where the page asks for {control.kind!r}")
    value = item.get("value", {}).get(_inner(control))
    if control.kind in ("rating", "number"):
        if value is None or (control.kind == "rating" and value == 0):
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Unfit(f"{control.name!r} is not a number")
        return int(value) if float(value).is_integer() else value
    words = [value] if isinstance(value, str) else value
    if words is None or words == []:
        return None
    if isinstance(words, list) and control.kind in ("choices", "taxonomy"):
        words = [_leaf(control, word) for word in words]
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise Unfit(f"{control.name!r} is not made of words")
    if control.kind == "textarea":
        text = words[0] if len(words) == 1 else "\n\n".join(words)
        return text if text.strip() else None
    for word in words:
        if control.options and word not in control.options:
            known = nearest(word, list(control.options))
            raise Unfit(f"{control.name!r} holds {word!r}, which is not among the page's choices. {known}")
    if control.several:
        return words
    if len(words) > 1:
        raise Unfit(f"{control.name!r} holds {len(words)} choices where the page allows one")
    return words[0]


def _leaf(control: Control, word: Any) -> Any:
    """Return a nested choice as one word: its last step, or all of them for a taxonomy, whose words may repeat."""
    if not isinstance(word, list) or not word or not all(isinstance(step, str) for step in word):
        return word
    return " / ".join(word) if control.kind == "taxonomy" else word[-1]


def _chose(value: Any, values: frozenset[str]) -> bool:
    if value is None:
        return False
    return not values or bool(values & set(value if isinstance(value, list) else [str(value)]))


def _typed(pack: Pack, column: str, value: Any) -> Any:
    if column in ("verdict", "severity") and isinstance(value, list):
        if len(value) > 1:
            raise Unfit(f"the {column} holds {len(value)} answers where one is needed")
        value = value[0]
    if column == "verdict" and value not in pack.verdicts:
        raise Unfit(f"the verdict {value!r} is not one of this pack's. {nearest(str(value), list(pack.verdicts))}")
    if column != "severity":
        return value
    try:
        number = int(value)
    except (TypeError, ValueError):
        raise Unfit(f"the severity {value!r} is not a whole number") from None
    if number != float(value):
        raise Unfit(f"the severity {value!r} is not a whole number")
    if pack.severity is not None and not pack.severity.least <= number <= pack.severity.most:
        raise Unfit(f"the severity {number} is not between {pack.severity.least} and {pack.severity.most}")
    return number
