"""A pack of one's own: fit from the first moment, and what goes wrong when it is edited is said in plain words."""

from pathlib import Path

import pytest

from curator.cli import run
from curator.errors import PackError, UsageError
from curator.labels.results import controls, from_result, to_result
from curator.pack import Pack, find_pack, load_pack
from curator.pack_tools.check import check_pack
from curator.pack_tools.new import new_pack
from curator.workspace import Workspace

FILES = ["pack.toml", "config.xml", "guidelines.md", "consent.md"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made, _ = new_pack(tmp_path, "house_rules", ["tenant", "caretaker"], ["fine", "unsure", "has to stop"])
    return made


def said(folder: Path, level: str = "error") -> list[str]:
    return [one.what for one in check_pack(load_pack(folder), folder) if one.level == level]


def edit(folder: Path, file: str, before: str, after: str) -> None:
    text = (folder / file).read_text("utf-8")
    assert before in text
    (folder / file).write_text(text.replace(before, after, 1), "utf-8")


@pytest.mark.parametrize(
    ("roles", "verdicts"),
    [
        ([], []),
        (['tenant=a tenant, who hears it & lives "below" <us>'], ["fine='all right' \\ {so to say}", "Not Fine"]),
        (["käufer", "zweite-hand"], ["gut=ist gut", "übel=ist übel"]),
        ([f"role_{n}" for n in range(12)], [f"verdict_{n}" for n in range(12)]),
        (["a"], ["b", "c"]),
    ],
)
def test_a_new_pack_passes_its_check_at_once(tmp_path: Path, roles: list[str], verdicts: list[str]) -> None:
    folder, files = new_pack(tmp_path / "labeling_configs", "x", roles, verdicts)
    pack = load_pack(folder)

    assert files == FILES
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    assert not [one for one in check_pack(pack, folder) if "still stands in" not in one.what]
    assert said(folder) == []
    assert list(controls(pack.config)["verdict"].options) == list(pack.verdicts)
    assert "withdraw at any time" in (folder / "consent.md").read_text("utf-8")
    for verdict in pack.verdicts:
        told = {"verdict": verdict, "analysis": "It was asked for."}
        assert from_result(pack, to_result(pack, told)) == told


def test_words_and_what_they_mean_stand_where_people_and_models_read_them(folder: Path, tmp_path: Path) -> None:
    told, _ = new_pack(tmp_path, "told", ["tenant=a tenant, who hears it."], ["Fine=may stay", "not fine=has to go"])
    pack = load_pack(told)

    assert pack.stakeholders == {"tenant": "a tenant, who hears it"}
    assert pack.verdicts == {"fine": "may stay", "not_fine": "has to go"}
    assert "Verdict (fine or not_fine)" in pack.prompt.user
    assert "* *Not fine*: has to go." in pack.guidelines
    assert "&lt;small&gt;has to go&lt;/small&gt;" in pack.config
    assert load_pack(folder).title == "House rules"


@pytest.mark.parametrize(
    ("name", "roles", "verdicts", "said"),
    [
        ("Bad", [], [], "'Bad' cannot name a pack"),
        ("../up", [], [], "cannot name a pack"),
        ("x", ["a,b"], [], "'a,b' cannot be a role"),
        ("x", ["a=two\nlines"], [], "cannot be a role"),
        ("x", ["=nobody"], [], "cannot be a role"),
        ("x", ["a", "A=again"], [], "The role 'a' stands twice"),
        ("x", [], ["one"], "One verdict is no choice"),
        ("x", [], ["fine", "\uff26ine"], "The verdict 'fine' stands twice, as 'fine' and '\uff26ine'"),
        ("x", [], ["fine", "fine_"], "The verdicts 'fine' and 'fine_' would both read 'Fine'. Rename one"),
        ("x", ["a b", "a_b_"], [], "The roles 'a_b' and 'a_b_' would both read 'A b'"),
        ("x", [], ["a", "<b>"], "'<b>' cannot be a verdict"),
    ],
)
def test_words_that_cannot_be_used_are_refused_and_nothing_is_made(
    tmp_path: Path, name: str, roles: list[str], verdicts: list[str], said: str
) -> None:
    with pytest.raises(UsageError) as refused:
        new_pack(tmp_path / "packs", name, roles, verdicts)

    assert said in str(refused.value)
    assert not (tmp_path / "packs").exists()


@pytest.mark.parametrize("name", ["house_rules", "review"])
def test_a_name_that_is_taken_is_refused(folder: Path, name: str) -> None:
    before = (folder / "pack.toml").read_bytes()
    with pytest.raises(PackError, match=f"There is a pack '{name}' already. Nothing was made"):
        new_pack(folder.parent, name)

    assert (folder / "pack.toml").read_bytes() == before


@pytest.mark.parametrize(
    ("file", "before", "after", "what"),
    [
        ("pack.toml", "\nfine =", "\ngood =", "The page offers 'fine', which is no verdict of the pack"),
        ("pack.toml", "\nfine =", "\ngood =", 'Add <Choice alias="good" value="…"/> to config.xml'),
        (
            "pack.toml",
            "{context}",
            "{contxt}",
            "user names {contxt}, which stays as it stands. Did you mean 'context'?",
        ),
        ("pack.toml", 'name = "house_rules"', 'name = "old"', "calls this pack 'old', its folder 'house_rules'. Write"),
        ("pack.toml", "# [severity]", "[severity]", "does not say which control asks for it"),
        ("config.xml", 'value="Situation"', 'value="You & me"', 'value="You & me" size="5"/> In a text, & is written'),
        ("config.xml", "</Collapse>", "", "The line is: </View> There, Collapse (line 52) is open and was not closed."),
        ("config.xml", 'name="analysis"', 'name="why"', "has no control 'analysis', which should hold the analysis"),
        (
            "config.xml",
            '<View className="cur-q">',
            '<View className="cur-q" visibleWhen="choice-selected" whenTagName="verdict" whenChoiceValue="bad">',
            "'analysis' waits for the choice 'bad' of 'verdict', which nobody can make",
        ),
    ],
)
def test_a_mistake_in_editing_is_named_with_its_cure(
    folder: Path, file: str, before: str, after: str, what: str
) -> None:
    pytest.importorskip("label_studio_sdk")
    edit(folder, file, before, after)

    assert [line for line in said(folder) if what in line]


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        ("tenant = ", "next door = ", r"The line is: next door = .* A name with spaces or accents stands in quotes"),
        ('tenant = "', "tenant = ", r"Invalid value .*The line is: tenant = .* A text stands in quotes"),
    ],
)
def test_a_line_that_is_no_toml_is_shown_with_its_cure(folder: Path, before: str, after: str, what: str) -> None:
    edit(folder, "pack.toml", before, after)
    with pytest.raises(PackError, match=what):
        load_pack(folder)


