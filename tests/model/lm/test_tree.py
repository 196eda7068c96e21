from pathlib import Path

import pytest

from curator.chatrows import ChatRow
from curator.errors import UsageError
from curator.lm.forest import forest, loss_sum, mass
from curator.lm.lora import Trunk, attach, trainable
from curator.lm.models import load
from curator.lm.tokens import Encoder
from curator.lm.tree import bundles, grow
from curator.offline import torch
from curator.pack import Pack
from tests.model.conftest import line


def test_shared_tokens_stand_in_the_tree_once_and_branches_do_not_see_each_other() -> None:
    tree = grow([[5, 6, 7], [5, 6, 8, 9]])

    assert tree.ids.tolist() == [[5, 6, 7, 8, 9]]
    assert tree.positions.tolist() == [[0, 1, 2, 2, 3]]
    assert tree.paths == [[0, 1, 2], [0, 1, 3, 4]]
    seen = (tree.mask[0, 0] == 0).int().tolist()
    assert seen == [[1, 0, 0, 0, 0], [1, 1, 0, 0, 0], [1, 1, 1, 0, 0], [1, 1, 0, 1, 0], [1, 1, 0, 1, 1]]


def test_the_mask_is_added_so_it_holds_floats() -> None:
    assert grow([[1, 2]]).mask.dtype == torch.float32


def test_a_tree_is_cut_where_it_would_grow_too_large() -> None:
    sequences = [[1, 2, 3, 4], [1, 2, 5, 6], [1, 2, 7, 8]]

    assert list(bundles(sequences, 6)) == [[0, 1], [2]]
    assert list(bundles(sequences, 100)) == [[0, 1, 2]]
    assert list(bundles(sequences, 1)) == [[0], [1], [2]]


@pytest.mark.parametrize(
    ("layers", "method", "count"), [(0, "lora", 42), (2, "lora", 28), (2, "dora", 42), (2, "full", 18), (0, "full", 27)]
)
def test_loss_and_every_gradient_equal_those_of_separate_rows(
    tiny: Path, pack: Pack, layers: int, method: str, count: int
) -> None:
    said = [("nurse", "unfair", "It hurts.", 0.25), ("clerk", "fine", "Allowed.", 1.0), ("nurse", "fine", "Odd.", 0.5)]
    rows = [
        ChatRow.model_validate(line(pack, "ward 1", role, verdict, text, weight=weight, id=text))
        for role, verdict, text, weight in said
    ]

    def losses_and_gradients(apart: bool) -> tuple[float, list[torch.Tensor]]:
        model, tokenizer = load(tiny, torch.float64)
        torch.manual_seed(1)
        model = attach(model, rank=4, alpha=8, dropout=0.0, layers=layers, method=method)
        for weight in trainable(model):  # a fresh B is zero, which would hide gradients of A
            weight.data = torch.randn(weight.shape, dtype=torch.float64) * 0.1
        encoder = Encoder(tokenizer, pack)
        encoded = [encoder.row(row) for row in rows]
        trunk = Trunk(model)
        assert trunk.cut == (1 if layers else 0)
        trees = [forest([one], torch.float64)[0] for one in encoded] if apart else forest(encoded, torch.float64)
        assert len(trees) == (3 if apart else 1)
        loss = sum((loss_sum(trunk, tree, 7.0) for tree in trees), start=torch.zeros((), dtype=torch.float64))
        loss = loss / sum(mass(tree, 7.0) for tree in trees)
        loss.backward()
        return float(loss), [weight.grad for weight in trainable(model) if weight.grad is not None]

    together, gradients = losses_and_gradients(apart=False)
    apart, expected = losses_and_gradients(apart=True)

    # Exact but for RMSNorm and the rotary angles, which Llama computes in float32 whatever it is given.
    assert together == pytest.approx(apart, rel=1e-8)
    assert len(gradients) == len(expected) == count
    for one, other in zip(gradients, expected, strict=True):
        most = float(other.abs().max())
        assert most > 0
        assert float((one - other).abs().max()) < 1e-6 * most


def test_the_weighted_loss_is_that_of_the_plain_model_counted_by_hand(tiny: Path, pack: Pack) -> None:
    model, tokenizer = load(tiny, torch.float64)
    one = Encoder(tokenizer, pack).row(ChatRow.model_validate(line(pack, "ward 1", "nurse", "fine", "Ok.", weight=0.5)))
    logits = model(input_ids=torch.tensor([one.ids])).logits[0].log_softmax(-1)
    expected = sum(
        -0.5 * (3.0 if place in one.verdict else 1.0) * float(logits[place - 1, one.ids[place]])
        for place in range(one.start, len(one.ids))
    )

    found = loss_sum(Trunk(model), forest([one], torch.float64)[0], 3.0)

    assert float(found) == pytest.approx(expected, rel=1e-6)  # Llama takes its softmax in float32


def test_a_model_that_sees_other_branches_is_refused_rather_than_trained_wrongly(tiny: Path) -> None:
    model, _ = load(tiny)
    model.get_decoder().layers[0].self_attn.forward = lambda hidden_states, **_: (hidden_states.cumsum(1), None)

    with pytest.raises(UsageError, match="does not answer the same when scenarios share their tokens"):
        Trunk(model)


def test_a_model_with_a_sliding_window_is_refused(tiny: Path) -> None:
    model, _ = load(tiny)
    model.config.layer_types = ["sliding_attention", "full_attention", "full_attention"]

    with pytest.raises(UsageError, match="use a Llama-like model with full attention"):
        Trunk(model)


def test_a_model_that_cannot_be_cut_is_used_whole_and_gives_the_same_states(tiny: Path, pack: Pack) -> None:
    model, tokenizer = load(tiny, torch.float64)
    encoder = Encoder(tokenizer, pack)
    rows = [ChatRow.model_validate(line(pack, "ward 1", role, "fine", "Ok.")) for role in ("nurse", "clerk", "nurse")]
    tree = grow([encoder.row(row).ids for row in rows], torch.float64)
    cut, whole = Trunk(model), Trunk(model)
    whole.cut = None

    assert cut.cut == 3
    assert torch.allclose(cut.states(tree), whole.states(tree), atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_both_ways_to_attend_agree_in_every_precision(tiny: Path, dtype: torch.dtype) -> None:
    model, _ = load(tiny, dtype)
    tree = grow([[5, 6, 7, 8, 9], [5, 6, 7, 10], [5, 6], [11, 12]], dtype)
    cut, whole = Trunk(model), Trunk(model)
    whole.cut = None

    close = 0.1 if dtype == torch.bfloat16 else 1e-4
    assert torch.allclose(cut.states(tree).float(), whole.states(tree).float(), atol=close)
