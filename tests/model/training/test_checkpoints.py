"""A training that was killed goes on from its last checkpoint, and ends as if nothing had happened."""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from curator.errors import StorageError
from curator.offline import torch
from curator.training.checkpoints import Checkpoints
from curator.training.train import Trained, TrainSettings, train

SETTINGS = {"rank": 2, "alpha": 4, "layers": 2, "rate": 1e-2, "epochs": 5, "scenarios": 2, "dropout": 0.2}
KEY = b"k" * 32
RUN = """
import json, sys, time
from pathlib import Path
from curator.offline import torch
from curator.training.train import TrainSettings, train

torch.set_num_threads(1)
dataset, out, base, checkpoints, settings = sys.argv[1:]

def progress(what, done, total):
    print(what, done, total, flush=True)
    time.sleep(0.02)  # so that the one who kills can aim at a step

train(Path(dataset), Path(out), Path(base), TrainSettings(**json.loads(settings)), progress, Path(checkpoints),
      b"k" * 32, every=3)
"""


def seals(folder: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir())}


class Killed(BaseException):
    """Stands for the end of the process at a step."""


def killed_at(step: int) -> Any:
    def progress(what: str, done: int, total: int) -> None:
        if done == step:
            raise Killed

    return progress


def trained(dataset: Path, tiny: Path, folder: Path, progress: Any = None, **changes: Any) -> Trained:
    told = {"checkpoints": folder / "checkpoints", "key": KEY, "every": 3} | changes
    settings = TrainSettings(**SETTINGS)
    return train(dataset, folder / "adapter", tiny, settings, progress or (lambda *_: None), **told)


