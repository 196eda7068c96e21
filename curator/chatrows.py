"""Read the chat rows of a dataset folder: what training and evaluation start from. Every line is checked."""

import json
import math
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError

from curator.chat import verdict_lead, verdict_tail
from curator.errors import FileError
from curator.pack import Pack

Word = Annotated[str, Field(min_length=1)]


class Turn(BaseModel):
    """One message. Only the last one is learned; a `weight` there, as in OpenAI's format, multiplies the row's."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    role: Literal["system", "user", "assistant"]
    content: Word
    weight: Annotated[float, Field(ge=0, allow_inf_nan=False, strict=True)] | None = None


class ChatRow(BaseModel):
    """One line of train.jsonl, validation.jsonl, test.jsonl or out_of_context.jsonl."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    id: Word
    scenario: Word
    group: Word
    stakeholder: Word
    verdict: Word
    domain: str | None = None
    weight: Annotated[float, Field(gt=0, allow_inf_nan=False, strict=True)] | None = 1.0  # null: never balanced
    messages: Annotated[tuple[Turn, ...], Field(min_length=2)]
    _where: str = PrivateAttr("")

    @property
    def question(self) -> list[dict[str, str]]:
        """The turns before the answer."""
        return [{"role": turn.role, "content": turn.content} for turn in self.messages[:-1]]

    @property
    def answer(self) -> str:
        """The last turn: what the model should say."""
        return self.messages[-1].content

    @property
    def loss_weight(self) -> float:
        """How much the row counts in the loss: its weight, times that of its answer; what is not given is 1."""
        weights = (self.weight, self.messages[-1].weight)
        return math.prod(1.0 if weight is None else weight for weight in weights)

    @property
    def where(self) -> str:
        """The file and line that the row was read from; its id where it was not read from a file."""
        return self._where or f"row {self.id}"


def read_split(dataset: Path, split: str, pack: Pack) -> list[ChatRow]:
    """Return the rows of one split in the order of the file, none where it is not there.

    FileError names the first line that is wrong, and says how many more are.
    """
    path = dataset / f"{split}.jsonl"
    try:
        lines = path.read_text("utf-8").split("\n") if path.exists() else []
    except (OSError, UnicodeDecodeError) as fault:
        raise FileError(f"{path.name} cannot be read: {fault}. Make the dataset again.") from None
    rows: list[ChatRow] = []
    faults: list[str] = []
    seen: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        row, wrong = _read(line, pack)
        if row is not None and seen.setdefault(row.id, number) != number:
            wrong = f"the id {row.id!r} stands in line {seen[row.id]} already"
        if wrong:
            faults.append(f"{path.name}:{number}: {wrong}")
        elif row is not None:
            row._where = f"{path.name}:{number}"
            rows.append(row)
    if faults:
        more = f" {len(faults) - 1} more of its lines are wrong." if len(faults) > 1 else ""
        raise FileError(f"{faults[0]}.{more} Nothing was done; make the dataset again with: curator curate")
    return rows


def _read(line: str, pack: Pack) -> tuple[ChatRow | None, str]:
    """Return a line's row, and what is wrong with it."""
    try:
        row = ChatRow.model_validate_json(line)
    except ValidationError as fault:
        first = fault.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "line"
        return None, f"{place}: {first['msg']}"
    return row, _fault(row, pack)


def fault_of_turns(row: ChatRow) -> str:
    """Return what is wrong with a row's turns, whatever its pack; nothing where they are right."""
    roles = [turn.role for turn in row.messages]
    body = roles[1:] if roles[0] == "system" else roles
    if not body or body != ["user", "assistant"] * (len(body) // 2):
        return f"the turns are {', '.join(roles)}; they must be user and assistant in turn, after at most one system"
    for number, turn in enumerate(row.messages, 1):
        if not turn.content.strip():
            return f"message {number} ({turn.role}) is empty"
        if turn.weight and number < len(row.messages):
            return f"message {number} ({turn.role}) has weight {turn.weight:g}, but only the last answer is learned"
    return ""


def _fault(row: ChatRow, pack: Pack) -> str:
    if wrong := fault_of_turns(row):
        return wrong
    for what, word, known in (
        ("verdict", row.verdict, pack.verdicts),
        ("stakeholder", row.stakeholder, pack.stakeholders),
    ):
        if word not in known:
            return f"the pack {pack.name!r} has no {what} {word!r}"
    if not row.answer.startswith(verdict_lead(pack) + row.verdict + verdict_tail(pack)):
        return f"the answer does not begin with its verdict {row.verdict!r}"
    if _without_analysis(row, pack):
        return "the answer has a verdict but no analysis"
    return ""


def _without_analysis(row: ChatRow, pack: Pack) -> bool:
    """Say whether the answer is the pack's form with nothing where the analysis goes."""
    if "{analysis}" not in pack.prompt.answer:
        return False
    blanks = {r"\{verdict\}": re.escape(row.verdict), r"\{severity\}": r"[^\n]*?", r"\{analysis\}": r"\s*"}
    form = re.escape(pack.prompt.answer)
    for blank, stands_for in blanks.items():
        form = form.replace(blank, stands_for)
    return re.fullmatch(form, row.answer) is not None


def read_manifest(dataset: Path) -> tuple[str, Pack]:
    """Return a dataset's hash and the pack that it was made with."""
    path = dataset / "manifest.json"
    try:
        said: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return str(said["dataset"]), Pack.model_validate(said["pack"])
    except (OSError, ValueError, KeyError, TypeError) as fault:
        why = str(fault).splitlines()[0]
        raise FileError(
            f"{dataset.name} is not a whole dataset folder (manifest.json: {why}). Make it with: curator curate"
        ) from None
