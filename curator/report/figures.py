"""The figures that need no script: numbers in, places on a scale from 0 to 100 out (the template draws them)."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import polars as pl

from curator.report.labels import Scales

COLUMNS = 240  # scenarios in the strip; more would be thinner than a pixel on a phone
FIELDS = 10  # domains drawn one by one


def percent(part: float, whole: float = 1.0) -> str:
    """Return a share for an SVG attribute.

    >>> percent(1, 3)
    '33.333%'
    """
    return f"{100 * part / whole if whole else 0:.3f}".rstrip("0").rstrip(".") + "%"


def segments(counts: Iterable[int], whole: float) -> list[dict[str, Any]]:
    """Return the pieces of one stacked bar: which value, how many, where it begins and how wide it is."""
    pieces, begin = [], 0
    for at, count in enumerate(counts):
        if count:
            pieces.append({"at": at, "count": count, "x": percent(begin, whole), "width": percent(count, whole)})
        begin += count
    return pieces


def strip(scenes: list[dict[str, Any]], known: Scales) -> dict[str, Any]:
    """Return one column a scenario, mild to grave, and one lane a role: who sees what how.

    A cell in which one role gave several verdicts is divided by voices. Of very many scenarios every n-th is drawn.
    """
    ranked = sorted(range(len(scenes)), key=lambda i: (scenes[i]["gravity"], scenes[i]["differ"], scenes[i]["id"]))
    every = -(-len(ranked) // COLUMNS) if ranked else 1
    drawn = ranked[every // 2 :: every]
    width = 100 / max(len(drawn), 1)
    lanes: list[dict[str, Any]] = [{"label": label, "cells": []} for label in known.roles.labels]
    for column, scene in enumerate(drawn):
        by_role: dict[int, Counter[int]] = {}
        for one in scenes[scene]["answers"]:
            by_role.setdefault(one["role"], Counter())[one["verdict"]] += one["voices"]
        for role, voices in by_role.items():
            top = 0.0
            for verdict in sorted(voices):
                share = voices[verdict] / voices.total()
                cell = {"x": column * width, "y": 100 * top, "height": 100 * share, "at": verdict, "scene": scene}
                lanes[role]["cells"].append(cell)
                top += share
    totals = [
        Counter(one["verdict"] for s in scenes for one in s["answers"] if one["role"] == r) for r in range(len(lanes))
    ]
    for lane, total in zip(lanes, totals, strict=True):
        counts = [total[v] for v in range(len(known.verdicts.keys))]
        lane |= {"counts": counts, "total": sum(counts), "bar": segments(counts, sum(counts))}
    return {"lanes": lanes, "width": width, "drawn": len(drawn), "every": every, "scenes": drawn}


def balance(kept: pl.DataFrame, gone: pl.DataFrame, decisions: pl.DataFrame, known: Scales) -> dict[str, Any]:
    """Return for each role and domain the verdicts that `balance` was given and those that are in the set."""
    left = decisions.filter((pl.col("step") == "balance") & (pl.col("action") == "drop")).select("id")
    fields = ["stakeholder", "domain", "verdict"]
    after = Counter(kept.select(fields).iter_rows())
    before = after + Counter(gone.join(left, on="id", how="semi").select(fields).iter_rows())
    shown: list[tuple[str, set[str | None]]] = [
        (label, {key}) for key, label in zip(known.domains.keys[:FIELDS], known.domains.labels, strict=False)
    ]
    rest = set(known.domains.keys[FIELDS:])
    if rest:
        shown.append((f"{len(rest)} more", {*rest}))
    if any(domain is None for _, domain, _ in before):
        shown.append(("No domain" if shown else "All", {None}))

    def row(role: str, domains: set[str | None], cells: Counter[tuple[Any, ...]]) -> list[int]:
        return [sum(cells[role, d, v] for d in domains) for v in known.verdicts.keys]

    panels: list[dict[str, Any]] = []
    for role, name in zip(known.roles.keys, known.roles.labels, strict=True):
        bars = [{"label": d, "before": row(role, keys, before), "after": row(role, keys, after)} for d, keys in shown]
        panels.append({"label": name, "bars": bars})
    most = max((sum(bar["before"]) for panel in panels for bar in panel["bars"]), default=1) or 1
    for panel in panels:
        for bar in panel["bars"]:
            bar["was"], bar["now"] = sum(bar["before"]), sum(bar["after"])
            bar["before_bar"], bar["after_bar"] = segments(bar["before"], most), segments(bar["after"], most)
    return {"panels": panels, "left": left.height}


def matrix(pairs: pl.DataFrame, known: Scales) -> dict[str, Any]:
    """Return the agreement of each pair of roles as the lower half of a square, and as a list from high to low."""
    found = {}
    for row in pairs.iter_rows(named=True):
        alpha = row["alpha"]
        cell = row | {
            "within": row["a"] == row["b"],
            "names": [known.roles.label(row["a"]), known.roles.label(row["b"])],
            "tint": None if alpha is None else min(max(int(alpha * 5 + 1), 0), 5),
            "mark": whisker(alpha, row["low"], row["high"], -0.5, 1.0),
        }
        found[frozenset((row["a"], row["b"]))] = cell
    roles = [key for key in known.roles.keys if any(key in pair for pair in found)]
    square = [[found.get(frozenset((a, b))) for b in roles[: i + 1]] for i, a in enumerate(roles)]
    ranked = sorted(
        found.values(), key=lambda c: (not c["within"], -(c["alpha"] if c["alpha"] is not None else -2), c["names"])
    )
    return {
        "roles": [known.roles.label(key) for key in roles],
        "square": square,
        "list": ranked,
        "zero": percent(0.5, 1.5),
    }


def whisker(
    value: float | None, low: float | None, high: float | None, least: float, most: float
) -> dict[str, str] | None:
    """Return where a value and its interval stand between `least` and `most`; what lies outside is clipped."""
    if value is None:
        return None

    def place(number: float) -> str:
        return percent(min(max(number, least), most) - least, most - least)

    mark = {"x": place(value)}
    if low is not None and high is not None:
        mark |= {"low": place(low), "high": place(high)}
    return mark


def curve(
    train: list[float], held: list[float], best: int | None, roles: dict[str, list[float]] | None = None
) -> dict[str, Any] | None:
    """Return the training curve: points of both losses by epoch and of each role's, and the marks of the axis."""
    losses = [*train, *held, *(loss for of_role in (roles or {}).values() for loss in of_role)]
    if not losses:
        return None
    low, high = min(losses), max(losses)
    pad = (high - low) * 0.12 or 0.1
    low, high = max(0.0, low - pad), high + pad
    epochs = max(len(train), len(held))

    def points(values: list[float]) -> list[dict[str, Any]]:
        return [
            {
                "x": percent(i + 0.5, epochs),
                "y": percent(high - value, high - low),
                "value": value,
                "epoch": i + 1,
                "best": i + 1 == best,
            }
            for i, value in enumerate(values)
        ]

    ticks = [{"y": percent(high - v, high - low), "value": v} for v in _ticks(low, high)]
    best_x = percent(best - 0.5, epochs) if best else None
    return {
        "train": points(train),
        "held": points(held),
        "roles": {role: points(losses) for role, losses in (roles or {}).items()},
        "ticks": ticks,
        "epochs": epochs,
        "best": best,
        "best_x": best_x,
    }


def _ticks(low: float, high: float) -> list[float]:
    """Return three to six round numbers between two."""
    step = 10.0
    while (high - low) / step < 3:
        step = next(s for s in (5.0, 2.0, 1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0) if s < step)
        if not step:
            return [low, high]
    first = int(low / step) + 1
    return [round(first * step + i * step, 4) for i in range(int((high - first * step) / step) + 1)]
