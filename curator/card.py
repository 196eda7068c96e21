"""The dataset card: what a stranger should know before using the data. Its head is read by huggingface_hub."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

ONE_TEAM = 0.6  # share of one team or role from which a reader is warned
CELL = 20  # answers of a role in one field of work, below which a reader is told
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
        f"{rows.height} examples of {rows['scenario'].n_unique()} scenarios, from {manifest['input']['rows']} answers. "
        f"{one} People in different roles may disagree: that is the data, not noise.",
        "",
        "## Who judged",
        "",
        "| role | examples | people |",
        "|---|---|---|",
        *(f"| {role} | {n} | {people} |" for role, n, people in roles.iter_rows()),
        "",
        *(f"- {line}" for line in _people(rows)),
        "",
        f"| split | {'rows here' if handed else 'examples'} |",
        "|---|---|",
        *(f"| {name} | {n} |" for name, n in splits.items()),
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
        "Which rows left, and why, stands with the dataset, not here."
        if handed
        else "Each row that left stands in `dropped.parquet`, each reason with its evidence in `decisions.parquet`.",
        "",
        "## Agreement and balance",
        "",
        *(f"- {line}" for line in _agreement(manifest, (tables or {}).get("agreement"))),
        *(f"- {line}" for line in _balance(manifest, rows)),
        "",
        "## Intended use",
        "",
        f"To train and test a model that answers as {', '.join(pack['stakeholders'])} would, each view beside the "
        "others, so that people see what they had not thought of. Not to decide about anybody, not to find out what a "
        "certain person thinks, and not as a source of law or fact.",
        "",
        "## Known limits",
        "",
        *(f"- {limit}" for limit in _limits(manifest, rows)),
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


def _people(rows: pl.DataFrame) -> list[str]:
    """Say how many people and teams there are, and who wrote the texts."""
    teams = rows["team"].drop_nulls().n_unique()
    said = [f"{_many(rows['annotator'].n_unique(), 'person', 'people')}, {_many(teams, 'team')}; known by pseudonym."]
    size = dict(rows["origin"].fill_null("unknown").value_counts().sort("origin").iter_rows())
    words = {"human": "by people", "edited": "by a model, edited by people", "model": "by a model"}
    told = ", ".join(f"{n} {words.get(kind, kind)}" for kind, n in size.items())
    return [*said, *([f"Written {told}."] if told else [])]


def _agreement(manifest: dict[str, Any], table: pl.DataFrame | None) -> list[str]:
    """Say how far people agree, with intervals, from what the step `agreement` measured before any row was balanced."""
    told = _measures(manifest, "agreement")
    if not told:
        return ["Agreement was not measured: the recipe has no step `agreement`."]
    said = []
    for name, what in (("all", "the verdict"), ("severity", "the severity")):
        one = told[name]
        if one["alpha"] is None:
            said.append(f"Agreement on {what}: undefined ({one['why']}).")
            continue
        ends = f", 95 % interval {one['low']:.2f} to {one['high']:.2f}" if one["low"] is not None else ""
        said.append(
            f"Agreement of all on {what}: Krippendorff's alpha {one['alpha']:.2f}{ends}, {one['answers']} answers to "
            f"{one['units']} scenarios (1 is perfect, 0 is chance)."
        )
    inside = table.filter(pl.col("a") == pl.col("b")) if table is not None else pl.DataFrame()
    for row in inside.iter_rows(named=True):
        ends = f" ({row['low']:.2f} to {row['high']:.2f})" if row["low"] is not None else ""
        alpha = f"{row['alpha']:.2f}{ends}" if row["alpha"] is not None else f"undefined ({row['why']})"
        said.append(f"Agreement inside {row['a']}: alpha {alpha}, {row['scenarios']} scenarios judged twice or more.")
    for name, what in (("contested", "between roles"), ("split_within", "inside one role")):
        one = told[name]
        if one["share"] is not None:
            said.append(f"Not one verdict {what}: {one['contested']} of {one['judged']} ({100 * one['share']:.0f} %).")
    return said


def _balance(manifest: dict[str, Any], rows: pl.DataFrame) -> list[str]:
    """Say how verdicts are spread, and what the floors of the recipe still want."""
    size = dict(rows["verdict"].value_counts().iter_rows())
    spread = ", ".join(f"{name} {size.get(name, 0)}" for name in manifest["pack"]["verdicts"])
    told = _measures(manifest, "balance")
    said = [f"Verdicts: {spread}."]
    if "evenness_after" in told:
        before, after = told["evenness_before"], told["evenness_after"]
        said.append(f"Evenness of the {told['cells']} cells: {before} before, {after} after (1 is even).")
    return said


def _measures(manifest: dict[str, Any], step: str) -> dict[str, Any]:
    return next((dict(one["measures"]) for one in manifest["steps"] if one["step"] == step), {})


def _many(count: int, one: str, more: str = "") -> str:
    return f"{count} {one if count == 1 else more or one + 's'}"


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
    silent = sorted(set(manifest["pack"]["stakeholders"]) - set(rows["stakeholder"].unique()))
    if silent:
        said.append(f"Nobody answered as {', '.join(silent)}.")
    said += _gaps(manifest, rows)
    return said + [
        f"A floor of the recipe is not reached: {gap}." for gap in _measures(manifest, "balance").get("collect", [])
    ]


def _gaps(manifest: dict[str, Any], rows: pl.DataFrame) -> list[str]:
    """Say of which role in which field of work there are few answers, and name the thinnest three."""
    fields = rows["domain"].drop_nulls().unique().sort().to_list()
    size = dict.fromkeys(((role, field) for role in manifest["pack"]["stakeholders"] for field in fields), 0)
    for role, field, count in rows.group_by("stakeholder", "domain").len().iter_rows():
        if (role, field) in size:
            size[role, field] = count
    thin = sorted((count, role, field) for (role, field), count in size.items() if count < CELL)
    if not thin:
        return []
    least = ", ".join(f"{role} in {field} {count}" for count, role, field in thin[:3])
    return [f"Under {CELL} answers in {len(thin)} of {len(size)} cells of role and field; the fewest: {least}."]


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

    The head names the licence, as `other` with its name where it is none of those that one writes like `cc-by-4.0`.
    """
    rows = [f"| {question} | {_cell(answer)} |" for question, answer in answers]
    told: dict[str, Any] = {"license": None, "license_name": None}
    if licence is not None:
        known = licence.lower() == licence and any(c.isdigit() for c in licence) and " " not in licence
        known = known or licence in ("mit", "cc0-1.0", "unlicense", "unknown")
        told = {"license": licence} | {"license_name": None} if known else {"license": "other", "license_name": licence}
    return put_section(put_head(text, told), TRUST, ["| question | answer |", "|---|---|", *rows])


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
