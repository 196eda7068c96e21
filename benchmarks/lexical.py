"""How fast and how right the exact join over word shingles is beside MinHash (datasketch, rensa).

Texts are made: words by Zipf's law, every fifth text a copy of another with one or two words changed, and for each
copy a text that shares its frame and says something else. Which are copies is known. All methods see the same shingles
(pairs of words) and the same threshold. `CURATOR_ROWS` (100000) and `CURATOR_ROUNDS` (3) set the size.
"""

import os
import re
import statistics
import time
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

import numpy as np

from curator.maths.shingles import join_texts

Pairs = set[tuple[int, int]]

ROWS = int(os.environ.get("CURATOR_ROWS", "100000"))
ROUNDS = int(os.environ.get("CURATOR_ROUNDS", "3"))
WORDS = 2
THRESHOLD = float(os.environ.get("CURATOR_THRESHOLD", "0.5"))
PLACES = 128  # of a MinHash
SYLLABLES = ["ba", "de", "ki", "lo", "mu", "na", "po", "ri", "sa", "te", "vu", "we", "zo", "fe", "gi", "ha"]


def made(rows: int) -> tuple[list[str], Pairs]:
    """Return texts of 8 to 24 words and which of them are copies of each other."""
    chance = np.random.default_rng(0)
    spelled = ["".join(chance.choice(SYLLABLES, chance.integers(1, 5))) for _ in range(20_000)]
    words = np.array(list(dict.fromkeys(spelled)))
    share = 1 / np.arange(2, len(words) + 2)
    stock = iter(chance.choice(words, rows * 26, p=share / share.sum()).tolist())
    texts: list[list[str]] = []
    copies: Pairs = set()
    while len(texts) < rows:
        text = [next(stock) for _ in range(chance.integers(8, 25))]
        texts.append(text)
        turn = len(texts) % 5
        if turn == 0 and len(texts) + 2 <= rows:
            copy = list(text)
            for place in chance.integers(0, len(copy) - 1, 1 if len(copy) < 16 else 2).tolist():
                kind = chance.integers(0, 3)  # another word, one less, one more
                copy[place : place + 1] = [] if kind == 1 else [next(stock), *copy[place : place + kind // 2]]
            copy[0] = copy[0].capitalize()
            copies.add((len(texts) - 1, len(texts)))
            frame = [word if place % 3 else next(stock) for place, word in enumerate(text)]
            texts += [[*copy[:-1], copy[-1] + "."], frame]
    return [" ".join(text) for text in texts], copies


def shingled(texts: list[str]) -> list[list[str]]:
    """Return the shingles of each text, as the peers want them."""
    found = []
    for text in texts:
        words = re.findall(r"\w+", text.lower())
        found.append([" ".join(words[n : n + WORDS]) for n in range(max(1, len(words) - WORDS + 1))])
    return found


def ours(texts: list[str]) -> Pairs:
    i, j, _ = join_texts(texts, THRESHOLD, words=WORDS)
    return set(zip(i.tolist(), j.tolist(), strict=True))


def by_datasketch(texts: list[str], *, verified: bool) -> Pairs:
    datasketch = import_module("datasketch")
    sets = [[shingle.encode() for shingle in some] for some in shingled(texts)]
    hashes = list(datasketch.MinHash.generator(sets, num_perm=PLACES))
    index = datasketch.MinHashLSH(threshold=THRESHOLD, num_perm=PLACES)
    with index.insertion_session() as session:
        for n, one in enumerate(hashes):
            session.insert(n, one, check_duplication=False)
    return {
        (n, m)
        for n, one in enumerate(hashes)
        for m in index.query(one)
        if n < m and (not verified or one.jaccard(hashes[m]) >= THRESHOLD)
    }


def by_rensa(texts: list[str], *, verified: bool) -> Pairs:
    rensa = import_module("rensa")
    hashes = rensa.RMinHash.from_token_sets(shingled(texts), PLACES, 42)
    index = rensa.RMinHashLSH(threshold=THRESHOLD, num_perm=PLACES, num_bands=32)
    index.insert_many(hashes)
    return {
        (n, m)
        for n, near in enumerate(index.query_all(hashes))
        for m in near
        if n < m and (not verified or hashes[n].jaccard(hashes[m]) >= THRESHOLD)
    }


METHODS: dict[str, tuple[Callable[[list[str]], Pairs], str]] = {
    "**curator** join_texts": (ours, "numpy"),
    "rensa RMinHashLSH": (lambda texts: by_rensa(texts, verified=False), "rensa"),
    "rensa, estimate checked": (lambda texts: by_rensa(texts, verified=True), "rensa"),
    "datasketch MinHashLSH": (lambda texts: by_datasketch(texts, verified=False), "datasketch"),
    "datasketch, estimate checked": (lambda texts: by_datasketch(texts, verified=True), "datasketch"),
}


def main() -> None:
    """Print texts a second end to end, and precision, recall and F1 against the copies that were planted."""
    texts, copies = made(ROWS)
    here = {name: told for name, told in METHODS.items() if find_spec(told[1])}
    wall: dict[str, list[float]] = {name: [] for name in here}
    processor: dict[str, list[float]] = {name: [] for name in here}
    answers: dict[str, Pairs] = {}
    for _ in range(ROUNDS):
        for name, (run, _) in here.items():
            start, busy = time.perf_counter(), time.process_time()
            answers[name] = run(texts)
            wall[name].append(time.perf_counter() - start)
            processor[name].append(time.process_time() - busy)
    exact = answers[next(iter(here))]
    print(f"{len(texts):,} texts of 8 to 24 words, {len(copies):,} planted copies, shingles of {WORDS} words, Jaccard")
    print(f"at least {THRESHOLD}, medians of {ROUNDS} interleaved rounds. Last column: of the {len(exact):,} pairs an")
    print("exact count finds.\n")
    print("| method | texts / s | seconds | processor seconds | precision | recall | F1 | of the exact |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    for name, found in answers.items():
        right = len(found & copies)
        precision, recall = right / max(1, len(found)), right / len(copies)
        took, busy = statistics.median(wall[name]), statistics.median(processor[name])
        print(
            f"| {name} | {len(texts) / took:,.0f} | {took:.2f} | {busy:.2f} | {precision:.4f} | {recall:.4f} "
            f"| {2 * right / (len(found) + len(copies)):.4f} | {len(found & exact) / max(1, len(exact)):.4f} |"
        )
    for name, (_, module) in METHODS.items():
        if not find_spec(module):
            print(f"| {name} | not installed: `pip install {module}` | | | | | | |")
