"""JSON Schemas of what crosses the border, generated from the code: python -m curator.schemas FOLDER."""

import importlib
import inspect
import json
import sys
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import BaseModel, ConfigDict, TypeAdapter, create_model

from curator.chatrows import ChatRow
from curator.example import Answer
from curator.pack import Pack
from curator.recipe import known_stages
from curator.stage import DECISIONS

WORDS = {pl.String(): str, pl.Float64(): float}


class StepRecord(BaseModel):
    """What the manifest keeps of one step."""

    model_config = ConfigDict(extra="forbid")
    step: str
    given: int
    kept: int
    dropped: int
    decisions: list[dict[str, str | int]]
    measures: dict[str, Any]


class FileRecord(BaseModel):
    """One file of a dataset."""

    model_config = ConfigDict(extra="forbid")
    sha256: str
    bytes: int


class Manifest(BaseModel):
    """manifest.json of a dataset."""

    model_config = ConfigDict(extra="forbid")
    format: int
    curator: str
    versions: dict[str, str]
    input: dict[str, str | int]
    key: str
    pack: Pack
    recipe: list[dict[str, Any]]
    steps: list[StepRecord]
    rows: int
    splits: dict[str, int]
    files: dict[str, FileRecord]
    dataset: str


def schemas() -> dict[str, dict[str, Any]]:
    """Return each schema by the name of its file."""
    decision: Any = create_model(
        "Decision",
        __doc__="One row of decisions.parquet: what a step decided about an example, and why.",
        **{name: (WORDS[kind] | None, ...) for name, kind in DECISIONS.items()},  # type: ignore[call-overload]  # fields made from a table
    )
    models = {"example": Answer, "decision": decision, "manifest": Manifest, "pack": Pack, "chat_row": ChatRow}
    made = {name: TypeAdapter(model).json_schema() for name, model in models.items()}
    made["recipe"] = _recipe()
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {f"{name}.json": head | schema for name, schema in sorted(made.items())}


def _recipe() -> dict[str, Any]:
    """Return the schema of a recipe: a step is one of the stages with its settings."""
    kinds = []
    for name in known_stages():
        stage = getattr(importlib.import_module(f"curator.stages.{name}"), name)
        hints = inspect.get_annotations(stage.function, eval_str=True)
        fields: dict[str, Any] = {
            n: (hints[n], ... if p.default is p.empty else p.default) for n, p in stage.settings.items()
        }
        schema = create_model(name, __config__=ConfigDict(extra="forbid"), **fields).model_json_schema()
        schema["description"] = (stage.function.__doc__ or "").strip().splitlines()[0]
        schema["properties"] = {"use": {"const": name}, **schema.get("properties", {})}
        schema["required"] = ["use", *schema.get("required", [])]
        kinds.append(schema)
    own = {
        "title": "a stage of your own",
        "type": "object",
        "properties": {"use": {"type": "string", "pattern": ":"}},
        "required": ["use"],
    }
    step = {"type": "array", "minItems": 1, "items": {"anyOf": [*kinds, own]}}
    return {"title": "Recipe", "type": "object", "properties": {"step": step}, "required": ["step"]}


def write(folder: Path) -> list[Path]:
    """Write every schema into `folder` and return the files that changed."""
    folder.mkdir(parents=True, exist_ok=True)
    changed = []
    for name, schema in schemas().items():
        text = json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
        path = folder / name
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
            changed.append(path)
    return changed


if __name__ == "__main__":
    for file in write(Path(sys.argv[1])):
        print(f"wrote {file}")
