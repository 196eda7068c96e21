"""Datasets of exactly these rows, for the tests of exports, and their files read back."""

import json
from pathlib import Path
from typing import Any

import polars as pl

from curator.dataset import Dataset, Draft
from curator.example import ADDED, SCHEMA, frame, scenario_id
from curator.pack import Pack, find_pack, load_pack
from curator.recipe import parse_recipe
from tests.conftest import LINE

RECIPE = parse_recipe('[[step]]\nuse = "normalise"\n')
KIND, COLD = "Yes, gladly; here is how it works.", "See the form."


def said(id: str, situation: str, role: str, verdict: str, split: str = "train", **more: Any) -> dict[str, Any]:
    """One kept row."""
    line = LINE | {"id": id, "situation": situation, "stakeholder": role, "verdict": verdict, "split": split} | more
    name = scenario_id(line["situation"], line["context"] or "", line["pack"])
    return {"weight": 1.0, "voices": 1, "scenario": name, "group": name, **line}


def published(folder: Path, pack: Pack, told: list[dict[str, Any]]) -> Dataset:
    """A dataset of exactly these rows."""
    columns = {name: kind for name, kind in (SCHEMA | ADDED).items() if name != "theme"}
    rows = pl.DataFrame([{name: row.get(name) for name in columns} for row in told], schema=columns)
    return Draft(RECIPE, frame(told), gone=[rows.head(0)]).publish(folder, rows, pack, "key")


def judged(folder: Path) -> Dataset:
    """Three scenarios to train on, judged by two roles, and one to test with; there is nothing to validate with."""
    told = [
        said("a", "The shift was moved.", "hr", "reasonable", weight=0.5, analysis="The rota allows it."),
        said("b", "The shift was moved.", "employee", "questionable", weight=1.0, analysis='Nobody\nwas, "asked".'),
        said("c", "The shift was moved.", "employee", "manipulative", weight=3.0, analysis="=It() was hidden."),
        said("d", "The desk was moved.", "hr", "reasonable", weight=None, severity=None, context=""),
        said("e", "The desk was moved.", "manager", "reasonable", context="", extra='{"tactics": ["guilt_tripping"]}'),
        said("f", "The raise was late.", "manager", "questionable"),
        said("g", "The badge was cut.", "outside_expert", "manipulative", split="test"),
    ]
    return published(folder, load_pack(find_pack("workplace", [])), told)


def compared(folder: Path) -> Dataset:
    """Twenty pairs of answers to one question each, a tie, and a row with a rejected text in the test split."""
    both = f"A small team.\n\nAnswer A:\n{KIND}\n\nAnswer B:\n{COLD}"
    more = {"pack": "preference", "context": both, "severity": None}
    told = [
        said(f"p{n:02}", f"May I go early on day {n}?", "employee", "a" if n % 3 else "b", **more) for n in range(20)
    ]
    told.append(said("tie", "May I go early?", "hr", "tie", **more))
    told.append(said("own", "May I swap?", "hr", "tie", "test", rejected="They are alike in all.", **more))
    return published(folder, load_pack(find_pack("preference", [])), told)


def lines(path: Path | None) -> list[dict[str, Any]]:
    assert path is not None
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]
