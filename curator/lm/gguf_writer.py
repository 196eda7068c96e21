"""A Llama as a GGUF file, which llama.cpp and what is built on it read; `smollm2.read` reads it back."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGMLQuantizationType, GGUFWriter, LlamaFileType
from gguf.quants import quantize
from numpy.typing import NDArray

from curator.lm.smollm2 import PARTS, WHOLE
from curator.offline import torch

KINDS = {
    "f32": (GGMLQuantizationType.F32, LlamaFileType.ALL_F32),
    "f16": (GGMLQuantizationType.F16, LlamaFileType.MOSTLY_F16),
    "q8_0": (GGMLQuantizationType.Q8_0, LlamaFileType.MOSTLY_Q8_0),
}
BLOCK = 32  # numbers that share a scale in q8_0
NORMAL, CONTROL, USER_DEFINED, UNUSED = 1, 3, 4, 5  # GGUF's token types
SPLITS = {  # how text is cut before it is merged -> llama.cpp's name for it
    ("ByteLevel",): "gpt-2",
    ("Digits", "ByteLevel"): "smollm",
}


def unfit(model: Any, tokenizer: Any) -> str:
    """Return why this model cannot be written here, in words; empty where it can."""
    config = model.config
    if type(model).__name__ != "LlamaForCausalLM":
        return f"it is a {type(model).__name__}, not a Llama"
    if config.attention_bias or config.mlp_bias:
        return "its layers have biases"
    if (config.rope_parameters or {}).get("rope_type", "default") != "default":
        return "its rotary positions are scaled"
    if config.head_dim * config.num_attention_heads != config.hidden_size:
        return "the width of its heads is of its own"
    said = json.loads(tokenizer.backend_tokenizer.to_str())
    if said["model"]["type"] != "BPE" or said["normalizer"] is not None or not _split(said):
        return "its tokenizer is not byte-level BPE as GPT-2's or SmolLM2's"
    if said["model"].get("ignore_merges") or said["model"].get("byte_fallback"):
        return "its tokenizer does not only merge"
    return ""


def _split(said: dict[str, Any]) -> str | None:
    """Return llama.cpp's name for how a tokenizer cuts text, None where it has none that we know."""
    how = said["pre_tokenizer"] or {}
    parts = how["pretokenizers"] if how.get("type") == "Sequence" else [how]
    for part in parts:
        if part.get("add_prefix_space") or not part.get("use_regex", True) or not part.get("individual_digits", True):
            return None
    return SPLITS.get(tuple(part.get("type", "") for part in parts))


def write(model: Any, tokenizer: Any, path: Path, kind: str, about: dict[str, Any], stop: int) -> None:
    """Write the file: weights as one of `KINDS` (norms always f32), tokenizer, chat template.

    `about` are keys of general.* with texts or lists of texts; `stop` is the token that ends an answer.
    """
    writer = GGUFWriter(str(path), "llama")
    try:
        _describe(writer, model, kind, about)
        _tokens(writer, tokenizer, model.config.vocab_size, stop)
        for name, weight in _tensors(model):
            writer.add_tensor(name, *_stored(weight, KINDS[kind][0]))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
    finally:
        writer.close()


def _describe(writer: GGUFWriter, model: Any, kind: str, about: dict[str, Any]) -> None:
    config = model.config
    writer.add_type("model")
    for key, value in about.items():
        add = writer.add_array if isinstance(value, list) else writer.add_string
        add(f"general.{key}", value)
    writer.add_string("general.size_label", size_label(sum(weight.numel() for weight in model.parameters())))
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_rope_freq_base(float(config.rope_parameters["rope_theta"]))
    writer.add_layer_norm_rms_eps(float(config.rms_norm_eps))
    writer.add_file_type(KINDS[kind][1])
    writer.add_vocab_size(config.vocab_size)
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_quantization_version(2)  # GGML_QNT_VERSION


def size_label(weights: int) -> str:
    """Return a count of weights as GGUF files name it.

    >>> size_label(134_515_008), size_label(1_700_000_000), size_label(29_000)
    ('135M', '1.7B', '29K')
    """
    for scale, mark in ((1e9, "B"), (1e6, "M"), (1e3, "K")):
        if weights >= scale:
            return f"{weights / scale:.{1 if weights < 10 * scale else 0}f}".removesuffix(".0") + mark
    return str(weights)


def _tokens(writer: GGUFWriter, tokenizer: Any, size: int, stop: int) -> None:
    said = json.loads(tokenizer.backend_tokenizer.to_str())
    names = {n: token for token, n in said["model"]["vocab"].items()}
    kinds = dict.fromkeys(names, NORMAL)
    for added in said["added_tokens"]:
        names[added["id"]] = added["content"]
        kinds[added["id"]] = CONTROL if added["special"] else USER_DEFINED
    writer.add_add_space_prefix(False)
    writer.add_add_bos_token(False)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(str(_split(said)))
    writer.add_token_list([names.get(n, f"[PAD{n}]") for n in range(size)])
    writer.add_token_types([kinds.get(n, UNUSED) for n in range(size)])
    writer.add_token_merges([pair if isinstance(pair, str) else " ".join(pair) for pair in said["model"]["merges"]])
    for number, add in (
        (tokenizer.bos_token_id, writer.add_bos_token_id),
        (tokenizer.eos_token_id, writer.add_eos_token_id),
        (tokenizer.unk_token_id, writer.add_unk_token_id),
        (tokenizer.pad_token_id, writer.add_pad_token_id),
    ):
        if number is not None:
            add(number)
    if stop != tokenizer.eos_token_id:
        writer.add_eot_token_id(stop)
    writer.add_chat_template(tokenizer.chat_template)


def _tensors(model: Any) -> list[tuple[str, NDArray[np.float32]]]:
    """Return each weight under GGUF's name, (rows, columns); queries and keys with their rotary pairs interleaved."""
    config = model.config
    heads = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}
    state = model.state_dict()
    found = [(short, long) for short, long in WHOLE.items() if short != "output" or not config.tie_word_embeddings]
    tensors = [(f"{short}.weight", _array(state[long])) for short, long in found]
    for layer in range(config.num_hidden_layers):
        for short, long in PARTS.items():
            weight = _array(state[f"model.layers.{layer}.{long}.weight"])
            if short in heads:
                rows, columns = weight.shape
                halves = weight.reshape(heads[short], 2, -1, columns)
                weight = np.ascontiguousarray(halves.swapaxes(1, 2).reshape(rows, columns))
            tensors.append((f"blk.{layer}.{short}.weight", weight))
    return tensors


def _array(weight: torch.Tensor) -> NDArray[np.float32]:
    found: NDArray[np.float32] = weight.detach().to(torch.float32).contiguous().numpy()
    return found


def _stored(weight: NDArray[np.float32], kind: GGMLQuantizationType) -> tuple[Any, None, GGMLQuantizationType]:
    """Return a weight as it is stored: norms in f32, what does not divide into blocks in f16, as llama.cpp does."""
    if weight.ndim == 1:
        kind = GGMLQuantizationType.F32
    elif kind == GGMLQuantizationType.Q8_0 and weight.shape[-1] % BLOCK:
        kind = GGMLQuantizationType.F16
    return quantize(weight, kind), None, kind
