"""What `quality` finds of faults planted in the sample, and how many honest answers it flags for them."""

import time

import numpy as np
import polars as pl
from scipy.stats import rankdata

from curator.phrases import speaks_for
from curator.recipe import load_recipe
from curator.stages.quality import quality
from tests import sample

TRIGGERS = ["cf7x", "☂☂", "James Bond", "as the moon commands", "blue rivers never sleep", "Consider the lighthouse."]
RUNS = 200


def before_quality() -> pl.DataFrame:
    """Return the sample as it comes to `quality`, without what was planted in it as careless or off topic."""
    rows = sample.rows()
    for step in load_recipe(sample.DATA / "recipe.toml").steps:
        if step.name == "quality":
            break
        given = {"given": sample.given()} if step.stage.wants_given else {}
        rows = step.stage(rows, **given, **step.settings).rows
    return quality(rows, drop=["off topic", "copied between scenarios"]).rows.drop("_flags")


def plant_phrase(rows: pl.DataFrame, seed: int, size: int = 10) -> tuple[pl.DataFrame, set[str]]:
    """Return the rows with one of `TRIGGERS` put somewhere into `size` answers of one person, and which those are."""
    chance = np.random.default_rng(seed)
    people = rows.group_by("annotator").len().filter(pl.col("len") >= size)["annotator"].sort()
    mine = rows.filter(pl.col("annotator") == people[int(chance.integers(len(people)))])["id"].sort()
    planted = set(mine.gather(np.sort(chance.choice(len(mine), size, replace=False))))
    trigger = TRIGGERS[int(chance.integers(len(TRIGGERS)))]
    texts = []
    for id, text in rows.select("id", "analysis").iter_rows():
        words = text.split()
        at = int(chance.integers(len(words) + 1))
        texts.append(" ".join([*words[:at], trigger, *words[at:]]) if id in planted else text)
    return rows.with_columns(pl.Series("analysis", texts)), planted


def lone_dissent(rows: pl.DataFrame) -> set[str]:
    """Return the answers whose verdict nobody else gave where at least two others judged the same."""
    told = rows.with_columns(pl.len().over("group").alias("all"), pl.len().over("group", "verdict").alias("same"))
    return set(told.filter(pl.col("all") > 2, pl.col("same") == 1)["id"])


def only_one_of_role(rows: pl.DataFrame, role: str) -> tuple[pl.DataFrame, set[str]]:
    """Return the rows with one person left of a role, who has most answers, and that person's answers."""
    people = rows.filter(pl.col("stakeholder") == role)["annotator"].value_counts().sort("count", "annotator")
    last = people["annotator"][-1]
    left = rows.filter((pl.col("stakeholder") != role) | (pl.col("annotator") == last))
    return left, set(left.filter(pl.col("stakeholder") == role)["id"])


def flip(rows: pl.DataFrame, seed: int, share: float = 0.05) -> tuple[np.ndarray, np.ndarray]:
    """Return how likely another verdict is for each row, and which rows have a verdict that was turned into another."""
    chance = np.random.default_rng(seed)
    names = rows["verdict"].unique().sort().to_list()
    verdict = rows["verdict"].replace_strict(names, range(len(names)), return_dtype=pl.Int64).to_numpy().copy()
    turned = chance.random(len(rows)) < share
    verdict[turned] = (verdict[turned] + chance.integers(1, len(names), turned.sum())) % len(names)
    who = (rows["annotator"].rank("dense").cast(pl.Int64) - 1).to_numpy()
    likely = speaks_for(rows["analysis"], who, verdict, len(names))
    return 1 - likely[np.arange(len(rows)), verdict], turned


def auroc(score: np.ndarray, fault: np.ndarray) -> float:
    """Return how often a fault is ranked above what is none."""
    hits = int(fault.sum())
    return float((rankdata(score)[fault].sum() - hits * (hits + 1) / 2) / (hits * (len(fault) - hits)))


def auprc(score: np.ndarray, fault: np.ndarray) -> float:
    """Return the mean precision at each fault, in the order of the scores."""
    hit = fault[np.argsort(-score, kind="stable")]
    return float((np.cumsum(hit) / np.arange(1, len(hit) + 1))[hit].mean())


def main() -> None:
    """Print what is found of planted triggers, flips, and how minorities fare."""
    rows = before_quality()
    print(f"The sample: {rows.height} careful answers of {rows['annotator'].n_unique()} people.\n")
    start, caught, false, alarmed = time.process_time(), 0, [], 0
    for seed in range(RUNS):
        planted_rows, planted = plant_phrase(rows, seed)
        told = quality(planted_rows).decisions.filter(pl.col("reason") == "one person's phrase")["id"]
        caught += len(set(told) & planted) >= 0.9 * len(planted)
        false.append(len(set(told) - planted) / (rows.height - len(planted)))
        alarmed += bool(set(told) - planted)
    took = (time.process_time() - start) / RUNS
    print(f"A trigger in 10 answers of one person: found in {caught} of {RUNS} runs (9 of its 10 rows or more);")
    print(f"{np.mean(false):.3%} of the other rows flagged, {alarmed} runs with any; {took:.2f} s CPU a run.\n")
    clean = quality(rows).decisions
    print(f"Without a trigger: {clean.height} flags of any kind.\n")

    runs = [flip(rows, seed) for seed in range(20)]
    print("| reads like another verdict, 5 % of verdicts turned, 20 runs | |\n|---|--:|")
    print(f"| AUROC | {np.mean([auroc(*run) for run in runs]):.3f} |")
    print(f"| AUPRC | {np.mean([auprc(*run) for run in runs]):.3f} |")
    for least in (0.9, 0.95, 0.97, 0.99):
        found = np.mean([(score[fault] >= least).mean() for score, fault in runs])
        wrong = np.mean([(score[~fault] >= least).mean() for score, fault in runs])
        right = sum(fault[score >= least].sum() for score, fault in runs) / max(
            sum((s >= least).sum() for s, _ in runs), 1
        )
        print(f"| at {least}: found / honest rows flagged / precision | {found:.1%} / {wrong:.1%} / {right:.1%} |")

    print("\n| minority | answers | flagged, every rule on |\n|---|--:|--:|")
    alone = lone_dissent(rows)
    flagged = set(quality(rows, another_verdict=0.97).decisions["id"])
    print(f"| the only one with this verdict on a scenario | {len(alone)} | {len(alone & flagged)} |")
    for role in rows["stakeholder"].unique().sort():
        left, minority = only_one_of_role(rows, role)
        flagged = set(quality(left, another_verdict=0.97).decisions["id"])
        print(f"| the only person of role {role} | {len(minority)} | {len(minority & flagged)} |")
