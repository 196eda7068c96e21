"""Scenarios with all their perspectives, and the rows that left: what the page's script shows."""

import json
from collections import Counter
from typing import Any

import polars as pl

from curator.pack import Pack
from curator.report.labels import Scales, humanise

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
                "answers": [],
            },
        )
        scene["answers"].append(answer(row, known, pack))
    for scene in told.values():
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
