"""The rows of each scenario as one tree, and their weighted loss."""

import math
from dataclasses import dataclass

from curator.lora import Trunk
from curator.offline import torch
from curator.tokens import Encoded
from curator.tree import Tree, bundles, grow

MOST = 1536  # tokens in one tree: what one pass needs grows with them, and with their square


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


def token_losses(trunk: Trunk, branches: Branches, verdict_weight: float, *, keep: bool = True) -> torch.Tensor:
    """Return the weighted loss of each answer token of a tree, row by row."""
    places, targets = [], []
    for path, one in zip(branches.tree.paths, branches.rows, strict=True):
        places += path[one.start - 1 : -1]  # each token is predicted one place before its own
        targets += one.ids[one.start :]
    weights = torch.tensor(token_weights(branches, verdict_weight), dtype=torch.float64)
    losses = trunk.losses(trunk.states(branches.tree, keep=keep), places, targets)
    return losses * weights.to(losses.dtype)


def loss_sum(trunk: Trunk, branches: Branches, verdict_weight: float, *, keep: bool = True) -> torch.Tensor:
    """Return the weighted sum of the losses of all answer tokens of a tree; `mass` says the sum of the weights."""
    return token_losses(trunk, branches, verdict_weight, keep=keep).sum()


def mass(branches: Branches, verdict_weight: float) -> float:
    """Return the sum of the weights of all answer tokens of a tree."""
    return math.fsum(token_weights(branches, verdict_weight))


def token_weights(branches: Branches, verdict_weight: float) -> list[float]:
    """Return what each answer token of a tree weighs, row by row."""
    return [
        one.row.loss_weight * (verdict_weight if place in one.verdict else 1.0)
        for one in branches.rows
        for place in range(one.start, len(one.ids))
    ]
