"""Where a training stands, on disk: safetensors and JSON, sealed with the workspace's key, published by one rename."""

import hashlib
import hmac
import json
import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from curator.errors import StorageError
from curator.lm.models import publish
from curator.offline import torch

STATE, TENSORS = "state.json", "state.safetensors"

Tensors = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Checkpoints:
    """The checkpoints of one training, in a folder of their own: one every `every` steps and at the end of an epoch.

    `call` says which training it is: what was trained with other data, another model, other settings or libraries is
    not gone on with. `key` seals them: what another workspace or person wrote is not loaded.
    """

    folder: Path
    call: dict[str, Any]
    key: bytes
    every: int = 10

    def latest(self) -> tuple[dict[str, Any], Tensors] | None:
        """Return the state that was saved last, or None. What is damaged or not ours is passed over (`foreign`)."""
        for folder in reversed(self._folders()):
            if (found := self._read(folder)) is not None:
                return found
        return None

    def foreign(self) -> list[str]:
        """Return the names of the checkpoints that are damaged, or not this workspace's, or of another training."""
        return [folder.name for folder in self._folders() if self._read(folder) is None]

    def save(self, step: int, said: dict[str, Any], tensors: Tensors) -> None:
        """Publish the state after a step, then remove the older ones."""
        from safetensors.torch import save

        older, target = self._folders(), self.folder / f"step-{step:08d}"
        weights = save({name: tensor.detach().contiguous() for name, tensor in tensors.items()})
        whole = {"call": self.call, "said": said, "tensors": hashlib.sha256(weights).hexdigest()}
        whole["seal"] = self._seal(whole)
        shutil.rmtree(target, ignore_errors=True)  # it is there only where it was passed over
        try:
            publish(target, partial(_write, whole, weights))
        except StorageError as fault:
            why = str(fault).removesuffix("Nothing was kept.")
            raise StorageError(
                f"{why}The checkpoint before it is kept; free some space and run the same command to go on."
            ) from None
        for folder in older:
            if folder != target:
                shutil.rmtree(folder, ignore_errors=True)

    def clear(self) -> None:
        """Remove them all: the model is published, or cannot become one."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _folders(self) -> list[Path]:
        return sorted(self.folder.glob("step-*"))

    def _seal(self, whole: dict[str, Any]) -> str:
        return hmac.new(self.key, json.dumps(whole, sort_keys=True).encode(), hashlib.sha256).hexdigest()

    def _read(self, folder: Path) -> tuple[dict[str, Any], Tensors] | None:
        from safetensors import SafetensorError
        from safetensors.torch import load

        try:
            whole = json.loads((folder / STATE).read_text("utf-8"))
            seal, weights = whole.pop("seal"), (folder / TENSORS).read_bytes()
            if not hmac.compare_digest(str(seal), self._seal(whole)):
                return None
            if whole["call"] != self.call or whole["tensors"] != hashlib.sha256(weights).hexdigest():
                return None
            return whole["said"], load(weights)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, SafetensorError):
            return None


def _write(whole: dict[str, Any], weights: bytes, draft: Path) -> None:
    (draft / TENSORS).write_bytes(weights)
    (draft / STATE).write_text(json.dumps(whole) + "\n", "utf-8")
