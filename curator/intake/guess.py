"""Files of other people's making: which of their fields hold our columns. Proposed, shown, and only then applied."""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from curator.errors import UsageError, nearest
from curator.files import Record
from curator.intake.exported import is_export
from curator.pack import Pack

NAMES = {  # what others call our columns, the likeliest first
    "situation": "situation text prompt post message utterance sentence tweet body content question input document",
    "context": "context background setting history passage premise parent parent_text",
    "verdict": "verdict label judgement judgment decision choice class category annotation answer rating target",
    "annotator": "annotator annotator_id rater rater_id worker worker_id coder coder_id judge user user_id email",
    "stakeholder": "stakeholder role perspective group persona position nationality",
    "analysis": "analysis rationale comment explanation reason reasoning justification why notes comments feedback",
    "severity": "severity intensity grade score level rating",
    "scenario": "scenario scenario_id item_id item task_id text_id post_id question_id example_id doc_id",
    "key": "key",
    "domain": "domain topic industry sector field subject",
    "team": "team organisation organization company department site",
    "created_at": "created_at timestamp created submitted_at annotated_at date time",
    "updated_at": "updated_at modified last_modified",
}
ENOUGH = 2000  # records looked at
CERTAIN = 0.9  # of the values: some are always misspelt


@dataclass(frozen=True)
class Column:
    """One of our columns, the field of the file that seems to hold it, why, and what stands there."""

    column: str
    field: str
    why: str
    samples: list[str]


@dataclass(frozen=True)
class Guess:
    """What a file seems to hold, what is missing, and the command that would load it."""

    holds: str  # answers | scenarios | an export | nothing known
    columns: list[Column]
    hints: list[str]
    command: str


def guess(path: Path, records: Sequence[Record], pack: Pack) -> Guess:
    """Propose which fields of a file's records hold our columns. Nothing is loaded."""
    rows = [record.value for record in records[:ENOUGH] if record.value is not None]
    if rows and sum(is_export(row) for row in rows) >= CERTAIN * len(rows):
        return Guess("an export", [], ["It is a Label Studio export: no mapping is needed."], _command(path, [], ""))
    fields = list(dict.fromkeys(name for row in rows for name in row))
    scores = sorted(
        ((*_score(column, name, rows, pack), column, name) for column in NAMES for name in fields),
        key=lambda told: (-told[0], list(NAMES).index(told[2]), fields.index(told[3])),
    )
    found: dict[str, Column] = {}
    used: set[str] = set()
    for score, why, column, name in scores:
        if score > 0 and column not in found and name not in used:
            found[column] = Column(column, name, why, _samples(rows, name))
            used.add(name)
    holds = "answers" if "verdict" in found else "scenarios" if "situation" in found else "nothing known"
    if holds == "scenarios" and "key" not in found and "scenario" in found:
        found["key"] = replace(found.pop("scenario"), column="key")
    columns = [found[column] for column in NAMES if column in found]
    hints, more = _hints(holds, found, rows, pack)
    command = _command(path, columns, more) if holds != "nothing known" else ""
    return Guess(holds, columns, hints, command)


def _score(column: str, name: str, rows: list[dict[str, Any]], pack: Pack) -> tuple[float, str]:
    """Return how well a field fits a column (0: not at all) and the reason."""
    values = [row[name] for row in rows if row.get(name) is not None]
    called = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    known = NAMES[column].split()
    if not values or any(isinstance(value, list | dict) for value in values[:50]):
        return 0.0, ""
    words = [_text(value).strip() for value in values]
    if (fit := _fits(column, values, words, pack)) is None:
        return 0.0, ""
    if called == column:
        return 3.0 + fit, "it has our name"
    if called in known:
        return 2.0 + fit - known.index(called) / 50, f"{name!r} is often called so"
    inside = [word for word in called.split("_") if word in known]
    if inside and fit:
        return 1.0 + fit - known.index(inside[0]) / 50, f"its name speaks of {inside[0]!r}"
    return (fit, "its values are those of the pack") if fit >= 1 else (0.0, "")


