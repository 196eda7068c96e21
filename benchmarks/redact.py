"""How much personal data `redact` finds in our labelled sentences, and how much of what it takes is personal."""

import json
import re
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import polars as pl

from curator.maths.annotators import wilson
from curator.maths.pii import TAG
from curator.privacy import ner
from curator.stage import Given
from curator.stages.redact import redact

GOLD = Path(__file__).parent.parent / "tests" / "pii_gold.jsonl"  # the rules were mended until nothing here was missed
FRESH = GOLD.with_name("pii_fresh.jsonl")  # written after the rules: what to expect of texts that nobody tuned for
KNOWN = [
    "Marta Delacroix",
    "Sinéad O'Brien",
    "Henry Okafor",
    "Wilhelmina Trask-Odell",
    "Anna Lindqvist",
    "Katarzyna Nowak",
    "Priyanka Raman",
    "Li Wei",
    "Tobias Krämer",
    "Jörg Groß",
    "Fatma Yıldız",
]
STRUCTURED = ["email", "phone", "iban", "card", "ssn", "nino", "taxid", "id", "link", "ip", "address", "dob", "secret"]

Span = tuple[int, int, str]


@dataclass
class Tally:
    """What was found of one kind, and what was taken for it; with the sentences where it went wrong."""

    gold: int = 0
    found: int = 0
    taken: int = 0
    right: int = 0
    missed: list[str] = field(default_factory=list)
    false: list[str] = field(default_factory=list)


def gold(path: Path = GOLD) -> list[dict[str, Any]]:
    """Return the labelled sentences: text, lang, and spans of (start, end, kind)."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def spans_of(before: str, after: str) -> list[Span]:
    """Return what a tag stands for in `after`, as places in `before`.

    >>> spans_of("ask Ann Bell now", "ask [person bcdfghjk] now")
    [(4, 12, 'person')]
    """
    tags = re.findall(TAG, after)
    shape = "(.+?)".join(re.escape(part) for part in re.split(TAG, after))
    told = re.fullmatch(shape, before, re.DOTALL)
    assert told, (before, after)
    return [(*told.span(n), tag[1:].partition(" ")[0]) for n, tag in enumerate(tags, 1)]


def predicted(sentences: list[dict[str, Any]], names: Literal["off", "flag", "replace"]) -> list[list[Span]]:
    """Return what the stage replaces in each sentence; every sentence is a scenario of its own."""
    rows = pl.DataFrame(
        {
            "id": [str(n) for n in range(len(sentences))],
            "scenario": [str(n) for n in range(len(sentences))],
            "analysis": [one["text"] for one in sentences],
        }
    )
    after = redact(rows, given=Given(key=b"k" * 32), people=KNOWN, names=names).rows["analysis"].to_list()
    return [spans_of(one["text"], text) for one, text in zip(sentences, after, strict=True)]


def measure(names: Literal["off", "flag", "replace"], path: Path = GOLD) -> dict[str, Tally]:
    """Return a tally for each kind. A label is found when every letter and digit of it is taken, as whatever kind.

    What is taken is right when it touches a label; it counts for the label's kind, and for its own when it is wrong.
    With `names` off, labelled names that nobody listed are not asked for.
    """
    sentences = gold(path)
    tallies: dict[str, Tally] = defaultdict(Tally)
    for one, taken in zip(sentences, predicted(sentences, names), strict=True):
        text = one["text"]
        covered = {i for start, end, _ in taken for i in range(start, end)}
        for start, end, kind in one["spans"]:
            if kind == "name" and names == "off":
                continue
            tally = tallies[kind]
            tally.gold += 1
            if all(i in covered for i in range(start, end) if text[i].isalnum()):
                tally.found += 1
            else:
                tally.missed.append(f"{text[start:end]} in: {text}")
        for start, end, kind in taken:
            touched = [told for begin, stop, told in one["spans"] if begin < end and start < stop]
            tally = tallies[touched[0] if touched else "name" if kind == "person" and names == "replace" else kind]
            tally.taken += 1
            if touched:
                tally.right += 1
            else:
                tally.false.append(f"{text[start:end]} as {kind} in: {text}")
    return tallies


def total(tallies: dict[str, Tally], kinds: list[str]) -> Tally:
    """Return the sum over some kinds."""
    parts = [tallies[kind] for kind in kinds if kind in tallies]
    return Tally(
        sum(t.gold for t in parts),
        sum(t.found for t in parts),
        sum(t.taken for t in parts),
        sum(t.right for t in parts),
        [text for t in parts for text in t.missed],
        [text for t in parts for text in t.false],
    )


def main() -> None:
    """Print recall and precision by kind, every miss and every false alarm."""
    names: Literal["off", "replace"] = "replace" if ner.installed() else "off"
    start = time.perf_counter()
    tallies = measure(names)
    took = time.perf_counter() - start
    sentences = gold()
    free = sum(not one["spans"] for one in sentences)
    print(f"## Redact: {len(sentences)} labelled sentences, {free} of them without personal data (names = {names!r})\n")
    print(
        "| kind | labels | recall | 95 % interval | taken | precision | 95 % interval |\n|---|--:|--:|---|--:|--:|---|"
    )
    everything = sorted(tallies)
    lines = {kind: tallies[kind] for kind in [*STRUCTURED, "person", "name"] if kind in tallies}
    lines |= {"**structured**": total(tallies, STRUCTURED), "**all**": total(tallies, everything)}
    for kind, tally in lines.items():
        print(f"| {kind} | {tally.gold} | {_share(tally.found, tally.gold)} | {tally.taken} |", end="")
        print(f" {_share(tally.right, tally.taken)} |")
    whole = total(tallies, everything)
    print(f"\n{took:.1f} s for all sentences.\n")
    fresh = total(measure("off", FRESH), STRUCTURED)
    print(f"Structured types in sentences written after the rules: {fresh.found} of {fresh.gold}.\n")
    whole.missed += fresh.missed
    for title, texts in (("Missed", whole.missed), ("False alarms", whole.false)):
        print(f"### {title}: {len(texts)}\n")
        print("".join(f"- {text}\n" for text in texts))


def _share(hits: int, of: int) -> str:
    if not of:
        return "– | –"
    told = wilson(hits, of)
    return f"{hits / of:.3f} | {told.low:.3f} – {told.high:.3f}"
