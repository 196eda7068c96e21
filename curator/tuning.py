"""A workspace's further ways to a model: from preferences, from a sweep over settings, and out of here."""

import hashlib
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from curator import modelling
from curator.dataset import Dataset
from curator.errors import UsageError, nearest
from curator.permission import check_permitted
from curator.progress import Progress, one_piece, quiet
from curator.workspace import Workspace

if TYPE_CHECKING:
    from curator.lm.merge import Exported
    from curator.training.preference import Preferred
    from curator.training.sweep import Tried

FREE = {"epochs", "rate", "warmup", "clip", "seed", "alpha", "patience", "keep_best", "verdict_weight", "most_refused"}
STOCK = ("A rota was changed without a word.", "Two people asked for the same week off.", "A mistake was found late.")
PROMPTS = 4
Kind = TypeVar("Kind", bound=BaseModel)


def checked(kind: type[Kind], changes: dict[str, Any]) -> Kind:
    """Return settings of a kind; UsageError names the one that is wrong."""
    try:
        return kind(**changes)
    except ValidationError as fault:
        first = fault.errors()[0]
        word = str(first["loc"][0])
        hint = nearest(word, list(kind.model_fields)) if first["type"] == "extra_forbidden" else ""
        raise UsageError(f"Setting {word!r}: {first['msg']}. {hint}".rstrip()) from None


def prefer(
    workspace: Workspace, dataset: str | None = None, changes: dict[str, Any] | None = None, progress: Progress = quiet
) -> "Preferred":
    """Train an adapter on the preferences in a dataset (default: the last one); the same call reuses it."""
    from curator.lm.models import resolve
    from curator.training.preference import prefer as fit
    from curator.training.preferencesettings import PreferenceSettings

    settings = checked(PreferenceSettings, changes or {})
    found = Dataset.find(workspace.datasets, dataset)
    found.verify()
    check_permitted(workspace, found, ("train",), "Nothing was trained")
    base = resolve(workspace.config.base_model, workspace.cache)
    call = json.dumps({"base": base.name, "preference": settings.model_dump()}, sort_keys=True)
    name = f"{found.name}-{hashlib.sha256(call.encode()).hexdigest()[:6]}"
    return fit(found.folder, workspace.models / name, base, settings, progress)


def sweep(
    workspace: Workspace,
    dataset: str | None = None,
    grid: dict[str, list[str]] | None = None,
    minutes: float = 30.0,
    progress: Progress = quiet,
) -> dict[str, Any]:
    """Train a model for each combination of a grid that fits into the time, and return how they compare.

    They are ordinary models, judged on the validation split only. What was finished before is reused and costs no
    time; what does not fit is listed under `left`, and the same call with more minutes goes on with it.
    """
    from curator.lm.models import resolve
    from curator.training.settings import TrainSettings
    from curator.training.sweep import GRID, combinations, judged

    began = time.monotonic()
    wanted = combinations(grid or GRID)
    settings = [checked(TrainSettings, dict(one)) for one in wanted]
    found = Dataset.find(workspace.datasets, dataset)
    check_permitted(workspace, found, ("train",), "Nothing was trained")
    base = resolve(workspace.config.base_model, workspace.cache)
    budget = Budget(workspace, found, began + 60 * minutes, progress)
    tried: list[Tried] = []
    left: list[dict[str, Any]] = []
    finished = _finished(workspace, found, base)
    for number, (one, whole) in enumerate(zip(wanted, settings, strict=True), 1):
        tell = _numbered(progress, number, len(wanted))
        if json.dumps(whole.model_dump(), sort_keys=True) not in finished and (why := budget.refuses(one, whole)):
            left.append({"settings": one, "why": why})
            continue
        tried.append(_try(workspace, found, base, one, whole.longest, tell))
    if not tried:
        raise UsageError(
            f"No training fits into {minutes:g} minutes: the first one {left[0]['why']}. Nothing was trained; give"
            " more --minutes, or set fewer epochs or layers."
        )
    return judged(tried) | {"left": left, "minutes": round((time.monotonic() - began) / 60, 2)}


def _try(
    workspace: Workspace, found: Dataset, base: Path, one: dict[str, str], longest: int, progress: Progress
) -> "Tried":
    from curator.training.sweep import Tried, look

    made = modelling.train(workspace, found.name, dict(one), progress)
    rows, plain = look(found.folder, base, made.folder, longest, progress)
    return Tried(made.folder.name, one, rows, plain)


