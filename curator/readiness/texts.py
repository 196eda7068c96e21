"""Is this worth a training? What the texts are: their form, who wrote them, what in them is private or will change."""

from collections import Counter
from collections.abc import Iterator

import polars as pl

from curator.example import TEXTS
from curator.privacy.personal import structured, unveiled
from curator.readiness.answers import Check, Evidence, Finding, Level, percent
from curator.wording import several

FEW = 5  # answers of a person below which a median says nothing
APART = 2.0  # times a role's median length
LOUDER = 0.3  # share of a person's answers beyond the role's: in tone or layout
MODEL = (0.1, 0.5)  # share of model-written answers: warned of, stopped at
CHANGING = 0.2  # share of answers that state what will change

MONTH = r"(?:January|February|March|April|May|June|July|August|September|October|November|December)"
DAY = [rf"\b\d{{1,2}}(?:st|nd|rd|th)? {MONTH}\b", rf"\b{MONTH} \d{{1,2}}\b", r"\b\d{4}-\d\d-\d\d\b"]
DAY += [r"\b\d{1,2}[./]\d{1,2}[./]\d{2,4}\b"]
NOW = ["currently", "at the moment", "as of (?:today|now)", "nowadays", "this (?:year|quarter|month)", "these days"]
LAW = "Section|Article|Art\\.|Act|Regulation|Directive|Paragraph|Title"
FACTS = {  # case counts: "March" is a month and "march" is not; rust's regex, for polars
    "date": "|".join(DAY),
    "year": r"\b(?:19|20)\d\d\b",
    "price": r"[$€£¥] ?\d|\b\d[\d.,]* ?(?:€|£|USD|EUR|GBP|CHF|dollars|euros|pounds)",
    "version": r"\bv\d+(?:\.\d+)*\b|\b(?i:version|release) \d|\b\d+\.\d+\.\d+\b",
    "now": rf"\b(?i:{'|'.join([*NOW, 'the latest'])})\b",
    "law": rf"\b(?:{LAW}) ?(?:\(?[A-Z]{{1,3}}\)? ?)?\d|§ ?\d|\b[A-Z][a-z]+ Act\b",
}
TONE = {
    "exclamation": r"!",
    "capitals": r"\b\p{Lu}{4,}\b",
    "speaks to you": r"\b(?i:you|your|yours)\b",
}
LAYOUT = {"lines": r"\n", "lists": r"(?m)^\s*(?:[-*•]|\d+[.)]) "}


def form(given: Evidence) -> Iterator[Finding]:
    """Whether people of one role write alike: length in words, layout, tone; each against the middle of their role."""
    told = given.train.select(
        "stakeholder",
        "annotator",
        pl.col("analysis").str.count_matches(r"\S+").alias("words"),
        *(
            pl.col("analysis").str.contains(shape).fill_null(False).alias(name)
            for name, shape in (TONE | LAYOUT).items()
        ),
    )
    habits = [*TONE, *LAYOUT]
    people = told.group_by("stakeholder", "annotator").agg(pl.len(), pl.col("words").median(), pl.col(habits).mean())
    people = people.filter(pl.col("len") >= FEW).filter(pl.len().over("stakeholder") > 1)
    people = people.sort("stakeholder", "annotator")
    middle = people.with_columns(pl.col("words", *habits).median().over("stakeholder"))
    lengths, odd_habits = [], []
    for own, role in zip(people.iter_rows(named=True), middle.iter_rows(named=True), strict=True):
        who = f"{own['annotator']} ({own['stakeholder']})"
        if not role["words"] / APART <= own["words"] <= role["words"] * APART:
            lengths.append(f"{who} {own['words']:.0f} words, the role {role['words']:.0f}")
        odd_habits += [
            f"{who} {name}: {percent(own[name])}, the role {percent(role[name])}"
            for name in habits
            if abs(own[name] - role[name]) > LOUDER
        ]
    why = "The model copies form before sense."
    for what, wanted, odd, looked in (
        (
            "length",
            f"within {APART:g} times",
            lengths,
            "Median words of a person against the middle person of their role.",
        ),
        (
            "tone and layout",
            f"{100 * LOUDER:.0f} points at most",
            odd_habits,
            f"Shares of answers with {', '.join(habits)}.",
        ),
    ):
        if people.is_empty():
            do = f"needs two people of a role with {FEW} answers each in train"
            yield Finding(what, "warn", "nobody to compare", wanted, looked, do)
            continue
        number = f"{several(len(odd), 'oddity', 'oddities')}, {several(people.height, 'person', 'people')} compared"
        do = f"read them, then say in guidelines.md what an answer looks like: {'; '.join(odd[:2])}" if odd else ""
        if len(odd) > 2:
            do += f"; and {len(odd) - 2} more"
        yield Finding(what, "warn" if odd else "pass", number, wanted, f"{why} {looked}", do)


