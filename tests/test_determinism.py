"""The same answers, recipe and key give the same bytes, whatever the machine is set to."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import sample

pytestmark = pytest.mark.slow

SETTINGS = {
    "another hash seed": {"PYTHONHASHSEED": "1"},
    "another time zone": {"TZ": "Asia/Kathmandu"},
    "another language": {"LANG": "de_DE.UTF-8", "LC_ALL": "C"},
    "one polars thread": {"POLARS_MAX_THREADS": "1"},
    "one BLAS thread": {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    "all at once, shuffled": {
        "PYTHONHASHSEED": "7",
        "TZ": "America/St_Johns",
        "POLARS_MAX_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "SHUFFLE": "1",
    },
}
BASE = {"PYTHONHASHSEED": "0", "TZ": "UTC", "LANG": "C", "POLARS_MAX_THREADS": "2", "OMP_NUM_THREADS": "2"}
PROGRAM = """
import os, sys
from pathlib import Path
import polars as pl
from tests import sample
rows = pl.read_parquet(sys.argv[1])
if os.environ.get("SHUFFLE"):
    rows = rows.sample(fraction=1.0, shuffle=True, seed=3)
sample.curate_into(Path(sys.argv[2]), rows, cache=Path(sys.argv[3]))
"""


def seals(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def warm() -> tuple[Path, Path, dict[str, str]]:
    """The answers in a file, a cache that holds their embeddings, and what every file should be."""
    answers = sample.folder() / "answers.parquet"
    sample.rows().write_parquet(answers)
    cache = sample.given().cache
    assert cache is not None
    return answers, cache, seals(sample.dataset().folder)


@pytest.mark.parametrize("setting", SETTINGS)
def test_every_file_is_the_same_byte_for_byte(
    setting: str, warm: tuple[Path, Path, dict[str, str]], tmp_path: Path
) -> None:
    answers, cache, expected = warm
    environment = {**os.environ, **BASE, **SETTINGS[setting]}

    subprocess.run(
        [sys.executable, "-c", PROGRAM, str(answers), str(tmp_path), str(cache)],
        check=True,
        cwd=sample.DATA.parent,
        env=environment,
    )

    assert seals(tmp_path / "v1") == expected


def test_curating_again_returns_the_dataset_that_is_there() -> None:
    first = sample.dataset()

    again = sample.curate_into(first.folder.parent, sample.rows())

    assert again.name == first.name
    assert [path.name for path in first.folder.parent.glob("v*")] == [first.name]


def test_no_clock_path_or_host_stands_in_the_dataset() -> None:
    manifest = (sample.dataset().folder / "manifest.json").read_text("utf-8")

    assert str(sample.folder()) not in manifest
    assert os.uname().nodename not in manifest
    assert json.loads(manifest)["input"]["rows"] == 408


def test_another_key_gives_other_tags_and_says_so(tmp_path: Path) -> None:
    other = sample.curate_into(tmp_path, sample.rows(), key=b"other" * 8)

    assert other.manifest["key"] != sample.dataset().manifest["key"]
    assert other.manifest["dataset"] != sample.dataset().manifest["dataset"]
