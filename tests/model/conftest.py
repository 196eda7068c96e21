"""A random tiny Llama with a tokenizer of its own, a pack of two verdicts, and a dataset folder; all made here."""

import json
from pathlib import Path
from typing import Any

import pytest

from curator.chat import messages
from curator.offline import torch
from curator.pack import Pack, Prompt

TEMPLATE = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
SPECIAL = ["<|im_start|>", "<|im_end|>"]


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """A tiny model gains nothing from a second thread and loses much beside a busy neighbour."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def pack() -> Pack:
    return Pack(
        name="little",
        title="A little pack",
        stakeholders={"nurse": "a nurse", "clerk": "a clerk"},
        verdicts={"fine": "nothing wrong", "unfair": "somebody is wronged"},
        task={"situation": "situation"},
        fields={"verdict": "verdict", "analysis": "analysis"},
        prompt=Prompt(
            system="You judge.",
            user="Situation: {situation}\nContext: {context}\nJudge as {stakeholder}.",
            answer="Verdict: {verdict}\nAnalysis: {analysis}",
        ),
    )


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a random Llama of 3 layers and a byte-level tokenizer, as a hub model would be."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("models") / "tiny"
    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    words = ["Verdict: fine\nAnalysis: unfair", "Situation Context Judge as a nurse a clerk You judge."] * 20
    trainer = trainers.BpeTrainer(
        vocab_size=380,
        special_tokens=[AddedToken(s, special=True, normalized=False) for s in SPECIAL],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    inner.train_from_iterator(words, trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, eos_token=SPECIAL[1], pad_token=SPECIAL[1])
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(folder)
    torch.manual_seed(3)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=8192,
        initializer_range=0.2,
        bos_token_id=0,
        eos_token_id=1,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def line(pack: Pack, scenario: str, stakeholder: str, verdict: str, analysis: str, **more: Any) -> dict[str, Any]:
    row = {
        "situation": f"In {scenario} a shift was moved.",
        "context": "a ward",
        "stakeholder": stakeholder,
        "verdict": verdict,
        "severity": None,
        "analysis": analysis,
    }
    head = {
        "id": f"{scenario}-{stakeholder}",
        "scenario": scenario,
        "group": scenario,
        "domain": "health",
        "weight": 1.0,
    }
    said = {"stakeholder": stakeholder, "verdict": verdict, "messages": messages(pack, row)}
    return head | said | more


def write_dataset(folder: Path, pack: Pack, **splits: list[dict[str, Any]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    manifest = {"dataset": "d" * 64, "pack": pack.model_dump()}
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    for split in ("train", "validation", "test", "out_of_context"):
        text = "".join(json.dumps(row) + "\n" for row in splits.get(split, []))
        (folder / f"{split}.jsonl").write_text(text, "utf-8")
    return folder


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory, pack: Pack) -> Path:
    """Nurses find everything unfair and clerks everything fine: a difference that a tiny model can learn."""

    def both(names: list[str], domain: str) -> list[dict[str, Any]]:
        said = {"nurse": ("unfair", "It hurts people."), "clerk": ("fine", "The rule allows it.")}
        return [line(pack, name, role, *said[role], domain=domain) for name in names for role in said]

    return write_dataset(
        tmp_path_factory.mktemp("dataset"),
        pack,
        train=both([f"ward {n}" for n in range(8)], "health"),
        validation=both(["ward 90", "ward 91"], "health"),
        test=both([f"ward {n}" for n in range(70, 76)], "health"),
        out_of_context=both(["depot 1", "depot 2", "depot 3"], "logistics"),
    )
