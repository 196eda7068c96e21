"""Exports as TRL's trainers take them in: built on a random tiny Llama, nothing is trained."""

from pathlib import Path

import pytest

from curator.formats import export
from curator.lm.models import load
from tests import exported


@pytest.mark.slow
def test_the_trainers_of_trl_take_every_row(tiny: Path, tmp_path: Path) -> None:
    from datasets import load_dataset
    from trl import DPOConfig, DPOTrainer, KTOConfig, KTOTrainer, SFTConfig, SFTTrainer

    dataset, compared = exported.judged(tmp_path / "judged"), exported.compared(tmp_path / "compared")
    model, tokenizer = load(tiny)
    quiet = {"output_dir": str(tmp_path), "report_to": "none", "use_cpu": True, "bf16": False, "max_length": 8192}
    trainers = {
        "trl": (SFTTrainer, SFTConfig, dataset),
        "prompt-completion": (SFTTrainer, SFTConfig, dataset),
        "preference": (DPOTrainer, DPOConfig, compared),
        "kto": (KTOTrainer, KTOConfig, compared),
    }
    for form, (trainer, config, source) in trainers.items():
        (one,) = export(source, form, ["train"], tmp_path / form)
        rows = load_dataset("json", data_files=str(one.path), split="train", cache_dir=str(tmp_path / "cache"))
        made = trainer(model=model, args=config(**quiet), train_dataset=rows, processing_class=tokenizer)
        assert made.train_dataset.num_rows == one.rows, form
        batch = next(iter(made.get_train_dataloader()))
        told = tokenizer.batch_decode(batch[next(name for name in batch if name.endswith("input_ids"))])
        assert all("<|im_start|>" in text for text in told), form
