"""Where a step runs. Local for now: the whole frame, here."""

from typing import Protocol

import polars as pl

from curator.recipe import Step
from curator.stage import Given, Outcome


class Engine(Protocol):
    """Applies a step to rows."""

    def apply(self, step: Step, rows: pl.DataFrame, given: Given) -> Outcome:
        """Return what the step makes of the rows."""
        ...


class Local:
    """Runs each step in this process."""

    def apply(self, step: Step, rows: pl.DataFrame, given: Given) -> Outcome:
        """Return what the step makes of the rows."""
        known = {"given": given} if step.stage.wants_given else {}
        return step.stage(rows, **known, **step.settings)