def _fits(column: str, values: list[Any], words: list[str], pack: Pack) -> float | None:
    """Return how well values fit a column: None when they cannot be it, 1 when they can hardly be anything else."""
    different, length = len(set(words)), sorted(map(len, words))[len(words) // 2]
    if column in ("verdict", "stakeholder"):
        known = pack.verdicts if column == "verdict" else pack.stakeholders
        ours = sum(re.sub(r"[\s\-]+", "_", word.lower()) in known for word in words)
        if ours >= CERTAIN * len(words):
            return 1.0
        return None if length > 60 or different > max(50, len(words) // 4) else 0.3
    if column == "severity":
        return 0.5 if all(re.fullmatch(r"-?\d+(\.0)?", word) for word in words) else None
    if column in ("created_at", "updated_at"):
        return 0.5 if all(map(_is_moment, words[:50])) else None
    if column in ("situation", "analysis"):
        return min(0.9, length / 100) if all(isinstance(value, str) for value in values[:50]) else None
    if column == "annotator":
        emails = sum(bool(re.fullmatch(r"[^@\s]+@[^@\s]+", word)) for word in words)
        return 1.0 if emails >= CERTAIN * len(words) else 0.4 if length < 60 else None
    return 0.3


def _is_moment(word: str) -> bool:
    try:
        return datetime.fromisoformat(word).tzinfo is not None
    except ValueError:
        return False


def _hints(holds: str, found: dict[str, Column], rows: list[dict[str, Any]], pack: Pack) -> tuple[list[str], str]:
    """Say what is missing or does not fit, and which options the command needs for it."""
    if holds == "nothing known":
        return ["No field holds a situation or a verdict. Is it a file of counts, or of something else?"], ""
    hints, more = [], ""
    if holds == "scenarios":
        if "key" not in found:
            hints.append("No field names the scenario, so answers in another file cannot point to it. Map a key.")
        return hints, more
    if "situation" not in found:
        where = "come from the file that holds them: add that one first" if "scenario" in found else "are missing"
        hints.append(f"The situations {where}.")
    if "annotator" not in found:
        hints.append("Nobody is named as having answered. If it was one person, say who with --annotator.")
        more += " --annotator NAME"
    if "stakeholder" not in found:
        hints.append("No role is named. Whoever is not known here gets that of --stakeholder.")
        more += " --stakeholder ROLE"
    for column, known in (("verdict", pack.verdicts), ("stakeholder", pack.stakeholders)):
        if column in found:
            words = {_text(row.get(found[column].field, "")).strip() for row in rows} - {""}
            odd = sorted(word for word in words if re.sub(r"[\s\-]+", "_", word.lower()) not in known)
            if odd:
                some = ", ".join(odd[:5]) + (" …" if len(odd) > 5 else "")
                hints.append(f"{len(odd)} {column} values are none of the pack {pack.name!r}: {some}.")
    if "analysis" not in found:
        hints.append("No field holds an analysis: such answers are kept, but no dataset is made of them.")
    return hints, more


def _command(path: Path, columns: list[Column], more: str) -> str:
    maps = "".join(f" --map {shlex.quote(f'{c.column}={c.field}')}" for c in columns if c.column != c.field)
    return f"curator add {shlex.quote(str(path))}{maps}{more}"


def _samples(rows: list[dict[str, Any]], name: str) -> list[str]:
    words = [" ".join(_text(row[name]).split()) for row in rows if row.get(name) is not None]
    return [word if len(word) <= 60 else word[:59] + "…" for word in list(dict.fromkeys(words))[:3]]


def renamed(records: list[Record], columns: dict[str, str], name: str) -> list[Record]:
    """Return the records with the fields of `columns` (ours -> theirs) under our names; the others stay as extras.

    Numbers become text where our column is text. UsageError where no record has the field.
    """
    if not columns:
        return records
    if odd := [column for column in columns if column not in NAMES]:
        raise UsageError(f"There is no column {odd[0]!r} to map to. {nearest(odd[0], list(NAMES))} Nothing was read.")
    fields = {field for record in records for field in record.value or {}}
    for field in columns.values():
        if field not in fields:
            raise UsageError(f"No record of {name} has a field {field!r}. {nearest(field, sorted(fields))}")
    return [
        record if record.value is None else replace(record, value=_moved(record.value, columns)) for record in records
    ]


def _moved(value: dict[str, Any], columns: dict[str, str]) -> dict[str, Any]:
    rest = {field: cell for field, cell in value.items() if field not in columns.values()}
    theirs = {f"own_{field}": rest.pop(field) for field in columns if field in rest}  # theirs of that name is another
    ours = {}
    for column, field in columns.items():
        cell = value.get(field)
        if cell is not None:
            ours[column] = cell if column == "severity" or not isinstance(cell, int | float) else _text(cell)
    return {**rest, **theirs, **ours}


def _text(cell: Any) -> str:
    if isinstance(cell, bool):
        return str(cell).lower()
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def parse_columns(maps: Sequence[str]) -> dict[str, str]:
    """Return the columns named on the command line as `ours=theirs`; UsageError for anything else."""
    told: dict[str, str] = {}
    for one in maps:
        column, found, field = one.partition("=")
        if not found or not column.strip() or not field.strip():
            raise UsageError(f"--map {one!r} is not COLUMN=FIELD, such as situation=text. Nothing was read.")
        if column.strip() in told or field.strip() in told.values():
            raise UsageError(f"--map {one!r} names a column or a field for the second time. Nothing was read.")
        told[column.strip()] = field.strip()
    return told
