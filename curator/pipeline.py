"""The main path: rows in, every step in order, a dataset out."""

import hashlib
import hmac
import logging
from pathlib import Path

import polars as pl

from curator.dataset import Dataset, Draft
from curator.engines import Engine, Local
from curator.errors import CuratorError, StageError, UsageError
from curator.files import read, texts_of
from curator.progress import Progress, one_piece, quiet
from curator.recipe import Recipe, Step, load_recipe
from curator.stage import DECISIONS, Given, Known, Outcome
from curator.store import Person
from curator.workspace import Workspace

log = logging.getLogger("curator")


def curate(rows: pl.DataFrame, recipe: Recipe, out: Path, given: Given, engine: Engine | None = None) -> Dataset:
    """Run every step of `recipe` in order over `rows` and leave a new dataset in the folder `out`.

    The same rows, recipe and key give the same bytes. Nothing is left behind when a step fails.
    """
    if rows.is_empty():
        raise UsageError("There are no answers to curate. Bring some with: curator pull, or: curator add FILE")
    if given.pack is None:
        raise UsageError("A dataset needs a pack. Name one in curator.toml.")
    engine = engine or Local()
    rows = rows.sort("id")
    draft = Draft(recipe, rows)
    for number, step in enumerate(recipe.steps):
        given.progress("curating", number, len(recipe.steps))
        with one_piece(given.progress, step.name):
            outcome = run(engine, step, rows, given)
        check_nothing_lost(step, rows, outcome)
        draft.record(step, rows, outcome)
        log.info("%-17s %7d in %7d out", step.name, rows.height, outcome.rows.height)
        rows = outcome.rows
    given.progress("curating", len(recipe.steps), len(recipe.steps))
    mark = hmac.new(given.key, b"curator key mark", hashlib.sha256).hexdigest()[:12]
    return draft.publish(out, rows, given.pack, mark)


def run(engine: Engine, step: Step, rows: pl.DataFrame, given: Given) -> Outcome:
    """Apply one step; what goes wrong inside it names the step."""
    try:
        return engine.apply(step, rows, given)
    except CuratorError:
        raise
    except (pl.exceptions.PolarsError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as fault:
        told = f"{type(fault).__name__}: {fault}".splitlines()[0][:200]  # polars puts whole plans, texts and all, below
        raise StageError(f"Stage {step.name!r} failed: {told}. No dataset was made; the store is untouched.") from fault


def check_nothing_lost(step: Step, rows: pl.DataFrame, outcome: Outcome) -> None:
    """Hold a step to the law: each id given comes back exactly once, kept or dropped with a reason."""
    if not isinstance(outcome, Outcome):
        raise StageError(f"Stage {step.name!r} gave back {type(outcome).__name__} instead of an Outcome.")
    if "id" not in outcome.rows.columns or dict(outcome.decisions.schema) != DECISIONS:
        raise StageError(f"Stage {step.name!r} lost the column id, or its decisions have other columns than DECISIONS.")
    back = pl.concat([outcome.rows["id"], outcome.dropped["id"]])
    lost = rows["id"].filter(~rows["id"].is_in(back.implode()))
    if len(lost):
        raise StageError(
            f"Stage {step.name!r} lost {len(lost)} ids (for example {lost[0]!r}). "
            "Give every row back, or drop it with a reason."
        )
    twice = back.filter(back.is_duplicated())
    if len(twice):
        raise StageError(f"Stage {step.name!r} gave {twice[0]!r} back twice, or both kept and dropped it.")
    told = pl.concat([back, outcome.decisions["id"]])
    new = told.filter(~told.is_in(rows["id"].implode()).fill_null(False))
    if len(new):
        raise StageError(f"Stage {step.name!r} made up {len(new)} ids (for example {new[0]!r}).")
    if (outcome.dropped["reason"].fill_null("") == "").any():
        raise StageError(f"Stage {step.name!r} dropped rows without a reason.")


def curate_workspace(workspace: Workspace, recipe: Path | None = None, progress: Progress = quiet) -> Dataset:
    """Curate what the workspace's store holds, by its recipe or the one given, and return the dataset."""
    steps = load_recipe(recipe or workspace.recipe)
    with workspace.store() as store:
        rows, people = store.examples(), store.people()
    beside = (recipe or workspace.recipe).parent
    return curate(rows, steps, workspace.datasets, known_to(workspace, people, progress, beside))


def known_to(
    workspace: Workspace, people: list[Person], progress: Progress = quiet, beside: Path | None = None
) -> Given:
    """Return what a workspace with these people hands to its stages; files that a recipe names lie in `beside`."""
    return Given(
        key=workspace.key,
        people=tuple(Known(person.name or "", person.email) for person in people),
        consents={person.pseudonym: person.purposes for person in people if person.purposes is not None},
        cache=workspace.cache,
        embedder=workspace.config.embedder,
        pack=workspace.pack,
        progress=progress,
        texts=lambda name: texts_of(read((beside or workspace.root) / name)),
    )
