"""What one run on the sample decides about every answer, kept in a file: when it differs, read the diff."""

import json

import polars as pl
import pytest

from tests import sample

pytestmark = pytest.mark.slow

GOLDEN = sample.DATA / "golden.jsonl"


def told() -> str:
    """A line for each decision, and one for each answer that was kept; no number finer than two decimals."""
    made = [
        {"key": key, "id": id, "step": step, "action": action, "reason": reason, "score": score, "twin": twin}
        for key, id, step, action, reason, score, twin in sample.decisions()
        .select("key", "id", "step", "action", "reason", pl.col("score").round(2), "of")
        .iter_rows()
    ]
    kept = sample.examples().select("key", "id", "split", "voices", pl.col("weight").round(2))
    made += [
        {"key": k, "id": i, "step": "kept", "split": s, "voices": v, "weight": w} for k, i, s, v, w in kept.iter_rows()
    ]
    made.sort(key=lambda line: (line["key"], line["step"] == "kept"))
    return "".join(json.dumps({k: v for k, v in line.items() if v is not None}) + "\n" for line in made)


def test_the_sample_is_curated_as_before() -> None:
    now, before = told(), GOLDEN.read_text("utf-8") if GOLDEN.exists() else ""
    if now != before:
        GOLDEN.write_text(now, "utf-8")
        changed = sorted(set(now.splitlines()) ^ set(before.splitlines()))
        pytest.fail(f"{GOLDEN.name} was rewritten: {len(changed)} lines differ. Read the diff. First: {changed[:3]}")
