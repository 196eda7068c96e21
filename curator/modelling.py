"""A workspace's models: train on the last dataset, evaluate, ask, report."""

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curator.dataset import Dataset
from curator.errors import UsageError, nearest
from curator.files import write_whole
from curator.look import latest_model
from curator.permission import check_permitted
from curator.progress import Progress, one_piece, quiet
from curator.workspace import Workspace

if TYPE_CHECKING:
    from curator.ask import Voices
    from curator.training.preview import Preview
    from curator.training.probe import Estimate
    from curator.training.settings import TrainSettings
    from curator.training.train import Trained


def train(
    workspace: Workspace, dataset: str | None = None, changes: dict[str, Any] | None = None, progress: Progress = quiet
) -> "Trained":
    """Train an adapter on a dataset (default: the last one) and return what came of it; the same call reuses it.

    What was interrupted goes on from its last checkpoint, which stands in the workspace until the model does.
    """
    found, base, settings = _call(workspace, dataset, changes, progress)
    from curator.training.train import train as fit

    call = json.dumps({"base": base.name, **settings.model_dump()}, sort_keys=True)
    name = f"{found.name}-{hashlib.sha256(call.encode()).hexdigest()[:6]}"
    checkpoints = workspace.hidden / "checkpoints" / name
    return fit(found.folder, workspace.models / name, base, settings, progress, checkpoints, workspace.key)


def preview(
    workspace: Workspace,
    count: int,
    dataset: str | None = None,
    changes: dict[str, Any] | None = None,
    progress: Progress = quiet,
) -> "Preview":
    """Return the first training rows as the model would see them, with what is in the loss; nothing is trained."""
    found, base, settings = _call(workspace, dataset, changes, progress)
    with one_piece(progress, "loading the model"):
        from curator.training.preview import preview as see

        return see(found.folder, base, settings, count)


def estimate(
    workspace: Workspace, dataset: str | None = None, changes: dict[str, Any] | None = None, progress: Progress = quiet
) -> "Estimate":
    """Return what a training would take, from a few steps that are thrown away."""
    found, base, settings = _call(workspace, dataset, changes, progress)
    from curator.training.probe import estimate as probe

    return probe(found.folder, base, settings, progress)


def _call(
    workspace: Workspace, dataset: str | None, changes: dict[str, Any] | None, progress: Progress
) -> tuple[Dataset, Path, "TrainSettings"]:
    """Return what a training starts from: a dataset that is whole, the folder of the base model, checked settings.

    What is wrong with any of them is said before torch is loaded.
    """
    from pydantic import ValidationError

    from curator.training.settings import TrainSettings

    try:
        settings = TrainSettings(**(changes or {}))
    except ValidationError as fault:
        first = fault.errors()[0]
        word = str(first["loc"][0])
        hint = nearest(word, list(TrainSettings.model_fields)) if first["type"] == "extra_forbidden" else ""
        raise UsageError(f"Setting {word!r}: {first['msg']}. {hint}".rstrip()) from None
    found = Dataset.find(workspace.datasets, dataset)
    found.verify()
    check_permitted(workspace, found, ("train",), "Nothing was trained")
    with one_piece(progress, "loading torch"):
        from curator.lm.models import resolve

    with one_piece(progress, "base model"):
        return found, resolve(workspace.config.base_model, workspace.cache), settings


def model(workspace: Workspace, name: str | None = None) -> Path:
    """Return the folder of an adapter (default: the last one); UsageError where there is none."""
    found = workspace.models / name if name else latest_model(workspace)
    if found is None or not (found / "training.json").is_file():
        made = sorted(p.parent.name for p in workspace.models.glob("*/training.json"))
        raise UsageError(
            f"There is no model {name!r}. {nearest(name, made)}" if name else "There is no model yet: curator train"
        )
    return found


def dataset_of(workspace: Workspace, adapter: Path) -> Dataset:
    """Return the dataset that an adapter was trained on; UsageError when it is gone."""
    seal = json.loads((adapter / "training.json").read_text("utf-8")).get("dataset")
    for folder in sorted(workspace.datasets.glob("v*")):
        found = Dataset(folder)
        if found.manifest["dataset"] == seal:
            return found
    raise UsageError(f"The dataset that {adapter.name} was trained on is gone. Train again: curator train")


