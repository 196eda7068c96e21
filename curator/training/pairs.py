"""Pairs of a better and a worse answer, from a dataset folder: what training on preferences starts from."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from curator.chat import answer, fill
from curator.chatrows import ChatRow, read_split
from curator.errors import FileError, UsageError
from curator.lm.tokens import Encoder
from curator.pack import Pack
from curator.parts import Unparted, parted

KEPT = "Nothing was trained and nothing was changed"
BETTER = {"a": "b", "b": "a"}  # the verdicts of a pack that compares two answers; each of its others is a tie
CARDS = {"": "setting", "Answer A:": "a", "Answer B:": "b"}  # the lines of a context that holds two answers
SYSTEM = "You write the answer that somebody asked for. You are told whose judgement of it counts."
USER = """{situation}

What holds here: {setting}

Write the answer that {stakeholder} would call the better one."""
TEXTS = ("id", "situation", "context", "stakeholder", "verdict", "severity", "analysis", "rejected")


@dataclass(frozen=True)
class Pair:
    """One preference: what was asked, the answer that was preferred and the one that was not."""

    row: ChatRow
    question: list[dict[str, str]]
    chosen: str
    rejected: str


@dataclass(frozen=True)
class EncodedPair:
    """A pair as tokens: the question up to where the answer begins, and both answers with the token that ends them."""

    row: ChatRow
    prompt: list[int]
    chosen: list[int]
    rejected: list[int]

    @property
    def longest(self) -> int:
        """How many tokens the longer of its two sequences has."""
        return len(self.prompt) + max(len(self.chosen), len(self.rejected))


@dataclass(frozen=True)
class Pairs:
    """The pairs of one split, and the ids of the rows that give none: a tie, or nothing that was rejected."""

    pairs: list[Pair]
    ties: list[str]
    without: list[str]


def compares(pack: Pack) -> bool:
    """Say whether people judge two answers by this pack: it has the verdicts a and b."""
    return set(BETTER) <= set(pack.verdicts)


def read_pairs(dataset: Path, split: str, pack: Pack) -> Pairs:
    """Return the pairs of a split in the order of its file, every line checked; FileError names the wrong one.

    A pack that compares two answers gives the one that was preferred and the other. In any pack a row with a
    `rejected` text gives its own answer and the one with that text for its analysis.
    """
    rows = read_split(dataset, split, pack)
    told = _texts(dataset) if rows else {}
    found = Pairs([], [], [])
    for row in rows:
        texts = told.get(row.id)
        if texts is None:
            raise FileError(f"{row.where}: examples.parquet has no row {row.id}. Make the dataset again.")
        if texts["rejected"]:
            pair = _rewritten(row, texts, pack)
        elif not compares(pack):
            found.without.append(row.id)
            continue
        elif row.verdict not in BETTER:
            found.ties.append(row.id)
            continue
        else:
            pair = _compared(row, texts, pack)
        if pair.chosen == pair.rejected:
            raise FileError(f"{row.where}: the preferred answer and the other are the same text. {KEPT}.")
        found.pairs.append(pair)
    return found


def _texts(dataset: Path) -> dict[str, dict[str, Any]]:
    """Return the texts of all rows by id."""
    path = dataset / "examples.parquet"
    try:
        table = pl.read_parquet(path, columns=list(TEXTS))
    except (OSError, pl.exceptions.PolarsError) as fault:
        why = str(fault).partition("\n")[0]
        raise FileError(f"{path.name} cannot be read: {why}. {KEPT}; make the dataset again.") from None
    return {row["id"]: row for row in table.iter_rows(named=True)}


def _rewritten(row: ChatRow, texts: dict[str, Any], pack: Pack) -> Pair:
    rejected = answer(pack, texts | {"analysis": texts["rejected"]})
    return Pair(row, row.question, row.answer, rejected)


def _compared(row: ChatRow, texts: dict[str, Any], pack: Pack) -> Pair:
    try:
        parts = parted(texts["context"], CARDS, "context")
    except Unparted as fault:
        raise FileError(f"{row.where}: {fault}. {KEPT}; make the dataset again when they are there.") from None
    blanks = {
        "situation": texts["situation"],
        "setting": parts["setting"] or "nothing is given",
        "stakeholder": pack.stakeholders[row.stakeholder],
    }
    turns = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": fill(USER, blanks)}]
    return Pair(row, turns, parts[row.verdict], parts[BETTER[row.verdict]])


def no_pairs(found: Pairs, pack: Pack) -> UsageError:
    """Return the error that says why a training split gives no pair."""
    if not found.ties and not found.without:
        return UsageError(f"There are no rows to train on: train.jsonl is empty or missing. {KEPT}.")
    if compares(pack):
        return UsageError(
            f"All {len(found.ties)} rows of train.jsonl are ties, so there is nothing to prefer. {KEPT}; collect"
            " answers that name the better one."
        )
    return UsageError(
        f"The pack {pack.name!r} gives no pairs: its verdicts are not a and b, and none of the {len(found.without)}"
        f" rows of train.jsonl has a `rejected` text. {KEPT}; collect preferences with the pack 'preference', or train"
        " on the answers themselves: curator train"
    )


def encode_pairs(pairs: list[Pair], encoder: Encoder, longest: int) -> tuple[list[EncodedPair], list[str]]:
    """Return the pairs as tokens, and the ids of those longer than `longest` tokens, which are left out whole.

    FileError names the row whose text its tokenizer cannot take.
    """
    encoded = []
    for pair in pairs:
        try:
            prompt = encoder.question(pair.question)
            sides = encoder.answer(pair.chosen), encoder.answer(pair.rejected)
        except FileError as fault:
            raise FileError(f"{pair.row.where}: {fault}") from None
        encoded.append(EncodedPair(pair.row, prompt, *sides))
    kept = [pair for pair in encoded if pair.longest <= longest]
    return kept, [pair.row.id for pair in encoded if pair.longest > longest]


def first_share(pairs: list[Pair]) -> float | None:
    """Return how often the first of the two answers was the better one: far from a half, place may have decided.

    None where no pair compares two answers in a certain order.
    """
    verdicts = Counter(pair.row.verdict for pair in pairs if pair.row.verdict in BETTER)
    return verdicts["a"] / verdicts.total() if verdicts else None
