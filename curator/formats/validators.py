"""Check a training file before a trainer or a service does: every fault by its line, and how long the rows are."""

import json
import statistics
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from glob import escape
from pathlib import Path
from typing import Any

from curator.errors import FileError, UsageError, nearest
from curator.formats.filechecks import Finding, is_whole, lines_of, odd_file, parsed
from curator.formats.rowchecks import CHECKS, faults_of
from curator.progress import Progress, quiet
from curator.workspace import Workspace

PER_MESSAGE, PER_ROW = 3, 3  # tokens around each message and before the answer, as OpenAI's cookbook counts them
OFTEN = 5_000  # rows: about two seconds


@dataclass(frozen=True)
class Ruler:
    """How texts are measured: in tokens of the model `name`, or in words where there is no tokenizer (`why`).

    `context` is how many tokens the model takes, where that is known.
    """

    unit: str
    count: Callable[[str], int]
    name: str = ""
    context: int | None = None
    why: str = ""

    def length(self, texts: list[list[str]]) -> int:
        """Return how long a row is: by the rule of OpenAI's cookbook in tokens, or just its words with roles.

        The rule: 3 for each message, its role, content and name, and 3 before the answer.
        """
        inside = sum(self.count(text) for message in texts for text in message)
        return inside if self.unit == "words" else inside + PER_MESSAGE * len(texts) + PER_ROW


@dataclass
class Report:
    """What a file is: its rows, the lines that are wrong or odd, and the length of each row that is right."""

    file: str
    form: str
    ruler: Ruler
    limit: int | None
    rows: int = 0
    errors: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)

    def told(self) -> dict[str, Any]:
        """Return the report for machines."""
        return {
            "file": self.file,
            "format": self.form,
            "rows": self.rows,
            "errors": [vars(one) for one in self.errors],
            "error_counts": dict(Counter(one.kind for one in self.errors)),
            "warnings": [vars(one) for one in self.warnings],
            "lengths": self.lengths_told(),
            "limit": self.limit,
        }

    def lengths_told(self) -> dict[str, Any] | None:
        """Return how long the rows are that have no fault; None where there are none."""
        if not self.lengths:
            return None
        return {
            "unit": self.ruler.unit,
            "tokenizer": self.ruler.name or None,
            "why": self.ruler.why or None,
            "rows": len(self.lengths),
            "min": min(self.lengths),
            "median": statistics.median(self.lengths),
            "mean": round(statistics.fmean(self.lengths), 1),
            "max": max(self.lengths),
            "total": sum(self.lengths),
        }


def validate(
    path: Path, form: str, ruler: Ruler | None = None, most: int | None = None, progress: Progress = quiet
) -> Report:
    """Return what is wrong and what is odd in a file of one of `CHECKS`, with the lengths of its rows.

    A row longer than `most`, or than the model takes, is odd: trainers cut it or leave it out. FileError where the
    file cannot be read at all, UsageError for a format without checks.
    """
    if form not in CHECKS:
        raise UsageError(f"There are no checks for the format {form!r}. {nearest(form, list(CHECKS))}")
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise FileError(f"There is no file {path}.") from None
    except OSError as fault:
        raise FileError(f"{path.name} cannot be read: {fault.strerror or fault}.") from None
    ruler = ruler or words()
    report = Report(path.name, form, ruler, most if most is not None else ruler.context)
    if whole := is_whole(raw):
        report.errors.append(whole)
        return report
    lines = lines_of(raw)
    seen: dict[str, int] = {}
    right: list[tuple[int, dict[str, Any]]] = []
    for number, line in enumerate(lines, 1):
        report.rows += 1
        if number % OFTEN == 0:
            progress("checking", number, len(lines))
        row, wrong = parsed(number, line)
        found = [wrong] if wrong else [Finding(number, one.kind, one.says) for one in faults_of(row, form)]
        if form == "chat" and not found and seen.setdefault(row["id"], number) != number:
            found = [Finding(number, "doubled_id", f"the id {row['id']!r} stands in line {seen[row['id']]} already")]
        report.errors += found
        if not found:
            _measure(report, number, row)
            right += [(number, row)] if form in ("preference", "kto") else []
    report.warnings += odd_file(form, report.rows, right)
    return report


def _measure(report: Report, number: int, row: dict[str, Any]) -> None:
    """Add what is odd about a row without faults, and its length."""
    check = CHECKS[report.form]
    report.warnings += [Finding(number, one.kind, one.says) for one in check.odd(row)]
    length = report.ruler.length(check.texts(row))
    report.lengths.append(length)
    if report.limit is not None and length > report.limit:
        said = f"{length} {report.ruler.unit}, more than {report.limit}; it would be cut or left out"
        report.warnings.append(Finding(number, "too_long", said))


def words(why: str = "there is no workspace here") -> Ruler:
    """Return how to measure without a tokenizer."""
    return Ruler("words", lambda text: len(text.split()), why=why)


def ruler_of(workspace: Workspace) -> Ruler:
    """Return how to measure with the tokenizer of a workspace's base model, read without torch.

    Words where the model is not on this machine yet, or `tokenizers` is not installed.
    """
    name = workspace.config.base_model
    folder = _folder(name, workspace.cache)
    if folder is None:
        return words(f"the base model {name} is not unpacked yet; curator train does that")
    try:
        from tokenizers import Tokenizer
    except ModuleNotFoundError:
        return words("the package tokenizers is not installed")
    try:
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        config = json.loads((folder / "config.json").read_text("utf-8"))
    except Exception as fault:  # tokenizers raises the bare class
        raise FileError(f"The tokenizer of {name} cannot be read: {str(fault).splitlines()[0]}") from None
    tokenizer.no_truncation()
    tokenizer.no_padding()

    @lru_cache(maxsize=4096)  # roles and prompts come again and again
    def count(text: str) -> int:
        return len(tokenizer.encode(text, add_special_tokens=False).ids)

    context = config.get("max_position_embeddings")
    return Ruler("tokens", count, name, context if isinstance(context, int) and context > 0 else None)


def _folder(name: str, cache: Path) -> Path | None:
    """Return where a base model lies, as `models.resolve` would, which needs torch and may fetch; None if nowhere."""
    repo, _, revision = name.partition("@")
    hub = f"hub-{repo.replace('/', '--')}" + (f"-{revision.replace('/', '-')}" if revision else "")
    packaged = sorted(cache.glob(f"{escape(name.lower())}-*")) if "/" not in name else []
    places = [Path(name), cache / hub, *packaged]
    return next((place for place in places if (place / "tokenizer.json").is_file()), None)
