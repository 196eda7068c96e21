"""One scenario, every stakeholder, base beside tuned."""

from collections.abc import Sequence
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
    roles = list(stakeholders or pack.stakeholders)
    for role in roles:
        if role not in pack.stakeholders:
            raise UsageError(
                f"The pack {pack.name!r} has no stakeholder {role!r}. {nearest(role, list(pack.stakeholders))}"
            )
    if not situation.strip():
        raise UsageError("There is no situation to ask about. Give one sentence at least.")
    model, tokenizer = load(base)
    if adapter is not None:
        model = load_adapter(model, adapter)
    encoder = Encoder(tokenizer, pack)
    rows = [{"situation": situation, "context": context, "stakeholder": role} for role in roles]
    questions = [
        encoder.question([{"role": t["role"], "content": t["content"]} for t in question(pack, row)]) for row in rows
    ]
    if max(map(len, questions)) > LONGEST:
        raise UsageError(f"The scenario is longer than {LONGEST} tokens. Shorten it.")
    views = switches(model)
    progress("asking", 0, len(views) + 1)
    probabilities = verdict_probabilities(model, questions, encoder)
    answers: list[dict[str, Any]] = [{"stakeholder": role} for role in roles]
    for done, (name, seen_as) in enumerate(views.items(), 1):
        progress("asking", done, len(views) + 1)
        with seen_as():
            texts = generate(model, questions, encoder)
        for answer, told, text in zip(answers, probabilities[name], texts, strict=True):
            rounded = {verdict: round(p, 4) for verdict, p in told.items()}
            answer[name] = {"verdict": max(told, key=told.__getitem__), "probabilities": rounded, "answer": text}
    progress("asking", len(views) + 1, len(views) + 1)
    return answers
