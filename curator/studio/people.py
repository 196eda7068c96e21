"""Accounts in the embedded Label Studio: one for each person, with a random password and token of its own."""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from curator.errors import SourceError, StorageError
from curator.store import Person
from curator.studio.environment import environment

if TYPE_CHECKING:
    from curator.studio.client import Client

OWNER = "owner@curator.example"
FILE = "accounts.json"


@dataclass(frozen=True)
class Account:
    """Who may log in. The password opens the page, the token the API."""

    id: int
    email: str
    password: str = field(repr=False)
    token: str = field(repr=False)


def accounts(folder: Path) -> dict[str, Account]:
    """Return the accounts by e-mail, the owner's among them; empty before the first start."""
    try:
        said = json.loads((folder / FILE).read_text("utf-8"))
        return {one["email"]: Account(**one) for one in said}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, KeyError) as fault:
        raise StorageError(f"{FILE} cannot be read: {type(fault).__name__}. Nothing was changed.") from None


def make_accounts(folder: Path, people: Iterable[Person]) -> dict[str, Account]:
    """Give everybody an account in the embedded server, which may run meanwhile; return them by e-mail.

    Whoever has one keeps it. E-mails that differ only in case are one person.
    """
    known = {email.casefold(): account for email, account in accounts(folder).items()}
    if not known:
        raise SourceError("There is no embedded Label Studio yet. Start it with: curator up")
    people = list(people)
    new = {p.email: p.name or "" for p in people if p.email.casefold() not in known}
    if new:
        known |= {a.email.casefold(): a for a in open_accounts(folder, new, environment(folder)).values()}
    return {p.email: known[p.email.casefold()] for p in people}


def invite_link(client: "Client") -> str:
    """Return the link under which anybody may make their own account in this server's organization."""
    said = client.wanted(client.get("api/invite"), dict, "the invitation")
    link = client.wanted(said.get("invite_url"), str, "the invitation")
    return urljoin(f"{client.url}/", link.removeprefix("/")) if not link.startswith("http") else link


def open_accounts(folder: Path, names: dict[str, str], env: dict[str, str]) -> dict[str, Account]:
    """Make these accounts (names by e-mail) and keep their secrets in `accounts.json`, for its owner's eyes only."""
    passwords = {email: secrets.token_urlsafe(15) for email in names}
    wanted = [{"email": email, "name": name, "password": passwords[email]} for email, name in names.items()]
    command = [sys.executable, "-P", str(Path(__file__).with_name("inside.py")), "accounts"]
    done = subprocess.run(  # noqa: S603  our own file, no shell
        command, env=env, input=json.dumps(wanted), capture_output=True, text=True, check=False
    )
    if done.returncode:
        words = (done.stderr.strip() or "no reason given").splitlines()[-1]
        raise SourceError(f"Label Studio did not make the accounts: {words}. No account was kept; try again.")
    made = json.loads(done.stdout.splitlines()[-1])
    opened = {email: Account(email=email, password=passwords[email], **made[email]) for email in names}
    _keep(folder, [*accounts(folder).values(), *opened.values()])
    return opened


def _keep(folder: Path, everybody: list[Account]) -> None:
    draft = folder / f"{FILE}.new"
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump([asdict(one) for one in everybody], file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(folder / FILE)
