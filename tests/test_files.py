"""Files: a bad record is set aside with its place, a bad file is refused whole, a good one is read to the letter."""

import gzip
import io
import json
import math
import os
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator import files
from curator.errors import FileError, StorageError
from curator.files import Record, canonical, read, strict, write_jsonl, write_whole

GOOD = b'{"a": 1}'
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)  # everything but half characters
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


def put(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def told(records: list[Record]) -> list[tuple[str, Any, str]]:
    return [(record.place, record.value, record.reason) for record in records]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"consent": false, "consent": true}', 'Detected duplicate key "consent"'),
        (b'{"a": {"b": 1, "b": 2}}', 'Detected duplicate key "b"'),
        (b'{"a": NaN}', "expected value"),
        (b'{"a": -Infinity}', "invalid number"),
        (b'{"a": 1e999}', "too large to be told from infinity"),
        (b'{"a": 9223372036854775808}', "beyond 64 bits"),
        (b'{"a": ' + b"9" * 5000 + b"}", "number out of range"),
        (rb'{"a": "\ud800"}', "hex escape"),
        (rb'{"a": "\udc00 late"}', "surrogate"),
        (b'{"a": "\xff\xfe"}', "invalid unicode"),
        (b'{"a": "\xed\xa0\x80"}', "invalid unicode"),
        (b'{"a": "x\x00y"}', "control character"),
        (b'{"a": ' + b"[" * 100 + b"]" * 100 + b"}", "nested deeper than 64"),
        (b'{"a": ' + b"[" * 100_000 + b"}", "recursion limit"),
        (b'{"a": 1', "EOF"),
        (b'{"a": 1} {"b": 2}', "trailing characters"),
        (b'{"a": 1},', "trailing characters"),
        (b"{'a': 1}", "key must be a string"),
        (b'{"a": 01}', "invalid number"),
        (b"\xef\xbb\xbf" + GOOD, "expected value"),
        (b"[1, 2]", "a record must be an object, not a list"),
        (b'"text"', "a record must be an object, not text"),
        (b"null", "a record must be an object, not null"),
        (b"true", "a record must be an object, not true or false"),
        (b"12", "a record must be an object, not a number"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_a_bad_line_is_set_aside_with_its_place_and_the_rest_goes_on(tmp_path: Path, line: bytes, reason: str) -> None:
    first, bad, last = read(put(tmp_path, "a.jsonl", GOOD + b"\n" + line + b"\n" + GOOD + b"\n"))

    assert (first.value, last.value) == ({"a": 1}, {"a": 1})
    assert (bad.place, bad.value, bad.payload) == ("a.jsonl:2", None, line)
    assert reason in bad.reason


@pytest.mark.parametrize(
    "content",
    [
        b'{"a": 1}\n{"b": 2}\n',
        b'{"a": 1}\n{"b": 2}',  # no final newline
        b'\xef\xbb\xbf{"a": 1}\r\n{"b": 2}\r\n',  # byte order mark, CRLF
        b'\n{"a": 1}\n\n  \t\r\n{"b": 2}\n\n',  # blank lines
        b'  {"a": 1}\t\n{"b": 2}\n',
    ],
)
def test_bom_crlf_blank_lines_and_no_last_newline_are_fine(tmp_path: Path, content: bytes) -> None:
    records = read(put(tmp_path, "a.ndjson", content))

    assert [record.value for record in records] == [{"a": 1}, {"b": 2}]


def test_lines_are_counted_as_an_editor_counts_them(tmp_path: Path) -> None:
    records = read(put(tmp_path, "a.jsonl", b'\n\n{"a": "\xe2\x80\xa8 a line separator inside"}\nbad\n'))

    assert [record.place for record in records] == ["a.jsonl:3", "a.jsonl:4"]


def test_a_key_that_comes_late_is_kept(tmp_path: Path) -> None:
    lines = b'{"a": 1}\n' * 2500 + b'{"a": 1, "late": "kept"}\n'

    assert read(put(tmp_path, "a.jsonl", lines))[-1].value == {"a": 1, "late": "kept"}


def test_a_record_longer_than_the_limit_is_set_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LONGEST_LINE", 1_000_000)
    records = read(put(tmp_path, "a.jsonl", GOOD + b'\n{"a": "' + b"x" * 1_000_000 + b'"}\n'))

    assert [record.reason for record in records] == ["", "longer than 1 MB"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.jsonl", b"", "a.jsonl is empty"),
        ("a.jsonl", b"\xef\xbb\xbf\r\n \n", "a.jsonl is empty"),
        ("a.csv", b"", "a.csv is empty"),
        ("a.json", b"", "a.json is empty"),
        ("a.jsonl.gz", b"", "a.jsonl.gz is empty"),
        ("a.parquet", b"", "not whole Parquet"),
        ("a.jsonl", '{"a": 1}'.encode("utf-16"), "UTF-16"),
        ("a.jsonl", '{"a": 1}'.encode("utf-16-le"), "UTF-16"),
        ("a.jsonl", '{"a": 1}'.encode("utf-16-be"), "UTF-16"),
        ("a.json", '{"a": 1}'.encode("utf-32"), "UTF-16"),
        ("a.csv", "a,b\n1,2".encode("utf-16"), "UTF-16"),
        ("a.jsonl", gzip.compress(GOOD), "gzip without a name that ends in .gz"),
        ("a.csv", b"PK\x03\x04 an Excel file", "a spreadsheet or a zip archive"),
        ("a.jsonl.gz", GOOD, "cut off or damaged"),
        ("a.jsonl.gz", gzip.compress(GOOD * 100)[:-9], "cut off or damaged"),
        ("a.jsonl.gz", gzip.compress(GOOD)[:5], "cut off or damaged"),
        ("a.jsonl.gz", gzip.compress(GOOD) + b"trailing", "cut off or damaged"),
        ("a.jsonl.gz", gzip.compress(GOOD)[:-8] + b"\0" * 8, "cut off or damaged"),
        ("a.json", b'[{"a": 1}, {"a": 1, "a": 2}]', "not strict JSON"),
        ("a.json", b'[{"a": 1}', "not strict JSON"),
        ("a.json", b'[{"a": 1}] []', "not strict JSON"),
        ("a.json", b'[{"a": ' + b"9" * 5000 + b"}]", "not strict JSON"),
        ("a.csv", b"a,b,a\n1,2,3\n", "a.csv:1 has an empty or doubled column name"),
        ("a.csv", b"a,,c\n1,2,3\n", "a.csv:1 has an empty or doubled column name"),
        ("a.csv", b"a;b;c\n1;2;3\n", "has ';' between the columns"),
        ("a.csv", b'a,b\n1,2\n"open,3\n', "a.csv:3 is not proper CSV"),
        ("a.csv", b'a,b\n"x"y,2\n', "a.csv:2 is not proper CSV"),
        ("a.csv", b"a,b\n1,2\nx,\xff\n", "a.csv:3 is not UTF-8"),
        ("a.txt", GOOD, "none of .jsonl"),
        ("a.xlsx", GOOD, "none of .jsonl"),
    ],
)
def test_a_bad_file_is_refused_whole(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    with pytest.raises(FileError, match=r"[Nn]othing|none of") as refused:
        read(put(tmp_path, name, content))

    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("address", ["https://host/a.jsonl", "s3://bucket/a.parquet", "FILE:///etc/a.csv"])
def test_an_address_is_not_a_file(address: str) -> None:
    with pytest.raises(FileError, match="is an address, not a file"):
        read(Path(address))


def test_missing_files_folders_and_odd_names_are_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.jsonl").mkdir()
    for path, said in {
        tmp_path / "none.jsonl": "There is no file",
        tmp_path / "folder.jsonl": "cannot be read: Is a directory",
        put(tmp_path, "a.jsonl", GOOD) / "b.jsonl": "cannot be read: Not a directory",
        tmp_path / f"{'x' * 300}.jsonl": "cannot be read: File name too long",
        tmp_path / "a\0b.jsonl": "is not UTF-8 text",
        tmp_path / os.fsdecode(b"caf\xe9.jsonl"): "is not UTF-8 text",
    }.items():
        with pytest.raises(FileError, match=said):
            read(path)


def test_gzip_members_one_after_the_other_are_all_read(tmp_path: Path) -> None:
    path = put(tmp_path, "a.jsonl.gz", gzip.compress(b'{"a": 1}\n') + gzip.compress(b'{"b": 2}\n'))

    assert [record.value for record in read(path)] == [{"a": 1}, {"b": 2}]


def test_a_gzip_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LARGEST", 1_000_000)
    with pytest.raises(FileError, match="unpacks to more than"):
        read(put(tmp_path, "a.jsonl.gz", gzip.compress(b" " * 2_000_000)))


def test_a_list_in_json_is_records_and_an_object_is_one(tmp_path: Path) -> None:
    assert told(read(put(tmp_path, "a.json", b'[{"a": 1}, 2]'))) == [
        ("a.json: item 1", {"a": 1}, ""),
        ("a.json: item 2", None, "a record must be an object, not a number"),
    ]
    assert told(read(put(tmp_path, "b.json", b'{"a": 1}'))) == [("b.json: item 1", {"a": 1}, "")]
    assert read(put(tmp_path, "c.json", b"[]")) == []


def test_csv_rows_that_do_not_fit_are_set_aside_by_the_line_they_begin_on(tmp_path: Path) -> None:
    text = 'a, b \r\n1,"two\r\nlines"\r\n\r\nonly one\r\n1,2,3\r\na,b\r\n,kept\r\n'

    assert told(read(put(tmp_path, "a.csv", b"\xef\xbb\xbf" + text.encode()))) == [
        ("a.csv:2", {"a": "1", "b": "two\r\nlines"}, ""),
        ("a.csv:5", None, "1 fields under 2 column names"),
        ("a.csv:6", None, "3 fields under 2 column names"),
        ("a.csv:7", None, "the column names again"),
        ("a.csv:8", {"b": "kept"}, ""),
    ]


def test_parquet_is_read_row_by_row_and_what_json_lacks_is_set_aside(tmp_path: Path) -> None:
    at = datetime(2026, 1, 31, 9, tzinfo=UTC)
    pl.DataFrame({"a": [1, 2], "b": ["x", None], "at": [at, at], "l": [["p"], []]}).write_parquet(
        tmp_path / "a.parquet"
    )
    assert [record.value for record in read(tmp_path / "a.parquet")] == [
        {"a": 1, "b": "x", "at": "2026-01-31T09:00:00+00:00", "l": ["p"]},
        {"a": 2, "at": "2026-01-31T09:00:00+00:00", "l": []},
    ]
    for value in (date(2026, 1, 31), Decimal("1.5"), b"bytes", math.nan, math.inf, at - at):
        pl.DataFrame({"odd": [value]}).write_parquet(tmp_path / "odd.parquet")
        (record,) = read(tmp_path / "odd.parquet")
        assert (record.place, record.value) == ("odd.parquet: row 1", None)
        assert record.reason.startswith("a value that JSON cannot hold")
    pl.DataFrame({"n": [2**64 - 1]}, schema={"n": pl.UInt64}).write_parquet(tmp_path / "odd.parquet")
    assert "beyond 64 bits" in read(tmp_path / "odd.parquet")[0].reason


def test_cut_or_flipped_parquet_never_ends_in_anything_but_rows_or_a_refusal(tmp_path: Path) -> None:
    whole = io.BytesIO()
    pl.DataFrame({"a": list(range(200)), "b": [f"text {n}" for n in range(200)]}).write_parquet(whole)
    raw = whole.getvalue()
    damaged = [raw[: len(raw) * n // 40] for n in range(40)]
    some = range(0, len(raw), max(len(raw) // 120, 1))
    damaged += [raw[:n] + bytes([raw[n] ^ (1 << n % 8)]) + raw[n + 1 :] for n in some]
    refused = 0
    for content in damaged:
        try:
            read(put(tmp_path, "a.parquet", content))
        except FileError:
            refused += 1
    assert refused >= 40  # every cut one, and some of the flipped ones


@given(VALUES)
def test_json_comes_back_exactly_as_it_was(value: Any) -> None:
    assert canonical(strict(canonical(value))) == canonical(value)
    assert strict(json.dumps(value).encode()) == value


@given(st.lists(st.dictionaries(TEXTS, VALUES, max_size=3), min_size=1, max_size=4))
def test_written_lines_come_back_exactly_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Any]
) -> None:
    path = tmp_path_factory.mktemp("lines") / "a.jsonl"
    write_jsonl(path, rows)

    assert [record.value for record in read(path)] == rows


@given(st.binary(max_size=300), st.sampled_from(["jsonl", "json", "csv", "parquet", "jsonl.gz", "csv.gz"]))
def test_any_bytes_are_records_or_a_refusal(tmp_path_factory: pytest.TempPathFactory, soup: bytes, ending: str) -> None:
    path = put(tmp_path_factory.mktemp("soup"), f"a.{ending}", soup)
    try:
        records = read(path)
    except FileError:
        return
    assert all((record.value is None) == bool(record.reason) for record in records)
    if ending == "jsonl":  # nothing is lost: each line that is not blank is one record, byte for byte
        lines = [line.strip(b" \t\r") for line in soup.removeprefix(b"\xef\xbb\xbf").split(b"\n")]
        assert [record.payload.strip(b"\r \t") for record in records] == [line for line in lines if line]


def test_what_json_lacks_cannot_be_written() -> None:
    for value in (math.nan, math.inf, "\ud800", {1, 2}):
        with pytest.raises((ValueError, TypeError)):
            canonical(value)


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = put(tmp_path, "a.txt", b"old")
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"

    with pytest.raises(StorageError, match="could not be written"):
        write_whole(path / "below a file" / "b.txt", b"new")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.txt"]


def test_noise_is_no_file_of_answers_whatever_its_name(tmp_path):
    file = tmp_path / "answers.jsonl"
    file.write_bytes(b"\x81\xfe\x8d\n\xc3\x28\n")

    with pytest.raises(
        FileError, match=r"answers.jsonl is not text: no record of it can be read. Nothing of it was kept"
    ):
        read(file)


def test_a_folder_in_the_place_of_a_file_is_named_and_no_draft(tmp_path):
    with pytest.raises(StorageError, match=rf"^{tmp_path} could not be written: there is a folder of that name\."):
        write_whole(tmp_path, b"x")
