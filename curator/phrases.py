"""Words and phrases of texts: those that one person alone uses, what verdict they speak for, what names a theme."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

WORD = r"[\p{L}\p{N}_]+|[^\p{L}\p{N}\s_.,;:!?'\"()\[\]’‘“”…–—-]+"  # a word, or signs that are no punctuation
STEP = pl.lit(0x9E3779B97F4A7C15, pl.UInt64())  # odd, so that no bit of a mark is lost
HELD = {"row": pl.Int64(), "at": pl.UInt32(), "often": pl.UInt32(), "length": pl.Int32()}
LONGEST = 3  # words: a longer phrase holds one of three


def words(texts: pl.Series) -> pl.DataFrame:
    """Return every word of every text in order: `row` of the text, `word`, and `mark`, a number that stands for it."""
    told = pl.DataFrame({"row": np.arange(len(texts)), "word": texts.str.to_lowercase().str.extract_all(WORD)})
    return told.explode("word").drop_nulls().with_columns(pl.col("word").hash(seed=0).alias("mark"))


def phrases(told: pl.DataFrame, length: int, keep: tuple[str, ...] = ()) -> pl.DataFrame:
    """Return each run of `length` words inside one text: `row`, `at` (its first word in `told`), `mark`.

    Columns to `keep` say the same of all words of a text.
    """
    mark = pl.col("mark")
    for n in range(1, length):
        mark = mark * STEP + pl.col("mark").shift(-n)
    whole = pl.col("row") == pl.col("row").shift(1 - length)
    return (
        told.with_row_index("at").select("row", "at", mark.alias("mark"), *keep, whole.alias("whole")).filter("whole")
    )


def shared(told: pl.DataFrame, beside: pl.DataFrame, which: Ints, length: int = 4) -> Floats:
    """Return for each text the share of its runs of `length` words that stand in the text beside it too.

    `told` and `beside` are words, as `words` gives them; text n has text `which[n]` beside it.
    """
    mine, other = (phrases(side, length).select("row", "mark") for side in (told, beside))
    mine = mine.with_columns(pl.Series("beside", which[mine["row"].to_numpy()]))
    runs = np.bincount(mine["row"].to_numpy(), minlength=len(which))
    found = mine.join(other.rename({"row": "beside"}), on=["beside", "mark"], how="semi")["row"].to_numpy()
    return np.asarray(np.bincount(found, minlength=len(which)) / np.maximum(runs, 1), np.float64)


def only_one_uses(
    told: pl.DataFrame,
    beside: pl.DataFrame,
    which: Ints,
    who: Ints,
    what: Ints,
    *,
    least: int = 6,
    share: float = 0.1,
) -> dict[int, tuple[str, int]]:
    """Return the rows that hold a phrase which one person alone uses: the phrase, and in how many things they use it.

    A phrase is one to three words. It counts where a person uses it about at least `least` different things (`what`),
    which are at least `share` of all that they wrote about, and all others together in at most a tenth as many texts.
    Words of the text beside it (text `which[row]` of `beside`: what the person was writing about) make no phrase by
    themselves, nor does one that stands out because of such a word. The phrase used most is named, of those the
    longest. `told` and `beside` are words, as `words` gives them.
    """
    row = told["row"].to_numpy()
    told = told.with_columns(pl.Series("who", who[row]), pl.Series("what", what[row]))
    given = pl.DataFrame({"at": np.arange(len(told)), "row": which[row], "mark": told["mark"]})
    given = given.join(beside, on=["row", "mark"], how="semi")
    fresh = np.ones(len(told), bool)
    fresh[given["at"].to_numpy()] = False
    wrote = pl.DataFrame({"who": who, "what": what}).unique().group_by("who").len("wrote")
    often = np.ones(len(told), bool)  # whether the person uses the word often: no phrase is more frequent
    subject = np.zeros(len(told), bool)  # whether the word is rare elsewhere because of what was written about
    found = [pl.DataFrame(schema=HELD)]
    for length in range(1, LONGEST + 1):
        used = phrases(told, length, ("who", "what")).with_columns(length=pl.lit(length))
        at = used["at"].to_numpy().astype(np.int64)
        places = [at + n for n in range(length)]
        counted = _often(used.filter(pl.Series(np.logical_and.reduce([often[place] for place in places]))), least)
        if length == 1:
            known = used.join(counted, on=["mark", "who"], how="semi")["at"].to_numpy()
            often[:] = False
            often[known] = True
        lone = _alone(used, counted.join(wrote, on="who").filter(pl.col("often") >= share * pl.col("wrote")))
        held = used.join(lone, on=["mark", "who"]).select(list(HELD))
        if length == 1:
            subject[held["at"].to_numpy()] = True
            subject &= ~fresh
        at = held["at"].to_numpy().astype(np.int64)
        own = np.logical_or.reduce([fresh[at + n] for n in range(length)])
        own &= ~np.logical_or.reduce([subject[at + n] for n in range(length)])
        found.append(held.filter(pl.Series(own)))
    ranked = pl.concat(found).sort(["often", "length", "at"], descending=[True, True, False])
    named = ranked.unique("row", keep="first", maintain_order=True)
    return {
        row: (" ".join(told["word"][at : at + length].to_list()), often)
        for row, at, often, length in named.sort("row").select("row", "at", "often", "length").iter_rows()
    }


def _often(used: pl.DataFrame, least: int) -> pl.DataFrame:
    """Return the phrases that a person uses about `least` different things or more."""
    told = used.select("mark", "who", "what")
    told = told.join(told.group_by("mark", "who").len().filter(pl.col("len") >= least), on=["mark", "who"], how="semi")
    return told.unique().group_by("mark", "who").len("often").filter(pl.col("often") >= least)


def _alone(used: pl.DataFrame, counted: pl.DataFrame) -> pl.DataFrame:
    """Return those of them that all others together use in at most a tenth as many texts."""
    texts = used.join(counted.select("mark").unique(), on="mark", how="semi").select("mark", "who", "row").unique()
    told = counted.join(texts.group_by("mark").len("all"), on="mark")
    told = told.join(texts.group_by("mark", "who").len("own"), on=["mark", "who"])
    return told.filter((pl.col("all") - pl.col("own")) * 10 <= pl.col("often")).select("mark", "who", "often")


def speaks_for(texts: pl.Series, who: Ints, verdict: Ints, size: int) -> Floats:
    """Return how likely each verdict is for each text, by the phrases of other people's texts. Shape (texts, size).

    A naive Bayes model over the one to three words long phrases of at least three texts, in which a person's own texts
    never speak: their counts are taken out before they are judged. The evidence is divided by the root of the number of
    phrases, which hang together. Source: McCallum & Nigam 1998, the multi-variate Bernoulli event model, presence only.
    """
    told = words(texts)
    held = pl.concat([phrases(told, n).select("row", "mark") for n in range(1, LONGEST + 1)]).unique()
    held = held.filter(pl.len().over("mark") >= 3)
    row = held["row"].to_numpy()
    phrase = (held["mark"].rank("dense").cast(pl.Int64) - 1).to_numpy()
    total = np.zeros((int(phrase.max(initial=-1)) + 1, size))
    np.add.at(total, (phrase, verdict[row]), 1.0)
    pair, at = np.unique(phrase * (int(who.max(initial=0)) + 1) + who[row], return_inverse=True)
    mine = np.zeros((len(pair), size))
    np.add.at(mine, (at, verdict[row]), 1.0)
    texts_of = np.zeros((int(who.max(initial=0)) + 1, size))
    np.add.at(texts_of, (who, verdict), 1.0)
    others = np.bincount(verdict, minlength=size) - texts_of  # (people, size): texts by everybody else
    half = 0.5  # added to each count
    said = np.log((total[phrase] - mine[at] + half) / (others[who[row]] + half * size))
    evidence = np.stack([np.bincount(row, weights=said[:, v], minlength=len(texts)) for v in range(size)], axis=1)
    evidence = (evidence + np.log(others[who] + half)) / np.sqrt(np.bincount(row, minlength=len(texts)) + 1)[:, None]
    likely = np.exp(evidence - evidence.max(axis=1, keepdims=True))
    return np.asarray(likely / likely.sum(axis=1, keepdims=True), np.float64)


def theme_names(texts: pl.Series, theme: Ints) -> list[str]:
    """Return for each text the name of its theme: its number from 1 and the three words most typical of it.

    A word counts once a text, by how often it is in the theme times how rare it is elsewhere; what stands in one text
    alone names no theme.
    """
    words = texts.str.to_lowercase().str.extract_all(r"\p{L}{4,}").list.unique().alias("word")
    seen = pl.DataFrame([words, pl.Series("theme", theme)]).explode("word").drop_nulls()
    everywhere = seen.group_by("word").len("all").filter(pl.col("all") > 1)
    typical = (
        seen.group_by("theme", "word")
        .len("here")
        .join(everywhere, on="word")
        .with_columns((pl.col("here") * (len(texts) / pl.col("all")).log()).alias("score"))
        .sort(["theme", "score", "word"], descending=[False, True, False])
        .group_by("theme", maintain_order=True)
        .agg(pl.col("word").head(3))
    )
    label = {number: f"{number + 1}: {', '.join(words)}" for number, words in typical.iter_rows()}
    return [label.get(number, f"{number + 1}") for number in theme.tolist()]
