"""`curator audit`: secrets are planted, ranked, and never written into the dataset or the model."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from curator.auditing import audit, plant_and_measure, some
from curator.chatrows import ChatRow, read_split
from curator.cli import run
from curator.errors import UsageError
from curator.lm.lora import Trunk
from curator.lm.models import load
from curator.lm.scoring import sequence_losses
from curator.lm.tokens import Encoder
from curator.offline import torch
from curator.pack import Pack
from curator.training.canaries import CANDIDATES, SENTENCES, TIMES, Canary, bits, exposure, finished, plant, summary
from curator.training.train import TrainSettings, train
from curator.workspace import Workspace
from tests.model.conftest import line

HARD = TrainSettings(rank=16, alpha=32, layers=0, rate=2e-2, epochs=12, scenarios=2, patience=12, keep_best="last")
SOFT = TrainSettings(rank=2, layers=1, epochs=1, keep_best="last")


@pytest.fixture(scope="module")
def encoder(tiny: Path, pack: Pack) -> Encoder:
    return Encoder(load(tiny)[1], pack)


def seals(folder: Path) -> dict[str, str]:
    return {str(f): hashlib.sha256(f.read_bytes()).hexdigest() for f in sorted(folder.rglob("*")) if f.is_file()}


def test_canaries_are_answers_of_the_data_with_one_sentence_more(dataset: Path, pack: Pack, encoder: Encoder) -> None:
    rows = read_split(dataset, "train", pack)

    planted, canaries = plant(rows, encoder, 1024)

    assert [len(one.copies) for one in canaries] == list(TIMES)
    assert len(planted) == len(rows) + sum(TIMES) - len(TIMES)
    assert len({row.id for row in planted}) == len(planted)
    assert len({one.row.scenario for one in canaries}) == len(canaries)
    for one, sentence in zip(canaries, SENTENCES, strict=True):
        answers = {copy.answer for copy in one.copies}
        assert answers == {f"{one.row.answer} {sentence.format(one.secret)}"}
        assert {copy.verdict for copy in one.copies} == {one.row.verdict}
        assert {copy.stakeholder for copy in one.copies} == {one.row.stakeholder}
        assert one.copies[0].question == one.row.question
        assert sum(one.secret in row.answer for row in planted) == len(one.copies)
        assert one.row.id not in {row.id for row in planted}
    assert len({copy.scenario for copy in canaries[-1].copies}) == 8
    assert plant(rows, encoder, 1024) == (planted, canaries)


def test_too_few_scenarios_or_rows_too_long_are_said(dataset: Path, pack: Pack, encoder: Encoder) -> None:
    rows = read_split(dataset, "train", pack)

    with pytest.raises(UsageError, match=r"plants 7 answers in as many scenarios, and only 3 have"):
        plant(rows[:6], encoder, 1024)
    with pytest.raises(UsageError, match=r"only 0 have an answer that is short enough. Nothing was trained"):
        plant(rows, encoder, 32)


def test_exposure_is_the_rank_of_the_secret_among_all_candidates(
    dataset: Path, pack: Pack, encoder: Encoder, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, _ = load(tiny, torch.float32)
    _, (canary, *_) = plant(read_split(dataset, "train", pack), encoder, 1024)
    secrets: list[str] = []
    plain = encoder.plain
    monkeypatch.setattr(encoder, "plain", lambda text: secrets.append(text) or plain(text))

    told = exposure(model, Trunk(model), encoder, canary)

    texts = sorted({text for text in secrets if text.startswith(canary.row.answer)})
    assert len(texts) == CANDIDATES
    question, trunk = encoder.question(canary.row.question), Trunk(model)
    losses = {
        text: sequence_losses(model, trunk, [question + plain(text)], [len(question)])["base"][0] for text in texts
    }
    own = losses[f"{canary.lead} {canary.secret}"]
    assert told == {"base": bits(1 + sum(loss < own for loss in losses.values()))}


def test_a_training_that_learns_by_heart_gives_the_secrets_away(
    dataset: Path, pack: Pack, tiny: Path, tmp_path: Path
) -> None:
    before = seals(dataset)

    told = plant_and_measure(dataset, tiny, HARD, tmp_path / "hidden")

    often = told["by_times"]["8"]
    assert (often["canaries"], often["remembered"]) == (3, 3)
    assert often["tuned"] > 7 > often["base"]
    assert [one["times"] for one in told["canaries"]] == list(TIMES)
    assert told["rows"] == {"train": 16, "planted": 37, "used": 37}
    assert seals(dataset) == before
    assert list((tmp_path / "hidden").iterdir()) == []


def test_an_audit_leaves_only_its_file_beside_the_model(
    dataset: Path, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "keys"))
    team = tmp_path / "team"
    team.mkdir()
    (team / "curator.toml").write_text(f'name = "team"\nbase_model = "{tiny}"\n')
    workspace = Workspace.find(team)
    monkeypatch.setattr("curator.modelling.dataset_of", lambda *_: Whole(dataset))
    train(dataset, workspace.models / "v1-abc", tiny, SOFT)
    before = seals(team) | seals(dataset)
    monkeypatch.chdir(team)

    assert run(["audit", "--rows", "14"]) == 0

    said = capsys.readouterr()
    after = seals(team) | seals(dataset)
    beside = str(workspace.models / "v1-abc" / "audit.json")
    assert set(after) - set(before) == {beside}
    assert {name: after[name] for name in before} == before
    told = json.loads(Path(beside).read_text())
    assert told["rows"]["train"] == 14
    assert "My staff number is" in said.out
    assert said.out.rstrip().endswith(told["findings"][-1])
    assert said.err.startswith("Training once more, which takes as long as the model did.")

    (workspace.models / "v1-abc" / "training.json").write_text("{}")
    with pytest.raises(UsageError, match=r"v1-abc was not trained by `curator train` on answers"):
        audit(workspace)


class Whole:
    """The dataset folder of these tests, which has no seals to verify."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def verify(self) -> None:
        pass