def test_what_could_be_better_is_advice(folder: Path) -> None:
    edit(folder, "guidelines.md", "Read the context", "Read all of the context")
    edit(folder, "pack.toml", "(fine, unsure or", "(fine or")

    assert said(folder) == []
    assert [line for line in said(folder, "advice") if "still stands" not in line] == [
        "[prompt] names the other verdicts, but not 'unsure'.",
        "The page folds in other guidelines than guidelines.md holds. Copy them between <Markdown> and </Markdown>.",
    ]


def test_placeholders_that_were_left_are_advice_with_every_place(folder: Path) -> None:
    left = [line for line in said(folder, "advice") if "still stands" in line]

    assert "'say here in one line when something is fine' still stands in pack.toml ([verdicts] fine), config.xml" in (
        " ".join(left)
    )
    assert "and guidelines.md (line 3). Write your own words there." in " ".join(left)
    assert len(left) == 5  # two roles, three verdicts
    for file in ("pack.toml", "config.xml", "guidelines.md"):
        text = (folder / file).read_text("utf-8")
        told = text.replace("say here in one line when", "when").replace(" (say here who that is, and what", " (what")
        (folder / file).write_text(told, "utf-8")
    assert said(folder, "advice") == []


def test_the_two_commands(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(workspace.root)

    assert (
        run(["pack", "new", "house_rules", "--role", "tenant=a tenant", "--verdict", "fine", "--verdict", "bad"]) == 0
    )
    assert "Edit them, then: curator pack check house_rules" in capsys.readouterr().out
    assert run(["pack", "check", "house_rules"]) == 0
    assert run(["pack", "new", "house_rules"]) == 2
    edit(workspace.root / "labeling_configs" / "house_rules", "config.xml", "</Collapse>", "")
    capsys.readouterr()
    assert run(["pack", "check", "house_rules"]) == 2
    assert "Collapse (line 52) is open and was not closed" in " ".join(capsys.readouterr().out.split())
    made: Pack = load_pack(find_pack("house_rules", [workspace.root / "labeling_configs"]))
    assert made.stakeholders == {"tenant": "a tenant"}
