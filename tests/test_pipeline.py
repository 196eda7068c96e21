from pathlib import Path
from typing import Any

import polars as pl
import pytest

from curator.errors import StageError, UsageError
from curator.pack import Pack
from curator.pipeline import curate, curate_workspace
from curator.recipe import parse_recipe
from curator.stage import Given
from curator.store import Fetched
from curator.workspace import Workspace
from tests.conftest import LINE, rows


def steps(*stages: str) -> Any:
    return parse_recipe("\n".join(f'[[step]]\nuse = "{stage}"' for stage in stages))


THREE = rows(a="Nobody was asked, and it was done.", b="It was fair, as far as I can see.", c="Fine.")


@pytest.fixture
def known(pack: Pack, key: bytes) -> Given:
    return Given(key=key, pack=pack)


def test_every_step_runs_in_order_and_says_what_it_did(tmp_path: Path, known: Given) -> None:
    dataset = curate(THREE, steps("normalise", "validate", "tests.own_stages:shout"), tmp_path, known)

    assert [(s["step"], s["given"], s["kept"], s["dropped"]) for s in dataset.manifest["steps"]] == [
        ("normalise", 3, 3, 0),
        ("validate", 3, 2, 1),
        ("tests.own_stages:shout", 2, 2, 0),
    ]
    assert dataset.frame("examples").select("id", "analysis").rows() == [
        ("a", "Nobody was asked, and it was done.!"),
        ("b", "It was fair, as far as I can see.!"),
    ]
    assert dataset.frame("decisions").select("id", "step", "action", "reason").rows() == [
        ("a", "tests.own_stages:shout", "edit", "shouted"),
        ("b", "tests.own_stages:shout", "edit", "shouted"),
        ("c", "validate", "drop", "one word"),
    ]
    assert dataset.frame("dropped")["id"].to_list() == ["c"]


@pytest.mark.parametrize(
    ("stage", "words"),
    [
        ("loses", r"lost 1 ids \(for example 'a'\). Give every row back, or drop it with a reason."),
        ("doubles", "gave 'a' back twice, or both kept and dropped it"),
        ("keeps_and_drops", "gave 'a' back twice, or both kept and dropped it"),
        ("invents", r"made up 1 ids \(for example 'made-up'\)"),
        ("judges_strangers", r"made up 1 ids \(for example 'stranger'\)"),
        ("gives_no_reason", "dropped rows without a reason"),
        ("gives_an_empty_reason", "dropped rows without a reason"),
        ("loses_a_column", "lost the column id"),
        ("decides_in_its_own_way", "its decisions have other columns than DECISIONS"),
        ("returns_the_rows", "gave back DataFrame instead of an Outcome"),
        ("breaks", "failed: ColumnNotFoundError: .*No dataset was made; the store is untouched"),
        ("divides", "failed: ZeroDivisionError: .*No dataset was made; the store is untouched"),
    ],
)
def test_a_stage_that_breaks_the_law_ends_the_run_and_leaves_nothing(
    stage: str, words: str, tmp_path: Path, known: Given
) -> None:
    with pytest.raises(StageError, match=words) as caught:
        curate(THREE, steps("normalise", f"tests.own_stages:{stage}"), tmp_path / "datasets", known)

    assert f"Stage 'tests.own_stages:{stage}'" in str(caught.value)
    assert not (tmp_path / "datasets").exists()


def test_a_fault_of_a_stage_does_not_spill_what_people_wrote(tmp_path: Path, known: Given) -> None:
    with pytest.raises(StageError) as caught:
        curate(THREE, steps("normalise", "tests.own_stages:breaks"), tmp_path, known)

    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400
    assert "asked" not in str(caught.value)


def test_the_order_of_the_answers_changes_no_byte(tmp_path: Path, known: Given) -> None:
    recipe = steps("normalise", "validate", "redact", "exact_duplicates")
    one = curate(THREE, recipe, tmp_path / "one", known)
    other = curate(THREE.reverse(), recipe, tmp_path / "other", known)

    assert {p.name: p.read_bytes() for p in one.folder.iterdir()} == {
        p.name: p.read_bytes() for p in other.folder.iterdir()
    }


def test_progress_is_told_from_nothing_to_all(tmp_path: Path, pack: Pack) -> None:
    told: list[tuple[str, int, int]] = []

    curate(
        THREE,
        steps("normalise", "validate"),
        tmp_path,
        Given(pack=pack, progress=lambda what, done, total: told.append((what, done, total))),
    )

    assert [one for one in told if one[0] == "curating"] == [("curating", n, 2) for n in range(3)]
    assert [one for one in told if one[0] != "curating"] == [
        (step, done, 1) for step in ("normalise", "validate") for done in (0, 1)
    ]


def test_without_answers_or_a_pack_it_says_what_to_do(tmp_path: Path, known: Given) -> None:
    with pytest.raises(UsageError, match="curator pull, or: curator add FILE"):
        curate(THREE.head(0), steps("normalise"), tmp_path, known)
    with pytest.raises(UsageError, match="needs a pack"):
        curate(THREE, steps("normalise"), tmp_path, Given())


def test_everything_may_be_dropped_and_the_dataset_is_still_whole(tmp_path: Path, known: Given) -> None:
    dataset = curate(rows(a="Fine.", b=""), steps("normalise", "validate"), tmp_path, known)

    dataset.verify()
    assert dataset.manifest["rows"] == 0
    assert dataset.frame("examples").is_empty()
    assert dataset.frame("dropped").height == 2


def test_a_workspace_is_curated_by_its_own_recipe(workspace: Workspace) -> None:
    from curator.example import Answer

    workspace.recipe.write_text('[[step]]\nuse = "normalise"\n[[step]]\nuse = "validate"\n', "utf-8")
    line = {name: value for name, value in LINE.items() if name in Answer.model_fields}
    with workspace.store() as store:
        store.take(
            "test", [Fetched("1", b"1", Answer(**line)), Fetched("2", b"2", Answer(**(line | {"analysis": ""})))]
        )

    dataset = curate_workspace(workspace)

    assert (dataset.name, dataset.manifest["input"]["rows"], dataset.manifest["rows"]) == ("v1", 2, 1)
    assert isinstance(dataset.frame("examples"), pl.DataFrame)
