"""What base and tuned model made of each unseen row, on disk: all that a score needs, so that none needs a model."""

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from pydantic import BaseModel, ConfigDict, ValidationError

from curator.chatrows import read_split
from curator.errors import FileError
from curator.pack import Pack

SPLITS = ("train", "validation", "test", "out_of_context")
MODELS = ("base", "tuned")
NAME = "answers.jsonl"


class Seen(BaseModel):
    """One row as one model sees it, by the role in the prompt: verdicts' probabilities, and the analysis' summed loss.

    The loss is in nats, given the person's verdict. A role that was not tried is not there; the row's own always is.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    verdicts: dict[str, dict[str, float]]
    analysis: dict[str, float]

    def says(self, role: str) -> str:
        """Return the likeliest verdict when asked as a role; ties go to the one that the pack names first."""
        told = self.verdicts[role]
        return max(told, key=told.__getitem__)


class Answer(BaseModel):
    """One line of answers.jsonl: an unseen row, what the person said, and both models. `tokens` are the analysis'."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: str
    scenario: str
    group: str
    split: str
    stakeholder: str
    domain: str | None
    team: str | None
    verdict: str
    weight: float | None
    voices: int | None
    tokens: int
    base: Seen
    tuned: Seen

    def seen(self, model: str) -> Seen:
        """Return what "base" or "tuned" makes of the row."""
        return self.base if model == "base" else self.tuned

    @property
    def people(self) -> float:
        """How many people stand behind the row; where that is not known, its weight."""
        return float(self.voices or self.weight or 1.0)


@dataclass(frozen=True)
class Judgement:
    """What somebody said of a scenario, in any split. `voices` people said the same; `annotator` is "" if unknown."""

    id: str
    scenario: str
    group: str
    split: str
    stakeholder: str
    verdict: str
    voices: int | None = None
    annotator: str = ""
    team: str | None = None


def read_judgements(dataset: Path, pack: Pack) -> list[Judgement]:
    """Return every row of a dataset; who said it, for how many, in which team where examples.parquet tells."""
    table = dataset / "examples.parquet"
    known: dict[str, tuple[int | None, str, str | None]] = {}
    if table.is_file():
        told = pl.read_parquet(table)
        voices = pl.col("voices") if "voices" in told.columns else pl.lit(None)  # only `duplicates` counts them
        columns = told.select("id", voices.alias("voices"), "annotator", "team")
        known = {name: (count, who or "", team) for name, count, who, team in columns.iter_rows()}
    return [
        Judgement(
            row.id, row.scenario, row.group, split, row.stakeholder, row.verdict, *known.get(row.id, (None, "", None))
        )
        for split in SPLITS
        for row in read_split(dataset, split, pack)
    ]


def sample(ids: Iterable[str], most: int) -> set[str]:
    """Return up to `most` of these ids: always the same ones, and none because of what it is about.

    >>> sorted(sample(["a", "b", "c"], 2)) == sorted(sample(["c", "b", "a"], 2))
    True
    """
    return set(sorted(ids, key=lambda name: hashlib.sha256(name.encode()).hexdigest())[:most])


def write_answers(folder: Path, answers: Sequence[Answer]) -> str:
    """Leave answers.jsonl in a folder, lines in the order of their ids, and return its SHA-256."""
    lines = [one.model_dump(mode="json") for one in sorted(answers, key=lambda one: one.id)]
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    draft = folder / f".{NAME}"
    draft.write_text(text, "utf-8")
    os.replace(draft, folder / NAME)
    return hashlib.sha256(text.encode()).hexdigest()


def read_answers(folder: Path, seal: str) -> list[Answer]:
    """Return the lines of a folder's answers.jsonl; FileError where it is not the file with this SHA-256."""
    path = folder / NAME
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        raise FileError(f"{folder.name} has no {NAME}. Evaluate it again with: curator evaluate") from None
    if hashlib.sha256(text).hexdigest() != seal:
        raise FileError(
            f"{folder.name}/{NAME} is not the file that its evaluation.json was made with. Nothing was changed;"
            " delete evaluation.json and evaluate again with: curator evaluate"
        )
    try:
        return [Answer.model_validate_json(line) for line in text.decode("utf-8").splitlines()]
    except ValidationError as fault:
        raise FileError(
            f"{folder.name}/{NAME} was written by another version of curator ({fault.errors()[0]['msg']}). Delete"
            " evaluation.json and evaluate again with: curator evaluate"
        ) from None
