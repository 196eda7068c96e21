"""Train a LoRA adapter on a dataset folder: settings, data, model, loop, save; read from `train` downwards."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from curator.chatrows import read_manifest
from curator.errors import UsageError
from curator.lm.adapter_folder import made_before, save
from curator.lm.models import libraries, model_hash, pins, publish
from curator.lm.tokens import Encoder
from curator.processes import joined
from curator.progress import Progress, one_piece, quiet
from curator.training.adapter_card import card
from curator.training.checkpoints import Checkpoints
from curator.training.fit import Run, adapted, fit, load_base
from curator.training.settings import TrainSettings
from curator.training.trainingset import TrainingSet, context_length, read_training_set

__all__ = ["TrainSettings", "Trained", "train"]


@dataclass(frozen=True)
class Trained:
    """What a training left. Seconds and speed are measured, so they are here and not in the folder.

    `stakeholder_loss` is the validation loss of each stakeholder by epoch. `resumed` is the step after which it went
    on from a checkpoint; `passed_over` names checkpoints that were damaged or not this workspace's.
    """

    folder: Path
    train_loss: list[float]
    validation_loss: list[float]
    best_epoch: int
    rows: int
    tokens: int
    refused: list[str]
    stakeholder_loss: dict[str, list[float]] = field(default_factory=dict)
    masked: list[str] = field(default_factory=list)
    seconds: float = 0.0
    tokens_per_second: float = 0.0
    resumed: int = 0
    passed_over: list[str] = field(default_factory=list)
    reused: bool = False


def train(
    dataset: Path,
    out: Path,
    base: Path,
    settings: TrainSettings | None = None,
    progress: Progress = quiet,
    checkpoints: Path | None = None,
    key: bytes = b"",
    every: int = 10,
) -> Trained:
    """Leave in `out` the adapter of the best epoch; the same call again reuses it.

    With a folder for `checkpoints`, one is kept there every `every` steps and at the end of each epoch, sealed with
    `key`: the same call after the process was killed goes on, and ends with the weights of an uninterrupted run,
    bit for bit on the same machine with as many threads. Processes that were started together (torchrun)
    share the work; the first one writes.
    """
    settings = settings or TrainSettings()
    began, processes = time.monotonic(), joined()
    if not processes.first:
        progress = quiet
    dataset_hash, pack = read_manifest(dataset)
    call = {"dataset": dataset_hash, "base": model_hash(base), "settings": settings.model_dump()}
    kept = Checkpoints(checkpoints, call | {"libraries": libraries()}, key, every) if checkpoints else None
    if (said := made_before(out, call)) is not None:
        if kept and processes.first:
            kept.clear()  # it was killed between the two
        return _again(out, said)

    with one_piece(progress, "loading the model"):
        model, tokenizer = load_base(base, settings)
        encoder = Encoder(tokenizer, pack)
        data = read_training_set(dataset, encoder, settings, context_length(model.config))
        model = adapted(model, settings)
        given, held = data.trees(model.dtype, encoder, settings)
    passed_over = kept.foreign() if kept else []
    try:
        run = fit(model, given, held, settings, progress, kept, processes)
    except UsageError:
        if kept and processes.first:
            kept.clear()  # going on would fail at the same step
        raise
    report = call | pins(base) | {"pack": pack.name, "libraries": libraries(), **_told(data, run)}
    readings = data.readings(encoder, settings)
    report["common"] = None if readings is None else readings.said()
    report["dtype"] = str(model.dtype).removeprefix("torch.")
    model.load_state_dict(run.best, strict=False)
    if processes.first:
        publish(out, lambda draft: save(draft, model, report, base.name, lambda whole: card(whole, pack)))
        if kept:
            kept.clear()
    processes.wait()
    return Trained(
        folder=out,
        train_loss=run.train_loss,
        validation_loss=run.validation_loss,
        best_epoch=run.best_epoch,
        rows=data.rows,
        tokens=data.tokens,
        refused=data.refused,
        stakeholder_loss=run.stakeholder_loss,
        masked=data.masked,
        seconds=time.monotonic() - began,
        tokens_per_second=data.tokens * len(run.train_loss) / run.seconds,
        resumed=run.resumed,
        passed_over=passed_over,
    )


def _told(data: TrainingSet, run: Run) -> dict[str, Any]:
    """Return what training.json says of the data and of the run."""
    splits = {"train": data.given, "validation": data.held}
    roles = sorted({one.row.stakeholder for one in data.held})
    return {
        "rows": {split: sum(one.answers for one in rows) for split, rows in splits.items()},
        "scenarios": {split: len({one.row.scenario for one in rows}) for split, rows in splits.items()},
        "validation_rows": {role: sum(one.row.stakeholder == role for one in data.held) for role in roles},
        "tokens": data.tokens,
        "refused": data.left_out,
        "train_loss": _rounded(run.train_loss),
        "validation_loss": _rounded(run.validation_loss),
        "stakeholder_loss": {role: _rounded(losses) for role, losses in run.stakeholder_loss.items()},
        "best_epoch": run.best_epoch,
    }


def _rounded(losses: list[float]) -> list[float]:
    return [round(loss, 6) for loss in losses]


def _again(out: Path, said: dict[str, Any]) -> Trained:
    return Trained(
        folder=out,
        train_loss=said["train_loss"],
        validation_loss=said["validation_loss"],
        best_epoch=said["best_epoch"],
        rows=said["rows"]["train"],
        tokens=said["tokens"],
        refused=said["refused"]["longer than longest"],
        stakeholder_loss=said["stakeholder_loss"],
        masked=said["refused"]["weight 0"],
        reused=True,
    )
