"""Find a base model by name and load it safely: safetensors only, no code from the folder, no network when loading."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from curator.errors import FileError, PolicyError, SourceError, StorageError, UsageError
from curator.lm.chattemplate import check_template
from curator.lm.safety import check_adapter, check_safe, read_settings
from curator.offline import OFFLINE_BY_CHOICE, torch

HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+(@[\w./-]+)?")
WANTED = ["*.safetensors", "*.json", "*.txt", "*.jinja", "tokenizer.model"]
FETCH = """
import sys
from huggingface_hub import snapshot_download
name, revision, folder, *wanted = sys.argv[1:]
snapshot_download(name, revision=revision or None, local_dir=folder, allow_patterns=wanted)
"""
TOKENIZER = ("tokenizer.json", "special_tokens_map.json", "added_tokens.json")  # what its tokens hang on
LIBRARIES = ("torch", "transformers", "peft", "tokenizers")


def resolve(name: str, cache: Path) -> Path:
    """Return the folder of a base model: the packaged default, a local folder, or a hub name fetched into `cache`."""
    from curator.lm import smollm2

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


def best_dtype() -> torch.dtype:
    """Return bfloat16 where this processor multiplies it in hardware, else float32."""
    return torch.bfloat16 if _has_bfloat16() else torch.float32


def _has_bfloat16() -> bool:
    asks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(bool(getattr(torch.cpu, ask, lambda: False)()) for ask in asks)


def load(path: Path, dtype: torch.dtype | None = None) -> tuple[Any, Any]:
    """Return the model in evaluation mode, and its tokenizer.

    PolicyError where the folder or its chat template is refused, FileError where it is damaged. How to generate is
    not read from the folder: beams or penalties that it asks for would not be the likeliest answer.
    """
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

    check_safe(path)
    dtype = dtype or best_dtype()
    safe = {"local_files_only": True, "trust_remote_code": False}
    try:
        tokenizer = AutoTokenizer.from_pretrained(path, **safe)
        if isinstance(tokenizer.chat_template, dict):  # others are for tools
            tokenizer.chat_template = tokenizer.chat_template.get("default")
        if tokenizer.chat_template is not None:
            check_template(tokenizer.chat_template, path.name, _special_names(tokenizer))
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
    model.generation_config = GenerationConfig.from_model_config(model.config)
    return model.eval(), tokenizer


def _special_names(tokenizer: Any) -> dict[str, str]:
    return {name: str(token) for name, token in tokenizer.special_tokens_map.items() if isinstance(token, str)}


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
            seal = _seal(file)
        else:
            continue
        whole.update(f"{file.name} {seal}\n".encode())
    return whole.hexdigest()


def _seal(file: Path) -> str:
    told = file.stat()
    return _sealed(file, told.st_size, told.st_mtime_ns, told.st_ino)


@lru_cache(maxsize=256)
def _sealed(file: Path, size: int, changed: int, inode: int) -> str:
    """Return a file's SHA-256; in one process not again while its size, time and inode are the same."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def pins(path: Path) -> dict[str, str]:
    """Return the SHA-256 of a base model, and apart from it of its tokenizer and of its chat template.

    `base` is what `model_hash` returns; the others say which part it was where it changed.
    """
    config = path / "tokenizer_config.json"
    said = read_settings(config) if config.exists() else {}
    template = path / "chat_template.jinja"
    inside = json.dumps(said.pop("chat_template", None))
    for name in ("transformers_version", "name_or_path", "is_local", "local_files_only"):
        said.pop(name, None)  # where it lay and what wrote it
    parts = [json.dumps(said, sort_keys=True)]
    parts += [_seal(path / name) for name in TOKENIZER if (path / name).exists()]
    return {
        "base": model_hash(path),
        "tokenizer": hashlib.sha256("\n".join(parts).encode()).hexdigest(),
        "template": _seal(template) if template.exists() else hashlib.sha256(inside.encode()).hexdigest(),
    }


PARTS = {"tokenizer": "tokenizer", "template": "chat template", "base": "base model"}


def check_pins(base: Path, adapter: Path) -> None:
    """Refuse an adapter whose weights changed, or a base model that it was not trained on (PolicyError).

    Names the part that changed. Adapters of before 2026-11-23 hold one hash for all of the base model.
    """
    check_adapter(adapter)
    said, found = read_settings(adapter / "training.json"), pins(base)
    if said.get("adapter") != _seal(adapter / "adapter_model.safetensors"):
        raise PolicyError(
            f"The weights of {adapter.name} are not those that its training left. Nothing was loaded;"
            " put the folder back as it was, or train again: curator train"
        )
    for part, word in PARTS.items():
        told = said.get(part, None if part == "base" else found[part])
        if told != found[part]:
            raise PolicyError(
                f"The {word} in {base.name} is not the one that {adapter.name} was trained with: its SHA-256 begins"
                f" {found[part][:12]}, not {str(told)[:12]}. Nothing was loaded; put back the one it was trained with,"
                " or train again: curator train"
            )
