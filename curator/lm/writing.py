"""A model's answers as they are written, token by token, several at once; what their questions share is read once."""

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from curator.lm.tree import shared
from curator.offline import torch

LOOP = 8  # tokens; a small model that always takes the likeliest token soon goes in circles
MOST = 160  # tokens of an answer

Pick = Callable[[torch.Tensor], list[int]]  # (answers, vocabulary) of logits -> the next token of each


def likeliest(logits: torch.Tensor) -> list[int]:
    """Return the likeliest token of each answer."""
    return [int(token) for token in logits.argmax(-1)]


def by_chance(temperature: float, seed: int | None = None) -> Pick:
    """Return how to draw the next tokens: at temperature 0 the likeliest, at 1 as probable as the model says."""
    if temperature <= 0:
        return likeliest
    chance = torch.Generator()
    if seed is None:
        chance.seed()
    else:
        chance.manual_seed(seed)

    def pick(logits: torch.Tensor) -> list[int]:
        shares = torch.softmax(logits.double() / temperature, -1)
        return [int(token) for token in torch.multinomial(shares, 1, generator=chance)[:, 0]]

    return pick


@dataclass(frozen=True)
class Prefix:
    """Tokens with which several questions begin, and what the model keeps of having read them."""

    ids: list[int]
    cache: Any


def read(model: Any, questions: Sequence[Sequence[int]]) -> Prefix:
    """Return what the questions share, read once; the last token of each is left to be read with its answer."""
    first = questions[0]
    length = min([len(first) - 1, *(min(shared(first, other), len(other) - 1) for other in questions[1:])])
    ids = list(first[:length])
    if not ids:
        return Prefix(ids, None)
    with torch.no_grad():
        return Prefix(ids, model(input_ids=torch.tensor([ids]), use_cache=True).past_key_values)


def write(
    model: Any,
    questions: Sequence[Sequence[int]],
    stop: int,
    most: int = MOST,
    prefix: Prefix | None = None,
    pick: Pick = likeliest,
) -> Iterator[list[tuple[int, int]]]:
    """Yield the next token of each answer that goes on, with the number of its question.

    An answer ends with `stop`, which is yielded, or after `most` tokens. No run of `LOOP` tokens is written twice.
    """
    prefix = prefix or read(model, questions)
    rests = [list(question[len(prefix.ids) :]) for question in questions]
    wide = max(map(len, rests))
    pads = [wide - len(rest) for rest in rests]
    ids = torch.tensor([[stop] * pad + rest for pad, rest in zip(pads, rests, strict=True)])
    seen = torch.tensor([[1] * len(prefix.ids) + [0] * pad + [1] * (wide - pad) for pad in pads])
    places = (seen.cumsum(-1) - 1).clamp(min=0)[:, -wide:]  # a pad's place does not count: nothing sees it
    cache = copy.deepcopy(prefix.cache)
    if cache is not None and len(questions) > 1:
        cache.batch_repeat_interleave(len(questions))
    loops = [_Loops(question) for question in questions]
    going = set(range(len(questions)))
    for _ in range(most):
        with torch.no_grad():
            said = model(input_ids=ids, attention_mask=seen, position_ids=places, past_key_values=cache, use_cache=True)
        cache, logits = said.past_key_values, said.logits[:, -1].float()
        for number in going:
            logits[number, loops[number].barred()] = float("-inf")
        tokens = pick(logits)
        for number in going:
            loops[number].add(tokens[number])
        yield [(number, tokens[number]) for number in sorted(going)]
        going -= {number for number in going if tokens[number] == stop}
        if not going:
            return
        ids = torch.tensor([[token if number in going else stop] for number, token in enumerate(tokens)])
        seen = torch.cat([seen, torch.ones_like(ids)], -1)
        places = places[:, -1:] + 1


class _Loops:
    """Which tokens would write a run of `LOOP` tokens for the second time, its question's own runs among them."""

    def __init__(self, question: Sequence[int]) -> None:
        self._last: list[int] = []
        self._next: dict[tuple[int, ...], list[int]] = {}
        for token in question:
            self.add(token)

    def add(self, token: int) -> None:
        if len(self._last) == LOOP - 1:
            self._next.setdefault(tuple(self._last), []).append(token)
        self._last = [*self._last, token][-(LOOP - 1) :]

    def barred(self) -> list[int]:
        return self._next.get(tuple(self._last), [])


class Text:
    """An answer's text as it grows: a character that is not whole yet waits for its other tokens."""

    def __init__(self, tokenizer: Any, begun: Sequence[int] = ()) -> None:
        self._tokenizer, self._ids, self.whole = tokenizer, list(begun), ""

    def add(self, tokens: Sequence[int] = (), *, last: bool = False) -> str:
        """Return what these tokens add to the text."""
        self._ids += tokens
        text = str(self._tokenizer.decode(self._ids, skip_special_tokens=False))
        if text.endswith("\ufffd") and not last:
            return ""
        before, self.whole = len(self.whole), text
        return text[before:]
