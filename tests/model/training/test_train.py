import hashlib
import json
import re
from pathlib import Path

import pytest
from safetensors.torch import load_file

from curator.chatrows import read_manifest, read_split
from curator.errors import UsageError
from curator.lm.forest import Branches, forest, mass
from curator.lm.lora import Trunk, load_adapter
from curator.lm.models import load
from curator.lm.tokens import Encoder, encode_rows
from curator.offline import torch
from curator.pack import Pack
from curator.training.train import Trained, TrainSettings, train
from tests.model.conftest import line, write_dataset

QUICK = TrainSettings(rank=4, alpha=8, layers=2, rate=1e-2, epochs=4, scenarios=2)


def seals(folder: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir())}


def test_training_lowers_the_loss_and_leaves_a_peft_folder(dataset: Path, tiny: Path, tmp_path: Path) -> None:
    steps = []
    trained = train(dataset, tmp_path / "adapter", tiny, QUICK, lambda *said: steps.append(said))

    assert trained.train_loss[-1] < trained.train_loss[0] - 0.2
    assert trained.validation_loss[trained.best_epoch - 1] == min(trained.validation_loss)
    assert (trained.rows, trained.refused, trained.reused) == (16, [], False)
    assert steps[-1] == ("training", 16, 16)
    assert trained.tokens_per_second > 0
    assert sorted(seals(trained.folder)) == [
        "README.md",
        "adapter_config.json",
        "adapter_model.safetensors",
        "training.json",
    ]
    assert not list(tmp_path.glob(".adapter-*"))
    said = json.loads((trained.folder / "training.json").read_text())
    assert said["settings"] == QUICK.model_dump()
    assert said["dataset"] == "d" * 64
    assert said["rows"] == {"train": 16, "validation": 4}
    for file in trained.folder.iterdir():  # no path of this machine
        assert str(tmp_path).encode() not in file.read_bytes()
        assert str(tiny.parent).encode() not in file.read_bytes()


def test_the_same_call_gives_the_same_bytes(dataset: Path, tiny: Path, tmp_path: Path) -> None:
    one = train(dataset, tmp_path / "one", tiny, QUICK)
    other = train(dataset, tmp_path / "other", tiny, QUICK)

    assert seals(one.folder) == seals(other.folder)
    third = train(dataset, tmp_path / "third", tiny, QUICK.model_copy(update={"seed": 2, "epochs": 1}))
    assert third.train_loss[0] != one.train_loss[0]


def test_an_adapter_that_is_already_there_is_reused(dataset: Path, tiny: Path, tmp_path: Path) -> None:
    first = train(dataset, tmp_path / "adapter", tiny, QUICK)
    again = train(dataset, tmp_path / "adapter", tiny, QUICK)

    assert again.reused
    assert again.validation_loss == pytest.approx(first.validation_loss, abs=1e-6)


def test_an_adapter_of_other_settings_is_not_overwritten(dataset: Path, tiny: Path, tmp_path: Path) -> None:
    folder = train(dataset, tmp_path / "adapter", tiny, QUICK).folder
    before = seals(folder)

    with pytest.raises(UsageError, match="adapter holds something else than this training would make"):
        train(dataset, folder, tiny, QUICK.model_copy(update={"rate": 1e-3}))
    assert seals(folder) == before


def test_a_saved_adapter_gives_the_logits_of_the_best_epoch_when_peft_loads_it(
    dataset: Path, tiny: Path, tmp_path: Path
) -> None:
    from peft import PeftModel

    folder = train(dataset, tmp_path / "adapter", tiny, QUICK).folder
    ids = torch.arange(5, 25)[None]
    base, _ = load(tiny, torch.float32)
    plain = base(input_ids=ids).logits
    by_peft = PeftModel.from_pretrained(base, folder)(input_ids=ids).logits
    by_us = load_adapter(load(tiny, torch.float32)[0], folder)(input_ids=ids).logits

    assert torch.equal(by_peft, by_us)
    assert float((by_peft - plain).abs().max()) > 0.01


def test_it_stops_when_the_validation_loss_no_longer_falls(tiny: Path, pack: Pack, tmp_path: Path) -> None:
    usual, odd = {"clerk": "fine", "nurse": "unfair"}, {"clerk": "unfair", "nurse": "fine"}
    rows = [line(pack, f"ward {n}", role, usual[role], "So.") for n in range(4) for role in usual]
    held = [line(pack, "ward 9", role, odd[role], "xyzzy! " * 9) for role in odd]
    dataset = write_dataset(tmp_path / "dataset", pack, train=rows, validation=held)

    settings = QUICK.model_copy(update={"epochs": 30, "patience": 1, "rate": 5e-2})
    trained = train(dataset, tmp_path / "adapter", tiny, settings)

    assert len(trained.validation_loss) == trained.best_epoch + 1 < 30


