"""The rows of each scenario as one tree, and their weighted loss."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from curator.lm.lora import Trunk
from curator.lm.tokens import Encoded, Encoder
from curator.lm.tree import Tree, bundles, grow
from curator.offline import torch

MOST = 1536  # tokens in one tree: what one pass needs grows with them, and with their square


@dataclass(frozen=True)
class Choice:
    """The verdicts that a row's answer could have begun with: the numbers of their sequences, and the share of each.

    The tokens of each are learned from `start` on.
    """

    paths: range
    shares: tuple[float, ...]
    start: int


@dataclass(frozen=True)
class Branches:
    """The rows of one scenario (or a part of them, where they are very many) as one tree.

    Its first sequences are the rows. With `choices`, one for each row, the verdicts follow.
    """

    tree: Tree
    rows: list[Encoded]
    choices: list[Choice] = field(default_factory=list)
    verdicts: list[list[int]] = field(default_factory=list)

    def losses(self, trunk: Trunk, verdict_weight: float, *, keep: bool = True) -> torch.Tensor:
        """Return the weighted loss of each row, (rows,), in float64 or what is wider than the model's numbers."""
        sequences = [one.ids for one in self.rows] + self.verdicts
        begins = [one.start for one in self.rows] + [0] * len(self.verdicts)
        for choice in self.choices:
            for path in choice.paths:
                begins[path] = choice.start
        places: list[int] = []
        targets: list[int] = []
        for way, ids, begin in zip(self.tree.paths, sequences, begins, strict=True):
            places += way[begin - 1 : -1]  # each token is predicted one place before its own
            targets += ids[begin:]
        told = trunk.losses(trunk.states(self.tree, keep=keep), places, targets)
        counts = [len(ids) - begin for ids, begin in zip(sequences, begins, strict=True)]
        parts = torch.split(told, counts)
        rows = []
        for number, one in enumerate(self.rows):
            weights = torch.tensor(self.weights(number, verdict_weight), dtype=torch.float64).to(told.dtype)
            loss = (parts[number] * weights).sum()
            if self.choices:
                choice = self.choices[number]
                sums = torch.stack([parts[path].sum() for path in choice.paths])
                wanted = torch.tensor(choice.shares, dtype=torch.float64).to(told.dtype)
                apart = -(wanted * torch.log_softmax(-sums, 0)).sum()
                loss = loss + one.row.loss_weight * (verdict_weight * apart - torch.logsumexp(-sums, 0))
            rows.append(loss)
        return torch.stack(rows)

    def weights(self, number: int, verdict_weight: float) -> list[float]:
        """Return what each answer token of a row weighs; with choices, its verdict is not learned by tokens."""
        one = self.rows[number]
        tells = 0.0 if self.choices else verdict_weight
        return [
            one.row.loss_weight * (tells if place in one.verdict else 1.0) for place in range(one.start, len(one.ids))
        ]

    def masses(self, verdict_weight: float) -> list[float]:
        """Return the sum of the weights of each row."""
        whole = verdict_weight + 1.0 if self.choices else 0.0
        return [
            math.fsum([*self.weights(number, verdict_weight), whole * one.row.loss_weight])
            for number, one in enumerate(self.rows)
        ]


def forest(
    encoded: Sequence[Encoded],
    dtype: torch.dtype,
    encoder: Encoder | None = None,
    targets: Mapping[str, tuple[float, ...]] | None = None,
) -> list[Branches]:
    """Return a tree for each scenario, in the order in which scenarios first appear.

    With an encoder, every verdict of its pack is put beside each row's, and the loss of a row's verdict is the
    cross-entropy between its `targets` (by id; without them all is on what was said) and the model's shares among
    them, times the verdict's weight; and, as heavy as one token, minus the logarithm of how likely it is that the
    model says any of them: shares alone leave a model that writes "Verdict: 2". Summed over a role's weighted answers
    to a scenario the targets are the distribution of what people said: soft labels, as heavy as who stands behind.
    """
    groups: dict[str, list[Encoded]] = {}
    for one in encoded:
        groups.setdefault(one.row.scenario, []).append(one)
    trees = []
    for group in groups.values():
        for numbers in bundles([one.ids for one in group], MOST):
            part = [group[n] for n in numbers]
            choices, verdicts = _choices(part, encoder, targets or {}) if encoder else ([], [])
            tree = grow([one.ids for one in part] + verdicts, dtype)
            trees.append(Branches(tree, part, choices, verdicts))
    return trees


def _choices(
    part: list[Encoded], encoder: Encoder, targets: Mapping[str, tuple[float, ...]]
) -> tuple[list[Choice], list[list[int]]]:
    names = list(encoder.pack.verdicts)
    begins = [encoder.verdict(name) for name in names]
    first: dict[tuple[int, ...], int] = {}
    choices: list[Choice] = []
    verdicts: list[list[int]] = []
    for one in part:
        question = tuple(one.ids[: one.start])
        if question not in first:  # people of one role share their question, and so the model's choice
            first[question] = len(part) + len(verdicts)
            verdicts += [[*question, *begin] for begin in begins]
        at = first[question]
        shares = targets.get(one.row.id) or tuple(float(name == one.row.verdict) for name in names)
        choices.append(Choice(range(at, at + len(names)), shares, one.start + encoder.lead))
    return choices, verdicts


def loss_sum(trunk: Trunk, branches: Branches, verdict_weight: float, *, keep: bool = True) -> torch.Tensor:
    """Return the weighted sum of the losses of all rows of a tree; `mass` says the sum of the weights."""
    return branches.losses(trunk, verdict_weight, keep=keep).sum()


def mass(branches: Branches, verdict_weight: float) -> float:
    """Return the sum of the weights of all rows of a tree."""
    return math.fsum(branches.masses(verdict_weight))
