"""Pack check: the shipped packs are clean, and each fault that nobody else finds is named in one sentence."""

import importlib.util
import json
import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest

from curator.errors import MissingExtra
from curator.pack import SHIPPED, Pack, load_pack
from curator.pack_tools.check import check_config, check_pack, known_packs, losses
from curator.workspace import Workspace
from tests.conftest import rows

PLACE = next(place for place in SHIPPED if place.is_dir())
PACKS = sorted(path.parent for path in PLACE.glob("*/pack.toml"))


def said(pack: Pack, level: str = "error") -> list[str]:
    return [one.what for one in check_pack(pack) if one.level == level]


@pytest.mark.parametrize("folder", PACKS, ids=lambda folder: folder.name)
def test_the_shipped_packs_are_clean_and_say_what_people_agree_to(folder: Path) -> None:
    pack = load_pack(folder)

    assert check_pack(pack) == []
    assert "withdraw at any time" in (folder / "consent.md").read_text("utf-8")
    assert pack.guidelines.strip() in pack.config  # the page folds in the very same guidelines


def in_sight(pack: Pack) -> str:
    """What the page says in its headings, without what is folded in."""
    page = ElementTree.fromstring(pack.config)
    for parent in list(page.iter()):
        for fold in parent.findall("Collapse"):
            parent.remove(fold)
    return " ".join(tag.get("value", "") for tag in page.iter("Header"))


@pytest.mark.parametrize("folder", PACKS, ids=lambda folder: folder.name)
def test_who_labels_has_the_note_on_danger_in_sight(folder: Path) -> None:
    pack = load_pack(folder)
    sentences = re.split(r"(?<=\.)\s+", pack.crisis.strip())

    assert any(one in in_sight(pack) for one in sentences)  # no window shows it: `show_instruction` is off


def test_who_labels_scenes_between_partners_reads_whom_to_call() -> None:
    pack = load_pack(PLACE / "relationship")

    for told in ("call the emergency number of your country", "Helplines for violence at home are free", "may skip"):
        assert told in in_sight(pack)


def test_three_packs_for_three_kinds_of_people_are_there(workspace: Workspace) -> None:
    told = {row["pack"]: row["stakeholders"] for row in known_packs(workspace)}

    assert told["relationship"] == ["partner_a", "partner_b", "coach"]
    assert told["brand_voice"] == ["owner", "staff", "customer"]
    assert "hr" in told["workplace"]


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        ("<Collapse ", "<Chat name='c' value='$situation'/><Collapse ", "Chat is not in Label Studio's open edition"),
        ("<Collapse ", "<ReactCode name='c' toName='situation'/><Collapse ", "ReactCode is not in Label Studio's open"),
        ("<Collapse ", "<Frobnicate/><Collapse ", "There is no tag Frobnicate"),
        ('<Panel value="Guidelines">', '<Panel value="Guidelines"><Markdown>x</Markdown>', "directly in a Panel"),
        ('value="$situation"', 'value="situation"', "Text 'situation' shows the word 'situation'"),
        ('value="$context"', 'value="$background"', "never shows $context"),
        ('value="$context"', 'value="$background"', "shows $background, which no task has"),
        ('name="analysis"', 'name="comment"', "has no control 'analysis', which should hold the analysis"),
        ('requiredMessage="Please choose a verdict"', "", ""),
        ('required="true" requiredMessage="Please write', 'requiredMessage="Please write', "may be left empty"),
        ('alias="manipulative"', 'alias="abusive"', "offers 'abusive', which is no verdict"),
        ('alias="manipulative"', 'alias="abusive"', "The verdict 'manipulative' cannot be chosen"),
        ('hotkey="2"', 'hotkey="1"', "The key '1' stands for 2 things"),
        ('choice="single-radio"', 'choice="multiple"', "takes several verdicts"),
        ('maxRating="5"', 'maxRating="7"', "rates up to 7, the pack's severity goes up to 5"),
        ('toName="situation" rows', 'toName="nothing" rows', "is not valid"),
        ("</View>\n</View>", "</View>", "is not XML"),
    ],
)
def test_each_fault_is_named(pack: Pack, before: str, after: str, what: str) -> None:
    pytest.importorskip("label_studio_sdk")
    assert before in pack.config or not what
    spoilt = pack.model_copy(update={"config": pack.config.replace(before, after, 1)})

    assert any(what in line for line in said(spoilt)) if what else said(spoilt) == []


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        (
            "$answer_b",
            "$situation",
            ["The page never shows $answer_b, what stands in the context below the line 'Answer B:'."],
        ),
        ("$setting", "$situation", ["The page never shows $setting, what stands in the context above its first line."]),
        (
            "$answer_b",
            "$answr_b",
            [
                "The page never shows $answer_b, what stands in the context below the line 'Answer B:'.",
                "The page shows $answr_b, which no task has: Label Studio refuses the scenarios. "
                "Did you mean 'answer_b'?",
            ],
        ),
    ],
)
def test_a_part_that_is_never_shown_is_named(before: str, after: str, what: list[str]) -> None:
    spoilt = load_pack(PLACE / "preference")

    assert said(spoilt.model_copy(update={"config": spoilt.config.replace(before, after)})) == what


