from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from curator.example import frame
from curator.report import figures
from curator.report.colour import DARK, LIGHT, luminance, ramp
from curator.report.labels import scales
from curator.report.scenes import contest
from curator.report.tuning import comparison, spoken

from .conftest import TWO, row

DEUTAN = np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]])
PROTAN = np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]])


def said(*told: tuple[int, int, int]) -> list[dict[str, int]]:
    return [{"role": role, "verdict": verdict, "voices": voices} for role, verdict, voices in told]


def test_every_voice_counts_in_how_contested_a_scenario_is() -> None:
    assert contest(said((0, 0, 2), (1, 1, 1)))["differ"] == 0.6667  # 2 of 3 pairs
    assert contest(said((0, 0, 1), (1, 2, 1))) == {
        "differ": 1.0,
        "apart": 2.0,
        "gravity": 1.0,
        "contested": True,
        "judged": True,
    }


def test_one_role_at_odds_with_itself_is_not_called_contested() -> None:
    found = contest(said((0, 0, 1), (0, 1, 1)))

    assert (found["differ"], found["contested"], found["judged"]) == (1.0, False, False)


def _seen(colour: str, eye: np.ndarray) -> np.ndarray:
    """Simulate a colour-blind eye in linear light (Machado, Oliveira & Fernandes 2009) and return OKLab."""
    part = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    rgb = np.clip(eye @ np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4), 0, 1)
    lms = np.array(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ]
    )
    lab = np.array(
        [
            [0.2104542553, 0.7936177850, -0.0040720468],
            [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ]
    )
    return np.asarray(lab @ np.cbrt(lms @ rgb))


@pytest.mark.parametrize("anchors", [LIGHT, DARK])
@pytest.mark.parametrize("eye", [np.eye(3), DEUTAN, PROTAN])
@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_neighbouring_verdicts_are_told_apart_by_every_eye(anchors: tuple, eye: np.ndarray, count: int) -> None:
    seen = [_seen(colour, eye) for colour in ramp(count, anchors)]

    assert min(float(np.linalg.norm(a - b)) for a, b in pairwise(seen)) > 0.05


def test_the_graver_stands_out_more_in_light_and_in_dark() -> None:
    light, dark = ([luminance(c) for c in ramp(5, anchors)] for anchors in (LIGHT, DARK))

    assert light == sorted(light, reverse=True)
    assert dark == sorted(dark)


def test_balance_counts_what_the_step_was_given_and_what_is_in_the_set() -> None:
    kept = frame([row("a", "coach", "fair", domain="x"), row("b", "coach", "unfair")])
    gone = frame([row("c", "coach", "fair", domain="x"), row("d", "coach", "fair", domain="x")])
    decisions = pl.DataFrame({"id": ["c", "d"], "step": ["balance", "validate"], "action": ["drop", "drop"]})

    found = figures.balance(kept, gone, decisions, scales(TWO, kept))

    bars = {bar["label"]: (bar["before"], bar["after"]) for bar in found["panels"][1]["bars"]}
    assert bars == {"X": ([2, 0], [1, 0]), "No domain": ([0, 1], [0, 1])}


def test_a_verdict_in_a_written_answer_is_read_whole() -> None:
    known = scales(TWO, frame([]))

    assert spoken("Verdict: unfair\nBecause.", TWO, known) == 1
    assert spoken("Verdict: unfairly\nBecause.", TWO, known) == -1
    assert spoken("It is unfair.", TWO, known) == -1


def test_a_gain_is_sure_only_when_its_interval_leaves_zero_out() -> None:
    known = scales(TWO, frame([]))

    def gain(low: float, high: float) -> dict:
        told = {"accuracy": {"overall": {"gain": {"difference": 0.2, "interval": [low, high], "p": 0.01}}}}
        found = comparison(told, known, TWO, "", [])
        assert found is not None
        return found["groups"][0]["rows"][0]["gain"]

    assert gain(0.1, 0.3)["sure"] is True
    assert gain(-0.1, 0.5)["sure"] is False
    assert gain(0.1, 0.3)["mark"] == {"x": "83.333%", "low": "66.667%", "high": "100%"}


def test_the_marks_of_an_axis_are_round_and_inside() -> None:
    found = figures.curve([2.41, 2.02, 1.66], [2.2, 2.1, 2.15], 2)

    assert found is not None
    assert [tick["value"] for tick in found["ticks"]] == [1.6, 1.8, 2.0, 2.2, 2.4]
    assert found["best_x"] == "50%"


def test_a_loss_that_never_moves_is_drawn_all_the_same() -> None:
    found = figures.curve([1.0], [], 1)

    assert found is not None
    assert found["train"][0]["y"] == "50%"
