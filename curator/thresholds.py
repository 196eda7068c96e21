"""The edge of a duplicate: what another threshold would change, and which one people's judgement supports."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import tomlkit
import tomlkit.items

from curator.dataset import Dataset
from curator.embedding import embed_texts
from curator.errors import RecipeError, UsageError
from curator.example import ADDED, SCHEMA
from curator.files import Record
from curator.maths.annotators import Share, wilson
from curator.progress import Progress, quiet
from curator.recipe import parse_recipe
from curator.stages.duplicates import duplicates
from curator.tellings import alike_answers

STEP = "duplicates"
BELOW = (0.15, 0.3, 0.45)  # how far under the threshold in force pairs are looked for, until there are enough
YES, NO = {"yes", "y", "true", "1", "same"}, {"no", "n", "false", "0", "different"}


class Move(NamedTuple):
    """A row that another threshold would take out, or give back, and the kept row that covers it."""

    id: str
    twin: str
    alike: float


@dataclass(frozen=True)
class Near:
    """What `duplicates` would do at another threshold."""

    dataset: str
    was: float
    threshold: float
    merged_before: int
    merged_after: int
    more: list[Move]  # would leave, and stayed
    back: list[Move]  # would stay, and left (the twin is the one that covered it)


@dataclass(frozen=True)
class Pair:
    """Two analyses of one scenario for a person to compare."""

    a: str
    b: str
    alike: float
    decides: bool  # one role, one verdict: the threshold alone decides whether they merge
    situation: str
    first: str
    second: str


@dataclass(frozen=True)
class Judged:
    """What a person said of a pair."""

    a: str
    b: str
    alike: float
    same: bool


@dataclass(frozen=True)
class Settled:
    """The lowest threshold that the judgements support, or why there is none, and how good the one in force is."""

    threshold: float | None
    above: Share  # pairs at least this alike that were called the same
    now: Share  # the same for the threshold in force
    judged: int
    why: str = ""


def in_force(dataset: Dataset) -> float:
    """Return the cosine from which analyses were the same in this dataset; UsageError without that step."""
    return float(_settings(dataset)["analysis"])


def near(
    dataset: Dataset, threshold: float, embedder: str, cache: Path | None = None, progress: Progress = quiet
) -> Near:
    """Say what `duplicates` would merge at `threshold` instead, without running anything else again.

    It looks at the rows that reached that step; what later steps would do with the difference is not followed.
    """
    settings = _settings(dataset)
    if not 0 < threshold <= 1:
        raise UsageError(f"A threshold is a cosine above 0 and up to 1; given {threshold:g}.")
    rows = _reached(dataset, embedder, cache, progress)
    before = _moves(dataset.frame("decisions").filter(pl.col("step") == STEP))
    after = _moves(duplicates(rows, **settings | {"analysis": threshold}).decisions)
    return Near(
        dataset.name,
        settings["analysis"],
        threshold,
        len(before),
        len(after),
        [move for id, move in after.items() if id not in before],
        [move for id, move in before.items() if id not in after],
    )


def pairs_to_judge(
    dataset: Dataset, embedder: str, cache: Path | None = None, count: int = 40, progress: Progress = quiet
) -> list[Pair]:
    """Return up to `count` pairs of analyses around the edge, in an order by chance that is always the same.

    First come pairs that the threshold decides (one scenario, role and verdict), drawn evenly from all of them, so
    that what a person says of the drawn ones holds for the rest; then other pairs about one scenario.
    """
    settings = _settings(dataset)
    rows = _reached(dataset, embedder, cache, progress)
    found: list[Pair] = []
    for below in BELOW:
        if len(found) < count:
            found = _pairs(rows, settings, max(0.1, settings["analysis"] - below))
    found.sort(key=lambda pair: (not pair.decides, hashlib.sha256(f"{pair.a}|{pair.b}".encode()).digest()))
    return found[:count]


def _pairs(rows: pl.DataFrame, settings: dict[str, Any], least: float) -> list[Pair]:
    a, b, alike, one = alike_answers(rows, np.arange(len(rows)), settings["scenario"], settings["context"], least)
    role, verdict, ids = (rows[name].to_numpy() for name in ("stakeholder", "verdict", "id"))
    same = (rows["scenario"].to_numpy()[a] == rows["scenario"].to_numpy()[b]) | (settings["tellings"] == "merge")
    decides = same & (role[a] == role[b]) & (verdict[a] == verdict[b])
    texts, situations = rows["analysis"].to_list(), rows["situation"].to_list()
    found = []
    for n in np.flatnonzero(one & (alike < 1 - 1e-9)).tolist():
        i, j = sorted((int(a[n]), int(b[n])), key=lambda at: str(ids[at]))
        pair = (ids[i], ids[j], round(float(alike[n]), 4), bool(decides[n]), situations[i], texts[i], texts[j])
        found.append(Pair(*pair))
    return found


def settle(judged: Sequence[Judged], now: float, precision: float = 0.8) -> Settled:
    """Return the lowest threshold above which the share of same pairs is at least `precision`, by Wilson's lower bound.

    16 pairs that are all the same prove .81, 35 prove .90. No judged pair lies between the lowest that will do and the
    next one below it: where the threshold in force lies there, it is as good, and stays.

    >>> told = [Judged(str(n), "x", 0.99 - n / 100, n < 20) for n in range(30)]
    >>> settle(told, 0.92).threshold
    0.8
    """
    scores = sorted({one.alike for one in judged}, reverse=True)
    best: float | None = None
    for score in scores:
        share = _above(judged, score)
        if share.low is not None and share.low >= precision:
            best = score
    if best is not None:
        below = max((score for score in scores if score < best), default=0.0)
        best = now if below < now < best else best
        return Settled(best, _above(judged, best), _above(judged, now), len(judged))
    shares = [_above(judged, score) for score in scores]
    most = max(shares, key=lambda share: share.low or 0.0, default=wilson(0, 0))
    why = (
        f"no threshold reaches {precision:g}: at best {most.share:.0%} of {most.of} pairs are the same, "
        f"which proves {most.low:.2f}. Judge more pairs, or ask for less with --precision."
        if most.of
        else "nothing was judged yet"
    )
    return Settled(None, most, _above(judged, now), len(judged), why)


def read_judged(records: Iterable[Record], pairs: Iterable[Pair]) -> list[Judged]:
    """Return the judgements of a sheet: `a`, `b` and `same` (yes or no); rows without an answer are left out.

    UsageError names the first record that cannot be understood, or whose pair is not among `pairs`.
    """
    known = {(pair.a, pair.b): pair for pair in pairs}
    told = []
    for record in records:
        row = record.value or {}
        said = str(row.get("same") if row.get("same") is not None else "").strip().casefold()
        pair = known.get((str(row.get("a")), str(row.get("b"))))
        if record.value is None or pair is None or said not in YES | NO | {""}:
            why = record.reason or (f"same is {said!r}; write yes or no" if pair else "no such pair in this dataset")
            raise UsageError(
                f"{record.place}: {why}. Nothing was changed. Make a sheet with: curator threshold --sheet"
            )
        if said:
            told.append(Judged(pair.a, pair.b, pair.alike, said in YES))
    return told


def remember(file: Path, judged: Judged) -> None:
    """Add one judgement to what was judged before."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with open(file, "a", encoding="utf-8") as out:
        out.write(json.dumps(asdict(judged)) + "\n")


