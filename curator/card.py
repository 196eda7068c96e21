"""The dataset card: what a stranger should know before using the data."""

from typing import Any

import polars as pl

ONE_TEAM = 0.6  # share of one team or role from which a reader is warned


def card(manifest: dict[str, Any], rows: pl.DataFrame) -> str:
    """Return the README of a dataset, from its manifest and its rows."""
    pack = manifest["pack"]
    roles = rows.group_by("stakeholder").agg(pl.len(), pl.col("annotator").n_unique()).sort("stakeholder")
    lines = [
        f"# {pack['title']}: a curated dataset",
        "",
        f"{rows.height} examples of {rows['scenario'].n_unique()} scenarios, from {manifest['input']['rows']} answers. "
        "One example is one person's verdict and analysis of one scenario, from one role. "
        "People in different roles may disagree: that is the data, not noise.",
        "",
        "| role | examples | people |",
        "|---|---|---|",
        *(f"| {role} | {n} | {people} |" for role, n, people in roles.iter_rows()),
        "",
        "| split | examples |",
        "|---|---|",
        *(f"| {name} | {n} |" for name, n in manifest["splits"].items()),
        "",
        "## How it was made",
        "",
        "| step | rows in | rows out | why rows left |",
        "|---|---|---|---|",
        *(
            f"| {s['step']} | {s['given']} | {s['kept']} | "
            + (", ".join(f"{d['reason']} ({d['rows']})" for d in s["decisions"] if d["action"] == "drop") or "–")
            + " |"
            for s in manifest["steps"]
        ),
        "",
        "## Known limits",
        "",
        *(f"- {limit}" for limit in _limits(manifest, rows)),
        "",
    ]
    return "\n".join(lines)


def _limits(manifest: dict[str, Any], rows: pl.DataFrame) -> list[str]:
    said = ["Redaction is never complete: names that nobody listed may have stayed."]
    for field in ("team", "stakeholder", "annotator"):
        sizes = rows[field].drop_nulls().value_counts(sort=True)
        if len(sizes) and sizes["count"][0] / rows.height > ONE_TEAM:
            share = round(100 * sizes["count"][0] / rows.height)
            said.append(
                f"{share} % of the examples come from one {field}: a model will take its view for the normal one."
            )
    if manifest["splits"]["train"] < 50:
        said.append(f"Only {manifest['splits']['train']} training examples; 50 are the least that is worth a try.")
    return said
