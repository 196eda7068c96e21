"""How fast texts become vectors, beside `SentenceTransformer.encode` with its defaults, and how fast they come back.

Both have the model in memory and take turns. CURATOR_TEXTS says how many texts (default 400) and CURATOR_ROUNDS how
often (default 5).
"""

import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sentence_transformers import SentenceTransformer

from benchmarks._answers import SAMPLE, vectors
from curator import embedding

MODEL = "all-minilm-l6-v2"
CACHED = 100_000


def lines(name: str) -> list[dict[str, str]]:
    """Return the records of one of the sample's files."""
    return [json.loads(line) for line in (SAMPLE / f"{name}.jsonl").read_text("utf-8").splitlines()]


def mixed(count: int) -> list[str]:
    """Return distinct texts of one sentence to several paragraphs, from the sample's scenarios and answers."""
    chance = np.random.default_rng(0)
    whole = [line[part] for line in lines("scenarios") for part in ("situation", "context") if line.get(part)]
    whole += [line["analysis"] for line in lines("answers") if line.get("analysis")]
    sentences = [sentence for text in whole for sentence in text.split(". ") if len(sentence) > 20]
    told = [*whole, *sentences, *(f"{a}\n\n{b}" for a, b in zip(whole, whole[::-1], strict=True))]
    distinct = sorted(set(told))
    return [distinct[at] for at in chance.permutation(len(distinct))[:count]]


def as_answered(count: int) -> list[str]:
    """Return situation, context and analysis of so many answers, as they stand in the rows."""
    scenarios = {line["key"]: line for line in lines("scenarios")}
    rows = [line | scenarios.get(line.get("scenario", ""), {}) for line in lines("answers")][:count]
    return [row.get(part) or "" for row in rows for part in ("situation", "context", "analysis")]


def turns(rounds: int, **jobs: Callable[[], object]) -> dict[str, float]:
    """Return the median seconds of each job; they take turns, so that a busy machine is busy for all."""
    took: dict[str, list[float]] = {name: [] for name in jobs}
    for number in range(rounds + 1):
        for name, job in jobs.items():
            start = time.perf_counter()
            job()
            if number:  # the first round warms up
                took[name].append(time.perf_counter() - start)
    return {name: statistics.median(seconds) for name, seconds in took.items()}


def main() -> None:
    """Print sentences a second of both, their ratio and the least cosine, and the times of the cache."""
    count, rounds = int(os.environ.get("CURATOR_TEXTS", "400")), int(os.environ.get("CURATOR_ROUNDS", "5"))
    folder = embedding.locate(MODEL)
    peer, ours = SentenceTransformer(str(folder), device="cpu"), embedding.Embedder(folder)
    print("| texts | SentenceTransformer.encode, a second | curator, a second | ratio | least cosine |")
    print("|---|--:|--:|--:|--:|")
    for name, texts in (
        (f"{count} distinct, one sentence to several paragraphs", mixed(count)),
        (f"the three texts of each of {count // 4} answers, as they stand in the rows", as_answered(count // 4)),
    ):
        once = sorted(set(texts))
        beside = dict(zip(once, ours.encode(once), strict=True))
        told = peer.encode(texts, show_progress_bar=False)
        least = float((told * np.stack([beside[text] for text in texts])).sum(axis=1).min())
        took = turns(
            rounds,
            peer=lambda texts=texts: peer.encode(texts, show_progress_bar=False),  # type: ignore[misc]  # bound now
            ours=lambda once=once: ours.encode(once),  # type: ignore[misc]  # bound now
        )
        speed = {who: len(texts) / seconds for who, seconds in took.items()}
        ratio = speed["ours"] / speed["peer"]
        print(f"| {name} | {speed['peer']:.0f} | {speed['ours']:.0f} | {ratio:.2f} | {least:.6f} |", flush=True)

    with tempfile.TemporaryDirectory() as cache:
        texts = [f"text number {n} of many, so that each is another" for n in range(CACHED)]
        made = vectors({"scenario": np.arange(CACHED)}, "context", np.arange(CACHED))
        start = time.perf_counter()
        embedding.remember(texts, made, MODEL, Path(cache))
        kept = time.perf_counter() - start
        start = time.perf_counter()
        found = embedding.embed_texts(texts, MODEL, Path(cache))
        again = time.perf_counter() - start
        same = bool((found == made).all())
        size = sum(file.stat().st_size for file in Path(cache).rglob("*.db")) / 2**20
    print(f"\n{CACHED:,} texts: kept in {kept:.1f} s ({size:.0f} MiB), found again in {again:.1f} s, equal: {same}.")


if __name__ == "__main__":
    main()
