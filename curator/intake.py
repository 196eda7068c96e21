"""Records of files as answers: checked one by one, pseudonymised at the door."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from curator.example import Answer, digest, matching_form, pseudonym
from curator.files import Record, canonical
from curator.pack import Pack
from curator.store import Fetched, Person, Refused

COLUMNS = set(Answer.model_fields) - {"pack", "extra"}
SCENARIO = ("situation", "context", "domain")


@dataclass
class Door:
    """What is known while records come in, and what came of them."""

    pack: Pack
    key: bytes
    people: Mapping[str, Person]  # by e-mail
    scenarios: dict[str, dict[str, Any]]  # by the key that files use for them
    taken: list[Fetched | Refused] = field(default_factory=list)
    _again: Counter[str] = field(default_factory=Counter)
    _seen: dict[str, bytes] = field(default_factory=dict)

    def take(self, records: Iterable[Record]) -> None:
        """Sort records into scenarios, answers and those that cannot be read."""
        for record in records:
            if record.value is None:
                self.taken.append(Refused(record.place, record.payload, record.reason))
            elif is_scenario(record.value):
                self._scenario(record)
            else:
                self._answer(record)

    def _scenario(self, record: Record) -> None:
        told = record.value or {}
        name = told.get("key")
        if not isinstance(name, str) or not isinstance(told["situation"], str):
            self.taken.append(
                Refused(record.place, record.payload, "a scenario needs a `key` and a `situation`, both text")
            )
        else:
            self.scenarios[name] = told

    def _answer(self, record: Record) -> None:
        told = dict(record.value or {})
        try:
            who = told.get("annotator")
            if not isinstance(who, str) or not who.strip():
                raise ValueError("no annotator: every answer needs somebody who gave it")
            person = self.people.get(matching_form(who))
            told["annotator"] = person.pseudonym if person else pseudonym(self.key, "annotator", who)
            if person:
                told.setdefault("stakeholder", person.stakeholder)
                told.setdefault("team", person.team)
            payload = canonical(told)
            self._join_scenario(told)
            if isinstance(grade := told.get("severity"), str) and grade.strip().isdecimal():
                told["severity"] = int(grade)  # CSV has no numbers
            extra = {name: told.pop(name) for name in sorted(set(told) - COLUMNS)}
            answer = Answer(**{k: v for k, v in told.items() if v is not None}, pack=self.pack.name, extra=extra)
            name = self._name(extra, answer)
            if self._seen.setdefault(name, payload) != payload:
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

    def _name(self, extra: dict[str, Any], answer: Answer) -> str:
        """Return the record's own id, or one made of who judged what, and how often before."""
        for key in ("id", "key"):
            if isinstance(extra.get(key), str | int) and not isinstance(extra[key], bool):
                return str(extra[key])
        natural = digest(answer.scenario, answer.annotator, answer.stakeholder, answer.pack)
        self._again[natural] += 1
        return f"{natural}-{self._again[natural]}"


def is_scenario(told: dict[str, Any]) -> bool:
    """Tell whether a record is a scenario to be judged rather than an answer."""
    return "situation" in told and not {"verdict", "annotator", "analysis"} & set(told)


def explain(fault: ValidationError) -> str:
    """Say what is wrong with a record, in one line."""
    first = fault.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg'][0].lower()}{first['msg'][1:]}"
