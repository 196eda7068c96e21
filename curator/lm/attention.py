"""Attention over a tree of tokens, branch by branch: the places that a mask would forbid are never computed."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from curator.offline import torch

NAME = "curator_tree"


@dataclass(frozen=True)
class Branch:
    """What one sequence adds to a tree: places `begin` to `end`, which see the places in `path` up to themselves."""

    begin: int
    end: int
    path: torch.Tensor
    mask: torch.Tensor  # (end - begin, len(path)), added


def branches(paths: list[list[int]], dtype: torch.dtype) -> list[Branch]:
    """Return what each sequence adds. Its fresh places are the last of its path, and the next ones of the tree."""
    found, begin = [], 0
    for path in paths:
        end = max(begin, path[-1] + 1)
        if end == begin:
            continue  # the sequence begins another one, word for word
        fresh, known = end - begin, len(path) - (end - begin)
        mask = torch.full((fresh, len(path)), float("-inf"), dtype=dtype).triu(known + 1)
        found.append(Branch(begin, end, torch.tensor(path), mask))
        begin = end
    return found


def tree_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float,
    dropout: float = 0.0,
    *,
    branches: list[Branch],
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """Return attention as transformers wants it, (1, T, heads, width); `attention_mask` is not needed."""
    groups = query.shape[1] // key.shape[1]
    parts = []
    for branch in branches:
        keys = key.index_select(2, branch.path).repeat_interleave(groups, dim=1)
        values = value.index_select(2, branch.path).repeat_interleave(groups, dim=1)
        asked = query[:, :, branch.begin : branch.end]
        if query.dtype == torch.float32:
            mask = branch.mask[None, None]
            seen = torch.nn.functional.scaled_dot_product_attention(asked, keys, values, mask, scale=scaling)
        else:  # in bfloat16 the fused kernel takes twice the time of plain products on a CPU
            scores = asked @ keys.transpose(2, 3) * scaling + branch.mask
            wide = torch.promote_types(query.dtype, torch.float32)
            seen = scores.softmax(-1, dtype=wide).to(query.dtype) @ values
        parts.append(seen)
    return torch.cat(parts, dim=2).transpose(1, 2).contiguous(), None


@contextmanager
def used_by(model: Any) -> Iterator[None]:
    """Let the layers of a model use `tree_attention`, which wants `branches` among their arguments."""
    from transformers import AttentionInterface

    AttentionInterface.register(NAME, tree_attention)
    before = model.config._attn_implementation
    model.config._attn_implementation = NAME
    try:
        yield
    finally:
        model.config._attn_implementation = before
