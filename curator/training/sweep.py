"""Several settings tried on one dataset: which to try first, and which differences between them are more than noise."""

import hashlib
import itertools
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from curator.chatrows import read_manifest, read_split
from curator.errors import UsageError
from curator.files import write_whole
from curator.lm.lora import load_adapter
from curator.lm.models import load
from curator.lm.scoring import Scored, score
from curator.lm.tokens import Encoder, encode_rows
from curator.maths.scores import holm, paired
from curator.progress import Progress, quiet

GRID = {"rate": ["2e-4", "5e-4", "1e-3"], "rank": ["8", "16"]}  # what is tried when nothing is named
SEEN = "validation.json"  # beside an adapter: what it makes of each validation row
FEW = 25  # scenarios under which only large differences show
LEVEL = 0.05
Settings = dict[str, str]


@dataclass(frozen=True)
class Row:
    """One validation row as one model sees it: its loss a token of the answer, and 1 where its verdict is right."""

    id: str
    group: str
    stakeholder: str
    loss: float
    right: float


@dataclass(frozen=True)
class Tried:
    """A model of the sweep: the settings that it was made with, and what it and its base make of each row."""

    model: str
    settings: Settings
    rows: list[Row]
    base: list[Row]


def combinations(grid: dict[str, list[str]]) -> list[Settings]:
    """Return every combination of a grid, the most different ones first.

    The first stands at the beginning of every list; each next one is the farthest from those before it, by the sum
    of its steps along each list (a whole list is 1). Ties go to the one that stands first.

    >>> [tuple(one.values()) for one in combinations({"rank": ["8", "16"], "rate": ["1", "2", "3"]})]
    [('8', '1'), ('16', '3'), ('8', '3'), ('16', '1'), ('8', '2'), ('16', '2')]
    """
    lengths = [max(1, len(values) - 1) for values in grid.values()]
    left = list(itertools.product(*(range(len(values)) for values in grid.values())))
    order = [left.pop(0)]
    while left:
        far = [
            min(sum(abs(a - b) / n for a, b, n in zip(one, other, lengths, strict=True)) for other in order)
            for one in left
        ]
        order.append(left.pop(far.index(max(far))))
    return [{name: grid[name][n] for name, n in zip(grid, one, strict=True)} for one in order]


def look(dataset: Path, base: Path, adapter: Path, longest: int, progress: Progress = quiet) -> tuple[list[Row], ...]:
    """Return what an adapter and its base make of the validation split, kept in validation.json beside it.

    No other split is read. UsageError where there are no validation rows.
    """
    seal = hashlib.sha256((adapter / "adapter_model.safetensors").read_bytes()).hexdigest()
    dataset_hash, pack = read_manifest(dataset)
    call = {"adapter": seal, "dataset": dataset_hash, "longest": longest}
    if (kept := _kept(adapter / SEEN, call)) is not None:
        return kept
    rows = read_split(dataset, "validation", pack)
    model, tokenizer = load(base)
    encoder = Encoder(tokenizer, pack)
    encoded, refused = encode_rows(rows, encoder, longest)
    if not encoded:
        raise UsageError(
            f"There is nothing to judge by: validation.jsonl has {len(rows)} rows, {len(refused)} of them too long."
            " Make the dataset again with a larger validation share."
        )
    scored = score(load_adapter(model, adapter), encoded, encoder, progress)
    lengths = [len(one.ids) - one.start for one in encoded]
    found = tuple([_row(one, n) for one, n in zip(scored[name], lengths, strict=True)] for name in ("tuned", "base"))
    told = call | {name: [asdict(row) for row in part] for name, part in zip(("tuned", "base"), found, strict=True)}
    write_whole(adapter / SEEN, (json.dumps(told) + "\n").encode())
    return found


def _row(one: Scored, tokens: int) -> Row:
    """Return a row with the loss of its analysis, and its verdict's probability among the pack's, a token."""
    surprise = -math.log(max(one.probabilities[one.row.verdict], 1e-12))
    loss = (one.analysis_loss + surprise) / tokens
    return Row(one.row.id, one.row.group, one.row.stakeholder, loss, float(one.verdict == one.row.verdict))


