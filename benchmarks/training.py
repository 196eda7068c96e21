"""Training beside TRL's `SFTTrainer` and transformers' `Trainer`: the same model, rows, tokens, LoRA, rate and steps.

Each peer runs in a process of its own, so that its memory is its own; they take turns. Speed is the tokens of the rows
(each row alone, without padding) by the seconds of the training call. Validation loss is ours for all of them: the mean
over answer tokens of rows that nobody trained on. CURATOR_ROWS says how many rows (default 64), CURATOR_ROUNDS how
often (default 1), CURATOR_BFLOAT16=1 also runs the peers in bfloat16, which TRL takes by default and which a processor
without it only imitates, very slowly. "Shared" rows are the answers of several stakeholders to each scenario, "apart"
one answer each.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from curator.offline import torch  # isort: skip  it must come before all of Hugging Face
from benchmarks._answers import SAMPLE
from curator.chat import messages
from curator.chatrows import ChatRow
from curator.lm import smollm2
from curator.lm.forest import forest
from curator.lm.lora import Trunk, attach, trainable
from curator.lm.models import load, resolve
from curator.lm.tokens import Encoded, Encoder
from curator.pack import Pack, load_pack
from curator.training.fit import fit
from curator.training.probe import peak
from curator.training.settings import TrainSettings

PEERS = {
    "curator, top 8 layers": "as `curator train` does by default",
    "curator, all layers": "as the others do",
    "TRL SFTTrainer": "as it comes, but in float32",
    "TRL SFTTrainer, best": "float32, no checkpointing, grouped by length",
    "Trainer": "float32, grouped by length",
}
if os.environ.get("CURATOR_BFLOAT16"):
    PEERS |= {"TRL SFTTrainer, bfloat16": "as it comes", "Trainer, bfloat16": "grouped by length"}
PACK = SAMPLE.parent / "labeling_configs" / "workplace"
RANK, RATE, SEED, SCENARIOS, ROWS = 16, 5e-4, 1, 2, 8  # ROWS a batch: about as many as SCENARIOS scenarios have


def rows(pack: Pack, apart: bool) -> tuple[list[ChatRow], list[ChatRow]]:
    """Return training and held rows: whole scenarios with at least three answers, or one answer of each."""
    scenarios = {one["key"]: one for one in lines("scenarios")}
    role_of = {one["email"]: one["stakeholder"] for one in lines("people")}
    answers: dict[str, list[dict[str, Any]]] = {}
    for number, one in enumerate(lines("answers")):
        usable = one.get("analysis") and one.get("verdict") in pack.verdicts and one.get("annotator") in role_of
        if usable and one.get("scenario") in scenarios:
            told = {"id": str(number), "stakeholder": role_of[one["annotator"]]}
            answers.setdefault(one["scenario"], []).append(one | told)
    chosen: list[list[ChatRow]] = []
    for key, given in sorted(answers.items()):
        if len(given) >= 3:
            told = [_row(pack, scenarios[key], one) for one in given[: 1 if apart else None]]
            chosen.append(told)
    most = int(os.environ.get("CURATOR_ROWS", "64"))
    train: list[ChatRow] = []
    while len(train) < most and len(chosen) > 8:
        train += chosen.pop(0)
    held = [row for group in chosen[-8:] for row in group]
    return train, held


def lines(name: str) -> list[dict[str, Any]]:
    """Return the records of one of the sample's files."""
    return [json.loads(line) for line in (SAMPLE / f"{name}.jsonl").read_text("utf-8").splitlines()]


def _row(pack: Pack, scenario: dict[str, Any], answer: dict[str, Any]) -> ChatRow:
    row = {"context": "", "severity": None} | scenario | answer
    head = {"id": answer["id"], "scenario": scenario["key"], "group": scenario["key"]}
    said = {"stakeholder": answer["stakeholder"], "verdict": answer["verdict"], "messages": messages(pack, row)}
    return ChatRow.model_validate(head | said)


def prepared(peer: str) -> tuple[Any, Any]:
    """Return the model as the peer takes it, and its tokenizer."""
    base = resolve(smollm2.NAME, Path(tempfile.gettempdir()) / "curator-benchmarks")
    return load(base, torch.bfloat16 if "bfloat16" in peer else torch.float32)


def ours(model: Any, given: list[Encoded], layers: int) -> float:
    """Train as `curator train` does, one epoch, and return the seconds."""
    trees = forest(given, model.dtype)
    settings = TrainSettings(
        layers=layers, rank=RANK, rate=RATE, epochs=1, scenarios=SCENARIOS, verdict_weight=1.0, keep_best="last"
    )
    if all(len(tree.rows) == 1 for tree in trees):
        settings = settings.model_copy(update={"scenarios": ROWS})
    began = time.perf_counter()
    fit(model, trees, [], settings)
    return time.perf_counter() - began


