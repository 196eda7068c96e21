"""agreement: who sees the same scenarios alike, within roles and between them."""

from itertools import combinations_with_replacement
from typing import Any

import numpy as np
import polars as pl

from curator.maths.agreement import (
    Counts,
    Ints,
    Kappa,
    alpha_of,
    cohen_of,
    counted,
    fleiss_of,
    krippendorff,
)
from curator.maths.annotators import agreement_with_role, kappas_with_role, kappas_with_self, self_consistency
from curator.maths.resampling import distinct
from curator.maths.variation import repeats, split_variation
from curator.stage import Given, Outcome, stage

WORDS, COUNTS = {"a", "b", "why", "kappa_why", "annotator", "with", "of", "part"}, {"scenarios", "answers", "looks"}


def _schema(columns: str) -> dict[str, pl.DataType]:
    """Return the kinds of these columns; what is neither word nor count is a number."""
    kinds = {**dict.fromkeys(WORDS, pl.String()), **dict.fromkeys(COUNTS, pl.Int64())}
    return {name: kinds.get(name, pl.Float64()) for name in columns.split()}


# `same`: the share of pairs of answers with one verdict; `kappa`: Fleiss' within a role, Cohen's between two.
PAIR = _schema("a b scenarios answers same alpha low high why kappa kappa_low kappa_high kappa_why")
PERSON = _schema("annotator with looks same low high kappa kappa_low kappa_high why")  # with: own role | self
PART = _schema("of part amount share low high scenarios why")


@stage("corpus", after=["normalise"])
def agreement(rows: pl.DataFrame, given: Given, *, draws: int = 500) -> Outcome:
    """Measure agreement on the verdict and severity with intervals, for each pair of roles; no row is touched.

    Each person counts once for a scenario, by their last answer; earlier ones say how a person agrees with themselves.
    `contested` is the share of scenarios judged by two or more roles that did not all get one verdict; `split_within`
    the same inside one role. The tables: `agreement` (pairs of roles: alpha, and Cohen's kappa between or Fleiss'
    within), `annotators` (each against their own role and against self), `variation` (how much of what differs on one
    scenario lies within a person, within a role, between roles: only the first two may be noise).
    """
    known = list(given.pack.verdicts) if given.pack else []
    labels = [*known, *sorted(set(rows["verdict"].unique().to_list()) - set(known))]
    roles, names = rows["stakeholder"].unique().sort().to_list(), rows["annotator"].unique().sort().to_list()
    scenarios, size = rows["scenario"].unique(), len(labels)
    once, again = _coded(rows, {"unit": scenarios, "who": names, "role": roles, "value": labels})
    last = pl.concat([once, again.unique(["unit", "who", "role"], keep="last")])
    cell = (_ints(last, "unit") * len(roles) + _ints(last, "role")) * size + _ints(last, "value")
    kinds, times = distinct(counted(cell, len(scenarios), len(roles) * size))
    counts = kinds.reshape(len(kinds), len(roles), size)
    pairs = [
        {"a": roles[a], "b": roles[b], **_pair(counts, times, a, b, draws)}
        for a, b in combinations_with_replacement(range(len(roles)), 2)
    ]
    whole = _twice(counts.sum(axis=1), times)
    severe = last.filter(pl.col("severity").is_not_null())
    several = (counts.sum(axis=2) > 0).sum(axis=1) > 1
    measures: dict[str, Any] = {
        "all": vars(alpha_of(*whole, draws=draws)),
        "fleiss": vars(fleiss_of(*whole, draws=draws)),
        "severity": vars(krippendorff(_ints(severe, "unit"), *_ranked(severe), level="ordinal", draws=draws)),
        "contested": _contested(counts.sum(axis=1)[several], times[several]),
        "split_within": _contested(kinds.reshape(-1, size), np.repeat(times, len(roles))),
    }
    tables = {
        "agreement": pl.DataFrame(pairs, schema=PAIR),
        "annotators": _people(last, again, names, size),
        "variation": _variation(pl.concat([once, again]), draws),
    }
    return Outcome(rows, measures=measures, tables=tables)


