"""The dataset card: what a stranger should know before using the data. Its head is read by huggingface_hub."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from curator.cardlines import agreement, balance, edits, limits, made, people
from curator.licences import known_licence
from curator.wording import several

SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
)  # as the Hub has them
TRUST = "Whose it is"  # the section that is written when the data or the model is handed over


@dataclass(frozen=True)
class Handed:
    """A folder to which a dataset was exported: the rows of each split, where it lies, and what one row is."""

    splits: dict[str, int]
    places: dict[str, str]
    row: str


def card(
    manifest: dict[str, Any],
    rows: pl.DataFrame,
    tables: Mapping[str, pl.DataFrame] | None = None,
    handed: Handed | None = None,
) -> str:
    """Return the README of a dataset, from its manifest, its rows and the tables that its steps left.

    That of an export (`handed`) speaks of its own folder; `rows` are then those of its splits.
    """
    pack = manifest["pack"]
    splits: dict[str, int] = handed.splits if handed else manifest["splits"]
    one = handed.row if handed else "One example is one person's verdict and analysis of one scenario, from one role."
    roles = rows.group_by("stakeholder").agg(pl.len(), pl.col("annotator").n_unique()).sort("stakeholder")
    lines = [
        *_head(manifest, rows, handed),
        f"# {pack['title']}: a curated dataset",
        "",
        f"{several(rows.height, 'example')} of {several(rows['scenario'].n_unique(), 'scenario')}, from"
        f" {several(manifest['input']['rows'], 'answer')}. "
        f"{one} People in different roles may disagree: that is the data, not noise.",
        "",
        "## Who judged",
        "",
        "| role | examples | people |",
        "|---|---|---|",
        *(f"| {role} | {n} | {who} |" for role, n, who in roles.iter_rows()),
        "",
        *(f"- {line}" for line in people(rows)),
        "",
        f"| split | {'rows here' if handed else 'examples'} |",
        "|---|---|",
        *(f"| {name} | {n} |" for name, n in splits.items()),
        "",
        "## How it was made",
        "",
        "| step | rows in | rows out | edited | why rows left |",
        "|---|---|---|---|---|",
        *(
            f"| {s['step']} | {s['given']} | {s['kept']} | {edits(manifest, s['step']) or '–'} | "
            + (", ".join(f"{d['reason']} ({d['rows']})" for d in s["decisions"] if d["action"] == "drop") or "–")
            + " |"
            for s in manifest["steps"]
        ),
        "",
        "Which rows left, and why, stands with the dataset, not here."
        if handed
        else "Each row that left stands in `dropped.parquet`, each reason with its evidence in `decisions.parquet`.",
        "",
        *(f"- {line}" for line in made(manifest)),
        "",
        "## Agreement and balance",
        "",
        *(f"- {line}" for line in agreement(manifest, (tables or {}).get("agreement"))),
        *(f"- {line}" for line in balance(manifest, rows)),
        "",
        "## Intended use",
        "",
        f"To train and test a model that answers as {', '.join(pack['stakeholders'])} would, each view beside the "
        "others, so that people see what they had not thought of. Not to decide about anybody, not to find out what a "
        "certain person thinks, and not as a source of law or fact.",
        "",
        "## Known limits",
        "",
        *(f"- {limit}" for limit in limits(manifest, rows)),
        "",
    ]
    return "\n".join(lines)


def _head(manifest: dict[str, Any], rows: pl.DataFrame, handed: Handed | None) -> list[str]:
    """Return the YAML head. JSON strings are YAML too, so that nothing in a title can break it."""
    places = handed.places if handed else {name: f"{name}.jsonl" for name, n in manifest["splits"].items() if n}
    height = sum(handed.splits.values()) if handed else rows.height
    size = next((name for most, name in SIZES if height < most), "n>1M")
    files = [f"  - split: {name}\n    path: {place}" for name, place in places.items()]
    by = {"edited": "machine-generated", "model": "machine-generated"}  # for people in their roles it has no word
    makers = sorted({by.get(one, "other") for one in rows["origin"].drop_nulls().unique()})
    return [
        "---",
        f"pretty_name: {json.dumps(manifest['pack']['title'], ensure_ascii=False)}",
        f"size_categories: [{json.dumps(size)}]",
        "task_categories: [text-generation, text-classification]",
        *([f"annotations_creators: {json.dumps(makers)}"] if makers else []),
        "tags: [curator, perspectivism, human-feedback]",
        *(["configs:", "- config_name: default", "  data_files:", *files] if files else []),
        "---",
        "",
    ]


def put_section(text: str, title: str, body: Sequence[str]) -> str:
    """Return a card with this section: in the place of the one that is there, else at the end.

    >>> put_section("# A\\n\\n## B\\n\\nold\\n\\n## C\\n\\nlast\\n", "B", ["new"])
    '# A\\n\\n## B\\n\\nnew\\n\\n## C\\n\\nlast\\n'
    """
    before, found, after = text.partition(f"\n## {title}\n")
    rest = after.partition("\n## ") if found else ("", "", "")
    tail = f"\n## {rest[2]}" if rest[1] else ""
    return "\n".join([before.rstrip("\n"), "", f"## {title}", "", *body, ""]) + tail


def put_head(text: str, told: dict[str, Any]) -> str:
    """Return a card whose YAML head says this, each value as JSON on a line; None takes an entry out.

    >>> put_head("---\\nlicense: mit\\ntags: [a]\\n---\\n\\n# A\\n", {"license": "cc0-1.0"})
    '---\\ntags: [a]\\nlicense: "cc0-1.0"\\n---\\n\\n# A\\n'
    """
    head, body = "", text
    if text.startswith("---\n"):
        head, _, body = text[4:].partition("\n---\n")
    kept, inside = [], False
    for line in head.split("\n"):
        nested = line.startswith((" ", "-"))
        inside = inside if nested else line.partition(":")[0] in told
        if line and not inside:
            kept.append(line)
    kept += [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in told.items() if value is not None]
    return "\n".join(["---", *kept, "---", body if body.startswith("\n") else "\n" + body])


def signed(text: str, answers: Sequence[tuple[str, str]], licence: str | None = None) -> str:
    """Return a card with the answers to the questions of trust; signing it again replaces them.

    The head names the licence as the Hub does, or as `other` with its own name.
    """
    rows = [f"| {question} | {_cell(answer)} |" for question, answer in answers]
    told: dict[str, Any] = {"license": None, "license_name": None}
    if licence is not None:
        known = known_licence(licence)
        told = {"license": known or "other", "license_name": None if known else licence}
    return put_section(put_head(text, told), TRUST, ["| question | answer |", "|---|---|", *rows])


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
