"""The JSON Schemas in schemas/ are those of the code, and what curator writes fits them."""

import json
from pathlib import Path

from curator.chatrows import ChatRow
from curator.dataset import chat_row
from curator.pipeline import curate
from curator.recipe import parse_recipe
from curator.schemas import Manifest, schemas
from curator.stage import Given

from .conftest import rows

FOLDER = Path(__file__).parent.parent / "schemas"


def test_the_schemas_are_fresh():
    """If not: make schemas."""
    written = {path.name: json.loads(path.read_text("utf-8")) for path in FOLDER.glob("*.json")}

    assert written == schemas()


def test_a_real_manifest_fits_its_schema(tmp_path, pack, key):
    made = curate(
        rows(a="It was fair to all of them."),
        parse_recipe('[[step]]\nuse = "validate"'),
        tmp_path,
        Given(key, pack=pack),
    )

    manifest = Manifest.model_validate(made.manifest)

    assert (manifest.rows, manifest.steps[0].step) == (1, "validate")


def test_a_real_chat_row_fits_its_schema(pack):
    row = {**rows(a="It was fair to all of them.").to_dicts()[0], "group": "g", "weight": 1.0}

    told = ChatRow.model_validate(chat_row(pack, row))

    assert told.answer.endswith("It was fair to all of them.")
