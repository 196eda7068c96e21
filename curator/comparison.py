"""Base beside tuned as numbers and sentences; pure: nothing here needs a model."""

import math
from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

from curator.chatrows import ChatRow
from curator.maths.scores import (
    calibration_error,
    cluster_interval,
    cross_entropy,
    holm,
    macro_f1,
    mcnemar,
    most_frequent,
    paired,
)
from curator.scoring import Scored

MARGIN = 0.05  # nats a token of plain English that a tuned model may lose before we say so


def compare(
    scored: dict[str, list[Scored]], split_of: dict[str, str], train: Sequence[ChatRow], verdicts: list[str]
) -> dict[str, Any]:
    """Return the accuracy of verdicts overall and by split, stakeholder and domain, and the loss of the analyses.

    `majority` is the honest rival: for each stakeholder always the verdict that was most frequent in training.
    """
    rows = [one.row for one in scored["base"]]
    rival = majority(train, verdicts)
    said = {name: [one.verdict for one in found] for name, found in scored.items()}
    said["majority"] = [rival.get(row.stakeholder, rival[""]) for row in rows]

    def cell(chosen: list[int]) -> dict[str, Any]:
        return _cell([rows[n] for n in chosen], {name: [told[n] for n in chosen] for name, told in said.items()})

    def by(key: Callable[[ChatRow], str | None]) -> dict[str, Any]:
        names = sorted({str(key(row)) for row in rows if key(row) is not None})
        return {name: cell([n for n, row in enumerate(rows) if key(row) == name]) for name in names}

    everything = list(range(len(rows)))
    stakeholders = by(lambda row: row.stakeholder)
    p_values = {name: c["gain"]["p"] for name, c in stakeholders.items()}
    for name, adjusted in holm(p_values).items():
        stakeholders[name]["gain"]["p_holm"] = adjusted
    return {
        "accuracy": {
            "overall": cell(everything),
            "split": by(lambda row: split_of[row.id]),
            "stakeholder": stakeholders,
            "domain": by(lambda row: row.domain),
        },
        "verdicts": _verdicts(scored, rows, said, verdicts),
        "analysis": _analysis(scored, rows),
        "disagreement": _disagreement(scored, rows),
        "majority": {name: verdict for name, verdict in rival.items() if name},
    }


def majority(train: Sequence[ChatRow], verdicts: list[str]) -> dict[str, str]:
    """Return each stakeholder's most frequent verdict in training; under '' that of all together."""
    roles = sorted({row.stakeholder for row in train})
    rival = {role: most_frequent([r.verdict for r in train if r.stakeholder == role], verdicts) for role in roles}
    return rival | {"": most_frequent([row.verdict for row in train], verdicts)}


def _cell(rows: list[ChatRow], said: dict[str, list[str]]) -> dict[str, Any]:
    groups = [row.group for row in rows]
    right = {
        name: [float(verdict == row.verdict) for verdict, row in zip(told, rows, strict=True)]
        for name, told in said.items()
    }
    found: dict[str, Any] = {"n": len(rows), "scenarios": len({row.scenario for row in rows})}
    for name, hits in right.items():
        interval = cluster_interval(hits, groups)
        found[name] = {"accuracy": sum(hits) / len(hits), "interval": list(interval) if interval else None}
    found["gain"] = paired(right["base"], right["tuned"], groups)
    found["gain_over_majority"] = paired(right["majority"], right["tuned"], groups)
    return found


def _verdicts(
    scored: dict[str, list[Scored]], rows: list[ChatRow], said: dict[str, list[str]], verdicts: list[str]
) -> dict[str, Any]:
    true = [row.verdict for row in rows]
    found: dict[str, Any] = {}
    surprise = {}
    for name, ones in scored.items():
        told = [one.probabilities for one in ones]
        surprise[name] = [cross_entropy([p], [t]) for p, t in zip(told, true, strict=True)]
        found[name] = {
            "cross_entropy": cross_entropy(told, true),
            "macro_f1": macro_f1(said[name], true),
            "calibration_error": calibration_error(told, true),
            "said": {verdict: said[name].count(verdict) for verdict in verdicts},
        }
    found["people"] = {verdict: true.count(verdict) for verdict in verdicts}
    found["cross_entropy_change"] = paired(surprise["base"], surprise["tuned"], [row.group for row in rows])
    right = {n: [s == t for s, t in zip(said[n], true, strict=True)] for n in ("base", "tuned")}
    found["mcnemar_p"] = mcnemar(right["base"], right["tuned"])
    return found


def _analysis(scored: dict[str, list[Scored]], rows: list[ChatRow]) -> dict[str, Any]:
    per_token = {name: [one.analysis_loss / one.analysis_tokens for one in ones] for name, ones in scored.items()}
    tokens = sum(one.analysis_tokens for one in scored["base"])
    loss = {name: sum(one.analysis_loss for one in ones) / tokens for name, ones in scored.items()}
    change = paired(per_token["base"], per_token["tuned"], [row.group for row in rows])
    return {"tokens": tokens, "loss_per_token": loss, "change": change}


