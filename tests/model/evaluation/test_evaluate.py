import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from curator.ask import ask
from curator.chatrows import ChatRow, read_split
from curator.errors import FileError, PolicyError, UsageError
from curator.evaluation.answers import Answer, read_answers
from curator.evaluation.comparison import compare
from curator.evaluation.evaluate import evaluate, rescore
from curator.evaluation.findings import judged
from curator.lm.lora import load_adapter
from curator.lm.models import load
from curator.lm.scoring import generate, score, softmax, verdict_probabilities
from curator.lm.tokens import Encoder, encode_rows
from curator.offline import torch
from curator.pack import Pack
from curator.roles import as_role
from curator.training.train import TrainSettings, train
from tests.model.answered import ROLES, answer, judged_by, seen
from tests.model.conftest import line, write_dataset

LEARNS = TrainSettings(rank=8, alpha=16, layers=0, rate=2e-2, epochs=8, scenarios=1, patience=8, verdict_weight=30)


@pytest.fixture(scope="module")
def adapter(dataset: Path, tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(dataset, tmp_path_factory.mktemp("trained") / "adapter", tiny, LEARNS).folder


@pytest.fixture(scope="module")
def evaluated(dataset: Path, adapter: Path, tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the adapter's folder with its evaluation in it."""
    copy = Path(shutil.copytree(adapter, tmp_path_factory.mktemp("evaluated") / "copy"))
    evaluate(dataset, copy, tiny, copy, swapped=7)
    return copy


def test_a_difference_between_roles_that_was_learned_is_reported_as_helped(evaluated: Path) -> None:
    report = json.loads((evaluated / "evaluation.json").read_text())

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


def test_the_same_evaluation_gives_the_same_bytes(
    dataset: Path, adapter: Path, evaluated: Path, tiny: Path, tmp_path: Path
) -> None:
    report = evaluate(dataset, adapter, tiny, tmp_path / "again", swapped=7)

    for name in ("answers.jsonl", "evaluation.json"):
        assert (tmp_path / "again" / name).read_bytes() == (evaluated / name).read_bytes()
    assert json.loads((evaluated / "evaluation.json").read_text()) == report


def test_answers_that_are_kept_are_scored_again_without_a_model(
    dataset: Path, adapter: Path, evaluated: Path, tmp_path: Path
) -> None:
    with pytest.raises(FileError, match=r"adapter was never evaluated. Evaluate it with: curator evaluate"):
        rescore(dataset, adapter)
    copy = Path(shutil.copytree(evaluated, tmp_path / "copy"))
    report = json.loads((copy / "evaluation.json").read_text())
    made = (copy / "evaluation.json").read_bytes()
    kept = read_answers(copy, report["answers"])

    assert [one.id for one in kept] == sorted(one["id"] for one in report["rows"])
    assert all(list(one.tuned.verdicts) == ["nurse", "clerk"] for one in kept)
    assert sum(len(one.tuned.analysis) == 2 for one in kept) == 7
    swap = report["views"]["role_swap"]
    assert (swap["contested"]["pairs"], swap["agreed"]["pairs"]) == (9, 0)
    assert swap["contested"]["tuned"] == {"moves": 1.0, "right_way_round": 1.0, "both_right": 1.0}
    told = report["views"]["swap_test"]
    assert (told["n"], told["of"], told["chance"]) == (7, 18, 0.5)
    swapped = [one for one in kept if len(one.tuned.analysis) == 2]
    own = [min(one.tuned.analysis, key=one.tuned.analysis.__getitem__) == one.stakeholder for one in swapped]
    assert told["tuned"]["share"] == pytest.approx(sum(own) / 7, abs=1e-6)
    assert rescore(dataset, copy) == report
    assert (copy / "evaluation.json").read_bytes() == made

    (copy / "answers.jsonl").write_bytes((copy / "answers.jsonl").read_bytes() + b"\n")
    with pytest.raises(FileError, match=r"answers.jsonl is not the file that its evaluation.json was made with"):
        rescore(dataset, copy)
    old = {name: value for name, value in report.items() if name != "answers"}
    (copy / "evaluation.json").write_text(json.dumps(old))
    with pytest.raises(FileError, match=r"copy was evaluated before answers were kept: there is nothing to score"):
        rescore(dataset, copy)


def test_a_model_that_answers_for_all_roles_at_once_is_asked_in_that_form(
    dataset: Path, tiny: Path, pack: Pack
) -> None:
    model, tokenizer = load(tiny, torch.float32)
    encoder = Encoder(tokenizer, pack, together=True)
    rows = read_split(dataset, "test", pack)[:2]
    encoded, _ = encode_rows(rows, encoder, 1024)

    (nurse, clerk) = score(model, encoded, encoder, roles=list(ROLES))["base"]
    asked = [encoder.asked(row.question, row.stakeholder) for row in rows]
    told = verdict_probabilities(model, asked, encoder)["base"]
    assert nurse.as_roles == {role: pytest.approx(one, abs=1e-5) for role, one in zip(ROLES, told, strict=True)}
    assert clerk.as_roles == {role: pytest.approx(one, abs=1e-6) for role, one in nurse.as_roles.items()}


def test_another_role_gets_the_question_that_its_own_row_has(dataset: Path, pack: Pack) -> None:
    rows = read_split(dataset, "test", pack)
    nurse, clerk = rows[0], rows[1]
    assert (nurse.scenario, nurse.stakeholder, clerk.stakeholder) == (clerk.scenario, "nurse", "clerk")

    assert as_role(pack, nurse.question, "nurse", "clerk") == clerk.question
    first = pack.model_copy(
        update={"prompt": pack.prompt.model_copy(update={"user": "As {stakeholder}: {situation} ({context}), a nurse"})}
    )
    turns = [{"role": "user", "content": "As a nurse: a nurse left (a ward), a nurse"}]
    assert as_role(first, turns, "nurse", "clerk") == [
        {"role": "user", "content": "As a clerk: a nurse left (a ward), a nurse"}
    ]
    assert as_role(pack, [{"role": "user", "content": "What now?"}], "nurse", "clerk") is None


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
    assert scored["tuned"][0].analyses == {"nurse": scored["tuned"][0].analysis_loss}
    swapped = score(tuned, encoded, encoder, roles=list(pack.stakeholders), swapped={encoded[0].row.id})
    asked = {role: encoder.question(as_role(pack, encoded[0].row.question, "nurse", role) or []) for role in ROLES}
    first = swapped["tuned"][0]
    assert first.as_roles == {role: pytest.approx(told(asked[role]), abs=1e-5) for role in ROLES}
    ids = asked["clerk"] + encoded[0].ids[encoded[0].start :]
    logits = tuned(input_ids=torch.tensor([ids])).logits[0, :-1].log_softmax(-1)
    lost = -logits[torch.arange(len(ids) - 1), torch.tensor(ids[1:])][-first.analysis_tokens :].sum()
    assert first.analyses["clerk"] == pytest.approx(float(lost), rel=1e-5)
    assert "clerk" not in swapped["tuned"][2].analyses
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

    assert [one["stakeholder"] for one in answers] == ["nurse", "clerk"]
    assert [one["tuned"]["verdict"] for one in answers] == ["unfair", "fine"]
    for one in answers:
        assert sum(one["base"]["probabilities"].values()) == pytest.approx(1, abs=1e-3)
        assert one["tuned"]["answer"] != one["base"]["answer"]


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


def answers(base: list[bool], tuned: list[bool]) -> list[Answer]:
    told = {True: seen({"nurse": 0.9}, {"nurse": 10.0}), False: seen({"nurse": 0.2}, {"nurse": 10.0})}
    return [
        answer(f"ward {n}", "nurse", "fine", told[before], told[after])
        for n, (before, after) in enumerate(zip(base, tuned, strict=True))
    ]


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
    base: list[bool], tuned: list[bool], outcome: str
) -> None:
    found = answers(base, tuned)

    report: dict[str, Any] = compare(found, [judged_by(one, "train") for one in found], ["fine", "unfair"])

    assert judged(report["accuracy"]["overall"]["gain"]) == outcome