def test_a_page_may_show_the_whole_text_instead_of_its_parts() -> None:
    found = load_pack(PLACE / "preference")
    whole = found.config.replace("$setting", "$context")
    none = found.config.replace("$setting", "$situation").replace("$answer_a", "$key").replace("$answer_b", "$key")

    assert said(found.model_copy(update={"config": whole})) == []
    assert said(found.model_copy(update={"config": whole}), "advice") == [
        "The page never shows $setting, what stands in the context above its first line."
    ]
    assert said(found.model_copy(update={"config": none})) == [
        "The page never shows $context, which holds the context."
    ]


def test_advice_is_no_error(pack: Pack) -> None:
    bare = pack.model_copy(
        update={"guidelines": "", "fields": {k: v for k, v in pack.fields.items() if k != "tactics"}}
    )

    assert said(bare) == []
    assert len(said(bare, "advice")) == 2
    assert [one.what for one in check_config("<View/>")] == ["The page asks nothing."]


def test_what_a_change_would_lose_is_counted(pack: Pack) -> None:
    extra = json.dumps({"tactics": ["isolation"], "lead_time": 2})
    told = rows(a={"verdict": "manipulative", "extra": extra}, b={"verdict": "manipulative", "severity": 5}, c="x")
    verdicts = {name: text for name, text in pack.verdicts.items() if name != "manipulative"}
    config = pack.config.replace('<Choice alias="isolation" value="Isolation" hotkey="i"/>', "")
    changed = pack.model_copy(
        update={"verdicts": verdicts, "config": config, "severity": pack.severity.model_copy(update={"most": 4})}  # type: ignore[union-attr]  # workplace has one
    )

    assert losses(told, pack) == []
    assert losses(told, changed) == [
        "tactics 'isolation' in 1 answers",
        "the severity 5 in 1 answers",
        "the verdict 'manipulative' in 2 answers",
    ]


def test_without_playwright_the_cure_is_named(
    workspace: Workspace, pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    from curator.pack_tools import browser as packbrowser

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"pip install 'curator\[dev\]'"):
        packbrowser.look(workspace, pack)


@pytest.mark.live
@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("chromium"), reason="no Chromium on this machine")
def test_in_a_real_browser_good_pages_open_and_bad_ones_do_not(workspace: Workspace) -> None:
    from curator.pack_tools.browser import look
    from curator.studio.server import down, up

    up(workspace.studio)
    try:
        for folder in PACKS:
            found, pictures = look(workspace, load_pack(folder))
            assert (folder.name, found) == (folder.name, [])
            assert [path.name for path in pictures] == [f"{folder.name}-{n}.png" for n in ("light", "dark", "narrow")]
            assert all(path.stat().st_size > 20_000 for path in pictures)
        broken = load_pack(PACKS[0])
        page = broken.config.replace('<Panel value="Guidelines">', '<Panel value="Guidelines"><Markdown>x</Markdown>')
        found, _ = look(workspace, broken.model_copy(update={"config": page}))
        assert found
        assert found[0].level == "error"
    finally:
        down(workspace.studio)
