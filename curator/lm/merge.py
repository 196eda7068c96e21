"""An adapter as others can use it: merged into its base as a model folder, as a GGUF file, or as it is."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from curator.errors import CuratorError, FileError, StorageError, UsageError
from curator.lm import gguf_writer, smollm2
from curator.lm.lora import load_adapter
from curator.lm.models import libraries, load, publish
from curator.offline import torch
from curator.progress import Progress, quiet

FORMATS = ("hf", "gguf", "adapter")
DTYPES = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}
WEIGHTS = {"hf": ("f32", "f16", "bf16"), "gguf": ("f16", "f32", "q8_0")}  # the first is the default
MOST = {"f32": 1e-3, "f16": 0.05, "bf16": 0.5, "q8_0": 1.0}  # of the spread of the logits, what rounding may change
CONVERTER = "convert_hf_to_gguf.py"
STEPS = 4
Ask = Callable[[Any], tuple[list[list[int]], int]]  # a tokenizer -> prompts as tokens, and what ends an answer
ADAPTER = ("adapter_config.json", "adapter_model.safetensors", "training.json", "README.md")


@dataclass(frozen=True)
class Exported:
    """What was written, and how far its logits are from the adapter's on `prompts` real prompts.

    `merged` is the largest difference of the merged model in float32, `stored` that of what was read back from disk,
    both of logits whose standard deviation is `spread`. `likeliest` is the share of places at which the likeliest
    token stayed the same. None where nothing was merged or nothing can be read back here.
    """

    path: Path
    form: str
    weights: str | None = None
    prompts: int = 0
    tokens: int = 0
    merged: float | None = None
    stored: float | None = None
    likeliest: float | None = None
    spread: float | None = None
    bytes: int = 0


@dataclass(frozen=True)
class Merged:
    """The merged model in float32 with its tokenizer, and what the adapter answered: logits by prompt."""

    model: Any
    tokenizer: Any
    prompts: list[list[int]]
    stop: int
    logits: list[torch.Tensor]
    difference: float
    spread: float


def check_call(form: str, weights: str | None) -> str:
    """Return the weights to write for a format, the usual ones where none are named; UsageError for odd ones."""
    if form not in WEIGHTS:
        if weights:
            raise UsageError(f"The format {form!r} keeps its weights as they are: leave out --weights.")
        return ""
    if weights is not None and weights not in WEIGHTS[form]:
        raise UsageError(f"The format {form!r} has no weights {weights!r}. There are: {', '.join(WEIGHTS[form])}.")
    return weights or WEIGHTS[form][0]


def merge(base: Path, adapter: Path, ask: Ask, progress: Progress = quiet) -> Merged:
    """Return the base with the adapter added into its weights, in float32.

    CuratorError where it does not answer as the adapter does: a merge that cannot be trusted is none.
    """
    progress("exporting", 0, STEPS)
    model, tokenizer = load(base, torch.float32)
    model = load_adapter(model, adapter)
    chosen, stop = ask(tokenizer)
    before = logits(model, chosen)
    progress("exporting", 1, STEPS)
    try:
        whole = model.merge_and_unload(safe_merge=True).eval()
    except ValueError as fault:  # weights that are no numbers
        raise FileError(f"{adapter.name} cannot be merged: {fault}. Nothing was written.") from None
    found = difference(before, logits(whole, chosen))
    spread = float(torch.cat(before).std())
    if not found <= MOST["f32"] * max(1.0, spread):
        raise CuratorError(
            f"The merged model does not answer as {adapter.name} does: on {len(chosen)} prompts its logits differ by"
            f" up to {found:.3g}. Nothing was written; export the adapter alone with --format adapter."
        )
    progress("exporting", 2, STEPS)
    return Merged(whole, tokenizer, chosen, stop, before, found, spread)


def logits(model: Any, prompts: Sequence[Sequence[int]]) -> list[torch.Tensor]:
    """Return the logits at every place of each prompt, (T, vocabulary), in float32."""
    with torch.no_grad():
        return [model(input_ids=torch.tensor([ids]), use_cache=False).logits[0].float() for ids in prompts]


def difference(one: Sequence[torch.Tensor], other: Sequence[torch.Tensor]) -> float:
    """Return the largest difference of two lists of logits; NaN where one is no number."""
    return float(torch.stack([(a - b).abs().max() for a, b in zip(one, other, strict=True)]).max())


def _same_token(one: Sequence[torch.Tensor], other: Sequence[torch.Tensor]) -> float:
    same = [a.argmax(-1) == b.argmax(-1) for a, b in zip(one, other, strict=True)]
    return float(torch.cat(same).float().mean())


def export_hf(base: Path, adapter: Path, out: Path, weights: str, ask: Ask, progress: Progress = quiet) -> Exported:
    """Leave in the folder `out` the merged model: safetensors, tokenizer, chat template, card, training.json."""
    _check_free(out)
    merged = merge(base, adapter, ask, progress)
    found: list[Exported] = []

    def make(draft: Path) -> None:
        found.append(_save(draft, merged, adapter, weights, out))

    publish(out, make)
    progress("exporting", STEPS, STEPS)
    return found[0]


def _save(draft: Path, merged: Merged, adapter: Path, weights: str, out: Path) -> Exported:
    merged.model.to(DTYPES[weights]).save_pretrained(draft)
    merged.tokenizer.save_pretrained(draft)
    read, _ = load(draft, DTYPES[weights])
    told = _compared(merged, read, out, "hf", weights)
    told = Exported(**(vars(told) | {"bytes": sum(file.stat().st_size for file in draft.iterdir())}))
    said = _report(adapter, told)
    (draft / "training.json").write_text(json.dumps(said, indent=2, sort_keys=True) + "\n", "utf-8")
    (draft / "README.md").write_text(card(said, (adapter / "README.md").read_text("utf-8")), "utf-8")
    return told


def _compared(merged: Merged, read: Any, out: Path, form: str, weights: str) -> Exported:
    """Say how far what was read back is from the adapter; CuratorError where it is too far."""
    now = logits(read, merged.prompts)
    stored = difference(merged.logits, now)
    if not stored <= MOST[weights] * max(1.0, merged.spread):
        raise CuratorError(
            f"{out.name} as {weights} does not answer as the adapter does: its logits differ by up to {stored:.3g}."
            f" Nothing was kept; write it as --weights {'f32' if weights != 'f32' else 'f16'}."
        )
    return Exported(
        out,
        form,
        weights,
        len(merged.prompts),
        sum(map(len, merged.prompts)),
        merged.difference,
        stored,
        _same_token(merged.logits, now),
        merged.spread,
    )


def _report(adapter: Path, told: Exported) -> dict[str, Any]:
    """Return the training report of the adapter with what became of it."""
    said: dict[str, Any] = json.loads((adapter / "training.json").read_text("utf-8"))
    merged = {name: value for name, value in asdict(told).items() if name not in ("path", "form")}
    return said | {"merged": merged | {"libraries": libraries()}}


def card(said: dict[str, Any], adapter_card: str) -> str:
    """Return the README of a merged model: that of its adapter, saying that it is whole."""
    merged = said["merged"]
    body = adapter_card.split("---\n", 2)[-1].replace(": adapter for ", ": a model made from ", 1).strip()
    return f"""---
