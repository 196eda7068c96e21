"""Is this worth a training? What the manifest, the rows and the tables of a dataset say of who answered and how.

A check is a function from `Evidence` to findings. It knows neither workspace nor store nor clock.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

import polars as pl

from curator.wording import several

LEAST, USUAL = 50, (100, 1_000)  # training examples: the least worth a try, and what is usual
ROLE = 24  # answers of a role: a share of them is then known to 20 points (1.96² · 0.25 / 0.2²)
CELL = 20  # answers of a role in one field of work
MOST = {"team": 0.6, "stakeholder": 0.6, "annotator": 0.25}  # share of the training examples
OPPOSED = 0.2  # share of what a role judged twice or more with verdicts at opposite ends
JUDGED = 5  # scenarios that two of a role judged, below which an interval says nothing
SAME = 0.92  # cosine from which two analyses say the same: the default of the step `duplicates`
TO_COLLECT = "push more scenarios, then curator pull, curator curate"

Level = Literal["pass", "warn", "stop"]


@dataclass(frozen=True)
class Finding:
    """One line of the check: what was found, what is wanted, why it matters and what to do next.

    `policy` marks what may not be done at all, whatever else is found.
    """

    name: str
    level: Level
    number: str
    threshold: str
    why: str
    next: str = ""
    policy: bool = False


@dataclass(frozen=True)
class Evidence:
    """All that the checks look at.

    `examples` are the dataset's rows, `tables` those of its steps by name (`agreement`, `pairs` …). `consents` holds
    what each known person agrees to today, by pseudonym. `trust` is what `[trust]` in curator.toml says, `evaluation`
    the last one of a model of this dataset. `length` counts the training tokens of one
    epoch in `unit`; `probe` says what a measured dry run found, or `refused` why there can be none.
    """

    manifest: dict[str, Any]
    examples: pl.DataFrame
    tables: dict[str, pl.DataFrame] = field(default_factory=dict)
    consents: dict[str, tuple[str, ...]] = field(default_factory=dict)
    trust: dict[str, Any] = field(default_factory=dict)
    evaluation: dict[str, Any] | None = None
    today: date = date.min
    length: int = 0
    unit: str = "tokens"
    counted_by: str = ""
    epochs: int = 1
    probe: dict[str, Any] | None = None
    refused: str = ""
    memory: int | None = None  # bytes of this machine
    prices: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def train(self) -> pl.DataFrame:
        """The rows that would be learned."""
        return self.examples.filter(pl.col("split") == "train") if "split" in self.examples.columns else self.examples

    def step(self, name: str) -> dict[str, Any] | None:
        """Return what the manifest keeps of a step, or None where the recipe has none."""
        return next((step for step in self.manifest["steps"] if step["step"] == name), None)


Check = Callable[[Evidence], Iterator[Finding]]


def percent(share: float) -> str:
    """Return a share as people read it.

    >>> percent(0.256), percent(0.004)
    ('26 %', '0.4 %')
    """
    return f"{100 * share:.0f} %" if share == 0 or share >= 0.01 else f"{100 * share:.1f} %"


def examples(given: Evidence) -> Iterator[Finding]:
    """How many examples would be learned."""
    count, wanted = given.train.height, f"{LEAST} least, {USUAL[0]} to {USUAL[1]:,} usual"
    if "split" not in given.examples.columns:
        do = "add the steps split and leaks to recipe.toml, then: curator curate"
        yield Finding("examples", "stop", "no split", wanted, "Without a split nothing says what was learned.", do)
        return
    level: Level = "stop" if count < LEAST else "warn" if count < USUAL[0] else "pass"
    short = (LEAST if count < LEAST else USUAL[0]) - count
    do = f"collect about {_to_collect(given, short)} more answers: {TO_COLLECT}" if short > 0 else ""
    if (gone := _most_left(given)) is not None:
        do = f"{gone[0]} of {gone[1]} answers left at {gone[2]} ({gone[3]}): curator dropped --step {gone[2]}"
    why = "Fewer examples teach a form, hardly a judgement." if short > 0 else "Enough for a small adapter."
    yield Finding("examples", level, several(count, "in train", "in train"), wanted, why, do)


def _to_collect(given: Evidence, short: int) -> int:
    """Return how many answers are to come until so many more are in train: others left or are held out, and will."""
    came = next((step["given"] for step in given.manifest["steps"] if "given" in step), given.examples.height)
    return math.ceil(short * max(came, 1) / given.train.height) if given.train.height else short


def _most_left(given: Evidence) -> tuple[int, int, str, str] | None:
    """Return how many of all that came left where most left, and the step and reason; None where it is not half."""
    steps = [step for step in given.manifest["steps"] if step.get("decisions")]
    left = [
        (one["rows"], step["step"], one["reason"])
        for step in steps
        for one in step["decisions"]
        if one["action"] == "drop"
    ]
    if not left:
        return None
    came = given.manifest["steps"][0]["given"]
    count, step, reason = max(left)
    return (count, came, step, reason) if 2 * count > came else None


def roles(given: Evidence) -> Iterator[Finding]:
    """The role with the fewest answers in train."""
    train = given.train
    size = dict.fromkeys(given.manifest["pack"]["stakeholders"], 0)
    size |= dict(train.group_by("stakeholder").len().iter_rows())
    role, least = min(size.items(), key=lambda one: (one[1], one[0]))
    thin = sorted((count, role) for role, count in size.items() if count < ROLE)
    do = "collect " + ", ".join(f"{ROLE - count} more from {role}" for count, role in thin) if thin else ""
    why = "The model speaks for each role, also for one that hardly spoke."
    number = f"least: {least} ({role})"
    yield Finding("answers by role", "warn" if thin else "pass", number, f"{ROLE} a role", why, do)


def cells(given: Evidence) -> Iterator[Finding]:
    """The role and field of work with the fewest answers; fields that are held out whole are not learned."""
    known = list(given.manifest["pack"]["stakeholders"])
    fields = given.train["domain"].drop_nulls().unique().sort().to_list()
    if not fields:
        return
    told = {
        (role, domain): count
        for role, domain, count in given.examples.group_by("stakeholder", "domain").len().iter_rows()
    }
    size = {(role, domain): told.get((role, domain), 0) for role in known for domain in fields}
    thin = sorted((count, role, domain) for (role, domain), count in size.items() if count < CELL)
    number = f"{len(thin)} of {len(size)} thin" if thin else f"least: {min(size.values())}"
    why = "What a role thinks in one field is not what it thinks in another."
    first = [f"{CELL - count} more from {role} in {domain}" for count, role, domain in thin[:3]]
    do = "collect " + ", ".join(first) if thin else ""
    if thin:
        number += f", least: {thin[0][0]}"
    yield Finding("answers by cell", "warn" if thin else "pass", number, f"{CELL} a role and field", why, do)


def largest_shares(given: Evidence) -> Iterator[Finding]:
    """How much of train comes from one team, one role, one person."""
    kinds = {"team": "team", "stakeholder": "role", "annotator": "person"}
    known = len(given.manifest["pack"]["stakeholders"])
    for column, word in kinds.items():
        sizes = given.train[column].drop_nulls().value_counts(sort=True).sort("count", column, descending=[True, False])
        if not len(sizes) or (column == "stakeholder" and known == 1):
            continue
        name, share = sizes[column][0], sizes["count"][0] / given.train.height
        alone = len(sizes) == 1 and column != "team"
        level: Level = "stop" if alone else "warn" if share > MOST[column] else "pass"
        why = {
            "team": "A set from one team learns that team's habits as everybody's.",
            "stakeholder": "A set labelled by management only learns management's view.",
            "annotator": "One busy person's taste is learned as their role's.",
        }[column]
        others = {"team": "another team", "stakeholder": "the other roles", "annotator": "other people"}[column]
        do = "" if level == "pass" else f"collect from {others}, or lower their share in the recipe's step balance"
        if column == "team" and share == 1:
            do = "collect from another team, or use the model in this team only"
        number = f"{percent(share)} ({name})"
        yield Finding(f"largest {word}", level, number, f"{percent(MOST[column])} at most", why, do)


def role_agreement(given: Evidence) -> Iterator[Finding]:
    """Krippendorff's alpha of the verdicts inside each role; a role whose interval reaches chance is warned of."""
    table = given.tables.get("agreement")
    if table is None:
        do = "add the step agreement to recipe.toml, then: curator curate"
        yield Finding("agreement", "warn", "not measured", "above chance", "Is there one view to be learned?", do)
        return
    for row in table.filter(pl.col("a") == pl.col("b")).sort("a").iter_rows(named=True):
        name, wanted = f"agreement: {row['a'].replace('_', ' ')}", "above 0: chance"
        if row["alpha"] is None or row["low"] is None:
            why = f"Undefined: {row['why'] or 'too few scenarios for an interval'}."
            do = f"let two of {row['a']} judge the same ten scenarios"
            number = "undefined" if row["alpha"] is None else f"{row['alpha']:.2f}, no interval"
            yield Finding(name, "warn", number, wanted, why, do)
            continue
        number = f"{row['alpha']:.2f} ({row['low']:.2f} to {row['high']:.2f}), {row['scenarios']} scenarios"
        if row["scenarios"] < JUDGED:
            why = "Too few to tell whether its members share a view."
            do = f"let two of {row['a']} judge {JUDGED - row['scenarios']} more of the same scenarios"
            yield Finding(name, "warn", number, f"{JUDGED} scenarios", why, do)
            continue
        if row["low"] > 0:
            yield Finding(name, "pass", number, wanted, "Its members share a view that can be learned.")
            continue
        why = "Its members disagree more than by chance." if row["high"] < 0 else "Chance would explain it."
        why += " A role without a shared view teaches noise."
        yield Finding(name, "warn", number, wanted, why, "talk over what curator review lists; sharpen the guidelines")