def _disagreement(scored: dict[str, list[Scored]], rows: list[ChatRow]) -> dict[str, Any]:
    """Say of two roles that judged one scenario how often they differ: people, base, tuned, and who matches people."""
    pairs = [
        (a, b)
        for a, b in combinations(range(len(rows)), 2)
        if rows[a].scenario == rows[b].scenario and rows[a].stakeholder != rows[b].stakeholder
    ]
    people = [rows[a].verdict != rows[b].verdict for a, b in pairs]
    found: dict[str, Any] = {"pairs": len(pairs), "people": _share(people)}
    for name, ones in scored.items():
        differ = [ones[a].verdict != ones[b].verdict for a, b in pairs]
        found[name] = _share(differ)
        found[f"{name}_matches_people"] = _share([d == p for d, p in zip(differ, people, strict=True)])
    return found


def _share(flags: list[bool]) -> float | None:
    return sum(flags) / len(flags) if flags else None


def general_ability(kinds: list[str], tokens: list[int], losses: dict[str, list[float]]) -> dict[str, Any]:
    """Return the loss per token on plain English, base beside tuned, and its change over the passages."""
    rates = {name: [loss / n for loss, n in zip(told, tokens, strict=True)] for name, told in losses.items()}
    return {
        "passages": len(tokens),
        "tokens": sum(tokens),
        "loss_per_token": {name: sum(told) / sum(tokens) for name, told in losses.items()},
        "change": paired(rates["base"], rates["tuned"], [str(n) for n in range(len(tokens))]),
        "kinds": {
            kind: {
                name: _mean([r for r, k in zip(told, kinds, strict=True) if k == kind]) for name, told in rates.items()
            }
            for kind in sorted(set(kinds))
        },
        "margin": MARGIN,
    }


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def sentences(report: dict[str, Any]) -> dict[str, Any]:
    """Return `verdict`, one line, `outcome` (helped, not shown, hurt) and `findings`, a line for each more."""
    overall = report["accuracy"]["overall"]
    outcome = judged(overall["gain"])
    line = (
        f"{outcome}: the right verdict for {_percent(overall['tuned'])} of {overall['n']} answers to"
        f" {overall['scenarios']} scenarios never seen, where the base model has {_percent(overall['base'])}"
        f" ({_points(overall['gain'])})."
    )
    findings = []
    for split, cell in report["accuracy"]["split"].items():
        where = {"test": "New scenarios in known domains", "out_of_context": "Domains or teams never seen"}.get(
            split, split
        )
        shares = f"{_percent(cell['tuned'])} against {_percent(cell['base'])} of {cell['n']}"
        findings.append(f"{where}: {judged(cell['gain'])}, {shares} ({_points(cell['gain'])}).")
    rival = judged(overall["gain_over_majority"])
    findings.append(
        f"Against always saying each stakeholder's most frequent verdict ({_percent(overall['majority'])}):"
        f" {rival} ({_points(overall['gain_over_majority'])})."
    )
    change = report["analysis"]["change"]
    findings.append(f"Loss per token of people's analyses: {_nats(report['analysis'])}, {judged(change, less=True)}.")
    findings.append(f"General English: {_nats(report['general'])}. {_kept(report['general']['change'])}")
    return {"verdict": line, "outcome": outcome, "findings": findings}


def judged(change: dict[str, Any], *, less: bool = False) -> str:
    """Return 'helped' or 'hurt' where both the interval and the sign-flip test exclude zero, else 'not shown'."""
    interval, p = change["interval"], change["p"]
    if interval is None or p is None or interval[0] <= 0 <= interval[1] or p >= 0.05:
        return "not shown"
    return "helped" if (change["difference"] > 0) != less else "hurt"


def _kept(change: dict[str, Any]) -> str:
    interval = change["interval"]
    if interval is None or interval[0] <= MARGIN < interval[1]:
        return f"Whether more than {MARGIN} is lost cannot be said from so few passages."
    return f"More than {MARGIN} is lost." if interval[0] > MARGIN else f"At most {MARGIN} is lost."


def _percent(part: dict[str, Any]) -> str:
    return f"{100 * part['accuracy']:.0f} %"


def _points(change: dict[str, Any]) -> str:
    if change["interval"] is None:
        return f"{100 * change['difference']:+.0f} points; too few scenarios for an interval"
    low, high = (100 * end for end in change["interval"])
    return f"{100 * change['difference']:+.0f} points, 95 % interval {low:+.0f} to {high:+.0f}, p {change['p']:.3f}"


def _nats(part: dict[str, Any]) -> str:
    loss, change = part["loss_per_token"], part["change"]
    low, high = change["interval"] or (math.nan, math.nan)
    span = f" ({change['difference']:+.3f} on average, 95 % interval {low:+.3f} to {high:+.3f})"
    return f"{loss['base']:.3f} before, {loss['tuned']:.3f} after" + (span if change["interval"] else "")


def rounded(value: Any) -> Any:
    """Return the same with every float rounded to six places, so that the last bits of a sum do not show."""
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    if isinstance(value, list):
        return [rounded(one) for one in value]
    return value
