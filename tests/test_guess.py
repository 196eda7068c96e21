"""Files of other making: the columns that are proposed, what is said to be missing, and what a mapping loads."""

import json
from pathlib import Path
from typing import Any

import pytest

from curator.collecting import add
from curator.errors import UsageError
from curator.files import read
from curator.intake.guess import Guess, guess, parse_columns
from curator.pack import Pack
from curator.workspace import Workspace

OTHER = [
    {
        "prompt": f"Your manager moved shift number {n} to the night before your exam, without a word.",
        "label": ["Reasonable", "questionable"][n % 2],
        "rater_id": n % 3,
        "comment": "He could have asked me first, and he did not, which is poor form.",
        "role": "employee",
        "submitted_at": "2026-01-31T09:00:00Z",
        "intensity": 1.0 + n % 5,
        "verdict": None,
    }
    for n in range(8)
]


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return path


def proposed(path: Path, pack: Pack) -> tuple[dict[str, str], Guess]:
    told = guess(path, read(path), pack)
    return {column.column: column.field for column in told.columns}, told


def test_other_names_are_found_with_reasons_samples_and_a_command(pack: Pack, tmp_path: Path) -> None:
    columns, told = proposed(written(tmp_path / "x.jsonl", OTHER), pack)

    assert columns == {
        "situation": "prompt",
        "verdict": "label",
        "annotator": "rater_id",
        "stakeholder": "role",
        "analysis": "comment",
        "severity": "intensity",
        "created_at": "submitted_at",
    }
    assert told.holds == "answers"
    assert told.hints == []
    assert told.command.startswith(f"curator add {tmp_path}/x.jsonl --map situation=prompt --map verdict=label")
    by = {column.column: column for column in told.columns}
    assert by["verdict"].samples == ["Reasonable", "questionable"]
    assert by["annotator"].why == "'rater_id' is often called so"


def test_the_proposed_command_loads_all_of_it(workspace: Workspace, tmp_path: Path) -> None:
    path = written(tmp_path / "x.jsonl", OTHER)
    columns, _ = proposed(path, workspace.pack)

    added = add(workspace, [path], columns=columns)

    assert (added.intake.new, added.intake.quarantined) == (8, 0)
    with workspace.store() as store:
        rows = store.examples().to_dicts()
    assert {row["severity"] for row in rows} == {1, 2, 3, 4, 5}
    assert len({row["annotator"] for row in rows}) == 3
    assert all("own_verdict" in json.loads(row["extra"]) for row in rows)  # their field of our name is not lost


def test_scenarios_in_one_file_and_answers_in_another(workspace: Workspace, tmp_path: Path) -> None:
    items = written(tmp_path / "items.jsonl", [{"item_id": f"i{n}", "text": f"Situation number {n}"} for n in range(4)])
    answers = [{"item_id": f"i{n}", "worker": w, "verdict": "reasonable"} for n in range(4) for w in "ab"]
    marks = written(tmp_path / "marks.jsonl", answers)

    columns, told = proposed(items, workspace.pack)
    assert (told.holds, columns) == ("scenarios", {"situation": "text", "key": "item_id"})
    assert add(workspace, [items], columns=columns).scenarios == 4
    columns, told = proposed(marks, workspace.pack)
    assert columns == {"verdict": "verdict", "annotator": "worker", "scenario": "item_id"}
    assert "--stakeholder ROLE" in told.command
    assert "come from the file that holds them" in told.hints[0]
    assert add(workspace, [marks], stakeholder="hr", columns=columns).intake.new == 8


def test_what_cannot_be_loaded_is_said_so(pack: Pack, tmp_path: Path) -> None:
    _, counts = proposed(written(tmp_path / "c.jsonl", [{"item": n, "counts": [1, 2]} for n in range(5)]), pack)
    _, odd = proposed(written(tmp_path / "o.jsonl", [{**row, "label": "meh"} for row in OTHER]), pack)
    task = {"data": {"text": "x"}, "annotations": []}
    _, export = proposed(written(tmp_path / "e.jsonl", [task]), pack)

    assert (counts.holds, counts.command) == ("nothing known", "")
    assert "1 verdict values are none of the pack 'workplace': meh." in odd.hints
    assert export.holds == "an export"
    assert "--map" not in export.command


@pytest.mark.parametrize(
    ("maps", "said"),
    [
        (["situation"], "is not COLUMN=FIELD"),
        (["situation=a", "situation=b"], "for the second time"),
        (["situation=a", "context=a"], "for the second time"),
    ],
)
def test_a_wrong_option_is_one_sentence(maps: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse_columns(maps)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"situatoin": "prompt"}, "There is no column 'situatoin' to map to. Did you mean 'situation'"),
        ({"situation": "promt"}, "No record of x.jsonl has a field 'promt'. Did you mean 'prompt'"),
    ],
)
def test_a_mapping_of_what_is_not_there_loads_nothing(
    workspace: Workspace, tmp_path: Path, columns: dict[str, str], said: str
) -> None:
    with pytest.raises(UsageError) as refused:
        add(workspace, [written(tmp_path / "x.jsonl", OTHER)], columns=columns)

    assert said in str(refused.value)
    with workspace.store() as store:
        assert store.intakes().fetched == 0
