"""`export.json`, which lies in every export: what the folder holds, and so what the next export may take away."""

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from curator import __version__
from curator.dataset import Dataset
from curator.errors import UsageError
from curator.example import SPLITS

NAME = "export.json"
TAKEN_BACK = (
    "People may take their answers back. Then curate, export into this folder again, and delete every copy of the old"
    " files."
)


class File(BaseModel):
    """What is written down of one file; those beside the rows have no split."""

    format: str
    answers: str
    split: str | None = None
    rows: int = 0
    rows_by_answers: dict[int, int] | None = None  # how many rows rest on one answer, how many on two ...


class Record(BaseModel):
    """What an export.json says that the next export wants to know."""

    dataset: str
    files: dict[str, File]


def place(split: str, form: str) -> str:
    """Return where in its folder a format has a split."""
    if form == "datasets":
        return f"data/{split}-00000-of-00001.parquet"
    return split + {"csv": ".csv", "label-studio": ".json"}.get(form, ".jsonl")


def names_of(form: str) -> list[str]:
    """Return the names of all files that a format may write."""
    beside = {"datasets": "README.md", "sharegpt": "dataset_info.json", "alpaca": "dataset_info.json"}
    return [*(place(split, form) for split in SPLITS), *([beside[form]] if form in beside else [])]


def read_record(out: Path, form: str) -> Record:
    """Return what the folder `out` holds by its export.json, nothing where there is none.

    UsageError where it has a file of a name that this format writes, and no export is known to have written it.
    """
    path, record = out / NAME, Record(dataset="", files={})
    if path.is_file():
        try:
            record = Record.model_validate_json(path.read_bytes())
        except ValueError:
            raise UsageError(
                f"{out.name}/{NAME} is not what an export left, so it cannot say which files here are curator's."
                " Nothing was written and nothing removed; choose another folder with --out, or empty this one."
            ) from None
    foreign = [name for name in names_of(form) if name not in record.files and (out / name).exists()]
    if foreign:
        raise UsageError(
            f"{out.name} has {', '.join(foreign)}, and no {NAME} there says that an export wrote it: it may be of"
            " another dataset, whose test answers would lie beside these training rows. Nothing was written and nothing"
            " removed; move it away, or choose another folder with --out."
        )
    return record


def stale(record: Record, dataset: Dataset, form: str, answers: str) -> list[str]:
    """Return the files that an older export wrote and that do not go with this one.

    These are all of another dataset, and those that this format would write otherwise: in another form or with other
    answers. The rest of the same dataset stays.
    """
    other, own = record.dataset != dataset.manifest["dataset"], names_of(form)
    return [
        name
        for name, told in record.files.items()
        if other or (name in own and (told.format, told.answers) != (form, answers))
    ]


def remove(out: Path, names: list[str]) -> list[str]:
    """Remove files of an older export; return those that were there. Names that no format writes are left alone."""
    ours = {name for form in ("openai", "csv", "label-studio", "datasets", "sharegpt") for name in names_of(form)}
    found = [name for name in names if name in ours and (out / name).is_file()]
    for name in found:
        (out / name).unlink()
    return found


def write_record(out: Path, dataset: Dataset, files: dict[str, File], notes: list[str]) -> None:
    """Write export.json: the same export leaves the same bytes."""
    told: dict[str, Any] = {
        "curator": __version__,
        "dataset": dataset.manifest["dataset"],
        "name": dataset.name,
        "pack": dataset.pack.name,
        "files": {name: files[name].model_dump(exclude_none=True) for name in sorted(files)},
        "notes": [*notes, TAKEN_BACK],
    }
    (out / NAME).write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", "utf-8")
