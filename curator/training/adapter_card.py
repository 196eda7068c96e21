"""The model card of an adapter. Its head is read by huggingface_hub, results and all."""

import json
from pathlib import Path
from typing import Any

from curator.card import put_head, put_section
from curator.pack import Pack
from curator.training.settings import TrainSettings

RESULTS = "Results"
HUB = {"smollm2-135m-instruct": "HuggingFaceTB/SmolLM2-135M-Instruct"}  # packaged model -> whose weights it is


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
base_model: {_base(report["base_name"])}
library_name: peft
pipeline_tag: text-generation
tags: [{settings["method"]}, curator, perspectivism]
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
| call | `{_call(settings)}` |{_common(report.get("common"))}

## What it is for

To show, beside what one thinks oneself, how other roles may see the same situation. It was made by `curator train` \
from the dataset above with the settings above; `training.json` holds all of them, and the same call gives the same \
weights.

## What it is not for

It repeats the judgements of the few people whose answers it was trained on. It does not know the law, the people or
the facts, and a verdict of it decides nothing about anybody. Whether it is better than its base model is not said by
the losses above: run `curator evaluate`, which compares both on scenarios that neither has seen.

A small model remembers texts that were given to it, above all repeated ones: share the adapter only with people who
may read the answers.
"""


def _base(name: str) -> str:
    """Return what the Hub calls the base model, where it is the packaged one; else the name of its folder."""
    return next((there for here, there in HUB.items() if name.startswith(here)), name)


def _common(told: dict[str, dict[str, float]] | None) -> str:
    """Return a row of the table: how far an answer was taken to tell others, where that was asked.

    >>> _common({"hr": {"hr": 0.3, "employee": 0.2}, "employee": {"hr": 0.2, "employee": 0.4}})
    '\\n| verdicts | learned as shares: one answer tells 30 to 40 % of its own role, 20 % of another |'
    """
    if told is None:
        return ""
    own = [told[role][role] for role in told]
    other = [share for role in told for name, share in told[role].items() if name != role]
    others = f", {_range(other)} of another" if other else ""
    return f"\n| verdicts | learned as shares: one answer tells {_range(own)} of its own role{others} |"


def _range(shares: list[float]) -> str:
    least, most = (round(100 * one) for one in (min(shares), max(shares)))
    return f"{least} %" if least == most else f"{least} to {most} %"


def _call(settings: dict[str, Any]) -> str:
    """Return the command that trains with these settings: those that are not the defaults.

    >>> _call(TrainSettings(epochs=3, rate=2e-4).model_dump())
    'curator train --set rate=0.0002 --set epochs=3'
    """
    usual = TrainSettings().model_dump()
    changed = [f"--set {name}={settings[name]}" for name in usual if settings.get(name, usual[name]) != usual[name]]
    return " ".join(["curator train", *changed])


def with_results(text: str, evaluation: dict[str, Any]) -> str:
    """Return a model card with the results of an evaluation, in its head and as a section; older ones are replaced."""
    return put_section(
        put_head(text, {"model-index": [_index(text, evaluation)], "metrics": ["accuracy"]}),
        RESULTS,
        _results(evaluation),
    )


def with_evaluation(adapter: Path) -> str:
    """Return the README of an adapter folder, with the results of the evaluation beside it, if it is of its weights."""
    text = (adapter / "README.md").read_text("utf-8")
    beside = adapter / "evaluation.json"
    if not beside.is_file():
        return text
    told = json.loads(beside.read_text("utf-8"))
    trained = json.loads((adapter / "training.json").read_text("utf-8"))
    return with_results(text, told) if told.get("adapter") == trained.get("adapter") else text


def _index(text: str, evaluation: dict[str, Any]) -> dict[str, Any]:
    """Return an entry of `model-index`: the verdicts right in each split, in the Hub's words."""
    title = next((line[2:] for line in text.split("\n") if line.startswith("# ")), "adapter")
    data = {"type": f"curator/{evaluation['pack']}", "name": evaluation["pack"]}
    results = [
        {
            "task": {"type": "text-generation", "name": "verdict of a stakeholder"},
            "dataset": data | {"split": split, "revision": evaluation["dataset"]},
            "metrics": [{"type": "accuracy", "name": "verdicts right", "value": cell["tuned"]["accuracy"]}],
        }
        for split, cell in evaluation["accuracy"]["split"].items()
    ]
    return {"name": title, "results": results}


def _results(evaluation: dict[str, Any]) -> list[str]:
    """Return a table of verdicts right with 95 % intervals, and what was found in words."""
    cells = [("all", evaluation["accuracy"]["overall"])]
    cells += [*evaluation["accuracy"]["split"].items(), *evaluation["accuracy"]["stakeholder"].items()]
    agree = evaluation.get("ceiling") or {"overall": {"share": None}, "stakeholder": {}}
    people: dict[str, Any] = {"all": agree["overall"]} | agree["stakeholder"]
    rows = [
        f"| {name.replace('_', ' ')} | {cell['n']} | {_share((people.get(name) or {}).get('share'))} "
        f"| {_share(cell['majority']['accuracy'])} | {_right(cell['base'])} | {_right(cell['tuned'])} "
        f"| {_gain(cell['gain'])} |"
        for name, cell in cells
    ]
    return [
        "Verdicts right on scenarios that neither model has seen, by `curator evaluate`:",
        "",
        "| | answers | people agree | usual verdict | base (95 %) | tuned (95 %) | gain in points (95 %) |",
        "|---|---|---|---|---|---|---|",
        *rows,
        "",
        "Intervals know that answers to one scenario belong together. *people agree*: how often two people of a role "
        "give one verdict. *usual verdict*: always a role's most frequent one.",
        "",
        *(f"- {line}" for line in (evaluation["verdict"], *evaluation["findings"])),
    ]


def _share(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f} %"


def _right(part: dict[str, Any]) -> str:
    ends = part.get("interval")
    return _share(part["accuracy"]) + (f" ({100 * ends[0]:.0f} to {100 * ends[1]:.0f})" if ends else "")


def _gain(gain: dict[str, Any]) -> str:
    ends = gain["interval"]
    return f"{100 * gain['difference']:+.0f}" + (f" ({100 * ends[0]:+.0f} to {100 * ends[1]:+.0f})" if ends else "")