def contradictions(given: Evidence) -> Iterator[Finding]:
    """How often one role gave one scenario verdicts at opposite ends of the pack's list."""
    verdicts = list(given.manifest["pack"]["verdicts"])
    first, last = verdicts[0], verdicts[-1]
    judged = given.examples.group_by("scenario", "stakeholder").agg(pl.len(), pl.col("verdict").unique())
    judged = judged.filter(pl.col("len") > 1)
    both = judged.filter(pl.col("verdict").list.contains(first) & pl.col("verdict").list.contains(last))
    wanted = f"{percent(OPPOSED)} at most"
    if not len(judged):
        do = "let two people of a role judge the same scenarios"
        yield Finding("contradictions", "warn", "nothing to compare", wanted, "Nobody judged what another did.", do)
        return
    share = len(both) / len(judged)
    why = f"Inside one role, {first} and {last} of one scenario pull the model both ways."
    do = "curator review puts them to the role again" if share > OPPOSED else ""
    number = f"{len(both)} of {len(judged)} ({percent(share)})"
    yield Finding("contradictions", "warn" if share > OPPOSED else "pass", number, wanted, why, do)


def near_duplicates(given: Evidence) -> Iterator[Finding]:
    """Analyses that say nearly the same: from the same role and verdict they weigh twice."""
    step = given.step("duplicates")
    if step is None:
        do = "add the step duplicates to recipe.toml, then: curator curate"
        yield Finding("near-duplicates", "warn", "not looked for", "0 left", "What stands twice weighs twice.", do)
        return
    train = given.train.with_columns(pl.col("analysis").str.to_lowercase().str.replace_all(r"\W+", " ").alias("_words"))
    again = train.height - train.unique(["stakeholder", "verdict", "_words"]).height
    pairs = given.tables.get("pairs")
    apart = 0
    if pairs is not None:
        apart = pairs.filter((pl.col("kind") == "kept apart") & (pl.col("alike") >= SAME)).height
    number = f"{again} left, {step['dropped']} merged"
    why = "What stands twice weighs twice."
    if apart:
        why += f" {several(apart, 'close pair')} stayed on purpose: another verdict, role or scenario."
    do = "look at them: curator near" if again else ""
    yield Finding("near-duplicates", "warn" if again else "pass", number, "0 left", why, do)


