"""Two datasets to be exported: judgements of scenarios, and preferences between answers."""

import pytest

from curator.dataset import Dataset
from tests import exported


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return exported.judged(tmp_path_factory.mktemp("judged"))


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return exported.compared(tmp_path_factory.mktemp("compared"))
