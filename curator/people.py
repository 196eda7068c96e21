"""The people of a workspace: who they are, what they agreed to, how they get in."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from curator import collecting
from curator.errors import FileError, StorageError, UsageError, nearest
from curator.example import matching_form, pseudonym
from curator.files import read
from curator.pack import find_pack
from curator.progress import Progress, quiet
from curator.store import Consent, Person, Store
from curator.workspace import Workspace

PURPOSES = ("analyse", "train")  # to curate and measure; to fine-tune a model


@dataclass(frozen=True)
class Invitation:
    """How people get in: each account and how it is reached, or one link under which everybody makes their own."""

    ready: list[str]  # e-mails of those who have an account
    waiting: list[str]  # e-mails of those who have none yet
    link: str = ""


def add_people(
    workspace: Workspace,
    who: str,
    stakeholder: str | None = None,
    team: str | None = None,
    name: str | None = None,
    consent: str | None = None,
    text: str | None = None,
) -> int:
    """Add one person, or all of a file, to the store; return how many are known. UsageError names a wrong role.

    `consent` lists purposes, which a file may give for each person; a consent that was withdrawn stays withdrawn.
    """
    given = {"stakeholder": stakeholder, "team": team, "name": name, "consent": consent, "consent_text": text}
    if "@" in who and not Path(who).exists():
        told = [("", {"email": who, **given})]
    else:
        records = read(Path(who))
        if bad := [record for record in records if record.value is None]:
            raise FileError(f"{bad[0].place}: {bad[0].reason}. Nobody was added; mend it and try again.")
        extra = {field: value for field, value in given.items() if value is not None}
        told = [(f"{record.place}: ", {**extra, **(record.value or {})}) for record in records]
    asked = Consent(_now(), (), consent_text(workspace)[0])
    people: dict[str, Person] = {}
    for place, said in told:
        try:
            person = _person(workspace, said, asked)
            if people.setdefault(person.email, person) != person:
                raise UsageError(f"{person.email} stands twice and differs.")
        except UsageError as fault:
            raise UsageError(f"{place}{fault} Nobody was added.") from None
    with workspace.store() as store:
        known = {person.email: person for person in store.people()}
        for email, before in ((email, known[email]) for email in people if email in known):
            person = people[email]
            if before.pseudonym != person.pseudonym:
                raise StorageError(
                    f"{person.email} is known under another pseudonym: this workspace's key is not the one it was made"
                    " with. Restore that key; with a new one, consent would not reach older answers. Nobody was added."
                )
            people[email] = replace(person, consent=_joined(before.consent, person.consent))
        return store.put_people(people.values())


def _joined(before: tuple[Consent, ...], now: tuple[Consent, ...]) -> tuple[Consent, ...]:
    """Add a consent to those on record, unless it says the same, or the last one was a withdrawal."""
    if not now or (before and (not before[-1].purposes or _agrees(before[-1], now[0]))):
        return before
    return (*before, *now)


def _agrees(one: Consent, other: Consent) -> bool:
    return (one.purposes, one.text) == (other.purposes, other.text)


def _person(workspace: Workspace, said: dict[str, Any], asked: Consent) -> Person:
    for field in ("email", "stakeholder", "name", "team", "consent_text"):
        if not isinstance(said.get(field), str | None):
            raise UsageError(f"the {field} must be text, not {said[field]!r}.")
    email, role = matching_form(said.get("email") or ""), said.get("stakeholder") or ""
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", email):
        raise UsageError(f"{said.get('email')!r} is not an e-mail address.")
    if role not in (roles := list(workspace.pack.stakeholders)):
        raise UsageError(f"{email} needs a stakeholder of the pack, not {role!r}. {nearest(role, roles)}")
    mark = pseudonym(workspace.key, "annotator", email)
    agreed: tuple[Consent, ...] = ()
    if said.get("consent") is not None:
        agreed = (Consent(asked.at, purposes_of(said["consent"]), said.get("consent_text") or asked.text),)
    return Person(email, role, mark, said.get("name") or None, said.get("team") or None, agreed)


def purposes_of(said: Any) -> tuple[str, ...]:
    """Return the purposes in a list or in text with commas; UsageError for one that curator does not know."""
    words = said.split(",") if isinstance(said, str) else said
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise UsageError(f"the consent must be a list of purposes ({', '.join(PURPOSES)}), not {said!r}.")
    named = {word.strip().lower() for word in words if word.strip()}
    for word in sorted(named - set(PURPOSES)):
        raise UsageError(f"There is no purpose {word!r}. {nearest(word, list(PURPOSES))}")
    return tuple(purpose for purpose in PURPOSES if purpose in named)


def consent_text(workspace: Workspace) -> tuple[str, str]:
    """Return the pack's consent text and its version, the first digits of its hash; `unwritten` where there is none."""
    path = find_pack(workspace.config.pack, [workspace.root / "labeling_configs"]) / "consent.md"
    if not path.is_file():
        return "unwritten", ""
    text = path.read_text("utf-8")
    return hashlib.sha256(text.encode()).hexdigest()[:12], text


