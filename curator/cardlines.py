"""The lines of a dataset card that are counted: who judged, how it was made, how far people agree, what is missing."""

from typing import Any

import polars as pl

from curator.wording import several

ONE_TEAM = 0.6  # share of one team or role from which a reader is warned
CELL = 20  # answers of a role in one field of work, below which a reader is told


def people(rows: pl.DataFrame) -> list[str]:
    """Say how many people and teams there are, and who wrote the texts."""
    teams = rows["team"].drop_nulls().n_unique()
    said = [
        f"{several(rows['annotator'].n_unique(), 'person', 'people')}, {several(teams, 'team')}; known by pseudonym."
    ]
    size = dict(rows["origin"].fill_null("human").value_counts().sort("origin").iter_rows())
    if set(size) <= {"human"}:  # what an answer that says nothing of it is taken for
        return [*said, "No answer says that a model wrote or edited it; one that says nothing counts as a person's."]
    words = {"human": "by people or without a word on it", "model": "by a model"}
    words["edited"] = "by a model, edited by people"
    told = ", ".join(f"{n} {words.get(kind, kind)}" for kind, n in size.items())
    return [*said, f"Written {told}."]


def made(manifest: dict[str, Any]) -> list[str]:
    """Say with what the dataset was made, and what its steps put in place of people's words."""
    seeds = [f"{step['use']} {step['seed']}" for step in manifest["recipe"] if step.get("seed") is not None]
    embedder = measures(manifest, "embed")
    said = [
        f"curator {manifest['curator']}; every setting of every step stands in the dataset's `manifest.json`, below"
        " `recipe`" + (f"; seeds: {', '.join(seeds)}" if seeds else "; no step has a seed") + "."
    ]
    if "model" in embedder:
        said.append(f"Texts were compared by the embedder {embedder['model']} ({embedder['model_sha256'][:12]}).")
    edited = edits(manifest, "redact")
    if edited:
        found = ", ".join(f"{kind} {count}" for kind, count in measures(manifest, "redact").get("found", {}).items())
        said.append(
            f"`redact` put tokens in place of personal data in {several(edited, 'row')}"
            + (f" ({found})" if found else "")
            + ". A token such as `[person kfbtgvhd]` names the same person, number or address wherever it stands; only"
            " the key of the workspace makes it again."
        )
    return said


def edits(manifest: dict[str, Any], step: str) -> int:
    """Return how many rows a step edited."""
    told = [one for made in manifest["steps"] if made["step"] == step for one in made["decisions"]]
    return sum(one["rows"] for one in told if one["action"] == "edit")


def agreement(manifest: dict[str, Any], table: pl.DataFrame | None) -> list[str]:
    """Say how far people agree, with intervals, from what the step `agreement` measured before any row was balanced."""
    told = measures(manifest, "agreement")
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
            f"Agreement of all on {what}: Krippendorff's alpha {one['alpha']:.2f}{ends},"
            f" {several(one['answers'], 'answer')} to {several(one['units'], 'scenario')} (1 is perfect, 0 is chance)."
        )
    inside = table.filter(pl.col("a") == pl.col("b")) if table is not None else pl.DataFrame()
    for row in inside.iter_rows(named=True):
        ends = f" ({row['low']:.2f} to {row['high']:.2f})" if row["low"] is not None else ""
        alpha = f"{row['alpha']:.2f}{ends}" if row["alpha"] is not None else f"undefined ({row['why']})"
        said.append(
            f"Agreement inside {row['a']}: alpha {alpha}, {several(row['scenarios'], 'scenario')} judged twice or more."
        )
    for name, who, where in (
        ("contested", "The roles", ""),
        ("split_within", "People of one role", " that were judged twice or more in it"),
    ):
        one = told[name]
        if one["share"] is not None:
            share = f"{one['contested']} of {several(one['judged'], 'scenario')}{where} ({100 * one['share']:.0f} %)"
            said.append(f"{who} gave different verdicts in {share}.")
    return said


def balance(manifest: dict[str, Any], rows: pl.DataFrame) -> list[str]:
    """Say how verdicts are spread, and what the floors of the recipe still want."""
    size = dict(rows["verdict"].value_counts().iter_rows())
    spread = ", ".join(f"{name} {size.get(name, 0)}" for name in manifest["pack"]["verdicts"])
    told = measures(manifest, "balance")
    said = [f"Verdicts: {spread}."]
    if "evenness_after" in told:
        before, after = told["evenness_before"], told["evenness_after"]
        said.append(f"Evenness of the {told['cells']} cells: {before} before, {after} after (1 is even).")
    return said


def measures(manifest: dict[str, Any], step: str) -> dict[str, Any]:
    """Return what a step measured; nothing where the recipe has no such step."""
    return next((dict(one["measures"]) for one in manifest["steps"] if one["step"] == step), {})


def limits(manifest: dict[str, Any], rows: pl.DataFrame) -> list[str]:
    """Say what a reader should not take this dataset for."""
    said = ["Redaction is never complete: names that nobody listed may have stayed."]
    for field in ("team", "stakeholder", "annotator"):
        sizes = rows[field].drop_nulls().value_counts(sort=True)
        if len(sizes) and sizes["count"][0] / rows.height > ONE_TEAM:
            share = round(100 * sizes["count"][0] / rows.height)
            said.append(
                f"{share} % of the examples come from one {field}: a model will take its view for the normal one."
            )
    if manifest["splits"]["train"] < 50:
        said.append(
            f"Only {several(manifest['splits']['train'], 'training example')}; 50 are the least that is worth a try."
        )
    silent = sorted(set(manifest["pack"]["stakeholders"]) - set(rows["stakeholder"].unique()))
    if silent:
        said.append(f"Nobody answered as {', '.join(silent)}.")
    alone = rows.group_by("stakeholder").agg(pl.col("annotator").n_unique()).filter(pl.col("annotator") == 1)
    said += [
        f"Only one person answered as {role}: these answers are that person's view, and point at them."
        for role in alone["stakeholder"].sort()
    ]
    said += gaps(manifest, rows)
    return said + [
        f"A floor of the recipe is not reached: {gap}." for gap in measures(manifest, "balance").get("collect", [])
    ]


def gaps(manifest: dict[str, Any], rows: pl.DataFrame) -> list[str]:
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