class Budget:
    """The time that a sweep has, and what a training of each size would take of it."""

    def __init__(self, workspace: Workspace, dataset: Dataset, end: float, progress: Progress) -> None:
        """`end` is a moment of the monotonic clock."""
        self.workspace, self.dataset, self.end, self.progress = workspace, dataset, end, progress
        self.probed: dict[str, Any] = {}

    def refuses(self, changes: dict[str, str], settings: BaseModel) -> str:
        """Return why a training has to wait, in words; empty where it fits. What no probe was made of is probed."""
        if self.end - time.monotonic() <= 0:
            return "found no time left"
        size = json.dumps(settings.model_dump(exclude=FREE), sort_keys=True)
        if size not in self.probed:
            self.probed[size] = modelling.estimate(self.workspace, self.dataset.name, dict(changes), self.progress)
        probe = self.probed[size]
        needed = probe.begin * 2 + probe.first + probe.next * (settings.model_dump()["epochs"] - 1)  # train, then look
        rest = self.end - time.monotonic()
        if needed <= rest:
            return ""
        return f"takes {needed / 60:.1f} minutes, where {max(0.0, rest) / 60:.1f} are left"


def _numbered(progress: Progress, number: int, count: int) -> Progress:
    def tell(what: str, done: int, total: int) -> None:
        progress(f"{number} of {count}: {what}", done, total)

    return tell


def _finished(workspace: Workspace, found: Dataset, base: Path) -> set[str]:
    """Return the settings of the models that are there of this dataset and base, each as canonical JSON."""
    from curator.chatrows import read_manifest
    from curator.lm.models import model_hash

    seal, settings, (mine, _) = model_hash(base), set(), read_manifest(found.folder)
    for path in workspace.models.glob("*/training.json"):
        said = json.loads(path.read_text("utf-8"))
        if (said.get("dataset"), said.get("base")) == (mine, seal):
            settings.add(json.dumps(said.get("settings"), sort_keys=True))
    return settings


def export_model(
    workspace: Workspace,
    out: Path,
    form: str,
    name: str | None = None,
    weights: str | None = None,
    converter: Path | None = None,
    progress: Progress = quiet,
) -> "Exported":
    """Write an adapter (default: the last one) as a merged model, as GGUF, or alone; nothing is overwritten."""
    adapter = modelling.model(workspace, name)
    with one_piece(progress, "loading torch"):
        from curator.lm import merge, smollm2
        from curator.lm.models import resolve

    chosen = merge.check_call(form, weights)
    if form == "adapter":
        return merge.export_adapter(adapter, out)
    base = resolve(workspace.config.base_model, workspace.cache)

    def ask(tokenizer: Any) -> tuple[list[list[int]], int]:
        return _prompts(workspace, adapter, tokenizer)

    if form == "hf":
        return merge.export_hf(base, adapter, out, chosen, ask, progress)
    ours = workspace.config.base_model.lower() == smollm2.NAME
    about = (smollm2.about() if ours else {"basename": base.name}) | {"name": out.stem, "finetune": adapter.name}
    return merge.export_gguf(base, adapter, out, chosen, ask, about, converter, progress)


def _prompts(workspace: Workspace, adapter: Path, tokenizer: Any) -> tuple[list[list[int]], int]:
    """Return tokens of a few chats, of the adapter's own training rows where they are there, and the stop token."""
    from curator.chat import question
    from curator.chatrows import read_manifest, read_split
    from curator.lm.tokens import Encoder

    try:
        folder = modelling.dataset_of(workspace, adapter).folder
    except UsageError:  # it is gone
        encoder = Encoder(tokenizer, workspace.pack)
        role = next(iter(workspace.pack.stakeholders))
        rows = [{"situation": text, "context": "", "stakeholder": role} for text in STOCK]
        chats = [
            [{"role": turn["role"], "content": turn["content"]} for turn in question(workspace.pack, r)] for r in rows
        ]
        return [encoder.question(chat) for chat in chats], encoder.stop
    encoder = Encoder(tokenizer, read_manifest(folder)[1])
    return [encoder.row(row).ids for row in read_split(folder, "train", encoder.pack)[:PROMPTS]], encoder.stop
