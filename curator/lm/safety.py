"""What a model or adapter folder may hold before anything of it is loaded: words and numbers, and no way out of it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from curator.errors import FileError, PolicyError, nearest

UNSAFE = {".py", ".pyc", ".bin", ".pkl", ".pickle", ".pt", ".pth", ".ckpt", ".so", ".msgpack", ".h5"}
LARGEST = 1 << 20  # bytes of a settings file
LAYERS = 512  # more than any dense decoder has: what claims more would be built for hours

# model_type -> the one class that transformers builds for it. Each was built small and at random, and answered alone
# as it did behind a shared prefix (tests/train/test_safe_loading.py). What is not here was refused there (gemma2,
# gemma3_text, olmo3, cohere: not every layer sees all), or was never tried.
FAMILIES = {
    "apertus": "ApertusForCausalLM",
    "arcee": "ArceeForCausalLM",
    "ernie4_5": "Ernie4_5ForCausalLM",
    "gemma": "GemmaForCausalLM",
    "glm": "GlmForCausalLM",
    "glm4": "Glm4ForCausalLM",
    "gpt_neox": "GPTNeoXForCausalLM",
    "granite": "GraniteForCausalLM",
    "helium": "HeliumForCausalLM",
    "hunyuan_v1_dense": "HunYuanDenseV1ForCausalLM",
    "llama": "LlamaForCausalLM",
    "ministral3": "Ministral3ForCausalLM",
    "mistral": "MistralForCausalLM",
    "nemotron": "NemotronForCausalLM",
    "olmo": "OlmoForCausalLM",
    "olmo2": "Olmo2ForCausalLM",
    "opt": "OPTForCausalLM",
    "phi": "PhiForCausalLM",
    "phi3": "Phi3ForCausalLM",
    "qwen2": "Qwen2ForCausalLM",
    "qwen3": "Qwen3ForCausalLM",
    "seed_oss": "SeedOssForCausalLM",
    "smollm3": "SmolLM3ForCausalLM",
    "stablelm": "StableLmForCausalLM",
    "starcoder2": "Starcoder2ForCausalLM",
}

# adapter_config.json: what may differ from one training to the next, and what it may be.
FREE = {"peft_version", "lora_dropout", "inference_mode", "use_dora"}
KINDS = ("LORA", "LN_TUNING")
FIXED = {
    "bias": "none",
    "init_lora_weights": True,
    "megatron_core": "megatron.core",
    "qalora_group_size": 16,
    "task_type": "CAUSAL_LM",
}


def check_safe(folder: Path) -> None:
    """Refuse a folder that is no model, or that could run code or reach outside itself when it is loaded.

    Raises PolicyError for what may not be, FileError for what is missing or damaged.
    """
    name = folder.name
    if not (folder / "config.json").exists():
        raise FileError(f"{name} is not a model folder: it has no config.json.")
    check_files(folder)
    for file in sorted(folder.glob("*.json")):
        if not file.name.startswith(("tokenizer.", "vocab.")):  # words, not settings, and large
            _check_settings(folder, file.name)
    _check_family(name, read_settings(folder / "config.json"))
    if (folder / "adapter_config.json").exists():  # transformers would load the model that it names instead
        raise PolicyError(
            f"{name} holds an adapter_config.json, which would load another model in its place. Nothing was loaded;"
            " give the folder of a whole model."
        )
    if not any(folder.glob("*.safetensors")):
        raise FileError(f"{name} holds no *.safetensors. Other formats are not loaded.")
    if not (folder / "tokenizer.json").exists():
        raise FileError(f"{name} holds no tokenizer.json. Save its tokenizer in the fast format first.")


def check_files(folder: Path) -> None:
    """Refuse a folder with a file that can run code, or with a link that leads out of it (PolicyError)."""
    root, name = folder.resolve(), folder.name
    files = sorted(folder.rglob("*"))
    for file in files:
        if file.is_symlink() and not file.resolve().is_relative_to(root):
            raise PolicyError(
                f"{name}/{file.relative_to(folder)} is a link that leads out of the folder. Nothing was loaded; put"
                f" the files themselves there, for example: cp -rL {name} {name}-whole"
            )
    unsafe = [str(file.relative_to(folder)) for file in files if file.suffix.lower() in UNSAFE]
    if unsafe:
        more = f" and {len(unsafe) - 1} more" if len(unsafe) > 1 else ""
        raise PolicyError(
            f"{name} holds {unsafe[0]}{more}, which can run code when loaded. Nothing was loaded;"
            " keep only *.safetensors and the .json and .jinja files."
        )


def read_settings(path: Path) -> dict[str, Any]:
    """Return what a settings file of a model says; FileError where it cannot be read, or is not one object."""
    where = f"{path.parent.name}/{path.name}"
    try:
        if path.stat().st_size > LARGEST and not path.name.endswith(".index.json"):
            raise FileError(f"{where} is larger than {LARGEST >> 20} MiB. No settings are; take it out.")
        said = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as fault:
        raise FileError(f"{where} cannot be read: {fault}.") from None
    except RecursionError:
        raise FileError(f"{where} cannot be read: it is nested too deep.") from None
    if not isinstance(said, dict):
        raise FileError(f"{where} is not one JSON object.")
    return said


def _check_settings(folder: Path, file: str) -> None:
    for key, value in _words(read_settings(folder / file)):
        if key == "auto_map" and value:
            raise PolicyError(f"{folder.name}/{file} asks to run its own code (auto_map). Nothing was loaded.")
        if key == "special_tokens_map_file":  # where its author had it: many say so, and transformers does not look
            continue
        named = isinstance(value, str) and (key.endswith("_file") or file.endswith(".index.json"))
        if named and Path(value).name != value:
            raise PolicyError(
                f"{folder.name}/{file} names {value!r} ({key}), which is outside the folder. Nothing was loaded."
            )


def _words(said: Any) -> Iterator[tuple[str, Any]]:
    """Yield each key and value of an object, and of all that is inside it."""
    left = [said]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            yield from one.items()
        left += one.values() if isinstance(one, dict) else one if isinstance(one, list) else []


def _check_family(name: str, said: dict[str, Any]) -> None:
    kind, classes = said.get("model_type"), said.get("architectures")
    built = FAMILIES.get(str(kind))
    if built is None or (classes is not None and classes != [built]):
        what = f"{kind!r} built as {classes}" if built else repr(kind)
        raise PolicyError(
            f"{name} is a model of the kind {what}, which curator was not tried with. Nothing was loaded; choose"
            f" another base_model in curator.toml. {nearest(str(kind), [*FAMILIES])}"
        )
    layers = said.get("num_hidden_layers", 1)
    if not isinstance(layers, int) or not 0 < layers <= LAYERS:
        raise PolicyError(f"{name}/config.json claims {layers!r} layers; at most {LAYERS} are built.")


def check_adapter(folder: Path) -> None:
    """Refuse an adapter folder that could run code, reach elsewhere, or is of a kind that curator does not train."""
    check_files(folder)
    name = folder.name
    for file in ("adapter_model.safetensors", "adapter_config.json", "training.json"):
        if not (folder / file).exists():
            raise FileError(f"{name} is not an adapter of curator: it has no {file}. Train one first.")
    said = read_settings(folder / "adapter_config.json")
    checks = {
        "peft_type": said.get("peft_type") in KINDS,
        "base_model_name_or_path": _plain_name(said.get("base_model_name_or_path")),
        "target_modules": _modules(said.get("target_modules")),
        "r": _number(said.get("r", 1), 4096),
        "lora_alpha": _number(said.get("lora_alpha", 1), 1 << 20),
        "layers_to_transform": all(n == 0 or _number(n, LAYERS) for n in _listed(said.get("layers_to_transform"))),
    }
    for key, value in said.items():
        usual = key in FREE or value in (None, False) or value in ([], {}) or value == FIXED.get(key)
        if not checks.get(key, usual):
            raise PolicyError(
                f"{name}/adapter_config.json says {key} = {json.dumps(value)[:60]}, which no training of curator"
                " leaves. Nothing was loaded; train again: curator train"
            )


def _plain_name(value: Any) -> bool:
    """Say whether it is the name of a folder, and not a path: nothing is looked for elsewhere."""
    return value is None or (isinstance(value, str) and re.fullmatch(r"[\w.@-]+(/[\w.@-]+)?", value) is not None)


def _modules(value: Any) -> bool:
    """Say whether these are names of parts of a model; a pattern could take for ever to match."""
    names = value if isinstance(value, list) else []
    return value == "all-linear" or (bool(names) and all(re.fullmatch(r"[\w.]{1,200}", str(name)) for name in names))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _number(value: Any, most: int) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= most
