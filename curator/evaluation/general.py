"""What a tuned model still can beside its task: plain English, right from wrong sentences, neutral questions."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from curator.evaluation.findings import nats
from curator.lm.lora import Trunk
from curator.lm.scoring import sequence_losses, switches
from curator.lm.tokens import Encoder
from curator.lm.tree import bundles, grow, shared
from curator.maths.scores import cluster_interval, paired
from curator.offline import torch
from curator.progress import Progress, quiet

HERE = Path(__file__).parent
PASSES = 640  # tokens in one pass
CHUNK = 64  # places whose whole next-token distributions are held at once
MARGIN = 0.05  # nats a token of plain English that a tuned model may lose before we say so
PAIRS_MARGIN = 0.05  # share of the pairs, likewise
FAR = 0.3  # nats a token; the demo's trainings have 0.04 to 0.08, an adapter made four times as strong 1.08


def general_ability(model: Any, encoder: Encoder, progress: Progress = quiet) -> dict[str, Any]:
    """Return what the model can beside its task, base beside tuned: on plain English, on pairs, on neutral questions.

    The loss per token of passages and its change; under `pairs`, how often the right one of two sentences is likelier;
    under `neutral`, how far the tuned model's next tokens are from the base's.
    """
    texts, pairs, asked = (read(name) for name in ("general", "minimal_pairs", "neutral"))
    trunk, steps = Trunk(model), len(texts) + len(pairs) + len(asked)

    def told(done: int) -> None:
        progress("general ability", done, steps)

    found = _plain(model, trunk, encoder, texts) | {"margin": MARGIN}
    told(len(texts))
    found["pairs"] = _pairs(model, trunk, encoder, pairs)
    told(len(texts) + len(pairs))
    found["neutral"] = _neutral(model, trunk, encoder, asked)
    told(steps)
    return found


def read(name: str) -> list[dict[str, str]]:
    """Return the rows of one of the packaged sets: general, minimal_pairs, neutral."""
    return [json.loads(line) for line in (HERE / f"{name}.jsonl").read_text("utf-8").splitlines()]


def _plain(model: Any, trunk: Trunk, encoder: Encoder, texts: list[dict[str, str]]) -> dict[str, Any]:
    sequences = [encoder.plain(one["text"]) for one in texts]
    tokens = [len(ids) - 1 for ids in sequences]
    losses = _losses(model, trunk, sequences, [1] * len(sequences))
    rates = {name: [loss / n for loss, n in zip(told, tokens, strict=True)] for name, told in losses.items()}
    return {
        "passages": len(tokens),
        "tokens": sum(tokens),
        "loss_per_token": {name: sum(told) / sum(tokens) for name, told in losses.items()},
        "change": paired(rates["base"], rates["tuned"], [str(n) for n in range(len(tokens))]),
        "kinds": {
            kind: {
                name: _mean([r for r, one in zip(told, texts, strict=True) if one["kind"] == kind])
                for name, told in rates.items()
            }
            for kind in sorted({one["kind"] for one in texts})
        },
    }


def _losses(model: Any, trunk: Trunk, sequences: list[list[int]], starts: list[int]) -> dict[str, list[float]]:
    losses: dict[str, list[float]] = {name: [] for name in switches(model)}
    for numbers in bundles(sequences, PASSES):
        part, begins = [sequences[n] for n in numbers], [starts[n] for n in numbers]
        for name, found in sequence_losses(model, trunk, part, begins).items():
            losses[name] += found
    return losses


def _pairs(model: Any, trunk: Trunk, encoder: Encoder, pairs: list[dict[str, str]]) -> dict[str, Any]:
    """Return the share of pairs whose right sentence is the likelier one as a whole: summed over tokens, no mean.

    Both differ in little and by at most a few tokens in length; a mean would favour the one with more tokens, since the
    later pieces of a word are easy to guess. What both begin with alike cancels, so only the rest is computed. Each
    sentence begins a line: models see the first token of all as an anchor and guess badly after nothing.
    """
    sequences, starts = [], []
    for one in pairs:
        right, wrong = (encoder.plain("\n" + one[side]) for side in ("right", "wrong"))
        sequences += [right, wrong]
        starts += [max(1, shared(right, wrong))] * 2
    losses = _losses(model, trunk, sequences, starts)
    hits = {
        name: [float(right < wrong) for right, wrong in zip(told[::2], told[1::2], strict=True)]
        for name, told in losses.items()
    }
    kinds = [one["kind"] for one in pairs]

    def cell(chosen: list[int]) -> dict[str, Any]:
        right = {name: [told[n] for n in chosen] for name, told in hits.items()}
        change = paired(right["base"], right["tuned"], [str(n) for n in chosen])
        return {"pairs": len(chosen)} | {name: _mean(told) for name, told in right.items()} | {"change": change}

    by_kind = {kind: cell([n for n, k in enumerate(kinds) if k == kind]) for kind in dict.fromkeys(kinds)}
    return cell(list(range(len(pairs)))) | {"kinds": by_kind, "margin": PAIRS_MARGIN}


def _neutral(model: Any, trunk: Trunk, encoder: Encoder, asked: list[dict[str, str]]) -> dict[str, Any]:
    """Return the mean divergence of the tuned model's next tokens from the base's, KL(base || tuned), in nats a token.

    Over every place of a fixed answer to each question, the one that ends it included: nothing is written by a model.
    """
    questions = [encoder.question([{"role": "user", "content": one["question"]}]) for one in asked]
    sequences = [q + encoder.answer(one["answer"]) for q, one in zip(questions, asked, strict=True)]
    nats: list[list[float]] = []
    for numbers in bundles(sequences, PASSES):
        nats += divergences(model, trunk, [sequences[n] for n in numbers], [len(questions[n]) for n in numbers])
    clusters = [str(n) for n, told in enumerate(nats) for _ in told]
    values = [value for told in nats for value in told]
    interval = cluster_interval(values, clusters)
    return {
        "prompts": len(asked),
        "tokens": len(values),
        "divergence": _mean(values),
        "interval": list(interval) if interval else None,
        "kinds": {
            kind: _mean([v for told, one in zip(nats, asked, strict=True) if one["kind"] == kind for v in told])
            for kind in dict.fromkeys(one["kind"] for one in asked)
        },
    }


def divergences(
    model: Any, trunk: Trunk, sequences: Sequence[Sequence[int]], starts: Sequence[int]
) -> list[list[float]]:
    """Return KL(base || tuned) of the next-token distribution at each token of each sequence from its start on.

    Exact: summed over the whole vocabulary in float64, `CHUNK` places at a time. A model without adapter has zeros.
    """
    tree = grow(sequences, trunk.dtype)
    places = [at for path, start in zip(tree.paths, starts, strict=True) for at in path[start - 1 : -1]]
    views = switches(model)
    found: list[float] = []
    with torch.no_grad():
        states = {}
        for name, seen_as in views.items():
            with seen_as():
                states[name] = trunk.states(tree, keep=True)
        for begin in range(0, len(places), CHUNK):
            at, logs = torch.tensor(places[begin : begin + CHUNK]), {}
            for name, seen_as in views.items():
                with seen_as():
                    logs[name] = trunk.head(states[name][at]).double().log_softmax(-1)
            base, tuned = logs["base"], logs.get("tuned", logs["base"])
            found += (base.exp() * (base - tuned)).sum(-1).clamp(min=0).tolist()  # rounding alone goes below zero
    lengths = [len(ids) - start for ids, start in zip(sequences, starts, strict=True)]
    ends = [sum(lengths[: n + 1]) for n in range(len(lengths))]
    return [found[end - length : end] for end, length in zip(ends, lengths, strict=True)]


def findings(told: dict[str, Any]) -> list[str]:
    """Return a sentence for each part of `general_ability`, with a warning where it got worse."""
    return [
        f"Plain English, loss a token: {nats(told)}. {_kept(told['change'])}",
        _preferred(told["pairs"]),
        _moved(told["neutral"]),
    ]


def _kept(change: dict[str, Any]) -> str:
    interval = change["interval"]
    if interval is None or interval[0] <= MARGIN < interval[1]:
        return f"Whether more than {MARGIN} is lost cannot be said from so few passages."
    if interval[0] > MARGIN:
        return f"WARNING: worse, more than {MARGIN} is lost. Try a lower rate or fewer epochs."
    return f"No worse: at most {MARGIN} is lost."


def _preferred(pairs: dict[str, Any]) -> str:
    change = pairs["change"]
    low, high = (100 * end for end in change["interval"])
    line = (
        f"Right sentence preferred in {100 * pairs['base']:.0f} % of {pairs['pairs']} pairs before,"
        f" {100 * pairs['tuned']:.0f} % after ({100 * change['difference']:+.1f} points, 95 % interval {low:+.1f} to"
        f" {high:+.1f})."
    )
    if change["difference"] >= -PAIRS_MARGIN:
        within = f"Slightly worse, within the margin of {100 * PAIRS_MARGIN:.0f} points." if high < 0 else "No worse."
        return f"{line} {within}"
    kind, worst = min(pairs["kinds"].items(), key=lambda pair: pair[1]["change"]["difference"])
    shares = f"{100 * worst['base']:.0f} % to {100 * worst['tuned']:.0f} %"
    return (
        f"{line} WARNING: worse by more than {100 * PAIRS_MARGIN:.0f} points, most in {kind} ({shares})."
        " Try a lower rate or fewer epochs."
    )


def _moved(neutral: dict[str, Any]) -> str:
    low, high = neutral["interval"]
    far = (
        " WARNING: that is far. It speaks otherwise even where it was not trained."
        if neutral["divergence"] > FAR
        else ""
    )
    return (
        f"Neutral questions: the next words of the tuned model are {neutral['divergence']:.3f} nats a token from the"
        f" base's (95 % interval {low:.3f} to {high:.3f}, {neutral['prompts']} questions); 0 is no change.{far}"
    )


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
