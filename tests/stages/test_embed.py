"""embed, with the real model."""

import json
from pathlib import Path

import numpy as np
import pytest

from curator.embedding import TOKENS, Embedder, embed_texts, locate, remember
from curator.errors import PolicyError, UsageError
from curator.stage import Given
from curator.stages.embed import embed
from tests.conftest import rows

pytestmark = pytest.mark.slow


def test_every_part_becomes_a_unit_vector_and_equal_texts_the_same_one(tmp_path: Path) -> None:
    told = rows(
        a={"analysis": "Nobody was asked."},
        b={"analysis": "Nobody was asked.", "context": ""},
        c={"analysis": "Pear trees want a hard cut.", "context": ""},
    )

    outcome = embed(told, given=Given(cache=tmp_path))

    analysis, context = outcome.rows["_analysis"].to_numpy(), outcome.rows["_context"].to_numpy()
    assert analysis.dtype == np.float32
    assert analysis.shape == (3, 384)
    np.testing.assert_allclose(np.linalg.norm(analysis, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(analysis[0], analysis[1])
    np.testing.assert_array_equal(context[1], context[2])
    assert float(analysis[0] @ analysis[2]) < 0.3
    assert outcome.measures["texts"] == 5
    assert outcome.measures["dimensions"] == 384
    assert outcome.rows.drop("_situation", "_context", "_analysis").equals(told)


def test_the_map_has_one_place_for_each_scenario() -> None:
    told = rows(a={}, b={"annotator": "annotator-2"}, c={"situation": "Another story altogether."})

    assert embed(told, given=Given()).tables["map"].height == 2


def test_by_tsne_the_map_keeps_more_of_who_is_near_whom_and_knows_no_chance(tmp_path: Path) -> None:
    lines = (Path(__file__).parents[2] / "sample_data" / "scenarios.jsonl").read_text("utf-8").splitlines()
    told = rows(**{f"a{n}": {"situation": json.loads(line)["situation"]} for n, line in enumerate(lines)})
    said: list[tuple[str, int, int]] = []
    given = Given(cache=tmp_path, progress=lambda *step: said.append(step))

    flat = embed(told, given=given)
    near = embed(told, given=given, map="tsne")
    again = embed(told.reverse(), given=given, map="tsne")

    assert (flat.measures["map"], near.measures["map"]) == ("pca", "tsne")
    assert near.measures["map_neighbours"] > flat.measures["map_neighbours"] + 0.1
    assert near.tables["map"].equals(again.tables["map"])
    assert near.tables["map"]["scenario"].equals(flat.tables["map"]["scenario"])
    assert max(near.tables["map"]["x"].abs().max(), near.tables["map"]["y"].abs().max()) == 1
    assert said[-1] == ("map", 750, 750)


def test_no_rows_are_no_trouble() -> None:
    outcome = embed(rows(a={}).head(0), given=Given())

    assert outcome.rows.is_empty()
    assert {"_situation", "_context", "_analysis"} <= set(outcome.rows.columns)


def test_what_was_embedded_once_comes_from_the_cache_whatever_stands_beside_it(tmp_path: Path) -> None:
    first = embed_texts(["one text", "another, rather longer text"], "all-minilm-l6-v2", tmp_path)

    second = embed_texts(["another, rather longer text", "a third", "one text"], "all-minilm-l6-v2", tmp_path)

    np.testing.assert_array_equal(second[2], first[0])
    np.testing.assert_array_equal(second[0], first[1])


def test_an_embedder_that_brings_code_is_refused(tmp_path: Path) -> None:
    (tmp_path / "modeling.py").write_text("print('hello')", "utf-8")
    (tmp_path / "model.safetensors").write_bytes(b"")

    with pytest.raises(PolicyError, match="loads weights only"):
        embed_texts(["a"], str(tmp_path))
    with pytest.raises(UsageError, match="neither a packaged one"):
        embed_texts(["a"], "no-such-model")


def test_neither_order_nor_company_changes_a_vector() -> None:
    texts = ["One.", "Nobody was asked before the rota was changed.", "A long story " * 60, "Two words"]

    together = embed_texts(texts, "all-minilm-l6-v2")
    turned = embed_texts(texts[::-1], "all-minilm-l6-v2")
    alone = np.concatenate([embed_texts([text], "all-minilm-l6-v2") for text in texts])

    np.testing.assert_allclose(turned[::-1], together, atol=1e-6)
    np.testing.assert_allclose(alone, together, atol=1e-6)


def test_a_text_is_what_sentence_transformers_makes_of_it() -> None:
    from sentence_transformers import SentenceTransformer

    texts = ["One.", "Nobody was asked before the rota was changed.", "A long story " * 200, ""]
    model = SentenceTransformer(str(locate("all-minilm-l6-v2")), device="cpu")

    told = model.encode(texts, normalize_embeddings=True, show_progress_bar=False)

    assert (told * embed_texts(texts, "all-minilm-l6-v2")).sum(axis=1).min() > 0.99999


def test_batches_hold_about_as_many_tokens_each_and_every_text_once() -> None:
    texts = [f"{'word ' * (n % 90)}{n}" for n in range(300)]

    batches = Embedder(locate("all-minilm-l6-v2")).batches(texts)

    assert sorted(at for batch in batches for at in batch) == list(range(300))
    assert max(len(batch) * (max(at % 90 for at in batch) + 5) for batch in batches) < 1.1 * TOKENS
    assert len(batches) < 20


def test_a_run_that_ends_early_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("curator.embedding.CHUNK", 2)
    texts = [f"text {n}" for n in range(6)]
    seen: list[tuple[int, int]] = []

    def stop(_: str, done: int, total: int) -> None:
        seen.append((done, total))
        if done > 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        embed_texts(texts, "all-minilm-l6-v2", tmp_path, stop)
    embed_texts(texts, "all-minilm-l6-v2", tmp_path, lambda _, done, total: seen.append((done, total)))

    assert seen == [(0, 6), (2, 6), (4, 6), (0, 4), (2, 4), (4, 4)]


def test_vectors_made_elsewhere_are_found(tmp_path: Path) -> None:
    made = np.eye(3, 384, dtype=np.float32)

    remember(["a", "b", "c"], made, "all-minilm-l6-v2", tmp_path)

    np.testing.assert_array_equal(embed_texts(["c", "a", "c"], "all-minilm-l6-v2", tmp_path), made[[2, 0, 2]])
