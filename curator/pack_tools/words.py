"""What is wrong with the words of a pack: its keys, its prompt, and what people read before they answer."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from curator.errors import nearest
from curator.pack import Pack
from curator.pack_tools.finding import Finding, advice, error
from curator.pack_tools.tags import Tag
from curator.stages.normalise import as_label
from curator.wording import listed

BLANKS = {"system": (), "user": ("situation", "context", "stakeholder"), "answer": ("verdict", "severity", "analysis")}
NO_WHO = "say here who that is, and what they look at"  # what `pack new` writes where it was told no meaning
NO_WHEN = "say here in one line when something is {}"
LEFT = re.compile(rf"{NO_WHO}|{NO_WHEN.format('')}[^.<&\"]*")


def stored(words: Sequence[str]) -> list[str]:
    """Return verdicts or roles as the stage `normalise` writes them.

    >>> stored(["Has to-stop", "fine"])
    ['has_to_stop', 'fine']
    """
    return pl.DataFrame({"word": words}, schema={"word": pl.String}).select(as_label(pl.col("word")))["word"].to_list()


def check_words(pack: Pack, tags: list[Tag]) -> list[Finding]:
    """Return what is wrong with the keys of roles and verdicts, with the prompt and with the guidelines."""
    return [*_keys(pack), *_meanings(pack), *_prompt(pack), *_guidelines(pack, tags), *_placeholders(pack)]


def check_consent(folder: Path) -> list[Finding]:
    """Return what is wrong with the wording that people agree to."""
    path = folder / "consent.md"
    if not path.exists():
        return [advice("There is no consent.md: nobody is told what they agree to. Copy the one of another pack.")]
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        return [error("consent.md is not UTF-8 text. Save it as UTF-8.")]
    except OSError as fault:
        return [error(f"consent.md cannot be read: {fault.strerror}.")]
    return [] if text.strip() else [advice("consent.md is empty: nobody is told what they agree to.")]


def _keys(pack: Pack) -> Iterator[Finding]:
    """Keys that `normalise` rewrites: every answer with such a verdict or role would be dropped as unknown."""
    for kind, table, given in (("verdict", "verdicts", pack.verdicts), ("role", "stakeholders", pack.stakeholders)):
        for word, kept in zip(given, stored(list(given)), strict=True):
            too = " and as the alias of its Choice" if kind == "verdict" else ""
            if not kept:
                yield error(f"[{table}] has a key without a word: {word!r}. Name the {kind}, or take the line out.")
            elif kept != word:
                yield error(f"The {kind} {word!r} is stored as {kept!r}; write it so in pack.toml{too}.")


def _meanings(pack: Pack) -> Iterator[Finding]:
    for role, who in pack.stakeholders.items():
        if not who.strip():
            yield error(f"The role {role!r} has no words, and a model is told the words. Say who that is.")
    for verdict, when in pack.verdicts.items():
        if not when.strip():
            yield advice(f"The verdict {verdict!r} has no words. Say in one line when something is that.")


def _prompt(pack: Pack) -> Iterator[Finding]:
    """Blanks of the prompt that no example fills, and what the model is never told."""
    for part, known in BLANKS.items():
        for blank in re.findall(r"\{(\w+)\}", getattr(pack.prompt, part)):
            if blank not in known:
                why = nearest(blank, list(known)) if known else "It has no blanks."
                yield error(f"[prompt] {part} names {{{blank}}}, which stays as it stands. {why}")
    if "context" in pack.task and "{context}" not in pack.prompt.user:
        yield advice("[prompt] user does not name {context}: no model is told of it.")
    if "{analysis}" not in pack.prompt.answer:
        yield advice("[prompt] answer does not name {analysis}: no model learns to say why.")
    said = f"{pack.prompt.system} {pack.prompt.user}"
    untold = [word for word in pack.verdicts if not re.search(rf"\b{re.escape(word)}\b", said)]
    if untold and len(untold) < len(pack.verdicts):
        yield advice(f"[prompt] names the other verdicts, but not {', '.join(map(repr, untold))}.")


def _guidelines(pack: Pack, tags: list[Tag]) -> Iterator[Finding]:
    folded = _plain(*(tag.text for tag in tags if tag.kind == "markdown"))
    if not pack.guidelines.strip():
        yield advice("There is no guidelines.md, or it is empty: nobody is told how to judge.")
    elif folded and _plain(pack.guidelines) not in folded:
        what = "The page folds in other guidelines than guidelines.md holds."
        yield advice(f"{what} Copy them between <Markdown> and </Markdown>.")


def _plain(*texts: str) -> str:
    return " ".join(" ".join(texts).split())


def _placeholders(pack: Pack) -> Iterator[Finding]:
    """What `pack new` wrote for want of words, each with every place where it still stands."""
    places: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for table, given in (("stakeholders", pack.stakeholders), ("verdicts", pack.verdicts)):
        for word, text in given.items():
            if LEFT.search(text):
                places[text.strip()]["pack.toml"].append(f"[{table}] {word}")
    for file, text in (("config.xml", pack.config), ("guidelines.md", pack.guidelines)):
        for number, line in enumerate(text.split("\n"), 1):
            for left in LEFT.findall(line):
                places[left.strip()][file].append(f"line {number}")
    for left, files in places.items():
        where = listed([f"{file} ({listed(lines)})" for file, lines in files.items()])
        yield advice(f"'{left}' still stands in {where}. Write your own words there.")
