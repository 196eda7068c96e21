"""All perspectives on a scenario in one answer: one question that names every role, one answer in as many parts."""

import hashlib
import re
from collections import Counter
from collections.abc import Sequence

from curator.chatrows import ChatRow
from curator.errors import UsageError
from curator.pack import Pack

Turns = list[dict[str, str]]


def asked_of(pack: Pack, turns: Turns, stakeholder: str, roles: Sequence[str]) -> Turns:
    """Return a question put to one stakeholder as a question put to these roles, in this order.

    A role that answers more than once is named once, with how many answers it gives. UsageError where the last turn
    does not name the stakeholder in the pack's words.
    """
    one = pack.stakeholders.get(stakeholder, stakeholder)
    before, found, after = turns[-1]["content"].rpartition(one)
    if not found:
        raise UsageError(
            f"The question does not name {stakeholder!r} in the pack's words ({one!r}), so it cannot be put to all"
            " roles at once. Use answers=each, or put {stakeholder} into the pack's prompt."
        )
    every = "each of these in turn: " + "; ".join(
        pack.stakeholders.get(role, role) + (f" ({count} answers)" if count > 1 else "")
        for role, count in Counter(roles).items()
    )
    return every_view([*turns[:-1], turns[-1] | {"content": before + every + after}])


def every_view(turns: Turns) -> Turns:
    """Return the turns of a question to several roles: its system turn does not speak of one point of view.

    >>> every_view([{"role": "system", "content": "You judge from one person's point of view."}])
    [{'role': 'system', 'content': "You judge from each person's point of view."}]
    """

    def plural(turn: dict[str, str]) -> dict[str, str]:
        return turn | {"content": re.sub(r"\bfrom one (?=[\w ]+'s point of view)", "from each ", turn["content"])}

    return [plural(turn) if turn["role"] == "system" else turn for turn in turns]


def head(stakeholder: str, number: int = 0) -> str:
    r"""Return what stands before a role's part of the answer, the part being the `number`th.

    >>> head("outside_expert", 1)
    '\n\n[outside expert]\n'
    """
    return ("\n\n" if number else "") + f"[{stakeholder.replace('_', ' ')}]\n"


def own_part(text: str, roles: Sequence[str]) -> str:
    r"""Return a written answer up to where the next role's part begins.

    >>> own_part("Fine.\n\n[hr]\nNot fine.", ["employee", "hr"])
    'Fine.'
    """
    ends = [text.find(head(role, 1).rstrip("\n")) for role in roles]
    return text[: min((end for end in ends if end >= 0), default=len(text))]


def in_turn(rows: Sequence[ChatRow]) -> list[ChatRow]:
    """Return the answers to one scenario in the order in which one answer tells them.

    The answers of one role follow one another. The order of the roles is turned by the scenario's name, so that each
    comes first as often as others.
    """
    roles = sorted({row.stakeholder for row in rows})
    turn = int(hashlib.sha256(rows[0].scenario.encode()).hexdigest()[:8], 16) % len(roles)
    place = {role: at for at, role in enumerate(roles[turn:] + roles[:turn])}
    return sorted(rows, key=lambda row: (place[row.stakeholder], row.id))


def order(pack: Pack, stakeholder: str) -> list[str]:
    """Return all roles of a pack, the one that is asked first."""
    return [stakeholder, *(role for role in pack.stakeholders if role != stakeholder)]
