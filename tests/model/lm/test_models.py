import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from curator.errors import FileError, PolicyError, SourceError, UsageError
from curator.lm.models import best_dtype, load, model_hash, publish, resolve
from curator.lm.safety import check_safe
from curator.offline import torch


def copy_of(tiny: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny, tmp_path / "model"))


def test_a_local_folder_is_used_where_it_is(tiny: Path, tmp_path: Path) -> None:
    assert resolve(str(tiny), tmp_path) == tiny
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("file", ["modeling_x.py", "pytorch_model.bin", "sub/weights.pkl", "a.PT"])
def test_a_folder_with_a_file_that_can_run_code_is_refused(tiny: Path, tmp_path: Path, file: str) -> None:
    folder = copy_of(tiny, tmp_path)
    (folder / file).parent.mkdir(exist_ok=True)
    (folder / file).write_bytes(b"x")

    with pytest.raises(PolicyError, match=f"holds {file}, which can run code when loaded"):
        load(folder)


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json"])
def test_a_model_that_asks_to_run_its_own_code_is_refused(tiny: Path, tmp_path: Path, file: str) -> None:
    folder = copy_of(tiny, tmp_path)
    said = json.loads((folder / file).read_text())
    (folder / file).write_text(json.dumps(said | {"auto_map": {"AutoModel": "evil.Model"}}))

    with pytest.raises(PolicyError, match=rf"{file} asks to run its own code \(auto_map\)"):
        check_safe(folder)


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("config.json", "has no config.json"),
        ("model.safetensors", r"holds no \*.safetensors"),
        ("tokenizer.json", "holds no tokenizer.json"),
        ("chat_template.jinja", "has no chat template"),
    ],
)
def test_what_is_missing_is_named(tiny: Path, tmp_path: Path, file: str, message: str) -> None:
    folder = copy_of(tiny, tmp_path)
    (folder / file).unlink()

    with pytest.raises(FileError, match=message):
        load(folder)


def test_damaged_weights_are_refused_in_one_line(tiny: Path, tmp_path: Path) -> None:
    folder = copy_of(tiny, tmp_path)
    weights = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(weights[: len(weights) // 2])

    with pytest.raises(FileError, match="model cannot be loaded: Error while deserializing header"):
        load(folder)


def test_an_unknown_name_says_what_can_be_given(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"There is no model 'gpt'. Give 'smollm2-135m-instruct', a folder"):
        resolve("gpt", tmp_path)


def test_a_hub_name_is_not_fetched_where_that_is_forbidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("curator.lm.models.OFFLINE_BY_CHOICE", True)

    with pytest.raises(PolicyError, match="HF_HUB_OFFLINE forbids it"):
        resolve("owner/model", tmp_path)


def test_a_hub_that_cannot_be_reached_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("curator.lm.models.OFFLINE_BY_CHOICE", False)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")

    with pytest.raises(SourceError, match="'owner/model' could not be fetched"):
        resolve("owner/model", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_hash_follows_the_weights_and_the_template_not_the_library(tiny: Path, tmp_path: Path) -> None:
    folder = copy_of(tiny, tmp_path)
    said = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(said | {"transformers_version": "0.0"}))
    assert model_hash(folder) == model_hash(tiny)

    (folder / "chat_template.jinja").write_text("{{ messages[0]['content'] }}")
    assert model_hash(folder) != model_hash(tiny)


def test_a_folder_that_could_not_be_filled_is_not_there(tmp_path: Path) -> None:
    def broken(draft: Path) -> None:
        (draft / "half").write_text("x")
        raise SourceError("cut off")

    with pytest.raises(SourceError):
        publish(tmp_path / "model", broken)
    assert list(tmp_path.iterdir()) == []


def test_bfloat16_is_used_only_where_the_processor_has_it() -> None:
    has = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()

    assert best_dtype() == (torch.bfloat16 if has else torch.float32)


def test_importing_it_sets_this_process_offline_and_its_threads_passive() -> None:
    names = ("HF_HUB_OFFLINE", "OMP_WAIT_POLICY", "DO_NOT_TRACK")
    ask = f"import curator.lm.models, os; print(*[os.environ[name] for name in {names}])"
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "OMP_"))}

    said = subprocess.run([sys.executable, "-c", ask], env=clean, capture_output=True, text=True, check=True).stdout

    assert said.split() == ["1", "PASSIVE", "1"]
