"""consent: an answer is used for what its author agreed to, and for nothing else."""

from typing import Literal

import polars as pl

from curator.stage import Given, Outcome, drop_where, stage


@stage("row")
def consent(
    rows: pl.DataFrame,
    given: Given,
    *,
    purposes: tuple[str, ...] = ("analyse", "train"),
    unknown: Literal["keep", "drop"] = "keep",
) -> Outcome:
    """Drop answers of people who withdrew their consent or did not agree to all of `purposes`.

    People are known by pseudonym. Who was never asked, as in files without people, stays unless `unknown` is "drop".
    """
    agreed = given.consents
    withdrawn = [who for who, said in agreed.items() if not said]
    rules = {"consent withdrawn": pl.col("annotator").is_in(withdrawn)}
    for purpose in purposes:
        refused = [who for who, said in agreed.items() if purpose not in said]
        rules[f"no consent to {purpose}"] = pl.col("annotator").is_in(refused)
    nobody_asked = ~pl.col("annotator").is_in(list(agreed))
    if unknown == "drop":
        rules["no consent on record"] = nobody_asked
    outcome = drop_where(rows, rules, pl.format("{} is its author", "annotator"))
    asked = outcome.rows.select(nobody_asked.alias("_unknown").sum()).item()
    return Outcome(outcome.rows, outcome.decisions, {"unknown": int(asked)})
