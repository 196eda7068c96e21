"""Is the last dataset of a workspace worth a training, and whose is it? Evidence from its files; the cards signed."""

import json
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from curator import modelling
from curator.card import signed
from curator.dataset import Dataset
from curator.errors import UsageError
from curator.files import write_whole
from curator.formats.validators import Ruler, ruler_of, words
from curator.look import latest_model
from curator.progress import Progress, quiet
from curator.readiness.answers import CHECKS, Evidence, Finding
from curator.readiness.texts import CHECKS as TEXTS
from curator.readiness.training import CHECKS as TRAINING
from curator.readiness.training import answered, explain, lines_to_add
from curator.toml import first_fault, read_toml
from curator.training.settings import TrainSettings
from curator.workspace import Config, Price, Workspace

PRICES = Path(__file__).parent / "prices.toml"
TABLES = ("agreement", "pairs")
ORDER = ("stop", "warn", "pass")


@dataclass(frozen=True)
class Checked:
    """What the check of one dataset found, worst first; the lines that curator.toml lacks; what it comes to."""

    dataset: str
    findings: list[Finding]
    to_add: list[str]
    explained: list[str]

    def count(self, level: str) -> int:
        """Return how many findings are of a level."""
        return sum(one.level == level for one in self.findings)

    @property
    def forbidden(self) -> bool:
        """Whether something was found that may not be done at all."""
        return any(one.policy and one.level == "stop" for one in self.findings)


def check(
    workspace: Workspace,
    dataset: str | None = None,
    *,
    probe: bool = False,
    tokens: bool = True,
    progress: Progress = quiet,
) -> Checked:
    """Check a dataset (default: the last one); with `probe` a training is measured on a few steps of the real model.

    Without `tokens` its length is counted by words: no finding is another, and half a second is saved.
    """
    given = evidence(workspace, dataset, probe=probe, tokens=tokens, progress=progress)
    findings = [found for look in (*CHECKS, *TEXTS, *TRAINING) for found in look(given)]
    findings.sort(key=lambda one: ORDER.index(one.level))
    name = Dataset.find(workspace.datasets, dataset).name
    return Checked(name, findings, lines_to_add(given.trust), explain(findings))


def evidence(
    workspace: Workspace,
    dataset: str | None = None,
    *,
    probe: bool = False,
    tokens: bool = True,
    progress: Progress = quiet,
) -> Evidence:
    """Gather what the checks look at. Without `probe` no language model is loaded."""
    found = Dataset.find(workspace.datasets, dataset)
    with workspace.store() as store:
        people = store.people()
    training, evaluation = _model(workspace, found)
    settings = TrainSettings()
    if training is not None and "tokens" in training:
        length, unit, counted_by = training["tokens"], "tokens", "the last training"
    else:
        length, unit, counted_by = _length(found, ruler_of(workspace) if tokens else words("that is quicker"))
    measured, refused = None, ""
    try:
        measured = modelling.estimate(workspace, dataset, {}, progress) if probe else None
    except UsageError as fault:
        refused = str(fault)
    if measured is not None:
        length, unit, counted_by = measured.tokens, "tokens", "a dry run"
    return Evidence(
        manifest=found.manifest,
        examples=found.frame("examples"),
        tables={
            name: found.frame(f"table_{name}") for name in TABLES if f"table_{name}.parquet" in found.manifest["files"]
        },
        consents={person.pseudonym: person.consent[-1].purposes for person in people if person.consent},
        trust=workspace.config.trust.model_dump(),
        evaluation=evaluation,
        today=datetime.now(UTC).date(),
        length=length,
        unit=unit,
        counted_by=counted_by,
        epochs=settings.epochs,
        probe=None if measured is None else asdict(measured) | {"seconds": measured.seconds},
        refused=refused,
        memory=_memory(),
        prices={name: price.model_dump() for name, price in prices(workspace).items()},
    )


def prices(workspace: Workspace) -> dict[str, Price]:
    """Return the price table: the packaged one, each entry of which curator.toml may replace or add to."""
    try:
        packaged = Config(name="prices", prices=read_toml(PRICES)).prices
    except ValidationError as fault:
        raise UsageError(f"{PRICES.name}: {first_fault(fault, Config)}") from None
    return packaged | workspace.config.prices


def _length(dataset: Dataset, ruler: Ruler) -> tuple[int, str, str]:
    """Return how long train is, in what, and by whose count; no model is loaded for it."""
    rows = dataset.file("train.jsonl").read_text("utf-8").splitlines()
    told = [[[turn["role"], turn["content"]] for turn in json.loads(row)["messages"]] for row in rows]
    by = f"the tokenizer of {ruler.name}" if ruler.unit == "tokens" else f"words, since {ruler.why}"
    return sum(ruler.length(row) for row in told), ruler.unit, by


def _model(workspace: Workspace, dataset: Dataset) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Return the reports of the dataset's last training, and of its last evaluation, which may be an older one's."""
    trained, evaluated = [], []
    for path in sorted(workspace.models.glob("*/training.json")):
        told = json.loads(path.read_text("utf-8"))
        if told.get("dataset") != dataset.manifest["dataset"] or "settings" not in told:
            continue
        trained.append((path.stat().st_mtime_ns, path.parent.name, told))
        beside = path.with_name("evaluation.json")
        if beside.is_file():
            scored = json.loads(beside.read_text("utf-8"))
            if scored.get("adapter") == told.get("adapter") and "accuracy" in scored:
                evaluated.append((beside.stat().st_mtime_ns, path.parent.name, scored))
    return (max(trained)[2] if trained else None), (max(evaluated)[2] if evaluated else None)


def _memory() -> int | None:
    """Return the bytes of memory of this machine, or None where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):  # AttributeError: Windows has no sysconf
        return None


def cards(workspace: Workspace, dataset: str | None = None) -> dict[str, str]:
    """Return the cards of a dataset and of its last model, with the answers of trust as curator.toml has them today.

    A dataset never changes, and what becomes of it may: so its own README.md does not hold these answers, and what is
    handed over does. Keys: `dataset`, and `model` where there is one.
    """
    found = Dataset.find(workspace.datasets, dataset)
    trust = workspace.config.trust.model_dump()
    told = {"dataset": signed(found.file("README.md").read_text("utf-8"), answered(trust), trust["licence"])}
    adapter = latest_model(workspace)
    if adapter is not None:
        told["model"] = modelling.model_card(workspace, adapter)
    return told


def sign_folder(workspace: Workspace, folder: Path) -> None:
    """Sign the README.md of a dataset that was exported with the answers of trust."""
    trust = workspace.config.trust.model_dump()
    text = (folder / "README.md").read_text("utf-8")
    write_whole(folder / "README.md", signed(text, answered(trust), trust["licence"]).encode())


def sign(workspace: Workspace, dataset: str | None = None, out: Path | None = None) -> list[Path]:
    """Write the cards: the model's into its README.md, both into the folder `out` where one is given."""
    written = []
    adapter = latest_model(workspace)
    if adapter is not None:
        modelling.sign(workspace, adapter)
        written.append(adapter / "README.md")
    if out is not None:
        for kind, text in cards(workspace, dataset).items():
            written.append(out / f"{kind}.md")
            write_whole(written[-1], text.encode())
    return written
