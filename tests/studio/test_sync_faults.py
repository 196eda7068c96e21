"""Every fault of a network or server ends with its exit code and one clear line, and the next pull has everything."""

import contextlib

import pytest

from curator.studio import client as client_module
from tests.studio.faults import CASES, Scene, environment, heal
from tests.studio.virtual import TOKEN


@pytest.fixture
def scene(tmp_path, monkeypatch, capfd):
    for name, value in environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "keys"))
    monkeypatch.setattr(client_module, "DEADLINE", 2.0)
    monkeypatch.setattr(client_module, "LARGEST", 5_000_000)
    monkeypatch.setattr(client_module, "_pause", lambda seconds: pauses.append(seconds))
    pauses: list[float] = []
    root = tmp_path / "team"
    root.mkdir()
    monkeypatch.chdir(root)
    with contextlib.ExitStack() as stack:
        yield Scene.build(root, lambda: capfd.readouterr().err, stack)
    assert all(0 <= seconds <= client_module.LONGEST for seconds in pauses)


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_each_fault_has_its_code_and_one_clear_line(scene, case, monkeypatch):
    case.act(scene)
    code = scene.pull()

    assert code == case.code, scene.lines
    if case.words:
        (line,) = scene.lines
        assert case.words in line
        assert TOKEN not in line
        assert len(line) < 400
    else:
        assert scene.lines == []
    if case.kept is not None:
        assert scene.stored() == case.kept

    heal(scene)
    monkeypatch.setattr(client_module, "DEADLINE", 60.0)  # no fault is left: a busy machine is none
    assert scene.pull(*case.cure) in (0, 3)
    there = {number for number, one in scene.virtual.annotations.items() if not one["was_cancelled"]}
    with scene.workspace.store() as store:
        aside = len(store.quarantined())
    assert scene.stored() + aside == len(there)


def test_the_cases_are_as_many_as_promised():
    assert len(CASES) >= 25
    assert {case.row for case in CASES} >= set(range(22, 43)) | {44}
