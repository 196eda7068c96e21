"""What one row answers: one person's verdict, the shares of all verdicts, or every perspective in turn."""

import json
import math
from collections.abc import Sequence
from typing import Any

from curator.chatrows import ChatRow, read_split
from curator.dataset import Dataset
from curator.formats.asked import asked_for_shares
from curator.pack import Pack
from curator.together import asked_of, head, in_turn

Row = dict[str, Any]

ANSWERS = {
    "each": "one row for each answer",
    "distribution": "one row for each scenario and role, and one for all its roles: the shares of the verdicts",
    "together": "one row for each scenario: all perspectives in one answer",
}
EVERYBODY = "everybody"  # the stakeholder of a row that holds the answers of all


def answered(dataset: Dataset, split: str, answers: str) -> list[Row]:
    """Return the rows of one split in one of the ways of `ANSWERS`, each with its `messages`, the answer last.

    Each says how many people's answers it rests on, near repeats that `duplicates` merged counted each: `voices` of one
    answer, `answers` of several, whose `ids` it has too. UsageError where the questions do not name the stakeholder in
    the pack's words, so that they cannot be put to all roles.
    """
    path = dataset.file(f"{split}.jsonl")
    voices = voices_of(dataset)
    if answers == "each":
        rows = [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]
        return [row | {"voices": voices[row["id"]], "messages": row.pop("messages")} for row in rows]
    groups: dict[str, list[ChatRow]] = {}
    for row in read_split(dataset.folder, split, dataset.pack):
        groups.setdefault(row.scenario, []).append(row)
    if answers == "together":
        made = [together(dataset.pack, rows) for rows in groups.values()]
    else:
        made = [row for rows in groups.values() for row in distribution(dataset.pack, rows)]
    return [row | {"answers": sum(voices[id] for id in row["ids"])} for row in made]


def voices_of(dataset: Dataset) -> dict[str, int]:
    """Return how many people's answers each row stands for: 1 where no step counted."""
    rows = dataset.frame("examples")
    counts = rows["voices"].fill_null(1) if "voices" in rows.columns else [1] * rows.height
    return dict(zip(rows["id"], counts, strict=True))


def together(pack: Pack, rows: Sequence[ChatRow]) -> Row:
    """Return the answers to one scenario as one, in the words that training with answers=together uses.

    It weighs what its answers weigh on average.
    """
    turn = in_turn(rows)
    asked = asked_of(pack, turn[0].question, turn[0].stakeholder, [row.stakeholder for row in turn])
    answer = "".join(head(row.stakeholder, number) + row.answer for number, row in enumerate(turn))
    weight = math.fsum(row.loss_weight for row in rows) / len(rows)
    return _head(turn, EVERYBODY, weight) | {"messages": [*asked, {"role": "assistant", "content": answer}]}


def distribution(pack: Pack, rows: Sequence[ChatRow]) -> list[Row]:
    """Return the shares of the verdicts on one scenario: those of each role, then those of all together (if several).

    A row weighs what its answers weigh in all, as with soft labels in training. Its answer says the shares in whole
    percent; `shares` has them exactly, for every verdict of the pack.
    """
    turn = in_turn(rows)
    roles = list(dict.fromkeys(row.stakeholder for row in turn))
    made = [_shares(pack, [row for row in turn if row.stakeholder == role], turn[0], [role]) for role in roles]
    return made if len(roles) == 1 else [*made, _shares(pack, turn, turn[0], roles)]


def _shares(pack: Pack, rows: Sequence[ChatRow], first: ChatRow, roles: list[str]) -> Row:
    shares = shares_of(pack, rows)
    one = first if len(roles) > 1 else rows[0]
    asked = asked_for_shares(pack, one.question, one.stakeholder, roles)
    said = ", ".join(f"{verdict} {share} %" for verdict, share in percent(shares).items())
    weight = math.fsum(row.loss_weight for row in rows)
    told = _head(rows, roles[0] if len(roles) == 1 else EVERYBODY, weight)
    return told | {"shares": shares, "messages": [*asked, {"role": "assistant", "content": f"Verdicts: {said}"}]}


def shares_of(pack: Pack, rows: Sequence[ChatRow]) -> dict[str, float]:
    """Return the share of each of the pack's verdicts, weighted by the rows' weight; by count where all weigh 0."""
    heavy = any(row.loss_weight for row in rows)
    weights = {
        verdict: math.fsum(row.loss_weight if heavy else 1.0 for row in rows if row.verdict == verdict)
        for verdict in pack.verdicts
    }
    whole = math.fsum(weights.values())
    return {verdict: weight / whole for verdict, weight in weights.items()}


def percent(shares: dict[str, float]) -> dict[str, int]:
    """Return shares in whole percent that add up to 100: what rounding leaves goes to the largest remainders.

    >>> percent({"a": 1 / 3, "b": 1 / 3, "c": 1 / 3})
    {'a': 34, 'b': 33, 'c': 33}
    """
    whole = {name: math.floor(100 * share) for name, share in shares.items()}
    largest = sorted(shares, key=lambda name: whole[name] - 100 * shares[name])
    for name in largest[: 100 - sum(whole.values())]:
        whole[name] += 1
    return whole


def _head(rows: Sequence[ChatRow], stakeholder: str, weight: float) -> Row:
    first = rows[0]
    return {
        "id": f"{first.scenario}/{stakeholder}",
        "scenario": first.scenario,
        "group": first.group,
        "stakeholder": stakeholder,
        "domain": first.domain,
        "weight": weight,
        "answers": len(rows),  # before near repeats are counted
        "ids": [row.id for row in rows],
    }