def test_row_weights_reach_the_loss(tiny: Path, pack: Pack, tmp_path: Path) -> None:
    def after(weight: float) -> float:
        rows = [
            line(pack, "ward 1", "nurse", "fine", "A."),
            line(pack, "ward 2", "nurse", "unfair", "B.", weight=weight),
        ]
        dataset = write_dataset(tmp_path / f"dataset {weight}", pack, train=rows)
        once = QUICK.model_copy(update={"epochs": 1, "keep_best": "last"})
        return train(dataset, tmp_path / f"adapter {weight}", tiny, once).train_loss[0]

    assert after(1.0) != after(0.1)


def test_rows_that_are_too_long_are_counted(tiny: Path, pack: Pack, tmp_path: Path) -> None:
    rows = [line(pack, f"ward {n}", "nurse", verdict, "Ok.") for n, verdict in enumerate(["fine", "unfair"])]
    rows.append(line(pack, "ward 7", "clerk", "fine", "so " * 900))
    dataset = write_dataset(tmp_path / "dataset", pack, train=rows)

    trained = train(dataset, tmp_path / "adapter", tiny, QUICK.model_copy(update={"longest": 400, "keep_best": "last"}))

    assert trained.refused == ["ward 7-clerk"]
    assert (
        json.loads((trained.folder / "training.json").read_text())["refused"]["longer than longest"] == trained.refused
    )


@pytest.mark.parametrize(
    ("rows", "settings", "message"),
    [
        ([], {}, "There are no rows to train on"),
        ([("nurse", "fine"), ("clerk", "fine")], {}, "Every training row (2 in train.jsonl) has the verdict 'fine'"),
        ([("nurse", "fine"), ("clerk", "unfair")], {"longest": 16}, "All 2 rows of train.jsonl are longer than 16"),
        ([("nurse", "fine"), ("clerk", "unfair")], {}, "validation.jsonl is empty or missing"),
    ],
)
def test_a_training_that_cannot_teach_anything_does_not_start(
    tiny: Path, pack: Pack, tmp_path: Path, rows: list[tuple[str, str]], settings: dict[str, int], message: str
) -> None:
    given = [line(pack, "ward 1", role, verdict, "Ok.") for role, verdict in rows]
    dataset = write_dataset(tmp_path / "dataset", pack, train=given)

    with pytest.raises(UsageError, match=re.escape(message)):
        train(dataset, tmp_path / "adapter", tiny, QUICK.model_copy(update=settings))
    assert not (tmp_path / "adapter").exists()


def test_a_loss_that_is_no_number_stops_the_training_and_names_the_scenario(
    dataset: Path, tiny: Path, tmp_path: Path
) -> None:
    from safetensors.torch import load_file, save_file

    broken = tmp_path / "broken"
    broken.mkdir()
    for file in tiny.iterdir():
        (broken / file.name).write_bytes(file.read_bytes())
    weights = load_file(broken / "model.safetensors")
    weights["model.layers.2.mlp.down_proj.weight"][0, 40] = float("nan")
    save_file(weights, broken / "model.safetensors", metadata={"format": "pt"})

    with pytest.raises(
        UsageError,
        match=r"At step 1 \(epoch 1\) the loss became nan at scenario ward \d \(train.* Nothing was kept",
    ):
        train(dataset, tmp_path / "adapter", broken, QUICK)
    assert not (tmp_path / "adapter").exists()


def test_a_dataset_without_a_manifest_is_refused(tiny: Path, tmp_path: Path) -> None:
    from curator.errors import FileError

    with pytest.raises(FileError, match="is not a whole dataset folder"):
        train(tmp_path, tmp_path / "adapter", tiny, QUICK)


def test_unknown_or_senseless_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="Extra inputs"):
        TrainSettings(learning_rate=1.0)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="greater than 0"):
        TrainSettings(rate=0)


def test_the_best_epoch_is_that_of_the_worst_stakeholder_unless_asked_for_the_mean(
    tiny: Path, pack: Pack, tmp_path: Path
) -> None:
    """Clerks' answers are learned well, while the one nurse held out says what no training row says."""
    usual = {"clerk": "fine", "nurse": "unfair"}
    rows = [line(pack, f"ward {n}", role, usual[role], "So.") for n in range(4) for role in usual]
    held = [line(pack, f"ward {n}", "clerk", "fine", "So.") for n in range(20, 26)]
    held.append(line(pack, "ward 20", "nurse", "fine", "xyzzy! " * 9))
    dataset = write_dataset(tmp_path / "dataset", pack, train=rows, validation=held)

    def trained(keep_best: str) -> Trained:
        settings = QUICK.model_copy(update={"epochs": 12, "patience": 3, "rate": 3e-2, "keep_best": keep_best})
        return train(dataset, tmp_path / keep_best, tiny, settings)

    worst, mean, last = (trained(keep_best) for keep_best in ("worst", "mean", "last"))

    assert worst.best_epoch == _lowest([max(pair) for pair in zip(*worst.stakeholder_loss.values(), strict=True)])
    assert mean.best_epoch == _lowest(mean.validation_loss)
    assert worst.best_epoch < mean.best_epoch
    assert len(worst.train_loss) == worst.best_epoch + 3  # it stops by the worst stakeholder, too
    assert (last.best_epoch, len(last.train_loss)) == (12, 12)
    assert last.stakeholder_loss["nurse"][: len(worst.train_loss)] == worst.stakeholder_loss["nurse"]
    said = json.loads((worst.folder / "training.json").read_text())
    assert said["stakeholder_loss"] == {
        role: [round(loss, 6) for loss in losses] for role, losses in worst.stakeholder_loss.items()
    }
    assert said["validation_rows"] == {"clerk": 6, "nurse": 1}


