"""An adapter on the upper layers of a frozen model, and the model cut below them: what never changes is kept."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from curator.errors import FileError, UsageError
from curator.lm.attention import used_by
from curator.lm.models import check_pins
from curator.lm.tree import Tree, grow
from curator.offline import torch

KEEP = 1 << 30  # bytes of lower states that are kept between epochs; a tree of 800 tokens needs 2 MB
MARKS = ("lora_", "ln_tuning_layers")  # in the names of weights that learn


def attach(model: Any, *, rank: int, alpha: int, dropout: float, layers: int, method: str = "lora") -> Any:
    """Return the model with a fresh adapter on its topmost `layers` layers (0: on all).

    "lora" and "dora" put one on every linear map. "full" learns a copy of every weight of these layers, which is
    saved, loaded and switched off as an adapter is; the model must be in float32 for it.
    """
    from peft import LNTuningConfig, LoraConfig, get_peft_model

    count = model.config.num_hidden_layers
    upper = list(range(count - layers, count)) if 0 < layers < count else None
    config: Any
    if method == "full":  # peft calls it after the norms that it was made for; it takes any module
        chosen = dict(model.get_decoder().layers.named_modules())
        whole = (f"layers.{name}" for name, part in chosen.items() if any(True for _ in part.parameters(recurse=False)))
        names = sorted(name for name in whole if upper is None or int(name.split(".")[1]) in upper)
        config = LNTuningConfig(target_modules=names, task_type="CAUSAL_LM")
    else:
        inside = model.get_decoder().layers.named_modules() if upper else []
        linear = sorted({name.rpartition(".")[2] for name, part in inside if isinstance(part, torch.nn.Linear)})
        config = LoraConfig(
            r=rank,
            lora_alpha=alpha,
            lora_dropout=dropout,
            use_dora=method == "dora",
            target_modules=linear if upper else "all-linear",  # peft takes "all-linear" for the whole model only
            layers_to_transform=upper,
            task_type="CAUSAL_LM",
        )
    adapted = get_peft_model(model, config)
    for weight in trainable(adapted):
        weight.data = weight.data.to(torch.promote_types(weight.dtype, torch.float32))
    return adapted


def trainable(model: Any) -> list[torch.nn.Parameter]:
    """Return the weights that learn."""
    return [weight for weight in model.parameters() if weight.requires_grad]


def load_adapter(model: Any, folder: Path) -> Any:
    """Return the model with the adapter in `folder`, frozen.

    PolicyError where the folder could run code or reach elsewhere, where its weights changed, or where the folder that
    the model came from holds another model, tokenizer or chat template than the adapter was trained with.
    """
    from peft import PeftModel
    from safetensors import SafetensorError

    check_pins(Path(model.name_or_path), folder)
    try:
        return PeftModel.from_pretrained(model, folder, local_files_only=True).eval()
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as fault:
        why = str(fault).splitlines()[0]
        raise FileError(f"The adapter in {folder.name} does not fit this base model: {why}") from None


def lowest_adapted(model: Any) -> int:
    """Return the number of the lowest layer with weights that learn; the count of layers where there are none."""
    causal = model.get_base_model() if hasattr(model, "get_base_model") else model
    layers = getattr(causal.get_decoder(), "layers", [])
    for number, layer in enumerate(layers):
        if any(mark in name for name, _ in layer.named_parameters() for mark in MARKS):
            return number
    return len(layers)


class Trunk:
    """A causal model for trees, cut below its lowest adapted layer: states below the cut are computed once a tree."""

    def __init__(self, model: Any) -> None:
        """Check on a small tree that the cut model answers as the whole one does; else use the whole one."""
        causal = model.get_base_model() if hasattr(model, "get_base_model") else model
        self.causal, self.backbone, self.head = causal, causal.get_decoder(), causal.get_output_embeddings()
        self.dtype = causal.dtype
        self.cut: int | None = lowest_adapted(model)
        self._kept: WeakKeyDictionary[Tree, torch.Tensor] = WeakKeyDictionary()
        self._room = KEEP
        if not self._faithful():
            self.cut = None
        if self._looks_nearby() or (self.cut is None and not self._faithful()):
            raise UsageError(
                f"{type(causal).__name__} does not answer the same when scenarios share their tokens. Nothing was"
                " trained; use a Llama-like model with full attention."
            )

    def _looks_nearby(self) -> bool:
        """Say whether some layer sees only the last tokens, which a probe of six tokens cannot show."""
        config = self.causal.config
        kinds = getattr(config, "layer_types", None) or []
        usual = getattr(config, "sliding_window", None) if not kinds else None
        return bool(usual) or any(kind != "full_attention" for kind in kinds)

    def _faithful(self) -> bool:
        probe = [[5, 6, 7, 8, 9, 10], [5, 6, 7, 11, 12], [5, 6, 7, 11, 13, 14]]
        tree = grow(probe, self.dtype)
        close = {torch.bfloat16: 0.25, torch.float16: 0.1}.get(self.dtype, 1e-3)
        with torch.no_grad():
            try:
                logits = self.head(self.states(tree))
            except (AttributeError, TypeError, KeyError, RuntimeError):  # not built as we read it
                return False
            for path, ids in zip(tree.paths, probe, strict=True):
                alone = self.causal(input_ids=torch.tensor([ids]), use_cache=False).logits[0]
                if float((logits[path] - alone).abs().max()) > close * max(1.0, float(alone.std())):
                    return False
        return True

    def _run(self, hidden: torch.Tensor, tree: Tree, layers: Sequence[Any]) -> torch.Tensor:
        rotary, branches = self.backbone.rotary_emb(hidden, position_ids=tree.positions), tree.branches
        with used_by(self.backbone):
            for layer in layers:
                hidden = layer(
                    hidden,
                    attention_mask=None,
                    position_ids=tree.positions,
                    position_embeddings=rotary,
                    branches=branches,
                )
        return hidden

    def states(self, tree: Tree, *, keep: bool = False) -> torch.Tensor:
        """Return the last hidden state at every place of a tree, (T, width); `keep` when it will be asked again."""
        if self.cut is None:
            whole = self.backbone(
                input_ids=tree.ids, attention_mask=tree.mask, position_ids=tree.positions, use_cache=False
            )
            return whole.last_hidden_state[0]  # type: ignore[no-any-return]  # transformers is not typed
        hidden = self._kept.get(tree)
        if hidden is None:
            with torch.no_grad():
                embedded = self.backbone.embed_tokens(tree.ids)
                hidden = self._run(embedded, tree, self.backbone.layers[: self.cut])
            size = hidden.numel() * hidden.element_size()
            if keep and size <= self._room:
                self._room -= size
                self._kept[tree] = hidden
        upper = self._run(hidden, tree, self.backbone.layers[self.cut :])
        return self.backbone.norm(upper)[0]  # type: ignore[no-any-return]  # transformers is not typed

    def losses(self, states: torch.Tensor, places: list[int], targets: list[int]) -> torch.Tensor:
        """Return minus the log-likelihood of each target token, predicted at its place."""
        logits = self.head(states[torch.tensor(places)])
        wide = logits.to(torch.promote_types(logits.dtype, torch.float32))
        return torch.nn.functional.cross_entropy(wide, torch.tensor(targets), reduction="none")
