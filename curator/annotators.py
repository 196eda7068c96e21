"""Who does what: each annotator's answers, pace, consistency and agreement with their own role."""

from typing import Any

import numpy as np
import polars as pl

from curator.maths.annotators import Share, agreement_with_role, self_consistency
from curator.store import Person
from curator.workspace import Workspace

FEW = 10  # looks; with fewer, even a perfect record leaves an interval more than 0.27 wide


def who_does_what(workspace: Workspace) -> list[dict[str, Any]]:
    """Return `statistics` of the workspace; nothing but the name of those who did not agree to be analysed."""
    with workspace.store() as store:
        rows, people = store.examples(), store.people()
    silent = [p.pseudonym for p in people if p.purposes is not None and "analyse" not in p.purposes]
    told = statistics(rows.filter(~pl.col("annotator").is_in(silent)), people)
    for row in told:
        if row["pseudonym"] in silent:
            row["note"] = "did not agree to be analysed"
    return told


def statistics(rows: pl.DataFrame, people: list[Person]) -> list[dict[str, Any]]:
    """Return a row for each annotator of `rows` and each of `people`, most answers first.

    pseudonym, stakeholder, team, answers, share of all answers, pace (median seconds), self and role (share, low, high,
    of), other_role (answers in which another role is on record than the person's), note. A person who answers from
    several roles is compared within each.
    """
    known = {person.pseudonym: person for person in people}
    names = sorted(set(rows["annotator"].to_list()) | set(known))
    told = _coded(rows, names)
    last = told.unique(["unit", "role", "who"], keep="last", maintain_order=True)
    own, who, value = (told[name].to_numpy() for name in ("own", "who", "value"))
    consistent = self_consistency(own, who, value, len(names))
    unit, role, author, verdict = (last[name].to_numpy() for name in ("unit", "role", "who", "value"))
    agree = agreement_with_role(unit, role, author, verdict, len(names))
    counts = dict(rows["annotator"].value_counts().iter_rows())
    of = {r[0]: r[1:] for r in _described(rows).iter_rows()}
    made = []
    for at, name in enumerate(names):
        post, team, pace, other = of.get(name, (None, None, None, 0))
        person = known.get(name)
        answers = int(counts.get(name, 0))
        made.append(
            {
                "pseudonym": name,
                "stakeholder": person.stakeholder if person else post,
                "team": person.team if person else team,
                "answers": answers,
                "share": round(answers / rows.height, 4) if rows.height else 0.0,
                "pace": pace,
                "self": vars(consistent[at]),
                "role": vars(agree[at]),
                "other_role": int(other),
                "note": _note(answers, consistent[at], agree[at], int(other)),
            }
        )
    return sorted(made, key=lambda row: (-row["answers"], row["pseudonym"]))


def _coded(rows: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    """Return numbers for units, roles, people and verdicts, in the order in which the answers were given."""
    ordered = rows.with_columns(pl.coalesce("created_at", "updated_at").alias("_at")).sort("_at", "id")
    return ordered.select(
        pl.col("scenario").rank("dense").cast(pl.Int64).alias("unit"),
        pl.struct("scenario", "stakeholder").rank("dense").cast(pl.Int64).alias("own"),
        pl.col("stakeholder").rank("dense").cast(pl.Int64).alias("role"),
        pl.col("annotator").replace_strict(names, np.arange(len(names)), return_dtype=pl.Int64).alias("who"),
        pl.col("verdict").rank("dense").cast(pl.Int64).alias("value"),
    )


def _described(rows: pl.DataFrame) -> pl.DataFrame:
    """Return for each annotator: the role and team of their first answer, the median of their seconds, other roles."""
    extra = pl.col("extra")
    return (
        rows.sort("id")
        .group_by("annotator", maintain_order=True)
        .agg(
            pl.col("stakeholder").first(),
            pl.col("team").first(),
            extra.str.json_path_match("$.lead_time").cast(pl.Float64, strict=False).median().alias("pace"),
            extra.str.json_path_match("$.other_role").is_not_null().sum().alias("other"),
        )
    )


def _note(answers: int, consistent: Share, agree: Share, other: int) -> str:
    said = []
    if not answers:
        return "no answers yet"
    if agree.of < FEW:
        said.append(f"{agree.of} shared: too few")
    if 0 < consistent.of < FEW:
        said.append(f"{consistent.of} asked twice: too few")
    if other:
        said.append(f"{other} answers name another role")
    return "; ".join(said)
