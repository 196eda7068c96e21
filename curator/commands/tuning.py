"""The commands that try several settings, and that take a model out of here."""

from dataclasses import asdict
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from curator.console import json_option, progress, say, short_path, show_json, show_table

if TYPE_CHECKING:
    from curator.training.preference import Preferred


@click.command()
@click.option("--dataset", help="Which dataset (default: the last one).")
@click.option(
    "--set",
    "grid",
    multiple=True,
    metavar="NAME=VALUE,…",
    help="What to try, such as rank=8,16 (default: three rates by two ranks).",
)
@click.option("--minutes", type=click.FloatRange(min=0), default=30.0, show_default=True, help="Begin nothing later.")
@json_option
def sweep(dataset: str | None, grid: tuple[str, ...], minutes: float, as_json: bool) -> None:
    """Train with several settings within a time, and say which differences on the validation split are noise."""
    from curator import tuning
    from curator.workspace import Workspace

    with progress() as bar:
        told = tuning.sweep(Workspace.find(), dataset, _grid(grid), minutes, bar)
    if as_json:
        return show_json(told)
    varied = [name for name, values in _grid(grid).items() if len(values) > 1]
    head = ["tried", "model", "worst", "its loss", "loss", "right %", "more (95 %)", "p"]
    rows = [[_named(one["settings"], varied), one["model"], *_cells(one)] for one in told["models"]]
    show_table(head, [*rows, ["nothing", "base", *_cells(told["base"])]])
    for line in told["findings"]:
        say(f"- {line}")
    for one in told["left"]:
        say(f"- Left: {_named(one['settings'])} {one['why']}.")
    return None


def _named(settings: dict[str, str], varied: list[str] | None = None) -> str:
    """Return settings as one would set them; of several that are the same everywhere, only those that are not."""
    return " ".join(f"{name}={value}" for name, value in settings.items() if not varied or name in varied)


def _grid(changes: tuple[str, ...]) -> dict[str, list[str]]:
    grid: dict[str, list[str]] = {}
    for change in changes:
        name, _, values = change.partition("=")
        told = [value.strip() for value in values.split(",") if value.strip()]
        if not told or name.strip() in grid:
            raise click.UsageError(f"--set {change!r} is not NAME=VALUE,VALUE, or names a setting twice.")
        grid[name.strip()] = list(dict.fromkeys(told))
    return grid


def _cells(one: dict[str, Any]) -> list[Any]:
    change = one.get("change")
    worst = one["worst"].replace("_", " ")
    told = [worst, round(one["worst_loss"], 4), round(one["loss"], 4), round(100 * one["accuracy"])]
    if change is None:
        return [*told, "", ""]
    low, high = change["interval"] or (None, None)
    span = "too few" if low is None else f"{low:+.4f} to {high:+.4f}"
    p = round(change["p_holm"], 3) if "p_holm" in change else ""
    return [*told, f"{change['difference']:+.4f} ({span})", p]


@click.command("export-model")
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(["hf", "gguf", "adapter"]), default="hf", show_default=True)
@click.option("--model", help="Which model (default: the last one).")
@click.option("--weights", help="hf: f32 (default), f16, bf16; gguf: f16 (default), f32, q8_0.")
@click.option(
    "--converter", type=click.Path(path_type=Path), help="llama.cpp's convert_hf_to_gguf.py, to be used for GGUF."
)
@json_option
def export_model(
    out: Path, form: str, model: str | None, weights: str | None, converter: Path | None, as_json: bool
) -> None:
    """Write a model for other programs: merged into its base, as GGUF, or the adapter alone."""
    from curator import tuning
    from curator.workspace import Workspace

    with progress() as bar:
        told = tuning.export_model(Workspace.find(), out, form, model, weights, converter, bar)
    if as_json:
        return show_json(asdict(told) | {"path": short_path(told.path)})
    say(f"{short_path(told.path)}: {told.form}{' ' + told.weights if told.weights else ''}, {told.bytes / 1e6:,.1f} MB")
    if told.merged is not None:
        say(
            f"Merged and adapter agree: on {told.prompts} prompts ({told.tokens} tokens) their logits differ by at most"
            f" {told.merged:.2g}, where the standard deviation is {told.spread:.2g}."
        )
    if told.stored is not None:
        say(
            f"Read back from disk: at most {told.stored:.2g}; the likeliest token is the same at"
            f" {100 * (told.likeliest or 0):.1f} % of the places."
        )
    elif told.form == "gguf":
        say("It was written by llama.cpp's converter and not read back here.")
    return None


def show_preferred(made: "Preferred", as_json: bool) -> None:
    """Print what a training on preferences left: the losses of each epoch, and the pairs that it gets right."""
    told = made.told
    if as_json:
        return show_json(told | {"model": made.folder.name, "seconds": round(made.seconds, 1), "reused": made.reused})
    columns = [[round(loss, 4) for loss in told[name]] for name in ("train_loss", "validation_loss")]
    epochs = range(1, len(columns[0]) + 1)
    show_table(["epoch", "loss on train", "on validation"], list(zip_longest(epochs, *columns, fillvalue="–")))
    again = "; trained before with the same settings" if made.reused else ""
    say(f"Model {made.folder.name}: epoch {told['best_epoch']} is kept; {told['rows']['train']} pairs{again}")
    for why, ids in told["refused"].items():
        if ids:
            say(f"{len(ids)} rows give no pair to learn from ({why}): {', '.join(ids[:5])}")
    if (first := told["first_preferred"]) is not None:
        say(f"The first of the two answers was preferred in {100 * first:.0f} % of the training pairs.")
    if (held := told["validation"]) is None:
        say("There were no validation pairs, so nothing says whether it learned anything.")
        return None
    for name, what in (("base", "before"), ("tuned", "after")):
        say(f"Preferred answer the likelier one, {what}: {_share(held['likelier'][name])}")
    say(f"Reward higher for it (before training no reward differs; chance is 50 %): {_share(held['reward_accuracy'])}")
    return None


def _share(part: dict[str, Any]) -> str:
    ends = part["interval"]
    span = f"95 % {100 * ends[0]:.0f} to {100 * ends[1]:.0f} %" if ends else "too few scenarios for an interval"
    return f"{100 * part['share']:.0f} % of {part['n']} ({span})"


COMMANDS = [sweep, export_model]
