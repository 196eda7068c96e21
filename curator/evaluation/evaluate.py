"""Compare the tuned model with its base on scenarios that neither has seen: answer (needs torch), then score (pure)."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from curator.chat import first_answer
from curator.chatrows import ChatRow, read_manifest, read_split
from curator.errors import FileError, UsageError
from curator.evaluation.answers import Answer, Judgement, Seen, read_answers, read_judgements, sample, write_answers
from curator.evaluation.comparison import compare, rounded
from curator.evaluation.findings import sentences
from curator.evaluation.general import findings as general_findings
from curator.evaluation.general import general_ability
from curator.evaluation.memory import findings as memory_findings
from curator.evaluation.memory import memory
from curator.lm.lora import load_adapter
from curator.lm.models import libraries, load, model_hash
from curator.lm.scoring import Scored, generate, score, switches
from curator.lm.tokens import Encoded, Encoder, encode_rows
from curator.pack import Pack
from curator.progress import Progress, one_piece, quiet

UNSEEN = ("test", "out_of_context")
CARRIED = (  # what needs a model, and what says which
    *("dataset", "base", "adapter", "answers", "pack", "libraries", "seen_in_training", "refused"),
    *("general", "generations", "memory"),
)
SWAPPED = 40  # rows whose analysis is put to every role: each costs as much as its scenario did before


def evaluate(
    dataset: Path,
    adapter: Path,
    base: Path,
    out: Path,
    progress: Progress = quiet,
    generations: int = 3,
    longest: int = 1024,
    swapped: int = SWAPPED,
) -> dict[str, Any]:
    """Write answers.jsonl and evaluation.json into `out` and return what the latter holds, base beside tuned.

    The analyses of `swapped` rows, always the same ones, are put to every role; the verdicts of all rows are.
    """
    dataset_hash, pack = read_manifest(dataset)
    rows = {split: read_split(dataset, split, pack) for split in ("train", *UNSEEN)}
    if not any(rows[split] for split in UNSEEN):
        raise UsageError("There are no rows to evaluate on: test.jsonl and out_of_context.jsonl are empty or missing.")
    with one_piece(progress, "loading the model"):
        model, tokenizer = load(base)
        model = load_adapter(model, adapter)
    training = _training(adapter)  # a test row was not seen only if it is of the dataset that was trained on
    together = (training.get("settings") or {}).get("answers") == "together"
    encoder = Encoder(tokenizer, pack, together=together)
    unseen = {row.id: split for split in UNSEEN for row in rows[split]}
    encoded, refused = encode_rows([row for split in UNSEEN for row in rows[split]], encoder, longest)
    if not encoded:
        raise UsageError(f"All {len(refused)} rows are longer than {longest} tokens. Raise `longest`.")

    people = read_judgements(dataset, pack)
    roles = [role for role in pack.stakeholders if any(one.stakeholder == role for one in people)]
    chosen = sample((one.row.id for one in encoded), swapped)
    scored = score(model, encoded, encoder, progress, roles=roles, swapped=chosen)
    general = general_ability(model, encoder, progress)
    written = _generations(model, encoder, encoded, unseen, generations, progress)
    out.mkdir(parents=True, exist_ok=True)
    seal = write_answers(out, _answers(scored, people))
    report = {
        "dataset": dataset_hash,
        "base": model_hash(base),
        "adapter": _weights(adapter),
        "answers": seal,
        "pack": pack.name,
        "libraries": libraries(),
        "seen_in_training": training["dataset"] == dataset_hash if "dataset" in training else None,
        "refused": sorted(refused),
        "general": general,
        "generations": written,
        "memory": memory(written, rows["train"], pack),
    }
    return _publish(out, report, people, pack)


def rescore(dataset: Path, adapter: Path) -> dict[str, Any]:
    """Write evaluation.json anew from answers.jsonl and return it. No model is loaded, so what one wrote is kept.

    FileError where the adapter was never evaluated, or before answers were kept, or where a file is another's.
    """
    dataset_hash, pack = read_manifest(dataset)
    again = "Evaluate it with: curator evaluate"
    try:
        old: dict[str, Any] = json.loads((adapter / "evaluation.json").read_text("utf-8"))
    except FileNotFoundError:
        raise FileError(f"{adapter.name} was never evaluated. {again}") from None
    except (OSError, ValueError) as fault:
        raise FileError(f"{adapter.name}/evaluation.json cannot be read: {fault}. {again}") from None
    if "answers" not in old:
        raise FileError(f"{adapter.name} was evaluated before answers were kept: there is nothing to score. {again}")
    if (old.get("adapter"), old.get("dataset")) != (_weights(adapter), dataset_hash):
        raise FileError(f"{adapter.name}/evaluation.json is of another model or dataset. {again}")
    kept = {name: old[name] for name in CARRIED if name in old}
    return _publish(adapter, kept, read_judgements(dataset, pack), pack)


def _publish(out: Path, report: dict[str, Any], people: list[Judgement], pack: Pack) -> dict[str, Any]:
    """Score the answers that stand in `out`, and write and return the whole report."""
    answers = read_answers(out, report["answers"])
    report = rounded(report) | compare(answers, people, list(pack.verdicts))
    report["rows"] = [_line(one) for one in answers]
    said = sentences(report, pack.stakeholders)
    more = [*general_findings(report["general"]), *memory_findings(report["memory"])]
    said |= {name: said[name] + more for name in ("findings", "brief")}
    told: dict[str, Any] = rounded(report | said)
    draft = out / ".evaluation.json"
    draft.write_text(json.dumps(told, indent=2, ensure_ascii=False, sort_keys=True) + "\n", "utf-8")
    os.replace(draft, out / "evaluation.json")
    return told


def _weights(adapter: Path) -> str:
    return hashlib.sha256((adapter / "adapter_model.safetensors").read_bytes()).hexdigest()


def _training(adapter: Path) -> dict[str, Any]:
    """Return what training.json says of an adapter; nothing where it has none, as one from elsewhere."""
    try:
        told = json.loads((adapter / "training.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


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
            whole = generate(model, [one.ids[: one.start] for one in chosen], encoder)
            texts[name] = [first_answer(encoder.pack, text) for text in whole]
        progress("writing answers", done, 2)
    return [_generation(one.row, {name: told[n] for name, told in texts.items()}) for n, one in enumerate(chosen)]


def _generation(row: ChatRow, texts: dict[str, str]) -> dict[str, str]:
    head = {"id": row.id, "scenario": row.scenario, "stakeholder": row.stakeholder}
    return head | {"question": row.question[-1]["content"], "person": row.answer} | texts


def _answers(scored: dict[str, list[Scored]], people: list[Judgement]) -> list[Answer]:
    """Return a line of answers.jsonl for each row, numbers to six places: the scores are those of the file."""
    answers = []
    known = {one.id: one for one in people}
    for base, tuned in zip(scored["base"], scored["tuned"], strict=True):
        row, person = base.row, known[base.row.id]
        seen = {
            name: Seen.model_validate(rounded({"verdicts": one.as_roles, "analysis": one.analyses}))
            for name, one in (("base", base), ("tuned", tuned))
        }
        answers.append(
            Answer(
                id=row.id,
                scenario=row.scenario,
                group=row.group,
                split=person.split,
                stakeholder=row.stakeholder,
                domain=row.domain,
                team=person.team,
                verdict=row.verdict,
                weight=row.weight,
                voices=person.voices,
                tokens=base.analysis_tokens,
                **seen,
            )
        )
    return answers


def _line(one: Answer) -> dict[str, Any]:
    """Return what a second look needs of a row (curator/second_look.py), which is what was here before the answers."""
    head = {name: getattr(one, name) for name in ("id", "scenario", "split", "stakeholder", "domain", "verdict")}
    return head | {name: one.seen(name).verdicts[one.stakeholder] for name in ("base", "tuned")}
