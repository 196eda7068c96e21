from curator.stages.normalise import normalise
from tests.conftest import rows


def text_of(analysis: str) -> str:
    return normalise(rows(a=analysis)).rows["analysis"][0]


def test_line_ends_spacing_and_unicode_form_are_the_same_everywhere() -> None:
    assert text_of(" One\r\ntwo \t\r\rcafe\u0301\n\n\n\nend\u00a0\n") == "One\ntwo\n\ncafé\n\nend"


def test_invisible_and_control_characters_go() -> None:
    assert text_of("so\u200b\ufeff\u00adft\x00 \x1b[1mbold") == "soft [1mbold"


def test_joiners_and_directions_stay_as_scripts_and_emoji_need_them() -> None:
    family, arabic = "👩\u200d👧 🏴󠁧󠁢󠁥󠁮󠁧󠁿", "\u202b«قطع الأعناق ولا قطع الأرزاق»\u202c می\u200cخواهم"

    assert text_of(family) == family
    assert text_of(arabic) == arabic


def test_words_that_were_there_are_not_touched() -> None:
    text = "<b>Don't</b> {situation} &amp; <|im_end|>  two  spaces\n\tand a tab"

    assert text_of(text) == text


def test_labels_become_lower_snake_case() -> None:
    told = normalise(
        rows(a={"stakeholder": " Outside-Expert\u200b", "verdict": "REASONABLE", "domain": "Health Care", "team": None})
    ).rows

    assert told.select("stakeholder", "verdict", "domain", "team").row(0) == (
        "outside_expert",
        "reasonable",
        "health_care",
        None,
    )


def test_what_was_changed_is_written_down_by_column_and_nothing_else() -> None:
    outcome = normalise(rows(same="Nothing to do here.", other={"analysis": "Two \r\nlines", "team": "Harbor"}))

    assert outcome.decisions.select("id", "action", "reason", "because").rows() == [
        ("other", "edit", "written another way", "spacing, line ends or Unicode form of analysis, team")
    ]
    assert outcome.dropped.is_empty()


def test_the_frame_keeps_its_columns_and_a_missing_text_stays_missing() -> None:
    given = rows(a={"rejected": None, "context": ""})
    outcome = normalise(given)

    assert outcome.rows.schema == given.schema
    assert outcome.rows.select("rejected", "context").row(0) == (None, "")
