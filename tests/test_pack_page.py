"""A page as Label Studio's editor reads it: what shows an error in place of the page is said before, with its line."""

import importlib.util
import re
from pathlib import Path

import pytest

from curator.pack import Pack
from curator.pack_tools.check import check_pack, losses
from curator.pack_tools.editor import KNOWN, WORDS
from curator.pack_tools.page import check_config
from curator.pack_tools.tags import Torn, read_tags
from tests.conftest import rows

HEADER = '<Header value="3. Your analysis" size="5"/>'


def said(config: str, level: str = "error") -> list[str]:
    found = [one.what for one in check_config(config) if one.level == level]
    return [re.sub(r"(lines?) \d+( and \d+)?", r"\1 N", one) for one in found]


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        (HEADER, "<Script>alert(1)</Script>", "Label Studio knows no tag Script: the page breaks. Take it out."),
        (HEADER, "<p>Why?</p>", "There is no tag p (line N): the page breaks."),
        (HEADER, "<Typography/>", "There is no tag Typography (line N): the page breaks."),
        (HEADER, '<Panel value="x"/>', "Panel (line N) stands outside a Collapse: the page breaks. Put it in one."),
        (HEADER, '<Shortcut value="x"/>', "Shortcut (line N) stands outside a TextArea: the page breaks."),
        ("**Answer", "<b>Do</b> **Answer", "b (line N) stands in Markdown: the page breaks. Write **bold**"),
        (
            '<Choice alias="reasonable"',
            '<Text name="t" value="$context"/><Choice alias="reasonable"',
            "Text 't' (line N) cannot stand in Choices 'verdict' (line N): the page breaks.",
        ),
        (
            'choice="single-radio"',
            'choice="singel"',
            "Label Studio does not know choice=\"singel\" of Choices 'verdict' (line N). Did you mean 'single'?",
        ),
        ('granularity="word"', 'granularity="words"', "granularity=\"words\" of Text 'situation' (line N). Did you"),
        ('choice="multiple"', 'choice="multiple" layout="row"', "There are: inline, select, vertical."),
        ('showInline="true"', 'showInline="yes"', "showInline=\"yes\" of Choices 'tactic' (line N) breaks the page."),
        ('required="true"', 'required="True"', 'Write required="true" or "false".'),
        ('open="false"', 'open=""', 'open="" of Collapse (line N) breaks the page. Write open="true" or "false".'),
        ('visibleWhen="choice-selected"', 'visibleWhen="chosen"', "There are: choice-selected, choice-unselected, no-"),
        ('toName="situation" rows', 'toName="verdict" rows', "is 'verdict', which is a question itself."),
        ('toName="situation" maxRating', "maxRating", "Rating 'severity' (line N) has no toName"),
        ('name="context" value', 'name="situation" value', "(line N) have the same name. Name each once."),
        ('name="severity" ', "", "Rating (line N) has no name, by which its answers would be stored."),
        ("<Rating ", "<rating ", "rating 'severity' (line N) is not read by curator. Write Rating."),
        ('value="Questionable"', 'value="Reasonable"', "2 choices of Choices 'verdict' (line N) read 'Reasonable'"),
        ('alias="other"', 'alias="isolation"', "are stored as 'isolation' (lines N) and cannot be told apart."),
        (' value="Other"', "", "has no words to show."),
    ],
)
def test_what_breaks_the_page_is_named_with_its_line(pack: Pack, before: str, after: str, what: str) -> None:
    assert before in pack.config

    assert [line for line in said(pack.config.replace(before, after, 1)) if what in line]


def test_lines_are_counted_from_one_as_editors_do() -> None:
    page = (
        '<View>\n  <Text name="t" value="$t"/>\n  <Choices name="c" toName="t">\n    {}\n    {}\n  </Choices>\n</View>'
    )
    choice = '<Choice value="Fine" hotkey="1"/>'

    assert [one.what for one in check_config(page.format(choice, choice))] == [
        "2 choices of Choices 'c' (line 3) read 'Fine' (lines 4 and 5) and cannot be told apart. "
        "Give each its own value.",
        "The key '1' stands for 'Fine' of 'c' (line 4) and 'Fine' of 'c' (line 5) at once.",
    ]


