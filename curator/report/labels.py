"""What things are called on the page, and in which order: all of it from the pack and the rows."""

import re
from dataclasses import dataclass
from typing import Any

import polars as pl

from curator.example import SPLITS
from curator.pack import Pack

FEWEST = 5  # people in a cell, from which they are told apart: k of k-anonymity, Sweeney 2002
SMALLER = ""  # the key of all teams that are too small to be named
SPLIT_NAMES = {
    "train": ("Training", "what the model learns from"),
    "validation": ("Validation", "watched during training, to know when to stop"),
    "test": ("Test", "never trained on; from the same fields"),
    "out_of_context": ("Out of context", "never trained on; from fields held out whole"),
}


def humanise(key: str, about: str = "") -> str:
    """Return a key as a label; letters that its description writes large stay large.

    >>> humanise("outside_expert"), humanise("hr", "an HR partner")
    ('Outside expert', 'HR')
    """
    if key.isidentifier() and re.search(rf"\b{re.escape(key.upper())}\b", about):
        return key.upper()
    words = key.replace("_", " ").strip() if key.isidentifier() else key
    return words[:1].upper() + words[1:]


@dataclass(frozen=True)
class Scale:
    """Values of one field in their order, each with a label and, where the pack tells, what it means."""

    keys: tuple[str, ...]
    labels: tuple[str, ...]
    abouts: tuple[str, ...]

    def at(self, key: str | None) -> int:
        """Return the place of a value, -1 where it has none."""
        return self.keys.index(key) if key in self.keys else -1

    def label(self, key: str | None) -> str:
        """Return the label of a value; one that is not on the scale is shown as it is."""
        place = self.at(key)
        return self.labels[place] if place >= 0 else (key or "none")

    def listed(self) -> list[dict[str, Any]]:
        """Return the values for a template or for JSON."""
        return [
            {"at": i, "label": label, "about": about}
            for i, (label, about) in enumerate(zip(self.labels, self.abouts, strict=True))
        ]


@dataclass(frozen=True)
class Scales:
    """The fields by which the report sorts and colours."""

    verdicts: Scale
    roles: Scale
    domains: Scale
    splits: Scale
    teams: Scale  # those that are large enough to be named, then the others as one


def scales(pack: Pack, rows: pl.DataFrame) -> Scales:
    """Return the order of verdicts and roles as in the pack, of domains and teams by size, of splits as they are made.

    Teams of fewer than `FEWEST` people stand together as `SMALLER`, and are not named at all where even they all are
    fewer: who knows the team would know the person.
    """
    sizes = rows.drop_nulls("domain").group_by("domain").len().sort(["len", "domain"], descending=[True, False])
    named = SPLITS if "split" in rows.columns else ()
    present = set(rows["split"]) if named else set()
    splits = tuple(name for name in named if name in present)
    domains = tuple(sizes["domain"])
    return Scales(
        verdicts=_of(pack.verdicts, rows["verdict"]),
        roles=_of(pack.stakeholders, rows["stakeholder"]),
        domains=Scale(domains, tuple(humanise(name) for name in domains), ("",) * len(domains)),
        splits=Scale(splits, *(tuple(SPLIT_NAMES[name][i] for name in splits) for i in (0, 1))),
        teams=_teams(rows),
    )


def _teams(rows: pl.DataFrame) -> Scale:
    """Return the teams whose people can hide among each other, with how many they are; the smaller ones as one."""
    told = rows.filter(pl.col("team") != "")
    people = (
        told.group_by("team").agg(pl.col("annotator").n_unique()).sort(["annotator", "team"], descending=[True, False])
    )
    named = people.filter(pl.col("annotator") >= FEWEST)
    rest = told.join(named, on="team", how="anti")["annotator"].n_unique()
    keys, sizes = named["team"].to_list(), named["annotator"].to_list()
    labels = [humanise(name) for name in keys]
    if keys and rest >= FEWEST:
        keys, sizes, labels = [*keys, SMALLER], [*sizes, rest], [*labels, "Smaller teams"]
    return Scale(tuple(keys), tuple(labels), tuple(f"{n} people" for n in sizes))


def _of(told: dict[str, str], seen: pl.Series) -> Scale:
    """Return what the pack names, then what else the rows hold (a recipe without `validate` lets it pass)."""
    whole = told | dict.fromkeys(sorted(set(seen.drop_nulls()) - set(told)), "not named in the pack")
    return Scale(tuple(whole), tuple(humanise(key, about) for key, about in whole.items()), tuple(whole.values()))
