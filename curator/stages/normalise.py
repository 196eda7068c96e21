"""normalise: the same text always written the same way."""

import polars as pl

from curator.example import TEXTS
from curator.stage import Outcome, decide, stage

INVISIBLE = "[\u200b\u2060\ufeff\u00ad]"  # joiners (200c, 200d) and direction marks stay: scripts and emoji need them
CONTROL = "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"
LABELS = ("stakeholder", "verdict", "domain", "team")


@stage("row")
def normalise(rows: pl.DataFrame) -> Outcome:
    """Write texts in Unicode NFC with plain line ends and no invisible characters, and labels in lower_snake_case."""
    tidy = rows.with_columns(
        *(_text(name).alias(name) for name in TEXTS if name in rows.columns),
        *(as_label(pl.col(name)).alias(name) for name in LABELS if name in rows.columns),
    )
    looked = [name for name in (*TEXTS, *LABELS) if name in rows.columns]
    changed = pl.concat_list(
        pl.when(pl.col(name).ne_missing(pl.col("_was_" + name))).then(pl.lit(name)) for name in looked
    ).list.drop_nulls()
    both = tidy.with_columns(rows[name].alias("_was_" + name) for name in looked)
    both = both.with_columns(changed.alias("_changed")).filter(pl.col("_changed").list.len() > 0)
    because = pl.format("spacing, line ends or Unicode form of {}", pl.col("_changed").list.join(", "))
    return Outcome(tidy, decide(both, "edit", "written another way", because))


def _text(name: str) -> pl.Expr:
    text = pl.col(name).str.replace_all("\r\n?", "\n").str.replace_all(INVISIBLE, "").str.replace_all(CONTROL, "")
    text = text.str.normalize("NFC").str.replace_all(r"[ \t\u00a0]+\n", "\n").str.replace_all("\n{3,}", "\n\n")
    return text.str.strip_chars()


def as_label(words: pl.Expr) -> pl.Expr:
    """Return verdicts, roles and the like as they are stored: NFKC, small letters, `_` for spaces and hyphens."""
    label = words.str.replace_all(INVISIBLE, "").str.normalize("NFKC").str.strip_chars().str.to_lowercase()
    return label.str.replace_all(r"[\s\-]+", "_")
