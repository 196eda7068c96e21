"""Read the chat rows of a dataset folder: what training and evaluation start from."""

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from curator.chat import verdict_lead, verdict_tail
from curator.errors import FileError
from curator.pack import Pack


class Turn(BaseModel):
    """One message."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    role: Literal["system", "user", "assistant"]
    content: Annotated[str, Field(min_length=1)]


class ChatRow(BaseModel):
    """One line of train.jsonl, validation.jsonl, test.jsonl or out_of_context.jsonl."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    id: str
    scenario: str
    group: str
    stakeholder: str
    verdict: str
    domain: str | None = None
    weight: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    messages: Annotated[tuple[Turn, ...], Field(min_length=2)]

    @property
    def question(self) -> list[dict[str, str]]:
        """The turns before the answer."""
        return [turn.model_dump() for turn in self.messages[:-1]]

    @property
    def answer(self) -> str:
        """The last turn: what the model should say."""
        return self.messages[-1].content


def read_split(dataset: Path, split: str, pack: Pack) -> list[ChatRow]:
    """Return the rows of one split in the order of the file, none where it is not there; FileError names the line."""
    path = dataset / f"{split}.jsonl"
    rows: list[ChatRow] = []
    try:
        lines = path.read_text("utf-8").split("\n") if path.exists() else []
    except (OSError, UnicodeDecodeError) as fault:
        raise FileError(f"{path.name} cannot be read: {fault}. Make the dataset again.") from None
    for number, line in enumerate(lines, 1):
        if line.strip():
            rows.append(_read(line, f"{path.name}:{number}", pack))
    return rows


def _read(line: str, where: str, pack: Pack) -> ChatRow:
    try:
        row = ChatRow.model_validate_json(line)
    except ValidationError as fault:
        first = fault.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "line"
        raise FileError(f"{where}: {place}: {first['msg']}. Nothing was trained; make the dataset again.") from None
    roles = [turn.role for turn in row.messages]
    if roles[-1] != "assistant" or roles[-2] != "user":
        raise FileError(f"{where}: the turns must end with user, assistant. Make the dataset again.")
    if row.verdict not in pack.verdicts:
        raise FileError(f"{where}: the pack {pack.name!r} has no verdict {row.verdict!r}. Make the dataset again.")
    if not row.answer.startswith(verdict_lead(pack) + row.verdict + verdict_tail(pack)):
        raise FileError(f"{where}: the answer does not begin with its verdict {row.verdict!r}. Make the dataset again.")
    return row


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


def by_scenario(rows: list[ChatRow]) -> list[list[ChatRow]]:
    """Return the rows of each scenario together, in the order in which scenarios first appear."""
    groups: dict[str, list[ChatRow]] = {}
    for row in rows:
        groups.setdefault(row.scenario, []).append(row)
    return list(groups.values())


def rows_hash(rows: list[ChatRow]) -> str:
    """Return 12 digits that stand for these rows."""
    return hashlib.sha256("\n".join(row.model_dump_json() for row in rows).encode()).hexdigest()[:12]
