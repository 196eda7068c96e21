"""Commands about the edge of a duplicate: what another threshold would change, and which one is right."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from curator.console import json_option, plain, progress, say, short_path, show_json, show_table

if TYPE_CHECKING:
    from curator.thresholds import Judged, Pair

SHOWN = 20


@click.command()
@click.argument("threshold", type=float)
@click.option("--dataset", help="Which dataset (default: the last one).")
@json_option
def near(threshold: float, dataset: str | None, as_json: bool) -> None:
    """Say which answers would count as duplicates if THRESHOLD (a cosine such as 0.85) were the recipe's."""
    from curator.dataset import Dataset
    from curator.thresholds import near as look
    from curator.workspace import Workspace

    here = Workspace.find()
    with progress() as bar:
        told = look(Dataset.find(here.datasets, dataset), threshold, here.config.embedder, here.cache, bar)
    if as_json:
        return show_json(asdict(told))
    say(
        f"{told.dataset} merged {told.merged_before} at {told.was:g}; at {threshold:g} it would be {told.merged_after}."
    )
    rows = [["would leave", m.id, m.twin, f"{m.alike:.3f}"] for m in told.more]
    rows += [["would stay", m.id, m.twin, f"{m.alike:.3f}"] for m in told.back]
    if rows:
        show_table(["", "answer", "covered by", "alike"], rows[:SHOWN])
    if len(rows) > SHOWN:
        say(f"… and {len(rows) - SHOWN} more; --json lists all of them.")
    return None


@click.command()
@click.option("--count", default=40, show_default=True, help="How many pairs to judge.")
@click.option("--precision", default=0.8, show_default=True, help="The least share of merged pairs that must be same.")
@click.option("--sheet", type=click.Path(path_type=Path), help="Write the pairs to this CSV file, to be filled in.")
@click.option("--judged", type=click.Path(path_type=Path), help="Read the judgements from such a file.")
@click.option("--write", is_flag=True, help="Put the threshold that comes out into the recipe.")
@click.option("--dataset", help="Which dataset (default: the last one).")
@json_option
def threshold(
    count: int,
    precision: float,
    sheet: Path | None,
    judged: Path | None,
    write: bool,
    dataset: str | None,
    as_json: bool,
) -> None:
    """Find from which cosine analyses say the same: judge forty pairs around the edge, here or in a file."""
    from curator import thresholds
    from curator.dataset import Dataset
    from curator.files import read
    from curator.formats import write_csv
    from curator.workspace import Workspace

    here = Workspace.find()
    found = Dataset.find(here.datasets, dataset)
    now = thresholds.in_force(found)
    with progress() as bar:
        pairs = thresholds.pairs_to_judge(found, here.config.embedder, here.cache, count, bar)
    if sheet:
        write_csv(sheet, [asdict(pair) | {"same": ""} for pair in pairs])
        say(f"{len(pairs)} pairs: {short_path(sheet)}. Write yes or no under `same`, then:")
        say(f"curator threshold --judged {short_path(sheet)}")
        return None
    notes = here.hidden / "judged.jsonl"
    told = thresholds.read_judged(read(judged), pairs) if judged else _ask(pairs, notes)
    settled = thresholds.settle(told, now, precision)
    if write and settled.threshold is not None:
        thresholds.write_threshold(here.recipe, settled.threshold)
    if as_json:
        return show_json(asdict(settled) | {"in_force": now, "written": write and settled.threshold is not None})
    shares = [("in force", now, settled.now)]
    shares += [("supported", settled.threshold, settled.above)] if settled.threshold is not None else []
    show_table(
        ["threshold", "cosine", "judged pairs above it", "of these the same", "proven (95 %)"],
        [
            [name, f"{cosine:g}", share.of, "–" if share.share is None else f"{share.share:.0%}", _least(share.low)]
            for name, cosine, share in shares
        ],
    )
    if settled.threshold is None:
        say(f"{settled.judged} pairs were judged; {settled.why}")
    elif write:
        say(f"{short_path(here.recipe)} now says: analysis = {settled.threshold:g}. Next: curator curate")
    else:
        say(f'For the recipe, under use = "duplicates": analysis = {settled.threshold:g} (--write puts it there).')
    return None


def _least(low: float | None) -> str:
    return "–" if low is None else f"at least {low:.0%}"


def _ask(pairs: list["Pair"], notes: Path) -> list["Judged"]:
    """Ask about each pair that was not judged before; every answer is kept at once."""
    from curator import thresholds

    told = thresholds.remembered(notes, pairs)
    known = {(one.a, one.b) for one in told}
    left = [pair for pair in pairs if (pair.a, pair.b) not in known]
    for n, pair in enumerate(left, len(known) + 1):
        click.echo(f"\n{n} of {len(pairs)} · {plain(pair.situation)}\n", err=True)
        click.echo(f"  A  {plain(pair.first)}\n\n  B  {plain(pair.second)}\n", err=True)
        said = click.prompt(
            "Do A and B say the same? (y)es, (n)o, (s)kip, (q)uit",
            type=click.Choice(["y", "n", "s", "q"]),
            show_choices=False,
            err=True,
        )
        if said == "q":
            break
        if said != "s":
            told.append(thresholds.Judged(pair.a, pair.b, pair.alike, said == "y"))
            thresholds.remember(notes, told[-1])
    return told


COMMANDS = [near, threshold]
