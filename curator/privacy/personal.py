"""Personal data in a frame of texts: what is found by its shape, who is known, and where each may stand."""

import re
from collections.abc import Iterable

import polars as pl

from curator.maths.pii import (
    ALIKE,
    CUED,
    DISGUISED,
    KINDS,
    NAME,
    TAG,
    TITLED,
    TOUCHING,
    aliases,
    local_part,
    names_in,
    spellings,
    tag,
    titled,
    unveil,
)
from curator.maths.replacing import Wanted

_ALIKE = str.maketrans(ALIKE)
DIGITLESS = ("link", "secret", "email", "ip")  # kinds that a text without any digit may hold


def unveiled(texts: pl.Series) -> pl.Series:
    """Return the texts without zero-width characters, full-width letters, entities, "(at)" and the like."""
    at = texts.str.contains(DISGUISED).fill_null(False).arg_true().to_list()
    return texts.scatter(at, [unveil(texts[i])[0] for i in at]) if at else texts


def structured(texts: pl.Series) -> dict[str, str]:
    """Return every distinct string that looks like a structured type and passes its check, with its kind."""
    texts = texts.drop_nulls().unique().sort().str.replace_all(TAG, " ] ")  # a tag is nobody's password
    texts = texts.str.replace_many({one: to for one, to in ALIKE.items() if to == "-"}).str.replace_all(r"[^\S\n]", " ")
    found: dict[str, str] = {}

    def claim(kind: str, new: Iterable[str]) -> pl.Series:
        """Take what is claimed out of the texts, so that no later pattern sees half of it."""
        new = [text for text in new if text]
        found.update((text, kind) for text in new if text not in found)
        out = dict.fromkeys(sorted(new, key=len, reverse=True), " ] ")
        return texts.str.replace_many(out, leftmost=True) if out else texts

    for kind, (pattern, sure) in KINDS.items():
        if kind == "phone":  # a date of birth and a document's number look like one
            for what, before, told, after, check in CUED:
                shape = re.compile(rf"{before}(?P<told>{told}){after}")
                hits = (shape.fullmatch(hit) for hit in _hits(texts, before + told + after, digits=True))
                texts = claim(what, [hit["told"] for hit in hits if hit and check(hit["told"])])
        hits_of_kind = [hit.strip(" .,;") for hit in _hits(texts, pattern, digits=kind not in DIGITLESS)]
        texts = claim(kind, [hit for hit in hits_of_kind if hit and sure(hit)])
    return found


def _hits(texts: pl.Series, pattern: str, *, digits: bool = False) -> list[str]:
    """Return what the pattern finds; with `digits` only in texts that have one, which is soon seen."""
    texts = texts.filter(texts.str.contains(r"\d")) if digits else texts
    found: list[str] = texts.str.extract_all(pattern).explode().drop_nulls().unique().sort().to_list()
    return found


def spelled_out(texts: pl.Series, emails: set[str]) -> set[str]:
    """Return the names in the texts that an e-mail address spells out."""
    addresses = {local_part(email) for email in emails}
    if not addresses:
        return set()
    runs = texts.drop_nulls().unique().str.extract_all(NAME).explode().drop_nulls().unique().to_list()
    names = {name for run in runs for name in names_in(run)}
    return {name for name in names if not addresses.isdisjoint(spellings(name))}


def titles(texts: pl.Series) -> list[str]:
    """Return what the texts say of people with a title and a family name: "Frau Groß"."""
    return [" ".join(hit.split()) for hit in _hits(texts.drop_nulls().unique(), TITLED)]


