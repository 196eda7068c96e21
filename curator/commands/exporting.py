"""Commands that hand a dataset to other programs, and check what is handed over."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from curator.console import json_option, progress, say, short_path, show_json, show_table
from curator.wording import several

if TYPE_CHECKING:
    from curator.formats.validators import Report

SHOWN = 50  # lines with faults on a screen; all of them with --json
FORMATS = "openai, chat, trl, prompt-completion, preference, kto, sharegpt, alpaca"


@click.command()
@click.option(
    "--format", "form", default="openai", show_default=True, help=f"{FORMATS}, datasets, csv or label-studio."
)
@click.option(
    "--answers",
    default="each",
    show_default=True,
    help="each: a row for each answer; distribution: the shares of the verdicts by scenario and role; together: all"
    " perspectives on a scenario in one answer.",
)
@click.option("--split", multiple=True, help="Which splits (default: all). May be given several times.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Where to (default: exports/FORMAT, exports/FORMAT-ANSWERS)."
)
@click.option("--dataset", help="Which dataset (default: the last one).")
@json_option
def export(
    form: str, answers: str, split: tuple[str, ...], out: Path | None, dataset: str | None, as_json: bool
) -> None:
    """Write the dataset in the form that a trainer, a spreadsheet or Label Studio wants."""
    from curator.check import sign_folder
    from curator.dataset import Dataset
    from curator.formats import export as write
    from curator.permission import asked_for, check_permitted
    from curator.workspace import Workspace

    workspace = Workspace.find()
    found = Dataset.find(workspace.datasets, dataset)
    check_permitted(workspace, found, asked_for(found), "Nothing was exported")
    folder = workspace.root / "exports" / (form if answers == "each" else f"{form}-{answers}")
    made = write(found, form, list(split), out or folder, answers)
    if form == "datasets":
        sign_folder(workspace, out or folder)
    if as_json:
        parts = [{"file": str(one.path or ""), "split": one.split, "rows": one.rows, "left": one.left} for one in made]
        return show_json({"files": parts, "removed": made.removed, "notes": made.notes})
    for one in made:
        at = short_path(one.path) if one.path else f"{one.split}: no file, since it has no rows"
        say(f"{one.rows:6d} rows  {at}" + (f" ({one.left})" if one.left else ""))
    if made.removed:
        say(f"removed, since an older export had left them and they do not go with this one: {', '.join(made.removed)}")
    for note in made.notes:
        say(note)
    return None


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--format", "form", default="openai", show_default=True, help=f"{FORMATS}.")
@click.option("--tokens", type=click.IntRange(1), help="The most that a row may have (default: what the model takes).")
@json_option
def validate(file: Path, form: str, tokens: int | None, as_json: bool) -> int:
    """Check a training file: every fault by its line, and how long its rows are. Ends with 2 where there is one."""
    from curator.errors import UsageError
    from curator.formats.validators import ruler_of, words
    from curator.formats.validators import validate as check
    from curator.workspace import Workspace

    try:
        workspace = Workspace.find()
    except UsageError:
        ruler = words()
    else:
        ruler = ruler_of(workspace)
    with progress() as bar:
        report = check(file, form, ruler, tokens, bar)
    if as_json:
        show_json(report.told())
    else:
        _show(report)
    return UsageError.code if report.errors else 0


def _show(report: "Report") -> None:
    wrong = len({one.line for one in report.errors})
    found = f"errors in {several(wrong, 'line')}" if wrong else "no errors"
    say(f"{report.file} as {report.form}: {several(report.rows, 'row')}, {found}")
    if report.errors:
        show_table(["line", "error", "what"], [[one.line, one.kind, one.says] for one in report.errors[:SHOWN]])
    if len(report.errors) > SHOWN:
        say(f"and {len(report.errors) - SHOWN} more; --json names them all")
    for kind, count in Counter(one.kind for one in report.warnings).items():
        named = [one for one in report.warnings if one.kind == kind]
        lines = ", ".join(str(one.line) for one in named[:10]) + (" …" if count > 10 else "")
        say(f"warning: {kind} ({'line' if count == 1 else f'{count} lines:'} {lines}): {named[0].says}")
    if length := report.lengths_told():
        numbers = ", ".join(f"{name} {length[name]:.10g}" for name in ("min", "median", "mean", "max"))
        by = length["tokenizer"] or length["why"]
        say(f"{length['unit']} a row ({by}): {numbers}; {length['total']} in all")
        over = sum(one.kind == "too_long" for one in report.warnings)
        longer = f"{several(over, 'row')} {'is' if over == 1 else 'are'} longer"
        say(
            "limit: "
            + (f"{report.limit} {length['unit']}; {longer}" if report.limit else "none is known; --tokens gives one")
        )


COMMANDS = [export, validate]