def _lowest(losses: list[float]) -> int:
    return 1 + losses.index(min(losses))


def test_the_mean_of_the_stakeholders_losses_by_what_they_weigh_is_the_validation_loss(
    dataset: Path, tiny: Path, tmp_path: Path
) -> None:
    trained = train(dataset, tmp_path / "adapter", tiny, QUICK.model_copy(update={"epochs": 1, "answers": "each"}))

    encoder = Encoder(load(tiny)[1], read_manifest(dataset)[1])
    weights = {"clerk": 0.0, "nurse": 0.0}
    for branches in forest(
        encode_rows(read_split(dataset, "validation", encoder.pack), encoder, 999)[0], torch.float32
    ):
        for one in branches.rows:
            weights[one.row.stakeholder] += mass(Branches(branches.tree, [one]), QUICK.verdict_weight)
    mean = sum(weights[role] * trained.stakeholder_loss[role][0] for role in weights) / sum(weights.values())
    assert trained.validation_loss[0] == pytest.approx(mean, rel=1e-6)


@pytest.mark.parametrize("method", ["dora", "full"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_other_methods_are_trained_and_saved_as_what_peft_loads_and_switches_off(
    dataset: Path, tiny: Path, tmp_path: Path, method: str, dtype: torch.dtype
) -> None:
    from peft import PeftModel

    settings = QUICK.model_copy(update={"method": method, "rate": 1e-2 if method == "dora" else 1e-3})
    trained = train(dataset, tmp_path / "adapter", tiny, settings)

    assert trained.train_loss[-1] < trained.train_loss[0] - 0.2
    said = json.loads((trained.folder / "adapter_config.json").read_text())
    assert said.get("use_dora") is (True if method == "dora" else None)
    base, _ = load(tiny, dtype)
    ids = torch.arange(5, 25)[None]
    plain = base(input_ids=ids).logits
    tuned = PeftModel.from_pretrained(base, trained.folder).eval()
    assert float((tuned(input_ids=ids).logits - plain).abs().max()) > 0.1
    assert Trunk(tuned).cut == 1
    with tuned.disable_adapter():
        assert torch.equal(tuned(input_ids=ids).logits, plain)


def test_full_learns_every_weight_of_its_layers_and_goes_on_after_a_kill(
    dataset: Path, tiny: Path, tmp_path: Path
) -> None:
    settings = QUICK.model_copy(update={"method": "full", "rate": 1e-3})
    whole = train(dataset, tmp_path / "whole", tiny, settings)

    def stop(what: str, done: int, total: int) -> None:
        if done == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(dataset, tmp_path / "again", tiny, settings, stop, tmp_path / "checkpoints", b"k", 5)
    again = train(dataset, tmp_path / "again", tiny, settings, checkpoints=tmp_path / "checkpoints", key=b"k", every=5)

    assert again.resumed == 5
    assert seals(again.folder) == seals(whole.folder)
    learned = load_file(whole.folder / "adapter_model.safetensors")
    base = load_file(tiny / "model.safetensors")
    prefix = "model.layers."
    assert len(learned) == len([name for name in base if name.startswith((prefix + "1", prefix + "2"))]) == 18
    assert all(
        not torch.equal(learned[n], base[n.removeprefix("base_model.model.").replace(".ln_tuning_layers", "")])
        for n in learned
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "| LoRA | rank 4, alpha 8, top 2 layers, rate 0.01, seed 1 |"),
        ({"method": "dora"}, "| DoRA | rank 4, alpha 8, top 2 layers, rate 0.01, seed 1 |"),
        ({"method": "full", "layers": 0}, "| every weight | all layers, rate 0.01, seed 1 |"),
        ({"keep_best": "last"}, "| kept | epoch 1 of 1, by being the last; validation loss "),
        ({"keep_best": "worst"}, "| kept | epoch 1 of 1, by its worst stakeholder's loss; validation loss "),
    ],
)
def test_the_card_says_how_it_was_trained_and_which_epoch_is_kept(
    dataset: Path, tiny: Path, tmp_path: Path, changes: dict[str, object], said: str
) -> None:
    folder = train(dataset, tmp_path / "adapter", tiny, QUICK.model_copy(update={"epochs": 1} | changes)).folder

    assert said in (folder / "README.md").read_text()
