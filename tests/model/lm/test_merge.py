"""An adapter as others can use it: merged, as GGUF, alone; each answers as base and adapter do."""

import json
import os
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest
from gguf import GGUFReader

from curator.errors import CuratorError, UsageError
from curator.lm import gguf_writer, smollm2
from curator.lm.lora import load_adapter
from curator.lm.merge import check_call, difference, export_adapter, export_gguf, export_hf, logits, merge
from curator.lm.models import load, resolve
from curator.offline import torch
from curator.training.train import TrainSettings, train

PROMPTS = [[0, 120, 130, 140, 1], [0, 99, 98, 97, 96, 95, 200, 210, 1]]
ABOUT = {"name": "Tiny", "license": "apache-2.0", "languages": ["en"]}


def asked(tokenizer: Any) -> tuple[list[list[int]], int]:
    return PROMPTS, int(tokenizer.eos_token_id)


def learned(dataset: Path, tiny: Path, out: Path, **more: Any) -> Path:
    settings = TrainSettings(rank=4, alpha=32, layers=2, rate=5e-2, epochs=1, warmup=0.0, **more)
    return train(dataset, out, tiny, settings).folder


@pytest.fixture(scope="module")
def adapter(dataset: Path, tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return learned(dataset, tiny, tmp_path_factory.mktemp("models") / "m")


@pytest.mark.parametrize("method", ["lora", "dora", "full"])
def test_the_merged_folder_is_a_model_that_answers_as_base_and_adapter_do(
    method: str, dataset: Path, tiny: Path, tmp_path: Path
) -> None:
    adapter = learned(dataset, tiny, tmp_path / "m", method=method)

    told = export_hf(tiny, adapter, tmp_path / "out", "f32", asked)

    assert (told.prompts, told.tokens, told.likeliest) == (2, 14, 1.0)
    assert told.merged is not None
    assert told.stored is not None
    assert max(told.merged, told.stored) < 1e-4
    base, _ = load(tiny, torch.float32)
    plain = logits(base, PROMPTS)
    whole = logits(load(tmp_path / "out", torch.float32)[0], PROMPTS)
    tuned = logits(load_adapter(base, adapter), PROMPTS)
    assert difference(whole, tuned) < 1e-4
    assert difference(whole, plain) > 0.1


def test_the_folder_says_what_it_is_and_names_no_machine(adapter: Path, tiny: Path, tmp_path: Path) -> None:
    told = export_hf(tiny, adapter, tmp_path / "out", "bf16", asked)

    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "README.md",
        "chat_template.jinja",
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "training.json",
    ]
    for file in (tmp_path / "out").iterdir():
        if file.suffix != ".safetensors":
            assert str(tmp_path.parent) not in file.read_text("utf-8"), file.name
    said = json.loads((tmp_path / "out" / "training.json").read_text("utf-8"))
    assert said["merged"]["weights"] == "bf16"
    assert said["merged"]["stored"] == told.stored
    assert said["adapter"] == json.loads((adapter / "training.json").read_text("utf-8"))["adapter"]
    text = (tmp_path / "out" / "README.md").read_text("utf-8")
    assert "# A little pack: a model made from tiny" in text
    assert "library_name: transformers" in text
    assert "peft" not in text
    assert "On 2 prompts (14 tokens)" in text
    assert json.loads((tmp_path / "out" / "config.json").read_text("utf-8"))["dtype"] == "bfloat16"


def test_a_merge_that_answers_otherwise_is_refused(
    adapter: Path, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """peft is made to drop the adapter instead of adding it, as users of other tools found out late."""
    from peft import LoraModel

    monkeypatch.setattr(LoraModel, "merge_and_unload", lambda model, **_: model.unload())

    with pytest.raises(CuratorError, match=r"The merged model does not answer as m does: on 2 prompts its logits"):
        export_hf(tiny, adapter, tmp_path / "out", "f32", asked)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("weights", "most"), [("f32", 1e-4), ("f16", 0.05), ("q8_0", 0.5)])
