"""The page: one file, no network but this server, and texts that are never markup."""

import json
import secrets
from functools import lru_cache
from pathlib import Path
from typing import Any

from curator.serve.service import Refused, Service

FILE = Path(__file__).with_name("page.html")


@lru_cache(maxsize=1)
def _template() -> str:
    return FILE.read_text("utf-8")


def page(service: Service) -> tuple[str, str]:
    """Return the page's HTML and its content security policy, with a fresh nonce in both."""
    voices, nonce = service.voices, secrets.token_urlsafe(16)
    told = {
        "title": voices.pack.title,
        "stakeholders": voices.pack.stakeholders,
        "verdicts": voices.pack.verdicts,
        "views": voices.views,
        "name": voices.name,
        "crisis": voices.pack.crisis.strip(),
        "token": bool(service.token),
    }
    inside = json.dumps(told)
    for sign in "<>&":
        inside = inside.replace(sign, f"\\u{ord(sign):04x}")  # nothing in it can end the script
    policy = (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return _template().replace("{{nonce}}", nonce).replace("{{told}}", inside), policy


def question(said: dict[str, Any]) -> tuple[str, str, list[str]]:
    """Return situation, context and roles that the page asked for."""
    situation, context, roles = (
        said.get(name, usual) for name, usual in (("situation", ""), ("context", ""), ("stakeholders", []))
    )
    texts = isinstance(situation, str) and isinstance(context, str)
    if not texts or not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
        raise Refused(400, "Give situation, context and stakeholders.", "invalid_value")
    return situation, context, roles
