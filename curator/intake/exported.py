"""Label Studio exports of any age, task by task: the answers in them, or why one cannot be read."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from curator.errors import PackError
from curator.example import digest, matching_form, pseudonym
from curator.files import Record, canonical
from curator.labels.flat import is_flat, unflatten
from curator.labels.reading import Reader
from curator.pack import Pack
from curator.store import Fetched, Person, Refused

LISTS = ("annotations", "completions")  # since 1.0, and before


@dataclass
class Exports:
    """Reads the exports of one source. What is no answer (drafts, skipped ones …) is counted in `left_out`.

    `stakeholder` is the role of everybody who is not among `people` (without it their answers are set aside),
    `annotator` who gave the answers that name nobody. Accounts known by number only are people of this source alone.
    """

    pack: Pack
    key: bytes
    people: Mapping[str, Person]  # by e-mail
    source: str
    stakeholder: str | None = None
    annotator: str | None = None
    left_out: Counter[str] = field(default_factory=Counter)

    def read(self, record: Record, told: dict[str, Any]) -> list[Fetched | Refused]:
        """Return a record for each answer in one record of an export."""
        try:
            task = unflatten(told, self.pack) if is_flat(told) else told
        except (PackError, ValueError) as fault:
            return [Refused(record.place, record.payload, str(fault))]
        if "data" not in task and isinstance(task.get("result"), list):
            why = "an annotation without its task. Export whole tasks: Label Studio's format JSON"
            return [Refused(record.place, record.payload, why)]
        listed = next((task[name] for name in LISTS if name in task), None) or []
        self.left_out["predictions"] += len(task.get("predictions") or [])
        self.left_out["drafts"] += len(task.get("drafts") or [])
        if not isinstance(listed, list) or not listed:
            self.left_out["tasks without an answer"] += 1
            return []
        found: list[Fetched | Refused] = []
        again: Counter[str] = Counter()
        for place, annotation in enumerate(listed, 1):
            if isinstance(annotation, dict) and (annotation.get("was_cancelled") or annotation.get("skipped")):
                self.left_out["skipped by the annotator"] += 1
            else:
                found.append(self._one(record, task, annotation, f"{record.place}, answer {place}", again))
        return found

    def _one(
        self, record: Record, task: dict[str, Any], annotation: Any, place: str, again: Counter[str]
    ) -> Fetched | Refused:
        if not isinstance(annotation, dict):
            return Refused(place, record.payload, "an annotation that is not an object")
        if not isinstance(task.get("data"), dict):
            return Refused(place, canonical(annotation), "its task holds no data, so nobody knows what was judged")
        if annotation.get("aggregated"):
            return Refused(place, canonical(annotation), "it sums up several people's answers. Export the single ones")
        number, name = self._who(annotation.get("completed_by"))
        if number is None:
            why = "nobody is named as its author. If it was one person, say who with --annotator"
            return Refused(place, canonical(annotation), why)
        people = self._with(name)
        emails = {number: matching_form(name or "")}
        name_here = self._name(task, annotation, name or "", again)
        told = {
            **annotation,
            "id": name_here,
            "completed_by": number,
            "result": _flat(annotation.get("result")),
            **{at: _moment(annotation[at]) for at in ("created_at", "updated_at") if at in annotation},
        }
        whole = {"id": 0, **task, "annotations": [told]}
        (found,) = Reader(self.pack, self.key, emails, people, self.pack.hash).read(whole)
        return replace(found, place=place) if isinstance(found, Refused) else found

    def _who(self, account: Any) -> tuple[int | None, str | None]:
        """Return an account's number and the name under which it is known here.

        Exports name people by number, by e-mail, by an object with both, or not at all.
        """
        number, email = (account.get("id"), account.get("email")) if isinstance(account, dict) else (account, account)
        known = number if isinstance(number, int) and not isinstance(number, bool) else None
        if isinstance(email, str) and email.strip() and not email.strip().isdecimal():
            return (0 if known is None else known), email if "@" in email else f"{email} of {self.source}"
        if known is None and isinstance(email, str) and email.strip().isdecimal():
            known = int(email)  # CSV
        if known is not None:
            return known, f"account {known} of {self.source}"
        return (0, self.annotator) if self.annotator else (None, None)

    def _with(self, name: str | None) -> Mapping[str, Person]:
        if name is None or matching_form(name) in self.people or self.stakeholder is None:
            return self.people
        folded = matching_form(name)
        return {folded: Person(folded, self.stakeholder, pseudonym(self.key, "annotator", folded))}

    def _name(self, task: dict[str, Any], annotation: dict[str, Any], who: str, again: Counter[str]) -> int | str:
        """Return the annotation's own number; where it has none, a name made of its task, its author and its place.

        Text ids come from the page, which counts from the start in each task.
        """
        own = annotation.get("id")
        if isinstance(own, int) and not isinstance(own, bool):
            return own
        where = str(task["id"]) if isinstance(task.get("id"), int | str) else digest(canonical(task["data"]).decode())
        if isinstance(own, str) and own.strip():
            return f"{where}/{own}"
        by = pseudonym(self.key, "annotator", who)
        again[by] += 1
        return f"{where}/{by}/{again[by]}"


def is_export(told: dict[str, Any]) -> bool:
    """Tell whether a record is one of Label Studio's: a task with or without answers, one answer, a flat row."""
    if "situation" in told and not is_flat(told):
        return False
    if isinstance(told.get("data"), dict) or any(isinstance(told.get(name), list) for name in LISTS):
        return True
    return is_flat(told) or (isinstance(told.get("result"), list) and "annotator" not in told)


def _flat(result: Any) -> Any:
    """Return a result whose items some old exports wrap in lists of their own."""
    if not isinstance(result, list):
        return result
    return [item for part in result for item in (part if isinstance(part, list) else [part])]


def _moment(said: Any) -> Any:
    """Return a time as text; exports before 1.0 count seconds since 1970."""
    if isinstance(said, int | float) and not isinstance(said, bool) and 0 < said < 4e9:
        return datetime.fromtimestamp(said, UTC).isoformat()
    return said