def remembered(file: Path, pairs: Iterable[Pair]) -> list[Judged]:
    """Return what was judged of these pairs before, the last word on each."""
    known = {(pair.a, pair.b): pair for pair in pairs}
    found: dict[tuple[str, str], Judged] = {}
    for line in file.read_text("utf-8").splitlines() if file.exists() else []:
        said = Judged(**json.loads(line))
        if (said.a, said.b) in known:
            found[said.a, said.b] = Judged(said.a, said.b, known[said.a, said.b].alike, said.same)
    return list(found.values())


def write_threshold(recipe: Path, threshold: float) -> None:
    """Set `analysis` of the step `duplicates` in a recipe file; its comments stay."""
    text = recipe.read_text("utf-8")
    parse_recipe(text, recipe.name)
    said = tomlkit.parse(text)
    for step in said.get("step", []):
        if step.get("use") == STEP:
            step["analysis"] = threshold
            parse_recipe(changed := tomlkit.dumps(said), recipe.name)
            recipe.write_text(changed, "utf-8")
            return
    raise RecipeError(f"{recipe.name} has no step {STEP!r}. Nothing was changed.")


def _settings(dataset: Dataset) -> dict[str, Any]:
    for step in dataset.manifest["recipe"]:
        if step["use"] == STEP:
            told = {name: value for name, value in step.items() if name != "use"}
            return {"tellings": "merge"} | told  # what datasets did that were made before it was a setting
    raise UsageError(f"The recipe of {dataset.name} has no step {STEP!r}. Add it, and run: curator curate")


def _reached(dataset: Dataset, embedder: str, cache: Path | None, progress: Progress) -> pl.DataFrame:
    """Return the rows that reached the step, as it saw them: kept, or dropped there or later."""
    steps = [step["use"] for step in dataset.manifest["recipe"]]
    later = steps[steps.index(STEP) :]
    decisions = dataset.frame("decisions")
    left = decisions.filter((pl.col("action") == "drop") & pl.col("step").is_in(later))
    flags = decisions.filter((pl.col("action") == "flag") & (pl.col("step") == "quality"))
    names = [name for name in (SCHEMA | ADDED) if name != "voices"]
    gone = dataset.frame("dropped").join(left.select("id"), on="id", how="semi")
    kept = dataset.frame("examples")
    both = [frame.select(name for name in names if name in frame.columns) for frame in (kept, gone)]
    rows = pl.concat(both, how="diagonal").sort("id")
    if rows.is_empty():
        raise UsageError(f"No row of {dataset.name} reached the step {STEP!r}.")
    rows = rows.join(flags.group_by("id").len("_flags"), on="id", how="left", maintain_order="left")
    vectors = {}
    for name in ("situation", "context", "analysis"):
        made = embed_texts([text or "" for text in rows[name].to_list()], embedder, cache, progress)
        vectors["_" + name] = pl.Series("_" + name, made, pl.Array(pl.Float32, made.shape[1]))
    return rows.with_columns(pl.col("_flags").fill_null(0), *vectors.values())


def _moves(decisions: pl.DataFrame) -> dict[str, Move]:
    rows = decisions.select("id", "twin", "score").sort("score", "id", descending=[True, False])
    return {id: Move(id, twin, score) for id, twin, score in rows.iter_rows()}


def _above(judged: Sequence[Judged], score: float) -> Share:
    among = [one.same for one in judged if one.alike >= score]
    return wilson(sum(among), len(among))
