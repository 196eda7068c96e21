"""The sample data, curated for real once for all tests that look at it.

Embeddings are kept by content beside pytest's own cache: made once for a machine, again after rm -r .pytest_cache.
"""

import json
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from curator.dataset import Dataset
from curator.example import example_id, pseudonym
from curator.files import read
from curator.intake.door import Door
from curator.pack import find_pack, load_pack
from curator.pipeline import curate
from curator.recipe import load_recipe
from curator.stage import Given, Known
from curator.store import Person, Store

DATA = Path(__file__).parent.parent / "sample_data"
KEY = b"golden" * 6
SOURCE = "answers"
EMBEDDED = DATA.parent / ".pytest_cache" / "curator"


@cache
def folder() -> Path:
    """A folder for this session, gone at its end."""
    _folder.append(tempfile.TemporaryDirectory(prefix="curator-sample-"))
    return Path(_folder[-1].name)


_folder: list[tempfile.TemporaryDirectory[str]] = []


def lines(name: str) -> list[dict[str, Any]]:
    """The records of one of the sample's files."""
    return [json.loads(line) for line in (DATA / f"{name}.jsonl").read_text("utf-8").splitlines()]


def id_of(key: str) -> str:
    """The id of the answer that the sample calls `key`."""
    return example_id(SOURCE, key)


@cache
def key_of() -> dict[str, str]:
    """What the sample calls each id."""
    return {id_of(line["key"]): line["key"] for line in lines("answers")}


@cache
def rows() -> pl.DataFrame:
    """The answers, as the store holds them."""
    door = Door(given().pack or load_pack(find_pack("workplace", [])), KEY, {p.email: p for p in people()}, {})
    door.take(read(DATA / "scenarios.jsonl"))
    door.take(read(DATA / "answers.jsonl"))
    with Store(folder() / "store.db") as store:
        store.take(SOURCE, door.taken)
        return store.examples()


@cache
def people() -> tuple[Person, ...]:
    """Who answered."""
    return tuple(Person(**told, pseudonym=pseudonym(KEY, "annotator", told["email"])) for told in lines("people"))


@cache
def given() -> Given:
    """What the workspace of the sample would hand to a stage."""
    known = tuple(Known(person.name or "", person.email) for person in people())
    pack = load_pack(find_pack("workplace", []))
    return Given(key=KEY, people=known, cache=EMBEDDED, pack=pack)


@cache
def dataset() -> Dataset:
    """The dataset of the sample's recipe."""
    return curate(rows(), load_recipe(DATA / "recipe.toml"), folder() / "datasets", given())


def curate_into(out: Path, answers: pl.DataFrame, **changes: Any) -> Dataset:
    """Curate some answers by the sample's recipe into a folder of their own."""
    return curate(answers, load_recipe(DATA / "recipe.toml"), out, replace(given(), **changes))


def decisions() -> pl.DataFrame:
    """What was decided, with the sample's own keys beside the ids."""
    told = dataset().frame("decisions")
    names = key_of()
    return told.with_columns(
        pl.col("id").replace_strict(names).alias("key"), pl.col("twin").replace_strict(names, default=None).alias("of")
    )


def examples() -> pl.DataFrame:
    """The kept rows, with the sample's own keys beside the ids."""
    return dataset().frame("examples").with_columns(pl.col("id").replace_strict(key_of()).alias("key"))
