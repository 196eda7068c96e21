"""What is wrong with a training file beside its rows: no text, no lines, and rows that do not go together."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from curator.files import NOT_TEXT, canonical, strict

BOM = b"\xef\xbb\xbf"
GZIP = b"\x1f\x8b"
SPACE = b" \t\r\n"  # what JSON takes for space; others, such as a vertical tab, break a strict reader
FEWEST = 10  # examples in a file for OpenAI's fine-tuning


@dataclass(frozen=True)
class Finding:
    """One fault or warning: the line (from 1), its kind in one word, and a plain sentence."""

    line: int
    kind: str
    says: str


def is_whole(raw: bytes) -> Finding | None:
    """Return what is wrong with a file as a whole."""
    if raw.startswith(GZIP):
        return Finding(1, "encoding", "the file is packed with gzip, not UTF-8 text; unpack it first, with gunzip")
    what = next((what for start, what in NOT_TEXT.items() if raw.startswith(start)), "")
    if what or b"\0" in raw[:2]:
        return Finding(1, "encoding", f"the file is {what or 'UTF-16'}, not UTF-8 text")
    if not raw.strip():
        return Finding(1, "empty_file", "the file is empty; was it written to the end?")
    kind = _over_lines(raw)
    if kind is list:
        return Finding(1, "not_json_lines", "the file is one JSON list; write one object a line, without commas")
    if kind is dict:
        return Finding(1, "not_json_lines", "the file is one JSON object over several lines; write it on one line")
    return None


def _over_lines(raw: bytes) -> type | None:
    """Return whether a file is one list or one object of JSON over several lines."""
    if raw.lstrip()[:1] not in (b"[", b"{") or b"\n" not in raw.strip():
        return None
    try:
        strict(raw.strip().split(b"\n", 1)[0])  # the first line is whole: these are lines
    except ValueError:
        try:
            return type(strict(raw))
        except ValueError:
            return None
    return None


def lines_of(raw: bytes) -> list[bytes]:
    """Return the lines of a file; a break at its end begins no other."""
    lines = raw.split(b"\n")
    return lines[:-1] if not lines[-1] else lines


def parsed(number: int, line: bytes) -> tuple[Any, Finding | None]:
    """Return what a line says, or why it says nothing."""
    if not line.strip(SPACE):
        return None, Finding(number, "empty_line", "the line is empty, and some readers stop at it")
    if line.startswith(BOM):
        return None, Finding(number, "encoding", "it begins with a byte order mark; save the file as UTF-8 without one")
    try:
        line.decode("utf-8")
    except UnicodeDecodeError as fault:
        return None, Finding(number, "encoding", f"byte {fault.start + 1} of the line is not UTF-8")
    try:
        return strict(line.strip(SPACE)), None
    except ValueError as fault:
        why = str(fault).replace(" at line 1 column", " at character")
        return None, Finding(number, "not_json", f"the line is not JSON: {why}")


def odd_file(form: str, rows: int, right: list[tuple[int, dict[str, Any]]]) -> Iterator[Finding]:
    """Yield what is odd about a file as a whole; `right` are the rows without faults, with their lines, of pairs."""
    if form == "openai" and rows < FEWEST:
        yield Finding(1, "few_rows", f"OpenAI takes no file with fewer than {FEWEST} rows; this one has {rows}")
    if form == "kto":
        yield from _order([row["label"] for _, row in right])
    lines = [number for number, _ in right]
    for at, kind, before in clashes(form, [row for _, row in right]):
        said = {
            "repeated_row": f"the same as line {lines[before]}, word for word",
            "opposite_rows": f"says the opposite of line {lines[before]} on the same prompt, and a trainer learns both",
        }[kind]
        yield Finding(lines[at], kind, said)


def clashes(form: str, rows: list[dict[str, Any]]) -> Iterator[tuple[int, str, int]]:
    """Yield each row of pairs that repeats an earlier one or says its opposite: its place, which of both, and of whom.

    The opposite of a pair prefers the other answer; the opposite of a row for KTO wants what that one does not.
    """
    if form not in ("preference", "kto"):
        return
    first: dict[bytes, int] = {}
    for at, row in enumerate(rows):
        if form == "kto":
            own, other = [row["completion"], row["label"]], [row["completion"], not row["label"]]
        else:
            own, other = [row["chosen"], row["rejected"]], [row["rejected"], row["chosen"]]
        key, opposite = (canonical([row.get("prompt"), *said]) for said in (own, other))
        if key in first:
            yield at, "repeated_row", first[key]
        elif opposite in first:
            yield at, "opposite_rows", first[opposite]
        first.setdefault(key, at)


def _order(labels: list[bool]) -> Iterator[Finding]:
    """Yield what is odd about the labels of a file for KTO, whose trainer in TRL takes rows in their order."""
    if labels and len(set(labels)) == 1:
        yield Finding(1, "one_label", f"every `label` is {str(labels[0]).lower()}: there is nothing to tell apart")
    elif len(labels) > 2 and labels in (sorted(labels), sorted(labels, reverse=True)):
        yield Finding(1, "sorted_labels", "all rows of one label come first, and TRL takes them in order; shuffle them")