def _kept(path: Path, call: dict[str, Any]) -> tuple[list[Row], ...] | None:
    try:
        told = json.loads(path.read_text("utf-8"))
        if any(told[key] != value for key, value in call.items()):
            return None
        return tuple([Row(**row) for row in told[name]] for name in ("tuned", "base"))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def judged(tried: Sequence[Tried]) -> dict[str, Any]:
    """Return the models, best first by the mean loss of their worst stakeholder, each beside the best one.

    `change` is the paired difference of its losses to the best one's, clustered by scenario, with p adjusted for
    having asked so often (Holm); where that is not below 0.05, the difference is noise for all that these rows can
    tell.
    """
    order = sorted(tried, key=lambda one: (_worst(one.rows)[1], _mean(one.rows), one.model))
    best, others = order[0], order[1:]
    groups = [row.group for row in best.rows]
    changes = {one.model: _paired(best.rows, one.rows, "loss", groups) for one in others}
    told = {name: change["p"] for name, change in changes.items() if change["p"] is not None}
    for name, adjusted in holm(told).items():
        changes[name]["p_holm"] = adjusted
    table = [
        _cells(one.rows)
        | {
            "model": one.model,
            "settings": one.settings,
            "change": changes.get(one.model),
            "accuracy_change": _paired(best.rows, one.rows, "right", groups) if one is not best else None,
            "noise": one is not best and not _shown(changes[one.model]),
        }
        for one in order
    ]
    report = {"rows": len(groups), "scenarios": len(set(groups)), "models": table, "base": _cells(best.base)}
    return report | {"findings": _sentences(report)}


def _mean(rows: Sequence[Row]) -> float:
    return sum(row.loss for row in rows) / len(rows)


def _worst(rows: Sequence[Row]) -> tuple[str, float]:
    """Return the stakeholder with the highest mean loss, and that loss."""
    roles = sorted({row.stakeholder for row in rows})
    losses = {role: _mean([row for row in rows if row.stakeholder == role]) for role in roles}
    worst = max(losses, key=losses.__getitem__)
    return worst, losses[worst]


def _cells(rows: Sequence[Row]) -> dict[str, Any]:
    roles = sorted({row.stakeholder for row in rows})
    worst, loss = _worst(rows)
    return {
        "worst": worst,
        "worst_loss": loss,
        "loss": _mean(rows),
        "accuracy": sum(row.right for row in rows) / len(rows),
        "stakeholder_loss": {role: _mean([row for row in rows if row.stakeholder == role]) for role in roles},
    }


def _paired(best: Sequence[Row], other: Sequence[Row], what: str, groups: list[str]) -> dict[str, Any]:
    return dict(paired([getattr(row, what) for row in best], [getattr(row, what) for row in other], groups))


def _shown(change: dict[str, Any]) -> bool:
    return bool(change.get("p_holm", 1.0) < LEVEL)


def _sentences(report: dict[str, Any]) -> list[str]:
    best, *others = report["models"]
    rows, scenarios = report["rows"], report["scenarios"]
    said = [
        f"{best['model']} has the lowest loss for its worst stakeholder ({best['worst']}) on {rows} validation rows of"
        f" {scenarios} scenarios; test was not looked at."
    ]
    noise = [one["model"] for one in others if one["noise"]]
    shown = [
        f"{one['model']} ({'worse' if one['change']['difference'] > 0 else 'better'})"
        for one in others
        if not one["noise"]
    ]
    if shown:
        said.append(f"Shown to differ from it, on average over all rows: {', '.join(shown)}.")
    if noise:
        said.append(f"Within noise of it (Holm's p is not below {LEVEL}): {', '.join(noise)}.")
    least = 2 * len(others) / 2**scenarios  # every scenario on one side, asked of each of the others
    if others and least >= LEVEL:
        said.append(f"{scenarios} scenarios are too few to show any difference between {len(others) + 1} models.")
    elif scenarios < FEW:
        said.append(f"{scenarios} scenarios are few: a difference that is not shown may still be there.")
    if others:
        said.append(
            f"It was chosen on these very rows, so its numbers here are too good; how good it is says: curator evaluate"
            f" --model {best['model']}"
        )
    return said
