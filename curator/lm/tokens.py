"""Chat turns as tokens, with the model's own template. What people wrote never becomes a special token."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tokenizers import Tokenizer

from curator.chat import fill, verdict_lead, verdict_tail
from curator.chatrows import ChatRow
from curator.errors import FileError, UsageError
from curator.lm.tree import shared
from curator.pack import Pack
from curator.together import asked_of, head, in_turn, order

MARK = "\ue000{}\ue001"  # private-use characters stand for a text while its template is read
ANSWER = MARK.format("answer")
EVERYBODY = "everybody"  # stands where a row's stakeholder does, when its answer tells every perspective


@dataclass(frozen=True)
class Encoded:
    """One row: `ids` of question and answer. From `start` on they are learned; `verdict` are the places that tell.

    `answers` counts the people's answers in it: more than one where one answer tells every perspective.
    """

    row: ChatRow
    ids: list[int]
    start: int
    verdict: Sequence[int]
    answers: int = 1

    @property
    def verdict_end(self) -> int:
        """The place after the character that closes the (last) verdict."""
        return self.verdict[-1] + 1


class Encoder:
    """Turns text into tokens for one tokenizer and one pack.

    With `together`, questions are put to all roles at once, the one that is asked first.
    """

    def __init__(self, tokenizer: Any, pack: Pack, *, together: bool = False) -> None:
        """Find the token that ends an answer; UsageError where the template has none."""
        self.tokenizer, self.pack, self.together = tokenizer, pack, together
        self.added: dict[str, int] = {str(t): n for n, t in tokenizer.added_tokens_decoder.items()}
        inner = json.loads(tokenizer.backend_tokenizer.to_str())
        self._plain = Tokenizer.from_str(json.dumps(inner | {"added_tokens": [], "post_processor": None}))
        self._ends = set(self.added.values())
        self._special = re.compile("|".join(map(re.escape, sorted(self.added, key=len, reverse=True))) or r"(?!)")
        self.stop = self._stop()
        first, *others = (self.verdict(verdict) for verdict in pack.verdicts)
        self.lead = min(shared(first, other) for other in others)  # tokens with which every answer begins

    def _stop(self) -> int:
        turns = [{"role": "user", "content": "x"}, {"role": "assistant", "content": ANSWER}]
        after = self._render(turns, ask=False).partition(ANSWER)[2]
        found = self._special.match(after)
        if not found:
            raise UsageError(
                "The model's chat template does not close an answer with a special token, so a tuned model would"
                " never stop. Use an instruct model whose template does."
            )
        return self.added[found[0]]

    def _render(self, turns: list[dict[str, str]], *, ask: bool) -> str:
        from jinja2 import TemplateError

        try:
            return str(self.tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=ask))
        except TemplateError:
            if turns[0]["role"] != "system":
                raise UsageError(
                    "The model's chat template refuses a question and an answer. Use another model."
                ) from None
            joined = {"role": "user", "content": turns[0]["content"] + "\n\n" + turns[1]["content"]}
            return self._render([joined, *turns[2:]], ask=ask)  # some templates know no system turn

    def question(self, turns: list[dict[str, str]]) -> list[int]:
        """Return the tokens up to where the answer begins."""
        if not any(self._special.search(turn["content"]) for turn in turns):
            return list(self.tokenizer(self._render(turns, ask=True), add_special_tokens=False).input_ids)
        marked = [turn | {"content": MARK.format(n)} for n, turn in enumerate(turns)]
        texts = {MARK.format(n): turn["content"] for n, turn in enumerate(turns)}
        ids, stretch = [], ""
        for part in re.split(f"({'|'.join(texts)})", self._render(marked, ask=True)):
            if part in texts:
                stretch += texts[part]
                continue
            place = 0
            for special in self._special.finditer(part):
                ids += [*self.plain(stretch + part[place : special.start()]), self.added[special[0]]]
                stretch, place = "", special.end()
            stretch += part[place:]
        return ids + self.plain(stretch)

    def plain(self, text: str) -> list[int]:
        """Return the tokens of a text in which no special token is seen, whatever it spells."""
        ids = list(self._plain.encode(text, add_special_tokens=False).ids)
        if not self._ends.isdisjoint(ids):
            raise FileError(f"This tokenizer makes a special token out of plain text ({text[:40]!r}…). Take it out.")
        return ids

    def answer(self, text: str) -> list[int]:
        """Return the tokens of an answer and the one that ends it."""
        return [*self.plain(text), self.stop]

    def verdict(self, verdict: str) -> list[int]:
        """Return the tokens of an answer's beginning, up to the character that closes the verdict."""
        whole = verdict_lead(self.pack) + verdict + verdict_tail(self.pack)
        rest = fill(self.pack.prompt.answer, {"verdict": verdict})[len(whole) :].partition("{")[0]
        encoding = self._plain.encode(whole + rest, add_special_tokens=False)
        return [n for n, (begin, _) in zip(encoding.ids, encoding.offsets, strict=True) if begin < len(whole)]

    def asked(self, turns: list[dict[str, str]], stakeholder: str) -> list[int]:
        """Return the tokens up to where a stakeholder's answer begins."""
        if not self.together:
            return self.question(turns)
        every = asked_of(self.pack, turns, stakeholder, order(self.pack, stakeholder))
        return self.question(every) + self.plain(head(stakeholder))

    def row(self, row: ChatRow) -> Encoded:
        """Return a row's tokens; FileError names its file and line."""
        try:
            question = self.asked(row.question, row.stakeholder)
            answer, told = self._told(row)
        except FileError as fault:
            raise FileError(f"{row.where}: {fault}") from None
        return Encoded(row, [*question, *answer, self.stop], len(question), [len(question) + place for place in told])

    def rows(self, rows: Sequence[ChatRow]) -> Encoded:
        """Return all answers to one scenario as one; it weighs what they weigh on average."""
        turn = in_turn(rows)
        first, places = turn[0], []
        asked = asked_of(self.pack, first.question, first.stakeholder, [row.stakeholder for row in turn])
        ids = self.question(asked)
        start = len(ids)
        for number, row in enumerate(turn):
            try:
                answer, told = self._told(row)
            except FileError as fault:
                raise FileError(f"{row.where}: {fault}") from None
            ids = ids + self.plain(head(row.stakeholder, number))
            places += [len(ids) + place for place in told]
            ids += answer
        weight = sum(row.loss_weight for row in rows) / len(rows)
        message = first.messages[-1].model_copy(update={"weight": None})
        whole = first.model_copy(
            update={"stakeholder": EVERYBODY, "weight": weight, "messages": (*first.messages[:-1], message)}
        )
        return Encoded(whole, [*ids, self.stop], start, places, len(rows))

    def _told(self, row: ChatRow) -> tuple[list[int], range]:
        """Return the tokens of an answer, and where in them the verdict is told."""
        answer, verdict = self.answer(row.answer), self.verdict(row.verdict)
        if answer[: len(verdict)] != verdict or answer[-1] != self.stop:
            raise FileError(
                "the tokens of the answer do not begin with its verdict and end with a stop, so a model would not"
                " learn to say it or to end. Nothing was done; take the row out, or use another base model."
            )
        return answer[:-1], range(self.lead, len(verdict))


def encode_rows(rows: list[ChatRow], encoder: Encoder, longest: int) -> tuple[list[Encoded], list[str]]:
    """Return the rows as tokens, and the ids of those longer than `longest` tokens, which are left out whole."""
    encoded = [encoder.row(row) for row in rows]
    return [e for e in encoded if len(e.ids) <= longest], [e.row.id for e in encoded if len(e.ids) > longest]


def encode_scenarios(rows: list[ChatRow], encoder: Encoder, longest: int) -> tuple[list[Encoded], list[str]]:
    """Return each scenario's answers as one; where that is longer than `longest`, in as many parts as it takes.

    The ids are those of answers that are too long alone.
    """
    groups: dict[str, list[ChatRow]] = {}
    for row in rows:
        groups.setdefault(row.scenario, []).append(row)
    encoded, refused = [], []
    for group in groups.values():
        parts = [group]
        while parts:
            part = parts.pop()
            one = encoder.rows(part)
            if len(one.ids) <= longest:
                encoded.append(one)
            elif len(part) > 1:
                parts += [part[len(part) // 2 :], part[: len(part) // 2]]
            else:
                refused.append(part[0].id)
    return encoded, refused
