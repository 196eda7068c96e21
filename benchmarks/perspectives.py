"""What dedupers leave of the perspectives in sets that several people judged.

CURATOR_BENCH_SETS names folders (parted by ":") with items.jsonl (item_id, situation, context) and annotations.jsonl
(item_id, annotator, stakeholder, verdict, analysis). A peer that is not installed is named as such:
pip install semhash==0.5.0 datasketch==2.0.0
"""

import importlib.util
import json
import os
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from curator.embedding import embed_texts
from curator.example import frame, scenario_id
from curator.maths.neighbours import Vectors, join
from curator.stages.duplicates import duplicates

MODEL = "all-minilm-l6-v2"
THRESHOLD = 0.9
CELL = ["scenario", "stakeholder", "verdict"]


def main() -> None:
    """Print a table: each set through every deduper."""
    folders = [Path(name) for name in os.environ.get("CURATOR_BENCH_SETS", "").split(":") if name]
    if not folders:
        print("CURATOR_BENCH_SETS names no folder: nothing was measured.")
        return
    cache = Path(os.environ.get("CURATOR_BENCH_CACHE") or tempfile.mkdtemp(prefix="curator-bench-"))
    print("| set | deduper | answers kept, % | cells kept, % | shift of verdicts, mean L1 | scenarios shifted, % |")
    print("|---|---|---:|---:|---:|---:|")
    for folder in folders:
        rows = read(folder, cache)
        for name, dedupe in PEERS.items():
            kept = dedupe(rows)
            if kept is None:
                print(f"| {folder.name} | {name} | not installed | | | |")
                continue
            told = "{:.1f} | {:.1f} | {:.3f} | {:.1f}".format(*look(rows, kept))
            print(f"| {folder.name} | {name} | {told} |", flush=True)
        print(f"{folder.name}: {proof(rows)}", file=sys.stderr)


def read(folder: Path, cache: Path) -> pl.DataFrame:
    """Return a set's answers as rows with vectors."""
    items = {one["item_id"]: one for one in _lines(folder / "items.jsonl")}
    made = []
    for number, one in enumerate(_lines(folder / "annotations.jsonl")):
        item = items[one["item_id"]]
        words = (item["situation"] or "-", item["context"] or "")
        told = {"situation": words[0], "context": words[1], "scenario": scenario_id(*words, "set")}
        told |= {name: one[name] for name in ("annotator", "verdict")} | {"analysis": one["analysis"] or ""}
        made.append(told | {"id": f"{number:06d}", "stakeholder": one["stakeholder"] or "anybody"})
    rows = frame(made)
    texts = rows.select(pl.concat([pl.col("situation"), pl.col("context"), pl.col("analysis")]).unique().sort())
    vectors = embed_texts(words := texts["situation"].to_list(), MODEL, cache)
    place = {text: at for at, text in enumerate(words)}
    return rows.with_columns(
        pl.Series(f"_{name}", vectors[[place[text] for text in rows[name]]], pl.Array(pl.Float32, vectors.shape[1]))
        for name in ("situation", "context", "analysis")
    )


def look(rows: pl.DataFrame, kept: pl.DataFrame) -> tuple[float, float, float, float]:
    """Return how many answers and cells are kept, how far the verdicts of a scenario moved, and of how many.

    Verdicts are weighed by the people behind them; who says the same again is one voice.
    """
    cells = rows.select(CELL).unique()
    before = _shares(rows.unique(["scenario", "annotator", "stakeholder", "verdict"]).with_columns(voices=1))
    after = _shares(kept)
    both = before.join(after, on=["scenario", "verdict"], how="full", coalesce=True, suffix="_after").fill_null(0)
    shift = both.group_by("scenario").agg((pl.col("share") - pl.col("share_after")).abs().sum().alias("shift"))["shift"]
    return (
        100 * kept.height / rows.height,
        100 * cells.join(kept.select(CELL).unique(), on=CELL, how="semi").height / cells.height,
        float(np.mean(shift.to_numpy())),
        100 * float((shift > 1e-9).mean() or 0.0),
    )


