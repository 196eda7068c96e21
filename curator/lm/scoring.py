"""How likely a model finds each verdict, and each answer that people gave; exact, with shared tokens computed once."""

import math
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from curator.chatrows import ChatRow
from curator.lm.lora import Trunk
from curator.lm.tokens import Encoded, Encoder
from curator.lm.tree import bundles, grow
from curator.offline import torch
from curator.progress import Progress, quiet
from curator.roles import as_role

MOST = 1280  # tokens in one tree
LOOP = 8  # tokens

Switch = Callable[[], AbstractContextManager[Any]]
Key = tuple[str, tuple[int, ...] | str]  # a verdict after a question, or a row's analysis under a role


@dataclass(frozen=True)
class Scored:
    """One row as one model sees it. The analysis' loss is a sum over its tokens (all after the verdict).

    `as_roles` and `analyses` hold probabilities and loss for each role that the prompt named, the row's own too.
    """

    row: ChatRow
    probabilities: dict[str, float]
    analysis_loss: float
    analysis_tokens: int
    as_roles: dict[str, dict[str, float]] = field(default_factory=dict)
    analyses: dict[str, float] = field(default_factory=dict)

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
    model: Any,
    encoded: Sequence[Encoded],
    encoder: Encoder,
    progress: Progress = quiet,
    *,
    roles: Sequence[str] = (),
    swapped: Collection[str] = (),
) -> dict[str, list[Scored]]:
    """Return what base and tuned model make of each row, in the order of the rows.

    Verdicts are asked of the row's own role and of `roles`; the analysis too in rows whose id is in `swapped`.
    """
    trunk = Trunk(model)
    found: dict[str, dict[str, Scored]] = {name: {} for name in switches(model)}
    groups: dict[str, list[Encoded]] = {}
    for one in sorted(encoded, key=lambda one: one.row.id):
        groups.setdefault(one.row.scenario, []).append(one)
    progress("scoring", 0, len(groups))
    for done, group in enumerate(groups.values(), 1):
        questions = _questions(group, encoder, roles)
        asked = _asked(group, encoder, questions, swapped)
        keys, sequences = list(asked), [ids for ids, _ in asked.values()]
        losses: dict[str, dict[Key, float]] = {name: {} for name in found}
        for numbers in bundles(sequences, MOST):
            starts = [asked[keys[n]][1] for n in numbers]
            for name, sums in sequence_losses(model, trunk, [sequences[n] for n in numbers], starts).items():
                losses[name] |= dict(zip([keys[n] for n in numbers], sums, strict=True))
        for name, told in losses.items():
            found[name] |= {one.row.id: _scored(one, told, encoder, questions[one.row.id]) for one in group}
        progress("scoring", done, len(groups))
    return {name: [rows[one.row.id] for one in encoded] for name, rows in found.items()}


def _questions(group: list[Encoded], encoder: Encoder, roles: Sequence[str]) -> dict[str, dict[str, list[int]]]:
    """Return for each row its question as put to each role, its own among them."""
    questions: dict[str, dict[str, list[int]]] = {}
    for one in group:
        own, asked = one.row.stakeholder, {}
        for role in dict.fromkeys([*roles, own]):
            turns = None if role == own else as_role(encoder.pack, one.row.question, own, role)
            if role == own or turns:
                asked[role] = encoder.asked(turns, role) if turns else one.ids[: one.start]
        questions[one.row.id] = asked
    return questions


def _asked(
    group: list[Encoded], encoder: Encoder, questions: dict[str, dict[str, list[int]]], swapped: Collection[str]
) -> dict[Key, tuple[list[int], int]]:
    """Return the sequences of one scenario and where their loss begins. What begins alike stands together."""
    asked: dict[Key, tuple[list[int], int]] = {}
    begins = {verdict: encoder.verdict(verdict) for verdict in encoder.pack.verdicts}
    for role in dict.fromkeys(role for one in group for role in questions[one.row.id]):
        here = [(one, questions[one.row.id][role]) for one in group if role in questions[one.row.id]]
        for _, question in here:
            for verdict, begin in begins.items():
                asked.setdefault((verdict, tuple(question)), (question + begin, len(question)))
        for one, question in here:
            if one.row.id in swapped or role == one.row.stakeholder:
                start = len(question) + one.verdict_end - one.start
                asked[one.row.id, role] = (question + one.ids[one.start :], start)
    return asked


def _scored(one: Encoded, losses: dict[Key, float], encoder: Encoder, questions: dict[str, list[int]]) -> Scored:
    verdicts, own = list(encoder.pack.verdicts), one.row.stakeholder
    as_roles = {
        role: softmax(verdicts, [losses[verdict, tuple(question)] for verdict in verdicts])
        for role, question in questions.items()
    }
    analyses = {role: losses[one.row.id, role] for role in questions if (one.row.id, role) in losses}
    return Scored(one.row, as_roles[own], analyses[own], len(one.ids) - one.verdict_end, as_roles, analyses)


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