def change_consent(workspace: Workspace, who: str, purposes: str | None, text: str | None = None) -> Person:
    """Record what somebody agrees to from now on (None: they withdraw); return the person. History stays."""
    version = text or consent_text(workspace)[0]
    agreed = Consent(_now(), purposes_of(purposes) if purposes is not None else (), version)
    if purposes is not None and not agreed.purposes:
        raise UsageError("No purpose was named. To take a consent back, use --withdraw. Nothing was changed.")
    with workspace.store() as store:
        person = find_person(store, who)
        person = replace(person, consent=(*person.consent, agreed))
        store.put_people([person])
    return person


def find_person(store: Store, who: str) -> Person:
    """Return a person by e-mail or pseudonym; UsageError where nobody is called so."""
    everybody = store.people()
    for person in everybody:
        if (
            who.removeprefix("annotator-") == person.pseudonym.removeprefix("annotator-")
            or matching_form(who) == person.email
        ):
            return person
    known = [person.pseudonym for person in everybody]
    raise UsageError(f"Nobody here is called {who!r}. {nearest(who, known)} Nothing was changed.")


def invite(workspace: Workspace, progress: Progress = quiet) -> Invitation:
    """Let everybody in: accounts on the embedded server, or a server's own invite link and who is still to use it."""
    from curator.studio.people import accounts, invite_link, make_accounts

    with workspace.store() as store:
        emails = {person.email: person for person in store.people()}
    if not emails:
        raise UsageError("Nobody is known who could answer. Add people first: curator people add FILE")
    if collecting.server_name(workspace) == "embedded":
        progress("accounts", 0, len(emails))
        make_accounts(workspace.studio, emails.values())
        progress("accounts", len(emails), len(emails))
        return Invitation(sorted(set(accounts(workspace.studio)) & set(emails)), [])
    link = collecting.client(workspace)
    there = {matching_form(email) for email in link.users().values()}
    waiting = sorted(set(emails) - there)
    return Invitation(sorted(set(emails) & there), waiting, invite_link(link) if waiting else "")


def listing(everybody: Iterable[Person]) -> list[dict[str, Any]]:
    """Return a row for each person, without e-mail or name: pseudonym, role, team, what they agreed to and when."""
    rows = []
    for p in everybody:
        last = p.consent[-1] if p.consent else None
        agreed = "not asked" if last is None else ", ".join(last.purposes) or "withdrawn"
        rows.append(
            {
                "pseudonym": p.pseudonym,
                "stakeholder": p.stakeholder,
                "team": p.team,
                "consent": agreed,
                "since": last.at[:10] if last else None,
                "text": last.text if last else None,
            }
        )
    return rows


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
