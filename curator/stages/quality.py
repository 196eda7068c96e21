"""quality: answers that deserve a second look. Flags, not drops, unless the recipe says so."""

import numpy as np
import polars as pl

from curator.errors import RecipeError, nearest
from curator.maths.grouped import Groups, join_groups
from curator.maths.neighbours import Vectors
from curator.maths.selection import Floats
from curator.phrases import Ints, only_one_uses, shared, speaks_for, words
from curator.stage import Outcome, drop_where, flag_where, merge, stage

REASONS = [
    "off topic",
    "copied between scenarios",
    "copied from the scenario",
    "written by a model",
    "says little",
    "short for its scenario",
    "one person's flood",
    "one person's phrase",
    "reads like another verdict",
]
NEEDED = ["id", "annotator", "group", "verdict", "origin"]
PART = 16_384  # rows


@stage("corpus", after=["embed", "scenarios"])
def quality(
    rows: pl.DataFrame,
    *,
    on_topic: float = 0.15,
    copied: float = 0.95,
    copies: int = 1,
    quoted: float = 0.8,
    little: int = 12,
    short: float = 0.2,
    flood: float = 0.35,
    phrase: int = 6,
    another_verdict: float | None = None,
    drop: list[str] | None = None,
) -> Outcome:
    """Flag answers that are off topic, copied, written by a model, thin, one person's flood or one person's phrase.

    `on_topic` is the least cosine between an analysis and its situation, its context or what somebody else wrote
    about the same group (a thoughtful answer may share no word with the scenario, but somebody thinks alike); `copied`
    the cosine from which one person's analyses of different scenarios count as the same, and `copies` how many such
    are too many; `quoted` the share of runs of four words that may stand in the scenario; `little` is words, and
    `short` the share of the median of what others wrote about the same group; `flood` the share of the whole set that
    one person may write; `phrase` in how many scenarios one person may use what nobody else says. `another_verdict`,
    off by default because it finds little (docs/LOG.md), is how sure the words of other people must make it that the
    verdict is another, for example 0.97. Reasons named in `drop` take the row out.
    Who disagrees with the others is never flagged for it: a viewpoint is not noise.
    """
    for reason in drop or []:
        if reason not in REASONS:
            raise RecipeError(f"Stage 'quality' cannot drop {reason!r}. {nearest(reason, REASONS)}")
    if rows.is_empty():
        return Outcome(rows)
    counted = rows.select(
        *NEEDED,
        pl.col("analysis").str.count_matches(r"\S+").alias("_words"),
        (pl.len().over("annotator") / pl.len()).alias("_share"),
    )
    told, analysis = _told(rows), words(rows["analysis"])
    scenarios = told.unique(maintain_order=True)
    which = told.replace_strict(scenarios, np.arange(len(scenarios)), return_dtype=pl.Int64).to_numpy()
    beside = words(scenarios)
    judged = counted.with_columns(
        pl.Series("_topic", _closeness(rows, on_topic).round(4)),
        pl.Series("_copies", _copies(rows, copied), pl.Int64()),
        pl.Series("_quoted", shared(analysis, beside, which)),
        *_phrases(rows, (analysis, beside, which), phrase),
        *_other_verdict(rows, another_verdict),
        _usual(counted, short, little),
    )
    people = rows["annotator"].n_unique()
    thin = pl.col("_words") < little
    rules = {
        "off topic": pl.col("_topic") < on_topic,
        "copied between scenarios": pl.col("_copies") >= copies,
        "copied from the scenario": pl.col("_quoted") >= quoted,
        "written by a model": pl.col("origin") == "model",
        "says little": thin,
        "short for its scenario": (pl.col("_words") < short * pl.col("_usual")) & ~thin,
        "one person's flood": (pl.col("_share") > flood) & (people > 2),
        "one person's phrase": pl.col("_phrase").is_not_null() & (people > 2),
        "reads like another verdict": pl.col("_sure") >= (2.0 if another_verdict is None else another_verdict),
    }
    percent = {name: (pl.col(name) * 100).round(1) for name in ("_share", "_quoted")}
    because = {
        "off topic": pl.format(
            "its closeness to the scenario and to all other answers is {} at most, below {}", "_topic", pl.lit(on_topic)
        ),
        "copied between scenarios": pl.format("this person wrote nearly the same about {} other scenarios", "_copies"),
        "copied from the scenario": pl.format("{} % of it stands word by word in the scenario", percent["_quoted"]),
        "written by a model": pl.lit("its origin is a model"),
        "says little": pl.format("{} words", "_words"),
        "short for its scenario": pl.format("{} words, where others wrote {}", "_words", "_usual"),
        "one person's flood": pl.format("this person wrote {} % of all answers", percent["_share"]),
        "one person's phrase": pl.format(
            "{} stands in this person's answers to {} scenarios only", "_phrase", "_often"
        ),
        "reads like another verdict": pl.format(
            "by other people's words it sits among analyses of {}; its own verdict is {} % likely",
            "_other",
            ((1 - pl.col("_sure")) * 100).round(1),
        ),
    }
    fatal = {reason: rule for reason, rule in rules.items() if reason in (drop or [])}
    light = {reason: rule for reason, rule in rules.items() if reason not in fatal}
    gone = drop_where(judged, fatal, _first_because(fatal, because)) if fatal else Outcome(judged)
    flagged = flag_where(gone.rows, light, because)
    flags = gone.rows.select("id").join(
        flagged.decisions.group_by("id").len("_flags"), on="id", how="left", maintain_order="left"
    )
    kept = rows.filter(pl.Series(~judged["id"].is_in(gone.dropped["id"].implode()))) if len(gone.dropped) else rows
    return merge([gone, flagged], kept.with_columns(flags["_flags"].fill_null(0)))


