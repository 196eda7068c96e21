"""What a training learns from and is held against, read strictly: it stops here where nothing could be learned."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curator.chatrows import ChatRow, read_split
from curator.errors import UsageError
from curator.example import SPLITS
from curator.lm.forest import Branches, forest
from curator.lm.tokens import Encoded, Encoder, encode_rows, encode_scenarios
from curator.offline import torch
from curator.training.settings import TrainSettings
from curator.training.targets import Readings

KEPT = "Nothing was trained and nothing was changed"


@dataclass(frozen=True)
class TrainingSet:
    """The rows of the train and validation splits as tokens, and the ids of those that are left out, with why."""

    given: list[Encoded]
    held: list[Encoded]
    refused: list[str]
    refused_held: list[str]
    masked: list[str]

    @property
    def rows(self) -> int:
        """How many answers the training learns from."""
        return sum(one.answers for one in self.given)

    @property
    def tokens(self) -> int:
        """How many tokens all training rows have, each row alone."""
        return sum(len(one.ids) for one in self.given)

    def trees(
        self, dtype: torch.dtype, encoder: Encoder, settings: TrainSettings
    ) -> tuple[list[Branches], list[Branches]]:
        """Return the rows of both splits scenario by scenario, as these settings learn them."""
        wanted = self.targets(encoder, settings)
        if wanted is None:
            return forest(self.given, dtype), forest(self.held, dtype)
        return forest(self.given, dtype, encoder, wanted), forest(self.held, dtype, encoder)

    def targets(self, encoder: Encoder, settings: TrainSettings) -> dict[str, tuple[float, ...]] | None:
        """Return the shares of verdicts that each row stands for; None where answers are learned as they stand."""
        readings = self.readings(encoder, settings)
        return None if readings is None else readings.targets()

    def readings(self, encoder: Encoder, settings: TrainSettings) -> Readings | None:
        """Return how far the training answers tell each other; None where answers are learned as they stand."""
        if settings.answers != "distribution":
            return None
        return Readings([one.row for one in self.given], list(encoder.pack.verdicts), settings.trust, settings.shared)

    @property
    def left_out(self) -> dict[str, list[str]]:
        """Which rows are not used, by reason."""
        return {
            "longer than longest": sorted(self.refused),
            "weight 0": sorted(self.masked),
            "validation": sorted(self.refused_held),
        }


def read_training_set(dataset: Path, encoder: Encoder, settings: TrainSettings, context: int | None) -> TrainingSet:
    """Check every line of every split, and return train and validation as tokens.

    FileError names the file and line that is wrong, UsageError why nothing could be learned. `context` is how many
    tokens the model takes; longer rows are refused whole, as those longer than `longest` are, and never cut.
    """
    rows = {split: read_split(dataset, split, encoder.pack) for split in SPLITS}
    if not rows["train"]:
        raise UsageError(
            f"There are no rows to train on: train.jsonl is empty or missing. {KEPT}; collect more answers and"
            " make the dataset again with: curator curate"
        )
    longest = min(settings.longest, context or settings.longest)
    masked = [row.id for row in rows["train"] if not row.loss_weight]
    heavy = {split: [row for row in rows[split] if row.loss_weight] for split in ("train", "validation")}
    if not heavy["train"]:
        raise UsageError(
            f"All labels are masked: each of the {len(masked)} answers in train.jsonl has weight 0, so no token is in"
            f" the loss. {KEPT}; give the answers to learn a weight above 0."
        )
    encode = encode_scenarios if settings.answers == "together" else encode_rows
    given, refused = encode(heavy["train"], encoder, longest)
    shortest = f"`longest` is {settings.longest}" + (f", the model's context {context}" if context else "")
    if not given:
        raise UsageError(
            f"All {len(refused)} rows of train.jsonl are longer than {longest} tokens ({shortest}). {KEPT};"
            f" {_longer(settings, context)}"
        )
    if len(refused) > settings.most_refused * len(heavy["train"]):
        raise UsageError(
            f"{len(refused)} of {len(heavy['train'])} rows of train.jsonl are longer than {longest} tokens"
            f" ({shortest}), more than the share `most_refused` ({settings.most_refused:g}) allows; the first is"
            f" {refused[0]}. {KEPT}; {_longer(settings, context)}"
        )
    _check_verdicts([row for row in heavy["train"] if row.id not in set(refused)])
    held, refused_held = encode(heavy["validation"], encoder, longest)
    refused_held += [row.id for row in rows["validation"] if not row.loss_weight]
    if not held and settings.keep_best != "last":
        count = len(rows["validation"])
        why = f"all its {count} rows are too long or have weight 0" if count else "empty or missing"
        raise UsageError(
            f"There is nothing to choose the best epoch by: validation.jsonl is {why}. {KEPT}; make the dataset again"
            " with a larger validation share, or keep the last epoch unseen: --set keep_best=last"
        )
    return TrainingSet(given, held, refused, refused_held, masked)


def _check_verdicts(rows: list[ChatRow]) -> None:
    verdicts = Counter(row.verdict for row in rows)
    if len(verdicts) == 1:
        raise UsageError(
            f"Every training row ({len(rows)} in train.jsonl) has the verdict {rows[0].verdict!r}: a model would learn"
            f" to say it always. {KEPT}; collect answers that differ."
        )


def _longer(settings: TrainSettings, context: int | None) -> str:
    if context and context <= settings.longest:
        return "use a base model with a longer context, or shorter scenarios and answers."
    return "raise it, for example: --set longest=" + str(min(2 * settings.longest, context or 2 * settings.longest))


def context_length(config: Any) -> int | None:
    """Return how many tokens a model of this config takes, None where the config does not say."""
    said = getattr(config, "max_position_embeddings", None)
    return said if isinstance(said, int) and said > 0 else None