def leaks(given: Evidence) -> Iterator[Finding]:
    """Whether anything that is asked later stands in train."""
    step, wanted = given.step("leaks"), "0 shared"
    why = "A test on what was learned deceives."
    if "split" not in given.examples.columns:
        return
    sides = given.examples.with_columns((pl.col("split") == "train").alias("_learned"))
    key = "group" if "group" in sides.columns else "scenario"
    shared = int((sides.group_by(key).agg(pl.col("_learned").n_unique())["_learned"] > 1).sum())
    if shared or step is None:
        number = f"{shared} shared" if shared else "not looked for"
        do = "add the steps scenarios and leaks to recipe.toml, then: curator curate"
        yield Finding("leaks", "stop", number, wanted, why, do)
        return
    closest = step["measures"].get("closest")
    if closest is None:
        yield Finding("leaks", "warn", "nothing to compare", wanted, "No row is left to ask.", "collect more scenarios")
        return
    limit = next((one.get("threshold", 0.9) for one in given.manifest["recipe"] if one["use"] == "leaks"), 0.9)
    number = f"0 shared, closest {closest:.2f}"
    yield Finding("leaks", "pass", number, f"{wanted}, under {limit:g}", why)


CHECKS: list[Check] = [
    *(examples, roles, cells, largest_shares, role_agreement, contradictions, near_duplicates, leaks),
]
