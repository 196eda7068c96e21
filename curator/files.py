"""Files, read strictly and written whole. A bad record is set aside with its place; a bad file is refused whole."""

import csv
import gzip
import io
import json
import math
import os
import re
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import jiter
import polars as pl

from curator.errors import FileError, StorageError

LONGEST_LINE = 50_000_000  # bytes
DEEPEST = 64
LARGEST = 4_000_000_000  # bytes, unpacked: a larger file is split, or is a bomb
LARGEST_WHOLE = 2**63 - 1  # above it some parsers give a float, which names another record
ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+:/", re.IGNORECASE)  # Path has made one slash of two
NOT_TEXT = {
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
    b"\x1f\x8b": "gzip without a name that ends in .gz",
    b"PK\x03\x04": "a spreadsheet or a zip archive",
    b"PAR1": "Parquet",
}


@dataclass(frozen=True)
class Record:
    """One record of a file: where it stands, its bytes, and what they say or why they cannot be read."""

    place: str
    payload: bytes
    value: dict[str, Any] | None = None
    reason: str = ""


def read(path: Path) -> list[Record]:
    """Return the records of a JSONL, JSON, CSV or Parquet file (JSONL and CSV may end in .gz).

    FileError refuses a file whole: unknown kind, no such file, empty, not text, cut off.
    """
    if ADDRESS.match(str(path)):
        raise FileError(f"{path} is an address, not a file. Fetch it first; curator opens no connections for you.")
    if not _is_text(str(path)):
        raise FileError(f"The name {str(path)!r} is not UTF-8 text. Rename the file; nothing of it was kept.")
    name = path.name.lower().removesuffix(".gz")
    kinds = {".jsonl": _jsonl, ".ndjson": _jsonl, ".json": _json, ".csv": _csv, ".parquet": _parquet}
    kind = next((read for ending, read in kinds.items() if name.endswith(ending)), None)
    if kind is None and not path.exists():
        raise FileError(f"There is no file {path}.")
    if kind is None:
        raise FileError(f"{path.name} is none of {', '.join(kinds)} (or these with .gz). Nothing of it was kept.")
    found = list(kind(path))
    if found and not any(one.value is not None for one in found) and any(not _is_utf8(one.payload) for one in found):
        raise FileError(f"{path.name} is not text: no record of it can be read. Nothing of it was kept.")
    return found


def texts_of(records: Iterable[Record], least: int = 5) -> list[tuple[str, str]]:
    """Return every text of at least `least` words in these records, however deep it lies, with the record's place."""
    found: list[tuple[str, str]] = []
    for record in records:
        open_: list[Any] = [record.value]
        while open_:
            value = open_.pop(0)
            if isinstance(value, str) and len(value.split()) >= least:
                found.append((record.place, value))
            elif isinstance(value, dict | list):
                open_ += value.values() if isinstance(value, dict) else value
    return found


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_text(name: str) -> bool:
    try:
        return b"\0" not in name.encode()
    except UnicodeEncodeError:  # bytes that are not UTF-8 come as lone surrogates
        return False


def strict(text: bytes) -> Any:
    """Return what JSON text says; ValueError for what parsers disagree about.

    Refused: a key twice, NaN and infinities, whole numbers beyond 64 bits, lone surrogates, invalid UTF-8, nesting
    deeper than 64.

    >>> strict(b'{"a": 1, "a": 2}')
    Traceback (most recent call last):
    ...
    ValueError: Detected duplicate key "a" at line 1 column 14
    """
    value = jiter.from_json(text, catch_duplicate_keys=True, allow_inf_nan=False)
    _check(value, 0)
    return value


