"""What many tests share: a pack, a key, a workspace, and `rows`, which builds small frames."""

import os
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import settings

from curator.example import frame, scenario_id
from curator.pack import Pack, find_pack, load_pack
from curator.workspace import Workspace

LONGEST = ("test_every_console_block",)  # begun first, so that nobody waits for them at the end


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest tests first; the others keep their order."""
    items.sort(key=lambda item: not item.name.startswith(LONGEST))


settings.register_profile("curator", deadline=None, derandomize=True, max_examples=60, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "curator"))

LINE = {
    "situation": "The shift was moved the evening before.",
    "context": "The rota is fixed a month ahead.",
    "stakeholder": "employee",
    "annotator": "annotator-1",
    "verdict": "questionable",
    "severity": 2,
    "analysis": "Nobody was asked, and it was done anyway.",
    "domain": "retail",
    "team": "harbor",
    "origin": "human",
    "pack": "workplace",
    "source": "test",
    "revision": 1,
}


def rows(**told: str | dict[str, Any]) -> pl.DataFrame:
    """Build a frame of examples: keyword = id, value = the analysis or whatever differs from LINE.

    >>> rows(a="hello", b={"verdict": "reasonable"})["verdict"].to_list()
    ['questionable', 'reasonable']
    """
    made = []
    for id, one in told.items():
        line = {"id": id, **LINE, **({"analysis": one} if isinstance(one, str) else one)}
        made.append({"scenario": scenario_id(line["situation"], line["context"] or "", line["pack"]), **line})
    return frame(made)


@pytest.fixture(scope="session")
def pack() -> Pack:
    """The workplace pack, as shipped."""
    return load_pack(find_pack("workplace", []))


@pytest.fixture(scope="session")
def key() -> bytes:
    """The secret behind the pseudonyms."""
    return b"k" * 32


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """An empty workspace in a folder of its own, with its keys beside it instead of in the home folder."""
    from curator.begin import begin

    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "keys"))
    begin(tmp_path / "team", "workplace")
    return Workspace.find(tmp_path / "team")