def _coded(rows: pl.DataFrame, words: dict[str, Any]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return numbers in the place of words: of answers that somebody gave once, and of the others in their order."""
    columns = {"unit": "scenario", "who": "annotator", "role": "stakeholder", "value": "verdict"}
    numbers = [
        pl.col(column).replace_strict(words[name], np.arange(len(words[name])), return_dtype=pl.Int64).alias(name)
        for name, column in columns.items()
    ]
    told = rows.select(*numbers, "severity", "updated_at", "created_at", "id")
    key = (_ints(told, "unit") * len(words["role"]) + _ints(told, "role")) * len(words["who"]) + _ints(told, "who")
    repeated = pl.Series(repeats(key)[1])
    again = told.filter(repeated).sort("updated_at", "created_at", "id", nulls_last=False)
    return told.filter(~repeated).select(*columns, "severity"), again.select(*columns, "severity")


def _ints(told: pl.DataFrame, name: str) -> Ints:
    return np.asarray(told[name].to_numpy(), np.int64)


def _ranked(severe: pl.DataFrame) -> tuple[Ints, int]:
    """Return the places of the severities in their order, and how many different ones there are."""
    scale, place = np.unique(_ints(severe, "severity"), return_inverse=True)
    return np.asarray(place, np.int64), len(scale)


def _twice(kinds: Counts, times: Ints) -> tuple[Counts, Ints]:
    """Return what was judged at least twice, equal counts as one."""
    judged = kinds.sum(axis=1) > 1
    return distinct(kinds[judged], times[judged])


def _pair(counts: Counts, times: Ints, a: int, b: int, draws: int) -> dict[str, Any]:
    """Compare two roles (or one with itself) on the scenarios that both judged."""
    one, other = counts[:, a], counts[:, b]
    less = int(a == b)
    pairs = one.sum(axis=1) * (other.sum(axis=1) - less)
    met = pairs > 0
    # Between roles only pairs across them say something, so each role is one voice: its own verdicts side by side.
    alike = (one * (other - less)).sum(axis=1)
    found = alpha_of(*_twice((one if less else one + other)[met], times[met]), draws=draws)
    kappa = (
        fleiss_of(*_twice(one, times), draws=draws)
        if less
        else cohen_of(*distinct(np.hstack([one, other])[met], times[met]), draws=draws)
    )
    return {
        "scenarios": int(times[met].sum()),
        "answers": found.answers,
        "same": round(float(times @ alike) / float(times @ pairs), 4) if met.any() else None,
        **{name: getattr(found, name) for name in ("alpha", "low", "high", "why")},
        **_told(kappa),
        "kappa_why": kappa.why,
    }


def _told(kappa: Kappa) -> dict[str, float | None]:
    return {"kappa": kappa.kappa, "kappa_low": kappa.low, "kappa_high": kappa.high}


def _people(last: pl.DataFrame, again: pl.DataFrame, names: list[str], size: int) -> pl.DataFrame:
    """Compare each person with the others of their role, and with what they said before from the same role."""
    n = len(names)
    unit, role, who, value = (_ints(last, name) for name in ("unit", "role", "who", "value"))
    with_role = (agreement_with_role(unit, role, who, value, n), kappas_with_role(unit, role, who, value, n, size))
    own = _ints(again, "unit") * (int(role.max(initial=0)) + 1) + _ints(again, "role")
    who, value = _ints(again, "who"), _ints(again, "value")
    with_self = (self_consistency(own, who, value, n), kappas_with_self(own, who, value, n, size))
    made = [
        {"annotator": name, "with": other, "looks": share.of, "same": share.share, "low": share.low, "high": share.high}
        | {**_told(kappa), "why": kappa.why}
        for other, (shares, kappas) in (("own role", with_role), ("self", with_self))
        for name, share, kappa in zip(names, shares, kappas, strict=True)
    ]
    return pl.DataFrame(made, schema=PERSON)


def _variation(told: pl.DataFrame, draws: int) -> pl.DataFrame:
    """Split what differs on one scenario, for verdicts as labels and for severities as an order."""
    severe = told.filter(pl.col("severity").is_not_null())
    made = []
    for name, frame, value, level in (
        ("verdict", told, _ints(told, "value"), "nominal"),
        ("severity", severe, _ranked(severe)[0], "ordinal"),
    ):
        unit, role, who = (_ints(frame, column) for column in ("unit", "role", "who"))
        parts = split_variation(unit, role, who, value.astype(np.float64), level=level, draws=draws)
        made += [{"of": name, **vars(part)} for part in parts]
    return pl.DataFrame(made, schema=PART)


def _contested(counts: Counts, times: Ints) -> dict[str, Any]:
    """Count what was judged at least twice, and what of it got more than one verdict."""
    judged = counts.sum(axis=1) > 1
    split = judged & ((counts > 0).sum(axis=1) > 1)
    of, apart = int(times[judged].sum()), int(times[split].sum())
    return {"judged": of, "contested": apart, "share": round(apart / of, 4) if of else None}
