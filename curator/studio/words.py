"""What a server says in headers and errors, in words for people."""

import contextlib
import json
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx


def seconds_to_wait(headers: httpx.Headers) -> float | None:
    """Return how long the server asks to wait: in seconds, or until a time by its own clock."""
    said = headers.get("retry-after", "").strip()
    if said.isdigit():
        return float(said)
    until, now = moment(said), moment(headers.get("date", ""))
    return max((until - now).total_seconds(), 0.0) if until and now else None


def no_connection(why: str) -> str:
    """Say why no connection came about."""
    if "SSL" in why or "certificate" in why.lower():
        return f"no safe connection ({why.split('] ')[-1].split(' (_ssl')[0]})"
    if "[Errno -" in why:
        return "there is no such name"
    return "nobody answers there"


def moment(date: str) -> datetime | None:
    """Return the moment that an HTTP date names; None where it names none."""
    with contextlib.suppress(ValueError):
        return parsedate_to_datetime(date)
    return None


def short(said: Any) -> str:
    """Say in at most 200 visible characters what a server said."""
    if isinstance(said, dict):
        said = said.get("validation_errors") or said.get("detail") or said
    text = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False, default=str)
    text = "".join(c if c.isprintable() else " " for c in text).strip()
    return text[:200] + ("…" if len(text) > 200 else "")