def origin(given: Evidence) -> Iterator[Finding]:
    """The share of answers in train that a model wrote, and of those that a person edited."""
    train = given.train
    if train.is_empty():
        return
    size = dict(train["origin"].fill_null("unknown").value_counts().iter_rows())
    share, edited = size.get("model", 0) / train.height, size.get("edited", 0)
    level: Level = "stop" if share > MODEL[1] else "warn" if share > MODEL[0] else "pass"
    number = f"{percent(share)}" + (f", {edited} edited by people" if edited else "")
    why = "A model that learns from models learns their habits, not people's views."
    do = "let people answer these scenarios themselves" if level != "pass" else ""
    yield Finding("written by a model", level, number, f"{percent(MODEL[0])} at most", why, do)


def personal_data(given: Evidence) -> Iterator[Finding]:
    """What in the final texts, of all splits, still looks like an e-mail, a number, an account (as `redact` looks)."""
    if given.examples.is_empty():
        return
    texts = pl.concat([given.examples[name].drop_nulls().alias("text") for name in TEXTS])
    kinds = Counter(structured(unveiled(texts)).values())
    step = given.step("redact")
    why = "A small model can repeat it word for word."
    if kinds:
        number = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
        do = "add the step redact to recipe.toml" if step is None else "look at them and change the answers"
        yield Finding("personal data", "stop", number, "none", why, f"{do}, then: curator curate")
        return
    if step is None:
        do = "add the step redact to recipe.toml, then: curator curate"
        yield Finding("personal data", "warn", "no numbers; names kept", "none", why, do)
        return
    listed = step["measures"].get("names") == "off"
    more = " Names are replaced only of people who are listed." if listed else ""
    do = 'for all names set names = "replace" at redact in recipe.toml' if listed else ""
    yield Finding("personal data", "pass", "none by shape", "none", why + more, do)


def changing_facts(given: Evidence) -> Iterator[Finding]:
    """The share of answers in train with dates, years, prices, versions, "currently", laws by number."""
    analyses = given.train["analysis"].fill_null("")
    if analyses.is_empty():
        return
    hits = {kind: analyses.str.contains(shape) for kind, shape in FACTS.items()}
    share = float(pl.DataFrame(hits).select(pl.any_horizontal(pl.all())).to_series().sum()) / len(analyses)
    found = ", ".join(f"{kind} {int(hit.sum())}" for kind, hit in hits.items() if hit.sum())
    why = "What changes belongs in retrieval: weights keep the old answer."
    do = "put such facts into the context of a scenario, not into analyses" if share > CHANGING else ""
    number = percent(share) + (f" ({found})" if found else "")
    level: Level = "warn" if share > CHANGING else "pass"
    yield Finding("facts that change", level, number, f"{percent(CHANGING)} at most", why, do)


def says(kind: str, text: str) -> bool:
    """Tell whether a text states something of this kind of `FACTS`, as `changing_facts` looks.

    >>> says("date", "on 3 March"), says("law", "Section 12 says"), says("now", "they may march")
    (True, True, False)
    """
    return bool(pl.Series([text]).str.contains(FACTS[kind])[0])


CHECKS: list[Check] = [form, origin, personal_data, changing_facts]
