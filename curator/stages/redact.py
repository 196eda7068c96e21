"""redact: names, addresses and numbers of people, each replaced by the same tag in every telling."""

import unicodedata
from collections import Counter

import polars as pl

from curator.example import TEXTS
from curator.maths.pii import ALIKE, KINDS, NAME, TAG, TOUCHING, local_part, names_in, spellings, tag
from curator.maths.replacing import Wanted, replace
from curator.stage import Given, Outcome, decide, stage


@stage("corpus", after=["normalise"])
def redact(rows: pl.DataFrame, given: Given, *, people: list[str] | None = None) -> Outcome:
    """Replace personal data in every text by tags such as `[person kfbtgvhd]`, made with the workspace's key.

    Structured types by pattern and checksum; people from the store, from `people`, and those whose name an e-mail
    address in the data spells out. What was found once is looked for in every text. A known person's single first
    or last name is replaced in texts about the same scenario. Redaction is never complete: names that nobody
    listed and no address spells out stay.
    """
    columns = [name for name in TEXTS if name in rows.columns]
    structured = _structured(rows, columns) | {p.email.strip(): "email" for p in given.people if p.email.strip()}
    emails = {text for text, kind in structured.items() if kind == "email"}
    listed = [*(person.name for person in given.people), *(people or [])]
    known = {" ".join(unicodedata.normalize("NFC", name).split()) for name in listed if name.strip()}
    known |= _spelled_out(rows, columns, emails)
    wanted = _Known(given.key, structured, known)
    held = _held(rows, columns, wanted)
    about = _people_of_scenarios(rows, columns, wanted, held)

    new: dict[str, dict[int, str]] = {name: {} for name in columns}
    found: dict[int, Counter[str]] = {}
    for row in rows.select(pl.row_index("_at"), "scenario", *columns).iter_rows(named=True):
        parts = wanted.parts(about.get(row["scenario"], set()))
        looked_for = [*wanted.of(held.get(row["_at"], [])), *parts]
        if not looked_for:
            continue
        seen: Counter[str] = Counter()
        for name in columns:
            if row[name]:
                text, put = replace(row[name], looked_for)
                seen.update(one.value[1:].partition(" ")[0] for one in put)
                if put:
                    new[name][row["_at"]] = text
        if seen:
            found[row["_at"]] = seen
    clean = rows.with_columns(_scatter(rows[name], changes) for name, changes in new.items() if changes)
    at = sorted(found)
    told = rows[at].select(
        "id",
        pl.Series("_because", [_sentence(found[i]) for i in at], pl.String()),
        pl.Series("_count", [found[i].total() for i in at], pl.Int64()),
    )
    total = sum(found.values(), Counter[str]())
    decisions = decide(told, "edit", "personal data", pl.col("_because"), score=pl.col("_count"))
    return Outcome(clean, decisions, {"found": dict(sorted(total.items()))})


class _Known:
    """Everything that is replaced, and by what."""

    def __init__(self, key: bytes, structured: dict[str, str], people: set[str]) -> None:
        self.key = key
        self.by_needle: dict[str, list[Wanted]] = {}
        self.people: dict[Wanted, str] = {}
        self.owners: dict[str, set[str]] = {}  # who may be behind an address, by its local part
        for text, kind in sorted(structured.items()):
            self._add(Wanted(text, tag(key, kind, text), touching=kind in TOUCHING))
        for person in sorted(people):
            # One word may be an everyday word too, such as Will or Hope: only as it is written.
            one = Wanted(person, tag(key, "person", person), exact=" " not in person)
            self._add(one)
            self.people[one] = person
            for spelled in spellings(person):
                self.owners.setdefault(spelled, set()).add(person)

    def _add(self, one: Wanted) -> None:
        self.by_needle.setdefault(one.needle, []).append(one)

    def of(self, needles: list[str]) -> list[Wanted]:
        """Return what these folded strings stand for."""
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
                    bearers.setdefault(part, set()).add(person)
        return [
            Wanted(part, tag(self.key, "person", min(who) if len(who) == 1 else part), exact=True)
            for part, who in sorted(bearers.items())
        ]


def _held(rows: pl.DataFrame, columns: list[str], wanted: _Known) -> dict[int, list[str]]:
    """Return which folded strings may stand in each row, by one pass of an automaton over all texts."""
    if not wanted.by_needle:
        return {}
    whole = pl.concat_str([pl.col(name) for name in columns], separator="\n", ignore_nulls=True).str.to_lowercase()
    for one, other in ALIKE.items():
        whole = whole.str.replace_all(one, other, literal=True)
    needles = sorted({" ".join(_small(needle).split()) for needle in wanted.by_needle})
    back: dict[str, list[str]] = {}
    for needle in sorted(wanted.by_needle):
        back.setdefault(" ".join(_small(needle).split()), []).append(needle)
    hits = rows.select(whole.str.replace_all(r"\s+", " ").str.extract_many(needles, overlapping=True).alias("hits"))
    return {
        at: sorted(needle for hit in set(found) for needle in back[hit])
        for at, (found,) in enumerate(hits.iter_rows())
        if found
    }


def _small(text: str) -> str:
    return "".join(ALIKE.get(c, c) for c in text.lower())


def _structured(rows: pl.DataFrame, columns: list[str]) -> dict[str, str]:
    """Return every distinct string that looks like a structured type and passes its check, with its kind."""
    texts = pl.concat([rows[name].drop_nulls().alias("text") for name in columns]).unique().sort()
    texts = texts.str.replace_all(TAG, " ] ")  # what was redacted before is nobody's password
    found: dict[str, str] = {}
    for kind, (pattern, sure) in KINDS.items():
        hits = texts.str.extract_all(pattern).explode().drop_nulls().unique().sort()
        new = [hit.strip(" .,;") for hit in hits.to_list() if sure(hit.strip(" .,;"))]
        found |= {text: kind for text in new if text not in found}
        if new:  # what is claimed is taken out, so that no later pattern sees half of it
            texts = texts.str.replace_many(dict.fromkeys(sorted(new, key=len, reverse=True), " "), leftmost=True)
    return found


def _spelled_out(rows: pl.DataFrame, columns: list[str], emails: set[str]) -> set[str]:
    """Return the names in the texts that an e-mail address spells out."""
    addresses = {local_part(email) for email in emails}
    if not addresses:
        return set()
    texts = pl.concat([rows[name].drop_nulls().alias("text") for name in columns]).unique()
    runs = texts.str.extract_all(NAME).explode().drop_nulls().unique().to_list()
    names = {name for run in runs for name in names_in(run)}
    return {name for name in names if not addresses.isdisjoint(spellings(name))}


def _people_of_scenarios(
    rows: pl.DataFrame, columns: list[str], wanted: _Known, held: dict[int, list[str]]
) -> dict[str, set[str]]:
    """Return, for each scenario in which a known person or their address is named in full, these people."""
    about: dict[str, set[str]] = {}
    at = sorted(held)
    for place, row in zip(at, rows[at].select("scenario", *columns).iter_rows(named=True), strict=True):
        for name in columns:
            for one in replace(row[name], wanted.of(held[place]))[1] if row[name] else []:
                if people := wanted.owners_of(one):
                    about.setdefault(row["scenario"], set()).update(people)
    return about


def _scatter(column: pl.Series, changes: dict[int, str]) -> pl.Series:
    return column.scatter(list(changes), list(changes.values()))


def _sentence(seen: Counter[str]) -> str:
    return ", ".join(f"{count} {kind}{'s' if count > 1 else ''}" for kind, count in sorted(seen.items())) + " replaced"