def test_the_gguf_file_read_back_gives_the_same_logits_and_tokens(
    adapter: Path, tiny: Path, tmp_path: Path, weights: str, most: float
) -> None:
    out = tmp_path / "tiny.gguf"

    told = export_gguf(tiny, adapter, out, weights, asked, ABOUT)

    assert told.stored is not None
    assert told.stored < most
    assert told.bytes == out.stat().st_size
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.gguf"]
    model, tokenizer = smollm2.read(out, torch.float32)
    assert difference(logits(model, PROMPTS), merge(tiny, adapter, asked).logits) == told.stored
    text = "In ward 12 a shift was moved; naïve ✓\n\n  done."
    assert tokenizer(text).input_ids == load(tiny)[1](text, add_special_tokens=False).input_ids
    assert tokenizer.convert_tokens_to_ids("<|im_end|>") == 1


def test_the_gguf_file_has_the_keys_that_llama_cpp_asks_for(adapter: Path, tiny: Path, tmp_path: Path) -> None:
    export_gguf(tiny, adapter, tmp_path / "tiny.gguf", "f16", asked, ABOUT)

    reader = GGUFReader(str(tmp_path / "tiny.gguf"))
    said = {key: field.contents() for key, field in reader.fields.items() if not key.startswith("GGUF.")}
    config = load(tiny)[0].config
    tokens, merges = said.pop("tokenizer.ggml.tokens"), said.pop("tokenizer.ggml.merges")
    kinds, template = said.pop("tokenizer.ggml.token_type"), said.pop("tokenizer.chat_template")
    assert (len(tokens), tokens[:2], kinds[:3]) == (config.vocab_size, ["<|im_start|>", "<|im_end|>"], [3, 3, 1])
    assert all(len(pair.split(" ")) == 2 for pair in merges)
    assert template == load(tiny)[1].chat_template
    assert said.pop("llama.attention.layer_norm_rms_epsilon") == pytest.approx(config.rms_norm_eps)
    assert said == {
        "general.architecture": "llama",
        "general.type": "model",
        "general.name": "Tiny",
        "general.license": "apache-2.0",
        "general.languages": ["en"],
        "general.size_label": "43K",
        "general.file_type": 1,
        "general.quantization_version": 2,
        "llama.block_count": 3,
        "llama.context_length": 8192,
        "llama.embedding_length": 32,
        "llama.feed_forward_length": 48,
        "llama.attention.head_count": 4,
        "llama.attention.head_count_kv": 2,
        "llama.rope.freq_base": 10000.0,
        "llama.rope.dimension_count": 8,
        "llama.vocab_size": config.vocab_size,
        "tokenizer.ggml.add_space_prefix": False,
        "tokenizer.ggml.add_bos_token": False,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "gpt-2",
        "tokenizer.ggml.eos_token_id": 1,
        "tokenizer.ggml.padding_token_id": 1,
    }
    kinds_of = {tensor.name: tensor.tensor_type.name for tensor in reader.tensors}
    assert kinds_of["blk.0.attn_q.weight"] == kinds_of["output.weight"] == "F16"
    assert kinds_of["blk.0.attn_norm.weight"] == kinds_of["output_norm.weight"] == "F32"


def scaled(tiny: Path, folder: Path) -> Path:
    """The tiny model with rotary positions that our writer does not know."""
    shutil.copytree(tiny, folder)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    config["rope_parameters"] = {"rope_type": "linear", "factor": 2.0, "rope_theta": 10000.0}
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    return folder