@pytest.mark.parametrize("number", ["five", "-1", "0", "3.5", "1e9", "", "\u0665", "9" * 5000])
def test_a_number_of_stars_that_is_none_is_an_error_and_no_crash(pack: Pack, number: str) -> None:
    spoilt = pack.config.replace('maxRating="5"', f'maxRating="{number}"')

    assert said(spoilt) == [
        f"maxRating=\"{number[:40]}\" of Rating 'severity' (line N) is no number of stars. "
        'Write a whole number from 1 to 100, such as maxRating="5".'
    ]
    assert len(check_pack(pack.model_copy(update={"config": spoilt}))) == 1


@pytest.mark.parametrize("depth", [200, 20_000])
def test_a_page_nested_too_deep_is_an_error_and_no_crash(pack: Pack, depth: int) -> None:
    deep = pack.model_copy(update={"config": "<View>" * depth + "</View>" * depth})

    assert [one.what for one in check_pack(deep)] == [
        "The page is nested more than 100 tags deep, at line 1. Close tags before others."
    ]
    assert losses(rows(a="x"), deep) == []


def test_a_control_without_choices_says_so(pack: Pack) -> None:
    bare = re.sub(r"\s+<Choice .*", "", pack.config)
    dynamic = '<View><Text name="t" value="$t"/><Choices name="c" toName="t" value="$options"/></View>'

    assert said(bare) == [
        f"Choices {name!r} (line N) offers nothing: no Choice stands in it. "
        'Write <Choice alias="…" value="…"/> for each answer.'
        for name in ("verdict", "tactic")
    ]
    assert said(dynamic) == []


def test_what_stands_in_hypertext_is_html_and_no_tags(pack: Pack) -> None:
    html = '<HyperText name="h" value="$context"><p>Read <b>this</b> <input required=""/></p></HyperText>'

    assert said(pack.config.replace(HEADER, html)) == []


def test_a_page_may_say_that_it_is_xml_and_not_in_which_encoding(pack: Pack) -> None:
    head = '<?xml version="1.0" encoding="UTF-8"?>'

    assert said('<?xml version="1.0"?>\n' + pack.config) == []
    assert said(head + "\n" + pack.config) == [
        f"The page begins with {head}: Label Studio refuses one that names an encoding. Take it out."
    ]


def test_a_control_character_is_named() -> None:
    with pytest.raises(Torn, match=r"line 2 holds the control character U\+001B, which no page may hold\. Take it out"):
        read_tags("<View>\n\x1b[31m</View>")


def test_keys_of_label_studio_itself_are_advice(pack: Pack) -> None:
    taken = pack.config.replace('hotkey="3"', 'hotkey="Ctrl + Enter"')

    assert said(taken) == []
    assert said(taken, "advice") == [
        "The key 'ctrl+enter' submits the answer in Label Studio, and stands for 'manipulative' of 'verdict' (line N) "
        "too. Choose another."
    ]


def test_tags_and_words_are_those_of_the_installed_editor() -> None:
    web = importlib.util.find_spec("web") or importlib.util.find_spec("label_studio")
    place = Path(next(iter(web.submodule_search_locations or ["/"]))) if web is not None else Path("/")
    scripts = [*(place / "dist").rglob("*.js"), *(place.parent / "web" / "dist").rglob("*.js")]
    editor = next((text for path in scripts if 'addTag("choices"' in (text := path.read_text("utf-8"))), None)
    if editor is None:
        pytest.skip("no Label Studio editor on this machine")
    tags = {tag for tag in re.findall(r'addTag\("(\w+)"', editor) if not tag.endswith("region")}

    assert tags - KNOWN == {"custominterface"}  # needs the paid edition
    assert KNOWN - tags == {"repeater"}  # becomes views
    for (_, attribute), words in WORDS.items():
        known = re.findall(rf"\b{attribute}:[\w.]+\((?:[\w.]+\()?[\w.]*enumeration\(\[([^\]]*)\]", editor)
        assert any(set(re.findall(r'"([^"]+)"', one)) == words for one in known), attribute
