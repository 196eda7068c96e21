"""redact: names, addresses and numbers of people, each replaced by the same tag in every telling."""

import json
import re
import unicodedata
from collections import Counter
from typing import Literal

import polars as pl

from curator.example import SCHEMA, TEXTS
from curator.maths.replacing import Wanted, replace
from curator.privacy import ner
from curator.privacy.personal import Book, spelled_out, structured, titles, unveiled
from curator.stage import Given, Outcome, decide, merge, stage

EXTRA = "extra: "
ROUNDS = 4  # a text without one name may show the model another


@stage("corpus", after=["normalise"])
def redact(
    rows: pl.DataFrame,
    given: Given,
    *,
    people: list[str] | None = None,
    names: Literal["off", "flag", "replace"] | None = None,
) -> Outcome:
    """Replace personal data in every text by tags such as `[person kfbtgvhd]`, made with the workspace's key.

    Structured types by pattern and checksum, also in disguise; people from the store, from `people`, and those whose
    name an e-mail address in the data spells out. What was found once is looked for in every text. A known person's
    single first or last name is replaced in texts about the same scenario. `names` is about names that a model finds:
    left alone, flagged (where the extra `privacy` is installed: the default), or replaced. Redaction is never complete.
    What else the pack asks for is redacted, too; other extra fields never reach a dataset.
    """
    opened, asked = _opened(rows, given)
    columns = [name for name in TEXTS if name in rows.columns] + asked
    outcome = _redacted(opened, columns, given, people or [], names or ("flag" if ner.installed() else "off"))
    return Outcome(_closed(outcome.rows, asked), outcome.decisions, outcome.measures)


def _opened(rows: pl.DataFrame, given: Given) -> tuple[pl.DataFrame, list[str]]:
    """Return the rows with a column for each text that the pack asks for beside the usual ones, and their names."""
    told = [json.loads(text) if text else {} for text in rows["extra"]] if "extra" in rows.columns else []
    asked = [name for name in (given.pack.fields if given.pack else {}) if name not in SCHEMA]
    new = [
        pl.Series(EXTRA + name, texts, pl.String())
        for name in asked
        if any(texts := [value if isinstance(value := one.get(name), str) else None for one in told])
    ]
    return rows.with_columns(new), [series.name for series in new]


def _closed(rows: pl.DataFrame, asked: list[str]) -> pl.DataFrame:
    """Put the texts of `_opened` back where they came from."""
    if not asked:
        return rows
    extra = []
    for text, *texts in rows.select("extra", *asked).iter_rows():
        told = {name.removeprefix(EXTRA): value for name, value in zip(asked, texts, strict=True) if value is not None}
        extra.append(json.dumps(json.loads(text) | told, ensure_ascii=False, sort_keys=True) if told else text)
    return rows.drop(asked).with_columns(pl.Series("extra", extra, pl.String()))


def _redacted(rows: pl.DataFrame, columns: list[str], given: Given, people: list[str], mode: str) -> Outcome:
    plain = rows.select("scenario", *(unveiled(rows[name]) for name in columns))
    texts = _texts(plain, columns)
    found = structured(texts) | {p.email.strip(): "email" for p in given.people if p.email.strip()}
    listed = [*(person.name for person in given.people), *people]
    known = {" ".join(unicodedata.normalize("NFC", name).split()) for name in listed if name.strip()}
    known |= spelled_out(texts, {text for text, kind in found.items() if kind == "email"})
    hints = titles(texts)
    clean, seen = _replaced(rows, plain, columns, Book(given.key, found, known, (), hints))
    guessed: set[str] = set()
    if mode == "replace":
        looked_at: set[str] = set()
        for _ in range(ROUNDS):
            new = _guessed(clean, columns, given, looked_at) - guessed
            if not new:
                break
            guessed |= new
            clean, seen = _replaced(rows, plain, columns, Book(given.key, found, known, guessed, hints))
    total = sum(seen.values(), Counter[str]())
    outcome = Outcome(clean, _edits(rows, seen), {"found": dict(sorted(total.items())), "names": mode})
    return outcome if mode != "flag" else merge([outcome, _flagged(clean, columns, given)], clean)


def _texts(rows: pl.DataFrame, columns: list[str]) -> pl.Series:
    return pl.concat([rows[name].drop_nulls().alias("text") for name in columns])


def _whole(rows: pl.DataFrame, columns: list[str]) -> pl.Series:
    """Return all texts of each row as one."""
    return rows.select(pl.concat_str(columns, separator="\n", ignore_nulls=True).alias("whole"))["whole"]


