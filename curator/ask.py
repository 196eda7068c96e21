"""One scenario, every stakeholder, base beside tuned: as they are written, or whole."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from curator.chat import first_answer, question, verdict_lead
from curator.errors import UsageError, nearest
from curator.lm.lora import Trunk, load_adapter
from curator.lm.models import load
from curator.lm.safety import read_settings
from curator.lm.scoring import MOST, sequence_losses, softmax, switches
from curator.lm.tokens import Encoder
from curator.lm.tree import bundles
from curator.lm.writing import Pick, Prefix, Text, likeliest, read, write
from curator.pack import Pack
from curator.progress import Progress, quiet
from curator.together import own_part

LONGEST = 4096  # tokens of a question
Event = dict[str, Any]


@dataclass(frozen=True)
class Voices:
    """A base model, and an adapter on it where there is one, to be asked about one scenario after another."""

    pack: Pack
    model: Any
    encoder: Encoder
    name: str = ""  # of the adapter
    trunk: Trunk = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "trunk", Trunk(self.model))

    @classmethod
    def load(cls, pack: Pack, base: Path, adapter: Path | None) -> "Voices":
        """Load the models once; PolicyError where base, tokenizer or template are not those of the training."""
        model, tokenizer = load(base)
        if adapter is not None:
            model = load_adapter(model, adapter)
        settings = read_settings(adapter / "training.json").get("settings") if adapter else None
        together = isinstance(settings, dict) and settings.get("answers") == "together"
        return cls(pack, model, Encoder(tokenizer, pack, together=together), adapter.name if adapter else "")

    @property
    def views(self) -> list[str]:
        """`base`, and `tuned` where there is an adapter."""
        return list(switches(self.model))

    def questions(self, situation: str, context: str, roles: Sequence[str]) -> list[list[int]]:
        """Return the question to each role as tokens; UsageError where one is longer than `LONGEST`."""
        asked = []
        for role in roles:
            row = {"situation": situation, "context": context, "stakeholder": role}
            turns = [{"role": turn["role"], "content": turn["content"]} for turn in question(self.pack, row)]
            asked.append(self._short(self.encoder.asked(turns, role)))
        return asked

    def tokens(self, turns: list[dict[str, str]]) -> list[int]:
        """Return any turns as tokens, up to where the answer begins; UsageError where they are too many."""
        return self._short(self.encoder.question(turns))

    def _short(self, ids: list[int]) -> list[int]:
        if len(ids) > LONGEST:
            raise UsageError(f"It is {len(ids):,} tokens long; at most {LONGEST:,} are read. Shorten it.")
        return ids

    def verdicts(self, questions: Sequence[Sequence[int]]) -> dict[str, list[dict[str, float]]]:
        """Return for base and tuned the probability of each verdict after each question; what is shared, once."""
        names = list(self.pack.verdicts)
        sequences = [[*ids, *self.encoder.verdict(name)] for ids in questions for name in names]
        starts = [len(ids) for ids in questions for _ in names]
        losses: dict[str, list[float]] = {view: [] for view in self.views}
        for numbers in bundles(sequences, MOST):
            part, begin = [sequences[n] for n in numbers], [starts[n] for n in numbers]
            for view, sums in sequence_losses(self.model, self.trunk, part, begin).items():
                losses[view] += sums
        wide = len(names)
        return {
            view: [softmax(names, sums[n : n + wide]) for n in range(0, len(sums), wide)]
            for view, sums in losses.items()
        }

    def ask(
        self, situation: str, context: str = "", stakeholders: Sequence[str] | None = None, progress: Progress = quiet
    ) -> list[dict[str, Any]]:
        """Return what `ask` returns."""
        answers: dict[str, dict[str, Any]] = {}
        steps = len(self.views) + 1
        progress("asking", 0, steps)
        for event in self.stream(situation, context, stakeholders):
            role, view = event["stakeholder"], event["which"]
            if event["event"] == "verdict":
                told = {"verdict": event["verdict"], "probabilities": event["probabilities"], "answer": ""}
                answers.setdefault(role, {"stakeholder": role})[view] = told
                continue
            answers[role][view]["answer"] += event.get("text", "")
            progress("asking", 1 + self.views.index(view), steps)
        progress("asking", steps, steps)
        return list(answers.values())

    def stream(
        self,
        situation: str,
        context: str = "",
        stakeholders: Sequence[str] | None = None,
        *,
        in_turn: bool = False,
        views: Sequence[str] = ("base", "tuned"),
    ) -> Iterator[Event]:
        """Yield first every verdict, then the answers as they are written; all at once, or (`in_turn`) one by one.

        An event has `event`, `stakeholder`, `which` (base or tuned), and for a "verdict" `verdict` and
        `probabilities`, for a "text" the `text` that is new, for an "end" its `finish`: "stop" or "length".
        Each answer is begun, in the pack's form, with the verdict that this very model finds likeliest, so that its
        words go with its numbers. All at once takes two thirds of the time; in turn, the first words come sooner.
        """
        roles = check(self.pack, situation, stakeholders)
        questions = self.questions(situation, context, roles)
        begun: dict[str, list[list[int]]] = {}
        for view, told in self.verdicts(questions).items():
            if view not in views:
                continue
            surest = [max(shares, key=shares.__getitem__) for shares in told]
            begun[view] = [self.encoder.verdict(verdict) for verdict in surest]
            for role, verdict, shares in zip(roles, surest, told, strict=True):
                rounded = {name: round(share, 4) for name, share in shares.items()}
                head = {"stakeholder": role, "which": view, "event": "verdict"}
                yield head | {"verdict": verdict, "probabilities": rounded}
        prefixes: dict[str, Prefix] = {}
        every = list(range(len(roles)))
        parts = [(view, [n]) for n in every for view in begun] if in_turn else [(view, every) for view in begun]
        for view, numbers in parts:
            if view not in prefixes:
                with self._seen_as(view):
                    prefixes[view] = read(self.model, questions)
            starts = [begun[view][n] for n in numbers]
            asked = [questions[n] for n in numbers]
            events = self.write(view, asked, starts, prefix=prefixes[view])
            for n, event in self._own_parts(events):
                yield event | {"stakeholder": roles[numbers[n]], "which": view}

    def _own_parts(self, events: Iterator[tuple[int, Event]]) -> Iterator[tuple[int, Event]]:
        """Yield each answer up to where the next role's part, or the form anew, begins, which may come in pieces."""
        texts: dict[int, str] = {}
        over: set[int] = set()
        for n, event in events:
            if n in over:
                continue
            before = texts.get(n, "")
            texts[n] = whole = before + event.get("text", "")
            own = own_part(whole, list(self.pack.stakeholders)) if self.encoder.together else whole
            own = first_answer(self.pack, own)
            ended = event["event"] == "end" or own != whole
            if new := (own if ended else self._sure(own))[len(self._sure(before)) :]:
                yield n, {"event": "text", "text": new}
            if ended:
                over.add(n)
                yield n, {"event": "end", "finish": event.get("finish", "stop")}

    def _sure(self, text: str) -> str:
        """Return what of a growing text is no beginning of another role's part or of the form anew."""
        opened = text.rfind("\n\n[") if self.encoder.together else -1
        if opened >= 0 and text.rfind("\n") == opened + 1:
            return text[:opened]
        before, newline, last = text.rpartition("\n")
        return before.rstrip("\n") if newline and verdict_lead(self.pack).startswith(last) else text

    @contextmanager
    def _seen_as(self, view: str) -> Iterator[None]:
        """See the model as base or tuned, as `switches` does, without peft's look at every layer (38 ms a token)."""
        if view == "tuned" or len(self.views) == 1:
            yield
            return
        self.model.base_model.disable_adapter_layers()
        try:
            yield
        finally:
            self.model.base_model.enable_adapter_layers()

    def write(
        self,
        view: str,
        questions: Sequence[list[int]],
        begun: Sequence[list[int]] = (),
        most: int = 160,
        pick: Pick = likeliest,
        prefix: Prefix | None = None,
    ) -> Iterator[tuple[int, Event]]:
        """Yield the number of a question and a "text" or "end" event of its answer, as base or tuned; see `stream`."""
        begun = begun or [[] for _ in questions]
        texts = [Text(self.encoder.tokenizer) for _ in questions]
        ended: set[int] = set()
        for n, (text, start) in enumerate(zip(texts, begun, strict=True)):
            if new := text.add(start):
                yield n, {"event": "text", "text": new}
        asked = [question + start for question, start in zip(questions, begun, strict=True)]
        tokens = write(self.model, asked, self.encoder.stop, most, prefix, pick)
        while True:
            # Only while a token is computed: whoever takes the events may ask something else in between.
            with self._seen_as(view):
                step = next(tokens, None)
            if step is None:
                break
            for n, token in step:
                over = token == self.encoder.stop
                if new := texts[n].add([] if over else [token], last=over):
                    yield n, {"event": "text", "text": new}
                if over:
                    ended.add(n)
                    yield n, {"event": "end", "finish": "stop"}
        for n in sorted(set(range(len(questions))) - ended):
            if new := texts[n].add(last=True):
                yield n, {"event": "text", "text": new}
            yield n, {"event": "end", "finish": "length"}


def check(pack: Pack, situation: str, stakeholders: Sequence[str] | None = None) -> list[str]:
    """Return the roles to ask (default: all of the pack); UsageError for an unknown one, or for no situation."""
    roles = list(stakeholders or pack.stakeholders)
    for role in roles:
        if role not in pack.stakeholders:
            raise UsageError(
                f"The pack {pack.name!r} has no stakeholder {role!r}. {nearest(role, list(pack.stakeholders))}"
            )
    if not situation.strip():
        raise UsageError("There is no situation to ask about. Give one sentence at least.")
    return roles


def ask(
    pack: Pack,
    base: Path,
    adapter: Path | None,
    situation: str,
    context: str = "",
    stakeholders: Sequence[str] | None = None,
    progress: Progress = quiet,
) -> list[dict[str, Any]]:
    """Return for each stakeholder (default: all of the pack) what base and tuned model answer.

    Each has `stakeholder` and, under `base` and (with an adapter) `tuned`: `verdict`, `probabilities`, `answer`.
    """
    check(pack, situation, stakeholders)  # before anything heavy is loaded
    return Voices.load(pack, base, adapter).ask(situation, context, stakeholders, progress)
