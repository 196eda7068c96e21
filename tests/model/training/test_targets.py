"""How far a verdict is its role's, and what is learned of it."""

import json
import math
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.chatrows import ChatRow
from curator.lm.forest import forest, loss_sum
from curator.lm.lora import Trunk
from curator.lm.models import load
from curator.lm.scoring import verdict_probabilities
from curator.lm.tokens import Encoder, encode_rows
from curator.offline import torch
from curator.pack import Pack
from curator.training.settings import TrainSettings
from curator.training.targets import UNKNOWN, habits, reliability, targets
from curator.training.train import train
from tests.model.conftest import line

VERDICTS = ["fine", "unfair"]


def rows(pack: Pack, *told: tuple[str, str, str]) -> list[ChatRow]:
    """Rows of (scenario, role, verdict), each with an id of its own."""
    return [
        ChatRow.model_validate(line(pack, scenario, role, verdict, "So.", id=f"{n}"))
        for n, (scenario, role, verdict) in enumerate(told)
    ]


def simulated(pack: Pack, wanted: float, cells: int, seed: int) -> list[ChatRow]:
    """Two nurses on each of many wards, whose shares are drawn so that answers have this reliability."""
    chance = random.Random(seed)
    scale = (1 - wanted) / wanted  # of a beta distribution with mean 0.6
    told = []
    for n in range(cells):
        fine = chance.betavariate(0.6 * scale, 0.4 * scale)
        told += [(f"ward {n}", "nurse", "fine" if chance.random() < fine else "unfair") for _ in range(2)]
    return rows(pack, *told)


@pytest.mark.parametrize("wanted", [0.1, 0.3, 0.6, 0.9])
def test_the_reliability_of_one_answer_is_found_again(pack: Pack, wanted: float) -> None:
    found = [reliability(simulated(pack, wanted, 300, seed)) for seed in range(24)]

    assert sum(found) / len(found) == pytest.approx(wanted, abs=0.03)


def test_where_nobody_judged_what_another_did_half_of_a_verdict_is_the_roles(pack: Pack) -> None:
    assert reliability(rows(pack, ("a", "nurse", "fine"), ("b", "nurse", "unfair"), ("a", "clerk", "fine"))) == UNKNOWN


def test_people_who_agree_less_than_by_chance_are_told_by_their_habit(pack: Pack) -> None:
    told = rows(pack, *((f"ward {n}", "nurse", verdict) for n in range(50) for verdict in VERDICTS))

    assert reliability(told) == 0.0
    assert set(targets(told, VERDICTS, 0.0).values()) == {(0.5, 0.5)}


def test_two_answers_that_agree_are_trusted_more_than_one(pack: Pack) -> None:
    told = rows(pack, *(("a", "nurse", "fine"),) * 2, ("b", "nurse", "fine"), ("c", "nurse", "unfair"))

    found = targets(told, VERDICTS, 0.5)

    assert habits(told) == {"nurse": {"fine": 0.75, "unfair": 0.25}}
    assert found["0"] == found["1"] == pytest.approx((2 / 3 + 0.75 / 3, 0.25 / 3))  # Spearman-Brown: 2 · 0.5 / 1.5
    assert found["2"] == pytest.approx((0.875, 0.125))
    assert found["3"] == pytest.approx((0.375, 0.625))


def test_the_training_tells_how_far_it_trusted_one_verdict(dataset: Path, tiny: Path, tmp_path: Path) -> None:
    quick = TrainSettings(rank=4, alpha=8, layers=1, epochs=1)

    measured, given, none = (
        json.loads((train(dataset, tmp_path / name, tiny, settings).folder / "training.json").read_text("utf-8"))
        for name, settings in (
            ("measured", quick),
            ("given", quick.model_copy(update={"trust": 0.25})),
            ("none", quick.model_copy(update={"answers": "each"})),
        )
    )

    assert (measured["trust"], given["trust"], none["trust"]) == (0.5, 0.25, None)  # nobody judged twice
    card = (tmp_path / "given" / "README.md").read_text("utf-8")
    assert "| verdicts | each learned as 25 % itself, 75 % its role's usual shares |\n" in card
    assert "| verdicts |" not in (tmp_path / "none" / "README.md").read_text("utf-8")


@given(st.data())
def test_targets_are_shares_and_trust_moves_them_from_habit_to_what_was_said(pack: Pack, data: st.DataObject) -> None:
    one = st.tuples(st.sampled_from("abc"), st.sampled_from(["nurse", "clerk"]), st.sampled_from(VERDICTS))
    told = rows(pack, *data.draw(st.lists(one, min_size=1, max_size=20)))
    trust = data.draw(st.floats(0, 1))

    found, said, usual = targets(told, VERDICTS, trust), targets(told, VERDICTS, 1.0), habits(told)

    for row in told:
        assert sum(found[row.id]) == pytest.approx(1)
        assert said[row.id] == tuple(float(verdict == row.verdict) for verdict in VERDICTS)
        place = VERDICTS.index(row.verdict)
        assert usual[row.stakeholder][row.verdict] - 1e-9 <= found[row.id][place] <= 1 + 1e-9
    assert 0 <= reliability(told) <= 1


def test_the_loss_is_the_cross_entropy_with_the_target(tiny: Path, pack: Pack) -> None:
    model, tokenizer = load(tiny, torch.float64)
    encoder = Encoder(tokenizer, pack)
    encoded, _ = encode_rows(rows(pack, ("a", "nurse", "fine")), encoder, 1024)

    (tree,) = forest(encoded, torch.float64, encoder, {"0": (0.7, 0.3)})
    part = float(loss_sum(Trunk(model), tree, 5.0) - loss_sum(Trunk(model), tree, 1e-12)) / 5.0

    (shares,) = verdict_probabilities(model, [encoded[0].ids[: encoded[0].start]], encoder)["base"]
    wanted = -0.7 * math.log(shares["fine"]) - 0.3 * math.log(shares["unfair"])
    assert part == pytest.approx(wanted, rel=1e-5)
