import math
from collections import Counter
from pathlib import Path

import pytest

from curator.evaluation.general import PAIRS_MARGIN, divergences, findings, general_ability, read
from curator.lm.lora import Trunk, load_adapter
from curator.lm.models import load
from curator.lm.tokens import Encoder
from curator.offline import torch
from curator.pack import Pack
from curator.training.train import TrainSettings, train

MOVED = TrainSettings(rank=8, alpha=64, layers=0, rate=0.2, epochs=1, scenarios=2, keep_best="last")


@pytest.fixture(scope="module")
def adapter(dataset: Path, tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(dataset, tmp_path_factory.mktemp("moved") / "adapter", tiny, MOVED).folder


def test_the_pairs_are_many_of_each_kind_and_differ_in_little() -> None:
    pairs = read("minimal_pairs")

    assert Counter(one["kind"] for one in pairs) == dict.fromkeys(
        (
            "agreement in number",
            "word order",
            "tense",
            "negation",
            "pronoun reference",
            "plain facts",
            "small arithmetic",
            "what follows",
        ),
        26,
    )
    assert len({one["right"] for one in pairs} | {one["wrong"] for one in pairs}) == 2 * len(pairs)
    for one in pairs:
        words = (Counter(one["right"].split()), Counter(one["wrong"].split()))
        assert (words[0] - words[1]).total() <= 3, one
        assert (words[1] - words[0]).total() <= 3, one


def test_the_neutral_questions_have_an_answer_each_and_nothing_to_do_with_work() -> None:
    asked = read("neutral")

    assert len({one["question"] for one in asked}) == 48
    assert all(one["answer"].strip() for one in asked)
    text = " ".join(one["question"] + " " + one["answer"] for one in asked).lower()
    for word in ("manager", "employee", "workplace", "colleague", "boss", "verdict", "manipulat"):
        assert word not in text


def test_a_divergence_is_the_sum_over_the_vocabulary_at_each_place(adapter: Path, tiny: Path) -> None:
    model, _ = load(tiny, torch.float32)
    tuned = load_adapter(model, adapter)
    sequences = [[5, 6, 7, 8, 9], [5, 6, 7, 11, 12, 13, 14], [20, 21, 22]]
    starts = [3, 2, 1]

    found = divergences(tuned, Trunk(tuned), sequences, starts)

    assert [len(told) for told in found] == [2, 5, 2]
    for ids, start, told in zip(sequences, starts, found, strict=True):
        with torch.no_grad():
            after = tuned(input_ids=torch.tensor([ids])).logits[0].double().log_softmax(-1)
            with tuned.disable_adapter():
                before = tuned(input_ids=torch.tensor([ids])).logits[0].double().log_softmax(-1)
        whole = (before.exp() * (before - after)).sum(-1)[start - 1 : -1]
        assert told == pytest.approx(whole.tolist(), rel=1e-3)
        assert all(value > 1e-3 for value in told)


def test_the_base_beside_itself_has_no_divergence(tiny: Path) -> None:
    model, _ = load(tiny, torch.float32)

    assert divergences(model, Trunk(model), [[5, 6, 7, 8]], [1]) == [[0.0, 0.0, 0.0]]


def test_pairs_are_judged_by_the_whole_sentences_likelihood(adapter: Path, tiny: Path, pack: Pack) -> None:
    model, tokenizer = load(tiny, torch.float32)
    tuned, encoder = load_adapter(model, adapter), Encoder(tokenizer, pack)
    told = general_ability(tuned, encoder)

    def loss(text: str) -> float:
        ids = encoder.plain("\n" + text)
        logits = tuned(input_ids=torch.tensor([ids])).logits[0].double().log_softmax(-1)
        return -sum(float(logits[n, token]) for n, token in enumerate(ids[1:]))

    facts = [one for one in read("minimal_pairs") if one["kind"] == "plain facts"]
    with torch.no_grad():
        right = [loss(one["right"]) < loss(one["wrong"]) for one in facts]
    cell = told["pairs"]["kinds"]["plain facts"]
    assert cell["pairs"] == 26
    assert cell["tuned"] == pytest.approx(sum(right) / 26)
    assert told["pairs"]["pairs"] == told["pairs"]["change"]["clusters"] == 208
    assert told["neutral"]["prompts"] == 48
    low, high = told["neutral"]["interval"]
    assert 0 < low < told["neutral"]["divergence"] < high
    assert told["passages"] == 40
    assert findings(told)[0].startswith("Plain English, loss a token: ")
    assert findings(told)[0].endswith("No worse: at most 0.05 is lost.")  # a random model can only gain


def told(pairs_change: float, interval: list[float], loss_interval: list[float], moved: float = 0.1) -> list[str]:
    change = {"difference": pairs_change, "interval": interval}
    cell = {"pairs": 200, "base": 0.84, "tuned": 0.84 + pairs_change, "change": change}
    kinds = {"tense": cell, "negation": cell | {"change": {"difference": -1.0}, "base": 0.9, "tuned": 0.5}}
    return findings(
        {
            "loss_per_token": {"base": 3.0, "tuned": 3.1},
            "change": {"difference": math.fsum(loss_interval) / 2, "interval": loss_interval},
            "pairs": cell | {"kinds": kinds},
            "neutral": {"divergence": moved, "interval": [0.05, 0.15], "prompts": 48},
        }
    )


def test_the_sentences_say_what_was_lost_and_warn_beyond_the_margin() -> None:
    fine, pairs, neutral = told(-0.01, [-0.03, 0.01], [-0.02, 0.04])
    assert fine.endswith("No worse: at most 0.05 is lost.")
    assert pairs == (
        "Right sentence preferred in 84 % of 200 pairs before, 83 % after (-1.0 points, 95 % interval -3.0 to +1.0)."
        " No worse."
    )
    assert neutral == (
        "Neutral questions: the next words of the tuned model are 0.100 nats a token from the base's (95 % interval"
        " 0.050 to 0.150, 48 questions); 0 is no change."
    )

    _, pairs, _ = told(-0.03, [-0.05, -0.01], [-0.02, 0.04])
    assert pairs.endswith("Slightly worse, within the margin of 5 points.")

    bad, pairs, far = told(-PAIRS_MARGIN - 0.01, [-0.1, -0.02], [0.06, 0.2], moved=0.4)
    assert "WARNING: worse, more than 0.05 is lost." in bad
    assert "WARNING: worse by more than 5 points, most in negation (90 % to 50 %)." in pairs

    assert far.endswith("WARNING: that is far. It speaks otherwise even where it was not trained.")

    unsure, _, _ = told(0.0, [-0.02, 0.02], [0.01, 0.2])
    assert "cannot be said" in unsure
