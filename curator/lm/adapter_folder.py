"""The folder of an adapter: written the same way by every training, and found again by the call that made it."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from curator.errors import UsageError


def save(
    draft: Path, model: Any, report: dict[str, Any], base_name: str, card: Callable[[dict[str, Any]], str]
) -> None:
    """Write weights, peft's config, training.json and the model card into a folder; no path of this machine in any.

    training.json is `report` with the base's name and the SHA-256 of the weights; `card` makes the README of it.
    """
    config = model.peft_config["default"]
    config.base_model_name_or_path = base_name  # peft would write this machine's path
    config.target_modules = sorted(config.target_modules)
    model.save_pretrained(draft, save_embedding_layers=False)
    said = json.loads((draft / "adapter_config.json").read_text("utf-8"))
    (draft / "adapter_config.json").write_text(json.dumps(said, indent=2, sort_keys=True) + "\n", "utf-8")
    weights = (draft / "adapter_model.safetensors").read_bytes()
    whole = report | {"base_name": base_name, "adapter": hashlib.sha256(weights).hexdigest()}
    (draft / "training.json").write_text(json.dumps(whole, indent=2, sort_keys=True) + "\n", "utf-8")
    (draft / "README.md").write_text(card(whole), "utf-8")


def made_before(out: Path, call: dict[str, Any]) -> dict[str, Any] | None:
    """Return training.json of a folder that this very call made before, None where there is no folder.

    UsageError where it holds something else: it is never overwritten.
    """
    if not out.exists():
        return None
    try:
        said: dict[str, Any] = json.loads((out / "training.json").read_text("utf-8"))
        same = all(said[key] == value for key, value in call.items())
        weights = (out / "adapter_model.safetensors").read_bytes()
        if not same or hashlib.sha256(weights).hexdigest() != said["adapter"]:
            raise ValueError("another training")
    except (OSError, ValueError, KeyError, TypeError):
        raise UsageError(
            f"{out.name} holds something else than this training would make. Nothing was changed; give another folder."
        ) from None
    return said
