"""A Label Studio JSON export, task by task: its answers, or why one cannot be read."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from curator.example import matching_form, pseudonym
from curator.files import Record
from curator.labels.reading import Reader
from curator.pack import Pack
from curator.store import Fetched, Person, Refused


def is_task(told: dict[str, Any]) -> bool:
    """Tell whether a record is a task of an export, with the answers in it."""
    return isinstance(told.get("data"), dict) and isinstance(told.get("annotations"), list)


def from_task(
    record: Record, told: dict[str, Any], pack: Pack, key: bytes, people: Mapping[str, Person], role: str | None
) -> list[Fetched | Refused]:
    """Return a record for each answer of a task; skipped ones are none.

    Who answered is known by e-mail where the export holds it, else by the account's number. `role` is the
    stakeholder of everybody who is not among `people`; without it their answers are set aside.
    """
    emails: dict[int, str] = {}
    known = dict(people)
    for place, annotation in enumerate(told["annotations"]):
        if not isinstance(annotation, dict) or not isinstance(annotation.get("id"), int):
            return [Refused(record.place, record.payload, "an annotation in this task has no id of its own")]
        number, email = _who(annotation.get("completed_by"), place)
        if number is None:
            continue  # the reader says that nobody is named
        emails[number] = email or f"account {number}"
        name = matching_form(emails[number])
        if name not in known and role is not None:
            known[name] = Person(name, role, pseudonym(key, "annotator", name))
        annotation["completed_by"] = number
    reader = Reader(pack, key, emails, known, pack.hash)
    task = {"id": 0, **told}
    return [
        replace(found, place=f"{record.place}, {found.place}") if isinstance(found, Refused) else found
        for found in reader.read(task)
    ]


def _who(account: Any, place: int) -> tuple[int | None, str | None]:
    """Return an account's number and e-mail; an export names people by number, by e-mail or by an object with both.

    Whoever has only an e-mail gets a number below zero, made of the annotation's `place` in its task.
    """
    number, email = (account.get("id"), account.get("email")) if isinstance(account, dict) else (account, account)
    known = number if isinstance(number, int) and not isinstance(number, bool) else None
    address = email if isinstance(email, str) and "@" in email else None
    return (-1 - place if known is None and address else known), address
