"""Made-up answers in any number, with vectors that are alike where the answers are, for benchmarks of the pipeline."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from curator.example import MOMENT, frame
from curator.stage import Known

SAMPLE = Path(__file__).parent.parent / "sample_data"
ROLES = ["employee", "manager", "hr", "outside_expert"]
VERDICTS = ["reasonable", "questionable", "manipulative"]
DOMAINS = ["retail", "health care", "IT", "finance", "education", "logistics"]
FIRST = "Ada Bruno Carla Deniz Elif Franz Greta Hugo Ines Jonas Karim Lotte Mira Nils Olga Paul Rosa Sven Tara Uwe"
LAST = "Abel Brandt Costa Dietz Ekberg Falk Grün Hahn Ivanov Jansen Keller Lindt Moreau Novak Olsen Pohl Reyes"
SYLLABLES = "ba co di fer gal hon in jar kel lum mo nar op pel quin ros sta tur ul ver wen zet tion ment ing able"
EACH = 5  # answers to a scenario
WIDTH = 384
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def people(count: int = 300) -> tuple[Known, ...]:
    """Return people whose names the workspace knows."""
    names = [f"{first} {last}" for last in LAST.split() for first in FIRST.split()][:count]
    return tuple(Known(name, f"{name.lower().replace(' ', '.')}@harbor.example") for name in names)


def _words(chance: np.random.Generator, size: int = 12_000) -> np.ndarray:
    """Return words, the frequent ones first: those of the sample by how often it says them, then made-up ones."""
    told = " ".join(
        json.loads(line).get(part, "")
        for name, part in (("scenarios", "situation"), ("answers", "analysis"))
        for line in (SAMPLE / f"{name}.jsonl").read_text("utf-8").splitlines()
    )
    told_words = pl.Series("word", [told.lower()]).str.extract_all(r"\b[a-z]{2,}\b").explode()
    real = told_words.value_counts().sort(["count", "word"], descending=[True, False])["word"].to_list()
    made = ("".join(chance.choice(SYLLABLES.split(), chance.integers(2, 5))) for _ in range(size))
    return np.array(list(dict.fromkeys([*real, *made]))[:size])


def _texts(chance: np.random.Generator, words: np.ndarray, count: int, least: int, most: int) -> list[str]:
    """Return texts of `least` to `most` words drawn by Zipf's law, in sentences of about twelve."""
    length = chance.integers(least, most + 1, count)
    rank = np.minimum(len(words) ** chance.random(int(length.sum())) * 1.0, len(words)).astype(np.int64) - 1
    drawn = words[rank].tolist()
    texts, at = [], 0
    for n in length.tolist():
        part, at = drawn[at : at + n], at + n
        sentences = (" ".join(part[i : i + 12]).capitalize() for i in range(0, n, 12))
        texts.append(". ".join(sentences) + ".")
    return texts


