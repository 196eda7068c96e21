"""Compare the tuned model with its base on scenarios that neither has seen: answer (needs torch), then score (pure)."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from curator.chatrows import ChatRow, read_manifest, read_split
from curator.comparison import compare, general_ability, rounded, sentences
from curator.errors import UsageError
from curator.lora import Trunk, load_adapter
from curator.models import libraries, load, model_hash
from curator.progress import Progress, quiet
from curator.scoring import Scored, generate, score, sequence_losses, switches
from curator.tokens import Encoded, Encoder, encode_rows
from curator.tree import bundles

UNSEEN = ("test", "out_of_context")
GENERAL = Path(__file__).with_name("general.jsonl")
PASSAGES = 640  # tokens of general text in one pass


def evaluate(
    dataset: Path,
    adapter: Path,
    base: Path,
    out: Path,
    progress: Progress = quiet,
    generations: int = 3,
    longest: int = 1024,
) -> dict[str, Any]:
    """Write out/evaluation.json and return it: verdicts, analyses and general ability, base beside tuned."""
    dataset_hash, pack = read_manifest(dataset)
    rows = {split: read_split(dataset, split, pack) for split in ("train", *UNSEEN)}
    if not any(rows[split] for split in UNSEEN):
        raise UsageError("There are no rows to evaluate on: test.jsonl and out_of_context.jsonl are empty or missing.")
    model, tokenizer = load(base)
    model = load_adapter(model, adapter)
    encoder = Encoder(tokenizer, pack)
    unseen = {row.id: split for split in UNSEEN for row in rows[split]}
    encoded, refused = encode_rows([row for split in UNSEEN for row in rows[split]], encoder, longest)
    if not encoded:
        raise UsageError(f"All {len(refused)} rows are longer than {longest} tokens. Raise `longest`.")

    scored = score(model, encoded, encoder, progress)
    general = general_ability(*_general(model, encoder, progress))
    comparison = compare(scored, unseen, rows["train"], list(pack.verdicts))
    weights = (adapter / "adapter_model.safetensors").read_bytes()
    report = {
        "dataset": dataset_hash,
        "base": model_hash(base),
        "adapter": hashlib.sha256(weights).hexdigest(),
        "pack": pack.name,
        "libraries": libraries(),
        "seen_in_training": _seen(adapter, dataset_hash),
        "refused": sorted(refused),
        **comparison,
        "general": general,
        "generations": _generations(model, encoder, encoded, unseen, generations, progress),
        "rows": _table(scored, unseen),
    }
    told: dict[str, Any] = rounded(report | sentences(report))
    out.mkdir(parents=True, exist_ok=True)
    draft = out / ".evaluation.json"
    draft.write_text(json.dumps(told, indent=2, ensure_ascii=False, sort_keys=True) + "\n", "utf-8")
    os.replace(draft, out / "evaluation.json")
    return told


def _seen(adapter: Path, dataset_hash: str) -> bool | None:
    """Say whether the adapter was trained on this very dataset, whose test rows it then has not seen; None: unknown."""
    try:
        return bool(json.loads((adapter / "training.json").read_text("utf-8"))["dataset"] == dataset_hash)
    except (OSError, ValueError, KeyError):
        return None


def _general(model: Any, encoder: Encoder, progress: Progress) -> tuple[list[str], list[int], dict[str, list[float]]]:
    """Return kind, count of predicted tokens and loss by model of each passage of plain English."""
    said = [json.loads(line) for line in GENERAL.read_text("utf-8").splitlines()]
    sequences = [encoder.plain(one["text"]) for one in said]
    trunk = Trunk(model)
    losses: dict[str, list[float]] = {name: [] for name in switches(model)}
    done = 0
    for numbers in bundles(sequences, PASSAGES):
        part = [sequences[n] for n in numbers]
        for name, found in sequence_losses(model, trunk, part, [1] * len(part)).items():
            losses[name] += found
        done += len(part)
        progress("general ability", done, len(sequences))
    return [one["kind"] for one in said], [len(ids) - 1 for ids in sequences], losses


def contested(encoded: list[Encoded], count: int) -> list[Encoded]:
    """Return one row of each of the `count` scenarios with the most different verdicts; roles differ if they can."""
    groups: dict[str, list[Encoded]] = {}
    for one in encoded:
        groups.setdefault(one.row.scenario, []).append(one)
    order = sorted(groups.values(), key=lambda g: (-len({one.row.verdict for one in g}), g[0].row.scenario))
    chosen: list[Encoded] = []
    for group in order[:count]:
        taken = [one.row.stakeholder for one in chosen]
        chosen.append(min(group, key=lambda one: (taken.count(one.row.stakeholder), one.row.id)))
    return chosen


def _generations(
    model: Any, encoder: Encoder, encoded: list[Encoded], unseen: dict[str, str], count: int, progress: Progress
) -> list[dict[str, str]]:
    test = [one for one in encoded if unseen[one.row.id] == "test"] or encoded
    chosen = contested(test, count)
    if not chosen:
        return []
    texts = {}
    for done, (name, seen_as) in enumerate(switches(model).items(), 1):
        with seen_as():
            texts[name] = generate(model, [one.ids[: one.start] for one in chosen], encoder)
        progress("writing answers", done, 2)
    return [_generation(one.row, {name: told[n] for name, told in texts.items()}) for n, one in enumerate(chosen)]


def _generation(row: ChatRow, texts: dict[str, str]) -> dict[str, str]:
    head = {"id": row.id, "scenario": row.scenario, "stakeholder": row.stakeholder}
    return head | {"question": row.question[-1]["content"], "person": row.answer} | texts


def _table(scored: dict[str, list[Scored]], unseen: dict[str, str]) -> list[dict[str, Any]]:
    table = []
    for base, tuned in zip(scored["base"], scored["tuned"], strict=True):
        row = base.row
        table.append(
            {
                "id": row.id,
                "scenario": row.scenario,
                "split": unseen[row.id],
                "stakeholder": row.stakeholder,
                "domain": row.domain,
                "verdict": row.verdict,
                "base": base.probabilities,
                "tuned": tuned.probabilities,
            }
        )
    return table
