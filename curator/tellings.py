"""Which answers say the same about the same: compared inside a scenario and its other tellings, nowhere else."""

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from curator.maths.grouped import Groups, join_groups
from curator.maths.neighbours import Indices, Scores, join

EDGE = 0.05  # how far under its threshold two scenarios are still looked at, to be named as kept apart


class Alike(NamedTuple):
    """Pairs of rows a < b whose analyses are alike, and whether both judge one scenario (or only nearly)."""

    a: Indices
    b: Indices
    alike: Scores
    one: NDArray[np.bool_]


def alike_answers(rows: pl.DataFrame, among: Indices, scenario: float, context: float, analysis: float) -> Alike:
    """Return the pairs of the rows `among` about one scenario, or nearly one, whose analyses are `analysis` alike.

    Two scenarios are one where their identity is, or their situations and contexts are at least `scenario` and
    `context` alike (all are cosines). Work grows with the answers to each scenario, not with the square of all.
    """
    names = rows["scenario"].gather(among)
    told = pl.DataFrame({"scenario": names, "at": among}).unique("scenario", keep="first", maintain_order=True)
    number = told.select("scenario", pl.row_index("number"))
    label = names.to_frame().join(number, on="scenario", how="left", maintain_order="left")["number"]
    s, t, one = _near_scenarios(rows, told["at"].to_numpy(), scenario, context)
    itself = np.arange(len(told))
    groups = Groups.of(label.to_numpy().astype(np.int64), len(told))
    groups = Groups(among[groups.member], groups.start)
    vectors = rows["_analysis"].to_numpy()
    pairs = [
        (*join_groups(vectors, groups, g, h, analysis), same)
        for g, h, same in ((itself, itself, True), (s[one], t[one], True), (s[~one], t[~one], False))
    ]
    a, b, alike = (np.concatenate([part[n] for part in pairs]) for n in range(3))
    flags = np.concatenate([np.full(len(part[0]), part[3]) for part in pairs])
    order = np.lexsort((b, a))
    return Alike(a[order], b[order], alike[order], flags[order])


def _near_scenarios(
    rows: pl.DataFrame, at: Indices, scenario: float, context: float
) -> tuple[Indices, Indices, NDArray[np.bool_]]:
    """Return the pairs of different scenarios, told by the rows `at`, that are nearly one, and whether they are."""
    first: dict[str, int] = {}
    label = np.array([first.setdefault(text, len(first)) for text in rows["situation"].gather(at)], np.int64)
    groups = Groups.of(label, len(first))
    situations = rows["_situation"].to_numpy()[at]
    g, h, _ = join(situations[groups.member[groups.start[:-1]]], scenario - EDGE)
    itself = np.flatnonzero(np.diff(groups.start) > 1)
    s, t, alike = join_groups(
        rows["_context"].to_numpy()[at],
        groups,
        np.concatenate([g, itself]),
        np.concatenate([h, itself]),
        context - EDGE,
    )
    near = np.einsum("nd,nd->n", situations[s], situations[t])
    return s, t, (near >= scenario) & (alike >= context)
