"""Find a base model by name and load it safely: safetensors only, no code from the folder, no network when loading."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

from curator.errors import FileError, PolicyError, SourceError, StorageError, UsageError
from curator.offline import OFFLINE_BY_CHOICE, torch

HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+(@[\w./-]+)?")
UNSAFE = {".py", ".pyc", ".bin", ".pkl", ".pickle", ".pt", ".pth", ".ckpt", ".so", ".msgpack", ".h5"}
WANTED = ["*.safetensors", "*.json", "*.txt", "*.jinja", "tokenizer.model"]
FETCH = """
import sys
from huggingface_hub import snapshot_download
name, revision, folder, *wanted = sys.argv[1:]
snapshot_download(name, revision=revision or None, local_dir=folder, allow_patterns=wanted)
"""
LIBRARIES = ("torch", "transformers", "peft", "tokenizers")


def resolve(name: str, cache: Path) -> Path:
    """Return the folder of a base model: the packaged default, a local folder, or a hub name fetched into `cache`."""
    from curator import smollm2

    if name.lower() == smollm2.NAME:
        folder = cache / f"{smollm2.NAME}-{smollm2.SHA256[:12]}"
        if not folder.exists():
            gguf = smollm2.packaged()
            publish(folder, lambda draft: smollm2.convert(gguf, draft))
        return folder
    if Path(name).is_dir():
        check_safe(Path(name))
        return Path(name)
    if not HUB_NAME.fullmatch(name) or ".." in name:
        raise UsageError(
            f"There is no model {name!r}. Give {smollm2.NAME!r}, a folder with config.json and *.safetensors,"
            " or a hub name such as 'owner/model'."
        )
    return _from_hub(name, cache)


def _from_hub(name: str, cache: Path) -> Path:
    repo, _, revision = name.partition("@")
    folder = cache / f"hub-{repo.replace('/', '--')}{'-' + revision.replace('/', '-') if revision else ''}"
    if folder.exists():
        check_safe(folder)
        return folder
    if OFFLINE_BY_CHOICE:
        raise PolicyError(f"{name!r} would have to be fetched, and HF_HUB_OFFLINE forbids it. Nothing was fetched.")

    def fetch(draft: Path) -> None:
        # A process of its own, so that this one stays offline whatever libraries it loads.
        allowed = {k: v for k, v in os.environ.items() if k not in {"HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"}}
        call = [sys.executable, "-c", FETCH, repo, revision, str(draft), *WANTED]
        done = subprocess.run(call, env=allowed, capture_output=True, text=True, check=False)  # noqa: S603  no shell
        if done.returncode:
            why = (done.stderr.strip().splitlines() or ["no reason given"])[-1][:300]
            raise SourceError(f"The model {name!r} could not be fetched: {why} Nothing was kept.")
        shutil.rmtree(draft / ".cache", ignore_errors=True)
        check_safe(draft)

    publish(folder, fetch)
    return folder


def publish(folder: Path, make: Any) -> None:
    """Let `make(draft)` fill a folder beside `folder`, then rename it: `folder` is there whole, or not at all."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        try:
            make(draft)
            draft.chmod(0o755)
            draft.rename(folder)
        except FileExistsError:
            pass  # somebody else was faster
        except OSError as fault:
            if not folder.is_dir():  # a full folder of that name raises ENOTEMPTY: somebody else was faster
                raise StorageError(f"{folder.name} could not be written: {fault}. Nothing was kept.") from None
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    except OSError as fault:
        raise StorageError(f"{folder.name} could not be written: {fault}. Nothing was kept.") from None


def check_safe(folder: Path) -> None:
    """Refuse a folder that is no model, or that could run code when it is loaded (PolicyError)."""
    config, name = folder / "config.json", folder.name
    try:
        said = json.loads(config.read_text("utf-8"))
    except FileNotFoundError:
        raise FileError(f"{name} is not a model folder: it has no config.json.") from None
    except ValueError as fault:
        raise FileError(f"{name}/config.json cannot be read: {fault}.") from None
    unsafe = sorted(str(f.relative_to(folder)) for f in folder.rglob("*") if f.suffix.lower() in UNSAFE)
    if unsafe:
        more = f" and {len(unsafe) - 1} more" if len(unsafe) > 1 else ""
        raise PolicyError(
            f"{name} holds {unsafe[0]}{more}, which can run code when loaded. Nothing was loaded;"
            " keep only *.safetensors and the .json and .jinja files."
        )
    tokenizer_config = folder / "tokenizer_config.json"
    tokenizer_said = json.loads(tokenizer_config.read_text("utf-8")) if tokenizer_config.exists() else {}
    for file, text in (("config.json", said), ("tokenizer_config.json", tokenizer_said)):
        if "auto_map" in text:
            raise PolicyError(f"{name}/{file} asks to run its own code (auto_map). Nothing was loaded.")
    if not any(folder.glob("*.safetensors")):
        raise FileError(f"{name} holds no *.safetensors. Other formats are not loaded.")
    if not (folder / "tokenizer.json").exists():
        raise FileError(f"{name} holds no tokenizer.json. Save its tokenizer in the fast format first.")


def best_dtype() -> torch.dtype:
    """Return bfloat16 where this processor multiplies it in hardware, else float32."""
    return torch.bfloat16 if _has_bfloat16() else torch.float32


def _has_bfloat16() -> bool:
    asks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(bool(getattr(torch.cpu, ask, lambda: False)()) for ask in asks)


def load(path: Path, dtype: torch.dtype | None = None) -> tuple[Any, Any]:
    """Return the model in evaluation mode, and its tokenizer."""
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM, AutoTokenizer

    check_safe(path)
    dtype = dtype or best_dtype()
    safe = {"local_files_only": True, "trust_remote_code": False}
    try:
        tokenizer = AutoTokenizer.from_pretrained(path, **safe)
        model = AutoModelForCausalLM.from_pretrained(
            path,
            dtype=dtype,
            use_safetensors=True,
            # Both add our float mask as it is. In float32 sdpa needs a third less time, in bfloat16 eager does.
            attn_implementation="sdpa" if dtype == torch.float32 else "eager",
            **safe,
        )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as fault:
        raise FileError(f"The model in {path.name} cannot be loaded: {str(fault).splitlines()[0]}") from None
    if tokenizer.chat_template is None:
        raise FileError(f"The model in {path.name} has no chat template. Use an instruct model.")
    return model.eval(), tokenizer


def libraries() -> dict[str, str]:
    """Return the versions of the libraries that decide what a model computes."""
    return {name: version(name) for name in LIBRARIES}


def model_hash(path: Path) -> str:
    """Return SHA-256 over what decides a model's answers: weights, config, tokenizer, chat template."""
    whole = hashlib.sha256()
    for file in sorted([*path.glob("*.safetensors"), *path.glob("*.json"), *path.glob("*.jinja")]):
        if file.name.endswith(".index.json"):
            continue
        if file.name == "config.json":  # which library wrote it says nothing about the model
            said = json.loads(file.read_text("utf-8"))
            said.pop("transformers_version", None)
            seal = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
        elif file.suffix == ".safetensors" or file.name in {"tokenizer.json", "chat_template.jinja"}:
            with file.open("rb") as opened:
                seal = hashlib.file_digest(opened, "sha256").hexdigest()
        else:
            continue
        whole.update(f"{file.name} {seal}\n".encode())
    return whole.hexdigest()