def proof(rows: pl.DataFrame) -> str:
    """Say of curator's own cover: drops that no kept row covers, and kept rows that another one covers."""
    outcome = duplicates(rows)
    kept = set(outcome.rows["id"])
    uncovered = outcome.dropped.filter(~pl.col("twin").is_in(kept) | (pl.col("score") < 0.92)).height
    left = duplicates(outcome.rows).dropped.height
    return f"{uncovered} drops without a kept twin, {left} kept rows that a second look would drop"


def _shares(rows: pl.DataFrame) -> pl.DataFrame:
    total = pl.col("voices").sum()
    cells = rows.group_by("scenario", "verdict").agg(total.alias("n"))
    return cells.select("scenario", "verdict", (pl.col("n") / pl.col("n").sum().over("scenario")).alias("share"))


def _lines(file: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def _curator(rows: pl.DataFrame) -> pl.DataFrame:
    return duplicates(rows).rows


def _exact(rows: pl.DataFrame) -> pl.DataFrame:
    """Keep the first answer of each text, as tools for instruction data do."""
    return rows.unique(["situation", "context", "analysis"], keep="first", maintain_order=True).with_columns(voices=1)


def _text(rows: pl.DataFrame) -> list[str]:
    return [f"{c}\n{s}\n{a}".strip() for c, s, a in rows.select("context", "situation", "analysis").iter_rows()]


def _semantic(rows: pl.DataFrame) -> pl.DataFrame:
    """Keep an answer unless its text is near one before it (cosine, greedy): SemDeDup's rule, done exactly."""
    return _first_of(rows, _whole(rows))


def _whole(rows: pl.DataFrame) -> Vectors:
    parts = np.hstack([rows[f"_{name}"].to_numpy() for name in ("situation", "context", "analysis")])
    return np.asarray(parts / np.linalg.norm(parts, axis=1, keepdims=True), np.float32)


def _first_of(rows: pl.DataFrame, vectors: Vectors) -> pl.DataFrame:
    first = np.unique(vectors.round(6), axis=0, return_index=True)[1]
    order = np.sort(first)
    i, j, _ = join(vectors[order], THRESHOLD)
    near: dict[int, list[int]] = {}
    for a, b in zip(i.tolist(), j.tolist(), strict=True):
        near.setdefault(b, []).append(a)
    kept: set[int] = set()
    for at in range(len(order)):
        if not kept.intersection(near.get(at, [])):
            kept.add(at)
    return rows[sorted(order[list(kept)].tolist())].with_columns(voices=1)


def _semhash(rows: pl.DataFrame) -> pl.DataFrame | None:
    if importlib.util.find_spec("semhash") is None:
        return None
    from semhash import SemHash

    texts = _text(rows)
    places: dict[str, list[int]] = {}
    for at, text in enumerate(texts):
        places.setdefault(text, []).append(at)
    index = SemHash.from_embeddings(embeddings=_whole(rows), records=texts, model=None)
    selected = index.self_deduplicate(threshold=THRESHOLD).selected
    return rows[sorted(places[text][0] for text in selected)].with_columns(voices=1)


def _datasketch(rows: pl.DataFrame) -> pl.DataFrame | None:
    if importlib.util.find_spec("datasketch") is None:
        return None
    from datasketch import MinHash, MinHashLSH

    index, kept = MinHashLSH(threshold=0.7, num_perm=128), []
    for at, text in enumerate(_text(rows)):
        words = re.findall(r"\w+", text.lower())
        sketch = MinHash(num_perm=128)
        sketch.update_batch([" ".join(words[n : n + 3]).encode() for n in range(max(1, len(words) - 2))])
        if not index.query(sketch):
            index.insert(str(at), sketch)
            kept.append(at)
    return rows[kept].with_columns(voices=1)


PEERS: dict[str, Callable[[pl.DataFrame], pl.DataFrame | None]] = {
    "**curator** `duplicates`": _curator,
    "the same text once": _exact,
    "nearest text by embedding, greedy (SemDeDup's rule)": _semantic,
    "SemHash 0.5.0, at .9": _semhash,
    "datasketch MinHash LSH, .7": _datasketch,
}
