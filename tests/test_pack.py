"""A pack: what it leaves out, misspells or hides is refused in one sentence."""

import shutil
from pathlib import Path

import pytest

from curator.errors import PackError
from curator.pack import SHIPPED, Pack, find_pack, load_pack

WORKPLACE = next(place / "workplace" for place in SHIPPED if place.is_dir())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(WORKPLACE, tmp_path / "mine"))


def edit(folder: Path, before: str, after: str) -> None:
    path = folder / "pack.toml"
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), "utf-8")


@pytest.mark.parametrize("path", sorted(WORKPLACE.parent.glob("*/pack.toml")), ids=lambda path: path.parent.name)
def test_every_shipped_pack_is_whole_and_named_like_its_folder(path: Path) -> None:
    pack = load_pack(path.parent)

    assert pack.name == path.parent.name
    assert all(name in pack.config for name in pack.fields.values())
    assert pack.guidelines


def test_the_workspaces_own_pack_comes_before_the_shipped_one(tmp_path: Path) -> None:
    shutil.copytree(WORKPLACE, tmp_path / "workplace")

    assert find_pack("workplace", [tmp_path]) == tmp_path / "workplace"
    assert find_pack("workplace", []) == WORKPLACE
    with pytest.raises(PackError, match=r"There is no pack 'workplac' .* Did you mean 'workplace'\?"):
        find_pack("workplac", [tmp_path])


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("version = ", "versoin = ", "versoin: there is no such setting. Did you mean 'version'?"),
        ('title = "Workplace situations"', 'title = "x"', "title: 3 characters are needed at least"),
        ('name = "workplace"', 'name = "../up"', "name: '../up' is not written as it has to be"),
        ("[verdicts]", '[verdicts]\nreasonable = "x"', "cannot be read: Cannot overwrite a value"),
        ('situation = "situation"', 'scene = "situation"', "does not say which key holds the situation"),
        ('verdict = "verdict"', 'verdikt = "verdict"', "does not say which control holds the verdict"),
        ('analysis = "analysis"', "", "does not say which control holds the analysis"),
        ("{stakeholder}", "somebody", "user does not name {stakeholder}"),
        ("Situation: {situation}", "Situation:", "user does not name {situation}"),
        ("Verdict: {verdict}", "Severity: {severity}", "answer must name {verdict} before any other blank"),
        ("least = 1", "least = true-ish", "cannot be read"),
        ("least = 1", 'least = "one"', "severity.least: a whole number is needed"),
        ("version = 1", 'version = "one"', "version: a whole number is needed"),
        ('name = "workplace"', "", "mine/pack.toml: name: it is missing. Add it"),
        ('manipulative = "', 'manipulative = 3  # "', "verdicts.manipulative: a text is needed. Write it in quotes"),
    ],
)
def test_what_is_wrong_is_one_sentence(folder: Path, before: str, after: str, said: str) -> None:
    edit(folder, before, after)
    with pytest.raises(PackError) as refused:
        load_pack(folder)

    assert str(refused.value).startswith("mine/pack.toml")
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not any(word in str(refused.value) for word in ("Value error", "Input should", "validation"))


def test_one_verdict_is_too_few_in_our_own_words(folder: Path) -> None:
    text = (folder / "pack.toml").read_text("utf-8")
    bare = text.replace("\nreasonable =", "\n# ").replace("\nquestionable =", "\n# ")
    (folder / "pack.toml").write_text(bare, "utf-8")

    with pytest.raises(PackError, match=r"verdicts: 2 lines are needed at least, and there are 1\."):
        load_pack(folder)


