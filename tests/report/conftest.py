"""Datasets made for the report: published by the real draft, with tables that other stages would leave."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from curator.dataset import Dataset, Draft
from curator.example import digest, frame
from curator.pack import Pack
from curator.recipe import parse_recipe
from curator.stage import DECISIONS, Outcome

RECIPE = "".join(
    f'[[step]]\nuse = "{name}"\n'
    for name in ("normalise", "validate", "redact", "embed", "scenarios", "agreement", "duplicates")
)
CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]


def pack_of(stakeholders: dict[str, str], verdicts: dict[str, str], title: str = "A pack of two") -> Pack:
    return Pack(
        name="two",
        title=title,
        stakeholders=stakeholders,
        verdicts=verdicts,
        task={"situation": "situation"},
        fields={"verdict": "verdict", "analysis": "analysis", "more": "more"},
        prompt={"system": "Judge.", "user": "{situation} as {stakeholder}", "answer": "Verdict: {verdict}\n{analysis}"},
        guidelines="Answer from your own side.",
    )


TWO = pack_of({"partner_a": "partner A", "coach": "a coach"}, {"fair": "it is fair", "unfair": "it is not"})


def row(id: str, stakeholder: str, verdict: str, scenario: str = "s1", **more: Any) -> dict[str, Any]:
    told = {
        "id": id,
        "scenario": scenario,
        "situation": f"The situation of {scenario}.",
        "context": "",
        "stakeholder": stakeholder,
        "annotator": f"annotator-{id}",
        "verdict": verdict,
        "analysis": f"What {id} thinks of it.",
        "origin": "human",
        "pack": "two",
        "source": "test",
        "revision": 1,
    }
    return told | more


def publish(folder: Path, pack: Pack, rows: list[dict[str, Any]]) -> Dataset:
    """Publish rows as a dataset: ids that begin with `early` are dropped by validate, with `twin` by duplicates."""
    given = frame(rows)
    recipe = parse_recipe(RECIPE)
    draft = Draft(recipe, given)
    kept = given
    for step in recipe.steps:
        word = {"validate": "early", "duplicates": "twin"}.get(step.name, "-")
        gone = kept.filter(pl.col("id").str.starts_with(word))
        reason, twin = ("said before", "a1") if step.name == "duplicates" else ("says nothing", None)
        told = [
            {"id": id, "action": "drop", "reason": reason, "because": team or "it says nothing", "twin": twin}
            for id, team in gone.select("id", "team").iter_rows()
        ]
        after = kept.filter(~pl.col("id").str.starts_with(word))
        decisions = pl.DataFrame(told, schema=DECISIONS) if told else pl.DataFrame(schema=DECISIONS)
        draft.record(step, kept, Outcome(after, decisions, {}, _tables(step.name, after, gone)))
        kept = after
    split = pl.Series([("train", "test")[int(digest(s), 16) % 2] for s in kept["scenario"]], dtype=pl.String())
    done = kept.with_columns(pl.lit(1).alias("voices"), split.alias("split"), pl.col("scenario").alias("group"))
    return draft.publish(folder, done, pack, "mark")


def _tables(step: str, kept: pl.DataFrame, gone: pl.DataFrame) -> dict[str, pl.DataFrame]:
    names = kept["scenario"].unique().sort()
    roles = kept["stakeholder"].unique().sort().to_list()
    if step == "embed":
        return {
            "map": pl.DataFrame({"scenario": names, "x": [i / 10 for i in range(len(names))], "y": [0.5] * len(names)})
        }
    if step == "agreement":
        cells = [
            {
                "a": a,
                "b": b,
                "scenarios": 0,
                "answers": 0,
                "same": None,
                "alpha": None,
                "low": None,
                "high": None,
                "why": "too few",
            }
            for i, a in enumerate(roles)
            for b in roles[i:]
        ]
        kinds = {"alpha": pl.Float64, "low": pl.Float64, "high": pl.Float64, "same": pl.Float64}
        return {"agreement": pl.DataFrame(cells, schema_overrides=kinds)}
    if step == "duplicates":
        pairs = [{"kind": "merged", "a": id, "b": "a1", "alike": 0.98, "why": "same role"} for id in gone["id"]]
        schema = {"kind": pl.String, "a": pl.String, "b": pl.String, "alike": pl.Float64, "why": pl.String}
        return {"pairs": pl.DataFrame(pairs, schema=schema)}
    return {}


@pytest.fixture
def small(tmp_path: Path) -> Dataset:
    """Two roles, two verdicts, two scenarios, one merged row and one that said nothing."""
    rows = [
        row("a1", "partner_a", "fair"),
        row("a2", "coach", "unfair"),
        row("a3", "coach", "fair", scenario="s2"),
        row("early1", "coach", "fair", analysis="Call Ann on 555."),
        row("twin1", "partner_a", "fair", analysis="What a1 thinks about it."),
    ]
    return publish(tmp_path / "datasets", TWO, rows)


@contextmanager
def opened(file: Path) -> Iterator[tuple[Any, list[str]]]:
    """Open a file in Chromium; what it asks for, says to the console or pops up is listed."""
    from playwright.sync_api import sync_playwright

    noise: list[str] = []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        tab = browser.new_page(viewport={"width": 1280, "height": 900})
        tab.on("console", lambda message: noise.append(f"console: {message.text}"))
        tab.on("pageerror", lambda error: noise.append(f"error: {error}"))
        tab.on(
            "request", lambda request: noise.append(f"request: {request.url}") if request.url != file.as_uri() else None
        )
        tab.on("dialog", lambda dialog: (noise.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        tab.goto(file.as_uri())
        yield tab, noise
        tab.wait_for_timeout(200)
        browser.close()


@pytest.fixture
def browse() -> Callable[[Path], Any]:
    if not CHROMIUM.exists():
        pytest.skip("no chromium on this machine")
    return opened
