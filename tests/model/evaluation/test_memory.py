from hypothesis import given
from hypothesis import strategies as st

from curator.chatrows import ChatRow
from curator.evaluation.memory import Written, findings, memory, words
from curator.pack import Pack
from tests.model.conftest import line

TEXT = "She was told on a Friday that the shift would move and nobody asked her first."


def row(pack: Pack, name: str, analysis: str) -> ChatRow:
    return ChatRow.model_validate(line(pack, name, "nurse", "fine", analysis))


def answer(base: str, tuned: str) -> dict[str, str]:
    return {"id": "a1", "base": f"Verdict: fine\nAnalysis: {base}", "tuned": f"Verdict: fine\nAnalysis: {tuned}"}


def test_a_run_of_training_words_is_found_with_its_row_whatever_stands_between_them(pack: Pack) -> None:
    train = [row(pack, "ward 1", TEXT), row(pack, "ward 2", "Nothing of that was said here by anybody at all.")]
    said = "I think — on a Friday, that the SHIFT would move; and nobody else came."

    told = memory([answer("It is fine.", said)], train, pack)

    assert told["tuned"]["longest"] == {"a1": 10}
    assert told["tuned"]["repeated"] == [
        {
            "answer": "a1",
            "row": "ward 1-nurse",
            "words": 10,
            "text": "on a friday that the shift would move and nobody",
        }
    ]
    assert told["base"] == {"longest": {"a1": 0}, "repeated": []}
    (sentence,) = findings(told)
    assert sentence == (
        "In 1 written answer the longest run of words shared with a training answer is 10 (of the base model, which"
        " never saw them: 0). WARNING: 8 words in a row or more are those of training row ward 1-nurse."
    )
    assert "friday" not in sentence


def test_the_form_that_all_answers_share_is_no_memory(pack: Pack) -> None:
    train = [row(pack, "ward 1", "Alpha beta.")]

    told = memory([answer("Gamma.", "Delta beta.")], train, pack)

    assert told["tuned"] == {"longest": {"a1": 1}, "repeated": []}
    assert findings(told) == [
        "In 1 written answer the longest run of words shared with a training answer is 1 (of the base model, which"
        " never saw them: 0)."
    ]


def test_the_length_from_which_a_run_is_told_can_be_set(pack: Pack) -> None:
    train = [row(pack, "ward 1", TEXT)]
    generations = [answer("", "nobody asked her first")]

    assert memory(generations, train, pack)["tuned"]["repeated"] == []
    assert memory(generations, train, pack, run=4)["tuned"]["repeated"][0]["words"] == 4
    assert findings(memory([], train, pack)) == []


few = st.lists(st.sampled_from("abc"), max_size=14)


@given(one=few, other=few, least=st.integers(1, 4))
def test_the_longest_run_is_that_of_trying_every_run(one: list[str], other: list[str], least: int) -> None:
    def runs(said: list[str]) -> set[tuple[str, ...]]:
        return {tuple(said[a:b]) for a in range(len(said)) for b in range(a + 1, len(said) + 1)}

    best = max((len(run) for run in runs(one) & runs(other)), default=0)
    written = Written(" ".join(one))

    length, place = written.longest(other, least)

    assert length == (best if best >= least else 0)
    assert tuple(words(written.run(length, place))) in runs(other) | {()}


def test_words_are_those_that_are_said_whatever_the_marks() -> None:
    assert words("Don’t — “stop”, 3 times!") == ["don't", "stop", "3", "times"]


def test_generations_without_a_tuned_text_are_only_held_against_the_base(pack: Pack) -> None:
    told = memory([{"id": "a1", "base": f"Analysis: {TEXT}"}], [row(pack, "ward 1", TEXT)], pack)

    assert told["base"]["longest"] == {"a1": 16}
    assert told["tuned"] == {"longest": {}, "repeated": []}
