"""What an evaluation's numbers mean, in plain sentences; nothing is claimed that they do not show."""

import math
import re
from collections.abc import Mapping
from typing import Any

from curator.wording import listed

PLACES = {"test": "New scenarios in known domains", "out_of_context": "Domains or teams never seen"}


def sentences(report: dict[str, Any], roles: Mapping[str, str]) -> dict[str, Any]:
    """Return `verdict`, one line, `outcome` (helped, not shown, hurt), `findings`, a line for each more, and `brief`.

    `roles` are the pack's descriptions. `brief` are the findings that no table of `curator evaluate` shows.
    """
    overall = report["accuracy"]["overall"]
    outcome = judged(overall["gain"])
    line = (
        f"{outcome}: the right verdict for {_percent(overall['tuned'])} of {overall['n']} answers to"
        f" {overall['scenarios']} scenarios never seen, where the base model has {_percent(overall['base'])}"
        f" ({_points(overall['gain'])})."
    )
    brief = [_by_role(report["accuracy"]["stakeholder"], roles), _smallest(report["accuracy"])]
    if report["over_specific"]:
        brief.append(_over_specific(report["over_specific"]))
    loss = report["analysis"]
    brief.append(f"Loss per token of people's analyses: {nats(loss)}, {judged(loss['change'], less=True)}.")
    findings = [
        f"{PLACES.get(split, split)}: {judged(cell['gain'])}, {_percent(cell['tuned'])} against"
        f" {_percent(cell['base'])} of {cell['n']} ({_points(cell['gain'])})."
        for split, cell in report["accuracy"]["split"].items()
    ]
    findings.append(
        f"Against always saying each stakeholder's most frequent verdict ({_percent(overall['majority'])}):"
        f" {judged(overall['gain_over_majority'])} ({_points(overall['gain_over_majority'])})."
    )
    both = [*_role_swap(report["views"]["role_swap"]), *_swap_test(report["views"]["swap_test"])]
    both += [_distribution(report["distribution"]), _ceiling(report["ceiling"], overall)]
    return {"verdict": line, "outcome": outcome, "findings": [*findings, *brief, *both], "brief": brief}


def judged(change: dict[str, Any], *, less: bool = False) -> str:
    """Return 'helped' or 'hurt' where both the interval and the sign-flip test exclude zero, else 'not shown'.

    Where several were asked, the p-value after Holm counts.
    """
    interval, p = change["interval"], change.get("p_holm", change["p"])
    if interval is None or p is None or interval[0] <= 0 <= interval[1] or p >= 0.05:
        return "not shown"
    return "helped" if (change["difference"] > 0) != less else "hurt"


def spoken(role: str, roles: Mapping[str, str]) -> str:
    """Return a role as the pack speaks of it, up to its first comma or bracket.

    >>> spoken("hr", {"hr": "an HR partner, who weighs process"})
    'an HR partner'
    """
    return re.split(r"[,;(:]", roles.get(role, ""))[0].strip() or role.replace("_", " ")


def _by_role(cells: dict[str, Any], roles: Mapping[str, str]) -> str:
    """Say for whom it is better, for whom worse, and for whom nothing was shown."""
    told: dict[str, list[str]] = {"helped": [], "hurt": [], "not shown": []}
    for role, cell in cells.items():
        gain, outcome = cell["gain"], judged(cell["gain"])
        low, high = gain["interval"] or (math.nan, math.nan)
        span = f" ({100 * gain['difference']:+.0f} points, {100 * low:+.0f} to {100 * high:+.0f})"
        told[outcome].append(f"as {spoken(role, roles)}" + ("" if outcome == "not shown" else span))
    parts = [f"{word} {listed(told[key])}" for word, key in (("better", "helped"), ("worse", "hurt")) if told[key]]
    if told["not shown"]:
        parts.append(f"{listed(told['not shown'])} the difference is within chance")
    line = "; ".join(parts)
    return line[:1].upper() + line[1:] + "."


def _smallest(accuracy: dict[str, Any]) -> str:
    """Say how small a gain would have been missed: what was not shown may be there."""
    gain = accuracy["overall"]["gain"]
    if gain["detectable"] is None:
        return "How small a gain would have been seen cannot be said: too few scenarios, or no difference at all."
    line = f"With {gain['clusters']} scenarios a gain under {100 * gain['detectable']:.0f} points"
    least = [cell["gain"]["detectable"] for cell in accuracy["stakeholder"].values()]
    known = [100 * one for one in least if one is not None]
    if len(accuracy["stakeholder"]) > 1 and known:
        line += f" would not have been seen, for a single role one under {_span(min(known), max(known))}"
        return f"{line} (80 % power at 5 %)."
    return f"{line} would not have been seen (80 % power at 5 %)."


def _span(low: float, high: float) -> str:
    return f"{low:.0f}" if round(low) == round(high) else f"{low:.0f} to {high:.0f}"


