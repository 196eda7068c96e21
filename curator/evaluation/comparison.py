"""Base beside tuned as numbers; pure: nothing here needs a model."""

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

from curator.evaluation.answers import MODELS, Answer, Judgement
from curator.evaluation.perspectives import between_roles, ceiling, distribution, own_role, role_swap, swap_test
from curator.maths.power import apart
from curator.maths.scores import (
    calibration_error,
    cluster_interval,
    cross_entropy,
    holm,
    interval_method,
    macro_f1,
    mcnemar,
    most_frequent,
    paired,
)

UNSEEN = ("test", "out_of_context")


def compare(answers: Sequence[Answer], judgements: Sequence[Judgement], verdicts: Sequence[str]) -> dict[str, Any]:
    """Return all that evaluation.json says of the models' answers; the order of the rows changes nothing.

    `judgements` are those of the whole dataset. `majority` is the honest rival: for each stakeholder always the verdict
    that was most frequent in training.
    """
    rows = sorted(answers, key=lambda one: one.id)
    train = sorted((one for one in judgements if one.split == "train"), key=lambda one: one.id)
    rival = majority(train, verdicts)
    said = {name: [one.seen(name).says(one.stakeholder) for one in rows] for name in MODELS}
    said["majority"] = [rival.get(row.stakeholder, rival[""]) for row in rows]
    kinds = between_roles(rows)

    def cell(chosen: list[int]) -> dict[str, Any]:
        return _cell([rows[n] for n in chosen], {name: [told[n] for n in chosen] for name, told in said.items()})

    def by(key: Callable[[Answer], str | None]) -> dict[str, Any]:
        names = sorted({str(key(row)) for row in rows if key(row) is not None})
        return {name: cell([n for n, row in enumerate(rows) if key(row) == name]) for name in names}

    stakeholders = by(lambda row: row.stakeholder)
    p_values = {name: c["gain"]["p"] for name, c in stakeholders.items()}
    for name, adjusted in holm(p_values).items():
        stakeholders[name]["gain"]["p_holm"] = adjusted
    return {
        "accuracy": {
            "overall": cell(list(range(len(rows)))),
            "split": by(lambda row: row.split),
            "stakeholder": stakeholders,
            "domain": by(lambda row: row.domain),
            "team": by(lambda row: row.team),
            "between_roles": by(lambda row: kinds[row.scenario]),
        },
        "over_specific": _over_specific(rows, said),
        "verdicts": _verdicts(rows, said, verdicts),
        "analysis": _analysis(rows),
        "disagreement": _disagreement(rows),
        "views": {"role_swap": role_swap(rows), "own_role": own_role(rows), "swap_test": swap_test(rows)},
        "distribution": distribution(rows, shares(train, verdicts)),
        "ceiling": ceiling(judgements, sorted({row.stakeholder for row in rows})),
        "majority": {name: verdict for name, verdict in rival.items() if name},
    }


def majority(train: Sequence[Judgement], verdicts: Sequence[str]) -> dict[str, str]:
    """Return each stakeholder's most frequent verdict in training; under '' that of all together."""
    roles = sorted({row.stakeholder for row in train})
    rival = {role: most_frequent([r.verdict for r in train if r.stakeholder == role], verdicts) for role in roles}
    return rival | {"": most_frequent([row.verdict for row in train], verdicts)}


def shares(train: Sequence[Judgement], verdicts: Sequence[str]) -> dict[str, dict[str, float]]:
    """Return each stakeholder's shares of verdicts in training, one added to each count; under '' those of all.

    >>> told = Judgement("1", "s", "s", "train", "nurse", "fine")
    >>> shares([told], ["fine", "unfair"])["nurse"] == {"fine": 2 / 3, "unfair": 1 / 3}
    True
    """
    found = {}
    for role in ["", *sorted({row.stakeholder for row in train})]:
        said = [row.verdict for row in train if role in ("", row.stakeholder)]
        found[role] = {v: (said.count(v) + 1) / (len(said) + len(verdicts)) for v in verdicts}
    return found


def _right(rows: Sequence[Answer], told: Sequence[str]) -> list[float]:
    return [float(verdict == row.verdict) for verdict, row in zip(told, rows, strict=True)]


def _cell(rows: list[Answer], said: dict[str, list[str]]) -> dict[str, Any]:
    groups = [row.group for row in rows]
    right = {name: _right(rows, told) for name, told in said.items()}
    found: dict[str, Any] = {"n": len(rows), "scenarios": len({row.scenario for row in rows})}
    for name, hits in right.items():
        found[name] = {
            "accuracy": sum(hits) / len(hits),
            "interval": within(cluster_interval(hits, groups), 0.0),
            "method": interval_method(groups),
        }
    for name, rival in (("gain", "base"), ("gain_over_majority", "majority")):
        change = paired(right[rival], right["tuned"], groups)
        found[name] = change | {"interval": within(change["interval"], -1.0)}
    return found


