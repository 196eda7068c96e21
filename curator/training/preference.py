"""Train an adapter on preferences: pairs, TRL's loop, scores before and after, save; read from `prefer` downwards."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curator.chatrows import read_manifest
from curator.errors import UsageError
from curator.lm.adapter_folder import made_before, save
from curator.lm.lora import Trunk
from curator.lm.models import libraries, load, model_hash, pins, publish
from curator.lm.scoring import sequence_losses
from curator.lm.tokens import Encoder
from curator.maths.scores import cluster_interval, paired
from curator.pack import Pack
from curator.progress import Progress, quiet
from curator.training.pairs import KEPT, EncodedPair, Pairs, encode_pairs, first_share, no_pairs, read_pairs
from curator.training.preferencesettings import PreferenceSettings
from curator.training.trainingset import context_length


@dataclass(frozen=True)
class Preferred:
    """What a training on preferences left. Seconds are measured, so they are here and not in the folder.

    `told` is what training.json says.
    """

    folder: Path
    told: dict[str, Any]
    seconds: float = 0.0
    reused: bool = False


def prefer(
    dataset: Path,
    out: Path,
    base: Path,
    settings: PreferenceSettings | None = None,
    progress: Progress = quiet,
) -> Preferred:
    """Leave in `out` the adapter of the best epoch, in the format of `train`; the same call again reuses it.

    UsageError where the dataset gives no pairs, FileError for the line that is wrong.
    """
    settings = settings or PreferenceSettings()
    began = time.monotonic()
    dataset_hash, pack = read_manifest(dataset)
    call = {"dataset": dataset_hash, "base": model_hash(base), "preference": settings.model_dump()}
    if (said := made_before(out, call)) is not None:
        return Preferred(out, said, reused=True)
    found = {split: read_pairs(dataset, split, pack) for split in ("train", "validation")}
    if not found["train"].pairs:
        raise no_pairs(found["train"], pack)

    from curator.training.dpo import optimise  # TRL is needed from here on

    model, tokenizer = load(base)
    encoder = Encoder(tokenizer, pack)
    longest = min(settings.longest, context_length(model.config) or settings.longest)
    given, refused = encode_pairs(found["train"].pairs, encoder, longest)
    held, refused_held = encode_pairs(found["validation"].pairs, encoder, longest)
    _check_refused(refused, len(found["train"].pairs), settings, longest)
    model, run = optimise(model, tokenizer, given, held, settings, progress)
    report = (
        call
        | pins(base)
        | {
            "pack": pack.name,
            "libraries": libraries() | _trl(),
            "method": "dpo",
            "settings": settings.model_dump() | {"method": "dpo"},
            "dtype": str(model.dtype).removeprefix("torch."),
            **_counts(found, given, held, refused + refused_held),
            "train_loss": [round(loss, 6) for loss in run.train_loss],
            "validation_loss": [round(loss, 6) for loss in run.validation_loss],
            "stakeholder_loss": {},
            "best_epoch": run.best_epoch,
            "validation": scores(model, held, settings.beta, progress) if held else None,
        }
    )
    publish(out, lambda draft: save(draft, model, report, base.name, lambda whole: card(whole, pack)))
    told = json.loads((out / "training.json").read_text("utf-8"))
    return Preferred(out, told, time.monotonic() - began)


def _check_refused(refused: list[str], all_pairs: int, settings: PreferenceSettings, longest: int) -> None:
    if len(refused) == all_pairs or len(refused) > settings.most_refused * all_pairs:
        raise UsageError(
            f"{len(refused)} of {all_pairs} pairs of train.jsonl are longer than {longest} tokens; the first is"
            f" {refused[0]}. {KEPT}; raise it where the model takes more: --set longest={2 * longest}"
        )


def _trl() -> dict[str, str]:
    from importlib.metadata import version

    return {"trl": version("trl")}


def _counts(
    found: dict[str, Pairs], given: list[EncodedPair], held: list[EncodedPair], refused: list[str]
) -> dict[str, Any]:
    splits = {"train": given, "validation": held}
    return {
        "rows": {split: len(pairs) for split, pairs in splits.items()},
        "scenarios": {split: len({pair.row.scenario for pair in pairs}) for split, pairs in splits.items()},
        "tokens": sum(2 * len(pair.prompt) + len(pair.chosen) + len(pair.rejected) for pair in given),
        "refused": {
            "longer than longest": sorted(refused),
            "tie": sorted(name for part in found.values() for name in part.ties),
            "nothing rejected": sorted(name for part in found.values() for name in part.without),
        },
        "first_preferred": first_share(found["train"].pairs),
    }


def scores(model: Any, held: list[EncodedPair], beta: float, progress: Progress = quiet) -> dict[str, Any]:
    """Return how often base and tuned model find the preferred answer likelier, and the reward accuracy, with chance.

    `likelier` is by log-likelihood a token, since the longer answer is always the less likely one as a whole. The
    reward of an answer is beta times what training added to its log-likelihood (Rafailov et al. 2023,
    https://arxiv.org/abs/2305.18290); before training it is 0 for every answer, so nothing is right or wrong.
    """
    trunk = Trunk(model)
    rewards: list[float] = []
    likelier: dict[str, list[float]] = {"base": [], "tuned": []}
    for done, pair in enumerate(held, 1):
        sides = [pair.prompt + pair.chosen, pair.prompt + pair.rejected]
        losses = sequence_losses(model, trunk, sides, [len(pair.prompt)] * 2)
        for name, (chosen, rejected) in losses.items():
            likelier[name].append(float(chosen / len(pair.chosen) < rejected / len(pair.rejected)))
        added = [before - after for before, after in zip(losses["base"], losses["tuned"], strict=True)]
        rewards.append(beta * (added[0] - added[1]))
        progress("scoring pairs", done, len(held))
    groups = [pair.row.group for pair in held]
    right = [float(reward > 0) for reward in rewards]
    roles = sorted({pair.row.stakeholder for pair in held})
    return {
        "pairs": len(held),
        "scenarios": len({pair.row.scenario for pair in held}),
        "likelier": {name: _share(hits, groups) for name, hits in likelier.items()},
        "gain": paired(likelier["base"], likelier["tuned"], groups),
        "reward_accuracy": _share(right, groups),
        "reward_margin": sum(rewards) / len(rewards),
        "stakeholders": {
            role: _share(*_of(right, groups, [pair.row.stakeholder == role for pair in held])) for role in roles
        },
    }


def _of(values: list[float], groups: list[str], chosen: list[bool]) -> tuple[list[float], list[str]]:
    picked = [(v, g) for v, g, take in zip(values, groups, chosen, strict=True) if take]
    return [v for v, _ in picked], [g for _, g in picked]


def _share(hits: list[float], groups: list[str]) -> dict[str, Any]:
    ends = cluster_interval(hits, groups)
    interval = [max(0.0, ends[0]), min(1.0, ends[1])] if ends else None
    return {"n": len(hits), "share": sum(hits) / len(hits), "interval": interval}


def card(report: dict[str, Any], pack: Pack) -> str:
    """Return the README of an adapter folder that was trained on preferences."""
    settings, held = report["settings"], report["validation"]
    size, ties = f"beta {settings['beta']:g}, rank {settings['rank']}", len(report["refused"]["tie"])
    layers = f"top {settings['layers']} layers" if settings["layers"] else "all layers"
    seen = "there were no validation pairs, so whether it learned anything is not known"
    if held:
        reward = held["reward_accuracy"]
        span = "too few scenarios for an interval"
        if reward["interval"]:
            span = "95 % interval {:.0f} to {:.0f} %".format(*(100 * end for end in reward["interval"]))
        seen = f"{100 * reward['share']:.0f} % of {reward['n']} pairs ({span}); chance is 50 %"
    return f"""---
base_model: {report["base_name"]}
library_name: peft
tags: [dpo, curator]
---

# {pack.title}: adapter for {report["base_name"]}

Trained with direct preference optimisation on pairs of answers, one of which somebody found the better one, each from
a stakeholder's role ({", ".join(pack.stakeholders)}).

| | |
|---|---|
| training pairs | {report["rows"]["train"]} of {report["scenarios"]["train"]} scenarios; {ties} ties left out |
| dataset | `{report["dataset"]}` |
| base model | `{report["base"]}` |
| kept | epoch {report["best_epoch"]} of {len(report["train_loss"])} |
| DPO | {size}, {layers}, rate {settings["rate"]:g}, seed {settings["seed"]} |
| preferred answers rewarded on validation | {seen} |

## What it is not for

It repeats the taste of the few people who were asked. That an answer is preferred does not make it right, lawful or
true, and nobody has checked what it writes.

A small model remembers texts that were given to it, above all repeated ones: share the adapter only with people who
may read the answers.
"""