def evaluate(
    workspace: Workspace,
    name: str | None = None,
    generations: int = 3,
    progress: Progress = quiet,
    *,
    rescored: bool = False,
) -> dict[str, Any]:
    """Evaluate an adapter on what it never saw, base beside tuned, and return the numbers.

    An evaluation of this very adapter that is there already is returned as it is, unless it was made before answers
    were kept. With `rescored` the answers that are kept are scored anew, without a model.
    """
    adapter = model(workspace, name)
    told = None if rescored else _evaluated(adapter)
    if told and "answers" in told and len(told.get("generations", [])) == generations:
        return told
    found = dataset_of(workspace, adapter)
    found.verify()
    if rescored:
        with one_piece(progress, "scoring anew"):
            from curator.evaluation.evaluate import rescore

            told = rescore(found.folder, adapter)
    else:
        with one_piece(progress, "loading torch"):
            from curator.evaluation.evaluate import evaluate as score
            from curator.lm.models import resolve

        base = resolve(workspace.config.base_model, workspace.cache)
        told = score(found.folder, adapter, base, adapter, progress, generations=generations)
    sign(workspace, adapter)
    return told


def model_card(workspace: Workspace, adapter: Path) -> str:
    """Return an adapter's card with the results of its evaluation and the answers of trust in curator.toml."""
    from curator.card import signed
    from curator.readiness.training import answered
    from curator.training.adapter_card import with_evaluation

    trust = workspace.config.trust.model_dump()
    return signed(with_evaluation(adapter), answered(trust), trust["licence"])


def sign(workspace: Workspace, adapter: Path) -> None:
    """Write an adapter's card into its README.md; its hash is over the weights alone."""
    if (adapter / "README.md").is_file():
        write_whole(adapter / "README.md", model_card(workspace, adapter).encode())


def _evaluated(adapter: Path) -> dict[str, Any] | None:
    """Return the evaluation that stands beside an adapter, if it is of these very weights."""
    try:
        told: dict[str, Any] = json.loads((adapter / "evaluation.json").read_text("utf-8"))
        seal = hashlib.sha256((adapter / "adapter_model.safetensors").read_bytes()).hexdigest()
    except (OSError, ValueError):
        return None
    return told if told.get("adapter") == seal else None


def ask(
    workspace: Workspace,
    situation: str,
    context: str,
    stakeholders: list[str],
    name: str | None = None,
    progress: Progress = quiet,
) -> list[dict[str, Any]]:
    """Put a scenario to the model as each stakeholder, base beside tuned."""
    from curator.ask import check

    check(workspace.pack, situation, stakeholders)  # before anything heavy is loaded
    return voices(workspace, name, progress).ask(situation, context, stakeholders, progress)


def voices(workspace: Workspace, name: str | None = None, progress: Progress = quiet) -> "Voices":
    """Return the base model with the adapter (default: the last one, if there is any), loaded once for many asks."""
    with one_piece(progress, "loading the model"):
        from curator.ask import Voices
        from curator.lm.models import resolve

        base = resolve(workspace.config.base_model, workspace.cache)
        adapter = model(workspace, name) if name or latest_model(workspace) else None
        return Voices.load(workspace.pack, base, adapter)


def report(workspace: Workspace, dataset: str | None = None, out: Path | None = None) -> Path:
    """Write the report of a dataset, with its model's evaluation where there is one."""
    from curator.report import write_report

    found = Dataset.find(workspace.datasets, dataset)
    adapter = latest_model(workspace)
    evaluation = training = None
    if adapter is not None:
        training = json.loads((adapter / "training.json").read_text("utf-8"))
        if training.get("dataset") != found.manifest["dataset"]:
            training = None
        elif (adapter / "evaluation.json").is_file():
            evaluation = json.loads((adapter / "evaluation.json").read_text("utf-8"))
    return write_report(found, out or workspace.root / "report.html", evaluation, training)
