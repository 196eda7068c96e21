"""What a model repeats of the answers it learned from, word for word; pure: nothing here needs a model."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from curator.chatrows import ChatRow
from curator.pack import Pack

WORD = re.compile(r"\w+(?:['’]\w+)*")
RUN = 8  # words in a row from which on we say that a text was repeated

Grams = dict[tuple[str, ...], list[int]]


def words(text: str) -> list[str]:
    """Return the words of a text in lower case; punctuation and spaces do not count.

    >>> words("It isn't HIS, is it?")
    ['it', "isn't", 'his', 'is', 'it']
    """
    return [word.replace("’", "'") for word in WORD.findall(text.lower())]


class Written:
    """A text that a model wrote, to be held against many others: its runs of words are indexed once."""

    def __init__(self, text: str) -> None:
        """Take the text's words."""
        self.words = words(text)
        self.grams = cache(self._grams)

    def _grams(self, length: int) -> Grams:
        places: Grams = defaultdict(list)
        for place in range(len(self.words) - length + 1):
            places[tuple(self.words[place : place + length])].append(place)
        return dict(places)

    def longest(self, other: Sequence[str], least: int = 1) -> tuple[int, int]:
        """Return length and place (here) of the longest run of words shared with `other`; (0, 0) below `least`.

        Exact: a run of n + 1 words begins with a run of n, so each word of `other` only asks for one longer than the
        longest so far.
        """
        length, place = least - 1, 0
        for begin in range(len(other)):
            while begin + length < len(other):
                found = self.grams(length + 1).get(tuple(other[begin : begin + length + 1]))
                if not found:
                    break
                length, place = length + 1, found[0]
        return (length, place) if length >= least else (0, 0)

    def run(self, length: int, place: int) -> str:
        """Return some of its words as a text."""
        return " ".join(self.words[place : place + length])


def memory(
    generations: Iterable[Mapping[str, str]], train: Sequence[ChatRow], pack: Pack, run: int = RUN
) -> dict[str, Any]:
    """Return what base and tuned, in the answers that they wrote, share word for word with answers of training.

    `generations` are rows with an `id` and a text by `base` and by `tuned`. The base never saw the training rows, so
    what it shares is the base rate: ways of speaking. The form of an answer is left out, since all answers share it.
    For each model: `longest`, in words, by written answer; `repeated`, each training row with `run` or more words in a
    row, longest first. The words themselves are in the JSON only, which stays with the model.
    """
    rows, learned = list(generations), {row.id: words(analysis(row.answer, pack)) for row in train}
    found: dict[str, Any] = {"run": run, "learned": len(learned), "answers": len(rows)}
    for name in ("base", "tuned"):
        texts = {one["id"]: Written(analysis(one[name], pack)) for one in rows if name in one}
        found[name] = {
            "longest": {
                by: max((text.longest(o)[0] for o in learned.values()), default=0) for by, text in texts.items()
            },
            "repeated": [hit for by, text in texts.items() for hit in _repeated(by, text, learned, run)],
        }
    return found


def analysis(answer: str, pack: Pack) -> str:
    """Return an answer's free text: what stands where the pack's form has {analysis}; all of it without the form."""
    before, found, _ = pack.prompt.answer.partition("{analysis}")
    lead = before.rpartition("}")[2].strip()
    return answer.partition(lead)[2] or answer if found and lead else answer


def _repeated(answer: str, text: Written, learned: Mapping[str, list[str]], run: int) -> list[dict[str, Any]]:
    hits = ((name, *text.longest(other, run)) for name, other in learned.items())
    return [
        {"answer": answer, "row": name, "words": length, "text": text.run(length, place)}
        for name, length, place in sorted(hits, key=lambda hit: (-hit[1], hit[0]))
        if length
    ]


def findings(told: dict[str, Any]) -> list[str]:
    """Return one sentence on what the tuned model repeats, with a warning that names the training rows."""
    count = told["answers"]
    if not count:
        return []
    base, tuned = (max(told[name]["longest"].values(), default=0) for name in ("base", "tuned"))
    line = (
        f"In {count} written answer{'s' * (count > 1)} the longest run of words shared with a training answer is"
        f" {tuned} (of the base model, which never saw them: {base})."
    )
    rows = list(dict.fromkeys(hit["row"] for hit in told["tuned"]["repeated"]))
    if not rows:
        return [line]
    which = ", ".join(rows[:3]) + (f" and {len(rows) - 3} more" if len(rows) > 3 else "")
    several = "s" * (len(rows) > 1)
    return [f"{line} WARNING: {told['run']} words in a row or more are those of training row{several} {which}."]
