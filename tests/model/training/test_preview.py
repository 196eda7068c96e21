"""What a person sees before a training: rows token by token, and what the training would take."""

from dataclasses import asdict
from pathlib import Path

import pytest

from curator.errors import FileError
from curator.pack import Pack
from curator.training.preview import lines, preview
from curator.training.probe import estimate
from curator.training.settings import TrainSettings
from curator.training.train import train
from tests.model.conftest import line, write_dataset

QUICK = TrainSettings(rank=4, alpha=8, layers=2, rate=1e-2, epochs=4, scenarios=2)


def everything(folder: Path) -> list[str]:
    return sorted(f"{path} {path.stat().st_mtime_ns}" for path in folder.rglob("*"))


def test_a_preview_marks_what_is_in_the_loss_and_what_tells_the_verdict(dataset: Path, tiny: Path) -> None:
    found = preview(dataset, tiny, QUICK, 2)

    assert [seen.id for seen in found.shown] == ["ward 0-nurse", "ward 0-clerk"]
    first = found.shown[0]
    said = lines(first)
    assert said[0] == (
        f"train.jsonl:1  ward 0-nurse  nurse, unfair, weight 1: {len(first.tokens)} tokens, {first.learned} in the loss"
    )
    assert said[1:3] == ["    <|im_start|>|s|y|s|t|e|m|↵", "    Yo|u| judge|.|<|im_end|>|↵"]
    assert said[-1] == "    its verdict is learned as: fine 0 %, unfair 100 %"  # all nurses say so
    assert said[-3:-1] == [
        "    ‹Verdict›‹:›« unfair»«↵»",
        "    ‹Analysis›‹:›‹ ›‹I›‹t›‹ ›‹h›‹u›‹r›‹t›‹s›‹ ›‹p›‹e›‹o›‹p›‹l›‹e›‹.›‹<|im_end|>›",
    ]
    assert "".join(token.text for token in first.tokens if token.weight) == (
        "Verdict: unfair\nAnalysis: It hurts people.<|im_end|>"
    )
    assert [token.weight for token in first.tokens if token.weight][:5] == [1, 1, 10, 10, 1]


def test_a_preview_counts_what_is_learned_and_what_is_left_out(tiny: Path, pack: Pack, tmp_path: Path) -> None:
    rows = [line(pack, f"ward {n}", "nurse", verdict, "Ok.") for n, verdict in enumerate(["fine", "unfair"])]
    rows.append(line(pack, "ward 7", "clerk", "fine", "so " * 900))
    dataset = write_dataset(tmp_path / "dataset", pack, train=rows, validation=rows[:1])
    before = everything(tmp_path)

    found = preview(dataset, tiny, QUICK.model_copy(update={"longest": 400}), 9)

    assert (found.rows, found.truncated, found.left_out["longer than longest"]) == (2, 0, ["ward 7-clerk"])
    assert found.tokens == sum(len(seen.tokens) for seen in found.shown)
    assert found.learned == sum(seen.learned for seen in found.shown)
    assert everything(tmp_path) == before


def test_special_tokens_that_people_wrote_are_shown_as_the_text_that_they_are(
    tiny: Path, pack: Pack, tmp_path: Path
) -> None:
    rows = [
        line(pack, "ward 1", "nurse", "fine", "Ok<|im_end|>."),
        line(pack, "ward 1", "clerk", "unfair", "No."),
    ]
    dataset = write_dataset(tmp_path, pack, train=rows, validation=rows[1:])

    answer = lines(preview(dataset, tiny, QUICK, 1).shown[0])[-2]

    assert answer.endswith("‹O›‹k›‹<›‹|›‹i›‹m›‹_›‹e›‹n›‹d›‹|›‹>›‹.›‹<|im_end|>›")


def test_a_preview_stops_at_a_wrong_line_as_a_training_does(tiny: Path, pack: Pack, tmp_path: Path) -> None:
    write_dataset(tmp_path, pack, train=[line(pack, "ward 1", "nurse", "fine", " ")])

    with pytest.raises(FileError, match=r"train.jsonl:1: the answer has a verdict but no analysis"):
        preview(tmp_path, tiny, QUICK, 1)


def test_a_dry_run_counts_what_the_training_then_does_and_leaves_nothing(
    dataset: Path, tiny: Path, tmp_path: Path
) -> None:
    before, steps = everything(dataset), []

    probed = estimate(dataset, tiny, QUICK)

    assert everything(dataset) == before
    trained = train(dataset, tmp_path / "adapter", tiny, QUICK, lambda *said: steps.append(said))
    assert (probed.rows, probed.tokens, probed.scenarios) == (trained.rows, trained.tokens, 8)
    assert steps[-1] == ("training", probed.steps, probed.steps)
    assert probed.computed < probed.tokens
    assert probed.seconds == pytest.approx(probed.begin + probed.first + 3 * probed.next)
    assert 100 * 2**20 < probed.memory < 16 * 2**30
    assert probed.probed == 6
    assert min(asdict(probed)[name] for name in ("begin", "first", "next", "took")) > 0


def test_a_dry_run_of_one_scenario_works(tiny: Path, pack: Pack, tmp_path: Path) -> None:
    rows = [line(pack, "ward 1", role, verdict, "Ok.") for role, verdict in [("nurse", "fine"), ("clerk", "unfair")]]
    write_dataset(tmp_path, pack, train=rows)

    probed = estimate(tmp_path, tiny, QUICK.model_copy(update={"keep_best": "last"}))

    assert (probed.rows, probed.scenarios, probed.steps, probed.probed) == (2, 1, 4, 4)


def test_a_preview_says_what_a_verdict_is_learned_as(tiny: Path, pack: Pack, tmp_path: Path) -> None:
    rows = [line(pack, f"ward {n}", "nurse", verdict, "Ok.") for n, verdict in enumerate(["fine", "fine", "unfair"])]
    folder = write_dataset(tmp_path / "set", pack, train=rows, validation=rows[:1])

    drawn = preview(folder, tiny, QUICK.model_copy(update={"trust": 0.25}), 3).shown[2]
    plain = preview(folder, tiny, QUICK.model_copy(update={"answers": "each"}), 3).shown[2]

    assert drawn.shares == pytest.approx({"fine": 0.5, "unfair": 0.5})  # a quarter itself, the rest two to one
    assert lines(drawn)[-1] == "    its verdict is learned as: fine 50 %, unfair 50 %"
    assert lines(plain) == lines(drawn)[:-1]
