"""Answers as they are written: the same as transformers writes, whole or in pieces, together or one by one."""

from pathlib import Path
from typing import Any

import pytest

from curator.ask import LONGEST, Voices
from curator.chat import first_answer
from curator.errors import UsageError
from curator.lm.models import load
from curator.lm.scoring import generate, verdict_probabilities
from curator.lm.tokens import Encoder
from curator.lm.writing import Text, by_chance, read, write
from curator.offline import torch
from curator.pack import Pack
from curator.training.train import TrainSettings, train

SCENE = ("In ward 55 a shift was moved.", "a ward")


@pytest.fixture(scope="module")
def voices(dataset: Path, tiny: Path, pack: Pack, tmp_path_factory: pytest.TempPathFactory) -> Voices:
    settings = TrainSettings(rank=8, alpha=16, layers=2, rate=2e-2, epochs=3, scenarios=1)
    adapter = train(dataset, tmp_path_factory.mktemp("trained") / "adapter", tiny, settings).folder
    return Voices.load(pack, tiny, adapter)


def test_it_writes_what_transformers_writes(tiny: Path, pack: Pack) -> None:
    """Questions of three lengths behind a shared prefix, read once, against a batch that is padded on the left."""
    model, tokenizer = load(tiny, torch.float32)
    encoder = Encoder(tokenizer, pack)
    texts = [f"Situation: one and the same. {'More of it. ' * n}" for n in (1, 3, 9)]
    questions = [encoder.question([{"role": "user", "content": text}]) for text in texts]
    assert len(read(model, questions).ids) > 20

    written = [Text(tokenizer) for _ in questions]
    for step in write(model, questions, encoder.stop, 40):
        for n, token in step:
            written[n].add([] if token == encoder.stop else [token], last=True)

    assert [text.whole for text in written] == generate(model, questions, encoder, 40)
    assert len({text.whole for text in written}) > 1


def test_verdicts_come_first_and_each_answer_begins_with_its_own(voices: Voices) -> None:
    events = list(voices.stream(*SCENE))

    verdicts = [event for event in events if event["event"] == "verdict"]
    assert [(event["which"], event["stakeholder"]) for event in verdicts] == [
        ("base", "nurse"),
        ("base", "clerk"),
        ("tuned", "nurse"),
        ("tuned", "clerk"),
    ]
    assert events[:4] == verdicts
    for event in verdicts:
        mine = [e for e in events if (e["which"], e["stakeholder"]) == (event["which"], event["stakeholder"])]
        text = "".join(e.get("text", "") for e in mine)
        assert text.startswith(f"Verdict: {event['verdict']}\n")
        assert [e["event"] for e in mine].count("end") == 1
        assert mine[-1]["finish"] in ("stop", "length")


def test_one_by_one_and_all_at_once_say_the_same(voices: Voices) -> None:
    together, alone = ([*voices.stream(*SCENE, in_turn=in_turn)] for in_turn in (False, True))

    def told(events: list[dict[str, str]], role: str, view: str) -> str:
        return "".join(e.get("text", "") for e in events if (e["stakeholder"], e["which"]) == (role, view))

    for role in ("nurse", "clerk"):
        for view in ("base", "tuned"):
            assert told(together, role, view) == told(alone, role, view)
    order = list(dict.fromkeys((e["stakeholder"], e["which"]) for e in alone if e["event"] == "text"))
    assert order == [("nurse", "base"), ("nurse", "tuned"), ("clerk", "base"), ("clerk", "tuned")]


def test_asked_in_between_the_answer_stays_the_same(voices: Voices) -> None:
    """The view is switched for each token: what is asked between two tokens of the base does not change them."""
    question = voices.questions(*SCENE, ["nurse"])[0]
    alone = "".join(e.get("text", "") for _, e in voices.write("base", [question], most=12))

    mixed = ""
    for _, event in voices.write("base", [question], most=12):
        list(voices.write("tuned", [question], most=1))
        mixed += event.get("text", "")

    assert mixed == alone