def within(ends: Any, least: float, most: float = 1.0) -> list[float] | None:
    """Return an interval cut to where a share, or a difference of shares, can lie; None stays None.

    >>> within((-0.25, 0.5), 0.0)
    [0.0, 0.5]
    """
    return None if ends is None else [min(max(end, least), most) for end in ends]


def _over_specific(rows: list[Answer], said: dict[str, list[str]]) -> dict[str, Any] | None:
    """Say how much more the tuned model drops from test to out_of_context than the base does; None without both.

    The difference of the drops is the difference of the gains: their intervals know of clusters on both sides.
    """
    parts = [[n for n, row in enumerate(rows) if row.split == split] for split in UNSEEN]
    if not all(parts):
        return None
    right = {name: _right(rows, told) for name, told in said.items()}
    gains = [([right["tuned"][n] - right["base"][n] for n in part], [rows[n].group for n in part]) for part in parts]
    here, there = ({name: sum(told[n] for n in part) / len(part) for name, told in right.items()} for part in parts)
    return {"drop": {name: here[name] - there[name] for name in right}, "change": apart(*gains)}


def _verdicts(rows: list[Answer], said: dict[str, list[str]], verdicts: Sequence[str]) -> dict[str, Any]:
    true = [row.verdict for row in rows]
    found: dict[str, Any] = {name: _scores(rows, said[name], name) for name in MODELS}
    surprise = {}
    for name in MODELS:
        surprise[name] = [cross_entropy([row.seen(name).verdicts[row.stakeholder]], [row.verdict]) for row in rows]
        found[name]["said"] = {verdict: said[name].count(verdict) for verdict in verdicts}
    found["people"] = {verdict: true.count(verdict) for verdict in verdicts}
    found["cross_entropy_change"] = paired(surprise["base"], surprise["tuned"], [row.group for row in rows])
    right = {name: [hit == 1.0 for hit in _right(rows, said[name])] for name in MODELS}
    found["mcnemar_p"] = mcnemar(right["base"], right["tuned"])
    found["split"] = {}
    for split in sorted({row.split for row in rows}):
        at = [n for n, row in enumerate(rows) if row.split == split]
        found["split"][split] = {
            name: _scores([rows[n] for n in at], [said[name][n] for n in at], name) for name in MODELS
        }
    return found


def _scores(rows: list[Answer], said: list[str], model: str) -> dict[str, Any]:
    told, true = [row.seen(model).verdicts[row.stakeholder] for row in rows], [row.verdict for row in rows]
    return {
        "cross_entropy": cross_entropy(told, true),
        "macro_f1": macro_f1(said, true),
        "calibration_error": calibration_error(told, true),
    }


def _analysis(rows: list[Answer]) -> dict[str, Any]:
    losses = {name: [row.seen(name).analysis[row.stakeholder] for row in rows] for name in MODELS}
    per_token = {
        name: [loss / row.tokens for loss, row in zip(ones, rows, strict=True)] for name, ones in losses.items()
    }
    tokens = sum(row.tokens for row in rows)
    change = paired(per_token["base"], per_token["tuned"], [row.group for row in rows])
    return {"tokens": tokens, "loss_per_token": {n: sum(ones) / tokens for n, ones in losses.items()}, "change": change}


def _disagreement(rows: list[Answer]) -> dict[str, Any]:
    """Say of two answers from two roles how often they differ: people, base, tuned, and who matches people."""
    held: dict[str, list[Answer]] = {}
    for row in rows:
        held.setdefault(row.scenario, []).append(row)
    pairs = [(a, b) for ones in held.values() for a, b in combinations(ones, 2) if a.stakeholder != b.stakeholder]
    people = [a.verdict != b.verdict for a, b in pairs]
    found: dict[str, Any] = {"pairs": len(pairs), "people": _share(people)}
    for name in MODELS:
        differ = [a.seen(name).says(a.stakeholder) != b.seen(name).says(b.stakeholder) for a, b in pairs]
        found[name] = _share(differ)
        found[f"{name}_matches_people"] = _share([d == p for d, p in zip(differ, people, strict=True)])
    return found


def _share(flags: list[bool]) -> float | None:
    return sum(flags) / len(flags) if flags else None


def rounded(value: Any) -> Any:
    """Return the same with every float rounded to six places, so that the last bits of a sum do not show."""
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    if isinstance(value, list):
        return [rounded(one) for one in value]
    return value
