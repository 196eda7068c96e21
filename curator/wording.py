"""Counts and lists as one says them."""

from collections.abc import Sequence


def several(count: int, one: str, more: str = "") -> str:
    """Return a count with its noun.

    >>> several(1, "person", "people"), several(3, "answer")
    ('1 person', '3 answers')
    """
    return f"{count:,} {one if count == 1 else more or one + 's'}"


def listed(words: Sequence[str], last: str = "and") -> str:
    """Return words as a list in a sentence.

    >>> listed(["one", "two", "three"]), listed(["a", "b"], "or"), listed([])
    ('one, two and three', 'a or b', '')
    """
    return f" {last} ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