def _over_specific(told: dict[str, Any]) -> str:
    """Say whether what was learned holds where nothing was seen, beside how the base model fares there."""
    drop, change = told["drop"], told["change"]
    line = (
        f"From known domains to those never seen the tuned model goes {-100 * drop['tuned']:+.0f} points and the base"
        f" {-100 * drop['base']:+.0f}"
    )
    if change["interval"] is None:
        return f"{line}; too few scenarios for an interval."
    low, high = change["interval"]
    word = "over-specific" if low > 0 else "it holds better" if high < 0 else "within chance"
    ends = f"{-100 * change['difference']:+.0f}, 95 % interval {-100 * high:+.0f} to {-100 * low:+.0f}"
    return f"{line} (difference {ends}): {word}."


def _role_swap(told: dict[str, Any]) -> list[str]:
    contested, agreed, both = told["contested"], told["agreed"], told["together"]
    lines = []
    if contested["pairs"]:
        lines.append(
            f"Where two roles differ ({contested['pairs']} pairs) the tuned model's verdict moves in"
            f" {_share(contested['tuned']['moves'])}, the base's in {_share(contested['base']['moves'])}; the two"
            f" verdicts are the right way round in {_share(contested['tuned']['right_way_round'])} (base"
            f" {_share(contested['base']['right_way_round'])}, chance 50 %)."
        )
    if agreed["pairs"]:
        lines.append(
            f"Where they agree ({agreed['pairs']} pairs) it rightly stays in {_share(agreed['tuned']['stays'])}, the"
            f" base's in {_share(agreed['base']['stays'])}."
        )
    if both["tuned"] is not None:
        lines.append(
            f"Both together {_share(both['tuned'])} (base {_share(both['base'])}): a model that ignores the role has"
            " 50 %."
        )
    return lines


def _swap_test(told: dict[str, Any]) -> list[str]:
    if not told["n"]:
        return []
    tuned, base = told["tuned"], told["base"]
    low, high = tuned["interval"] or (math.nan, math.nan)
    ends = f", 95 % interval {100 * low:.0f} to {100 * high:.0f}" if tuned["interval"] else ""
    return [
        f"An analysis is likeliest under its own role's prompt in {_share(tuned['share'])} of {told['n']}{ends} (base"
        f" {_share(base['share'])}, chance {_share(told['chance'])}), by {tuned['margin']:+.4f} nats a token (base"
        f" {base['margin']:+.4f}): {judged(told['change'])}."
    ]


def _distribution(told: dict[str, Any]) -> str:
    """Say how far the probabilities are from people's shares; less is better."""
    low, high = told["change"]["manhattan"]["interval"] or (math.nan, math.nan)
    ends = f", 95 % interval of the change {low:+.2f} to {high:+.2f}" if told["change"]["manhattan"]["interval"] else ""
    return (
        f"Distance to the shares of people's verdicts (Manhattan, 0 to 2): {told['base']['manhattan']:.2f} before,"
        f" {told['tuned']['manhattan']:.2f} after{ends}; each role's shares in training, without reading the scenario,"
        f" have {told['training']['manhattan']:.2f}."
    )


def _ceiling(told: dict[str, Any], overall: dict[str, Any]) -> str:
    """Say how often people themselves agree, so that the model's share has something to stand beside."""
    cell = told["overall"]
    if cell["share"] is None:
        return "How often people of one role agree cannot be said: not enough pairs."
    low, high = cell["interval"] or (math.nan, math.nan)
    ends = f", 95 % interval {100 * low:.0f} to {100 * high:.0f}" if cell["interval"] else ""
    return (
        f"Two people of one role give a scenario the same verdict in {_share(cell['share'])} ({cell['pairs']} pairs on"
        f" {cell['scenarios']} scenarios{ends}); the tuned model agrees with a person in {_percent(overall['tuned'])}."
    )


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.0f} %"


def _percent(part: dict[str, Any]) -> str:
    return f"{100 * part['accuracy']:.0f} %"


def _points(change: dict[str, Any]) -> str:
    if change["interval"] is None:
        return f"{100 * change['difference']:+.0f} points; too few scenarios for an interval"
    low, high = (100 * end for end in change["interval"])
    return f"{100 * change['difference']:+.0f} points, 95 % interval {low:+.0f} to {high:+.0f}, p {change['p']:.3f}"


def nats(part: dict[str, Any]) -> str:
    """Say the loss per token before and after, and its change with the interval."""
    loss, change = part["loss_per_token"], part["change"]
    low, high = change["interval"] or (math.nan, math.nan)
    span = f" ({change['difference']:+.3f} on average, 95 % interval {low:+.3f} to {high:+.3f})"
    return f"{loss['base']:.3f} before, {loss['tuned']:.3f} after" + (span if change["interval"] else "")
