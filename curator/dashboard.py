"""Where a workspace stands: each stage of the way with its state and its numbers, and the one command to run next."""

import json
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten
from typing import Any, Literal

import polars as pl

from curator.dataset import Dataset, seal_rows
from curator.errors import CuratorError, UsageError
from curator.evaluation.findings import listed
from curator.look import latest_model
from curator.workspace import Workspace

CHECKED = 5_000  # rows of a dataset that check looks at in half a second: status is not to be waited for
LOOKED_AT = 1_500  # answers that review looks at in half a second
LONGEST = 112  # characters of what the check says, two lines of the dashboard

State = Literal["done", "to do", "stale", "attention"]


@dataclass(frozen=True)
class Stage:
    """One stage of the way: its state, and what there is to say in lines of their own."""

    stage: str
    state: State
    says: list[str]


def status(workspace: Workspace) -> dict[str, Any]:
    """Return what is here, what state each stage is in, and the one command to run next."""
    with workspace.store() as store:
        intake, people, projects = store.intakes(), store.people(), store.projects()
        rows, set_aside = store.examples(), len(store.quarantined())
    counts: dict[str, int] = dict(sorted(rows["stakeholder"].value_counts().iter_rows()))
    dataset, model = _last(workspace), latest_model(workspace)
    server = _server(workspace)
    told: dict[str, Any] = {
        "workspace": workspace.config.name,
        "pack": workspace.pack.name,
        "pack_version": workspace.pack.version,
        "people": len(people),
        "people_who_answered": rows["annotator"].n_unique(),
        "projects": len(projects),
        "answers": rows.height,
        "scenarios": rows["scenario"].n_unique(),
        "answers_by_stakeholder": counts,
        "roles_without_answers": [role for role in workspace.pack.stakeholders if role not in counts],
        "fetched": intake.fetched,
        "set_aside": set_aside,
        "server": server,
        "dataset": None,
        "check": None,
        "model": model.name if model else None,
        "training": None,
        "evaluation": bool(model and (model / "evaluation.json").exists()),
        "scores": None,
        "report": "report.html" if (workspace.root / "report.html").exists() else None,
        "report_older_than": _older(workspace, dataset, model),
        "second_look": _second_look(workspace, rows),
    }
    if dataset is not None:
        manifest = dataset.manifest
        told["dataset"] = {"name": dataset.name, "rows": manifest["rows"], "splits": manifest["splits"]}
        told["dataset"] |= {"given": manifest["input"]["rows"], "sha256": manifest["dataset"]}
        told["stale"] = manifest["input"]["sha256"] != seal_rows(rows)
        told["check"] = _check(workspace, dataset)
    if model is not None:
        told["training"] = _training(json.loads((model / "training.json").read_text("utf-8")))
    if model is not None and told["evaluation"]:
        told["scores"] = _scores(json.loads((model / "evaluation.json").read_text("utf-8")))
    told["stages"] = [vars(look(told)) for look in STAGES]
    told["next"] = _next(told)
    return told


def _last(workspace: Workspace) -> Dataset | None:
    try:
        return Dataset.find(workspace.datasets)
    except UsageError:
        return None


def _server(workspace: Workspace) -> str:
    if workspace.config.server.url != "embedded":
        return workspace.config.server.url
    from curator.studio.server import running

    found = running(workspace.studio)
    return found.url if found else "down"


def _older(workspace: Workspace, dataset: Dataset | None, model: Path | None) -> list[str]:
    """Return which of what the report shows was made after it."""
    report = workspace.root / "report.html"
    made = {"dataset": dataset.folder / "manifest.json"} if dataset else {}
    made |= {"model": model / "training.json", "evaluation": model / "evaluation.json"} if model else {}
    if not report.exists():
        return []
    written = report.stat().st_mtime_ns
    return [name for name, path in made.items() if path.exists() and path.stat().st_mtime_ns > written]


def _check(workspace: Workspace, dataset: Dataset) -> dict[str, Any] | None:
    """Return what `curator check` finds; None where that would take too long to wait for."""
    from curator.check import check

    if dataset.manifest["rows"] > CHECKED:
        return None
    try:
        found = check(workspace, tokens=False)
    except CuratorError as fault:
        return {"fault": str(fault)}
    worst = found.findings[0]
    return {level: found.count(level) for level in ("stop", "warn", "pass")} | {
        "worst": {"name": worst.name, "next": worst.next} if worst.level != "pass" else None
    }


def _second_look(workspace: Workspace, rows: pl.DataFrame) -> int | None:
    """Return how many questions deserve a second look; None where that would take too long, or cannot be said."""
    from curator.review import items

    if not 0 < rows.height <= LOOKED_AT:
        return None
    try:
        return len(items(workspace, rows))
    except CuratorError:
        return None


def _training(said: dict[str, Any]) -> dict[str, Any]:
    """Return of training.json what a line can hold: base, epochs, kept epoch and its loss, dataset, weights."""
    kept, losses = said.get("best_epoch"), said.get("validation_loss") or []
    return {
        "base": said.get("base_name", "").rsplit("-", 1)[0],
        "epochs": len(said.get("train_loss") or []),
        "kept": kept,
        "validation_loss": losses[kept - 1] if kept and len(losses) >= kept else None,
        "dataset": said.get("dataset"),
        "adapter": said.get("adapter"),
    }


def _scores(said: dict[str, Any]) -> dict[str, Any] | None:
    """Return of evaluation.json the right verdicts on all that was never seen; None where it says it otherwise."""
    if "outcome" not in said:
        return None
    overall = said["accuracy"]["overall"]
    return {
        "n": overall["n"],
        "base": overall["base"]["accuracy"],
        "tuned": overall["tuned"]["accuracy"],
        "gain": overall["gain"]["difference"],
        "interval": overall["gain"]["interval"],
        "outcome": said["outcome"],
        "adapter": said.get("adapter"),
    }


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
    if told["stale"]:
        edited = made["given"] == told["answers"]
        says.append(f"answers {'changed' if edited else 'came or went'} since: curator curate")
    return Stage("curate", "stale" if told["stale"] else "done", says)


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
    return Stage("look", "done", [f"{told['report']} shows all of this", *says])


STAGES = (_collect, _curate, _checked, _trained, _evaluated, _looked)


def _next(told: dict[str, Any]) -> str:
    """Say the command that brings this workspace on."""
    if told["dataset"] is None and not told["answers"]:
        if not told["people"]:
            return "curator people add FILE   (who answers; or, with answers in files: curator add FILE)"
        if told["server"] == "down":
            return "curator up"
        return "curator pull" if told["projects"] else "curator project, then: curator push scenarios.jsonl"
    if told["dataset"] is None or told.get("stale"):
        return "curator curate"
    state = {stage["stage"]: stage["state"] for stage in told["stages"]}
    if told["model"] is None:
        return "curator check, then: curator train"
    if state["train"] == "stale":
        return "curator train"
    if state["evaluate"] in ("to do", "stale"):
        return "curator evaluate"
    return "curator ask" if state["look"] == "done" else "curator report"
