"""Is this worth a training? Who agreed, whose it is, whether a prompt would do, what it costs; and what to do."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

import polars as pl

from curator.readiness.answers import Check, Evidence, Finding, Level, percent
from curator.wording import several

SOON = 30  # days before the end of the time that data is kept
NEAR = 0.05  # of accuracy: a base model as near to people's own agreement needs no training
LONG = 3600  # seconds on this machine

OUTCOMES: dict[str, Level] = {"hurt": "stop", "helped": "pass"}  # of an evaluation: by interval and by test

QUESTIONS = {  # of [trust] in curator.toml, with what one writes there
    "owner": ("Who owns the data?", '"the works council and HR of Example Ltd"'),
    "licence": ("Under which licence may it be used?", '"internal"          # or an SPDX name: "cc-by-4.0"'),
    "kept_until": ("How long is it kept?", "2028-12-31       # or: kept_days = 365"),
    "may_train_others": ("May it train other models?", "false"),
    "who_can_reach": ("Who can reach the adapter?", '"the pilot group, on one laptop"'),
    "when_somebody_leaves": (
        "What happens when somebody leaves?",
        '"their answers are withdrawn, the model is trained again"',
    ),
}


def unanswered(trust: dict[str, Any]) -> list[str]:
    """Return the names of the questions of trust that nobody has answered."""
    told = trust | {"kept_until": trust.get("kept_until") or trust.get("kept_days")}
    return [name for name in QUESTIONS if told.get(name) is None]


def answered(trust: dict[str, Any]) -> list[tuple[str, str]]:
    """Return each question of trust with its answer, as the cards print them."""
    missing = unanswered(trust)
    told = {name: "not answered" if name in missing else str(trust.get(name)) for name in QUESTIONS}
    if "may_train_others" not in missing:
        told["may_train_others"] = "yes" if trust["may_train_others"] else "no"
    if "kept_until" not in missing:
        days = trust.get("kept_days")
        told["kept_until"] = (
            f"until {trust['kept_until']}" if trust.get("kept_until") else f"{days} days after the last answer"
        )
    return [(question, told[name]) for name, (question, _) in QUESTIONS.items()]


def lines_to_add(trust: dict[str, Any]) -> list[str]:
    """Return the lines that curator.toml still needs, ready to be pasted and changed."""
    missing = unanswered(trust)
    lines = [f"{name} = {QUESTIONS[name][1]}" for name in missing]
    return [*(["[trust]"] if lines and not any(trust.values()) else []), *lines]


def consent(given: Evidence) -> Iterator[Finding]:
    """Whether everybody behind a row of any split agrees, today, that it trains a model or tests one."""
    people = given.examples["annotator"].unique().sort().to_list()
    if not people:
        return
    refused = [who for who in people if who in given.consents and "train" not in given.consents[who]]
    unasked = [who for who in people if who not in given.consents]
    wanted = "everybody in the set"
    if refused:
        rows = given.examples.filter(pl.col("annotator").is_in(refused)).height
        why = f"{', '.join(refused[:3])} did not agree to training, or took it back: {several(rows, 'row')}."
        do = "curator curate leaves them out; a model made from them must go"
        yield Finding("consent", "stop", f"{len(refused)} of {len(people)} refuse", wanted, why, do, policy=True)
    elif unasked:
        why = "Nobody asked them whether their words may train a model."
        do = "curator people add EMAIL --consent analyse,train"
        yield Finding("consent", "warn", f"{len(unasked)} of {len(people)} not asked", wanted, why, do)
    else:
        yield Finding("consent", "pass", f"{len(people)} of {len(people)}", wanted, "All agreed to training.")


def trust(given: Evidence) -> Iterator[Finding]:
    """Whether the questions of trust are answered, and whether the time that data is kept is over."""
    missing = unanswered(given.trust)
    number, wanted = f"{len(QUESTIONS) - len(missing)} of {len(QUESTIONS)} answered", "all"
    why = "Who gets the data or the adapter must know whose it is and for how long."
    do = f"answer {', '.join(missing)} under [trust] in curator.toml" if missing else ""
    yield Finding("questions of trust", "warn" if missing else "pass", number, wanted, why, do)
    until = kept_until(given)
    if until is None:
        if given.trust.get("kept_days") is not None and not given.examples.is_empty():
            why = "No answer says when it was given, so kept_days never ends."
            yield Finding("kept until", "warn", "no dates", "a last day", why, "write kept_until in curator.toml")
        return
    left = (until - given.today).days
    level: Level = "stop" if left < 0 else "warn" if left < SOON else "pass"
    why = "After it the data is to be deleted, and so is what was made from it."
    do = "delete it, or ask the people again and set a new date" if level != "pass" else ""
    number = f"{until}" + (f", {-left} days ago" if left < 0 else f", {left} days left")
    yield Finding("kept until", level, number, "not over", why, do)


def kept_until(given: Evidence) -> date | None:
    """Return the last day of keeping: as written, or so many days after the newest answer; None where neither is."""
    if (until := given.trust.get("kept_until")) is not None:
        return date.fromisoformat(str(until))
    days = given.trust.get("kept_days")
    last = pl.concat([given.examples["updated_at"], given.examples["created_at"]]).drop_nulls()
    if days is None or last.is_empty():
        return None
    newest: Any = last.max()
    return date.fromisoformat(newest.date().isoformat()) + timedelta(days=days)


def prompting(given: Evidence) -> Iterator[Finding]:
    """Whether the untrained model already judges about as people do, and whether training helped."""
    told = given.evaluation
    if told is None:
        do = "curator train, then curator evaluate: it puts the untrained model beside people"
        why = "If the base model already agrees with people, a prompt will do."
        yield Finding("would a prompt do?", "warn", "not measured", "under people", why, do)
        return
    overall = told["accuracy"]["overall"]
    base, usual = overall["base"]["accuracy"], overall["majority"]["accuracy"]
    people = ((told.get("ceiling") or {}).get("overall") or {}).get("share")
    ask = max(usual, people - NEAR) if people is not None else usual
    wanted = (f"people {percent(people)}, " if people is not None else "") + f"usual verdict {percent(usual)}"
    does = base >= ask
    why = "The base model judges about as people do." if does else "The base model alone does not judge as people do."
    do = "try it with a prompt first: curator ask" if does else ""
    number = f"base {percent(base)} of {overall['n']}"
    yield Finding("would a prompt do?", "warn" if does else "pass", number, wanted, why, do)
    gain = overall["gain"]
    low, high = gain["interval"] or (-1.0, 1.0)
    level = OUTCOMES.get(told.get("outcome", ""), "warn")
    number = f"{100 * gain['difference']:+.0f} points ({100 * low:+.0f} to {100 * high:+.0f})"
    if not gain["interval"]:
        number = f"{100 * gain['difference']:+.0f} points, no interval"
    why = {"stop": "Training made it worse.", "pass": "Training helped.", "warn": "Not shown that training helped."}[
        level
    ]
    do = "" if level == "pass" else "collect more, or compare settings: curator sweep"
    yield Finding("did training help?", level, number, "above 0", why, do)


def training_cost(given: Evidence) -> Iterator[Finding]:
    """Tokens of the training, and the time and memory that a measured dry run found."""
    number = f"{given.length:,} {given.unit}, {several(given.epochs, 'epoch')}"
    if given.refused:
        do = "do what it says, then: curator check --probe"
        yield Finding("size of a training", "stop", "cannot be trained on", "a dry run", given.refused, do)
        return
    if given.probe is None:
        why = f"Counted by {given.counted_by}." if given.counted_by else "Counted."
        do = "minutes and memory are measured by: curator check --probe"
        yield Finding("size of a training", "pass", number, "no limit", why, do)
        return
    seconds, memory = given.probe["seconds"], given.probe["memory"]
    number += f", {seconds / 60:.1f} minutes, {memory / 2**20:,.0f} MB"
    over = given.memory is not None and memory > given.memory
    level: Level = "stop" if over else "warn" if seconds > LONG else "pass"
    wanted = f"{LONG // 60} minutes" + (f", {given.memory / 2**20:,.0f} MB" if given.memory is not None else "")
    do = "a smaller model, or longest=512 (curator train --set)" if over else ""
    if level == "warn":
        do = "fewer epochs or layers (curator train --set), or another machine"
    why = f"Measured on {several(given.probe['probed'], 'step')}."
    yield Finding("size of a training", level, number, wanted, why, do)


def hosted_cost(given: Evidence) -> Iterator[Finding]:
    """What hosted services would ask, by the price table; nothing is sent anywhere."""
    if not given.prices or not given.length:
        return
    tokens = given.length * given.epochs * (1 if given.unit == "tokens" else 4 / 3)  # about 3 words in 4 tokens
    bills = [
        f"{name} {max(one['least'], tokens * one['per_million'] / 1e6):.2f} {one['currency']}"
        for name, one in given.prices.items()
    ]
    oldest = min(str(one["as_of"]) for one in given.prices.values())
    why = f"Prices as of {oldest} or later; their tokenizers count otherwise; using the model costs more."
    do = "check the prices yourself; write them under [prices] in curator.toml"
    yield Finding("on a hosted service", "pass", "; ".join(bills), "no limit", why, do)


CHECKS: list[Check] = [consent, trust, prompting, training_cost, hosted_cost]


def explain(findings: Sequence[Finding]) -> list[str]:
    """Return in plain words whether to prompt, retrieve or fine-tune, and why."""
    by = {one.name: one for one in findings}
    stops = [one for one in findings if one.level == "stop" and one.name != "did training help?"]
    lines = []
    facts = by.get("facts that change")
    if facts is not None and facts.level == "warn":
        lines.append(
            f"Retrieve: {facts.number} of the answers state what will change. A model that learned it says the old"
            " thing for ever; keep it in documents and put it into the context of each question."
        )
    elif facts is not None:
        lines.append(
            f"Retrieve: little need. Answers that state dates, prices, versions or laws by number: {facts.number}."
            " Such facts belong into the context of a question."
        )
    prompt = by["would a prompt do?"]
    if prompt.number == "not measured":
        lines.append(
            "Prompt: not known yet. A good prompt is cheaper than any training; curator evaluate measures how far the"
            " untrained model is from people."
        )
    elif prompt.level == "warn":
        lines.append(f"Prompt: yes, first. Right verdicts: {prompt.number}; to be reached: {prompt.threshold}.")
    else:
        lines.append(
            "Prompt: not enough alone with this base model, though a larger one may do. Right verdicts:"
            f" {prompt.number}; to be reached: {prompt.threshold}."
        )
    mind = [one for one in findings if one.level == "warn" and one.name.startswith(("examples", "largest"))]
    told = "; ".join(f"{one.name}: {one.number}" for one in mind)
    advice = _tune(stops, prompt, by.get("did training help?"))
    return [*lines, advice + (f" Mind what it would learn from: {told}." if mind else "")]


def _tune(stops: Sequence[Finding], prompt: Finding, helped: Finding | None) -> str:
    if stops:
        told = "; ".join(f"{one.name}: {one.number}" for one in stops)
        return f"Fine-tune: not yet. {told}. First: {stops[0].next or stops[0].why}"
    if helped is not None and helped.level != "pass":
        return f"Fine-tune: not for this yet. {helped.why} {helped.number}. Next: {helped.next}."
    if prompt.level == "warn" and prompt.number != "not measured":
        return "Fine-tune: only if a prompt was tried and does not hold each role's view."
    if helped is not None:
        return f"Fine-tune: yes. {helped.why} {helped.number}."
    return (
        "Fine-tune: worth a try, since nothing above forbids it and what is to be learned is a judgement and a form,"
        " which prompts hold badly and documents do not hold. Whether it helped only curator evaluate says."
    )
