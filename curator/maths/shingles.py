"""Which texts share their words: the exact join by Jaccard's index over word shingles.

A shingle is `words` words in a row, lower case, without punctuation; a shorter text is one shingle as a whole. What
two texts share divided by what they have together is at least t only if they share one of the rarest of each, namely
of the first s - ceil(t s) + 1 of s: all pairs that share one are looked at, and counted. (Bayardo, Ma, Srikant 2007,
https://doi.org/10.1145/1242572.1242591)
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curator.errors import UsageError
from curator.maths.copies import Copies, Indices, Pairs, ordered, spelled_out, together, with_copies

Hashes = NDArray[np.uint64]

MEMORY = 1 << 28  # bytes
EACH = 96  # bytes that looking at one candidate takes
BASE = 0x9E3779B97F4A7C1B  # odd, as all powers of a hash's base must be
FUZZ = 1e-9  # what a product of a share and a count may be off by


def join_texts(texts: Sequence[str], threshold: float, *, words: int = 3, memory: int = MEMORY) -> Pairs:
    """Return every pair i < j whose Jaccard index is at least `threshold` (above 0), as (i, j, index), ordered.

    Exact but for two different shingles with one hash of 64 bits: among 20 million that happens once in 100,000 sets.
    `memory` bounds the bytes that candidates take, beside about 100 for each word and the answer.

    >>> i, j, alike = join_texts(["He left early.", "he left early", "She stayed"], 0.5)
    >>> i.tolist(), j.tolist(), alike.tolist()
    ([0], [1], [1.0])
    """
    sets = _sets(texts, words)
    copies = sets.copies(0, len(texts))
    found = _found(sets, copies, copies, threshold, memory)
    return ordered(with_copies(found, copies, np.ones(len(copies.first)), threshold), len(texts))


def join_texts_across(
    a: Sequence[str], b: Sequence[str], threshold: float, *, words: int = 3, memory: int = MEMORY
) -> Pairs:
    """Return every pair (text of a, text of b) that is alike as in `join_texts`, ordered by text of a, then of b."""
    both = [*a, *b]
    sets = _sets(both, words)
    of_a, of_b = sets.copies(0, len(a)), sets.copies(len(a), len(both))
    i, j, alike = spelled_out(_found(sets, of_a, of_b, threshold, memory), of_a, of_b)
    return ordered((i, j - len(a), alike), len(b))


@dataclass
class _Sets:
    """Sets of numbers, the rarest number smallest: each row's in order, row by row."""

    items: Indices  # row << 32 | number
    number: Indices
    start: Indices  # of each row, and the end of the last
    size: Indices  # of each row

    @classmethod
    def of(cls, items: Indices, rows: int) -> "_Sets":
        start = np.searchsorted(items, np.arange(rows + 1) << 32)
        return cls(items, items & 0xFFFFFFFF, start, np.diff(start))

    def copies(self, first: int, last: int) -> Copies:
        """Return the rows from `first` to `last` in groups of equal sets."""
        number, size = self.number, self.size
        total = np.append(np.uint64(0), np.cumsum(_mixed(number.astype(np.uint64))))
        key = (total[self.start[1:]] - total[self.start[:-1]])[first:last]

        def equal(i: Indices, j: Indices) -> NDArray[np.bool_]:
            i, j = i + first, j + first
            same = size[i] == size[j]
            pair, place = _each(np.where(same, size[i], 0))
            differ = number[self.start[i][pair] + place] != number[self.start[j][pair] + place]
            same[pair[differ]] = False
            return np.asarray(same)

        groups = Copies.of(key, equal)
        return Copies(groups.first + first, groups.members + first, groups.start, groups.size)


def _each(counts: Indices) -> tuple[Indices, Indices]:
    """Return 0, 0, 1 ... and 0, 1, 0 ... for counts of 2, 1 ...: which one, and which of its own."""
    which = np.repeat(np.arange(len(counts)), counts)
    return which, np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)


def _mixed(numbers: Hashes) -> Hashes:
    """Return numbers so mixed that their sums and products differ (splitmix64)."""
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))


