"""An audit: train once more with made-up secrets among the answers, and see what of them a model remembers."""

import json
import os
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from curator import modelling
from curator.chatrows import ChatRow, read_manifest, read_split
from curator.errors import UsageError
from curator.lm.lora import Trunk
from curator.lm.models import libraries, model_hash, resolve
from curator.lm.tokens import Encoder
from curator.progress import Progress, quiet
from curator.training.canaries import CANDIDATES, exposure, finished, plant, summary
from curator.training.fit import adapted, fit, load_base
from curator.training.settings import TrainSettings
from curator.training.trainingset import context_length, read_training_set
from curator.workspace import Workspace

FILE = "audit.json"


def audit(
    workspace: Workspace, name: str | None = None, rows: int | None = None, progress: Progress = quiet
) -> dict[str, Any]:
    """Return what a training with a model's settings remembers of planted secrets, and leave it beside the model.

    Takes as long as the model's training. The model and its dataset are only read; what is trained here is thrown away.
    `rows` takes about so many training rows, whole scenarios, for a quick look.
    """
    adapter = modelling.model(workspace, name)
    found = modelling.dataset_of(workspace, adapter)
    found.verify()
    said = json.loads((adapter / "training.json").read_text("utf-8"))
    try:
        settings = TrainSettings(**said["settings"])
    except (KeyError, TypeError, ValidationError):
        raise UsageError(
            f"{adapter.name} was not trained by `curator train` on answers, so it cannot be trained again with secrets"
            " among them. Nothing was trained; name another one with --model."
        ) from None
    base = resolve(workspace.config.base_model, workspace.cache)
    told = {"model": adapter.name, **plant_and_measure(found.folder, base, settings, workspace.hidden, rows, progress)}
    draft = adapter / f".{FILE}"
    draft.write_text(json.dumps(told, indent=2, ensure_ascii=False, sort_keys=True) + "\n", "utf-8")
    os.replace(draft, adapter / FILE)
    return told


def plant_and_measure(
    dataset: Path,
    base: Path,
    settings: TrainSettings,
    hidden: Path,
    rows: int | None = None,
    progress: Progress = quiet,
) -> dict[str, Any]:
    """Train a throw-away adapter on a dataset with canaries and return how far each is remembered, base beside tuned.

    The rows with canaries stand in a folder inside `hidden` until it is done. With `answers="together"` each answer is
    learned alone here, since a secret at the end of one of several answers would follow other people's words.
    """
    settings = settings.model_copy(update={"answers": "each"})
    dataset_hash, pack = read_manifest(dataset)
    model, tokenizer = load_base(base, settings)
    encoder, context = Encoder(tokenizer, pack), context_length(model.config)
    train = some(read_split(dataset, "train", pack), rows)
    held = some(read_split(dataset, "validation", pack), rows and max(1, rows // 4))
    planted, canaries = plant(train, encoder, min(settings.longest, context or settings.longest), settings.seed)
    hidden.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="audit-", dir=hidden) as folder:
        for split, lines in (("train", planted), ("validation", held)):
            text = "".join(row.model_dump_json() + "\n" for row in lines)
            (Path(folder) / f"{split}.jsonl").write_text(text, "utf-8")
        data = read_training_set(Path(folder), encoder, settings, context)
    model = adapted(model, settings)
    given, validation = data.trees(model.dtype, encoder, settings)
    run = fit(model, given, validation, settings, progress)
    model.load_state_dict(run.best, strict=False)
    model.eval()

    trunk, learned, bits = Trunk(model), {one.row.id for one in data.given}, []
    for done, canary in enumerate(canaries, 1):
        bits.append(exposure(model, trunk, encoder, canary, settings.seed))
        progress("ranking secrets", done, len(canaries))
    written = finished(model, encoder, canaries)
    told = [
        {
            "times": sum(copy.id in learned for copy in canary.copies),
            "row": canary.row.id,
            "sentence": canary.sentence.format(canary.secret),
            **{name: {"exposure": round(found, 6), "finished": written[name][n]} for name, found in bits[n].items()},
        }
        for n, canary in enumerate(canaries)
    ]
    return {
        "dataset": dataset_hash,
        "base": model_hash(base),
        "settings": settings.model_dump(),
        "libraries": libraries(),
        "rows": {"train": len(train), "planted": len(planted), "used": len(data.given)},
        "candidates": CANDIDATES,
        "canaries": told,
        **summary(told),
    }


def some(rows: Sequence[ChatRow], count: int | None) -> list[ChatRow]:
    """Return whole scenarios, drawn the same way each time, until they have `count` rows; all rows without a count."""
    scenarios = sorted({row.scenario for row in rows})
    random.Random(1).shuffle(scenarios)  # noqa: S311  no secret
    taken: set[str] = set()
    for scenario in scenarios:
        if count is not None and sum(row.scenario in taken for row in rows) >= count:
            break
        taken.add(scenario)
    return [row for row in rows if row.scenario in taken]