@pytest.mark.parametrize(
    ("cards", "said"),
    [
        ('[cards.analysis]\n"A:" = "a"', "[cards.analysis] parts no text of a scenario. There are: context, situation"),
        ("[cards.context]", 'names no line that begins a part, such as "Answer A:"'),
        ('[cards.context]\n"" = "setting"', "[cards.context] names no line that begins a part"),
        ('[cards.context]\n" A:" = "a"', "has ' A:', which can begin no part. Write the line alone"),
        ('[cards.context]\n"A:\\nB:" = "a"', "which can begin no part"),
        ('[cards.context]\n"A:" = "a"\n"" = "b"', '[cards.context] has "" below another line'),
        ('[cards.context]\n"A:" = "an answer"', "calls a part 'an answer'. Use letters, digits and _, such as"),
        ('[cards.context]\n"A:" = "context"', "calls a part 'context', which is the name of something else"),
        ('[cards.context]\n"A:" = "tactic"', "calls a part 'tactic', which is the name of something else"),
        ('[cards.context]\n"A:" = "domain"', "calls a part 'domain', which"),
        ('[cards.context]\n"A:" = "review_reason"', "calls a part 'review_reason', which"),
        ('[cards.context]\n"A:" = "a"\n"B:" = "a"', "calls a part 'a', which"),
        ('[cards.context]\n"A:" = "a"\n[cards.situation]\n"B:" = "a"', "[cards.situation] calls a part 'a', which"),
        ('[cards.context]\n"A:" = 1', "cards.context.A:: a text is needed. Write it in quotes."),
    ],
)
def test_cards_that_cannot_be_shown_are_one_sentence(folder: Path, cards: str, said: str) -> None:
    edit(folder, "[fields]", f"{cards}\n\n[fields]")
    with pytest.raises(PackError) as refused:
        load_pack(folder)

    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_cards_of_a_text_that_no_task_has_are_refused(folder: Path) -> None:
    edit(folder, 'context = "context"', "")
    edit(folder, "[fields]", '[cards.context]\n"A:" = "a"\n\n[fields]')

    with pytest.raises(PackError, match=r"\[cards\.context\] parts a text that \[task\] does not have"):
        load_pack(folder)


@pytest.mark.parametrize("name", ["pack.toml", "config.xml"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()

    with pytest.raises(PackError, match=f"The pack 'mine' has no {name}"):
        load_pack(folder)


@pytest.mark.parametrize("evil", ['<!DOCTYPE x [<!ENTITY a "b">]>', "<!ENTITY a SYSTEM 'file:///etc/passwd'>"])
def test_a_config_that_declares_entities_is_refused(folder: Path, evil: str) -> None:
    (folder / "config.xml").write_text(evil + (folder / "config.xml").read_text("utf-8"), "utf-8")

    with pytest.raises(PackError, match="declares a DOCTYPE"):
        load_pack(folder)


def test_bytes_that_are_no_text_are_refused(folder: Path) -> None:
    (folder / "pack.toml").write_bytes(b'name = "\xff"')

    with pytest.raises(PackError, match=r"mine/pack\.toml is not UTF-8 text: byte 9\. Save it as UTF-8"):
        load_pack(folder)


def test_a_page_that_is_a_folder_is_said_to_be_one(folder: Path) -> None:
    (folder / "config.xml").unlink()
    (folder / "config.xml").mkdir()

    with pytest.raises(PackError, match=r"mine/config\.xml is a folder\. Put a file of that name in its place"):
        load_pack(folder)


def test_a_folder_without_its_pack_toml_is_named(folder: Path) -> None:
    (folder / "pack.toml").unlink()

    with pytest.raises(PackError, match=r"holds no pack\.toml\. Put it back"):
        find_pack("mine", [folder.parent])
    folder.rename(folder.parent / "workplace")
    with pytest.raises(PackError, match=r"holds no pack\.toml\. Put it back"):
        find_pack("workplace", [folder.parent])


def test_the_hash_is_of_the_question_that_people_saw(pack: Pack) -> None:
    assert pack.hash != pack.model_copy(update={"config": pack.config + " "}).hash
    assert pack.hash == pack.model_copy(update={"guidelines": "other"}).hash
