"""A pack's question, put so that its answer is not one person's verdict but how the verdicts are shared."""

import re
from collections.abc import Sequence

from curator.chat import fill
from curator.errors import UsageError
from curator.pack import Pack
from curator.together import Turns, asked_of, every_view


def asked_for_shares(pack: Pack, turns: Turns, stakeholder: str, roles: Sequence[str]) -> Turns:
    """Return a question put to one stakeholder as the question how the verdicts of these roles are shared.

    What the pack says of the form of an answer gives way to it. UsageError where the question is not the pack's.
    """
    *before, last = turns
    told, form = in_parts(pack)
    end = fill(form, {"stakeholder": pack.stakeholders.get(stakeholder, stakeholder)})
    if not last["content"].endswith(end):
        raise UsageError(
            f"The question does not end in the pack's words ({end.strip()!r}), so it cannot ask for shares of verdicts."
            " Nothing was written; use --answers each."
        )
    asked = [*before, last | {"content": last["content"].removesuffix(end)}]
    who = "; ".join(f"as {pack.stakeholders.get(role, role)}" for role in roles)
    lead = f"People judge this {who}. Say in percent how their verdicts are shared"
    if "{stakeholder}" in told:  # it says already whose view is asked for
        asked = asked if len(roles) == 1 else asked_of(pack, asked, stakeholder, roles)
        lead = "Say in percent how the verdicts of those who answer this are shared"
    *most, least = pack.verdicts
    words = f"\n\n{lead} ({', '.join(most)} or {least}), and give no verdict of your own."
    asked[-1] = asked[-1] | {"content": asked[-1]["content"] + words}
    return asked if len(roles) == 1 else every_view(asked)


def in_parts(pack: Pack) -> tuple[str, str]:
    """Return the pack's question in two: what it tells, and from where on it says how to answer.

    That is the first paragraph below the texts that names the stakeholder or two of the verdicts; where there is none,
    the last paragraph, or what stands behind the texts on their line.
    """
    template = pack.prompt.user
    end = max(template.rfind(blank) + len(blank) for blank in ("{situation}", "{context}") if blank in template)
    paragraphs = template[end:].split("\n\n")
    rest = re.sub(r"[\w\s{].*", "", paragraphs[0], count=1, flags=re.DOTALL)  # a closing quote, where there is one
    asks = [
        "{stakeholder}" in paragraph or sum(verdict in paragraph for verdict in pack.verdicts) > 1
        for paragraph in paragraphs
    ]
    at = asks.index(True) if True in asks else len(paragraphs) - 1
    cut = end + (len("\n\n".join(paragraphs[:at])) if at else len(rest))
    return template[:cut], template[cut:]
