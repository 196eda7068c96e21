"""Direct preference optimisation through TRL: from pairs of tokens to the adapter weights of the best epoch."""

import math
import tempfile
import time
from dataclasses import dataclass, field
from typing import Any

from curator.errors import MissingExtra, UsageError
from curator.lm.lora import attach
from curator.offline import torch
from curator.progress import Progress, quiet
from curator.training.pairs import EncodedPair
from curator.training.preferencesettings import PreferenceSettings

try:
    from datasets import Dataset  # type: ignore[import-untyped]  # it has no types
    from transformers import PrinterCallback, TrainerCallback
    from trl.trainer.dpo_config import DPOConfig
    from trl.trainer.dpo_trainer import DPOTrainer
except ImportError as fault:
    raise MissingExtra(
        f"Training on preferences needs TRL ({fault}). Install it with: pip install 'curator[preference]'"
    ) from None


class Trainer(DPOTrainer):
    """TRL's trainer on tokens of ours, in which a special token that somebody wrote is plain text."""

    def _prepare_dataset(self, dataset: Any, *_: Any, **__: Any) -> Any:
        return dataset  # TRL would make its own tokens with the chat template, and cut long rows


@dataclass
class DpoRun:
    """The losses by epoch, and the weights of the best one, by name."""

    train_loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    best_epoch: int = 0
    best: dict[str, torch.Tensor] = field(default_factory=dict)
    seconds: float = 0.0


class Watch(TrainerCallback):  # type: ignore[misc]  # transformers is not typed
    """Follows a run: tells progress, stops it where a loss is no number, keeps the weights of the best epoch."""

    def __init__(self, run: DpoRun, held: bool, progress: Progress) -> None:
        """`held`: whether there are validation pairs to choose the epoch by."""
        self.run, self.held, self.progress = run, held, progress
        self.losses: list[float] = []

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Tell how far it is."""
        self.progress("training", state.global_step, state.max_steps)

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **_: Any) -> None:
        """Collect the loss of a step; UsageError where it is no number."""
        loss = (logs or {}).get("loss")
        if loss is None:
            return
        if not math.isfinite(loss):
            raise UsageError(
                f"At step {state.global_step} the loss became {loss}. Nothing was kept; try a lower rate, for example:"
                " --set rate=2e-5"
            )
        self.losses.append(loss)

    def on_epoch_end(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        """Close an epoch; without validation pairs the last one is kept."""
        self.run.train_loss.append(sum(self.losses) / len(self.losses))
        self.losses = []
        if not self.held:
            self._keep(model)

    def on_evaluate(self, args: Any, state: Any, control: Any, model: Any = None, **more: Any) -> None:
        """Keep the weights where the validation loss is the lowest so far."""
        self.run.validation_loss.append(more["metrics"]["eval_loss"])
        if self.run.validation_loss[-1] < min(self.run.validation_loss[:-1], default=math.inf):
            self._keep(model)

    def _keep(self, model: Any) -> None:
        self.run.best_epoch = len(self.run.train_loss)
        learned = ((name, weight) for name, weight in model.named_parameters() if weight.requires_grad)
        self.run.best = {name: weight.detach().clone() for name, weight in learned}


def optimise(
    model: Any,
    tokenizer: Any,
    given: list[EncodedPair],
    held: list[EncodedPair],
    settings: PreferenceSettings,
    progress: Progress = quiet,
) -> tuple[Any, DpoRun]:
    """Return the model with its adapter at the best epoch, and the run. The base itself is the reference.

    On the CPU; no checkpoint is written, and nothing asks the network.
    """
    # TRL doubles an adapter that is there already, so it gets the plain model and the config of a fresh one.
    fresh = attach(model, rank=settings.rank, alpha=settings.alpha, dropout=0.0, layers=settings.layers)
    config, plain = fresh.peft_config["default"], fresh.unload()
    run, began = DpoRun(), time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        trainer = Trainer(
            model=plain,
            args=_arguments(settings, scratch, held=bool(held)),
            train_dataset=_table(given),
            eval_dataset=_table(held) if held else None,
            processing_class=tokenizer,
            peft_config=config,
            callbacks=[Watch(run, bool(held), progress)],
        )
        trainer.remove_callback(PrinterCallback)  # it prints dictionaries
        trainer.train()
    adapted = trainer.model
    adapted.load_state_dict(run.best, strict=False)
    run.seconds = time.monotonic() - began
    return adapted.eval(), run


def _arguments(settings: PreferenceSettings, scratch: str, *, held: bool) -> Any:
    return DPOConfig(
        output_dir=scratch,
        beta=settings.beta,
        learning_rate=settings.rate,
        lr_scheduler_type="cosine",
        warmup_steps=settings.warmup,
        num_train_epochs=settings.epochs,
        per_device_train_batch_size=settings.pairs,
        per_device_eval_batch_size=settings.pairs,
        max_grad_norm=settings.clip,
        max_length=None,  # what is too long was refused whole
        seed=settings.seed,
        data_seed=settings.seed,
        use_cpu=True,
        bf16=False,  # the base is in bfloat16 where that helps
        gradient_checkpointing=None,  # type: ignore[arg-type]  # False is deprecated, TRL's default is True
        eval_strategy="epoch" if held else "no",
        save_strategy="no",
        logging_strategy="steps",
        logging_steps=1,
        logging_nan_inf_filter=False,  # it would hide them
        report_to="none",
        disable_tqdm=True,
    )


def _table(pairs: list[EncodedPair]) -> Any:
    return Dataset.from_list(
        [{"prompt_ids": p.prompt, "chosen_ids": p.chosen, "rejected_ids": p.rejected} for p in pairs]
    )
