"""The training loop: from a fresh adapter, or from a checkpoint, to the weights of the best epoch."""

import math
import random
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from curator.errors import UsageError
from curator.lm.forest import Branches, loss_sum, mass
from curator.lm.lora import Trunk, attach, trainable
from curator.lm.models import load
from curator.offline import torch
from curator.processes import Processes
from curator.progress import Progress, quiet
from curator.training.checkpoints import Checkpoints, Tensors
from curator.training.settings import TrainSettings

ALONE = Processes()
MOMENTS = ("step", "exp_avg", "exp_avg_sq")  # what AdamW keeps of each weight


@dataclass
class Run:
    """Where a training stands: losses by epoch, the best epoch, and the place in the epoch that is going on.

    `total` is the weighted loss of the batches of this epoch so far; `order` is the order of its trees.
    """

    order: list[int]
    step: int = 0
    epoch: int = 0  # epochs that are over
    batch: int = 0  # batches of the next one that are over
    total: float = 0.0
    train_loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    stakeholder_loss: dict[str, list[float]] = field(default_factory=dict)
    best_epoch: int = 0
    seconds: float = 0.0
    resumed: int = 0  # the step that the last checkpoint was of, 0 where there was none
    best: Tensors = field(default_factory=dict)

    def judged_by(self, keep_best: str) -> list[float]:
        """Return what each epoch is judged by: lower is better."""
        if keep_best == "last":
            return [-float(n) for n in range(len(self.train_loss))]
        if keep_best == "worst":
            return [max(epoch) for epoch in zip(*self.stakeholder_loss.values(), strict=True)]
        return self.validation_loss


def load_base(base: Path, settings: TrainSettings) -> tuple[Any, Any]:
    """Return the model that these settings start from, and its tokenizer."""
    return load(base, torch.float32 if settings.method == "full" else None)  # small steps are lost in bfloat16


def adapted(model: Any, settings: TrainSettings) -> Any:
    """Return the model with the fresh adapter that these settings and their seed give."""
    torch.manual_seed(settings.seed)
    return attach(
        model,
        rank=settings.rank,
        alpha=settings.alpha,
        dropout=settings.dropout,
        layers=settings.layers,
        method=settings.method,
    )


def fit(
    model: Any,
    given: list[Branches],
    held: list[Branches],
    settings: TrainSettings,
    progress: Progress = quiet,
    checkpoints: Checkpoints | None = None,
    processes: Processes = ALONE,
) -> Run:
    """Train until the epochs are over or the validation loss no longer falls, going on from the last checkpoint."""
    began, loop = time.monotonic(), Loop(model, given, settings, processes)
    run = loop.resume(checkpoints.latest() if checkpoints else None)
    chance, before = loop.chance, run.seconds
    batches = math.ceil(len(given) / settings.scenarios)
    steps = settings.epochs * batches
    progress("training", run.step, steps)
    while run.epoch < settings.epochs and run.epoch - run.best_epoch < settings.patience:
        model.train()
        if run.batch == 0:
            chance.shuffle(run.order)
        while run.batch < batches:
            first = run.batch * settings.scenarios
            run.total += loop.learn([given[n] for n in run.order[first : first + settings.scenarios]], run, steps)
            run.batch, run.step = run.batch + 1, run.step + 1
            progress("training", run.step, steps)
            if checkpoints and processes.first and run.step % checkpoints.every == 0 and run.batch < batches:
                run.seconds = before + time.monotonic() - began
                checkpoints.save(run.step, *loop.state(run))
        loop.end_epoch(run, held)
        run.seconds = before + time.monotonic() - began
        if checkpoints and processes.first:
            checkpoints.save(run.step, *loop.state(run))
    progress("training", steps, steps)
    return run


