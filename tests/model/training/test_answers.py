"""What is learned of a scenario: each answer, the distribution of verdicts, or all perspectives in one answer."""

import json
import math
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

from curator.chatrows import ChatRow
from curator.errors import UsageError
from curator.lm.forest import forest, loss_sum, mass
from curator.lm.lora import Trunk, attach, trainable
from curator.lm.models import load
from curator.lm.scoring import sequence_losses, verdict_probabilities
from curator.lm.tokens import EVERYBODY, Encoded, Encoder, encode_rows, encode_scenarios
from curator.offline import torch
from curator.pack import Pack
from curator.together import asked_of, head, in_turn, own_part
from curator.training.train import TrainSettings, train
from tests.model.conftest import line

QUICK = TrainSettings(rank=4, alpha=8, layers=2, rate=1e-2, epochs=4, scenarios=2)
SAID = [("nurse", "unfair", "It hurts.", 0.25), ("nurse", "fine", "Odd, but fine.", 0.5), ("clerk", "fine", "Ok.", 1.0)]


def rows(pack: Pack, scenario: str = "ward 1") -> list[ChatRow]:
    return [
        ChatRow.model_validate(line(pack, scenario, role, verdict, text, weight=weight, id=text))
        for role, verdict, text, weight in SAID
    ]


def unsaid(model: Any, questions: list[list[int]], encoder: Encoder) -> list[float]:
    """Minus the logarithm of how likely it is, after each question, that any verdict is said."""
    sequences = [[*question, *encoder.verdict(name)] for question in questions for name in encoder.pack.verdicts]
    starts = [len(question) + encoder.lead for question in questions for _ in encoder.pack.verdicts]
    losses = sequence_losses(model, Trunk(model), sequences, starts)["base"]
    width = len(encoder.pack.verdicts)
    return [-math.log(math.fsum(math.exp(-one) for one in losses[n : n + width])) for n in range(0, len(losses), width)]


def told(model: Any, encoded: list[Encoded]) -> float:
    """The weighted loss of the answers' tokens, without those that tell the verdict."""
    whole = sequence_losses(model, Trunk(model), [one.ids for one in encoded], [one.start for one in encoded])["base"]
    ends = [one.verdict[-1] + 1 for one in encoded]
    begins = sequence_losses(
        model,
        Trunk(model),
        [one.ids[:end] for one, end in zip(encoded, ends, strict=True)],
        [one.verdict[0] for one in encoded],
    )["base"]
    return math.fsum(one.row.loss_weight * (a - b) for one, a, b in zip(encoded, whole, begins, strict=True))


def test_the_loss_of_a_distribution_is_its_cross_entropy_with_what_people_said(tiny: Path, pack: Pack) -> None:
    """Two nurses differ: the target is two thirds fine, one third unfair, as heavy as both together.

    And some verdict must be said at all.
    """
    model, tokenizer = load(tiny, torch.float64)
    encoder = Encoder(tokenizer, pack)
    encoded, _ = encode_rows(rows(pack), encoder, 1024)
    trunk = Trunk(model)

    (tree,) = forest(encoded, torch.float64, encoder)
    verdict_part = float(loss_sum(trunk, tree, 5.0) - loss_sum(trunk, tree, 1e-12)) / 5.0
    rest = float(loss_sum(trunk, tree, 1e-12))

    questions = [one.ids[: one.start] for one in encoded]
    nurse, _, clerk = verdict_probabilities(model, questions, encoder)["base"]
    soft = 0.75 * -(math.log(nurse["unfair"]) / 3 + 2 * math.log(nurse["fine"]) / 3) - 1.0 * math.log(clerk["fine"])
    silent = math.fsum(
        weight * loss for (*_, weight), loss in zip(SAID, unsaid(model, questions, encoder), strict=True)
    )
    assert verdict_part == pytest.approx(soft, rel=1e-5)
    assert rest - silent == pytest.approx(told(model, encoded), rel=1e-5)
    words = sum(one.row.loss_weight * (len(one.ids) - one.start - len(one.verdict)) for one in encoded)
    assert mass(tree, 5.0) == pytest.approx(words + (5.0 + 1.0) * 1.75)


def test_people_of_one_role_share_the_verdicts_of_their_question(tiny: Path, pack: Pack) -> None:
    encoder = Encoder(load(tiny)[1], pack)

    (tree,) = forest(encode_rows(rows(pack), encoder, 1024)[0], torch.float32, encoder)

    assert [choice.paths for choice in tree.choices] == [range(3, 5), range(3, 5), range(5, 7)]
    assert [choice.shares for choice in tree.choices] == [(0.0, 1.0), (1.0, 0.0), (1.0, 0.0)]


def test_a_shared_scenario_has_the_gradients_of_separate_rows_with_distributions_too(tiny: Path, pack: Pack) -> None:
    def gradients(apart: bool) -> list[torch.Tensor]:
        model, tokenizer = load(tiny, torch.float64)
        torch.manual_seed(1)
        model = attach(model, rank=4, alpha=8, dropout=0.0, layers=2)
        for weight in trainable(model):
            weight.data = torch.randn(weight.shape, dtype=torch.float64) * 0.1
        encoder = Encoder(tokenizer, pack)
        encoded, _ = encode_rows(rows(pack), encoder, 1024)
        parts = [[one] for one in encoded] if apart else [encoded]
        trees = [tree for part in parts for tree in forest(part, torch.float64, encoder)]
        sum((loss_sum(Trunk(model), tree, 7.0) for tree in trees), start=torch.zeros(())).backward()
        return [weight.grad for weight in trainable(model) if weight.grad is not None]

    for one, other in zip(gradients(apart=False), gradients(apart=True), strict=True):
        assert float((one - other).abs().max()) < 1e-6 * float(other.abs().max())


