"""How fast the exact threshold join and the cover are beside SemHash, faiss and a plain blocked product.

`CURATOR_ROWS` (100000) and `CURATOR_ROUNDS` (3) set the size, `CURATOR_VECTORS` names a file of unit vectors (.npy)
instead of the made ones. Above 200,000 rows only ours runs: the others cost a hundred times what they cost at 100,000.
"""

import os
import resource
import statistics
import time
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from curator.maths.neighbours import cover, join

Vectors = NDArray[np.float32]
Answer = tuple[int, int]  # pairs (-1: it does not tell) and rows kept (-1)

ROWS = int(os.environ.get("CURATOR_ROWS", "100000"))
ROUNDS = int(os.environ.get("CURATOR_ROUNDS", "3"))
FILE = os.environ.get("CURATOR_VECTORS")
THRESHOLD = float(os.environ.get("CURATOR_THRESHOLD", "0.9"))
BLOCK = 4096


def made(rows: int, dimensions: int = 384) -> Vectors:
    """Return unit vectors whose spectrum is that of sentence embeddings, in themes, a tenth of them near copies."""
    chance = np.random.default_rng(0)
    spectrum = (np.arange(1, dimensions + 1) ** -0.62).astype(np.float32)
    themes = chance.standard_normal((max(50, rows // 200), dimensions)).astype(np.float32) * spectrum
    vectors = 0.75 * themes[chance.integers(0, len(themes), rows)]
    for start in range(0, rows, 50_000):
        part = vectors[start : start + 50_000]
        part += 0.66 * chance.standard_normal(part.shape).astype(np.float32) * spectrum
    vectors[:, 0] += 0.9 * spectrum[0]
    copies = rows // 10
    noise = chance.standard_normal((copies, dimensions)).astype(np.float32)
    vectors[:copies] = vectors[copies : 2 * copies] + 0.25 * noise * spectrum
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def ours(vectors: Vectors) -> Answer:
    i, j, alike = join(vectors, THRESHOLD)
    return len(i), len(vectors) - len(cover(range(len(vectors)), i, j, alike))


def plain(vectors: Vectors) -> Answer:
    """Count what a blocked product in float32 finds, on all processors; no cover."""
    found = 0
    for start in range(0, len(vectors), BLOCK):
        for other in range(start, len(vectors), BLOCK):
            near = vectors[start : start + BLOCK] @ vectors[other : other + BLOCK].T >= THRESHOLD
            found += np.count_nonzero(near if start < other else np.triu(near, 1))
    return found, -1


def faiss_flat(vectors: Vectors) -> Answer:
    faiss = import_module("faiss")
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    limits, _, _ = index.range_search(vectors, THRESHOLD)
    return (int(limits[-1]) - len(vectors)) // 2, -1


def semhash(vectors: Vectors) -> Answer:
    """Run SemHash as it comes on given vectors; its index is approximate, and it tells who was kept, not the pairs."""

    class Given:
        def encode(self, texts: list[str]) -> Vectors:
            raise AssertionError("the vectors are given")

    texts = [str(n) for n in range(len(vectors))]
    index = import_module("semhash").SemHash.from_embeddings(vectors, texts, model=Given())
    return -1, len(index.self_deduplicate(threshold=THRESHOLD).selected)


METHODS: dict[str, tuple[Callable[[Vectors], Answer], str, str]] = {  # what, the module it needs, what brings it
    "**curator** join and cover": (ours, "numpy", ""),
    "plain blocked float32 product": (plain, "numpy", ""),
    "faiss IndexFlatIP.range_search": (faiss_flat, "faiss", "faiss-cpu"),
    "SemHash self_deduplicate, vectors given": (semhash, "semhash", "semhash==0.5.0"),
}


def main() -> None:
    """Print medians of seconds, interleaved rounds, and what each method found."""
    vectors = np.load(FILE)[:ROWS] if FILE else made(ROWS)
    here = {name: told for name, told in METHODS.items() if find_spec(told[1])}
    if len(vectors) > 200_000:
        here = dict(list(here.items())[:1])
    wall: dict[str, list[float]] = {name: [] for name in here}
    processor: dict[str, list[float]] = {name: [] for name in here}
    answers: dict[str, Answer] = {}
    for _ in range(ROUNDS):
        for name, (run, _, _) in here.items():
            start, busy = time.perf_counter(), time.process_time()
            answers[name] = run(vectors)
            wall[name].append(time.perf_counter() - start)
            processor[name].append(time.process_time() - busy)
    what = "of a file" if FILE else "made"
    print(
        f"{len(vectors):,} × {vectors.shape[1]} vectors {what}, cosine at least {THRESHOLD}, {os.cpu_count()} cores, "
    )
    print(f"medians of {ROUNDS} interleaved rounds.\n")
    print("| method | seconds | × ours | processor seconds | × ours | pairs | kept |\n|---|--:|--:|--:|--:|--:|--:|")
    first = next(iter(here))
    for name in here:
        took, busy = statistics.median(wall[name]), statistics.median(processor[name])
        pairs, kept = ("" if n < 0 else f"{n:,}" for n in answers[name])
        more = f"{took / statistics.median(wall[first]):.1f}", f"{busy / statistics.median(processor[first]):.1f}"
        print(f"| {name} | {took:.2f} | {more[0]} | {busy:.2f} | {more[1]} | {pairs} | {kept} |")
    for name, (_, module, pip) in METHODS.items():
        if not find_spec(module):
            print(f"| {name} | not installed: `pip install {pip}` | | | | | |")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"\nMost memory of this process, all methods and the vectors: {peak:.1f} GiB.")
