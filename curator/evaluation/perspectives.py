"""Whether a model tells the roles apart as people do, and how well people of one role agree; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from curator.evaluation.answers import MODELS, Answer, Judgement
from curator.maths.distances import manhattan, soft_cross_entropy
from curator.maths.scores import cluster_interval, paired


@dataclass(frozen=True)
class Cell:
    """One scenario as one role judged it: the shares of people's verdicts, and the rows that say so."""

    scenario: str
    group: str
    role: str
    shares: dict[str, float]
    rows: list[Answer]

    @property
    def verdict(self) -> str | None:
        """What most people of the role say; None where two verdicts lead."""
        first = max(self.shares, key=self.shares.__getitem__)
        return None if list(self.shares.values()).count(self.shares[first]) > 1 else first

    def told(self, model: str) -> dict[str, float]:
        """Return the model's probability of each verdict when it is asked as the role: all rows ask the same."""
        return self.rows[0].seen(model).verdicts[self.role]

    def says(self, model: str) -> str:
        """Return the model's likeliest verdict; ties go to the one that the pack names first."""
        return self.rows[0].seen(model).says(self.role)


def cells(answers: Sequence[Answer]) -> list[Cell]:
    """Return a cell for each scenario and role that has answers."""
    held: dict[tuple[str, str], list[Answer]] = {}
    for one in sorted(answers, key=lambda one: one.id):
        held.setdefault((one.scenario, one.stakeholder), []).append(one)
    found = []
    for (scenario, role), rows in sorted(held.items()):
        people = sum(one.people for one in rows)
        shares = {v: sum(one.people for one in rows if one.verdict == v) / people for v in rows[0].base.verdicts[role]}
        found.append(Cell(scenario, rows[0].group, role, shares, rows))
    return found


def _pairs(answers: Sequence[Answer]) -> list[tuple[Cell, Cell]]:
    """Return every two roles that judged one scenario and have a verdict each."""
    held: dict[str, list[Cell]] = {}
    for cell in cells(answers):
        if cell.verdict is not None:
            held.setdefault(cell.scenario, []).append(cell)
    return [pair for several in held.values() for pair in combinations(several, 2)]


def between_roles(answers: Sequence[Answer]) -> dict[str, str]:
    """Return of each scenario whether it is "contested" or "agreed" between roles, or that "one role" judged it."""
    kinds = {one.scenario: "one role" for one in answers}
    for a, b in _pairs(answers):
        if kinds[a.scenario] != "contested":
            kinds[a.scenario] = "agreed" if a.verdict == b.verdict else "contested"
    return kinds


def role_swap(answers: Sequence[Answer]) -> dict[str, Any]:
    """Say how a model's verdict moves when the same scenario is put to another role, beside how people's does.

    `contested`: two roles whose people differ. `moves` is the share where the model differs too, `both_right` where it
    says what each says, `right_way_round` where it finds the two verdicts likelier with their own roles than swapped
    (chance: a half). `agreed`: two roles whose people say the same, and the share where the model `stays`. `together`
    is the mean of `moves` and `stays`: a model that ignores the role has exactly a half.
    """
    pairs = _pairs(answers)
    contested = [(a, b) for a, b in pairs if a.verdict != b.verdict]
    agreed = [(a, b) for a, b in pairs if a.verdict == b.verdict]
    moves = {m: [float(a.says(m) != b.says(m)) for a, b in contested] for m in MODELS}
    stays = {m: [float(a.says(m) == b.says(m)) for a, b in agreed] for m in MODELS}
    parts: dict[str, Any] = {
        "contested": _part(contested, {"moves": moves, "right_way_round": _way_round(contested)}),
        "agreed": _part(agreed, {"stays": stays}),
    }
    both: dict[str, Any] = {"chance": 0.5}
    for model in MODELS:
        values = [_mean(moves[model]), _mean(stays[model])]
        both[model] = None if None in values else sum(v for v in values if v is not None) / 2
    return parts | {"together": both}


