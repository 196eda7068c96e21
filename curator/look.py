"""Looking at what is there: the funnel, one answer's life, the stages, the last model."""

import importlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from curator.dataset import Dataset
from curator.errors import UsageError
from curator.recipe import known_stages
from curator.workspace import Workspace


def funnel(dataset: Dataset) -> list[list[Any]]:
    """Return a row for each step: name, rows in, rows out, what it decided in words."""
    rows = []
    for step in dataset.manifest["steps"]:
        told = [
            f"{d['reason']}: {d['rows']}" + {"drop": "", "edit": " edited", "flag": " flagged"}[d["action"]]
            for d in step["decisions"]
        ]
        told += step["measures"].get("notes", [])
        rows.append([step["step"], step["given"], step["kept"], "; ".join(told)])
    return rows


def life(workspace: Workspace, start: str, dataset: str | None = None) -> dict[str, Any]:
    """Return all that is known of the answer whose id begins with `start`: revisions, decisions, where it is now.

    UsageError when no answer or several begin so.
    """
    with workspace.store() as store:
        ids = store.ids(start)
        if len(ids) != 1:
            few = ", ".join(ids[:5]) + (" …" if len(ids) > 5 else "")
            hint = (
                f"These begin so: {few}. Give more of it."
                if ids
                else "Ids stand in the report and in examples.parquet."
            )
            raise UsageError(f"{'Several answers begin' if ids else 'No answer begins'} with {start!r}. {hint}")
        revisions = store.life(ids[0])
    told: dict[str, Any] = {"id": ids[0], "revisions": revisions, "decisions": [], "now": "in no dataset yet"}
    try:
        found = Dataset.find(workspace.datasets, dataset)
    except UsageError:
        return told
    decisions, examples = (pl.scan_parquet(found.file(f"{name}.parquet")) for name in ("decisions", "examples"))
    told["dataset"] = found.name
    told["decisions"] = decisions.filter(pl.col("id") == ids[0]).collect().drop("id").to_dicts()
    dropped = next((d for d in told["decisions"] if d["action"] == "drop"), None)
    twin = dropped["twin"] if dropped else None
    rows = examples.filter(pl.col("id").is_in([ids[0], twin])).select(
        pl.col("^(id|analysis|group|theme|voices|weight|split)$")
    )
    kept = {row["id"]: row for row in rows.collect().to_dicts()}
    row = kept.get(ids[0])
    here = decisions.filter((pl.col("twin") == ids[0]) & (pl.col("action") == "drop")).select("id")
    told["merged_here"] = here.collect()["id"].to_list()
    told["kept"] = _kept(row) if row else None
    if twin:
        told["twin"] = {"id": twin, **_kept(kept[twin])} if twin in kept else None
    if row:
        told["now"] = f"kept, in {row.get('split') or 'no split'}"
    elif dropped:
        told["now"] = f"left at {dropped['step']}: {dropped['reason']}"
    else:
        told["now"] = "not in this dataset: it came, changed or was deleted after the dataset was made"
    return told


def _kept(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row.get(name) for name in ("analysis", "group", "theme", "voices", "weight", "split")}


def life_lines(told: dict[str, Any]) -> list[str]:
    """Say an answer's life in lines, oldest first."""
    lines = [f"{told['id']}: {told['now']}", ""]
    for revision in told["revisions"]:
        row = revision["example"]
        where = f"{revision['source']}, record {revision['record']}"
        if row is None:
            lines.append(f"  revision {revision['revision']}  deleted at the source ({where})")
            continue
        at = (
            f" on {datetime.fromtimestamp(row['updated_at'] / 1e6, UTC):%Y-%m-%d %H:%M} UTC"
            if row["updated_at"]
            else ""
        )
        who = f"{row['annotator']} as {row['stakeholder']}, team {row['team'] or 'unknown'}"
        lines.append(f"  revision {revision['revision']}  from {where}{at}")
        lines.append(f"              by {who}; verdict {row['verdict']}, severity {row['severity']}")
        lines.append(f"              scenario {row['scenario']}: {_short(row['situation'])}")
    if told["decisions"]:
        lines.append("")
    for d in told["decisions"]:
        named = f" (twin {d['twin']})" if d["twin"] and d["twin"] not in d["because"] else ""
        lines.append(f"  {d['step']:<16} {d['action']:<4} {d['reason']}: {d['because']}{named}")
    if twin := told.get("twin"):
        said = (told["revisions"][-1]["example"] or {}).get("analysis", "")
        lines += ["", f"  it says:   {_short(said, 200)}", f"  kept says: {_short(twin['analysis'], 200)}"]
    if kept := told.get("kept"):
        lines += [
            "",
            f"  in {told['dataset']}: split {kept['split']}, weight {kept['weight']}, voices {kept['voices']}, "
            f"group {kept['group']}, theme {kept['theme']}",
            f"  analysis: {_short(kept['analysis'], 300)}",
        ]
        if merged := told.get("merged_here"):
            lines.append(f"  it stands also for {', '.join(merged)}")
    return lines


def _short(text: str | None, most: int = 90) -> str:
    flat = " ".join((text or "").split())
    return flat if len(flat) <= most else flat[: most - 1].rstrip() + "…"


def stage_list() -> list[dict[str, Any]]:
    """Return every stage with what it does and its settings."""
    told = []
    for name in known_stages():
        stage = getattr(importlib.import_module(f"curator.stages.{name}"), name)
        does = (stage.function.__doc__ or "").strip().splitlines()[0]
        settings = {n: "needed" if p.default is p.empty else p.default for n, p in stage.settings.items()}
        told.append({"stage": name, "does": does, "sees": stage.kind, "after": list(stage.after), "settings": settings})
    return told


def latest_model(workspace: Workspace) -> Path | None:
    """Return the adapter trained last on the last dataset that has one, or None."""
    found = [p.parent for p in workspace.models.glob("*/training.json")] if workspace.models.is_dir() else []
    if not found:
        return None
    try:
        dataset = Dataset.find(workspace.datasets).manifest["dataset"]
    except UsageError:
        dataset = None
    mine = [p for p in found if json.loads((p / "training.json").read_text("utf-8")).get("dataset") == dataset]
    return max(mine or found, key=lambda p: (p.stat().st_mtime_ns, p.name))


def scenario_text(workspace: Workspace, start: str) -> tuple[str, str]:
    """Return situation and context of the one scenario of the last dataset whose id begins with `start`."""
    rows = Dataset.find(workspace.datasets).frame("examples").filter(pl.col("scenario").str.starts_with(start))
    if rows["scenario"].n_unique() != 1:
        raise UsageError(f"{rows['scenario'].n_unique()} scenarios of the last dataset begin with {start!r}. Give one.")
    return rows["situation"][0], rows["context"][0] or ""
