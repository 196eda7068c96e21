"""Records of files as answers: checked one by one, pseudonymised at the door."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl
from pydantic import ValidationError

from curator.errors import FileError
from curator.example import Answer, digest, example_id, matching_form, microseconds, pseudonym
from curator.files import Record, canonical
from curator.intake.exported import Exports, is_export
from curator.pack import Pack
from curator.store import Fetched, Person, Refused, Store

COLUMNS = set(Answer.model_fields) - {"pack", "extra"}
SCENARIO = ("situation", "context", "domain")
Mark = tuple[str, str, int | None]  # scenario, annotator, when it was made
MADE = pl.col("created_at").cast(pl.Int64)  # microseconds since 1970
ANSWERED = {"verdict", "annotator", "analysis"}  # a record with one of these is an answer


@dataclass
class Door:
    """What is known while records come in, and what came of them."""

    pack: Pack
    key: bytes
    people: Mapping[str, Person]  # by e-mail
    scenarios: dict[str, dict[str, Any]]  # by the key that files use for them
    stakeholder: str | None = None  # of everybody who is not among the people
    annotator: str | None = None  # who gave the answers that name nobody
    left_out: Counter[str] = field(default_factory=Counter)  # what is no answer: drafts, predictions …
    taken: list[Fetched | Refused] = field(default_factory=list)
    _again: Counter[tuple[str, str]] = field(default_factory=Counter)
    _seen: dict[tuple[str, str], bytes] = field(default_factory=dict)
    _fetched: dict[tuple[str, str], Fetched] = field(default_factory=dict)
    _told: dict[str, Record] = field(default_factory=dict)

    def take(self, records: Iterable[Record], source: str = "") -> None:
        """Sort records into scenarios, answers and those that cannot be read. An id counts within its `source`.

        FileError where two scenarios share a key and differ: nobody can know which of them was judged.
        """
        for record in records:
            if record.value is None:
                self.taken.append(Refused(record.place, record.payload, record.reason))
            elif is_export(record.value):
                self._export(record, record.value, source)
            elif is_scenario(record.value):
                self._scenario(record, record.value)
            else:
                self._answer(record, record.value, source)

    def _export(self, record: Record, told: dict[str, Any], source: str) -> None:
        known = (self.pack, self.key, self.people, source, self.stakeholder, self.annotator, self.left_out)
        for found in Exports(*known).read(record, told):
            if isinstance(found, Fetched):
                first = self._fetched.setdefault((source, found.record), found)
                if first.payload != found.payload and not another(_mark(first.answer), _mark(found.answer)):
                    why = f"the annotation {found.record} stands twice in these files, with different answers"
                    found = Refused(record.place, found.payload, why)
            self.taken.append(found)

    def _scenario(self, record: Record, told: dict[str, Any]) -> None:
        first = self._told.setdefault(told["key"], record)
        if first.value != told:
            raise FileError(
                f"{record.place}: the scenario {told['key']!r} stands at {first.place} in other words. "
                "Nothing was kept; leave one out."
            )
        self.scenarios[told["key"]] = told

    def _answer(self, record: Record, value: dict[str, Any], source: str) -> None:
        told = dict(value)
        try:
            if "situation" in told and not ANSWERED & set(told):
                raise ValueError("a scenario needs a `key` and a `situation`; these and its other fields must be text")
            who = told.get("annotator", self.annotator)
            if not isinstance(who, str) or not matching_form(who):
                raise ValueError("no annotator: every answer needs somebody who gave it")
            person = self.people.get(matching_form(who))
            told["annotator"] = person.pseudonym if person else pseudonym(self.key, "annotator", who)
            for column in ("stakeholder", "team"):
                if person and told.get(column) is None:
                    told[column] = getattr(person, column)
            if self.stakeholder and told.get("stakeholder") is None:
                told["stakeholder"] = self.stakeholder
            if person and told.get("stakeholder") != person.stakeholder:
                told["other_role"] = person.stakeholder
            payload = canonical(told)
            self._join_scenario(told)
            told |= {"severity": _whole(told.get("severity"))}
            extra = {name: told.pop(name) for name in sorted(set(told) - COLUMNS)}
            answer = Answer(**{k: v for k, v in told.items() if v is not None}, pack=self.pack.name, extra=extra)
            _check_moments(told, answer)
            name = self._name(extra, answer, source)
            if self._seen.setdefault((source, name), payload) != payload:
                raise ValueError(f"the id {name!r} stands twice in these files, with different answers")
        except ValidationError as fault:
            self.taken.append(Refused(record.place, record.payload, explain(fault)))
        except ValueError as fault:
            self.taken.append(Refused(record.place, record.payload, str(fault)))
        else:
            self.taken.append(Fetched(name, payload, answer))

    def _join_scenario(self, told: dict[str, Any]) -> None:
        """Fill in situation, context and domain from the scenario that the answer names."""
        if "situation" in told:
            return
        known = self.scenarios.get(name := str(told.get("scenario")))
        if known is None:
            raise ValueError(f"neither a situation nor a known scenario (it says {name!r}); add the scenarios first")
        for column in SCENARIO:
            if known.get(column) is not None:
                told.setdefault(column, known[column])
        told["scenario_key"] = told.pop("scenario")
        if known.get("team"):
            told["scenario_team"] = known["team"]

    def _name(self, extra: dict[str, Any], answer: Answer, source: str) -> str:
        """Return the record's own id, or one made of who judged what, and how often before."""
        for key in ("id", "key"):
            own = extra.get(key)
            if isinstance(own, str | int) and not isinstance(own, bool) and str(own).strip():
                return str(own)
        natural = digest(answer.scenario, answer.annotator, answer.stakeholder, answer.pack)
        self._again[source, natural] += 1
        return f"{natural}-{self._again[source, natural]}"