class Book:
    """Everything that is replaced, and by what.

    `guessed` are names that a model found, without anybody's word; `hints` say with a title who is in a story.
    """

    def __init__(
        self,
        key: bytes,
        found: dict[str, str],
        people: set[str],
        guessed: Iterable[str] = (),
        hints: Iterable[str] = (),
    ) -> None:
        self.key = key
        self.by_needle: dict[str, list[Wanted]] = {}
        self.people: dict[Wanted, str] = {}
        self.hints: set[Wanted] = set()  # never replaced: they say who is in the story
        self.owners: dict[str, set[str]] = {}  # who may be behind an address, by its local part
        for text, kind in sorted(found.items()):
            self._add(Wanted(text, tag(key, kind, text), touching=kind in TOUCHING))
        alone = {name for name in guessed if " " not in name}
        everybody = people | {name for name in guessed if name not in alone}
        taken: dict[str, set[str]] = {}
        for person in everybody:
            for alias in aliases(person):
                taken.setdefault(alias, set()).add(person)
        for person in sorted(everybody):
            # One word may be an everyday word too, such as Will or Hope: only as it is written.
            one = Wanted(person, tag(key, "person", person), exact=" " not in person)
            self._add_person(one, person)
            if " " in person:  # the German genitive
                self._add_person(Wanted(f"{person}s", f"{one.value}s", exact=True), person)
            for alias in sorted(aliases(person)):
                if alias not in everybody and taken[alias] == {person}:
                    self._add_person(Wanted(alias, one.value, exact=not alias.islower()), person)
            for spelled in spellings(person):
                self.owners.setdefault(spelled, set()).add(person)
        families: dict[str, set[str]] = {}
        for person in everybody:
            for spelled in {person, *aliases(person)} if hints else ():
                if " " in person:
                    families.setdefault(titled(spelled), set()).add(person)
        for hint in hints:
            for person in sorted(families.get(titled(hint), set())):
                self._add_person(Wanted(hint, person, exact=True), person, hint=True)
        for name in sorted(alone - everybody):
            self._add(Wanted(name, tag(key, "person", name), exact=True))

    def _add(self, one: Wanted) -> None:
        self.by_needle.setdefault(one.needle, []).append(one)

    def _add_person(self, one: Wanted, person: str, hint: bool = False) -> None:
        self._add(one)
        self.people[one] = person
        if hint:
            self.hints.add(one)

    def of(self, needles: list[str]) -> list[Wanted]:
        """Return what these folded strings stand for, to be replaced."""
        return [one for one in self.told_by(needles) if one not in self.hints]

    def told_by(self, needles: list[str]) -> list[Wanted]:
        """Return what these folded strings stand for, hints too."""
        return [one for needle in needles for one in self.by_needle.get(needle, [])]

    def owners_of(self, one: Wanted) -> set[str]:
        """Return the people whom a string names: themselves, or those whose name an address spells."""
        if one in self.people:
            return {self.people[one]}
        return self.owners.get(local_part(one.text), set()) if "@" in one.text else set()

    def parts(self, people: set[str]) -> list[Wanted]:
        """Return the single names of these people. One that several of them bear gets a tag of its own."""
        bearers: dict[str, set[str]] = {}
        for person in people:
            for part in {piece for word in person.split() for piece in (word, *word.split("-"))} - {person}:
                if len(part) > 2 and not part.islower():  # "van", "de la": words of everyday
                    for spelled in {part, *aliases(part)}:
                        bearers.setdefault(spelled, set()).add(person)
        return [
            Wanted(part, tag(self.key, "person", min(who) if len(who) == 1 else part), exact=True)
            for part, who in sorted(bearers.items())
            if not part.islower()
        ]

    def held(self, texts: pl.Series) -> dict[int, list[str]]:
        """Return which folded strings may stand in each text, by one pass of an automaton over all of them."""
        if not self.by_needle:
            return {}
        whole = texts.str.to_lowercase()
        for one, other in ALIKE.items():
            whole = whole.str.replace_all(one, other, literal=True)
        needles = sorted({" ".join(_small(needle).split()) for needle in self.by_needle})
        back: dict[str, list[str]] = {}
        for needle in sorted(self.by_needle):
            back.setdefault(" ".join(_small(needle).split()), []).append(needle)
        hits = whole.str.replace_all(r"\s+", " ").str.extract_many(needles, overlapping=True)
        places = (hits.list.len() > 0).arg_true()
        return {
            at: sorted(needle for hit in set(found) for needle in back[hit])
            for at, found in zip(places.to_list(), hits.gather(places).to_list(), strict=True)
        }


def _small(text: str) -> str:
    return text.lower().translate(_ALIKE)
