"""Train a LoRA adapter on a dataset folder: settings, data, model, loop, save; read from `train` downwards."""

import hashlib
import json
import math
import random
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from curator.adapter_card import card
from curator.chatrows import ChatRow, read_manifest, read_split
from curator.errors import CuratorError, UsageError
from curator.lora import Trunk, attach, trainable
from curator.models import libraries, load, model_hash, publish
from curator.offline import torch
from curator.pack import Pack
from curator.progress import Progress, quiet
from curator.tokens import Encoded, Encoder, encode_rows
from curator.tree import Tree, bundles, grow

MOST = 1536  # tokens in one tree: what one pass needs grows with them, and with their square


class TrainSettings(BaseModel):
    """How to train. The defaults keep 230 rows near five minutes on two cores; they are not the most accurate."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    rank: Annotated[int, Field(ge=1, le=512)] = 16
    alpha: Annotated[int, Field(ge=1)] = 32
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    layers: Annotated[int, Field(ge=0, description="how many layers learn, from the top; 0 means all")] = 8
    rate: Annotated[float, Field(gt=0, le=1)] = 5e-4
    epochs: Annotated[int, Field(ge=1, le=1000)] = 2
    scenarios: Annotated[int, Field(ge=1, description="scenarios per step")] = 2
    warmup: Annotated[float, Field(ge=0, lt=1, description="share of the steps in which the rate rises")] = 0.1
    clip: Annotated[float, Field(gt=0)] = 1.0
    verdict_weight: Annotated[
        float, Field(gt=0, description="weight of the tokens that tell the verdict; others have 1")
    ] = 10.0
    patience: Annotated[int, Field(ge=1, description="epochs without a better validation loss before it stops")] = 2
    longest: Annotated[int, Field(ge=16, description="tokens; longer rows are refused and counted")] = 1024
    seed: int = 1


@dataclass(frozen=True)
class Trained:
    """What a training left. Seconds and speed are measured, so they are here and not in the folder."""

    folder: Path
    train_loss: list[float]
    validation_loss: list[float]
    best_epoch: int
    rows: int
    tokens: int
    refused: list[str]
    seconds: float = 0.0
    tokens_per_second: float = 0.0
    reused: bool = False


def train(
    dataset: Path, out: Path, base: Path, settings: TrainSettings | None = None, progress: Progress = quiet
) -> Trained:
    """Leave in `out` the adapter of the epoch with the lowest validation loss; the same call again reuses it."""
    settings = settings or TrainSettings()
    began = time.monotonic()
    dataset_hash, pack = read_manifest(dataset)
    call = {"dataset": dataset_hash, "base": model_hash(base), "settings": settings.model_dump()}
    if (again := _reuse(out, call)) is not None:
        return again

    model, tokenizer = load(base)
    encoder = Encoder(tokenizer, pack)
    rows = {split: read_split(dataset, split, pack) for split in ("train", "validation")}
    given, refused = prepare(rows["train"], encoder, settings.longest)
    held, refused_held = encode_rows(rows["validation"], encoder, settings.longest)

    torch.manual_seed(settings.seed)
    model = attach(model, rank=settings.rank, alpha=settings.alpha, dropout=settings.dropout, layers=settings.layers)
    run = fit(model, forest(given, model.dtype), forest(held, model.dtype), settings, progress)

    tokens = sum(len(e.ids) for e in given)
    report = call | {
        "pack": pack.name,
        "libraries": libraries(),
        "dtype": str(model.dtype).removeprefix("torch."),
        "rows": {"train": len(given), "validation": len(held)},
        "scenarios": {"train": len({e.row.scenario for e in given}), "validation": len({e.row.scenario for e in held})},
        "tokens": tokens,
        "refused": {"longer than longest": sorted(refused), "validation": sorted(refused_held)},
        "train_loss": [round(loss, 6) for loss in run.train_loss],
        "validation_loss": [round(loss, 6) for loss in run.validation_loss],
        "best_epoch": run.best_epoch,
    }
    model.load_state_dict(run.best, strict=False)
    publish(out, lambda draft: _save(draft, model, report, base.name, pack))
    seconds = time.monotonic() - began
    return Trained(
        folder=out,
        train_loss=run.train_loss,
        validation_loss=run.validation_loss,
        best_epoch=run.best_epoch,
        rows=len(given),
        tokens=tokens,
        refused=refused,
        seconds=seconds,
        tokens_per_second=tokens * len(run.train_loss) / run.seconds,
    )


def prepare(rows: list[ChatRow], encoder: Encoder, longest: int) -> tuple[list[Encoded], list[str]]:
    """Return the training rows as tokens and the ids of those too long; UsageError where nothing can be learned."""
    if not rows:
        raise UsageError("There are no rows to train on: train.jsonl is empty or missing. Nothing was trained.")
    given, refused = encode_rows(rows, encoder, longest)
    if not given:
        raise UsageError(
            f"All {len(rows)} rows are longer than {longest} tokens. Nothing was trained; raise `longest`."
        )
    verdicts = {encoded.row.verdict for encoded in given}
    if len(verdicts) == 1:
        raise UsageError(
            f"Every training row has the verdict {verdicts.pop()!r}: a model would learn to say it always."
            " Nothing was trained; collect answers that differ."
        )
    return given, refused


@dataclass(frozen=True)
class Branches:
    """The rows of one scenario (or a part of them, where they are very many) as one tree."""

    tree: Tree
    rows: list[Encoded]


def forest(encoded: list[Encoded], dtype: torch.dtype) -> list[Branches]:
    """Return a tree for each scenario, in the order in which scenarios first appear."""
    groups: dict[str, list[Encoded]] = {}
    for one in encoded:
        groups.setdefault(one.row.scenario, []).append(one)
    trees = []
    for group in groups.values():
        for numbers in bundles([one.ids for one in group], MOST):
            part = [group[n] for n in numbers]
            trees.append(Branches(grow([one.ids for one in part], dtype), part))
    return trees


def loss_sum(trunk: Trunk, branches: Branches, verdict_weight: float, *, keep: bool = True) -> torch.Tensor:
    """Return the weighted sum of the losses of all answer tokens of a tree; `mass` says the sum of the weights."""
    places, targets = [], []
    for path, one in zip(branches.tree.paths, branches.rows, strict=True):
        places += path[one.start - 1 : -1]  # each token is predicted one place before its own
        targets += one.ids[one.start :]
    weights = torch.tensor(_weights(branches, verdict_weight), dtype=torch.float64)
    losses = trunk.losses(trunk.states(branches.tree, keep=keep), places, targets)
    return (losses * weights.to(losses.dtype)).sum()


def mass(branches: Branches, verdict_weight: float) -> float:
    """Return the sum of the weights of all answer tokens of a tree."""
    return math.fsum(_weights(branches, verdict_weight))


def _weights(branches: Branches, verdict_weight: float) -> list[float]:
    return [
        one.row.weight * (verdict_weight if place in one.verdict else 1.0)
        for one in branches.rows
        for place in range(one.start, len(one.ids))
    ]


@dataclass
class Run:
    """What a training loop leaves: losses by epoch, and the weights of the best one."""

    train_loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    best_epoch: int = 0
    best: dict[str, torch.Tensor] = field(default_factory=dict)
    seconds: float = 0.0


def fit(
    model: Any, given: list[Branches], held: list[Branches], settings: TrainSettings, progress: Progress = quiet
) -> Run:
    """Train until the epochs are over or the validation loss no longer falls."""
    began = time.monotonic()
    trunk, weights = Trunk(model), trainable(model)
    optimizer = torch.optim.AdamW(weights, lr=settings.rate, weight_decay=0.0)
    steps = settings.epochs * math.ceil(len(given) / settings.scenarios)
    order, chance, run, step = list(given), random.Random(settings.seed), Run(), 0  # noqa: S311  no secret
    for epoch in range(1, settings.epochs + 1):
        model.train()
        chance.shuffle(order)
        total = 0.0
        for first in range(0, len(order), settings.scenarios):
            batch = order[first : first + settings.scenarios]
            whole = math.fsum(mass(branches, settings.verdict_weight) for branches in batch)
            for branches in batch:
                loss = loss_sum(trunk, branches, settings.verdict_weight) / whole
                total += _number(loss, branches) * whole
                loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            torch.nn.utils.clip_grad_norm_(weights, settings.clip, error_if_nonfinite=True)
            for group in optimizer.param_groups:
                group["lr"] = settings.rate * _share(step, steps, settings.warmup)
            optimizer.step()
            optimizer.zero_grad()
            step += 1
            progress("training", step, steps)
        run.train_loss.append(total / math.fsum(mass(branches, settings.verdict_weight) for branches in order))
        if held:
            run.validation_loss.append(_held_loss(model, trunk, held, settings.verdict_weight))
        losses = run.validation_loss or run.train_loss
        if losses[-1] == min(losses) and losses.count(losses[-1]) == 1:
            run.best_epoch = epoch
            run.best = {n: w.detach().clone() for n, w in model.named_parameters() if w.requires_grad}
        if epoch - run.best_epoch >= settings.patience:
            progress("training", steps, steps)
            break
    run.seconds = time.monotonic() - began
    return run


def _held_loss(model: Any, trunk: Trunk, held: list[Branches], verdict_weight: float) -> float:
    model.eval()
    with torch.no_grad():
        total = math.fsum(_number(loss_sum(trunk, branches, verdict_weight), branches) for branches in held)
    return total / math.fsum(mass(branches, verdict_weight) for branches in held)


def _number(loss: torch.Tensor, branches: Branches) -> float:
    value = float(loss.detach())
    if not math.isfinite(value):
        raise CuratorError(
            f"The loss became {value} at scenario {branches.rows[0].row.scenario}. Nothing was kept; try a lower rate."
        )
    return value


def _share(step: int, steps: int, warmup: float) -> float:
    """Return the share of the rate at a step: rising during warm-up, then falling as a cosine to a tenth."""
    rising = max(1, round(warmup * steps))
    if step < rising:
        return (step + 1) / rising
    return 0.1 + 0.45 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))


def _save(draft: Path, model: Any, report: dict[str, Any], base_name: str, pack: Pack) -> None:
    config = model.peft_config["default"]
    config.base_model_name_or_path = base_name  # peft would write this machine's path
    config.target_modules = sorted(config.target_modules)
    model.save_pretrained(draft, save_embedding_layers=False)
    said = json.loads((draft / "adapter_config.json").read_text("utf-8"))
    (draft / "adapter_config.json").write_text(json.dumps(said, indent=2, sort_keys=True) + "\n", "utf-8")
    weights = (draft / "adapter_model.safetensors").read_bytes()
    whole = report | {"base_name": base_name, "adapter": hashlib.sha256(weights).hexdigest()}
    (draft / "training.json").write_text(json.dumps(whole, indent=2, sort_keys=True) + "\n", "utf-8")
    (draft / "README.md").write_text(card(whole, pack), "utf-8")


def _reuse(out: Path, call: dict[str, Any]) -> Trained | None:
    if not out.exists():
        return None
    try:
        said = json.loads((out / "training.json").read_text("utf-8"))
        same = all(said[key] == value for key, value in call.items())
        weights = (out / "adapter_model.safetensors").read_bytes()
        if not same or hashlib.sha256(weights).hexdigest() != said["adapter"]:
            raise ValueError("another training")
    except (OSError, ValueError, KeyError, TypeError):
        raise UsageError(
            f"{out.name} holds something else than this training would make. Nothing was changed; give another folder."
        ) from None
    return Trained(
        folder=out,
        train_loss=said["train_loss"],
        validation_loss=said["validation_loss"],
        best_epoch=said["best_epoch"],
        rows=said["rows"]["train"],
        tokens=said["tokens"],
        refused=said["refused"]["longer than longest"],
        reused=True,
    )