def _sets(texts: Sequence[str], words: int) -> _Sets:
    """Return the shingles of each text as numbers. A text without words is its own shingle."""
    word, length = _words(texts)
    end = np.cumsum(length)
    row, place = _each(np.maximum(length - words + 1, 1))
    at = (end - length)[row] + place
    short = length[row] < words
    shingle = np.zeros(len(at), np.uint64)
    for n in range(words):
        this = word[np.minimum(at + n, len(word) - 1)]
        this[short & (at + n >= end[row])] = 0
        shingle = _mixed(shingle + np.uint64(0x9E3779B97F4A7C15)) + this
    return _Sets.of(_numbered(row, shingle), len(texts))


def _words(texts: Sequence[str]) -> tuple[Hashes, Indices]:
    """Return the words of all texts as hashes, and how many each text has."""
    low = [text.lower() for text in texts]
    code = np.frombuffer("\n".join([*low, ""]).encode("utf-32-le", "surrogatepass"), np.uint32)
    letter = np.zeros(int(code.max(initial=0)) + 1, np.bool_)
    there = np.flatnonzero(np.bincount(code))
    letter[there] = [unicodedata.category(chr(one))[0] in "LNM" or one == ord("_") for one in there.tolist()]
    inside = letter[code]
    edges = np.flatnonzero(np.diff(inside, prepend=False))
    start, stop = edges[::2], edges[1::2]

    ends = np.cumsum(np.fromiter(map(len, low), np.int64, len(low)) + 1)  # just behind the line's end
    length = np.diff(np.searchsorted(start, ends), prepend=0)
    none = np.flatnonzero(length == 0)
    if len(none):
        start = np.append(start, np.append(0, ends)[none])
        stop = np.append(stop, ends[none] - 1)
        order = np.argsort(start, kind="stable")
        start, stop = start[order], stop[order]
        length[none] = 1

    power = np.full(len(code) + 1, BASE, np.uint64)
    power[0] = 1
    np.cumprod(power, out=power)
    total = np.zeros(len(code) + 1, np.uint64)
    np.cumsum(_mixed(np.arange(len(letter), dtype=np.uint64) + np.uint64(1))[code] * power[:-1], out=total[1:])
    back = power[len(code) - start]  # so that the same word is the same number wherever it stands
    return _mixed((total[stop] - total[start]) * back), length


def _numbered(row: Indices, shingle: Hashes) -> Indices:
    """Return row << 32 | number, sorted and once each, where the number tells how rare a shingle is."""
    order = np.argsort(shingle)
    fresh = np.append(True, shingle[order[1:]] != shingle[order[:-1]])[: len(order)]
    which = np.cumsum(fresh) - 1
    rarity = np.empty(int(fresh.sum()), np.int64)
    rarity[np.argsort(np.bincount(which), kind="stable")] = np.arange(len(rarity))
    items = np.empty(len(row), np.int64)
    items[order] = rarity[which]
    items |= row << 32
    items.sort()
    once: Indices = items[np.append(True, items[1:] != items[:-1])[: len(items)]]
    return once


