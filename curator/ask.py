"""One scenario, every stakeholder, base beside tuned."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curator.chat import question
from curator.errors import UsageError, nearest
from curator.lora import load_adapter
from curator.models import load
from curator.pack import Pack
from curator.progress import Progress, quiet
from curator.scoring import generate, switches, verdict_probabilities
from curator.tokens import Encoder

LONGEST = 4096  # tokens of a question


@dataclass(frozen=True)
class Voices:
    """A base model, and an adapter on it where there is one, to be asked about one scenario after another."""

    pack: Pack
    model: Any
    encoder: Encoder

    @classmethod
    def load(cls, pack: Pack, base: Path, adapter: Path | None) -> "Voices":
        """Load the models once."""
        model, tokenizer = load(base)
        if adapter is not None:
            model = load_adapter(model, adapter)
        return cls(pack, model, Encoder(tokenizer, pack))

    def ask(
        self, situation: str, context: str = "", stakeholders: Sequence[str] | None = None, progress: Progress = quiet
    ) -> list[dict[str, Any]]:
        """Return what `ask` returns."""
        roles = check(self.pack, situation, stakeholders)
        rows = [{"situation": situation, "context": context, "stakeholder": role} for role in roles]
        chats = [[{"role": t["role"], "content": t["content"]} for t in question(self.pack, row)] for row in rows]
        questions = [self.encoder.question(chat) for chat in chats]
        if max(map(len, questions)) > LONGEST:
            raise UsageError(f"The scenario is longer than {LONGEST} tokens. Shorten it.")
        views = switches(self.model)
        progress("asking", 0, len(views) + 1)
        probabilities = verdict_probabilities(self.model, questions, self.encoder)
        answers: list[dict[str, Any]] = [{"stakeholder": role} for role in roles]
        for done, (name, seen_as) in enumerate(views.items(), 1):
            progress("asking", done, len(views) + 1)
            with seen_as():
                texts = generate(self.model, questions, self.encoder)
            for answer, told, text in zip(answers, probabilities[name], texts, strict=True):
                rounded = {verdict: round(p, 4) for verdict, p in told.items()}
                answer[name] = {"verdict": max(told, key=told.__getitem__), "probabilities": rounded, "answer": text}
        progress("asking", len(views) + 1, len(views) + 1)
        return answers


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