def _check(value: Any, depth: int) -> None:
    if depth > DEEPEST:
        raise ValueError(f"nested deeper than {DEEPEST}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("a number too large to be told from infinity")
    if isinstance(value, int) and not -LARGEST_WHOLE - 1 <= value <= LARGEST_WHOLE:
        raise ValueError("a whole number beyond 64 bits; write it as text")
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _check(inner, depth + 1)


def _bytes(path: Path) -> bytes:
    try:
        if path.suffix.lower() != ".gz":
            return path.read_bytes()
        with gzip.open(path) as file:
            text = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise FileError(f"There is no file {path}.") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as fault:
        raise FileError(f"{path.name} is cut off or damaged: {fault}. Nothing of it was kept; get it again.") from None
    except OSError as fault:
        raise FileError(f"{path.name} cannot be read: {fault.strerror or fault}.") from None
    if len(text) > LARGEST:
        raise FileError(f"{path.name} unpacks to more than {LARGEST // 10**9} GB. Split it; nothing of it was kept.")
    return text


def _text(path: Path) -> bytes:
    raw = _bytes(path)
    what = next((what for start, what in NOT_TEXT.items() if raw.startswith(start)), "")
    if what or b"\0" in raw[:2]:
        raise FileError(f"{path.name} is {what or 'UTF-16'}, not UTF-8 text. Save it as that; nothing of it was kept.")
    text = raw.removeprefix(b"\xef\xbb\xbf")
    if not text.strip():
        raise FileError(f"{path.name} is empty. Was it written to the end? Nothing was kept.")
    return text


def _jsonl(path: Path) -> Iterator[Record]:
    for number, line in enumerate(_text(path).split(b"\n"), 1):
        bare = line.removesuffix(b"\r").strip(b" \t")
        if bare:
            yield _record(f"{path.name}:{number}", bare)


def _record(place: str, text: bytes) -> Record:
    if len(text) > LONGEST_LINE:
        return Record(place, text, reason=f"longer than {LONGEST_LINE // 10**6} MB")
    try:
        return _of_value(place, text, strict(text))
    except ValueError as fault:
        return Record(place, text, reason=f"not strict JSON: {str(fault).replace(' at line 1', ' at')}")


def _of_value(place: str, payload: bytes, value: Any) -> Record:
    if not isinstance(value, dict):
        return Record(place, payload, reason=f"a record must be an object, not {_kind(value)}")
    return Record(place, payload, value)


def _kind(value: Any) -> str:
    names = {str: "text", list: "a list", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def _json(path: Path) -> Iterator[Record]:
    try:
        whole = strict(_text(path))
    except ValueError as fault:
        raise FileError(f"{path.name} is not strict JSON: {fault}. Nothing of it was kept.") from None
    for number, value in enumerate(whole if isinstance(whole, list) else [whole], 1):
        yield _of_value(f"{path.name}: item {number}", canonical(value), value)


def _csv(path: Path) -> Iterator[Record]:
    raw = _text(path)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as fault:
        line = raw[: fault.start].count(b"\n") + 1
        raise FileError(f"{path.name}:{line} is not UTF-8. Save it as UTF-8; nothing of it was kept.") from None
    csv.field_size_limit(LONGEST_LINE)
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] = []
    line = 1  # where a row begins; line_num is where it ends
    try:
        for row in rows:
            place, line = f"{path.name}:{line}", rows.line_num + 1
            if not row:
                continue
            if not header:
                header = _header(place, row)
            else:
                yield _of_row(place, header, row)
    except csv.Error as fault:
        raise FileError(f"{path.name}:{line} is not proper CSV: {fault}. Nothing of it was kept.") from None


def _header(place: str, row: list[str]) -> list[str]:
    header = [name.strip() for name in row]
    if len(set(header)) < len(header) or not all(header):
        raise FileError(f"{place} has an empty or doubled column name. Nothing of it was kept.")
    if len(header) == 1 and (other := next((mark for mark in ";\t|" if mark in header[0]), "")):
        raise FileError(f"{place} has {other!r} between the columns. Save it with commas; nothing of it was kept.")
    return header


def _of_row(place: str, header: list[str], row: list[str]) -> Record:
    payload = canonical(row)
    if len(row) != len(header):
        return Record(place, payload, reason=f"{len(row)} fields under {len(header)} column names")
    if [name.strip() for name in row] == header:
        return Record(place, payload, reason="the column names again")
    return Record(place, payload, {name: cell for name, cell in zip(header, row, strict=True) if cell != ""})


def _parquet(path: Path) -> Iterator[Record]:
    raw = _bytes(path)
    try:
        rows = pl.read_parquet(io.BytesIO(raw))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as fault:
        why = str(fault).partition("\n")[0]
        raise FileError(f"{path.name} is not whole Parquet: {why}. Nothing was kept.") from None
    for number, row in enumerate(rows.iter_rows(named=True), 1):
        place = f"{path.name}: row {number}"
        told = {name: _plain(value) for name, value in row.items() if value is not None}
        try:
            _check(told, 0)
            record = Record(place, canonical(told), told)
        except (TypeError, ValueError) as fault:
            record = Record(place, repr(row).encode(), reason=f"a value that JSON cannot hold: {fault}")
        yield record


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def canonical(value: Any) -> bytes:
    """Return the one way to write a value as JSON: keys sorted, no spaces, UTF-8; ValueError for what JSON lacks."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def write_jsonl(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write one JSON object a line, UTF-8, keys in the order given."""
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.writelines(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that there is the old one or the new one, never a half; StorageError when the disk fails."""
    draft = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(draft).chmod(0o644)
        Path(draft).replace(path)
    except OSError as fault:
        if draft:
            Path(draft).unlink(missing_ok=True)
        what = "there is a folder of that name" if path.is_dir() else fault.strerror or fault
        raise StorageError(f"{path} could not be written: {what}. What was there is as it was.") from None
