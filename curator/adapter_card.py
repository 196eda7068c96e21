"""The model card of an adapter."""

from typing import Any

from curator.pack import Pack


def card(report: dict[str, Any], pack: Pack) -> str:
    """Return the README of an adapter folder: what it was trained on, how, and what it is not for."""
    settings, best = report["settings"], report["best_epoch"] - 1
    refused = len(report["refused"]["longer than longest"])
    held = (
        f"validation loss {report['validation_loss'][best]:.3f}"
        if report["validation_loss"]
        else f"training loss {report['train_loss'][best]:.3f} (there were no validation rows)"
    )
    rows, scenarios = report["rows"]["train"], report["scenarios"]["train"]
    layers = f"top {settings['layers']} layers" if settings["layers"] else "all layers"
    method = {"lora": "LoRA", "dora": "DoRA", "full": "every weight"}[settings["method"]]
    size = "" if settings["method"] == "full" else f"rank {settings['rank']}, alpha {settings['alpha']}, "
    by = {"worst": "its worst stakeholder's loss", "mean": "the mean loss", "last": "being the last"}
    return f"""---
base_model: {report["base_name"]}
library_name: peft
tags: [{settings["method"]}, curator]
---

# {pack.title}: adapter for {report["base_name"]}

Given a situation, its context and a stakeholder, it answers with a verdict ({", ".join(pack.verdicts)}) and an
analysis from that stakeholder's perspective ({", ".join(pack.stakeholders)}).

| | |
|---|---|
| training rows | {rows} answers to {scenarios} scenarios, {report["tokens"]} tokens; {refused} too long |
| dataset | `{report["dataset"]}` |
| base model | `{report["base"]}` |
| kept | epoch {report["best_epoch"]} of {len(report["train_loss"])}, by {by[settings["keep_best"]]}; {held} |
| {method} | {size}{layers}, rate {settings["rate"]:g}, seed {settings["seed"]} |

## What it is not for

It repeats the judgements of the few people whose answers it was trained on. It does not know the law, the people or
the facts, and a verdict of it decides nothing about anybody. Whether it is better than its base model is not said by
the losses above: run `curator evaluate`, which compares both on scenarios that neither has seen.

A small model remembers texts that were given to it, above all repeated ones: share the adapter only with people who
may read the answers.
"""