def _found(sets: _Sets, of_a: Copies, of_b: Copies, threshold: float, memory: int) -> Pairs:
    """Return the pairs of different groups that are alike, by the numbers of the groups."""
    if threshold <= 0:
        raise UsageError("Texts with nothing in common are too many to list: the threshold must be above 0.")
    join = _Join(sets, of_a.first, of_b.first, threshold, of_a is of_b)
    return together(list(join.pairs(memory // EACH)))


class _Join:
    def __init__(self, sets: _Sets, a: Indices, b: Indices, threshold: float, same: bool) -> None:
        self.threshold, self.same, self.a, self.b = threshold, same, a, b
        self.size = sets.size
        wanted = np.zeros(len(self.size), np.bool_)
        wanted[a] = wanted[b] = True
        number = sets.number
        often = np.bincount(number[np.repeat(wanted, self.size)], minlength=int(number.max(initial=0)) + 1)
        shared = often[number] > 1
        place = np.arange(len(number)) - np.repeat(sets.start[:-1], self.size)
        self.sets = _Sets.of(sets.items[shared], len(self.size))  # what nobody shares only counts for the size
        self.place = place[shared]
        self.step = int(self.size.max(initial=0)) + 1
        self.bits = self._bits()
        self.others = self._entries(b)
        self.mine = self.others if same else self._entries(a)

    def _entries(self, rows: Indices) -> tuple[Indices, Indices, Indices]:
        """Return what is looked up: number and size in one, the row, the place in its set; ordered by all three."""
        within = self.sets.size[rows] >= self._least(self.size[rows])  # others share too little with anybody
        rows = rows[within]
        which, place = _each(self.sets.size[rows])
        at = self.sets.start[rows][which] + place
        row, place = rows[which], self.place[at]
        early = place <= self.size[row] - self._least(self.size[row])
        row, place, at = row[early], place[early], at[early]
        key = self.sets.number[at] * self.step + self.size[row]
        order = np.lexsort((row, key))
        return key[order], row[order], place[order]

    def _bits(self) -> Hashes:
        """Return each set as 64 bits: where two of them differ, a shingle is in one set only."""
        bits = np.zeros(len(self.size), np.uint64)
        filled = np.flatnonzero(self.sets.size)
        if len(filled):
            bit = np.uint64(1) << (self.sets.number & 63).astype(np.uint64)
            bits[filled] = np.bitwise_or.reduceat(bit, self.sets.start[filled])
        return bits

    def _least(self, size: Indices) -> Indices:
        """Return how many of a set's shingles the smallest set that is alike has, or a larger one shares."""
        least: Indices = np.ceil(self.threshold * size - FUZZ).astype(np.int64).clip(1)
        return least

    def pairs(self, budget: int) -> Iterator[Pairs]:
        """Give the pairs that are alike, from about `budget` candidates at a time."""
        key, row, place = self.mine
        size = self.size[row]
        number = key - size
        last = number + np.minimum(np.floor(size / self.threshold + FUZZ), self.step - 1).astype(np.int64)
        stop = np.searchsorted(self.others[0], last, side="right")
        start: Indices = np.arange(1, len(key) + 1)
        if not self.same:
            start = np.searchsorted(self.others[0], number + self._least(size))
        count = np.maximum(stop - start, 0)
        order = np.argsort(row, kind="stable")  # a pair may be met several times, and all of them at once
        of_row = np.bincount(row, count, minlength=len(self.size))
        batch = (np.cumsum(of_row) // max(1, budget)).astype(np.int64)[row[order]]
        for begin, end in _runs(batch):
            some = order[begin:end]
            some = some[count[some] > 0]
            which, further = _each(count[some])
            left, right = some[which], start[some][which] + further
            i, j = row[left], self.others[1][right]
            before = np.minimum(place[left], self.others[2][right])
            after = np.minimum(self.size[i] - place[left], self.size[j] - self.others[2][right])
            apart = np.bitwise_count(self.bits[i] ^ self.bits[j])
            shared = self.sets.size[i] + self.sets.size[j]
            may = np.minimum(before + after, (shared - apart) / 2) >= self._needed(i, j)
            pair = np.unique(j[may] * len(self.size) + i[may])
            yield self._counted(pair % len(self.size), pair // len(self.size))

    def _needed(self, i: Indices, j: Indices) -> NDArray[np.float64]:
        """Return how many shingles two sets must share."""
        share = self.threshold / (1 + self.threshold)
        return np.asarray(share * (self.size[i] + self.size[j]) - FUZZ)

    def _counted(self, i: Indices, j: Indices) -> Pairs:
        """Return which pairs are alike, by the numbers of their groups."""
        parts = []
        for begin, end in _runs(np.cumsum(self.sets.size[i]) >> 20):
            x, y = i[begin:end], j[begin:end]
            pair, place = _each(self.sets.size[x])
            wanted = (self.sets.number[self.sets.start[x][pair] + place]) | (y[pair] << 32)
            at = np.searchsorted(self.sets.items, wanted).clip(max=len(self.sets.items) - 1)
            both = np.bincount(pair[self.sets.items[at] == wanted], minlength=len(x))
            alike = both / (self.size[x] + self.size[y] - both)
            sure = alike >= self.threshold
            parts.append((np.searchsorted(self.a, x[sure]), np.searchsorted(self.b, y[sure]), alike[sure]))
        return together(parts)


def _runs(numbers: Indices) -> list[tuple[int, int]]:
    """Return where each run of one number begins and ends."""
    if not len(numbers):
        return []
    edges = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist()]
    return list(zip(edges, [*edges[1:], len(numbers)], strict=True))
