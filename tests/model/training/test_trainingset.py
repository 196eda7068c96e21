"""A training that could teach nothing stops before it begins: what, where, what was kept, what next."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from curator.chatrows import ChatRow
from curator.errors import FileError, UsageError
from curator.lm.models import load
from curator.lm.tokens import Encoder
from curator.offline import torch
from curator.pack import Pack
from curator.training.settings import TrainSettings
from curator.training.train import train
from curator.training.trainingset import read_training_set
from tests.model.conftest import line, write_dataset

KEPT = "Nothing was trained and nothing was changed; "


@pytest.fixture(scope="module")
def encoder(tiny: Path, pack: Pack) -> Encoder:
    return Encoder(load(tiny)[1], pack)


def both(pack: Pack, scenario: str, **more: Any) -> list[dict[str, Any]]:
    said = {"nurse": "unfair", "clerk": "fine"}
    return [line(pack, scenario, role, verdict, "So it is.", **more) for role, verdict in said.items()]


def masked(row: dict[str, Any]) -> dict[str, Any]:
    *question, answer = row["messages"]
    return row | {"messages": [*question, answer | {"weight": 0}]}


def stopped(folder: Path, encoder: Encoder, context: int | None = None, **settings: Any) -> str:
    with pytest.raises(UsageError) as refused:
        read_training_set(folder, encoder, TrainSettings(**settings), context)
    return str(refused.value)


def test_no_rows(tmp_path: Path, pack: Pack, encoder: Encoder) -> None:
    write_dataset(tmp_path, pack, validation=both(pack, "ward 9"))

    assert stopped(tmp_path, encoder) == (
        "There are no rows to train on: train.jsonl is empty or missing. "
        + KEPT
        + "collect more answers and make the dataset again with: curator curate"
    )


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        (
            lambda pack: [line(pack, f"ward {n}", "nurse", "fine", "Ok.") for n in range(3)],
            "Every training row (3 in train.jsonl) has the verdict 'fine': a model would learn to say it always. "
            + KEPT
            + "collect answers that differ.",
        ),
        (
            lambda pack: [masked(row) for row in both(pack, "ward 1")],
            "All labels are masked: each of the 2 answers in train.jsonl has weight 0, so no token is in the loss. "
            + KEPT
            + "give the answers to learn a weight above 0.",
        ),
    ],
    ids=["one verdict only", "all labels masked"],
)
def test_rows_that_teach_nothing(
    tmp_path: Path, pack: Pack, encoder: Encoder, rows: Callable[[Pack], list[dict[str, Any]]], why: str
) -> None:
    write_dataset(tmp_path, pack, train=rows(pack), validation=both(pack, "ward 9"))

    assert stopped(tmp_path, encoder) == why


def test_a_masked_answer_is_left_out_and_named(tmp_path: Path, pack: Pack, encoder: Encoder) -> None:
    rows = both(pack, "ward 1") + [masked(row) for row in both(pack, "ward 2")]
    write_dataset(tmp_path, pack, train=rows, validation=both(pack, "ward 9"))

    data = read_training_set(tmp_path, encoder, TrainSettings(), None)

    assert [one.row.id for one in data.given] == ["ward 1-nurse", "ward 1-clerk"]
    assert data.left_out["weight 0"] == ["ward 2-clerk", "ward 2-nurse"]


def test_every_text_longer_than_allowed_or_than_the_model_takes(tmp_path: Path, pack: Pack, encoder: Encoder) -> None:
    write_dataset(tmp_path, pack, train=both(pack, "ward 1"), validation=both(pack, "ward 9"))

    assert stopped(tmp_path, encoder, 8192, longest=32) == (
        "All 2 rows of train.jsonl are longer than 32 tokens (`longest` is 32, the model's context 8192). "
        + KEPT
        + "raise it, for example: --set longest=64"
    )
    assert stopped(tmp_path, encoder, 48) == (
        "All 2 rows of train.jsonl are longer than 48 tokens (`longest` is 1024, the model's context 48). "
        + KEPT
        + "use a base model with a longer context, or shorter scenarios and answers."
    )


def test_more_rows_too_long_than_the_share_that_may_be(tmp_path: Path, pack: Pack, encoder: Encoder) -> None:
    rows = [row for n in range(3) for row in both(pack, f"ward {n}")]
    rows[1:] = [row | {"messages": [*row["messages"][:-1], _longer(row)]} for row in rows[1:]]
    write_dataset(tmp_path, pack, train=rows, validation=both(pack, "ward 9"))

    said = stopped(tmp_path, encoder, longest=200)

    assert said.startswith("5 of 6 rows of train.jsonl are longer than 200 tokens (`longest` is 200), more than the sh")
    assert "the first is ward 0-clerk. " + KEPT + "raise it, for example: --set longest=400" in said


def _longer(row: dict[str, Any]) -> dict[str, str]:
    return {"role": "assistant", "content": row["messages"][-1]["content"] + " so" * 200}


@pytest.mark.parametrize("held", ["none", "too long", "masked"])
def test_validation_empty(tmp_path: Path, pack: Pack, encoder: Encoder, held: str) -> None:
    rows = both(pack, "ward 9") if held != "none" else []
    if held == "too long":
        rows = [row | {"messages": [*row["messages"][:-1], _longer(row)]} for row in rows]
    if held == "masked":
        rows = [masked(row) for row in rows]
    write_dataset(tmp_path, pack, train=both(pack, "ward 1"), validation=rows)

    why = "empty or missing" if held == "none" else "all its 2 rows are too long or have weight 0"
    assert stopped(tmp_path, encoder, longest=200) == (
        f"There is nothing to choose the best epoch by: validation.jsonl is {why}. "
        + KEPT
        + "make the dataset again with a larger validation share, or keep the last epoch unseen: --set keep_best=last"
    )
    assert len(read_training_set(tmp_path, encoder, TrainSettings(keep_best="last", longest=200), None).given) == 2


@pytest.mark.parametrize("split", ["train", "validation", "test", "out_of_context"])
def test_a_wrong_line_in_any_split_stops_a_training(tmp_path: Path, tiny: Path, pack: Pack, split: str) -> None:
    splits = {name: both(pack, f"ward {name}") for name in ("train", "validation", "test", "out_of_context")}
    splits[split][1]["weight"] = -1
    dataset = write_dataset(tmp_path / "dataset", pack, **splits)

    with pytest.raises(FileError, match=f"{split}.jsonl:2: weight: Input should be greater than 0"):
        train(dataset, tmp_path / "adapter", tiny)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dataset"]


def test_tokens_that_do_not_end_with_the_stop_token_are_a_hard_error(
    encoder: Encoder, pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoder, "answer", encoder.plain)  # as a tokenizer would that forgets it

    with pytest.raises(FileError, match=r"row ward 1-nurse: the tokens of the answer do not .* end with a stop"):
        encoder.row(ChatRow.model_validate(both(pack, "ward 1")[0]))


def test_a_gradient_that_is_no_number_stops_at_its_step_and_names_the_rows(
    tmp_path: Path, tiny: Path, pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [row for n in range(4) for row in both(pack, f"ward {n}")]
    dataset = write_dataset(tmp_path / "dataset", pack, train=rows, validation=both(pack, "ward 9"))
    norm, calls = torch.nn.utils.clip_grad_norm_, []

    def overflows(weights: list[torch.Tensor], most: float) -> torch.Tensor:
        calls.append(most)
        return norm(weights, most) if len(calls) < 3 else torch.tensor(float("inf"))

    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", overflows)
    settings = TrainSettings(rank=2, layers=1, epochs=3)

    with pytest.raises(UsageError) as stopped:
        train(dataset, tmp_path / "adapter", tiny, settings, checkpoints=tmp_path / "checkpoints")

    said = str(stopped.value)
    assert said.startswith("At step 3 (epoch 2) the length of the gradient became inf at scenario ward ")
    assert said.count("train.jsonl:") == 4
    assert said.endswith("Nothing was kept; try a lower rate, for example: --set rate=1e-4")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dataset"]
