"""Rows of a preferred answer and the other one: for DPO as pairs, for KTO one by one."""

from dataclasses import dataclass
from typing import Any

from curator.dataset import Dataset
from curator.errors import MissingExtra, UsageError
from curator.example import digest

Row = dict[str, Any]


@dataclass(frozen=True)
class Paired:
    """The rows of a split, how many of its answers give none, and what each pair weighs."""

    rows: list[Row]
    left: int
    weights: list[float | None]


def paired(dataset: Dataset, split: str, form: str) -> Paired:
    """Return the rows of one split in the format `preference` or `kto`.

    A pair is made as `curator train --preference` makes it. FileError names a row that cannot be one.
    """
    try:
        from curator.training.pairs import read_pairs
    except ModuleNotFoundError as fault:
        raise MissingExtra(
            f"Pairs need {fault.name}, which is not installed: pip install 'curator[train]'. Nothing was written."
        ) from None

    for name in (f"{split}.jsonl", "examples.parquet"):
        dataset.file(name)
    found = read_pairs(dataset.folder, split, dataset.pack)
    left = len(found.ties) + len(found.without)
    weights: list[float | None] = [pair.row.loss_weight for pair in found.pairs]
    if form == "preference":
        rows = [
            {"prompt": pair.question, "chosen": _said(pair.chosen), "rejected": _said(pair.rejected)}
            for pair in found.pairs
        ]
        return Paired(rows, left, weights)
    singles = [
        (digest("kto", pair.row.id, str(label)), {"prompt": pair.question, "completion": _said(text), "label": label})
        for pair in found.pairs
        for label, text in ((True, pair.chosen), (False, pair.rejected))
    ]
    # TRL's KTO trainer takes the rows in the order of the file.
    return Paired([row for _, row in sorted(singles, key=lambda one: one[0])], left, [w for w in weights for _ in "+-"])


def no_pairs(dataset: Dataset, form: str) -> UsageError:
    """Return the error for a dataset of which no answer gives a pair."""
    return UsageError(
        f"The dataset {dataset.name} has no pairs, so it cannot be written as {form}: either people compare two answers"
        f" (verdicts a and b, as in the pack 'preference'; this one is {dataset.pack.name!r}), or rows have a"
        " `rejected` text. Nothing was written; export the answers themselves: --format trl"
    )


def _said(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]
