"""Two datasets compared, and the rows that left one."""

import pytest

from curator.dataset import Dataset
from curator.errors import UsageError
from curator.ledger import diff, dropped
from curator.pipeline import curate
from curator.recipe import parse_recipe
from curator.stage import Given

from .conftest import rows

STEP = '[[step]]\nuse = "validate"\nleast = {}\n'


@pytest.fixture
def two(tmp_path, pack, key):
    """A dataset with a short and a long answer, and one whose recipe wants long answers and knows a third."""
    given = Given(key=key, pack=pack)
    told = {"a": "It was fair to all.", "b": "It was fair to all of them, and said in time."}
    old = curate(rows(**told), parse_recipe(STEP.format(5)), tmp_path, given)
    more = rows(**told, c="Nobody had asked them at all.")
    return old, curate(more, parse_recipe(STEP.format(25)), tmp_path, given)


def test_diff_names_what_came_what_left_and_why(two):
    old, new = two

    told = diff(old, new)

    assert told["in"] == ["c"]
    assert told["out"] == [{"id": "a", "step": "validate", "reason": "too short"}]
    assert told["changed"] == []


def test_a_dataset_does_not_differ_from_itself(two):
    told = diff(two[1], two[1])

    assert (told["in"], told["out"], told["changed"]) == ([], [], [])


def test_dropped_lists_each_row_with_its_evidence(two):
    (row,) = dropped(two[1], reason="too short")

    assert row["because"].startswith("the analysis has 5 words, 19 characters")


def test_an_unknown_reason_names_the_nearest(two):
    with pytest.raises(UsageError, match="Did you mean 'too short'"):
        dropped(two[1], reason="to short")


def test_a_dataset_is_found_again_by_its_name(two):
    assert Dataset.find(two[0].folder.parent, "v1").name == "v1"
