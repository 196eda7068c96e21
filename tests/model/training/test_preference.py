"""Training on preferences: which rows give a pair, what is refused, and what an adapter of TRL's is worth."""

import json
import math
import os
import re
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from curator.ask import ask
from curator.chat import messages
from curator.chatrows import read_split
from curator.errors import FileError, UsageError
from curator.lm.lora import load_adapter
from curator.lm.models import load, model_hash, resolve
from curator.lm.tokens import Encoder
from curator.offline import torch
from curator.pack import Pack, find_pack, load_pack
from curator.parts import parted
from curator.training.pairs import CARDS, first_share, read_pairs
from curator.training.preference import PreferenceSettings, Preferred, prefer
from tests.model.conftest import write_dataset

KIND, COLD = "Yes, gladly; here is how it works and whom to ask.", "See the form."
QUICK = PreferenceSettings(rank=4, alpha=8, layers=0, rate=3e-3, epochs=3, pairs=4, longest=4096)
SAMPLE = Path(__file__).parents[3] / "sample_data" / "preference"
Make = Callable[..., Path]


@pytest.fixture(scope="session")
def judging() -> Pack:
    return load_pack(find_pack("preference", []))


def told(scenario: str, role: str, verdict: str, **more: Any) -> dict[str, Any]:
    """One row as the pipeline leaves it; the answers change places from scenario to scenario."""
    first, second = (KIND, COLD) if int(scenario) % 2 else (COLD, KIND)
    row: dict[str, Any] = {
        "id": f"{scenario}-{role}",
        "scenario": scenario,
        "group": scenario,
        "domain": "office",
        "weight": 1.0,
        "situation": f"Question {scenario}: may I have Friday off?",
        "context": f"A small team.\n\nAnswer A:\n{first}\n\nAnswer B:\n{second}",
        "stakeholder": role,
        "verdict": verdict,
        "severity": None,
        "analysis": "One of them helps.",
        "rejected": None,
    }
    return row | more


def kind(scenario: int) -> str:
    return "a" if scenario % 2 else "b"


def written(folder: Path, pack: Pack, **splits: list[dict[str, Any]]) -> Path:
    """A dataset folder with the table that the pipeline leaves beside the training files."""
    named = ("id", "scenario", "group", "stakeholder", "verdict", "domain", "weight")
    lines = {
        split: [{name: row[name] for name in named} | {"messages": messages(pack, row)} for row in rows]
        for split, rows in splits.items()
    }
    write_dataset(folder, pack, **lines)
    rows = [row for part in splits.values() for row in part]
    kinds = {"rejected": pl.String(), "severity": pl.Int64()}
    pl.DataFrame(rows, schema_overrides=kinds).write_parquet(folder / "examples.parquet")
    return folder


@pytest.fixture
def make(tmp_path: Path, judging: Pack) -> Make:
    def build(pack: Pack = judging, **splits: list[dict[str, Any]]) -> Path:
        return written(tmp_path / "dataset", pack, **splits)

    return build


def test_each_verdict_gives_a_pair_from_its_stakeholder_and_a_tie_gives_none(make: Make, judging: Pack) -> None:
    rows = [told("1", "employee", "a"), told("1", "manager", "b"), told("1", "hr", "tie")]

    found = read_pairs(make(train=rows), "train", judging)

    assert [(p.row.stakeholder, p.chosen, p.rejected) for p in found.pairs] == [
        ("employee", KIND, COLD),
        ("manager", COLD, KIND),
    ]
    assert (found.ties, found.without) == (["1-hr"], [])
    assert found.pairs[0].question[-1]["content"] == (
        "Question 1: may I have Friday off?\n\nWhat holds here: A small team.\n\n"
        "Write the answer that the employee who asked and has to live with the answer would call the better one."
    )
    assert first_share(found.pairs) == 0.5


def test_a_rejected_text_gives_a_pair_in_any_pack(make: Make, pack: Pack) -> None:
    rows = [
        told("1", "nurse", "unfair", rejected="It is allowed."),
        told("1", "clerk", "fine"),
    ]
    folder = make(pack, train=rows)

    found = read_pairs(folder, "train", pack)

    (pair,) = found.pairs
    assert (pair.chosen, pair.rejected) == (
        "Verdict: unfair\nAnalysis: One of them helps.",
        "Verdict: unfair\nAnalysis: It is allowed.",
    )
    assert pair.question == read_split(folder, "train", pack)[0].question
    assert found.without == ["1-clerk"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"context": "A small team, and no answers."}, "train.jsonl:2: its context has no line 'Answer A:'"),
        (
            {"context": f"Answer A:\n{KIND}\n\nAnswer B:\n{KIND}"},
            "train.jsonl:2: the preferred answer and the other are the same text",
        ),
        ({"verdict": "c"}, "train.jsonl:2: the pack 'preference' has no verdict 'c'"),
    ],
)
def test_a_wrong_row_is_named_by_its_line(make: Make, judging: Pack, change: dict[str, Any], said: str) -> None:
    rows = [told("1", "employee", "a"), told("2", "employee", "a") | change]
    folder = make(train=rows)

    with pytest.raises(FileError, match=re.escape(said)):
        read_pairs(folder, "train", judging)


