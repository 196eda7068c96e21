"""Scenarios with all their perspectives, what was decided about them, and the rows that left."""

import json
from collections import Counter
from typing import Any

import polars as pl

from curator.pack import Pack
from curator.report.labels import SMALLER, Scales, humanise

SHOWN = 500  # rows listed under one reason; the file dropped.parquet holds all


def scenes(rows: pl.DataFrame, places: pl.DataFrame | None, known: Scales, pack: Pack) -> list[dict[str, Any]]:
    """Return the scenarios with their answers, the most contested first; ties go by distance, size, then id."""
    at = {} if places is None else {name: (x, y) for name, x, y in places.select("scenario", "x", "y").iter_rows()}
    told: dict[str, dict[str, Any]] = {}
    for row in rows.sort("scenario", "id").iter_rows(named=True):
        x, y = at.get(row["scenario"], (None, None))
        scene = told.setdefault(
            row["scenario"],
            {
                "id": row["scenario"],
                "situation": row["situation"] or "",
                "context": row["context"] or "",
                "domain": known.domains.at(row["domain"]),
                "x": x,
                "y": y,
                "teams": set(),
                "answers": [],
                "met": [],
                "left": [],
            },
        )
        scene["answers"].append(answer(row, known, pack))
        if row["team"]:
            scene["teams"].add(known.teams.at(row["team"] if row["team"] in known.teams.keys else SMALLER))
    for scene in told.values():
        scene["teams"] = sorted(scene["teams"] - {-1})  # of a scenario, not of an answer: a role may be one person
        scene["answers"].sort(key=lambda a: (a["role"], a["verdict"], a["id"]))
        scene |= contest(scene["answers"])
    return sorted(told.values(), key=lambda s: (-s["differ"], -s["apart"], -len(s["answers"]), s["id"]))


def answer(row: dict[str, Any], known: Scales, pack: Pack) -> dict[str, Any]:
    """Return one answer as the page shows it; who wrote it stays out, since a pseudonym links what one person said."""
    shown = {
        "id": row["id"],
        "role": known.roles.at(row["stakeholder"]),
        "verdict": known.verdicts.at(row["verdict"]),
        "severity": row["severity"],
        "analysis": row["analysis"],
        "voices": row.get("voices") or 1,
        "split": known.splits.at(row.get("split")),
    }
    if shown["role"] < 0:
        shown["roleName"] = row["stakeholder"]
    if shown["verdict"] < 0:
        shown["verdictName"] = row["verdict"]
    if row["origin"] not in (None, "human"):
        shown["origin"] = row["origin"]
    if row["rejected"]:
        shown["rejected"] = row["rejected"]
    if more := _more(row["extra"], pack):
        shown["more"] = more
    return shown


def _more(extra: str | None, pack: Pack) -> list[list[str]]:
    said: dict[str, Any] = json.loads(extra) if extra else {}
    found = []
    for name in sorted(set(said) & set(pack.fields)):
        value = said[name]
        words = ", ".join(humanise(str(part)) for part in value) if isinstance(value, list) else str(value)
        if value not in (None, "", []):
            found.append([humanise(name), words])
    return found


def contest(answers: list[dict[str, Any]]) -> dict[str, Any]:
    """Return how far the voices differ.

    `differ` is the share of pairs of voices with different verdicts, `apart` their mean distance on the scale (in
    steps), `gravity` the mean place of a voice; `contested` tells whether roles, two or more, gave more than one
    verdict.
    """
    voices = Counter[int]()
    for one in answers:
        if one["verdict"] >= 0:
            voices[one["verdict"]] += one["voices"]
    n = voices.total()
    pairs = n * (n - 1) / 2
    unlike = [(i, j) for i in voices for j in voices if i < j]
    differ = sum(voices[i] * voices[j] for i, j in unlike) / pairs if pairs else 0.0
    apart = sum(voices[i] * voices[j] * (j - i) for i, j in unlike) / pairs if pairs else 0.0
    roles = {(one["role"], one.get("roleName")) for one in answers}
    return {
        "differ": round(differ, 4),
        "apart": round(apart, 4),
        "gravity": round(sum(v * c for v, c in voices.items()) / n, 4) if n else 0.0,
        "contested": len(voices) > 1 and len(roles) > 1,
        "judged": len(roles) > 1,
    }


def touched(
    decisions: pl.DataFrame, kept: pl.DataFrame, gone: pl.DataFrame, known: Scales, pack: Pack
) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]]]:
    """Return each reason with the rows it met, in the order of the steps, and by id the rows outside the set."""
    order = {name: i for i, name in enumerate(decisions["step"].unique(maintain_order=True))}
    inside = set(kept["id"])
    outside = {row["id"]: row for row in gone.iter_rows(named=True)}
    reasons: dict[tuple[str, str, str], dict[str, Any]] = {}
    wanted: set[str] = set()
    for row in decisions.sort("id").iter_rows(named=True):
        key = (row["step"], row["action"], row["reason"])
        found = reasons.setdefault(
            key, dict(zip(("step", "action", "reason"), key, strict=True)) | {"rows": [], "count": 0}
        )
        found["count"] += 1
        if len(found["rows"]) < SHOWN:
            found["rows"].append({name: row[name] for name in ("id", "because", "score", "twin")})
            wanted |= {row["id"], row["twin"]} - inside - {None}
    lost = {}
    for name in sorted(wanted & set(outside)):
        row = outside[name]
        lost[name] = answer(row, known, pack) | {"situation": row["situation"], "scenario": row["scenario"]}
    ranked = sorted(reasons, key=lambda k: (order[k[0]], k[1], -reasons[k]["count"], k[2]))
    return [reasons[key] for key in ranked], lost


def mark(
    told: list[dict[str, Any]],
    reasons: list[dict[str, Any]],
    lost: dict[str, dict[str, Any]],
    decisions: pl.DataFrame,
    kept: pl.DataFrame,
    gone: pl.DataFrame,
) -> None:
    """Tell each scenario which reasons met its answers (`met`: places in `reasons`), and which answers `left` it.

    What left is told as id and place of its reason, where the page can show it: `SHOWN` rows of a reason.
    """
    at = {(one["step"], one["action"], one["reason"]): place for place, one in enumerate(reasons)}
    of = dict(pl.concat([frame.select("id", "scenario") for frame in (kept, gone)]).iter_rows())
    scene = {one["id"]: one for one in told}
    columns = decisions.sort("id").select("id", "step", "action", "reason")
    for name, step, action, reason in columns.iter_rows():
        here = scene.get(of.get(name, ""))
        if here is None:
            continue
        place = at[step, action, reason]
        if place not in here["met"]:
            here["met"].append(place)
        if action == "drop" and name in lost:
            here["left"].append([name, place])
    for one in told:
        one["met"].sort()
        one["left"].sort(key=lambda pair: (pair[1], pair[0]))
