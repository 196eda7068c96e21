import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from curator.ask import ask
from curator.chatrows import ChatRow, read_split
from curator.comparison import compare, judged
from curator.errors import PolicyError, UsageError
from curator.evaluate import evaluate
from curator.lora import load_adapter
from curator.models import load
from curator.offline import torch
from curator.pack import Pack
from curator.scoring import Scored, generate, score, softmax
from curator.tokens import Encoder, encode_rows
from curator.train import TrainSettings, train

from .conftest import line, write_dataset

LEARNS = TrainSettings(rank=8, alpha=16, layers=0, rate=2e-2, epochs=8, scenarios=1, patience=8, verdict_weight=30)


@pytest.fixture(scope="module")
def adapter(dataset: Path, tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(dataset, tmp_path_factory.mktemp("trained") / "adapter", tiny, LEARNS).folder


def test_a_difference_between_roles_that_was_learned_is_reported_as_helped(
    dataset: Path, adapter: Path, tiny: Path, tmp_path: Path
) -> None:
    report = evaluate(dataset, adapter, tiny, tmp_path / "out")

    overall = report["accuracy"]["overall"]
    assert (overall["n"], overall["scenarios"]) == (18, 9)
    assert overall["tuned"]["accuracy"] == 1.0
    assert overall["base"]["accuracy"] == 0.5  # a random model says one verdict whatever it is asked
    assert overall["majority"]["accuracy"] == 1.0
    assert report["outcome"] == "helped"
    assert report["verdict"].startswith("helped: the right verdict for 100 % of 18 answers to 9 scenarios never seen")
    assert report["majority"] == {"clerk": "fine", "nurse": "unfair"}
    assert {name: cell["n"] for name, cell in report["accuracy"]["domain"].items()} == {"health": 12, "logistics": 6}
    assert {name: cell["n"] for name, cell in report["accuracy"]["split"].items()} == {"out_of_context": 6, "test": 12}
    assert report["disagreement"] == {
        "pairs": 9,
        "people": 1.0,
        "base": 0.0,
        "base_matches_people": 0.0,
        "tuned": 1.0,
        "tuned_matches_people": 1.0,
    }
    assert report["general"]["passages"] == 40
    assert report["general"]["change"]["difference"] != 0
    assert report["analysis"]["loss_per_token"]["tuned"] < report["analysis"]["loss_per_token"]["base"]
    assert report["seen_in_training"] is True
    assert [sorted(one) for one in report["generations"]] == [
        ["base", "id", "person", "question", "scenario", "stakeholder", "tuned"]
    ] * 3
    assert json.loads((tmp_path / "out" / "evaluation.json").read_text()) == report


def test_the_same_evaluation_gives_the_same_bytes(dataset: Path, adapter: Path, tiny: Path, tmp_path: Path) -> None:
    seals = set()
    for name in ("one", "other"):
        evaluate(dataset, adapter, tiny, tmp_path / name, generations=1)
        seals.add(hashlib.sha256((tmp_path / name / "evaluation.json").read_bytes()).hexdigest())

    assert len(seals) == 1


def test_a_verdicts_probability_is_that_of_its_tokens_one_by_one(
    dataset: Path, adapter: Path, tiny: Path, pack: Pack
) -> None:
    model, tokenizer = load(tiny, torch.float32)
    encoder = Encoder(tokenizer, pack)
    tuned = load_adapter(model, adapter)
    encoded, _ = encode_rows(read_split(dataset, "test", pack)[:4], encoder, 1024)

    def told(question: list[int]) -> dict[str, float]:
        losses = []
        for verdict in pack.verdicts:
            begin = encoder.verdict(verdict)
            logits = tuned(input_ids=torch.tensor([question + begin])).logits[0].log_softmax(-1)
            losses.append(-sum(float(logits[len(question) + n - 1, t]) for n, t in enumerate(begin)))
        return softmax(list(pack.verdicts), losses)

    scored = score(tuned, encoded, encoder)
    for one, found in zip(encoded, scored["tuned"], strict=True):
        assert found.probabilities == pytest.approx(told(one.ids[: one.start]), abs=1e-5)
    with tuned.disable_adapter():
        for one, found in zip(encoded, scored["base"], strict=True):
            assert found.probabilities == pytest.approx(told(one.ids[: one.start]), abs=1e-5)


def test_answers_written_together_are_those_written_alone(tiny: Path, pack: Pack) -> None:
    model, tokenizer = load(tiny, torch.float32)
    encoder = Encoder(tokenizer, pack)
    rows = [ChatRow.model_validate(line(pack, f"ward {'x' * n}", "nurse", "fine", "Ok.")) for n in (1, 20, 60)]
    questions = [encoder.question(row.question) for row in rows]

    assert generate(model, questions, encoder, 12) == [generate(model, [q], encoder, 12)[0] for q in questions]


def test_asking_gives_every_stakeholder_base_beside_tuned(dataset: Path, adapter: Path, tiny: Path, pack: Pack) -> None:
    answers = ask(pack, tiny, adapter, "In ward 55 a shift was moved.", "a ward")

    assert [answer["stakeholder"] for answer in answers] == ["nurse", "clerk"]
    assert [answer["tuned"]["verdict"] for answer in answers] == ["unfair", "fine"]
    for answer in answers:
        assert sum(answer["base"]["probabilities"].values()) == pytest.approx(1, abs=1e-3)
        assert answer["tuned"]["answer"] != answer["base"]["answer"]


def test_asking_without_an_adapter_gives_the_base_alone(tiny: Path, pack: Pack) -> None:
    (answer,) = ask(pack, tiny, None, "A shift was moved.", stakeholders=["clerk"])

    assert sorted(answer) == ["base", "stakeholder"]


def test_asking_as_somebody_unknown_names_the_nearest(tiny: Path, pack: Pack) -> None:
    with pytest.raises(UsageError, match=r"no stakeholder 'nurce'. Did you mean 'nurse'\?"):
        ask(pack, tiny, None, "A shift was moved.", stakeholders=["nurce"])


def test_nothing_to_evaluate_on_is_said(tmp_path: Path, pack: Pack, tiny: Path) -> None:
    dataset = write_dataset(tmp_path / "empty", pack)

    with pytest.raises(UsageError, match=r"test.jsonl and out_of_context.jsonl are empty or missing"):
        evaluate(dataset, tmp_path, tiny, tmp_path / "out")


def test_an_adapter_folder_with_a_pickle_is_not_loaded(adapter: Path, tiny: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(adapter, tmp_path / "copy"))
    (copy / "optimizer.pt").write_bytes(b"x")

    with pytest.raises(PolicyError, match=r"optimizer.pt, which can run code"):
        load_adapter(load(tiny)[0], copy)


def scored(pack: Pack, right: list[bool]) -> list[Scored]:
    rows = []
    for n, hit in enumerate(right):
        row = ChatRow.model_validate(line(pack, f"ward {n}", "nurse", "fine", "Ok."))
        told = {"fine": 0.9, "unfair": 0.1} if hit else {"fine": 0.2, "unfair": 0.8}
        rows.append(Scored(row, told, 10.0, 5))
    return rows


@pytest.mark.parametrize(
    ("base", "tuned", "outcome"),
    [
        ([False] * 10, [True] * 10, "helped"),
        ([True] * 10, [False] * 10, "hurt"),
        ([True] * 10, [True] * 9 + [False], "not shown"),
        ([False] * 3, [True] * 3, "not shown"),  # three scenarios cannot show anything: p is 0.25 at best
    ],
)
def test_what_is_claimed_is_what_the_interval_and_the_test_allow(
    pack: Pack, base: list[bool], tuned: list[bool], outcome: str
) -> None:
    found = {"base": scored(pack, base), "tuned": scored(pack, tuned)}
    train_rows = [one.row for one in found["base"]]
    split_of = {row.id: "test" for row in train_rows}

    report: dict[str, Any] = compare(found, split_of, train_rows, list(pack.verdicts))

    assert judged(report["accuracy"]["overall"]["gain"]) == outcome