def test_a_dataset_without_its_table_is_refused(make: Make, judging: Pack) -> None:
    folder = make(train=[told("1", "employee", "a")])
    (folder / "examples.parquet").unlink()

    with pytest.raises(FileError, match=r"examples.parquet cannot be read: .* make the dataset again"):
        read_pairs(folder, "train", judging)


def test_what_gives_no_pair_is_refused_before_any_model_is_loaded(
    make: Make, judging: Pack, pack: Pack, tiny: Path, tmp_path: Path
) -> None:
    plain = [told(str(n), "nurse", "unfair") for n in (1, 2)]
    with pytest.raises(UsageError, match=r"'little' gives no pairs: .* none of the 2 rows .* the pack 'preference'"):
        prefer(make(pack, train=plain), tmp_path / "out", tiny)
    ties = [told("1", "employee", "tie")]
    with pytest.raises(UsageError, match=r"All 1 rows of train.jsonl are ties"):
        prefer(make(train=ties), tmp_path / "out", tiny)
    with pytest.raises(UsageError, match=r"train.jsonl is empty or missing"):
        prefer(make(train=[]), tmp_path / "out", tiny)
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def trained(judging: Pack, tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Preferred]:
    """A dataset in which everybody prefers the kind answer, and what was trained on it without any network."""
    pytest.importorskip("trl")
    rows = [told(str(n), role, kind(n)) for n in range(1, 9) for role in ("employee", "manager")]
    held = [told(str(n), role, kind(n)) for n in range(11, 15) for role in ("employee", "hr")]
    folder = written(tmp_path_factory.mktemp("kind"), judging, train=[*rows, told("9", "hr", "tie")], validation=held)
    with pytest.MonkeyPatch.context() as patch:

        def refuse(*where: Any, **_: Any) -> None:
            raise AssertionError(f"something asked for {where}")

        patch.setattr(socket, "getaddrinfo", refuse)
        patch.setattr(socket.socket, "connect", refuse)
        return folder, prefer(folder, tmp_path_factory.mktemp("models") / "m", tiny, QUICK)


def test_the_model_learns_what_people_prefer(trained: tuple[Path, Preferred], tiny: Path) -> None:
    told = trained[1].told
    held = told["validation"]

    assert (held["pairs"], held["scenarios"], held["reward_accuracy"]["share"]) == (8, 4, 1.0)
    assert held["reward_margin"] > 0.05
    assert {role: part["n"] for role, part in held["stakeholders"].items()} == {"employee": 4, "hr": 4}
    assert told["rows"] == {"train": 16, "validation": 8}
    assert told["refused"] == {"longer than longest": [], "tie": ["9-hr"], "nothing rejected": []}
    assert told["validation_loss"][-1] < told["validation_loss"][0] < 0.6931  # log 2: neither is preferred
    assert told["best_epoch"] == QUICK.epochs
    assert told["base"] == model_hash(tiny)


def test_the_folder_is_an_ordinary_adapter_that_names_no_machine(
    trained: tuple[Path, Preferred], judging: Pack, tiny: Path
) -> None:
    folder = trained[1].folder

    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md",
        "adapter_config.json",
        "adapter_model.safetensors",
        "training.json",
    ]
    for name in ("README.md", "adapter_config.json", "training.json"):
        assert str(tiny.parent) not in (folder / name).read_text("utf-8")
    assert "100 % of 8 pairs" in (folder / "README.md").read_text("utf-8")
    (said,) = ask(judging, tiny, folder, "May I?", "No.\n\nAnswer A:\nx\n\nAnswer B:\ny", ["hr"])
    assert set(said) == {"stakeholder", "base", "tuned"}


def test_the_same_call_reuses_it_and_another_does_not_overwrite_it(trained: tuple[Path, Preferred], tiny: Path) -> None:
    folder, made = trained

    again = prefer(folder, made.folder, tiny, QUICK)

    assert (again.reused, again.told) == (True, made.told)
    with pytest.raises(UsageError, match="holds something else"):
        prefer(folder, made.folder, tiny, QUICK.model_copy(update={"beta": 0.2}))


