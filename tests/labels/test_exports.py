"""Exports of every age and shape: each answer in them is read, set aside with its reason, or counted as none."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from curator.collecting import add
from curator.errors import FileError
from curator.files import Record, canonical, read
from curator.intake.door import Door
from curator.intake.exported import Exports
from curator.labels.results import Unfit, from_result
from curator.pack import Pack
from curator.store import Fetched, Person, Refused
from curator.workspace import Workspace

HERE = Path(__file__).parent / "exports"
PEOPLE = {
    name: Person(name, role, f"annotator-{name[:3]}")
    for name, role in (("ann@team.example", "hr"), ("bob@team.example", "manager"))
}


def door(pack: Pack, key: bytes, file: str, **more: Any) -> Door:
    opened = Door(pack, key, PEOPLE, {}, "employee", **more)
    opened.take(read(HERE / file), Path(file).stem)
    return opened


def answers(door: Door) -> list[tuple[str, str, str, int | None]]:
    return [
        (one.record, one.answer.stakeholder, one.answer.verdict, one.answer.severity)
        for one in door.taken
        if isinstance(one, Fetched)
    ]


def reasons(door: Door) -> list[str]:
    return [one.reason for one in door.taken if isinstance(one, Refused)]


def test_an_export_of_today(pack: Pack, key: bytes) -> None:
    told = door(pack, key, "current.json")

    assert answers(told) == [
        ("11", "hr", "questionable", 2),
        ("12", "employee", "questionable", 2),
        ("13", "manager", "reasonable", 1),
        ("14", "employee", "questionable", 2),
    ]
    assert told.taken[2].answer.analysis == "First.\n\nSecond."  # type: ignore[union-attr]  # fetched, as shown above
    assert [reason.split(": ")[-1][:30] for reason in reasons(told)] == [
        "nobody is named as its author.",
        "nothing was answered.",
        "manipulative, questionable, re",
    ]
    assert dict(told.left_out) == {
        "predictions": 1,
        "drafts": 1,
        "skipped by the annotator": 1,
        "tasks without an answer": 1,
    }
    assert all(b"@" not in one.payload for one in told.taken)


def test_an_export_from_before_1_0(pack: Pack, key: bytes) -> None:
    told = door(pack, key, "completions.json")

    assert [one[2:] for one in answers(told)] == [
        ("questionable", 2),
        ("manipulative", 5),
        ("reasonable", 1),
        ("reasonable", 2),
    ]
    names = [one[0] for one in answers(told)]
    assert names[:2] == ["1001", "1/hJ3k"]  # a text id counts within its task only
    assert len(set(names)) == 4
    first = told.taken[0]
    assert isinstance(first, Fetched)
    assert str(first.answer.created_at) == "2020-01-26 00:53:20+00:00"
    assert told.left_out["skipped by the annotator"] == 1
    assert [reason[:24] for reason in reasons(told)] == [
        "nobody is named as its a",
        "it sums up several peopl",
        "its task holds no data, ",
    ]
    assert answers(door(pack, key, "completions.json", annotator="Dana"))[-1][2] == "questionable"


@pytest.mark.parametrize("file", ["min.json", "min.csv"])
def test_flat_exports_are_read_by_the_page(pack: Pack, key: bytes, file: str) -> None:
    told = door(pack, key, file)

    assert [one[0] for one in answers(told)] == ["12", "13"]
    assert [one[2:] for one in answers(told)] == [("questionable", 2), ("manipulative", 5)]
    second = told.taken[1]
    assert isinstance(second, Fetched)
    assert second.answer.extra["tactics"] == ["gaslighting", "other"]
    assert second.answer.extra["lead_time"] == 2
    assert second.answer.analysis == ("One.\n\nTwo." if file == "min.json" else "[sic] It was.")
    (reason,) = reasons(told)
    assert ("does not answer 'verdict'" if file == "min.json" else "'severity' holds broken JSON") in reason


def test_one_task_alone_and_annotations_without_their_tasks(pack: Pack, key: bytes) -> None:
    assert answers(door(pack, key, "one_task.json")) == [("5/1001", "employee", "questionable", 2)]
    assert reasons(door(pack, key, "annotation_only.json")) == [
        "an annotation without its task. Export whole tasks: Label Studio's format JSON"
    ]


def test_the_same_account_number_of_two_servers_is_two_people(pack: Pack, key: bytes) -> None:
    (here,) = read(HERE / "one_task.json")
    marks = set()
    for source in ("north", "south"):
        (found,) = Exports(pack, key, {}, source, "hr").read(here, here.value or {})
        assert isinstance(found, Fetched)
        marks.add(found.answer.annotator)

    assert len(marks) == 2


def test_two_projects_under_one_name_are_refused_until_told_apart(workspace: Workspace, tmp_path: Path) -> None:
    north, south = tmp_path / "north" / "export.json", tmp_path / "south" / "export.json"
    for path, words in ((north, "The shift was moved."), (south, "The rota was changed.")):
        path.parent.mkdir()
        path.write_text(
            (HERE / "one_task.json").read_text().replace('"1001"', "11").replace("The shift was moved.", words)
        )
        path.write_text(
            path.read_text().replace('"completed_by": 4', f'"completed_by": "{path.parent.name}@x.example"')
        )

    assert add(workspace, [north], stakeholder="hr").intake.new == 1
    assert add(workspace, [north], stakeholder="hr").intake.same == 1
    for files in ([south], [north, south]):
        with pytest.raises(FileError, match=r"under the id 11: are these two projects\?.* --source"):
            add(workspace, files, stakeholder="hr")
    assert add(workspace, [south], "south", "hr").intake.new == 1
    with workspace.store() as store:
        assert sorted(store.examples()["source"].to_list()) == ["export", "south"]
        store.verify()


def test_an_edited_answer_of_the_same_project_is_a_change(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "current.json"
    shutil.copy(HERE / "current.json", path)
    first = add(workspace, [path], stakeholder="hr")
    path.write_text(path.read_text().replace("Nobody was asked.", "Nobody at all was asked.", 1))
    path.write_text(path.read_text().replace("The shift was moved.", "The shift was moved!"))
    again = add(workspace, [path], stakeholder="hr")

    assert (first.intake.new, again.intake.changed) == (4, 4)
    assert again.left_out["drafts"] == 1


def test_an_annotation_that_stands_twice_and_differs_is_set_aside(pack: Pack, key: bytes) -> None:
    (here,) = read(HERE / "one_task.json")
    told = json.loads(canonical(here.value).replace(b'"1001"', b"9"))
    other = json.loads(json.dumps(told).replace("Nobody was asked.", "Somebody was."))
    opened = Door(pack, key, PEOPLE, {}, "employee")
    opened.take([Record("a", canonical(one), one) for one in (told, told, other)], "x")

    assert len(answers(opened)) == 2
    assert reasons(opened) == ["the annotation 9 stands twice in these files, with different answers"]


NESTED = """<View><Text name="t" value="$situation"/>
<Choices name="verdict" toName="t" allowNested="true">
  <Choice value="Bad"><Choice value="reasonable"/></Choice>
</Choices>
<Taxonomy name="tactic" toName="t"><Choice value="A"><Choice value="B"/></Choice></Taxonomy>
<TextArea name="analysis" toName="t"/></View>"""


def result(kind: str, name: str, value: Any) -> dict[str, Any]:
    return {"from_name": name, "to_name": "t", "type": kind, "value": {kind: value}}


def test_nested_choices_and_taxonomies_are_read(pack: Pack) -> None:
    page = pack.model_copy(update={"config": NESTED})
    said = from_result(
        page,
        [result("choices", "verdict", [["Bad", "reasonable"]]), result("taxonomy", "tactic", [["A", "B"], ["A"]])],
    )

    assert said == {"verdict": "reasonable", "tactics": ["A / B", "A"]}
    with pytest.raises(Unfit, match="holds no verdict"):
        from_result(
            pack.model_copy(update={"config": NESTED.replace("verdict", "other")}),
            [result("taxonomy", "tactic", [["A"]])],
        )
