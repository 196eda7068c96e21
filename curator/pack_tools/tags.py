"""A page as its tags, each with the line it stands on: what a finding names."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

DEEPEST = 100  # tags in one another; the SDK and ElementTree give up at some hundreds
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")


class Torn(ValueError):
    """A page that is not XML; says where, and what is usually wrong there."""


@dataclass(eq=False)
class Tag:
    """One tag of a page."""

    name: str
    attributes: dict[str, str]
    line: int
    parent: "Tag | None" = None
    pieces: list[str] = field(default_factory=list)

    def get(self, attribute: str) -> str:
        """Return an attribute, or nothing."""
        return self.attributes.get(attribute, "")

    @property
    def kind(self) -> str:
        """The tag as Label Studio reads it: in small letters."""
        return self.name.lower()

    @property
    def text(self) -> str:
        """What stands in the tag itself."""
        return "".join(self.pieces)

    @property
    def above(self) -> "Iterator[Tag]":
        """The tags around this one, the nearest first."""
        around = self.parent
        while around is not None:
            yield around
            around = around.parent

    def __str__(self) -> str:
        named = f" {self.get('name')!r}" if self.get("name") else ""
        return f"{self.name}{named} (line {self.line})"


def read_tags(config: str) -> list[Tag]:
    """Return the tags of a page, in order; Torn where it is not XML or nested too deep."""
    found: list[Tag] = []
    still: list[Tag] = []
    parser = expat.ParserCreate()

    def begin(name: str, attributes: dict[str, str]) -> None:
        if len(still) == DEEPEST:
            line = parser.CurrentLineNumber
            raise Torn(f"The page is nested more than {DEEPEST} tags deep, at line {line}. Close tags before others.")
        found.append(Tag(name, attributes, parser.CurrentLineNumber, still[-1] if still else None))
        still.append(found[-1])

    def write(text: str) -> None:
        still[-1].pieces.append(text)

    parser.StartElementHandler = begin
    parser.EndElementHandler = lambda _: still.pop()
    parser.CharacterDataHandler = write
    if odd := CONTROL.search(config):
        line = config.count("\n", 0, odd.start()) + 1
        what = f"line {line} holds the control character U+{ord(odd[0]):04X}, which no page may hold. Take it out."
        raise Torn(f"The page is not XML: {what}")
    try:
        parser.Parse(config, True)
    except expat.ExpatError as fault:
        raise Torn(_why(config, fault, still)) from None
    return found


def _why(config: str, fault: expat.ExpatError, still: list[Tag]) -> str:
    """Say where a page stops being XML, and what is usually wrong there."""
    text = config.split("\n")[fault.lineno - 1].strip()[:80] or "empty, at the end"
    told = f"The page is not XML: {fault}. The line is: {text}"
    if "invalid token" in str(fault):
        return f"{told} In a text, & is written &amp; and < is written &lt;."
    if still and ("mismatched tag" in str(fault) or "no element" in str(fault)):
        return f"{told} There, {still[-1].name} (line {still[-1].line}) is open and was not closed."
    return told
