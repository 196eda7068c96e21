"""Scoring verdicts with what is shared computed once, beside scoring each string alone: same model, same numbers.

The sample's scenarios x its pack's four roles x three verdicts, on SmolLM2-135M as it is and with an adapter of random
weights on its top 8 layers, as `curator train` puts one there. A string is a question with the beginning of an answer;
its number is minus the log-likelihood of the answer's tokens. "Alone" is one forward call a string, as one would write
it with transformers; "by eights" is the same, padded and with a mask. They are slow, so they score only the strings of
CURATOR_PEER scenarios (default 4), where ours takes turns with them; CURATOR_SCENARIOS says how many ours scores then
(default: all of the sample).
"""

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from curator.offline import torch  # isort: skip  it must come before all of Hugging Face
from benchmarks.training import PACK, lines
from curator.chat import question
from curator.lm import smollm2
from curator.lm.lora import Trunk, attach
from curator.lm.models import load, resolve
from curator.lm.scoring import MOST, sequence_losses, switches
from curator.lm.tokens import Encoder
from curator.lm.tree import bundles, grow
from curator.pack import load_pack
from curator.training.settings import TrainSettings

String = tuple[list[int], int]  # tokens, and where the answer begins
Sums = dict[str, list[float]]  # base and tuned -> minus the log-likelihood of each string's answer


def adapted() -> tuple[Any, Encoder]:
    """Return the packaged model with an adapter that changes its answers at random, and its encoder."""
    model, tokenizer = load(resolve(smollm2.NAME, Path(tempfile.gettempdir()) / "curator-benchmarks"), torch.float32)
    usual = TrainSettings()
    model = attach(model, rank=usual.rank, alpha=usual.alpha, dropout=0.0, layers=usual.layers)
    chance = torch.Generator().manual_seed(1)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            weight.data.normal_(0, 0.02, generator=chance)
    return model.eval(), Encoder(tokenizer, load_pack(PACK))


def strings(encoder: Encoder, scenario: dict[str, Any]) -> list[String]:
    """Return a string for each role and verdict."""
    made = []
    for role in encoder.pack.stakeholders:
        turns = question(encoder.pack, {"context": "", **scenario, "stakeholder": role})
        ids = encoder.question([{"role": turn["role"], "content": turn["content"]} for turn in turns])
        made += [(ids + encoder.verdict(verdict), len(ids)) for verdict in encoder.pack.verdicts]
    return made


def ours(model: Any, scenarios: list[list[String]]) -> Sums:
    """Score as `curator evaluate` does: a tree for each scenario, and base and tuned from the same lower layers."""
    trunk = Trunk(model)
    found: Sums = {name: [] for name in switches(model)}
    for given in scenarios:
        sequences = [ids for ids, _ in given]
        for numbers in bundles(sequences, MOST):
            part, starts = [sequences[n] for n in numbers], [given[n][1] for n in numbers]
            for name, sums in sequence_losses(model, trunk, part, starts).items():
                found[name] += sums
    return found


def alone(model: Any, scenarios: list[list[String]], width: int = 1) -> Sums:
    """Score each string with one forward call, or `width` strings padded to the longest."""
    given = [string for strings in scenarios for string in strings]
    found: Sums = {}
    for name, seen_as in switches(model).items():
        found[name] = []
        with seen_as(), torch.no_grad():
            for n in range(0, len(given), width):
                part = given[n : n + width]
                longest = max(len(ids) for ids, _ in part)
                padded = torch.tensor([ids + [0] * (longest - len(ids)) for ids, _ in part])
                mask = torch.tensor([[1] * len(ids) + [0] * (longest - len(ids)) for ids, _ in part])
                logits = model(input_ids=padded, attention_mask=mask, use_cache=False).logits.float()
                for row, (ids, start) in zip(logits, part, strict=True):
                    told = row[start - 1 : len(ids) - 1].log_softmax(-1)
                    found[name].append(-float(told[torch.arange(len(ids) - start), ids[start:]].double().sum()))
    return found


def timed(job: Callable[[], Sums]) -> tuple[float, Sums]:
    """Return the seconds of a job, and what it found."""
    start = time.perf_counter()
    found = job()
    return time.perf_counter() - start, found


def main() -> None:
    """Print seconds, strings a second, the ratio and the largest difference of each way, then ours on everything."""
    model, encoder = adapted()
    scenarios = [strings(encoder, one) for one in lines("scenarios")]
    scenarios = scenarios[: int(os.environ.get("CURATOR_SCENARIOS", len(scenarios)))]
    sample = scenarios[: int(os.environ.get("CURATOR_PEER", "4"))]
    ours(model, sample[:1])  # warms up
    first, found = timed(lambda: ours(model, sample))
    peers = {
        "each string alone": timed(lambda: alone(model, sample)),
        "by eights, padded": timed(lambda: alone(model, sample, 8)),
    }
    second, _ = timed(lambda: ours(model, sample))
    took = (first + second) / 2
    count = 2 * sum(map(len, sample))  # base and tuned
    print("| way | scenarios | strings, base and tuned | seconds | a second | curator, times as fast | difference |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    print(f"| **curator** | {len(sample)} | {count} | {took:.1f} | {count / took:.1f} | | |")
    for name, (seconds, told) in peers.items():
        far = max(abs(a - b) for model in told for a, b in zip(found[model], told[model], strict=True))
        speed = f"{seconds:.1f} | {count / seconds:.1f} | {seconds / took:.1f} | {far:.0e}"
        print(f"| {name} | {len(sample)} | {count} | {speed} |", flush=True)
    whole, _ = timed(lambda: ours(model, scenarios))
    every = 2 * sum(map(len, scenarios))
    print(f"| **curator** | {len(scenarios)} | {every} | {whole:.1f} | {every / whole:.1f} | | |")
    tokens = [sum(len(ids) for ids, _ in given) for given in scenarios]
    once = sum(len(grow([ids for ids, _ in given])) for given in scenarios)
    print(f"\nThe strings have {sum(tokens):,} tokens, {once:,} where what is shared stands once.")
    print("Difference: the largest of two sums of log-likelihoods, in nats. Ours is the mean of before and after.")


if __name__ == "__main__":
    main()