def _part(pairs: list[tuple[Cell, Cell]], flags: dict[str, dict[str, list[float]]]) -> dict[str, Any]:
    groups = [a.group for a, _ in pairs]
    found: dict[str, Any] = {"pairs": len(pairs), "scenarios": len({a.scenario for a, _ in pairs})}
    for model in MODELS:
        right = [float(a.says(model) == a.verdict and b.says(model) == b.verdict) for a, b in pairs]
        found[model] = {name: _mean(told[model]) for name, told in flags.items()} | {"both_right": _mean(right)}
    return found | {"change": {name: paired(told["base"], told["tuned"], groups) for name, told in flags.items()}}


def _way_round(pairs: list[tuple[Cell, Cell]]) -> dict[str, list[float]]:
    """Return 1 where each role's verdict is likelier with its own role than with the other's, a half where equal."""
    found: dict[str, list[float]] = {}
    for model in MODELS:
        found[model] = []
        for a, b in pairs:
            ours, theirs = a.told(model), b.told(model)
            own = ours[a.verdict or ""] * theirs[b.verdict or ""]
            swapped = ours[b.verdict or ""] * theirs[a.verdict or ""]
            found[model].append(0.5 if own == swapped else float(own > swapped))
    return found


def own_role(answers: Sequence[Answer]) -> dict[str, Any]:
    """Say how often the verdict is right when asked as the person's own role, and on average as the other roles.

    A model that ignores the role has no difference.
    """
    rows = [one for one in answers if len(one.base.verdicts) > 1]
    groups = [one.group for one in rows]
    found: dict[str, Any] = {"n": len(rows)}
    for model in MODELS:
        own, others = [], []
        for one in rows:
            right = {r: float(one.seen(model).says(r) == one.verdict) for r in one.seen(model).verdicts}
            own.append(right.pop(one.stakeholder))
            others.append(sum(right.values()) / len(right))
        found[model] = {"own": _mean(own), "others": _mean(others), "change": paired(others, own, groups)}
    return found


def swap_test(answers: Sequence[Answer]) -> dict[str, Any]:
    """Say how often a person's analysis is likeliest under their own role's prompt, among those of all roles.

    Of one analysis of t tokens under K roles: `share` counts own lowest loss (1/j where j roles share it; chance is
    1/K), `margin` is the mean loss under the others minus that under the own, over t, in nats a token. `n` rows of
    `of`: the others were not tried. `levelled` is the share once each role's prompt has lost what it makes of all
    these analyses on average: one prompt may suit everybody's words.
    """
    rows = [one for one in answers if len(one.base.analysis) > 1]
    groups = [one.group for one in rows]
    hits = {m: [_own_is_least(one, m) for one in rows] for m in MODELS}
    margins = {m: [_margin(one, m) for one in rows] for m in MODELS}
    found: dict[str, Any] = {
        "n": len(rows),
        "of": len(answers),
        "roles": max((len(one.base.analysis) for one in rows), default=0),
        "chance": _mean([1 / len(one.base.analysis) for one in rows]),
        "change": paired(hits["base"], hits["tuned"], groups),
        "margin_change": paired(margins["base"], margins["tuned"], groups),
        "stakeholder": {},
    }
    for model in MODELS:
        levels = _levels(rows, model)
        found[model] = {
            "share": _mean(hits[model]),
            "levelled": _mean([_own_is_least(one, model, levels) for one in rows]),
            "interval": _ends(hits[model], groups),
            "margin": _mean(margins[model]),
            "margin_interval": _ends(margins[model], groups, 0),
        }
    for role in sorted({one.stakeholder for one in rows}):
        at = [n for n, one in enumerate(rows) if one.stakeholder == role]
        shares = {m: _mean([hits[m][n] for n in at]) for m in MODELS}
        found["stakeholder"][role] = {"n": len(at)} | shares
    return found


def _levels(rows: Sequence[Answer], model: str) -> dict[str, float]:
    """Return by how much a role's prompt is above the best one, over all these analyses, in nats a token."""
    held: dict[str, list[float]] = {}
    for one in rows:
        losses = one.seen(model).analysis
        for role, loss in losses.items():
            held.setdefault(role, []).append((loss - min(losses.values())) / one.tokens)
    return {role: sum(above) / len(above) for role, above in held.items()}


def _own_is_least(one: Answer, model: str, levels: dict[str, float] | None = None) -> float:
    losses = {
        role: loss - (levels or {}).get(role, 0.0) * one.tokens for role, loss in one.seen(model).analysis.items()
    }
    least = min(losses.values())
    return (losses[one.stakeholder] == least) / list(losses.values()).count(least)