def theirs(peer: str, model: Any, tokenizer: Any, given: list[Encoded]) -> float:
    """Train with TRL or transformers, one epoch, and return the seconds of the call."""
    from datasets import Dataset
    from transformers import DataCollatorForSeq2Seq, Trainer, TrainingArguments
    from trl import SFTConfig, SFTTrainer

    table = [
        {
            "input_ids": one.ids,
            "completion_mask": [int(place >= one.start) for place in range(len(one.ids))],
            "labels": [-100] * one.start + one.ids[one.start :],
        }
        for one in given
    ]
    common: dict[str, Any] = {
        "per_device_train_batch_size": ROWS,
        "num_train_epochs": 1,
        "learning_rate": RATE,
        "lr_scheduler_type": "cosine",
        "warmup_steps": 0.1,
        "weight_decay": 0.0,
        "report_to": "none",
        "save_strategy": "no",
        "seed": SEED,
        "use_cpu": True,
        "disable_tqdm": True,
        "logging_strategy": "no",
    }
    best = {"activation_checkpointing": False, "train_sampling_strategy": "group_by_length"}
    common["bf16"] = "bfloat16" in peer
    with tempfile.TemporaryDirectory() as folder:
        trainer: Any
        if peer.startswith("TRL"):
            args = SFTConfig(output_dir=folder, completion_only_loss=True, **common, **(best if "best" in peer else {}))
            data = Dataset.from_list([{k: row[k] for k in ("input_ids", "completion_mask")} for row in table])
            trainer = SFTTrainer(model=model, args=args, train_dataset=data, processing_class=tokenizer)
        else:
            grouped = {"train_sampling_strategy": "group_by_length"}
            plain = TrainingArguments(output_dir=folder, **common, **grouped)
            data = Dataset.from_list([{k: row[k] for k in ("input_ids", "labels")} for row in table])
            collate = DataCollatorForSeq2Seq(tokenizer, padding=True)
            trainer = Trainer(model=model, args=plain, train_dataset=data, data_collator=collate)
        began = time.perf_counter()
        trainer.train()
        return time.perf_counter() - began


def one(peer: str, apart: bool) -> dict[str, float]:
    """Return what one peer took: tokens a second, peak memory in MB, the loss of held rows before and after."""
    pack = load_pack(PACK)
    model, tokenizer = prepared(peer)
    encoder = Encoder(tokenizer, pack)
    train, held = ([encoder.row(row) for row in part] for part in rows(pack, apart))
    torch.manual_seed(SEED)
    model = attach(model, rank=RANK, alpha=2 * RANK, dropout=0.0, layers=8 if "top 8" in peer else 0)
    model.train()
    began = peak()
    if peer.startswith("curator"):
        seconds = ours(model, train, 8 if "top 8" in peer else 0)
    else:
        seconds = theirs(peer, model, tokenizer, train)
    memory = peak()
    model.eval()
    for weight in trainable(model):
        weight.requires_grad_(requires_grad=False)
    trunk, total = Trunk(model), 0.0
    with torch.no_grad():
        total = sum(float(tree.losses(trunk, 1.0).sum()) for tree in forest(held, model.dtype))
    tokens = sum(len(row.ids) - row.start for row in held)
    return {
        "rate": sum(len(row.ids) for row in train) / seconds,
        "seconds": seconds,
        "memory": memory / 1e6,
        "before": began / 1e6,
        "loss": total / tokens,
        "rows": len(train),
        "tokens": sum(len(row.ids) for row in train),
    }


def main() -> None:
    """Print a table for shared scenarios and one for scenarios that one person each judged."""
    for apart in (False, True):
        found: dict[str, list[dict[str, float]]] = {peer: [] for peer in PEERS}
        for _ in range(int(os.environ.get("CURATOR_ROUNDS", "1"))):
            for peer in PEERS:
                call = [sys.executable, "-m", "benchmarks.training", peer, "apart" if apart else "shared"]
                done = subprocess.run(
                    call, capture_output=True, text=True, check=True, cwd=Path(__file__).parent.parent
                )
                found[peer].append(json.loads(done.stdout.strip().splitlines()[-1]))
                print(f"{peer}: {found[peer][-1]}", file=sys.stderr, flush=True)
        first = found["curator, all layers"][0]
        what = "one answer a scenario" if apart else "several answers a scenario"
        print(f"{first['rows']:.0f} rows, {first['tokens']:,.0f} tokens, {what}\n")
        print("| | tokens a second | ours, all layers, is faster by | peak memory, MB | loss of held rows |")
        print("|---|---|---|---|---|")
        middle = {peer: statistics.median(told["rate"] for told in runs) for peer, runs in found.items()}
        for peer, runs in found.items():
            ratio = middle["curator, all layers"] / middle[peer]
            print(
                f"| {peer} ({PEERS[peer]}) | {middle[peer]:,.0f} | {ratio:.1f} |"
                f" {max(told['memory'] for told in runs):,.0f} | {runs[0]['loss']:.4f} |"
            )
        print()


if __name__ == "__main__":
    print(json.dumps(one(sys.argv[1], sys.argv[2] == "apart")))
