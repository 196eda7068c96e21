"""Write the report: gather the numbers, fill the template, seal style and script by their hashes."""

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import polars as pl
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from curator.dataset import Dataset
from curator.files import write_whole
from curator.report import colour, figures, tuning, words
from curator.report.ahead import lacking, looks
from curator.report.labels import FEWEST, Scales, humanise, scales
from curator.report.people import people
from curator.report.scenes import mark, scenes, touched

HERE = Path(__file__).parent
STYLES = ("style.css", "charts.css", "print.css")
SCRIPTS = (
    "app.js",
    "cards.js",
    "filters.js",
    "scenarios.js",
    "dialog.js",
    "strip.js",
    "points.js",
    "tables.js",
    "map.js",
    "rows.js",
    "address.js",
)
UNSAFE = re.compile("[<>&\u2028\u2029]")


def write_report(
    dataset: Dataset, out: Path, evaluation: dict[str, Any] | None = None, training: dict[str, Any] | None = None
) -> Path:
    """Write the report of a dataset to the file `out` and return it: one HTML file that needs nothing else.

    `evaluation` and `training` are what evaluation.json and training.json hold. The same input gives the same bytes.
    """
    write_whole(out, page(dataset, evaluation, training).encode("utf-8", "replace"))
    return out


def page(dataset: Dataset, evaluation: dict[str, Any] | None, training: dict[str, Any] | None) -> str:
    """Return the report as HTML."""
    manifest, pack = dataset.manifest, dataset.pack
    kept, gone, decisions = (dataset.frame(name) for name in ("examples", "dropped", "decisions"))
    tables = {name: _table(dataset, name) for name in ("map", "agreement", "annotators", "pairs", "scenario_pairs")}
    known = scales(pack, kept)
    told = scenes(kept, tables["map"], known, pack)
    reasons, lost = touched(decisions, kept, gone, known, pack)
    mark(told, reasons, lost, decisions, kept, gone)
    tuned = tuning.comparison(evaluation, known, pack, manifest["dataset"], told)
    weak = lacking(manifest, kept, tables, known)
    again, asked = looks(kept, gone, decisions, tables["pairs"], evaluation, told, known, pack)
    measures = {step["step"]: step["measures"] for step in manifest["steps"]}
    facts = _facts(manifest, kept, gone, told, reasons, known)
    style = "\n".join((HERE / name).read_text("utf-8") for name in STYLES)
    style += colour.style(len(pack.verdicts), len(known.verdicts.keys) - len(pack.verdicts))
    script = "\n".join(["'use strict';", *((HERE / name).read_text("utf-8") for name in SCRIPTS)])
    data = {
        "verdicts": known.verdicts.listed(),
        "roles": known.roles.listed(),
        "domains": known.domains.listed(),
        "splits": known.splits.listed(),
        "teams": known.teams.listed(),
        "severity": pack.severity.model_dump() if pack.severity else None,
        "scenes": told,
        "reasons": reasons,
        "lost": lost,
        "pairs": _pairs(tables["pairs"], told, lost),
        "together": [] if tables["scenario_pairs"] is None else tables["scenario_pairs"].head(50).to_dicts(),
    }
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            style=Markup(style),  # noqa: S704  our own file
            script=Markup(script),  # noqa: S704  our own file
            style_hash=_source(style),
            script_hash=_source(script),
            data=Markup(embed(data)),  # noqa: S704  escaped by embed
            manifest=manifest,
            pack=pack,
            known=known,
            facts=facts,
            summary=words.summary(facts, known, tuned),
            steps=_steps(manifest, reasons),
            reasons=reasons,
            strip=figures.strip(told, known),
            balance=figures.balance(kept, gone, decisions, known),
            matrix=None if tables["agreement"] is None else figures.matrix(tables["agreement"], known),
            measures=measures,
            people=people(kept, tables["annotators"], known),
            fewest=FEWEST,
            teams=kept.filter(pl.col("team") != "")["team"].n_unique(),
            agreed=measures.get("agreement") or None,
            mapped=tables["map"] is not None and bool(told),
            lacking=weak,
            looks=again,
            asked=asked,
            to_do=words.to_do(weak, asked, tuned, training is not None),
            tuned=tuned,
            learning=tuning.learning(training, known),
        )
    )


def embed(value: Any) -> str:
    """Return JSON that is the same text inside a script element as outside: nothing in it can end the element.

    >>> print(embed("</script>"))
    "\\u003c/script\\u003e"
    """
    whole = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", whole)


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters |= {
        "number": words.number,
        "humanise": humanise,
        "decimal": lambda value, places=2: f"{value:.{places}f}".replace("-", "\u2212"),
        "points": lambda value: f"{100 * value:+.0f}".replace("-", "\u2212"),
        "plain": lambda value: json.dumps(value, ensure_ascii=False),
    }
    made.globals |= {"percent": figures.percent, "share": words.share, "count": words.count, "what": words.WHAT}
    return made


def _source(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def _table(dataset: Dataset, name: str) -> pl.DataFrame | None:
    file = f"table_{name}"
    return dataset.frame(file) if f"{file}.parquet" in dataset.manifest["files"] else None


def _facts(
    manifest: dict[str, Any],
    kept: pl.DataFrame,
    gone: pl.DataFrame,
    told: list[dict[str, Any]],
    reasons: list[dict[str, Any]],
    known: Scales,
) -> dict[str, Any]:
    roles = kept.group_by("stakeholder").len()
    size = dict(roles.iter_rows())
    left = [(reason["reason"], reason["count"]) for reason in reasons if reason["action"] == "drop"]
    splits = manifest["splits"]
    return {
        "given": manifest["input"]["rows"],
        "kept": kept.height,
        "scenarios": len(told),
        "people": kept["annotator"].n_unique(),
        "answered": pl.concat([kept["annotator"], gone["annotator"]]).n_unique(),
        "roles": [
            (label, size[key]) for key, label in zip(known.roles.keys, known.roles.labels, strict=True) if key in size
        ],
        "models": kept.filter(pl.col("origin").is_in(["model", "edited"])).height,
        "judged": sum(scene["judged"] for scene in told),
        "contested": sum(scene["contested"] for scene in told),
        "why": sorted(left, key=lambda pair: (-pair[1], pair[0])),
        "edited": sum(r["count"] for r in reasons if (r["step"], r["action"]) == ("redact", "edit")),
        "learn": splits["train"],
        "watch": splits["validation"],
        "unseen": splits["test"] + splits["out_of_context"],
    }


def _steps(manifest: dict[str, Any], reasons: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the steps for the funnel, each with its reasons and their places in the page's data."""
    first = manifest["input"]["rows"] or 1
    steps = []
    for step in manifest["steps"]:
        mine = [{**r, "at": i} for i, r in enumerate(reasons) if r["step"] == step["step"]]
        bar = {"kept": figures.percent(step["kept"], first), "gone": figures.percent(step["dropped"], first)}
        steps.append({**step, "reasons": mine, "bar": bar})
    return steps


def _pairs(
    pairs: pl.DataFrame | None, told: list[dict[str, Any]], lost: dict[str, dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return the pairs to look at whose two answers the page can show."""
    if pairs is None:
        return []
    shown = {one["id"] for scene in told for one in scene["answers"]} | set(lost)
    return [pair for pair in pairs.iter_rows(named=True) if {pair["a"], pair["b"]} <= shown]