def _margin(one: Answer, model: str) -> float:
    losses = one.seen(model).analysis
    others = [loss for role, loss in losses.items() if role != one.stakeholder]
    return (sum(others) / len(others) - losses[one.stakeholder]) / one.tokens


def distribution(answers: Sequence[Answer], training: dict[str, dict[str, float]]) -> dict[str, Any]:
    """Say how far each model's probabilities are from the shares of people's verdicts, by scenario and role.

    `training` holds each role's shares of verdicts in training, "" those of all: the rival that never reads a
    scenario, as `training`; `majority` always says the most frequent one, and what it never says would surprise it
    without end, so it has no cross-entropy. Keys: cross_entropy (nats), manhattan (0 to 2), total_variation (half).
    """
    found = cells(answers)
    groups = [cell.group for cell in found]
    told = {model: [cell.told(model) for cell in found] for model in MODELS}
    told["training"] = [training.get(cell.role, training[""]) for cell in found]
    told["majority"] = [{max(one, key=one.__getitem__): 1.0} for one in told["training"]]
    far = {m: [manhattan(c.shares, t) for c, t in zip(found, ones, strict=True)] for m, ones in told.items()}
    soft = {m: [soft_cross_entropy(c.shares, t) for c, t in zip(found, ones, strict=True)] for m, ones in told.items()}
    report: dict[str, Any] = {
        "cells": len(found),
        "of_several": sum(sum(row.people for row in cell.rows) > 1 for cell in found),
        "change": {
            "cross_entropy": paired(soft["base"], soft["tuned"], groups),
            "manhattan": paired(far["base"], far["tuned"], groups),
        },
    }
    for name, distances in far.items():
        mean = sum(distances) / len(distances)
        surprise = None if name == "majority" else _mean(soft[name])
        report[name] = {"cross_entropy": surprise, "manhattan": mean, "total_variation": mean / 2}
    return report


def ceiling(judgements: Sequence[Judgement], roles: Sequence[str]) -> dict[str, Any]:
    """Say how often two people of one role give a scenario the same verdict, overall and by role, in all splits.

    `share` is the share of equal pairs in a scenario, each scenario weighing equally. People whose answers were merged
    count as the several that they are; two answers of one person are no pair. It is a yardstick, not a bound: a model
    that knows what most people say can be right more often than the next person is.
    """
    by_role = {role: _ceiling([one for one in judgements if one.stakeholder == role]) for role in roles}
    return {"overall": _ceiling(judgements), "stakeholder": by_role}


def _ceiling(judgements: Sequence[Judgement]) -> dict[str, Any]:
    held: dict[tuple[str, str], list[Judgement]] = {}
    for one in sorted(judgements, key=lambda one: one.id):
        held.setdefault((one.scenario, one.stakeholder), []).append(one)
    pairs: dict[str, tuple[int, int]] = {}  # scenario -> equal pairs, all pairs
    group_of = {one.scenario: one.group for one in judgements}
    for (scenario, _), ones in held.items():
        equal, count = pairs.get(scenario, (0, 0))
        for one in ones:
            within = (one.voices or 1) * ((one.voices or 1) - 1) // 2
            equal, count = equal + within, count + within
        for a, b in combinations(ones, 2):
            between = (a.voices or 1) * (b.voices or 1) if not a.annotator or a.annotator != b.annotator else 0
            equal, count = equal + between * (a.verdict == b.verdict), count + between
        if count:
            pairs[scenario] = (equal, count)
    shares = [equal / count for equal, count in pairs.values()]
    return {
        "pairs": sum(count for _, count in pairs.values()),
        "scenarios": len(pairs),
        "share": _mean(shares),
        "interval": _ends(shares, [group_of[scenario] for scenario in pairs]),
        "note": None if pairs else "not enough pairs",
    }


def _ends(values: Sequence[float], groups: Sequence[str], most: float = 1.0) -> list[float] | None:
    """Return the interval of the mean as a list; of shares no further than 0 and 1 (`most` 0: not shares)."""
    found = cluster_interval(values, groups)
    if found is None:
        return None
    return [min(max(end, 0.0), most) for end in found] if most else list(found)


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