def test_two_trainings_give_the_same_weights(make: Make, judging: Pack, tiny: Path, tmp_path: Path) -> None:
    pytest.importorskip("trl")
    folder = make(train=[told(str(n), "hr", kind(n)) for n in range(1, 5)])
    quick = QUICK.model_copy(update={"epochs": 1})

    one, other = (prefer(folder, tmp_path / name, tiny, quick) for name in ("one", "other"))

    weights = [(made.folder / "adapter_model.safetensors").read_bytes() for made in (one, other)]
    assert weights[0] == weights[1]
    assert (one.told["best_epoch"], one.told["validation"]) == (1, None)
    assert "there were no validation pairs" in (one.folder / "README.md").read_text("utf-8")


def test_rewards_are_those_that_a_plain_forward_pass_gives(
    trained: tuple[Path, Preferred], judging: Pack, tiny: Path
) -> None:
    """DPO's reward from its formula: beta times what the adapter adds to the log-likelihood of an answer."""
    folder, made = trained
    plain, tokenizer = load(tiny)
    encoder = Encoder(tokenizer, judging)
    pairs = read_pairs(folder, "validation", judging).pairs

    def likelihoods(model: Any) -> list[float]:
        found = []
        for pair in pairs:
            question = encoder.question(pair.question)
            for text in (pair.chosen, pair.rejected):
                answer = encoder.answer(text)
                logits = model(torch.tensor([question + answer])).logits[0, len(question) - 1 : -1].double()
                told = logits.log_softmax(-1)[range(len(answer)), answer]
                found.append(float(told.sum()))
        return found

    with torch.no_grad():
        before = likelihoods(plain)
        after = likelihoods(load_adapter(plain, made.folder))
    gains = [b - a for a, b in zip(before, after, strict=True)]
    margins = [QUICK.beta * (chosen - rejected) for chosen, rejected in zip(gains[::2], gains[1::2], strict=True)]

    assert made.told["validation"]["reward_margin"] == pytest.approx(sum(margins) / len(margins), rel=1e-3)


def test_a_loss_that_is_no_number_and_pairs_that_are_too_long_are_refused(
    make: Make, judging: Pack, tiny: Path, tmp_path: Path
) -> None:
    pytest.importorskip("trl")
    from safetensors.torch import load_file, save_file

    folder = make(train=[told(str(n), "hr", kind(n)) for n in range(1, 5)])
    broken = Path(shutil.copytree(tiny, tmp_path / "broken"))
    weights = load_file(broken / "model.safetensors")
    weights["model.norm.weight"][0] = math.nan
    save_file(weights, broken / "model.safetensors", {"format": "pt"})

    with pytest.raises(UsageError, match=r"4 of 4 pairs of train.jsonl are longer than 64 tokens"):
        prefer(folder, tmp_path / "m", tiny, QUICK.model_copy(update={"longest": 64}))
    with pytest.raises(UsageError, match="At step 1 the loss became nan"):
        prefer(folder, tmp_path / "m", broken, QUICK)
    assert not (tmp_path / "m").exists()


def test_the_sample_has_two_answers_in_each_scenario_and_people_of_three_roles(judging: Pack) -> None:
    scenarios, answers, people = (
        [json.loads(line) for line in (SAMPLE / f"{name}.jsonl").read_text("utf-8").splitlines()]
        for name in ("scenarios", "answers", "people")
    )

    assert all(parted(scenario["context"], CARDS)["b"] for scenario in scenarios)
    assert {person["stakeholder"] for person in people} == set(judging.stakeholders)
    assert (len(scenarios), len(answers), len(people)) == (15, 51, 5)
    assert {answer["verdict"] for answer in answers} == set(judging.verdicts)
    assert {answer["annotator"] for answer in answers} == {person["email"] for person in people}
    assert {answer["scenario"] for answer in answers} == {scenario["key"] for scenario in scenarios}


@pytest.mark.slow
def test_the_real_model_is_trained_on_two_pairs(make: Make, judging: Pack, tmp_path: Path) -> None:
    """One step of two pairs on SmolLM2: its tokenizer, template and dtype go through TRL."""
    pytest.importorskip("trl")
    base = resolve("smollm2-135m-instruct", Path(os.environ.get("CURATOR_TEST_CACHE") or tmp_path / "cache"))
    rows = [told(str(n), "hr", kind(n)) for n in (1, 2)]
    settings = PreferenceSettings(rank=4, layers=1, rate=2e-3, epochs=1, pairs=2, warmup=0.0)

    made = prefer(make(train=rows, validation=rows), tmp_path / "m", base, settings)

    assert made.told["validation"]["reward_accuracy"]["share"] == 1.0
    assert made.told["validation_loss"][0] < 0.6931