def _replaced(
    rows: pl.DataFrame, plain: pl.DataFrame, columns: list[str], book: Book
) -> tuple[pl.DataFrame, dict[int, Counter[str]]]:
    """Return the rows with everything in the book replaced, and how many of each kind went from each row."""
    held = book.held(_whole(plain, columns))
    about = _people_of_scenarios(rows, columns, book, held)
    told_in: dict[str, list[Wanted]] = {scenario: book.parts(people) for scenario, people in about.items()}
    new: dict[str, dict[int, str]] = {name: {} for name in columns}
    found: dict[int, Counter[str]] = {}
    concerned = sorted({*held, *rows["scenario"].is_in(list(about)).arg_true()})
    for at, row in zip(concerned, rows[concerned].select("scenario", *columns).iter_rows(named=True), strict=True):
        looked_for = [*told_in.get(row["scenario"], []), *book.of(held.get(at, []))]
        if not looked_for:
            continue
        seen: Counter[str] = Counter()
        for name in columns:
            if row[name]:
                text, put = replace(row[name], looked_for)
                seen.update(one.value[1:].partition(" ")[0] for one in put)
                if put:
                    new[name][at] = text
        if seen:
            found[at] = seen
    changed = [rows[name].scatter(list(at), list(at.values())) for name, at in new.items() if at]
    return rows.with_columns(changed), found


def _people_of_scenarios(
    rows: pl.DataFrame, columns: list[str], book: Book, held: dict[int, list[str]]
) -> dict[str, set[str]]:
    """Return, for each scenario in which a known person or their address is named, these people."""
    about: dict[str, set[str]] = {}
    at = sorted(held)
    for place, row in zip(at, rows[at].select("scenario", *columns).iter_rows(named=True), strict=True):
        wanted = book.told_by(held[place])
        for name in columns:
            for one in replace(row[name], wanted)[1] if row[name] else []:
                if people := book.owners_of(one):
                    about.setdefault(row["scenario"], set()).update(people)
    return about


def _guessed(rows: pl.DataFrame, columns: list[str], given: Given, looked_at: set[str]) -> set[str]:
    """Return the names that the model finds in new texts; one that is an everyday word elsewhere is left out."""
    texts = unveiled(_texts(rows, columns).unique().sort()).to_list()
    new = [text for text in texts if text not in looked_at]
    looked_at |= set(new)
    spans = ner.find_names(new, given.cache, given.progress)
    names = {" ".join(text[a:b].split()) for text, places in zip(new, spans, strict=True) for a, b in places}
    words = {word for text in texts for word in re.findall(r"\b[^\W\d_]+\b", text) if word.islower()}
    return {name for name in names if name.lower() not in words}


def _flagged(rows: pl.DataFrame, columns: list[str], given: Given) -> Outcome:
    """Flag the rows in which a name stands that the model found, with how often the whole set says it."""
    book = Book(b"", {}, set())
    for name in sorted(_guessed(rows, columns, given, set())):
        one = Wanted(name, name, exact=True)
        book.by_needle.setdefault(one.needle, []).append(one)
    held = book.held(_whole(rows.select(unveiled(rows[name]) for name in columns), columns))
    said: dict[int, Counter[str]] = {}
    for at in sorted(held):
        texts = [rows[name][at] for name in columns if rows[name][at]]
        hits = Counter(one.text for text in texts for one in replace(text, book.of(held[at]))[1])
        if hits:
            said[at] = hits
    total = sum(said.values(), Counter[str]())
    told = rows[sorted(said)].select(
        "id",
        pl.Series("_because", [_suspicion(said[at], total) for at in sorted(said)], pl.String()),
        pl.Series("_count", [said[at].total() for at in sorted(said)], pl.Int64()),
    )
    flags = decide(told, "flag", "may name a person", pl.col("_because"), score=pl.col("_count"))
    return Outcome(rows, flags, {"names flagged": len(total)})


def _suspicion(hits: Counter[str], total: Counter[str]) -> str:
    told = ", ".join(f"{name!r} ({total[name]} in the set)" for name in sorted(hits))
    return f'{told} left in place: list real people under people, or set names = "replace"'


def _edits(rows: pl.DataFrame, seen: dict[int, Counter[str]]) -> pl.DataFrame:
    at = sorted(seen)
    told = rows[at].select(
        "id",
        pl.Series("_because", [_sentence(seen[i]) for i in at], pl.String()),
        pl.Series("_count", [seen[i].total() for i in at], pl.Int64()),
    )
    return decide(told, "edit", "personal data", pl.col("_because"), score=pl.col("_count"))


def _sentence(seen: Counter[str]) -> str:
    return ", ".join(f"{count} {kind}{'s' if count > 1 else ''}" for kind, count in sorted(seen.items())) + " replaced"
