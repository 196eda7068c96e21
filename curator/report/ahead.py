"""What to look at next: what the set itself lacks, and the scenarios that deserve a second look."""

import re
from typing import Any

import polars as pl

from curator.pack import Pack
from curator.readiness.answers import CHECKS, Evidence, Finding
from curator.report.labels import Scales
from curator.report.words import typeset
from curator.second_look import SHOWN, Look, already_reviewed, in_answers, in_dataset, in_evaluation, queue

MOST = 12  # scenarios that are named; `curator review` lists all
HONEST = ("duplicates", "balance")  # steps that take out answers in which nothing is wrong
ENOUGH = ("contested", "model")  # whose evidence says it all
NAMING = ("inconsistent",)  # whose evidence names a pseudonym


def lacking(
    manifest: dict[str, Any], kept: pl.DataFrame, tables: dict[str, pl.DataFrame | None], known: Scales
) -> list[dict[str, str]]:
    """Return what stands against a training or weakens it, worst first, with what to do about it.

    `curator check` asks more: consent, cost, what a model would do. Here is what the rows alone show, and no person.
    """
    checks = CHECKS if len(kept) else CHECKS[:1]  # of an empty set there is nothing to say but that it is empty
    given = Evidence(manifest, kept, {name: table for name, table in tables.items() if table is not None})
    found = [one for look in checks for one in look(given) if one.level != "pass"]
    found.sort(key=lambda one: one.level != "stop")
    return [
        {
            "level": one.level,
            "name": one.name,
            "number": typeset(one.number.partition(" (")[0] if _naming(one, known) else _told(one.number, known)),
            "wanted": typeset(one.threshold),
            "why": typeset(_told(one.why, known)),
            "next": typeset(_told(one.next, known)),
        }
        for one in found
    ]


def _naming(one: Finding, known: Scales) -> bool:
    """Tell whether a finding names a person, or a team that is too small to be named."""
    return one.name == "largest person" or (one.name == "largest team" and not known.teams.keys)


def _told(line: str, known: Scales) -> str:
    """Return a line with roles and fields by their names instead of their keys."""
    for scale in (known.roles, known.domains):
        for key, label in zip(scale.keys, scale.labels, strict=True):
            line = label.join(re.split(rf"(?<![\w-]){re.escape(key)}(?![\w-])", line))
    return line


def looks(
    kept: pl.DataFrame,
    gone: pl.DataFrame,
    decisions: pl.DataFrame,
    pairs: pl.DataFrame | None,
    evaluation: dict[str, Any] | None,
    told: list[dict[str, Any]],
    known: Scales,
    pack: Pack,
) -> tuple[list[dict[str, Any]], int]:
    """Return the scenarios to look at again, the weightiest first: which, as whom, why; and how many in all."""
    spared = decisions.filter((pl.col("action") == "drop") & pl.col("step").is_in(HONEST)).select("id")
    columns = [name for name in kept.columns if name in gone.columns]
    rows = pl.concat([kept.select(columns), gone.join(spared, on="id", how="semi").select(columns)])
    found = in_answers(rows, pack) if len(rows) else []
    if pairs is not None:
        found += in_dataset(kept, decisions, pairs)
    if evaluation:
        found += in_evaluation(evaluation.get("rows") or [], kept)
    at = {scene["id"]: place for place, scene in enumerate(told)}
    items = [item for item in queue(found, already_reviewed(rows)) if item.scenario in at]
    shown = [
        {
            "scene": at[item.scenario],
            "situation": told[at[item.scenario]]["situation"],
            "role": known.roles.label(item.stakeholder),
            "why": [_why(look) for look in item.looks],
        }
        for item in items[:MOST]
    ]
    return shown, len(items)


def _why(look: Look) -> str:
    """Return a reason to look again in a sentence or two that name nobody."""
    evidence = f"{look.because[:1].upper()}{look.because[1:]}."
    if look.kind in ENOUGH:
        return evidence
    return SHOWN[look.kind] if look.kind in NAMING else f"{SHOWN[look.kind]} {evidence}"
