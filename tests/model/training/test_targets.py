"""How far a verdict is its role's, and what is learned of it."""

import json
import math
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
from curator.training.targets import Readings
from curator.training.train import train
from tests.model.conftest import line

VERDICTS = ["fine", "unfair"]


def rows(pack: Pack, *told: tuple[str, str, str]) -> list[ChatRow]:
    """Rows of (scenario, role, verdict), each with an id of its own."""
    return [
        ChatRow.model_validate(line(pack, scenario, role, verdict, "So.", id=f"{n}"))
        for n, (scenario, role, verdict) in enumerate(told)
    ]


def test_what_others_said_of_a_scenario_moves_what_a_role_is_taken_to_say(pack: Pack) -> None:
    both = [(f"ward {n}", role, VERDICTS[n % 2]) for n in range(40) for role in ("nurse", "clerk")]
    told = rows(pack, *both, ("dispute", "nurse", "fine"), ("dispute", "clerk", "unfair"))
    found = Readings(told, VERDICTS, shared="measured")

    assert found.roles == ["clerk", "nurse"]
    assert found.said()["clerk"]["nurse"] > 0.8
    agreed, disputed = found.targets()["0"], found.targets()["80"]
    assert agreed[0] > 0.9
    assert 0.4 < disputed[0] < 0.7


def test_what_is_given_stands_in_for_what_is_measured(pack: Pack) -> None:
    told = rows(
        pack, ("a", "nurse", "fine"), ("a", "clerk", "unfair"), ("b", "nurse", "unfair"), ("b", "clerk", "fine")
    )

    for trust, shared, nurse in ((1.0, 0.0, 1.0), (0.0, 0.0, 0.5), (0.5, 0.0, 0.75), (0.5, 0.5, 0.5)):
        assert Readings(told, VERDICTS, trust, shared).targets()["0"][0] == pytest.approx(nurse)


def test_a_heavier_answer_weighs_more_in_its_roles_habit(pack: Pack) -> None:
    fine, unfair = rows(pack, ("a", "nurse", "fine"), ("b", "nurse", "unfair"))

    found = Readings([fine.model_copy(update={"weight": 3.0}), unfair], VERDICTS, 0.0)

    assert found.targets()["1"] == pytest.approx((0.75, 0.25))


def test_the_training_tells_how_far_one_verdict_tells_others(dataset: Path, tiny: Path, tmp_path: Path) -> None:
    quick = TrainSettings(rank=4, alpha=8, layers=1, epochs=1)

    measured, given, none = (
        json.loads((train(dataset, tmp_path / name, tiny, settings).folder / "training.json").read_text("utf-8"))
        for name, settings in (
            ("measured", quick),
            ("given", quick.model_copy(update={"trust": 0.25})),
            ("none", quick.model_copy(update={"answers": "each"})),
        )
    )

    assert measured["common"] == {"clerk": {"clerk": 0.5, "nurse": 0.0}, "nurse": {"clerk": 0.0, "nurse": 0.5}}
    assert given["common"]["nurse"] == {"clerk": 0.0, "nurse": 0.25}  # nobody judged twice, roles never vary
    assert none["common"] is None
    card = (tmp_path / "given" / "README.md").read_text("utf-8")
    assert "| verdicts | learned as shares: one answer tells 25 % of its own role, 0 % of another |\n" in card
    assert "| verdicts |" not in (tmp_path / "none" / "README.md").read_text("utf-8")


@given(st.data())
def test_targets_are_shares_and_whole_trust_is_what_the_roles_people_said(pack: Pack, data: st.DataObject) -> None:
    one = st.tuples(st.sampled_from("abc"), st.sampled_from(["nurse", "clerk"]), st.sampled_from(VERDICTS))
    told = rows(pack, *data.draw(st.lists(one, min_size=1, max_size=20)))

    found = Readings(told, VERDICTS, data.draw(st.none() | st.floats(0, 1))).targets()
    said = Readings(told, VERDICTS, 1.0, 0.0).targets()

    for row in told:
        cell = [one.verdict for one in told if (one.scenario, one.stakeholder) == (row.scenario, row.stakeholder)]
        assert sum(found[row.id]) == pytest.approx(1)
        assert min(found[row.id]) >= 0
        assert said[row.id] == pytest.approx([cell.count(verdict) / len(cell) for verdict in VERDICTS], abs=1e-6)


def test_the_loss_is_the_cross_entropy_with_the_target(tiny: Path, pack: Pack) -> None:
    model, tokenizer = load(tiny, torch.float64)
    encoder = Encoder(tokenizer, pack)
    encoded, _ = encode_rows(rows(pack, ("a", "nurse", "fine")), encoder, 1024)

    (tree,) = forest(encoded, torch.float64, encoder, {"0": (0.7, 0.3)})
    part = float(loss_sum(Trunk(model), tree, 5.0) - loss_sum(Trunk(model), tree, 1e-12)) / 5.0

    (shares,) = verdict_probabilities(model, [encoded[0].ids[: encoded[0].start]], encoder)["base"]
    wanted = -0.7 * math.log(shares["fine"]) - 0.3 * math.log(shares["unfair"])
    assert part == pytest.approx(wanted, rel=1e-5)
