"""How likely a model finds each verdict, and each answer that people gave; exact, with shared tokens computed once."""

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from curator.chatrows import ChatRow
from curator.lora import Trunk
from curator.offline import torch
from curator.progress import Progress, quiet
from curator.tokens import Encoded, Encoder
from curator.tree import bundles, grow

MOST = 1280  # tokens in one tree
LOOP = 8  # tokens

Switch = Callable[[], AbstractContextManager[Any]]


@dataclass(frozen=True)
class Scored:
    """One row as one model sees it. The analysis' loss is a sum over its tokens (all after the verdict)."""

    row: ChatRow
    probabilities: dict[str, float]
    analysis_loss: float
    analysis_tokens: int

    @property
    def verdict(self) -> str:
        """The likeliest verdict; ties go to the one that the pack names first."""
        return max(self.probabilities, key=self.probabilities.__getitem__)


def switches(model: Any) -> dict[str, Switch]:
    """Return how to see the model as its base and, where it has an adapter, as tuned."""
    if hasattr(model, "disable_adapter"):
        return {"base": model.disable_adapter, "tuned": nullcontext}
    return {"base": nullcontext}


def score(
    model: Any, encoded: Sequence[Encoded], encoder: Encoder, progress: Progress = quiet
) -> dict[str, list[Scored]]:
    """Return what base and tuned model make of each row, in the order of the rows."""
    trunk = Trunk(model)
    found: dict[str, dict[str, Scored]] = {name: {} for name in switches(model)}
    groups: dict[str, list[Encoded]] = {}
    for one in encoded:
        groups.setdefault(one.row.scenario, []).append(one)
    for done, group in enumerate(groups.values(), 1):
        for numbers in bundles([one.ids for one in group], MOST):
            part = [group[n] for n in numbers]
            for name, scored in _score_tree(model, trunk, part, encoder).items():
                found[name] |= {one.row.id: one for one in scored}
        progress("scoring", done, len(groups))
    return {name: [rows[one.row.id] for one in encoded] for name, rows in found.items()}


def _score_tree(model: Any, trunk: Trunk, part: list[Encoded], encoder: Encoder) -> dict[str, list[Scored]]:
    verdicts = list(encoder.pack.verdicts)
    begins = [encoder.verdict(verdict) for verdict in verdicts]
    sequences, starts = [], []
    for one in part:
        question = one.ids[: one.start]
        sequences += [*(question + begin for begin in begins), one.ids]
        starts += [len(question)] * len(begins) + [one.verdict_end]
    sums = sequence_losses(model, trunk, sequences, starts)
    width, scored = len(begins) + 1, {}
    for name, losses in sums.items():
        rows = []
        for n, one in enumerate(part):
            *told, analysis = losses[n * width : (n + 1) * width]
            rows.append(Scored(one.row, softmax(verdicts, told), analysis, len(one.ids) - one.verdict_end))
        scored[name] = rows
    return scored


def sequence_losses(
    model: Any, trunk: Trunk, sequences: Sequence[Sequence[int]], starts: Sequence[int]
) -> dict[str, list[float]]:
    """Return, for base and tuned, minus the log-likelihood of each sequence's tokens from its start on."""
    tree = grow(sequences, trunk.dtype)
    places: list[int] = []
    targets: list[int] = []
    owners: list[int] = []
    for number, (path, ids, start) in enumerate(zip(tree.paths, sequences, starts, strict=True)):
        places += path[start - 1 : -1]
        targets += ids[start:]
        owners += [number] * (len(ids) - start)
    found = {}
    with torch.no_grad():
        for name, seen_as in switches(model).items():
            with seen_as():
                losses = trunk.losses(trunk.states(tree, keep=True), places, targets)
            sums = torch.zeros(len(sequences), dtype=torch.float64)
            found[name] = sums.index_add(0, torch.tensor(owners), losses.double()).tolist()
    return found


def softmax(names: Sequence[str], losses: Sequence[float]) -> dict[str, float]:
    """Return the probability of each name among these, from minus its log-likelihood.

    >>> softmax(["a", "b"], [1.0, 1.0])
    {'a': 0.5, 'b': 0.5}
    """
    least = min(losses)
    raw = [math.exp(least - loss) for loss in losses]
    return {name: value / sum(raw) for name, value in zip(names, raw, strict=True)}


def verdict_probabilities(
    model: Any, questions: Sequence[Sequence[int]], encoder: Encoder
) -> dict[str, list[dict[str, float]]]:
    """Return, for base and tuned, the probability of each verdict after each question."""
    verdicts = list(encoder.pack.verdicts)
    sequences = [[*question, *encoder.verdict(verdict)] for question in questions for verdict in verdicts]
    starts = [len(question) for question in questions for _ in verdicts]
    sums = sequence_losses(model, Trunk(model), sequences, starts)
    width = len(verdicts)
    return {
        name: [softmax(verdicts, losses[n : n + width]) for n in range(0, len(losses), width)]
        for name, losses in sums.items()
    }


def generate(model: Any, questions: Sequence[Sequence[int]], encoder: Encoder, most: int = 160) -> list[str]:
    """Return the likeliest answer to each question, token by token, at most `most` tokens each.

    No run of `LOOP` tokens is written twice: a small model that always takes the likeliest token soon goes in circles.
    """
    from transformers import GenerationConfig

    longest = max(len(question) for question in questions)
    pads = [longest - len(question) for question in questions]
    ids = torch.tensor([[encoder.stop] * pad + list(question) for pad, question in zip(pads, questions, strict=True)])
    seen = torch.tensor([[0] * pad + [1] * (longest - pad) for pad in pads])
    config = GenerationConfig(
        max_new_tokens=most,
        do_sample=False,
        no_repeat_ngram_size=LOOP,
        eos_token_id=encoder.stop,
        pad_token_id=encoder.stop,
        use_cache=True,
    )
    with torch.no_grad():
        whole = model.generate(input_ids=ids, attention_mask=seen, generation_config=config)
    texts = []
    for row in whole[:, longest:].tolist():
        end = row.index(encoder.stop) if encoder.stop in row else len(row)
        texts.append(str(encoder.tokenizer.decode(row[:end], skip_special_tokens=False)))
    return texts
