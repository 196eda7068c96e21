"""A recipe: TOML in, an ordered list of checked steps out.

[[step]]
use = "validate"
least = 20
"""

import importlib
import inspect
import pkgutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, ValidationError, create_model

from curator import stages
from curator.errors import RecipeError, nearest
from curator.stage import Stage
from curator.toml import parse_toml, read_toml


@dataclass(frozen=True)
class Step:
    """A stage with checked settings."""

    name: str
    stage: Stage
    settings: dict[str, Any]


@dataclass(frozen=True)
class Recipe:
    """An ordered list of steps."""

    steps: tuple[Step, ...]

    def resolved(self) -> list[dict[str, Any]]:
        """Return every step with every setting, defaults filled in: what a manifest keeps."""
        return [{"use": step.name, **step.settings} for step in self.steps]


def known_stages() -> list[str]:
    """Return the names of the stages that come with curator: the files in `stages/`."""
    return sorted(module.name for module in pkgutil.iter_modules(stages.__path__))


def load_recipe(path: Path) -> Recipe:
    """Read a recipe file; RecipeError says what is wrong with it and names the nearest thing that exists.

    Stages of one's own may lie beside the recipe.
    """
    if (beside := str(path.resolve().parent)) not in sys.path:
        sys.path.append(beside)
    if not path.exists():
        raise RecipeError(f"There is no recipe {path.name}. Copy the standard one with: curator init")
    return _recipe(read_toml(path, RecipeError), path.name)


def parse_recipe(text: str, name: str = "recipe") -> Recipe:
    """Check the text of a recipe and return its steps."""
    return _recipe(parse_toml(text, name, RecipeError), name)


def _recipe(said: dict[str, Any], name: str) -> Recipe:
    if odd := sorted(set(said) - {"step"}):
        raise RecipeError(f"{name}: {odd[0]!r} means nothing here. {nearest(odd[0], ['step'])}")
    listed = said.get("step")
    if not isinstance(listed, list) or not listed or not all(isinstance(entry, dict) for entry in listed):
        raise RecipeError(f'{name} has no steps. Each begins with [[step]] and a line such as: use = "validate"')
    steps = tuple(_step(entry, f"{name}, step {n}") for n, entry in enumerate(listed, 1))
    _check_order(steps, name)
    return Recipe(steps)


def _step(entry: dict[str, Any], where: str) -> Step:
    settings = dict(entry)
    use = settings.pop("use", None)
    if not isinstance(use, str):
        raise RecipeError(f'{where} does not name a stage. Add a line such as: use = "validate"')
    found = _find(use, where)
    return Step(use, found, _checked(found, use, settings, where))


def _find(use: str, where: str) -> Stage:
    place, _, word = use.partition(":")
    if word:  # a stage of the user's own: "my.module:polish"
        try:
            found = getattr(importlib.import_module(place), word, None)
        except Exception as fault:  # somebody else's module can fail in any way
            raise RecipeError(
                f"{where}: {place!r} cannot be imported: {fault}. Put it beside the recipe, or install it."
            ) from None
    elif use in known_stages():
        found = getattr(importlib.import_module(f"curator.stages.{use}"), use)
    else:
        raise RecipeError(f"{where}: there is no stage {use!r}. {nearest(use, known_stages())}")
    if not isinstance(found, Stage):
        raise RecipeError(f"{where}: {use!r} is not a stage. Put @stage('row') or @stage('corpus') above the function.")
    return found


def _checked(found: Stage, use: str, settings: dict[str, Any], where: str) -> dict[str, Any]:
    hints = inspect.get_annotations(found.function, eval_str=True)
    fields: dict[str, Any] = {
        name: (hints.get(name, Any), ... if p.default is p.empty else p.default) for name, p in found.settings.items()
    }
    for word in settings:
        if word not in fields:
            raise RecipeError(f"{where}: stage {use!r} has no setting {word!r}. {nearest(word, list(fields))}")
    shape = create_model(use.replace(":", "_"), __config__=ConfigDict(extra="forbid", allow_inf_nan=False), **fields)
    try:
        told: dict[str, Any] = shape(**settings).model_dump()
        return told
    except ValidationError as fault:
        first = fault.errors()[0]
        raise RecipeError(f"{where}: {use}.{first['loc'][0]}: {first['msg']}; given {first['input']!r}.") from None


def _check_order(steps: tuple[Step, ...], name: str) -> None:
    done: set[str] = set()
    for step in steps:
        if missing := [word for word in step.stage.after if word not in done]:
            raise RecipeError(f"{name}: {step.name!r} needs {missing[0]!r} before it. Add that step, or move it up.")
        if step.name in done:
            raise RecipeError(f"{name}: {step.name!r} stands twice. Leave one out.")
        done.add(step.name)
