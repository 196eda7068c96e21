"""Where a workspace stands: each stage of the way with its state and its numbers, and the one command to run next."""

import json
from pathlib import Path
from typing import Any

import polars as pl

from curator.dataset import Dataset, seal_rows
from curator.errors import CuratorError, UsageError
from curator.look import latest_model
from curator.permission import asked_for, refusing
from curator.standing import STAGES, next_command
from curator.workspace import Workspace

CHECKED = 5_000  # rows of a dataset that check looks at in half a second: status is not to be waited for
LOOKED_AT = 1_500  # answers that review looks at in half a second


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
        "report": "report.html" if _written(workspace.root / "report.html") else None,
        "at_hand": _at_hand(workspace.root),
        "report_older_than": _older(workspace, dataset, model),
        "second_look": _second_look(workspace, rows),
    }
    if dataset is not None:
        manifest = dataset.manifest
        told["dataset"] = {"name": dataset.name, "rows": manifest["rows"], "splits": manifest["splits"]}
        told["dataset"] |= {"given": manifest["input"]["rows"], "sha256": manifest["dataset"]}
        told["refused"] = _refused(workspace, dataset)
        told["stale"] = manifest["input"]["sha256"] != seal_rows(rows) or told["refused"] > 0
        told["check"] = _check(workspace, dataset)
    if model is not None:
        told["training"] = _training(json.loads((model / "training.json").read_text("utf-8")))
    if model is not None and told["evaluation"]:
        told["scores"] = _scores(json.loads((model / "evaluation.json").read_text("utf-8")))
    told["stages"] = [vars(look(told)) for look in STAGES]
    told["next"] = next_command(told)
    return told


def _written(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


def _at_hand(root: Path) -> str:
    """Return how to add the people and answers that lie in the workspace's folder, as after `init --sample`."""
    people, answers = (
        [name for name in names if _written(root / name)]
        for names in (("people.jsonl",), ("scenarios.jsonl", "answers.jsonl"))
    )
    added = [f"curator people add {people[0]}"] if people else []
    return ", then: ".join([*added, f"curator add {' '.join(answers)}"]) if "answers.jsonl" in answers else ""


def _last(workspace: Workspace) -> Dataset | None:
    try:
        return Dataset.find(workspace.datasets)
    except UsageError:
        return None


def _refused(workspace: Workspace, dataset: Dataset) -> int:
    """Return how many rows may not be used any more; a damaged dataset is named by the check."""
    try:
        return refusing(workspace, dataset, asked_for(dataset)).height
    except CuratorError:
        return 0


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
