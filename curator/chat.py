"""An example as a chat: what the model is told and what it should answer. Shared by export, training and evaluation."""

import re
from functools import lru_cache
from typing import Any, TypedDict

from curator.pack import Pack


class Message(TypedDict):
    """One turn."""

    role: str
    content: str


def messages(pack: Pack, row: dict[str, Any]) -> list[Message]:
    """Return the three turns of an example: the task, the scenario with the stakeholder last, the answer."""
    return [*question(pack, row), {"role": "assistant", "content": answer(pack, row)}]


def question(pack: Pack, row: dict[str, Any]) -> list[Message]:
    """Return the turns before the answer. The scenario comes first, so that its answers share a prefix."""
    role = row["stakeholder"]
    blanks = {
        "situation": row["situation"],
        "context": row["context"] or "none given",
        "stakeholder": pack.stakeholders.get(role, role),
    }
    return [
        {"role": "system", "content": pack.prompt.system},
        {"role": "user", "content": fill(pack.prompt.user, blanks)},
    ]


def answer(pack: Pack, row: dict[str, Any]) -> str:
    """Return the answer that the model should learn."""
    severity = "not given" if row["severity"] is None else str(row["severity"])
    return fill(pack.prompt.answer, {"verdict": row["verdict"], "severity": severity, "analysis": row["analysis"]})


def verdict_lead(pack: Pack) -> str:
    """Return what stands before the verdict in every answer, such as 'Verdict: '."""
    return pack.prompt.answer.partition("{verdict}")[0]


def verdict_tail(pack: Pack) -> str:
    """Return the character after the verdict, which closes it (so that 'reason' is not 'reasonable')."""
    return pack.prompt.answer.partition("{verdict}")[2][:1]


def first_answer(pack: Pack, text: str) -> str:
    """Return a written text up to where it begins another answer in the pack's form: a small model goes in circles."""
    lead = verdict_lead(pack).rstrip()
    again = text.find("\n" + lead) if lead else -1
    return text if again < 0 else text[:again].rstrip()


def fill(template: str, blanks: dict[str, str]) -> str:
    """Put texts into a template. Braces inside the texts stay what people wrote.

    >>> fill("{a} and {b}", {"a": "{b}", "b": "x"})
    '{b} and x'
    """
    parts = list(_parts(template, tuple(blanks)))
    parts[1::2] = [blanks[blank[1:-1]] for blank in parts[1::2]]
    return "".join(parts)


@lru_cache
def _parts(template: str, names: tuple[str, ...]) -> list[str]:
    """Take a template apart: a text, a blank, a text, and so on."""
    return re.split("(" + ("|".join(re.escape("{" + name + "}") for name in names) or "(?!)") + ")", template)
