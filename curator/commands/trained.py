"""What `curator train` shows: what came of it, what it would take, what it would see."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from curator.console import say, show_json, show_table

if TYPE_CHECKING:
    from curator.training.preview import Preview
    from curator.training.probe import Estimate
    from curator.training.train import Trained


def show_trained(made: "Trained", as_json: bool) -> None:
    """Print the losses of each epoch, and which one is kept."""
    told: dict[str, Any] = {
        "model": made.folder.name,
        "rows": made.rows,
        "tokens": made.tokens,
        "refused": made.refused,
        "masked": made.masked,
        "train_loss": made.train_loss,
        "validation_loss": made.validation_loss,
        "stakeholder_loss": made.stakeholder_loss,
        "best_epoch": made.best_epoch,
        "seconds": round(made.seconds, 1),
        "tokens_per_second": round(made.tokens_per_second, 1),
        "resumed": made.resumed,
        "passed_over": made.passed_over,
        "reused": made.reused,
    }
    if as_json:
        return show_json(told)
    curve = [
        [n, round(loss, 4), *(_at(part, n) for part in (made.validation_loss, *made.stakeholder_loss.values()))]
        for n, loss in enumerate(made.train_loss, 1)
    ]
    roles = [role.replace("_", " ") for role in made.stakeholder_loss]
    show_table(["epoch", "loss on train", "on validation", *roles], curve)
    speed = "trained before with the same settings" if made.reused else f"{made.tokens_per_second:,.0f} tokens a second"
    say(f"Model {made.folder.name}: epoch {made.best_epoch} is kept; {made.rows} rows, {made.tokens:,} tokens, {speed}")
    if made.resumed:
        say(f"It went on from the checkpoint of step {made.resumed}.")
    for name in made.passed_over:
        say(f"The checkpoint {name} is damaged or not of this workspace and training: it was not used.")
    if made.refused:
        say(f"{len(made.refused)} rows are too long and were not used: {', '.join(made.refused[:5])}")
    if made.masked:
        say(f"{len(made.masked)} rows have an answer of weight 0 and were not used: {', '.join(made.masked[:5])}")
    return None


def _at(losses: list[float], epoch: int) -> float | str:
    return round(losses[epoch - 1], 4) if len(losses) >= epoch else "–"


def show_estimate(probed: "Estimate", as_json: bool) -> None:
    """Print what a training would take."""
    if as_json:
        return show_json(asdict(probed) | {"seconds": probed.seconds})
    left = sum(map(len, probed.left_out.values()))
    rows = [
        ["rows", f"{probed.rows:,} answers to {probed.scenarios:,} scenarios; {left} left out"],
        ["tokens", f"{probed.tokens:,}; {probed.computed:,} once each scenario is computed once"],
        ["weights that learn", f"{probed.learning:,}"],
        ["steps", f"{probed.steps:,} in {probed.epochs} epoch{'s' * (probed.epochs > 1)}"],
        ["minutes", f"{probed.seconds / 60:.1f} at most: {_minutes(probed)}"],
        ["memory", f"{probed.memory / 2**20:,.0f} MB at its peak"],
    ]
    show_table(["", f"measured on {probed.probed} steps in {probed.took:.0f} s"], rows)
    say("Nothing was trained and nothing was kept.")
    return None


def _minutes(probed: "Estimate") -> str:
    later = f", {probed.next / 60:.1f} for each one after it" if probed.epochs > 1 else ""
    return f"{probed.begin / 60:.1f} to begin, {probed.first / 60:.1f} for the first epoch{later}"


def show_preview(shown: "Preview", as_json: bool) -> None:
    """Print rows token by token, and the counts of the whole split."""
    from curator.training.preview import lines

    if as_json:
        return show_json(asdict(shown) | {"truncated": shown.truncated})
    for seen in shown.shown:
        for line in lines(seen):
            say(line)
        say()
    say("‹in the loss›, «in the loss, and tells the verdict», not|in|the|loss, ↵ a new line")
    share = 100 * shown.learned / shown.tokens
    say(f"{shown.rows:,} rows, {shown.tokens:,} tokens, {shown.learned:,} of them ({share:.0f} %) in the loss")
    reasons = {"longer than longest": "too long", "weight 0": "of weight 0", "validation": "of validation not usable"}
    counts = ", ".join(f"{len(ids)} {reasons[why]}" for why, ids in shown.left_out.items())
    say(f"{shown.truncated} rows are cut short. Left out whole: {counts}. Nothing was trained.")
    return None
