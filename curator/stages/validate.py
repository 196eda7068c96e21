"""validate: an example must say something that can be learnt."""

import polars as pl

from curator.stage import Given, Outcome, drop_where, stage


@stage("row")
def validate(rows: pl.DataFrame, given: Given, *, least: int = 20, most: int = 20_000, words: int = 4) -> Outcome:
    """Drop answers without a usable analysis, verdict, severity or role.

    `least` and `most` are characters, `words` the fewest words; a script without spaces counts by `least` alone.
    """
    length = pl.col("analysis").str.len_chars().fill_null(0)
    count = pl.col("analysis").str.count_matches(r"\S+").fill_null(0)
    spaced = pl.col("analysis").str.contains(r"[\p{Latin}\p{Cyrillic}\p{Greek}\p{Arabic}\p{Hebrew}]")
    rules = {
        "no situation": pl.col("situation").fill_null("") == "",
        "no analysis": length == 0,
        "one word": (count == 1) & spaced,
        "too few words": (count < words) & spaced,
        "too short": length < least,
        "too long": length > most,
    }
    because = pl.format("the analysis has {} words, {} characters", count, length)
    if given.pack is not None:
        unknown = {"verdict": given.pack.verdicts, "stakeholder": given.pack.stakeholders}
        rules |= {
            f"unknown {name}": ~pl.col(name).is_in(list(known)).fill_null(False) for name, known in unknown.items()
        }
        if (scale := given.pack.severity) is not None:
            rules["severity off the scale"] = ~pl.col("severity").is_between(scale.least, scale.most)
        because = pl.format(
            "{}; verdict {}, stakeholder {}, severity {}",
            because,
            *(pl.col(name).cast(pl.String()).fill_null("missing") for name in ("verdict", "stakeholder", "severity")),
        )
    return drop_where(rows, rules, because)