def test_one_answer_tells_every_perspective_each_under_its_role(tiny: Path, pack: Pack) -> None:
    encoder = Encoder(load(tiny)[1], pack)
    one = encoder.rows(rows(pack, "ward 3"))
    said = encoder.tokenizer.decode(one.ids[one.start :])
    question = encoder.tokenizer.decode(one.ids[: one.start])

    parts = [f"[{role}]\nVerdict: {v}\nAnalysis: {a}" for role, v, a, _ in SAID]
    assert said.endswith("<|im_end|>")
    assert sorted(said.removesuffix("<|im_end|>").split("\n\n")) == sorted(parts)
    assert Counter(encoder.tokenizer.decode([one.ids[place]]).strip() for place in one.verdict)["fine"] == 2
    assert "Judge as each of these in turn: a " in question
    assert (one.row.stakeholder, one.answers, one.row.loss_weight) == (EVERYBODY, 3, pytest.approx(1.75 / 3))


def test_who_is_asked_first_is_answered_first_in_the_words_that_were_learned(tiny: Path, pack: Pack) -> None:
    encoder = Encoder(load(tiny)[1], pack, together=True)
    both = ([rows(pack, f"ward {n}")[2], rows(pack, f"ward {n}")[0]] for n in range(60))
    row, other = next(pair for pair in both if in_turn(pair)[0].stakeholder == "clerk")
    one = encoder.row(row)

    asked = encoder.tokenizer.decode(one.ids[: one.start])
    assert asked.endswith("each of these in turn: a clerk; a nurse.<|im_end|>\n<|im_start|>assistant\n[clerk]\n")
    assert encoder.tokenizer.decode(one.ids[one.start :]) == "Verdict: fine\nAnalysis: Ok.<|im_end|>"
    assert encoder.rows([row, other]).ids[: one.verdict_end] == one.ids[: one.verdict_end]


def test_each_role_comes_first_in_some_answers(pack: Pack) -> None:
    firsts = Counter(in_turn(rows(pack, f"ward {n}"))[0].stakeholder for n in range(60))

    assert min(firsts["nurse"], firsts["clerk"]) > 10


@given(st.permutations(range(3)))
def test_the_order_of_rows_does_not_change_the_order_of_an_answer(order: list[int]) -> None:
    said = [{"id": str(n), "scenario": "s", "group": "s", "stakeholder": f"r{n % 2}", "verdict": "v"} for n in range(3)]
    turns = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "v"}]
    given = [ChatRow.model_validate(one | {"messages": turns}) for one in said]

    assert in_turn([given[n] for n in order]) == in_turn(given)


def test_a_question_that_does_not_name_its_role_is_refused(pack: Pack) -> None:
    with pytest.raises(UsageError, match="does not name 'nurse' in the pack's words"):
        asked_of(pack, [{"role": "user", "content": "Judge."}], "nurse", ["nurse"])


def test_a_written_answer_ends_where_the_next_role_begins() -> None:
    assert own_part(f"Fine.{head('clerk', 1)}Not fine.", ["nurse", "clerk"]) == "Fine."
    assert own_part("Fine, [clerk] or not.", ["nurse", "clerk"]) == "Fine, [clerk] or not."


def test_answers_that_are_too_long_together_become_parts_and_none_is_lost(tiny: Path, pack: Pack) -> None:
    encoder = Encoder(load(tiny)[1], pack)
    whole = encoder.rows(rows(pack))

    encoded, refused = encode_scenarios(rows(pack), encoder, len(whole.ids) - 1)

    assert (sum(one.answers for one in encoded), len(encoded) > 1, refused) == (3, True, [])
    assert encode_scenarios(rows(pack), encoder, 10) == ([], ["It hurts.", "Odd, but fine.", "Ok."])


@pytest.mark.parametrize("answers", ["distribution", "each", "together"])
def test_every_mode_learns_what_roles_say(dataset: Path, tiny: Path, tmp_path: Path, answers: str) -> None:
    settings = QUICK.model_copy(update={"answers": answers, "epochs": 6})

    trained = train(dataset, tmp_path / "adapter", tiny, settings)

    assert trained.train_loss[-1] < 0.7 * trained.train_loss[0]
    assert trained.rows == 16
    said = json.loads((trained.folder / "training.json").read_text())
    assert said["settings"]["answers"] == answers
    assert sorted(trained.stakeholder_loss) == ([EVERYBODY] if answers == "together" else ["clerk", "nurse"])


PROGRAM = """
import json, sys
from pathlib import Path
from curator.training.train import TrainSettings, train
dataset, out, base, settings = sys.argv[1:]
made = train(Path(dataset), Path(out), Path(base), TrainSettings(**json.loads(settings)))
Path(out).with_suffix(f".{__import__('os').environ.get('RANK', 'alone')}").write_text(json.dumps(made.train_loss))
"""


@pytest.mark.slow
def test_two_processes_learn_what_one_learns(dataset: Path, tiny: Path, tmp_path: Path) -> None:
    alone = train(dataset, tmp_path / "alone", tiny, QUICK)
    both = tmp_path / "both"
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    call = [*launch, str(program), str(dataset), str(both), str(tiny), QUICK.model_dump_json()]
    done = subprocess.run(call, capture_output=True, text=True, timeout=240, check=False, env=dict(os.environ))

    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(both.with_suffix(".0").read_text()) == pytest.approx(alone.train_loss, rel=1e-4)
    assert json.loads(both.with_suffix(".1").read_text()) == json.loads(both.with_suffix(".0").read_text())
    one, other = (load_file(folder / "adapter_model.safetensors") for folder in (alone.folder, both))
    for name, weight in one.items():
        assert torch.allclose(weight, other[name], rtol=1e-2, atol=1e-4)
