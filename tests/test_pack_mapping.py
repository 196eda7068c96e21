"""A mapping that cannot work is named: columns on the wrong control, questions some never see, scales that differ."""

import re

import pytest

from curator.pack import Pack, Severity
from curator.pack_tools.check import check_pack


def said(pack: Pack, level: str = "error") -> list[str]:
    found = [one.what for one in check_pack(pack) if one.level == level]
    return [re.sub(r"line \d+", "line N", one) for one in found]


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        (
            {"verdict": "analysis", "analysis": "verdict"},
            [
                "Choices 'verdict' (line N) holds the analysis, which is a text. "
                "Let [fields] analysis name a TextArea.",
                "TextArea 'analysis' (line N) holds the verdict, which is chosen. "
                'Let [fields] verdict name a <Choices choice="single-radio" required="true">.',
            ],
        ),
        ({"tactics": "analysis"}, ["[fields] analysis and tactics are both 'analysis': one control fills one column."]),
        ({"severity": "analysis"}, ["TextArea 'analysis' (line N) holds the severity, which is a number."]),
        ({"severity": "verdict"}, ["stores 'reasonable', 'questionable' and 'manipulative'. Write numbers as alias."]),
    ],
)
def test_a_column_on_the_wrong_control_is_named(pack: Pack, fields: dict[str, str], what: list[str]) -> None:
    found = said(pack.model_copy(update={"fields": {**pack.fields, **fields}}))

    assert [line for line in what if not any(line in one for one in found)] == []


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        ('<View className="cur-q cur-verdict">', '<View visibleWhen="region-selected">', "line N hides it until"),
        (
            '<Header value="3. Your analysis" size="5"/>',
            '<View visibleWhen="choice-selected" whenTagName="tactic"><Header value="x"/></View>',
            "",
        ),
        (
            '<View className="cur-q">\n      <Header value="3',
            '<View visibleWhen="choice-selected" whenTagName="verdict" whenChoiceValue="manipulative">'
            '\n      <Header value="3',
            "holds the analysis: after 'reasonable' or 'questionable', line N hides it. Show it always.",
        ),
        (
            '<View className="cur-q">\n      <Header value="3',
            '<View visibleWhen="choice-unselected" whenTagName="tactic" whenChoiceValue="other">'
            '\n      <Header value="3',
            "holds the analysis, and line N shows it only to some. Show it always.",
        ),
        (
            '<View className="cur-q">\n      <Header value="3',
            '<View visibleWhen="choice-selected" whenTagName="verdict">\n      <Header value="3',
            "",
        ),
        ('<Choices name="verdict"', '<Taxonomy name="verdict"', "holds the verdict, which is chosen"),
    ],
)
def test_a_verdict_or_an_analysis_that_some_can_never_give_is_named(
    pack: Pack, before: str, after: str, what: str
) -> None:
    assert before in pack.config
    config = pack.config.replace(before, after, 1)
    if "Taxonomy" in after:
        config = config.replace("</Choices>", "</Taxonomy>", 1)

    found = said(pack.model_copy(update={"config": config}))

    assert [line for line in found if what in line] if what else found == []


@pytest.mark.parametrize(
    ("least", "most", "what"),
    [
        (5, 1, "[severity] goes from 5 to 1. least stands below most."),
        (3, 3, "[severity] goes from 3 to 3. least stands below most."),
        (0, 5, "[severity] goes from 0 to 5, and Rating 'severity' (line N) begins with 1 star. Write least = 1."),
        (1, 9, "The page rates up to 5, the pack's severity goes up to 9 (Rating 'severity' (line N))."),
    ],
)
def test_a_scale_that_the_page_cannot_give_is_named(pack: Pack, least: int, most: int, what: str) -> None:
    assert said(pack.model_copy(update={"severity": Severity(least=least, most=most)})) == [what]


def test_a_scale_and_its_control_need_each_other(pack: Pack) -> None:
    number = pack.config.replace("<Rating ", '<Number min="1" ').replace('maxRating="5"', "")

    assert said(pack.model_copy(update={"severity": None})) == [
        "[fields] severity names a control, and there is no scale. Add [severity] with least and most."
    ]
    assert said(pack.model_copy(update={"config": number})) == [
        "[severity] goes from 1 to 5, and Number 'severity' (line N) takes other numbers. Write max=\"5\"."
    ]


def test_questions_that_nothing_reads_and_those_that_a_style_hides_are_advice(pack: Pack) -> None:
    pairs = pack.config.replace("<Rating ", '<Pairwise name="pair" toName="situation,context"/><Rating ', 1)
    hidden = pack.config.replace(".cur-read {", ".cur-verdict, .other { color: red; display: none } .cur-read {", 1)

    assert said(pack.model_copy(update={"config": pairs}), "advice") == [
        "curator reads no Pairwise 'pair' (line N): what it is answered stays raw, and is not exported."
    ]
    assert said(pack.model_copy(update={"config": hidden}), "advice") == [
        "A style hides View (line N), and with it the question 'verdict'.",
        "A style hides View (line N), and with it the question 'tactic'.",
    ]
