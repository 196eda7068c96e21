"""redact: names, addresses and numbers of people, each replaced by the same tag in every telling."""

import re
from collections import Counter

import polars as pl

from curator.example import TEXTS
from curator.maths.pii import KINDS, NAME, spells, tag
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
    structured = _structured(rows, columns)
    known = {person.name for person in given.people if person.name} | set(people or [])
    known |= _spelled_out(rows, columns, [text for text, kind in structured.items() if kind == "email"])
    tags = {text: tag(given.key, kind, text) for text, kind in structured.items()}
    for person in known:
        tags[person] = tag(given.key, "person", person)
    if not tags:
        return Outcome(rows, measures={"found": {}})
    replace = _Replacer(tags, known)
    about = _people_of_scenarios(rows, columns, replace)
    held = pl.any_horizontal(pl.col(name).str.contains(replace.hint).fill_null(False) for name in columns)
    named = pl.col("scenario").is_in(list(about))
    suspects = rows.with_row_index("_at").filter(held | named)

    new: dict[str, dict[int, str]] = {name: {} for name in columns}
    found: dict[int, Counter[str]] = {}
    for row in suspects.select("_at", "scenario", *columns).iter_rows(named=True):
        seen: Counter[str] = Counter()
        for name in columns:
            if row[name]:
                text = replace(row[name], about.get(row["scenario"], frozenset()), seen)
                if text != row[name]:
                    new[name][row["_at"]] = text
        if seen:
            found[row["_at"]] = seen
    clean = rows.with_columns(_scatter(rows[name], changes) for name, changes in new.items() if changes)
    at = sorted(found)
    told = (
        rows[at]
        .select("id")
        .with_columns(
            pl.Series("_because", [_sentence(found[i]) for i in at], pl.String()),
            pl.Series("_count", [found[i].total() for i in at], pl.Int64()),
        )
    )
    total = sum(found.values(), Counter[str]())
    decisions = decide(told, "edit", "personal data", pl.col("_because"), score=pl.col("_count"))
    return Outcome(clean, decisions, {"found": dict(sorted(total.items()))})


class _Replacer:
    """Replaces known strings by their tags, longest first, and never inside a tag."""

    def __init__(self, tags: dict[str, str], people: set[str]) -> None:
        self.tags = {" ".join(text.casefold().split()): value for text, value in tags.items()}
        self.people = {" ".join(person.casefold().split()): person for person in people}
        longest = sorted(self.tags, key=lambda text: (-len(text), text))
        one = "|".join(r"\s+".join(map(re.escape, text.split())) for text in longest)
        self.pattern = re.compile(rf"\[[a-z]+ [b-v]{{8}}\]|(?<!\w)(?:{one})(?!\w)", re.IGNORECASE)
        self.hint = "(?i)" + one.replace(r"\ ", " ")

    def mentioned(self, text: str) -> set[str]:
        """Return the known people whose whole name, or whose address, stands in the text."""
        forms = {" ".join(match.group().casefold().split()) for match in self.pattern.finditer(text)}
        emails = [form for form in forms if "@" in form]
        return {
            person
            for form, person in self.people.items()
            if form in forms or any(spells(email, person) for email in emails)
        }

    def __call__(self, text: str, about: frozenset[str], seen: Counter[str]) -> str:
        def put(match: re.Match[str]) -> str:
            if match.group().startswith("["):
                return match.group()
            value = self.tags[" ".join(match.group().casefold().split())]
            seen[value[1:].partition(" ")[0]] += 1
            return value

        text = self.pattern.sub(put, text)
        for person in sorted(about):  # "Marta" alone, where Marta Delacroix is known to be in the story
            value = self.tags[" ".join(person.casefold().split())]
            for part in person.split():
                if len(part) > 2:
                    text, count = re.subn(rf"(?<![\w\[]){re.escape(part)}(?!\w)", value, text)
                    seen["person"] += count
        if not seen["person"]:
            del seen["person"]
        return text


def _structured(rows: pl.DataFrame, columns: list[str]) -> dict[str, str]:
    """Return every distinct string that looks like a structured type and passes its check, with its kind."""
    texts = pl.concat([rows[name].drop_nulls().alias("text") for name in columns]).unique().sort()
    found: dict[str, str] = {}
    for kind, (pattern, sure) in KINDS.items():
        hits = texts.str.extract_all(pattern).explode().drop_nulls().unique().sort()
        new = [hit.strip(" .,;") for hit in hits.to_list() if sure(hit.strip(" .,;"))]
        found |= {text: kind for text in new if text not in found}
        if new:  # what is claimed is taken out, so that no later pattern sees half of it
            texts = texts.str.replace_many(dict.fromkeys(sorted(new, key=len, reverse=True), " "), leftmost=True)
    return found


def _spelled_out(rows: pl.DataFrame, columns: list[str], emails: list[str]) -> set[str]:
    """Return the names in the texts that an e-mail address in the texts spells out."""
    if not emails:
        return set()
    texts = pl.concat([rows[name].drop_nulls().alias("text") for name in columns]).unique()
    names = texts.str.extract_all(NAME).explode().drop_nulls().unique().sort().to_list()
    return {name for name in names if any(spells(email, name) for email in emails)}


def _people_of_scenarios(rows: pl.DataFrame, columns: list[str], replace: _Replacer) -> dict[str, frozenset[str]]:
    """Return, for each scenario in which a known person is named in full, these people."""
    if not replace.people:
        return {}
    held = pl.any_horizontal(pl.col(name).str.contains(replace.hint).fill_null(False) for name in columns)
    about: dict[str, set[str]] = {}
    for row in rows.filter(held).select("scenario", *columns).iter_rows(named=True):
        for name in columns:
            if row[name] and (people := replace.mentioned(row[name])):
                about.setdefault(row["scenario"], set()).update(people)
    return {scenario: frozenset(people) for scenario, people in about.items()}


def _scatter(column: pl.Series, changes: dict[int, str]) -> pl.Series:
    return column.scatter(list(changes), list(changes.values()))


def _sentence(seen: Counter[str]) -> str:
    return ", ".join(f"{count} {kind}{'s' if count > 1 else ''}" for kind, count in sorted(seen.items())) + " replaced"
