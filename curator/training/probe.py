"""What a training would take: measured on a few real steps of the real model and data, which are then thrown away."""

import math
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from curator.chatrows import read_manifest
from curator.lm.forest import Branches
from curator.lm.lora import KEEP, trainable
from curator.lm.tokens import Encoder
from curator.progress import Progress, one_piece, quiet
from curator.training.fit import Loop, Run, adapted, held_losses, load_base
from curator.training.settings import TrainSettings
from curator.training.trainingset import context_length, read_training_set

COPIES = 8  # of the weights that learn: the best ones, and what a checkpoint holds while it is written


@dataclass(frozen=True)
class Estimate:
    """What a training would take, at most: it may stop before its last epoch.

    `tokens` are those of all rows, `computed` those left once each scenario is computed once. `first` and `next` are
    the seconds of the first epoch and of each one after it. `memory` is the peak of this process in bytes.
    """

    rows: int
    scenarios: int
    left_out: dict[str, list[str]]
    tokens: int
    computed: int
    steps: int
    epochs: int
    learning: int
    begin: float
    first: float
    next: float
    memory: int
    probed: int
    took: float

    @property
    def seconds(self) -> float:
        """How long the whole training would take."""
        return self.begin + self.first + self.next * (self.epochs - 1)


def estimate(dataset: Path, base: Path, settings: TrainSettings, progress: Progress = quiet) -> Estimate:
    """Return what training on a dataset would take, from steps on it that leave nothing behind."""
    began = time.monotonic()
    _, pack = read_manifest(dataset)
    with one_piece(progress, "loading the model"):
        model, tokenizer = load_base(base, settings)
        encoder = Encoder(tokenizer, pack)
        data = read_training_set(dataset, encoder, settings, context_length(model.config))
        model = adapted(model, settings)
        given, held = data.trees(model.dtype, encoder, settings)
        loop = Loop(model, given, settings)
    begin = time.monotonic() - began
    learns, looks, probed = _measure(loop, held, progress)
    computed, held_tokens = (sum(len(branches.tree) for branches in trees) for trees in (given, held))
    first, then = (learn * computed + look * held_tokens for learn, look in zip(learns, looks, strict=True))
    return Estimate(
        rows=data.rows,
        scenarios=len({one.row.scenario for one in data.given}),
        left_out=data.left_out,
        tokens=data.tokens,
        computed=computed,
        steps=settings.epochs * math.ceil(len(given) / settings.scenarios),
        epochs=settings.epochs,
        learning=sum(weight.numel() for weight in trainable(model)),
        begin=begin,
        first=first,
        next=then,
        memory=peak() + _later(model, loop, computed + held_tokens),
        probed=probed,
        took=time.monotonic() - began,
    )


def _measure(loop: Loop, held: list[Branches], progress: Progress) -> tuple[list[float], list[float], int]:
    """Return seconds a token to learn and to look, each for the first time and again, and the steps that it took."""
    size, model = loop.settings.scenarios, loop.model
    trees = sorted(loop.given, key=lambda branches: len(branches.tree))
    middle = [trees[begin : begin + size] for begin in _quarters(len(trees), size)]
    run, steps = Run([]), 2 * len(middle) + 2
    model.train()
    progress("probe", 0, steps)

    def step(batch: list[Branches]) -> float:
        seconds = _seconds(lambda: loop.learn(batch, run, steps))
        run.step += 1
        progress("probe", run.step, steps)
        return seconds / sum(len(branches.tree) for branches in batch)

    step(trees[:size])  # the first pass of all asks for memory, which the later ones have
    learns = [sum(step(batch) for batch in middle) / len(middle) for _ in ("first", "again")]
    step(trees[-size:])  # for the memory of the largest
    model.eval()
    looks = [0.0, 0.0]
    if held:
        tree = sorted(held, key=lambda branches: len(branches.tree))[len(held) // 2]
        look = partial(held_losses, loop.trunk, [tree], loop.settings.verdict_weight, "the probe")
        looks = [_seconds(look) / len(tree.tree) for _ in looks]
    return learns, looks, run.step


def _quarters(count: int, size: int) -> list[int]:
    """Return where the batches begin that stand for all: at a quarter and at three quarters of the sizes.

    >>> _quarters(20, 2), _quarters(2, 2)
    ([4, 14], [0])
    """
    last = max(0, count - size)
    return sorted({min(last, max(0, round(count * part) - size // 2)) for part in (0.25, 0.75)})


def _seconds(do: Callable[[], object]) -> float:
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


def _later(model: Any, loop: Loop, tokens: int) -> int:
    """Return the bytes that a training asks for after its first steps: states that are kept, copies of weights."""
    weights = sum(weight.numel() * weight.element_size() for weight in trainable(model))
    width = model.config.hidden_size * loop.trunk.dtype.itemsize
    return COPIES * weights + (min(KEEP, tokens * width) if loop.trunk.cut is not None else 0)


def peak() -> int:
    """Return the most bytes of memory that this process has had at any time."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024  # Linux counts in KiB