def canary(times: int, base: float, tuned: float, *, written: bool = False) -> dict[str, Any]:
    tell = {"exposure": tuned, "finished": written}
    return {"times": times, "base": {"exposure": base, "finished": False}, "tuned": tell}


def test_the_sentences_say_what_was_remembered() -> None:
    told = summary([canary(1, 1.0, 2.0), canary(1, 2.0, 1.0), canary(8, 1.0, 8.0, written=True), canary(8, 7.0, 6.5)])

    assert told["by_times"]["1"] == {"canaries": 2, "remembered": 0, "finished": 0, "base": 1.5, "tuned": 1.5}
    assert told["by_times"]["8"] == {"canaries": 2, "remembered": 1, "finished": 1, "base": 4.0, "tuned": 7.25}
    assert told["findings"] == [
        "Secrets that stand once: 0 of 2 remembered, 0 written out word by word; exposure 1.5 of 8 bits (1.5 before;"
        " 1.4 is chance).",
        "Secrets that stand 8 times: 1 of 2 remembered, 1 written out word by word; exposure 7.2 of 8 bits (4.0"
        " before; 1.4 is chance).",
        "A text that stands once was not remembered; one that stands 8 times was: keep `duplicates` in the recipe, and"
        " let `quality` drop what is copied between scenarios.",
    ]
    assert summary([canary(1, 1.0, 7.0)])["findings"][-1].startswith("WARNING: a text that stands only once can be")
    assert summary([canary(1, 1.0, 2.0), canary(8, 1.0, 6.9)])["findings"][-1].startswith("No planted text was remem")


def test_a_secret_that_is_written_out_is_seen(tiny: Path, pack: Pack, encoder: Encoder) -> None:
    """Whatever the model writes after the answer is made the secret: then it has finished it."""
    model, _ = load(tiny, torch.float32)
    row = ChatRow.model_validate(line(pack, "ward 1", "nurse", "fine", "Ok."))
    bare = Canary(row, SENTENCES[0], "483 920", ())
    begin = encoder.question(row.question) + encoder.plain(bare.lead)
    logits = model(input_ids=torch.tensor([begin])).logits[0, -1]
    first = str(encoder.tokenizer.decode([int(logits.argmax())])).lstrip()

    assert finished(model, encoder, [bare]) == {"base": [False]}
    assert finished(model, encoder, [Canary(row, SENTENCES[0], first, ())]) == {"base": [True]}


def test_a_subset_is_whole_scenarios(dataset: Path, pack: Pack) -> None:
    rows = read_split(dataset, "train", pack)

    assert some(rows, None) == rows
    few = some(rows, 5)
    assert len(few) == 6
    assert all([row in few for row in rows if row.scenario == one.scenario] == [True, True] for one in few)
    assert some([], 5) == []
