"""Hostile folders: each is refused before anything of it is loaded, with a message that says what to do."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from transformers import CONFIG_MAPPING, AutoModelForCausalLM
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

from curator.errors import CuratorError, FileError, PolicyError
from curator.lm.chattemplate import LONGEST, check_template
from curator.lm.lora import Trunk, load_adapter
from curator.lm.models import load, pins
from curator.lm.safety import FAMILIES, check_adapter, check_safe
from curator.offline import torch
from curator.training.train import TrainSettings, train

Change = Callable[[Path], Any]


@pytest.fixture(scope="module")
def adapter(dataset: Path, tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    settings = TrainSettings(rank=2, layers=1, epochs=1, rate=1e-2)
    return train(dataset, tmp_path_factory.mktemp("trained") / "adapter", tiny, settings).folder


def say(file: str, **more: Any) -> Change:
    def change(folder: Path) -> None:
        path = folder / file
        said = json.loads(path.read_text()) if path.exists() else {}
        path.write_text(json.dumps(said | more))

    return change


def link(file: str, where: str) -> Change:
    def change(folder: Path) -> None:
        (folder / file).unlink(missing_ok=True)
        (folder / file).symlink_to(where)

    return change


def write(file: str, text: str) -> Change:
    return lambda folder: (folder / file).write_text(text)


MODELS = {
    "another kind": (say("config.json", model_type="gemma2"), "kind 'gemma2', which .* Did you mean 'gemma'"),
    "a kind of nobody": (say("config.json", model_type=["llama"]), r"of the kind \['llama'\], which curator was not"),
    "another class": (say("config.json", architectures=["Evil"]), r"kind 'llama' built as \['Evil'\]"),
    "layers without end": (say("config.json", num_hidden_layers=10**9), "claims 1000000000 layers; at most 512"),
    "a link out": (link("model.safetensors", "/etc/hostname"), "model.safetensors is a link that leads out.*cp -rL"),
    "a folder out": (link("more", "/etc"), "model/more is a link that leads out of the folder"),
    "code by name": (
        say("generation_config.json", a={"b": [{"auto_map": {"x": "evil.X"}}]}),
        r"its own code \(auto_map",
    ),
    "an index": (say("model.safetensors.index.json", weight_map={"w": "../w.safetensors"}), "names '../w.safetensors'"),
    "a file elsewhere": (say("tokenizer_config.json", vocab_file="/etc/passwd"), r"names '/etc/passwd' \(vocab_file\)"),
    "an adapter": (
        write("adapter_config.json", '{"base_model_name_or_path": "/x"}'),
        "would load another model in its",
    ),
    "deep": (write("config.json", "[" * 10**5), "config.json cannot be read: it is nested too deep"),
    "no object": (write("config.json", "[]"), "model/config.json is not one JSON object"),
    "large": (write("generation_config.json", " " * (1 << 21)), "is larger than 1 MiB"),
}


@pytest.mark.parametrize("what", MODELS)
def test_a_hostile_model_is_refused(tiny: Path, tmp_path: Path, what: str) -> None:
    folder = Path(shutil.copytree(tiny, tmp_path / "model"))
    change, message = MODELS[what]
    change(folder)

    with pytest.raises(CuratorError, match=message) as caught:
        check_safe(folder)
    assert isinstance(caught.value, FileError if what in ("deep", "no object", "large") else PolicyError)


def test_links_inside_a_folder_and_where_its_author_had_it_are_fine(tiny: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny, tmp_path / "model"))
    (folder / "model.safetensors").rename(folder / "weights")
    (folder / "model.safetensors").symlink_to("weights")
    say("tokenizer_config.json", special_tokens_map_file="/home/author/special_tokens_map.json")(folder)

    check_safe(folder)


TEMPLATES = {
    "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}": "ran for more than 2 seconds",
    "{% set n = namespace(x='a') %}{% for a in range(40) %}{% set n.x = n.x ~ n.x %}{% endfor %}": "more than 512 MB",
    "{{ '%10000000000d' % 1 }}": "took more than 512 MB",
    "{% for a in range(100000) %}x{% endfor %}": "writes more than 65,536 characters around a short chat",
    "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}": "calls itself without end",
    "{{ messages.__class__.__mro__[-1].__subclasses__() }}": "asks for what Jinja's sandbox forbids",
    "{% for %}": "cannot be rendered: TemplateSyntaxError",
    "x" * (LONGEST + 1): "has 65,537 characters; at most 65,536 are read",
}


@pytest.mark.parametrize("template", TEMPLATES, ids=list(TEMPLATES.values()))
def test_a_hostile_template_is_refused(template: str) -> None:
    with pytest.raises(PolicyError, match=f"The chat template of model .*{TEMPLATES[template]}"):
        check_template(template, "model")


def test_a_model_with_a_hostile_template_is_not_loaded(tiny: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny, tmp_path / "model"))
    (folder / "chat_template.jinja").write_text("{% for a in range(100000) %}x{% endfor %}")

    with pytest.raises(PolicyError, match="The chat template of model writes more than"):
        load(folder)


def test_templates_in_use_are_fine(tiny: Path) -> None:
    """What they may use: the tag of transformers, loop controls, a date, their tokens, a refusal of system turns."""
    check_template((tiny / "chat_template.jinja").read_text(), "tiny")
    check_template(
        "{{ bos_token }}{{ strftime_now('%Y') }}{% for m in messages %}{% if m.role == 'system' %}"
        "{{ raise_exception('no system turn') }}{% endif %}{% if loop.index > 5 %}{% break %}{% endif %}"
        "{% generation %}{{ m | tojson }}{% endgeneration %}{% endfor %}",
        "model",
        {"bos_token": "<s>"},
    )


ADAPTERS = {
    "its own code": (
        say("adapter_config.json", auto_mapping={"base_model_class": "X", "parent_library": "os"}),
        "auto_m",
    ),
    "a module": (say("adapter_config.json", megatron_config={}, megatron_core="os"), 'megatron_core = "os", which no'),
    "another kind": (
        say("adapter_config.json", peft_type="XLORA"),
        'peft_type = "XLORA", which no training of curator',
    ),
    "a path": (say("adapter_config.json", base_model_name_or_path="../../other"), "base_model_name_or_path = "),
    "a pattern": (say("adapter_config.json", target_modules="(a+)+$"), "target_modules = "),
    "a rank": (say("adapter_config.json", r=10**9), "r = 1000000000"),
    "layers": (say("adapter_config.json", layers_to_transform=["x"]), "layers_to_transform = "),
    "more weights": (say("adapter_config.json", modules_to_save=["lm_head"]), "modules_to_save = "),
    "a pickle": (write("optimizer.pt", "x"), "holds optimizer.pt, which can run code"),
    "a link out": (link("adapter_model.safetensors", "/etc/hostname"), "is a link that leads out of the folder"),
}


@pytest.mark.parametrize("what", ADAPTERS)
def test_a_hostile_adapter_is_refused(adapter: Path, tmp_path: Path, what: str) -> None:
    folder = Path(shutil.copytree(adapter, tmp_path / "adapter"))
    change, message = ADAPTERS[what]
    change(folder)

    with pytest.raises(PolicyError, match=message):
        check_adapter(folder)


@pytest.mark.parametrize("file", ["adapter_model.safetensors", "adapter_config.json", "training.json"])
def test_what_an_adapter_lacks_is_named(adapter: Path, tmp_path: Path, file: str) -> None:
    folder = Path(shutil.copytree(adapter, tmp_path / "adapter"))
    (folder / file).unlink()

    with pytest.raises(FileError, match=f"adapter is not an adapter of curator: it has no {file}"):
        check_adapter(folder)


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (say("config.json", rms_norm_eps=0.1), "base model"),
        (say("tokenizer_config.json", bos_token="<|im_start|>"), "tokenizer"),
        (
            lambda f: (f / "chat_template.jinja").write_text((f / "chat_template.jinja").read_text() + " "),
            "chat template",
        ),
    ],
)
def test_an_adapter_goes_with_the_model_the_tokenizer_and_the_template_of_its_training(
    adapter: Path, tiny: Path, tmp_path: Path, change: Change, part: str
) -> None:
    folder = Path(shutil.copytree(tiny, tmp_path / "other"))
    load_adapter(load(folder)[0], adapter)
    change(folder)

    with pytest.raises(
        PolicyError, match=f"The {part} in other is not the one that adapter was trained with: its SHA-"
    ):
        load_adapter(load(folder)[0], adapter)


def test_a_template_in_the_tokenizers_settings_is_pinned_too(tiny: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny, tmp_path / "other"))
    before = pins(folder)
    say("tokenizer_config.json", chat_template="{{ messages }}")(folder)
    assert pins(folder) == before  # the file beside it is the one that is used

    (folder / "chat_template.jinja").unlink()
    one = pins(folder)
    say("tokenizer_config.json", chat_template="{{ messages }}!")(folder)

    assert {part for part, seal in pins(folder).items() if seal != one[part]} == {"template"}


def test_weights_that_changed_after_the_training_are_not_loaded(adapter: Path, tiny: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(adapter, tmp_path / "adapter"))
    weights = bytearray((folder / "adapter_model.safetensors").read_bytes())
    weights[-1] ^= 1
    (folder / "adapter_model.safetensors").write_bytes(weights)

    with pytest.raises(PolicyError, match="The weights of adapter are not those that its training left"):
        load_adapter(load(tiny)[0], folder)


def test_how_to_generate_is_not_read_from_the_folder(tiny: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny, tmp_path / "model"))
    say("generation_config.json", num_beams=7, repetition_penalty=9.0)(folder)

    said = load(folder)[0].generation_config

    assert (said.num_beams, said.repetition_penalty, said.eos_token_id) == (None, None, 1)


def test_the_kinds_that_are_allowed_are_those_of_transformers() -> None:
    assert {kind: MODEL_FOR_CAUSAL_LM_MAPPING_NAMES[kind] for kind in FAMILIES} == FAMILIES


@pytest.mark.parametrize("kind", FAMILIES)
def test_a_model_of_each_kind_answers_the_same_behind_a_shared_prefix(kind: str) -> None:
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2}
    words = {"vocab_size": 64, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
    rest = {"intermediate_size": 48, "max_position_embeddings": 256, "head_dim": 8}
    more = {"sliding_window": None} if kind == "mistral" else {}
    torch.manual_seed(1)
    config = CONFIG_MAPPING[kind](**sizes, **words, **rest, **more)

    Trunk(AutoModelForCausalLM.from_config(config, attn_implementation="sdpa").eval())