def answers(count: int, seed: int = 0) -> tuple[pl.DataFrame, dict[str, np.ndarray]]:
    """Return `count` answers as the store gives them, and what `vectors` needs to place them.

    A twentieth of the scenarios tells another one anew. Of the answers 3 % are given twice at once, 5 % say what
    somebody of the same role said, 2 % are too short, 1 % are copied from another scenario, 3 % name a known person
    with an address or number, 5 % have untidy spaces.
    """
    chance = np.random.default_rng(seed)
    words = _words(chance)
    many, crowd = max(1, count // EACH), max(40, count // 100)
    situations = np.array(_texts(chance, words, many, 25, 60), object)
    contexts = np.array(_texts(chance, words, many, 5, 15), object)
    told_again = np.where(chance.random(many) < 0.05, chance.integers(0, many, many), np.arange(many))
    scenario, who = np.sort(chance.integers(0, many, count)), chance.integers(0, crowd, count)
    verdict = np.where(chance.random(count) < 0.6, scenario % 3, chance.integers(0, 3, count))
    analysis, voice = np.array(_texts(chance, words, count, 20, 60), object), np.arange(count)
    minute = chance.integers(0, 500_000, count)
    fate = chance.random(count)
    role = who % len(ROLES)
    for at in range(1, count):
        before = at - 1
        if fate[at] < 0.09 and scenario[at] == scenario[before]:
            verdict[at], voice[at] = verdict[before], voice[before]
            analysis[at] = analysis[before]
            if fate[at] < 0.03:
                who[at], role[at], minute[at] = who[before], role[before], minute[before] + 1
            else:
                role[at] = role[before]
                who[at] = (who[at] // len(ROLES)) * len(ROLES) + role[at]
                analysis[at] += " " + str(words[at % 500]).capitalize() + "."
        elif 0.09 <= fate[at] < 0.11:
            analysis[at] = "Fine by me."
        elif 0.11 <= fate[at] < 0.12:
            analysis[at], voice[at], who[at], role[at] = analysis[before], voice[before], who[before], role[before]
        elif 0.12 <= fate[at] < 0.15:
            one = people()[at % 300]
            analysis[at] += f" Ask {one.name} ({one.email}, +44 20 7946 {at % 10_000:04d}) about it."
        elif 0.15 <= fate[at] < 0.20:
            analysis[at] = analysis[at].replace(". ", ".  \r\n") + " "
    rows = pl.DataFrame(
        {
            "id": [f"{(n * 0x9E3779B97F4A7C15) % 2**64:016x}" for n in range(count)],
            "scenario": [f"{(n * 0xD1B54A32D192ED03) % 2**64:016x}" for n in scenario.tolist()],
            "situation": situations[scenario].tolist(),
            "context": contexts[scenario].tolist(),
            "stakeholder": np.array(ROLES)[role],
            "annotator": [f"annotator-{n:010x}" for n in who.tolist()],
            "verdict": np.array(VERDICTS)[verdict],
            "severity": 1 + (verdict * 2 + who % 2) % 5,
            "analysis": analysis.tolist(),
            "rejected": pl.Series([None] * count, dtype=pl.String),
            "domain": np.array(DOMAINS)[scenario % len(DOMAINS)],
            "team": np.array(["harbor", "station", "mill"])[who % 3],
            "origin": ["human"] * count,
            "pack": ["workplace"] * count,
            "source": ["made up"] * count,
            "created_at": [NOON + timedelta(minutes=n) for n in minute.tolist()],
            "updated_at": [NOON + timedelta(minutes=n) for n in minute.tolist()],
            "revision": [1] * count,
            "extra": pl.Series([None] * count, dtype=pl.String),
        }
    ).cast({"created_at": MOMENT, "updated_at": MOMENT})
    assert rows.schema == frame([]).schema, "the columns of a store"
    return rows, {"told_again": told_again, "scenario": scenario, "voice": voice, "verdict": verdict}


def vectors(told: dict[str, np.ndarray], part: str, at: np.ndarray, seed: int = 0) -> np.ndarray:
    """Return unit vectors of a part of the answers in the rows `at`: what is planted as alike is alike."""
    scenario = told["scenario"][at]
    if part == "context":
        return _unit(_noise(scenario, seed + 1))
    event = _unit(_noise(told["told_again"][scenario], seed + 2))
    if part == "situation":
        return _unit(event + 0.25 * _unit(_noise(scenario, seed + 3)))
    mine = _unit(_noise(told["voice"][at], seed + 4))
    view = _unit(_noise(told["verdict"][at], seed + 5))
    return _unit(0.6 * event + 0.3 * view + 0.75 * mine + 0.1 * _unit(_noise(at, seed + 6)))


def _noise(numbers: np.ndarray, seed: int) -> np.ndarray:
    """Return the same normal vector for the same number; later axes matter less, as with real embeddings."""
    distinct, back = np.unique(numbers, return_inverse=True)
    made = np.stack([np.random.default_rng([seed, int(n)]).standard_normal(WIDTH, np.float32) for n in distinct])
    return (made * (1 + np.arange(WIDTH, dtype=np.float32)) ** -0.3)[back]


def _unit(whole: np.ndarray) -> np.ndarray:
    return np.asarray(whole / np.linalg.norm(whole, axis=1, keepdims=True), np.float32)