@pytest.fixture(scope="module")
def whole(dataset: Path, tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """The same training, never interrupted and without checkpoints."""
    return train(dataset, tmp_path_factory.mktemp("whole") / "adapter", tiny, TrainSettings(**SETTINGS))


def test_a_process_killed_at_random_steps_ends_with_the_same_bytes(
    dataset: Path, tiny: Path, whole: Trained, tmp_path: Path
) -> None:
    """`kill -9` at random steps, each time from where it stood; CURATOR_KILLS=10 for ten."""
    out, checkpoints = tmp_path / "adapter", tmp_path / "checkpoints"
    call = [sys.executable, "-c", RUN, dataset, out, tiny, checkpoints, json.dumps(SETTINGS)]
    chance = random.Random(os.environ.get("CURATOR_KILLS_SEED", "7"))
    kills = sorted(chance.sample(range(1, 20), int(os.environ.get("CURATOR_KILLS", "2"))))
    for step in kills:
        with subprocess.Popen(call, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            for said in process.stdout:
                if said.startswith("training") and int(said.split()[1]) >= step:
                    time.sleep(chance.random() * 0.03)  # anywhere in the step, or while a checkpoint is written
                    break
            os.kill(process.pid, signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL
        assert not out.exists()
    ended = subprocess.run(call, capture_output=True, text=True, check=True, timeout=120)

    first = int(next(said for said in ended.stdout.splitlines() if said.startswith("training")).split()[1])
    assert first > kills[-1] - 3  # it went on, no more than `every` steps before
    assert seals(out) == seals(whole.folder)
    assert not checkpoints.exists()


@pytest.mark.parametrize("step", [3, 4, 8, 19, 20])
def test_it_goes_on_at_any_step_with_losses_order_chance_and_best_epoch(
    dataset: Path, tiny: Path, whole: Trained, tmp_path: Path, step: int
) -> None:
    with pytest.raises(Killed):
        trained(dataset, tiny, tmp_path, killed_at(step))
    torch.manual_seed(99)  # another process would have another state

    again = trained(dataset, tiny, tmp_path)

    assert again.resumed == {3: 0, 4: 3, 8: 6, 19: 18, 20: 18}[step]  # saved at 3, 4, 6, 8, 9, 12 …
    assert (again.train_loss, again.validation_loss) == (whole.train_loss, whole.validation_loss)
    assert (again.stakeholder_loss, again.best_epoch) == (whole.stakeholder_loss, whole.best_epoch)
    assert seals(again.folder) == seals(whole.folder)


def test_checkpoints_hold_no_pickle_and_are_gone_once_the_model_stands(
    dataset: Path, tiny: Path, tmp_path: Path
) -> None:
    with pytest.raises(Killed):
        trained(dataset, tiny, tmp_path, killed_at(11))

    assert [folder.name for folder in (tmp_path / "checkpoints").iterdir()] == ["step-00000009"]
    assert sorted(seals(tmp_path / "checkpoints" / "step-00000009")) == ["state.json", "state.safetensors"]
    trained(dataset, tiny, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["adapter"]


def test_checkpoints_left_by_a_kill_after_publishing_are_removed_by_the_next_call(
    dataset: Path, tiny: Path, tmp_path: Path
) -> None:
    trained(dataset, tiny, tmp_path)
    (tmp_path / "checkpoints" / "step-00000020").mkdir(parents=True)

    assert trained(dataset, tiny, tmp_path).reused
    assert not (tmp_path / "checkpoints").exists()


def damaged(folder: Path, how: str) -> None:
    state, tensors = folder / "state.json", folder / "state.safetensors"
    said, raw = json.loads(state.read_text()), bytearray(tensors.read_bytes())
    if how == "weights":
        raw[-1] ^= 1
        tensors.write_bytes(raw)
    elif how == "state":
        said["said"]["best_epoch"] = 99
        state.write_text(json.dumps(said))
    elif how == "both, with the right hash":  # who has no key cannot seal it
        raw[-1] ^= 1
        tensors.write_bytes(raw)
        said["tensors"] = hashlib.sha256(tensors.read_bytes()).hexdigest()
        state.write_text(json.dumps(said))
    elif how == "torn":
        state.write_text(state.read_text()[:100])
    elif how == "gone":
        tensors.unlink()


@pytest.mark.parametrize("how", ["weights", "state", "both, with the right hash", "torn", "gone"])
def test_a_checkpoint_that_is_damaged_or_changed_is_not_loaded(
    dataset: Path, tiny: Path, whole: Trained, tmp_path: Path, how: str
) -> None:
    with pytest.raises(Killed):
        trained(dataset, tiny, tmp_path, killed_at(8))
    damaged(tmp_path / "checkpoints" / "step-00000006", how)

    again = trained(dataset, tiny, tmp_path)

    assert (again.resumed, again.passed_over) == (0, ["step-00000006"])
    assert seals(again.folder) == seals(whole.folder)


def test_a_checkpoint_of_another_workspace_is_not_loaded(dataset: Path, tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(Killed):
        trained(dataset, tiny, tmp_path, killed_at(8), key=b"o" * 32)

    again = trained(dataset, tiny, tmp_path)

    assert (again.resumed, again.passed_over) == (0, ["step-00000006"])


def test_what_another_training_left_is_not_gone_on_with(tmp_path: Path) -> None:
    tensors = {"a": torch.zeros(2)}
    Checkpoints(tmp_path, {"rate": 1.0}, KEY).save(3, {"step": 3}, tensors)

    found = Checkpoints(tmp_path, {"rate": 1.0}, KEY).latest()
    assert found is not None
    assert (found[0], found[1]["a"].tolist()) == ({"step": 3}, [0.0, 0.0])
    assert Checkpoints(tmp_path, {"rate": 2.0}, KEY).latest() is None


def test_a_disk_that_takes_no_checkpoint_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").write_text("a file")

    with pytest.raises(StorageError, match=r"step-00000003 could not be written: .* The checkpoint before it is kept"):
        Checkpoints(tmp_path / "checkpoints", {}, KEY).save(3, {}, {"a": torch.zeros(2)})
