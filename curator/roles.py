"""The same scenario put to another role: what the role swap and the swap test ask."""

import re

from curator.chat import fill
from curator.pack import Pack

BLANKS = ("situation", "context", "stakeholder")


def as_role(pack: Pack, turns: list[dict[str, str]], own: str, other: str) -> list[dict[str, str]] | None:
    """Return a question of the pack's own form, asked of another role; None where the last turn has another form.

    Where a text could be read in several ways, the situation is taken as long as it can be: with the role named last,
    as it should be, there is one way only.
    """
    found = re.fullmatch(_form(pack, own), turns[-1]["content"], re.DOTALL)
    if not found:
        return None
    texts = found.groupdict() | {"stakeholder": pack.stakeholders[other]}
    return [*turns[:-1], turns[-1] | {"content": fill(pack.prompt.user, texts)}]


def _form(pack: Pack, role: str) -> str:
    """Return the pattern of a question to a role: each other blank is a group, and again the same text."""
    parts = re.split(r"\{(" + "|".join(BLANKS) + r")\}", pack.prompt.user)
    form, named = "", set()
    for number, part in enumerate(parts):
        if number % 2 == 0:
            form += re.escape(part)
        elif part == "stakeholder":
            form += re.escape(pack.stakeholders[role])
        else:
            form += f"(?P={part})" if part in named else f"(?P<{part}>.*)"
            named.add(part)
    return form
