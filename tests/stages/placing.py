"""Frames with vectors placed by hand: angles in degrees on a circle, so that a cosine can be read off."""

import math
from typing import Any

import polars as pl

from tests.conftest import rows

PARTS = ("situation", "context", "analysis")


def at(degrees: float) -> list[float]:
    """A unit vector; two that are 8, 16, 23, 26 and 60 degrees apart are .990, .961, .921, .899 and .5 alike."""
    turned = math.radians(degrees)
    return [math.cos(turned), math.sin(turned), 0.0]


def placed(**told: dict[str, Any]) -> pl.DataFrame:
    """Build a frame of examples with vectors: `situation`, `context` and `analysis` in degrees, 0 if left out.

    Texts say from where, unless they are given.
    Scenarios are named by `scenario`; `group` is the scenario unless it is given; `voices` is 1.
    """
    angles = {id: {part: one.get(f"_{part}", 0.0) for part in PARTS} for id, one in told.items()}
    extra = {"group", "voices", "split", "_flags"}
    words = {id: {part: f"Seen from {angle:06.2f}." for part, angle in parts.items()} for id, parts in angles.items()}
    told = {id: {**words[id], **one} for id, one in told.items()}
    plain = rows(**{id: {k: v for k, v in one.items() if k not in extra and k[0] != "_"} for id, one in told.items()})
    named = [one.get("scenario", "s") for one in told.values()]
    added: list[pl.Series] = [
        pl.Series("scenario", named, pl.String()),
        pl.Series(
            "group", [one.get("group", name) for one, name in zip(told.values(), named, strict=True)], pl.String()
        ),
        pl.Series("voices", [one.get("voices", 1) for one in told.values()], pl.Int64()),
    ]
    for name, kind in (("split", pl.String()), ("_flags", pl.UInt32())):
        if any(name in one for one in told.values()):
            added.append(pl.Series(name, [one.get(name) for one in told.values()], kind))
    for part in PARTS:
        vectors = [at(angles[id][part]) for id in told]
        added.append(pl.Series(f"_{part}", vectors, pl.Array(pl.Float32, 3)))
    return plain.with_columns(added)
