"""Token sequences that begin alike, as one tree: what they share is computed once, and no branch sees another."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from curator.lm.attention import Branch, branches
from curator.offline import torch


@dataclass(frozen=True, eq=False)
class Tree:
    """The tokens of several sequences, each shared token once, as a model takes them.

    `ids` and `positions` are (1, T); `paths` holds the places of each sequence's tokens. Masks are made anew each time:
    kept for every tree of a training they can take more memory than the model.
    """

    ids: torch.Tensor
    positions: torch.Tensor
    paths: list[list[int]]
    dtype: torch.dtype

    @property
    def mask(self) -> torch.Tensor:
        """What may see what, (1, 1, T, T), to be added to the attention scores: 0 to see, -inf not to.

        A mask of booleans would be added as 0 and 1, silently.
        """
        mask = torch.full((len(self), len(self)), float("-inf"), dtype=self.dtype)
        for path in self.paths:
            at = torch.tensor(path)
            block = mask[at[:, None], at[None]]
            mask[at[:, None], at[None]] = block.masked_fill(torch.ones_like(block, dtype=torch.bool).tril(), 0.0)
        return mask[None, None]

    @property
    def branches(self) -> list[Branch]:
        """The same, as what each sequence adds to those before it."""
        return branches(self.paths, self.dtype)

    def __len__(self) -> int:
        return self.ids.shape[1]


def grow(sequences: Sequence[Sequence[int]], dtype: torch.dtype = torch.float32) -> Tree:
    """Return the tree of these token sequences."""
    places: dict[tuple[int, int], int] = {}  # (parent, token) -> place
    ids: list[int] = []
    positions: list[int] = []
    paths: list[list[int]] = []
    for sequence in sequences:
        parent, path = -1, []
        for depth, token in enumerate(sequence):
            place = places.setdefault((parent, token), len(ids))
            if place == len(ids):
                ids.append(token)
                positions.append(depth)
            path.append(place)
            parent = place
        paths.append(path)
    return Tree(torch.tensor([ids]), torch.tensor([positions]), paths, dtype)


def bundles(sequences: Sequence[Sequence[int]], most: int) -> Iterator[list[int]]:
    """Yield the numbers of the sequences that go into one tree, so that none has more than `most` tokens if it can.

    Bounds the memory of a scenario that very many people judged. A sequence longer than `most` is alone.
    """
    held: list[int] = []
    size = 0
    for number, sequence in enumerate(sequences):
        fresh = len(sequence) - (shared(sequences[number - 1], sequence) if held else 0)
        if held and size + fresh > most:
            yield held
            held, size, fresh = [], 0, len(sequence)
        held.append(number)
        size += fresh
    if held:
        yield held


def shared(one: Sequence[int], other: Sequence[int]) -> int:
    """Count the tokens with which both sequences begin.

    >>> shared([1, 2, 3], [1, 2, 4, 3])
    2
    """
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