def test_what_is_not_written_here_is_left_to_llama_cpps_converter(
    dataset: Path, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The converter here writes down what it was called with; the real one is not on this machine."""
    base = scaled(tiny, tmp_path / "scaled")
    adapter = learned(dataset, base, tmp_path / "m")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError) as refused:
        export_gguf(base, adapter, tmp_path / "out.gguf", "q8_0", asked, ABOUT)
    assert "since its rotary positions are scaled" in str(refused.value)
    assert (
        "curator export-model merged --format hf && python convert_hf_to_gguf.py merged --outfile out.gguf"
        " --outtype q8_0" in str(refused.value)
    )

    tool = tmp_path / "convert_hf_to_gguf.py"
    tool.write_text(
        "import os, sys\n"
        "assert os.path.isfile(sys.argv[1] + '/model.safetensors')\n"
        "open(sys.argv[3], 'w').write(' '.join(sys.argv[2:3] + sys.argv[4:]))\n"
    )
    tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
    told = export_gguf(base, adapter, tmp_path / "out.gguf", "q8_0", asked, ABOUT)

    assert (tmp_path / "out.gguf").read_text() == "--outfile --outtype q8_0"
    assert told.stored is None
    tool.write_text("import sys\nsys.exit('no such architecture')\n")
    with pytest.raises(CuratorError, match=r"convert_hf_to_gguf.py failed: no such architecture Nothing was kept."):
        export_gguf(base, adapter, tmp_path / "two.gguf", "f16", asked, ABOUT, converter=tool)
    with pytest.raises(UsageError, match="There is no converter"):
        export_gguf(base, adapter, tmp_path / "two.gguf", "f16", asked, ABOUT, converter=tmp_path / "none.py")
    assert not (tmp_path / "two.gguf").exists()


def test_nothing_is_overwritten_and_odd_weights_are_refused(adapter: Path, tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    for export in (
        lambda: export_hf(tiny, adapter, tmp_path / "there", "f32", asked),
        lambda: export_gguf(tiny, adapter, tmp_path / "there", "f32", asked, ABOUT),
        lambda: export_adapter(adapter, tmp_path / "there"),
    ):
        with pytest.raises(UsageError, match="there is there already"):
            export()
    assert list((tmp_path / "there").iterdir()) == []
    assert (check_call("hf", None), check_call("gguf", None), check_call("adapter", None)) == ("f32", "f16", "")
    with pytest.raises(UsageError, match=r"The format 'hf' has no weights 'q8_0'. There are: f32, f16, bf16"):
        check_call("hf", "q8_0")
    with pytest.raises(UsageError, match="keeps its weights as they are"):
        check_call("adapter", "f32")


def test_the_adapter_alone_leaves_out_what_lies_beside_it(adapter: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(adapter, tmp_path / "m"))
    (copy / "evaluation.json").write_text("{}")

    told = export_adapter(copy, tmp_path / "out")

    assert sorted(path.name for path in told.path.iterdir()) == [
        "README.md",
        "adapter_config.json",
        "adapter_model.safetensors",
        "training.json",
    ]


@pytest.mark.slow
def test_smollm2_goes_to_gguf_and_back_with_the_same_keys_and_tokens(tmp_path: Path) -> None:
    base = resolve(smollm2.NAME, Path(os.environ.get("CURATOR_TEST_CACHE") or tmp_path / "cache"))
    model, tokenizer = load(base, torch.float32)
    prompt = tokenizer("<|im_start|>user\nOn 12 May a rota was changed. Fair?<|im_end|>\n").input_ids
    assert gguf_writer.unfit(model, tokenizer) == ""

    packaged = GGUFReader(str(smollm2.packaged()))
    gguf_writer.write(model, tokenizer, tmp_path / "s.gguf", "f16", smollm2.about(packaged), 2)
    back, words = smollm2.read(tmp_path / "s.gguf", torch.float32)

    assert difference(logits(model, [prompt]), logits(back, [prompt])) < 0.02
    text = "It’s 1234 €, naïve\n\n  and ✓ done."
    assert words(text).input_ids == tokenizer(text, add_special_tokens=False).input_ids
    ours = GGUFReader(str(tmp_path / "s.gguf"))
    changed = {"general.file_type", "GGUF.kv_count", "GGUF.tensor_count"}
    for key in set(packaged.fields) - changed:
        assert ours.fields[key].contents() == packaged.fields[key].contents(), key
    assert set(ours.fields) == set(packaged.fields)
    assert {tensor.name for tensor in ours.tensors} == {tensor.name for tensor in packaged.tensors}
