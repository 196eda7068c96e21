"""What a workspace's numbers mean: the state of each stage of its way, and the one command to run next."""

from dataclasses import dataclass
from textwrap import shorten
from typing import Any, Literal

from curator.wording import listed

LONGEST = 112  # characters of what the check says, two lines of the dashboard

State = Literal["done", "to do", "stale", "attention"]


@dataclass(frozen=True)
class Stage:
    """One stage of the way: its state, and what there is to say in lines of their own."""

    stage: str
    state: State
    says: list[str]


def _collect(told: dict[str, Any]) -> Stage:
    known = f"{told['people']} people are known" if told["people"] else "nobody is known yet"
    if not told["answers"]:
        says = [f"{known}; no answers yet"]
    else:
        count = f"{told['answers']:,} answers to {told['scenarios']:,} scenarios"
        says = [f"{count} by {told['people_who_answered']:,} people", known]
        if told["people"] >= told["people_who_answered"]:
            says = [f"{count} by {told['people_who_answered']:,} of {told['people']:,} people"]
    if told["set_aside"]:
        says.append(f"{told['set_aside']:,} set aside: curator verify")
    missing = told["roles_without_answers"] if told["answers"] else []
    if missing:
        says.append(f"nobody answered as {' or '.join(missing)}")
    state: State = "attention" if told["set_aside"] or missing else "done" if told["answers"] else "to do"
    return Stage("collect", state, says)


def _curate(told: dict[str, Any]) -> Stage:
    made = told["dataset"]
    if made is None:
        return Stage("curate", "to do", ["no dataset yet"])
    splits = ", ".join(f"{count:,} {name}" for name, count in made["splits"].items() if count)
    says = [f"{made['name']}: {made['rows']:,} of {made['given']:,} answers kept", splits or "no splits"]
    if told["refused"]:
        says.append(f"{told['refused']:,} of them may not be used any more: curator curate")
    elif told["stale"]:
        edited = made["given"] == told["answers"]
        says.append(f"answers {'changed' if edited else 'came or went'} since: curator curate")
    state: State = "stale" if told["stale"] else "done" if made["rows"] else "attention"
    return Stage("curate", state, says if made["rows"] else [*says, "what left, and why: curator dropped"])


def _checked(told: dict[str, Any]) -> Stage:
    found = told["check"]
    if told["dataset"] is None:
        return Stage("check", "to do", ["needs a dataset"])
    if found is None:
        return Stage("check", "to do", ["is it worth a training? curator check"])
    if "fault" in found:
        return Stage("check", "attention", [found["fault"]])
    says = [", ".join(f"{found[level]} {level}" for level in ("stop", "warn", "pass")) + ": curator check"]
    if worst := found["worst"]:
        says.append(shorten(f"{worst['name']}: {worst['next']}", LONGEST, placeholder=" …"))
    return Stage("check", "attention" if found["stop"] else "done", says)


def _trained(told: dict[str, Any]) -> Stage:
    made = told["training"]
    if made is None:
        return Stage("train", "to do", ["no model yet"])
    says = [f"{told['model']} on {made['base']}" if made["base"] else told["model"]]
    if made["kept"]:
        loss = "" if made["validation_loss"] is None else f", validation loss {made['validation_loss']:.4f}"
        says.append(f"epoch {made['kept']} of {made['epochs']} kept{loss}")
    if told["dataset"] is None or made["dataset"] == told["dataset"]["sha256"]:
        return Stage("train", "done", says)
    return Stage("train", "stale", [*says, f"trained on another dataset than {told['dataset']['name']}: curator train"])


def _evaluated(told: dict[str, Any]) -> Stage:
    scores = told["scores"]
    if not told["evaluation"]:
        return Stage("evaluate", "to do", ["needs a model" if told["model"] is None else "not evaluated yet"])
    if scores is None:
        return Stage("evaluate", "stale", ["made by an older curator: curator evaluate"])
    base, tuned = (f"{100 * scores[name]:.0f} %" for name in ("base", "tuned"))
    ends = [f"{100 * end:+.0f}" for end in scores["interval"] or []]
    span = f"95 % {' to '.join(ends)}" if ends else "too few for an interval"
    says = [
        f"right verdicts: base {base} → tuned {tuned} of {scores['n']:,} never seen",
        f"{100 * scores['gain']:+.0f} points ({span}): {scores['outcome']}",
    ]
    if scores["adapter"] != told["training"]["adapter"]:
        return Stage("evaluate", "stale", [*says, "of other weights than the model's: curator evaluate"])
    return Stage("evaluate", "attention" if scores["outcome"] == "hurt" else "done", says)


def _looked(told: dict[str, Any]) -> Stage:
    older, again = told["report_older_than"], told["second_look"]
    says = [f"{again:,} questions deserve a second look: curator review"] if again else []
    if told["report"] is None:
        return Stage("look", "to do", ["no report yet", *says])
    if older:
        newer = listed([f"the {name}" for name in older])
        return Stage("look", "stale", [f"{told['report']} is older than {newer}: curator report", *says])
    shows = "all of this" if told["dataset"] else "an earlier dataset"
    return Stage("look", "done" if told["dataset"] else "stale", [f"{told['report']} shows {shows}", *says])


STAGES = (_collect, _curate, _checked, _trained, _evaluated, _looked)


def next_command(told: dict[str, Any]) -> str:
    """Say the command that brings this workspace on."""
    if told["dataset"] is None and not told["answers"]:
        if not told["people"]:
            return told["at_hand"] or "curator people add FILE   (or, with answers in files: curator add FILE)"
        if told["server"] == "down":
            return "curator up"
        return "curator pull" if told["projects"] else "curator project, then: curator push scenarios.jsonl"
    if told["dataset"] is None or told.get("stale"):
        return "curator curate"
    if not told["dataset"]["rows"]:
        return "curator dropped"
    state = {stage["stage"]: stage["state"] for stage in told["stages"]}
    if told["model"] is None:
        return "curator check" if state["check"] == "attention" else "curator check, then: curator train"
    if state["train"] == "stale":
        return "curator train"
    if state["evaluate"] in ("to do", "stale"):
        return "curator evaluate"
    return "curator ask" if state["look"] == "done" else "curator report"
