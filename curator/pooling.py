"""Another team's workspace, pooled into this one: their answers come over redacted, under their own pseudonyms."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from curator.engines import Local
from curator.errors import UsageError
from curator.example import Answer
from curator.files import canonical
from curator.pack import Pack
from curator.pipeline import known_to, run
from curator.progress import Progress, counted, one_piece, quiet
from curator.recipe import Recipe, load_recipe, parse_recipe
from curator.store import Deleted, Fetched, Intake, Refused
from curator.workspace import Workspace

TIDY = ("normalise", "redact")  # what is done with their answers over there, before anything comes here
USUAL = '[[step]]\nuse = "normalise"\n\n[[step]]\nuse = "redact"\nnames = "off"\n'


@dataclass(frozen=True)
class Pooled:
    """What another workspace brought: the counts of this store, and how many answers stayed there for consent."""

    source: str
    intake: Intake
    without_consent: int


def pool(workspace: Workspace, folder: Path, source: str | None = None, progress: Progress = quiet) -> Pooled:
    """Take the standing answers of the workspace in `folder` into this one; taking them again changes nothing.

    Their stages redact them with their key and their list of people, so that neither names nor e-mails come over. Who
    withdrew there, or did not agree to what training needs, stays out; answers that are gone since leave here, too.
    Ids hang on `source` (default: the other workspace's name) and their ids, never on the order of pooling.
    UsageError for this very workspace, another pack, or a name under which another workspace was pooled before.
    """
    other = Workspace.find(folder)
    if not (folder / "curator.toml").is_file() or other.root.resolve() == workspace.root.resolve():
        raise UsageError(f"{folder} is not another team's workspace. Give the folder that holds its curator.toml.")
    if other.pack.name != workspace.pack.name:
        raise UsageError(
            f"{folder.name} judges by the pack {other.pack.name!r}, this workspace by {workspace.pack.name!r}. Nothing"
            " was pooled: answers to different questions are not one set."
        )
    with other.store() as theirs:
        rows, people = theirs.examples(), theirs.people()
    given = known_to(other, people, progress)
    refused = [mark for mark, purposes in given.consents.items() if not {"analyse", "train"} <= set(purposes)]
    agreed = rows.filter(~pl.col("annotator").is_in(refused))
    for step in _tidying(other).steps:
        with one_piece(progress, step.name):
            agreed = run(Local(), step, agreed, given).rows
    name = f"pool:{source or other.config.name}"
    found = [_fetched(row, other.pack) for row in agreed.iter_rows(named=True)]
    mark = (other.hidden / "id").read_text("ascii").strip()
    with workspace.store() as store:
        if store.cursor(name) not in (None, mark):
            raise UsageError(
                f"Another workspace was pooled as {name.removeprefix('pool:')!r} before. Nothing was changed; give this"
                " one a name of its own with --source."
            )
        gone = sorted(store.records(name) - {one.record for one in found})
        records: list[Fetched | Refused | Deleted] = [*found, *(Deleted(record) for record in gone)]
        intake = store.take(name, counted(records, progress, f"storing {name}", len(records)), mark)
    return Pooled(name, intake, rows.height - agreed.height)


def _tidying(other: Workspace) -> Recipe:
    if not other.recipe.exists():
        return parse_recipe(USUAL)
    steps = tuple(step for step in load_recipe(other.recipe).steps if step.name in TIDY)
    return Recipe(steps) if any(step.name == "redact" for step in steps) else parse_recipe(USUAL)


def _fetched(row: dict[str, Any], pack: Pack) -> Fetched:
    told = {name: value for name, value in row.items() if name in Answer.model_fields and value is not None}
    answer = Answer(**told | {"extra": _asked(row["extra"], pack)})
    return Fetched(row["id"], canonical(answer.model_dump(mode="json")), answer)


def _asked(extra: str | None, pack: Pack) -> dict[str, Any]:
    """Keep of `extra` what the pack asks for: nothing else was redacted."""
    return {name: value for name, value in json.loads(extra or "{}").items() if name in pack.fields}
