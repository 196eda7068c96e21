"""Several processes that train one model: torchrun starts them, and says so in the environment.

Each takes every n-th scenario of a batch; their gradients are summed, so that what is learned is what one process
would learn, but for the order of sums.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from curator.offline import torch

T = TypeVar("T")


@dataclass(frozen=True)
class Processes:
    """Which of how many processes this is."""

    rank: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """Whether this is the one that writes: models, checkpoints, what a person reads."""
        return self.rank == 0

    def share(self, whole: Sequence[T]) -> Sequence[T]:
        """Return this process's part."""
        return whole[self.rank :: self.count]

    def sum_gradients(self, weights: Iterable[torch.nn.Parameter]) -> None:
        """Replace each gradient by its sum over all processes. What has none here counts as zero."""
        if self.count == 1:
            return
        for weight in weights:
            if weight.grad is None:
                weight.grad = torch.zeros_like(weight)
            torch.distributed.all_reduce(weight.grad)

    def gather(self, mine: T) -> list[T]:
        """Return what every process gives, in their order."""
        if self.count == 1:
            return [mine]
        every: list[Any] = [None] * self.count
        torch.distributed.all_gather_object(every, mine)
        return every

    def wait(self) -> None:
        """Return when every process is here."""
        if self.count > 1:
            torch.distributed.barrier()


def joined() -> Processes:
    """Return this process's place among those that were started together; it is alone where nobody said otherwise."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        return Processes()
    if not torch.distributed.is_initialized():
        torch.distributed.init_process_group("gloo")
    return Processes(torch.distributed.get_rank(), count)