def _first_because(rules: dict[str, pl.Expr], because: dict[str, pl.Expr]) -> pl.Expr:
    return pl.coalesce(pl.when(rule.fill_null(False)).then(because[reason]) for reason, rule in rules.items())


def _told(rows: pl.DataFrame) -> pl.Series:
    return rows.select(pl.concat_str("situation", pl.col("context").fill_null(""), separator=" . ")).to_series()


def _coded(rows: pl.DataFrame, column: str) -> Ints:
    return rows.select(pl.col(column).rank("dense").cast(pl.Int64) - 1).to_series().to_numpy()


def _phrases(rows: pl.DataFrame, said: tuple[pl.DataFrame, pl.DataFrame, Ints], least: int) -> list[pl.Series]:
    """Return the phrase in each row that only its author uses, and in how many groups; null where there is none."""
    found = only_one_uses(*said, _coded(rows, "annotator"), _coded(rows, "group"), least=least)
    named = [found.get(row, (None, None)) for row in range(len(rows))]
    quoted = [None if phrase is None else f"“{phrase}”" for phrase, _ in named]
    return [pl.Series("_phrase", quoted, pl.String()), pl.Series("_often", [n for _, n in named], pl.Int64())]


def _other_verdict(rows: pl.DataFrame, wanted: float | None) -> list[pl.Series]:
    """Return by what other people wrote the likeliest other verdict, and how sure it is that it is another."""
    if wanted is None:
        return [pl.Series("_other", [None] * len(rows), pl.String()), pl.Series("_sure", [0.0] * len(rows))]
    names = rows["verdict"].unique().sort()
    verdict = _coded(rows, "verdict")
    likely = speaks_for(rows["analysis"], _coded(rows, "annotator"), verdict, len(names)).round(4)
    sure = 1 - likely[np.arange(len(rows)), verdict]
    likely[np.arange(len(rows)), verdict] = -1.0
    return [names.gather(likely.argmax(axis=1)).alias("_other"), pl.Series("_sure", sure)]


def _usual(rows: pl.DataFrame, short: float, little: int) -> pl.Series:
    """Return the median length, in words, of what at least two other people wrote about each row's group.

    Null also where the row cannot be short beside it: it says too little anyway, or nobody wrote so much more.
    """
    told = rows.with_row_index("at").select("at", "annotator", "group", "_words")
    longest = pl.col("_words").max().over("group")
    doubtful = told.filter((pl.col("_words") >= little) & (pl.col("_words") < short * longest))
    pairs = doubtful.join(told, on="group", suffix="_other").filter(pl.col("annotator") != pl.col("annotator_other"))
    usual = pairs.group_by("at").agg(
        pl.col("_words_other").median().alias("_usual"), pl.col("annotator_other").n_unique().alias("people")
    )
    return told.join(usual.filter(pl.col("people") > 1), on="at", how="left", maintain_order="left")["_usual"]


def _closeness(rows: pl.DataFrame, least: float) -> Floats:
    """Return how alike each analysis is to its situation or its context, at most.

    Where that is below `least`, another person's analysis of the same group counts too.
    """
    analysis = rows["_analysis"].to_numpy()
    closest = np.maximum(_cosines(analysis, rows["_situation"]), _cosines(analysis, rows["_context"]))
    who, group = _coded(rows, "annotator"), _coded(rows, "group")
    order = np.argsort(group, kind="stable")
    start = np.searchsorted(group[order], np.arange(group.max() + 2))
    for at in np.flatnonzero(closest.round(4) < least):
        told = order[start[group[at]] : start[group[at] + 1]]
        told = told[who[told] != who[at]]
        alike = analysis[told].astype(np.float64) @ analysis[at].astype(np.float64)
        closest[at] = max(closest[at], alike.max(initial=-1.0))
    return closest


def _cosines(vectors: Vectors, beside: pl.Series) -> Floats:
    """Return the cosine of each vector with the one beside it, in float64, a part at a time: a copy takes room."""
    other, found = beside.to_numpy(), np.empty(len(vectors))
    for start in range(0, len(vectors), PART):
        part = slice(start, start + PART)
        found[part] = np.einsum("nd,nd->n", vectors[part].astype(np.float64), other[part])
    return found


def _copies(rows: pl.DataFrame, threshold: float) -> Ints:
    """Count for each row the other groups of scenarios about which the same person wrote nearly the same."""
    vectors, who, group = rows["_analysis"].to_numpy(), _coded(rows, "annotator"), _coded(rows, "group")
    people = np.arange(who.max() + 1)
    a, b, _ = join_groups(vectors, Groups.of(who, len(people)), people, people, threshold)
    a, b = np.concatenate([a, b]), np.concatenate([b, a])
    apart = group[a] != group[b]
    once = np.unique(a[apart] * (group.max() + 1) + group[b[apart]])
    return np.bincount(once // (group.max() + 1), minlength=len(rows))