def test_probabilities_are_those_of_the_scoring(voices: Voices, pack: Pack) -> None:
    questions = voices.questions(*SCENE, list(pack.stakeholders))

    ours, theirs = voices.verdicts(questions), verdict_probabilities(voices.model, questions, voices.encoder)

    assert list(ours) == ["base", "tuned"]
    for view, shares in theirs.items():
        assert ours[view] == [pytest.approx(told, abs=1e-5) for told in shares]


def test_chance_follows_its_seed(voices: Voices) -> None:
    question = voices.questions(*SCENE, ["nurse"])[0]

    def said(temperature: float, seed: int) -> str:
        events = voices.write("base", [question], most=16, pick=by_chance(temperature, seed))
        return "".join(event.get("text", "") for _, event in events)

    assert said(2.0, 1) == said(2.0, 1)
    assert said(2.0, 1) != said(2.0, 2)
    assert said(0.0, 1) == said(0.0, 2)


def test_of_an_answer_for_everybody_only_the_own_part_is_told(tiny: Path, pack: Pack) -> None:
    """The next role's head comes in pieces and is not shown; brackets of people are."""
    model, tokenizer = load(tiny)
    voices = Voices(pack, model, Encoder(tokenizer, pack, together=True))
    texts = [
        "Verdict: fine\n",
        "Analysis: [so]",
        "\n",
        "\n[as it",
        " is]\nMore.",
        "\n\n",
        "[cl",
        "erk]\n",
        "Verdict: unfair",
    ]
    events = [(0, {"event": "text", "text": text}) for text in texts] + [(0, {"event": "end", "finish": "length"})]

    told = list(voices._own_parts(iter(events)))

    assert "".join(event.get("text", "") for _, event in told) == "Verdict: fine\nAnalysis: [so]\n\n[as it is]\nMore."
    assert [event for _, event in told if event["event"] == "end"] == [{"event": "end", "finish": "stop"}]
    asked = voices.questions(*SCENE, ["clerk"])[0]
    assert tokenizer.decode(asked).endswith("<|im_start|>assistant\n[clerk]\n")
    assert "a clerk; a nurse" in tokenizer.decode(asked)


def test_an_answer_ends_where_it_begins_anew_and_words_alike_are_kept(tiny: Path, pack: Pack) -> None:
    voices = Voices(pack, *_model(tiny, pack))
    pieces = [
        "Verdict: fine\n",
        "Analysis: Ver",
        "y well.\n",
        "Ver",
        "ily so.",
        "\n",
        "Verd",
        "ict: un",
        "fair\nAnalysis: No.",
    ]
    events = [(0, {"event": "text", "text": piece}) for piece in pieces] + [(0, {"event": "end", "finish": "length"})]

    told = list(voices._own_parts(iter(events)))

    assert "".join(event.get("text", "") for _, event in told) == "Verdict: fine\nAnalysis: Very well.\nVerily so."
    assert [event for _, event in told if event["event"] == "end"] == [{"event": "end", "finish": "stop"}]
    assert first_answer(pack, "".join(pieces)) == "Verdict: fine\nAnalysis: Very well.\nVerily so."
    assert first_answer(pack, "Verdict: fine\n") == "Verdict: fine\n"


def _model(tiny: Path, pack: Pack) -> tuple[Any, Encoder]:
    model, tokenizer = load(tiny)
    return model, Encoder(tokenizer, pack)


def test_half_a_character_waits_for_its_other_half(tiny: Path, pack: Pack) -> None:
    _, tokenizer = load(tiny)
    ids = Encoder(tokenizer, pack).plain("né €")
    text = Text(tokenizer)

    pieces = [text.add([token]) for token in ids]

    assert "".join(pieces) == "né €"
    assert "" in pieces
    assert not any("\ufffd" in piece for piece in pieces)


def test_what_is_too_long_is_refused(voices: Voices) -> None:
    with pytest.raises(UsageError, match=f"tokens long; at most {LONGEST:,} are read. Shorten it."):
        list(voices.stream("x " * 5000))
