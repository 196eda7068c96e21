"""What a stage is: rows in, `Outcome` out, nothing lost.

    @stage("row")
    def validate(rows: pl.DataFrame, *, least: int = 1) -> Outcome: ...

A stage's keyword-only arguments are its settings; an argument `given: Given` is what the workspace hands to it.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

import polars as pl

from curator.errors import UsageError
from curator.pack import Pack
from curator.progress import Progress, quiet

DECISIONS: dict[str, pl.DataType] = {
    "id": pl.String(),
    "step": pl.String(),
    "action": pl.String(),  # drop | edit | flag
    "reason": pl.String(),  # the fault in a few words, the same for all rows that have it
    "because": pl.String(),  # the evidence as a sentence
    "score": pl.Float64(),  # the same for a query; rounded so that it is the same on every machine
    "twin": pl.String(),  # the kept row that explains this one
}


@dataclass(frozen=True)
class Known:
    """A person whose name must not stand in the data."""

    name: str
    email: str = ""


def _none(name: str) -> list[tuple[str, str]]:
    raise UsageError(f"{name} cannot be read here: files that a recipe names lie beside it, in a workspace.")


@dataclass(frozen=True)
class Given:
    """What the workspace hands to a stage that asks for it."""

    key: bytes = b""  # behind the pseudonyms
    people: tuple[Known, ...] = ()
    consents: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # purposes by pseudonym; none: withdrawn
    cache: Path | None = None
    embedder: str = "all-minilm-l6-v2"
    pack: Pack | None = None
    progress: Progress = quiet
    texts: Callable[[str], list[tuple[str, str]]] = _none  # what a file beside the recipe says: (place, text)


@dataclass(frozen=True)
class Outcome:
    """What a stage leaves: the rows it keeps, what it decided about the others, what it measured.

    `tables` are small frames that the report draws (a map, a matrix); they are kept beside the examples.
    """

    rows: pl.DataFrame
    decisions: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=DECISIONS))
    measures: dict[str, Any] = field(default_factory=dict)
    tables: dict[str, pl.DataFrame] = field(default_factory=dict)

    @property
    def dropped(self) -> pl.DataFrame:
        """The decisions that take a row out."""
        return self.decisions.filter(pl.col("action") == "drop")


Function = Callable[..., Outcome]


@dataclass(frozen=True)
class Stage:
    """A function on rows, with what an engine and a recipe must know about it."""

    function: Function
    kind: Literal["row", "corpus"]  # may it see a slice, or must it see everything?
    after: tuple[str, ...]

    @property
    def name(self) -> str:
        """The word in a recipe: the name of the function, and of its file."""
        return self.function.__name__

    @property
    def settings(self) -> dict[str, inspect.Parameter]:
        """The keyword-only arguments."""
        parameters = inspect.signature(self.function).parameters.values()
        return {p.name: p for p in parameters if p.kind is p.KEYWORD_ONLY and p.name != "given"}

    @property
    def wants_given(self) -> bool:
        """Whether the stage asks for what the workspace knows."""
        return "given" in inspect.signature(self.function).parameters

    def __call__(self, rows: pl.DataFrame, **settings: Any) -> Outcome:
        """Run the function."""
        return self.function(rows, **settings)


def stage(kind: Literal["row", "corpus"], after: Sequence[str] = ()) -> Callable[[Function], Stage]:
    """Make a stage of a function: `row` when each row is judged alone, `corpus` when all must be seen."""
    return lambda function: Stage(function, kind, tuple(after))


def decide(
    ids: pl.DataFrame,
    action: Literal["drop", "edit", "flag"],
    reason: str | pl.Expr,
    because: str | pl.Expr,
    score: pl.Expr | None = None,
    twin: pl.Expr | None = None,
) -> pl.DataFrame:
    """Return one decision for each row of `ids`; the expressions look at its columns. The step's name comes later."""
    texts = {"reason": reason, "because": because}
    made = {name: pl.lit(text) if isinstance(text, str) else text for name, text in texts.items()}
    return ids.select(
        pl.col("id"),
        pl.lit(None, pl.String()).alias("step"),
        pl.lit(action).alias("action"),
        made["reason"].alias("reason"),
        made["because"].alias("because"),
        (pl.lit(None, pl.Float64()) if score is None else score.cast(pl.Float64()).round(4)).alias("score"),
        (pl.lit(None, pl.String()) if twin is None else twin).alias("twin"),
    )


def first_fault(rules: dict[str, pl.Expr]) -> pl.Expr:
    """Return the name of the first rule that a row breaks, or null."""
    name: Any = pl
    for fault, broken in rules.items():
        name = name.when(broken.fill_null(False)).then(pl.lit(fault))
    return cast(pl.Expr, name.otherwise(pl.lit(None, pl.String())))


def drop_where(rows: pl.DataFrame, rules: dict[str, pl.Expr], because: pl.Expr) -> Outcome:
    """Drop the rows that break a rule, each with the first rule that it breaks and the evidence."""
    judged = rows.with_columns(first_fault(rules).alias("_fault"), because.alias("_because"))
    gone = judged.filter(pl.col("_fault").is_not_null())
    kept = judged.filter(pl.col("_fault").is_null()).drop("_fault", "_because")
    return Outcome(kept, decide(gone, "drop", pl.col("_fault"), pl.col("_because")))


def flag_where(rows: pl.DataFrame, rules: dict[str, pl.Expr], because: dict[str, pl.Expr]) -> Outcome:
    """Keep every row and write down each rule that it breaks, with the evidence."""
    found = [
        decide(rows.filter(broken.fill_null(False)), "flag", reason, because[reason])
        for reason, broken in rules.items()
    ]
    return Outcome(rows, pl.concat(found) if found else pl.DataFrame(schema=DECISIONS))


def merge(outcomes: Sequence[Outcome], rows: pl.DataFrame) -> Outcome:
    """Join what several looks at the same rows decided; `rows` are those that remain."""
    measures = {name: value for outcome in outcomes for name, value in outcome.measures.items()}
    tables = {name: value for outcome in outcomes for name, value in outcome.tables.items()}
    return Outcome(rows, pl.concat([outcome.decisions for outcome in outcomes]), measures, tables)