class Loop:
    """What a training changes: the weights that learn, the optimizer, and chance."""

    def __init__(
        self, model: Any, given: list[Branches], settings: TrainSettings, processes: Processes = ALONE
    ) -> None:
        """Set all of it to its beginning."""
        self.model, self.given, self.settings, self.processes = model, given, settings, processes
        self.trunk, self.weights = Trunk(model), trainable(model)
        self.names = [name for name, weight in model.named_parameters() if weight.requires_grad]
        self.optimizer = torch.optim.AdamW(self.weights, lr=settings.rate, weight_decay=0.0)
        self.chance = random.Random(settings.seed)  # noqa: S311  no secret

    def learn(self, batch: list[Branches], run: Run, steps: int) -> float:
        """Take one step on a batch and return its weighted loss; UsageError where that is no number."""
        settings, total = self.settings, 0.0
        whole = math.fsum(mass(branches, settings.verdict_weight) for branches in batch)
        where = f"step {run.step + 1} (epoch {run.epoch + 1})"
        for branches in self.processes.share(batch):
            loss = loss_sum(self.trunk, branches, settings.verdict_weight) / whole
            total += number(loss, [branches], where) * whole
            loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        self.processes.sum_gradients(self.weights)
        number(torch.nn.utils.clip_grad_norm_(self.weights, settings.clip), batch, where, "length of the gradient")
        for group in self.optimizer.param_groups:
            group["lr"] = settings.rate * share(run.step, steps, settings.warmup)
        self.optimizer.step()
        self.optimizer.zero_grad()
        return math.fsum(self.processes.gather(total))

    def end_epoch(self, run: Run, held: list[Branches]) -> None:
        """Close an epoch: its losses, and its weights where it is the best one so far."""
        vw = self.settings.verdict_weight
        run.train_loss.append(run.total / math.fsum(mass(branches, vw) for branches in self.given))
        run.epoch, run.batch, run.total = run.epoch + 1, 0, 0.0
        if held:
            self.model.eval()
            where = f"the validation after epoch {run.epoch}"
            mean, by_stakeholder = held_losses(self.trunk, held, vw, where, self.processes)
            run.validation_loss.append(mean)
            for name, loss in by_stakeholder.items():
                run.stakeholder_loss.setdefault(name, []).append(loss)
        losses = run.judged_by(self.settings.keep_best)
        if losses[-1] == min(losses) and losses.count(losses[-1]) == 1:
            run.best_epoch = run.epoch
            run.best = {n: w.detach().clone() for n, w in zip(self.names, self.weights, strict=True)}

    def state(self, run: Run) -> tuple[dict[str, Any], Tensors]:
        """Return all that the rest of the training hangs on, as JSON and as tensors."""
        said = {name: value for name, value in vars(run).items() if name != "best"}
        moments = self.optimizer.state
        tensors = {"torch_rng": torch.get_rng_state()}
        for name, weight in zip(self.names, self.weights, strict=True):
            tensors[f"weight:{name}"] = weight
            tensors |= {f"{kind}:{name}": moments[weight][kind] for kind in MOMENTS}
        tensors |= {f"best:{name}": tensor for name, tensor in run.best.items()}
        return said | {"chance": self.chance.getstate()}, tensors

    def resume(self, found: tuple[dict[str, Any], Tensors] | None) -> Run:
        """Return where the training stands: where the checkpoint stood, or at its beginning."""
        if found is None:
            return Run(list(range(len(self.given))))
        said, tensors = found
        version, inner, gauss = said.pop("chance")
        run = Run(**said)
        run.resumed = run.step
        run.best = {name: tensors[f"best:{name}"] for name in self.names if f"best:{name}" in tensors}
        with torch.no_grad():
            for name, weight in zip(self.names, self.weights, strict=True):
                weight.copy_(tensors[f"weight:{name}"])
        moments = {n: {kind: tensors[f"{kind}:{name}"] for kind in MOMENTS} for n, name in enumerate(self.names)}
        self.optimizer.load_state_dict(self.optimizer.state_dict() | {"state": moments})
        self.chance.setstate((version, tuple(inner), gauss))
        torch.set_rng_state(tensors["torch_rng"])
        return run


def held_losses(
    trunk: Trunk, held: list[Branches], verdict_weight: float, where: str, processes: Processes = ALONE
) -> tuple[float, dict[str, float]]:
    """Return the mean loss of rows that are not learned, and that of each stakeholder's, in the order of names."""
    mine: list[tuple[str, float, float]] = []  # stakeholder, loss, mass of each row
    with torch.no_grad():
        for branches in processes.share(held):
            losses = branches.losses(trunk, verdict_weight)
            number(losses.sum(), [branches], where)
            names = [one.row.stakeholder for one in branches.rows]
            mine += zip(names, losses.tolist(), branches.masses(verdict_weight), strict=True)
    told = [row for part in processes.gather(mine) for row in part]

    def mean(rows: list[tuple[str, float, float]]) -> float:
        return math.fsum(loss for _, loss, _ in rows) / math.fsum(mass for *_, mass in rows)

    return mean(told), {name: mean([row for row in told if row[0] == name]) for name in sorted({n for n, *_ in told})}


def number(value: torch.Tensor, batch: list[Branches], where: str, what: str = "loss") -> float:
    """Return a loss as a number; UsageError names step and rows where it is none."""
    found = float(value.detach())
    if not math.isfinite(found):
        rows = [one.row.where for branches in batch for one in branches.rows]
        more = f" and {len(rows) - 6} more" if len(rows) > 6 else ""
        scenarios = ", ".join(dict.fromkeys(branches.rows[0].row.scenario for branches in batch))
        raise UsageError(
            f"At {where} the {what} became {found} at scenario {scenarios} ({', '.join(rows[:6])}{more})."
            " Nothing was kept; try a lower rate, for example: --set rate=1e-4"
        )
    return found


def share(step: int, steps: int, warmup: float) -> float:
    """Return the share of the rate at a step: rising during warm-up, then falling as a cosine to a tenth.

    >>> [round(share(step, 10, 0.2), 3) for step in range(10)]
    [0.5, 1.0, 1.0, 0.966, 0.868, 0.722, 0.55, 0.378, 0.232, 0.134]
    """
    rising = max(1, round(warmup * steps))
    if step < rising:
        return (step + 1) / rising
    return 0.1 + 0.45 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))
