"""Training rows as the model will see them, token by token, with what is in the loss marked."""

from dataclasses import dataclass, field
from pathlib import Path

from curator.chatrows import read_manifest
from curator.lm.models import load
from curator.lm.tokens import Encoded, Encoder
from curator.training.settings import TrainSettings
from curator.training.trainingset import context_length, read_training_set


@dataclass(frozen=True)
class Token:
    """One token: its text, what it weighs in the loss (0: not in it), and whether it tells the verdict."""

    text: str
    weight: float
    tells: bool = False


@dataclass(frozen=True)
class Seen:
    """One row as tokens, and the file and line that it stands in.

    `shares` are what its verdict is learned as, where it is not learned as it stands.
    """

    id: str
    where: str
    stakeholder: str
    verdict: str
    weight: float
    tokens: list[Token]
    shares: dict[str, float] = field(default_factory=dict)

    @property
    def learned(self) -> int:
        """How many tokens are in the loss."""
        return sum(token.weight > 0 for token in self.tokens)


@dataclass(frozen=True)
class Preview:
    """The rows asked for, and counts over the whole train split: rows, tokens, tokens in the loss, rows left out."""

    shown: list[Seen]
    rows: int
    tokens: int
    learned: int
    left_out: dict[str, list[str]]

    @property
    def truncated(self) -> int:
        """How many rows are cut short: none, ever; what is too long is refused whole."""
        return 0


def preview(dataset: Path, base: Path, settings: TrainSettings, count: int) -> Preview:
    """Return the first `count` training rows as tokens, and what of the whole split is in the loss. Trains nothing."""
    _, pack = read_manifest(dataset)
    model, tokenizer = load(base)
    encoder = Encoder(tokenizer, pack)
    data = read_training_set(dataset, encoder, settings, context_length(model.config))
    wanted = data.targets(encoder, settings) or {}
    return Preview(
        shown=[see(one, encoder, settings.verdict_weight, wanted.get(one.row.id, ())) for one in data.given[:count]],
        rows=data.rows,
        tokens=data.tokens,
        learned=sum(len(one.ids) - one.start for one in data.given),
        left_out=data.left_out,
    )


def see(one: Encoded, encoder: Encoder, verdict_weight: float, shares: tuple[float, ...] = ()) -> Seen:
    """Return a row's tokens as text, each with its weight in the loss; `shares` in the order of the pack's verdicts."""
    tokens = []
    for place, number in enumerate(one.ids):
        factor = verdict_weight if place in one.verdict else 1.0
        weight = one.row.loss_weight * factor if place >= one.start else 0.0
        tokens.append(Token(encoder.tokenizer.decode([number]), weight, place in one.verdict))
    row = one.row
    told = dict(zip(encoder.pack.verdicts, shares, strict=False))
    return Seen(row.id, row.where, row.stakeholder, row.verdict, row.loss_weight, tokens, told)


def lines(seen: Seen) -> list[str]:
    r"""Say a row in lines: tokens not in the loss apart by `|`, those in it in ‹ ›, those that tell the verdict in « ».

    >>> tokens = [Token("Sit", 0), Token("uation\n", 0), Token("Verdict:", 1), Token(" fine", 9, tells=True)]
    >>> print("\n".join(lines(Seen("a", "train.jsonl:1", "hr", "fine", 1.0, tokens))))
    train.jsonl:1  a  hr, fine, weight 1: 4 tokens, 2 in the loss
        Sit|uation↵
        ‹Verdict:›« fine»
    """
    text, before = "", False
    for token in seen.tokens:
        shown = token.text.replace("\n", "↵")
        if token.weight:
            shown = f"«{shown}»" if token.tells else f"‹{shown}›"
        elif before:
            shown = "|" + shown
        before = not token.weight and not token.text.endswith("\n")
        text += shown + ("\n" if token.text.endswith("\n") else "")
    head = f"{seen.where}  {seen.id}  {seen.stakeholder}, {seen.verdict}, weight {seen.weight:g}"
    counts = f"{len(seen.tokens)} tokens, {seen.learned} in the loss"
    shares = ", ".join(f"{verdict} {100 * share:.0f} %" for verdict, share in seen.shares.items())
    learned = [f"    its verdict is learned as: {shares}"] if shares else []
    return [f"{head}: {counts}", *("    " + line for line in text.splitlines()), *learned]