def check_sources(store: Store, taken: Iterable[tuple[str, Iterable[Fetched | Refused]]]) -> None:
    """Refuse files whose ids are those of other answers under the same source: two teams' exports, both `export.json`.

    The same id for another scenario, by another person or of another moment, is another answer; FileError names one.
    """
    stored: dict[str, dict[str, Mark]] = {}
    for source, found in taken:
        if source not in stored:
            rows = store.examples().filter(pl.col("source") == source).select("id", "scenario", "annotator", MADE)
            stored[source] = {name: (what, who, at) for name, what, who, at in rows.iter_rows()}
        known = stored[source]
        for one in found:
            if isinstance(one, Fetched):
                here = _mark(one.answer)
                if another(known.setdefault(example_id(source, one.record), here), here):
                    raise FileError(
                        f"The source {source!r} has another answer under the id {one.record}: are these two projects?"
                        " Nothing was kept; give these files a source of their own with --source."
                    )


def another(one: Mark, other: Mark) -> bool:
    """Tell whether two records with the same id are answers of two projects rather than two wordings of one."""
    both_told = None not in (one[2], other[2])
    return one[0] != other[0] and (one[1] != other[1] or (both_told and one[2] != other[2]))


def _mark(answer: Answer) -> Mark:
    return answer.scenario, answer.annotator, microseconds(answer.created_at)


def is_scenario(told: dict[str, Any]) -> bool:
    """Tell whether a record is a whole scenario to be judged, rather than an answer or a broken scenario."""
    texts = (*SCENARIO, "key", "team")
    return (
        not ANSWERED & set(told)
        and all(isinstance(told.get(name), str | None) for name in texts)
        and all((told.get(name) or "").strip() for name in ("situation", "key"))
    )


def _whole(grade: Any) -> Any:
    """Return a whole number that CSV keeps as text or a spreadsheet as 2.0; anything else as it is."""
    if isinstance(grade, str) and grade.strip().isdecimal() and len(grade) < 10:
        return int(grade)
    return int(grade) if isinstance(grade, float) and grade.is_integer() else grade


def _check_moments(told: dict[str, Any], answer: Answer) -> None:
    for name in ("created_at", "updated_at"):
        if isinstance(said := told.get(name), str) and "-" not in said[1:]:
            raise ValueError(f"{name}: {said!r} could be several moments; write it like 2026-01-31T09:00:00Z")
        try:
            microseconds(getattr(answer, name))
        except OverflowError:
            raise ValueError(f"{name}: {told[name]!r} is not within the years 1 to 9999") from None


def explain(fault: ValidationError) -> str:
    """Say what is wrong with a record, in one line."""
    first = fault.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg'][0].lower()}{first['msg'][1:]}"