base_model: {said["base_name"]}
library_name: transformers
pipeline_tag: text-generation
tags: [merged, curator]
---

{body}

## How it was merged

The adapter (SHA-256 `{said["adapter"]}`) was added into the weights of {said["base_name"]}, stored as \
{merged["weights"]}. On {merged["prompts"]} prompts ({merged["tokens"]} tokens) the logits of this folder differ from \
those of base and adapter by at most {merged["stored"]:.3g}, where their standard deviation is {merged["spread"]:.3g}.
The licence of the base model holds for it, too.
"""


def export_gguf(
    base: Path,
    adapter: Path,
    out: Path,
    weights: str,
    ask: Ask,
    about: dict[str, Any],
    converter: Path | None = None,
    progress: Progress = quiet,
) -> Exported:
    """Leave the merged model in the GGUF file `out`, and say how far its logits are when it is read back.

    A Llama with byte-level BPE is written here; any other by llama.cpp's converter where there is one, else UsageError
    gives the commands that do it. `about` is what general.* says.
    """
    _check_free(out)
    merged = merge(base, adapter, ask, progress)
    why = gguf_writer.unfit(merged.model, merged.tokenizer)
    tool = converter or (Path(found) if (found := shutil.which(CONVERTER)) else None)
    if why and tool is None:
        raise UsageError(
            f"{base.name} is not written as GGUF here, since {why}. Nothing was written; with a copy of llama.cpp:"
            f" curator export-model merged --format hf && python {CONVERTER} merged --outfile {out.name}"
            f" --outtype {weights} (or give it as --converter PATH)"
        )
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as folder:
            draft = Path(folder) / out.name
            if why or converter:
                told = _converted(draft, merged, adapter, weights, out, tool)
            else:
                gguf_writer.write(merged.model, merged.tokenizer, draft, weights, about, merged.stop)
                progress("exporting", 3, STEPS)
                told = _read_back(draft, merged, weights, out)
            size = draft.stat().st_size
            os.replace(draft, out)
    except OSError as fault:
        raise StorageError(f"{out.name} could not be written: {fault}. Nothing was kept.") from None
    progress("exporting", STEPS, STEPS)
    return Exported(**(vars(told) | {"bytes": size}))


def _read_back(draft: Path, merged: Merged, weights: str, out: Path) -> Exported:
    model, tokenizer = smollm2.read(draft, torch.float32)
    for ids in merged.prompts:
        text = merged.tokenizer.decode(ids, skip_special_tokens=False)
        if (
            tokenizer(text, add_special_tokens=False).input_ids
            != merged.tokenizer(text, add_special_tokens=False).input_ids
        ):
            raise CuratorError(f"{out.name} would cut texts into other tokens than the model. Nothing was kept.")
    if tokenizer.chat_template != merged.tokenizer.chat_template:
        raise CuratorError(f"{out.name} would hold another chat template than the model. Nothing was kept.")
    return _compared(merged, model.eval(), out, "gguf", weights)


def _converted(draft: Path, merged: Merged, adapter: Path, weights: str, out: Path, tool: Path | None) -> Exported:
    """Let llama.cpp's converter write the file; it is not read back here."""
    if tool is None or not tool.is_file():
        raise UsageError(f"There is no converter {str(tool)!r}. Give the path of llama.cpp's {CONVERTER}.")
    folder = draft.parent / "merged"
    folder.mkdir()
    _save(folder, merged, adapter, "f32", out)
    call = [sys.executable, str(tool), str(folder), "--outfile", str(draft), "--outtype", weights]
    done = subprocess.run(call, capture_output=True, text=True, check=False)  # noqa: S603  no shell
    if done.returncode or not draft.is_file():
        why = (done.stderr.strip().splitlines() or ["no reason given"])[-1][:300]
        raise CuratorError(f"{tool.name} failed: {why} Nothing was kept.")
    counts = len(merged.prompts), sum(map(len, merged.prompts))
    return Exported(out, "gguf", weights, *counts, merged.difference, spread=merged.spread)


def export_adapter(adapter: Path, out: Path) -> Exported:
    """Copy the adapter's own files into the folder `out`: no evaluation and nothing else that lies beside them."""
    _check_free(out)

    def make(draft: Path) -> None:
        for name in ADAPTER:
            shutil.copyfile(adapter / name, draft / name)

    publish(out, make)
    return Exported(out, "adapter", bytes=sum(file.stat().st_size for file in out.iterdir()))


def _check_free(out: Path) -> None:
    if out.exists():
        raise UsageError(f"{out.name} is there already. Nothing was changed; give another name, or take it away first.")
