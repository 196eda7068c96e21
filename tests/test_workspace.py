"""A workspace: found from below, its settings checked word by word, its key made once and never silently another."""

import subprocess
import sys
from pathlib import Path

import pytest

from curator.begin import begin
from curator.errors import FileError, StorageError, UsageError
from curator.people import add_people
from curator.workspace import FILE, Config, Workspace, read_config


def test_a_new_workspace_is_found_from_any_folder_below(workspace: Workspace) -> None:
    deep = workspace.root / "a" / "b"
    deep.mkdir(parents=True)

    assert Workspace.find(deep).root == workspace.root
    assert workspace.config == Config(name="team")
    assert workspace.pack.name == "workplace"
    assert sorted(p.name for p in workspace.root.iterdir()) == sorted(
        [".gitignore", "a", "curator.toml", "labeling_configs", "recipe.toml"]
    )


def test_where_there_is_no_workspace_the_next_step_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"There is no curator\.toml in .* or above it.*curator init"):
        Workspace.find(tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "name: it is missing. Add it."),
        (b"name = 5", "name: a text is needed. Write it in quotes."),
        (b'name = "x"\nrecipes = "r"', "recipes: there is no such setting. Did you mean 'recipe'?"),
        (b'name = "x"\n[server]\nurls = "r"', "server.urls: there is no such setting. Did you mean 'url'?"),
        (b'name = "x"\nserver = "embedded"', "server: a table is needed, one line for each setting."),
        (b'nam = "x"', "nam: there is no such setting. Did you mean 'name'?"),
        (b'name = "x"\nname = "y"', "Cannot overwrite a value"),
        (b'name = "x', "cannot be read: Illegal character|cannot be read: Unterminated"),
        (b"name = \xff", "is not UTF-8 text"),
        ('name = "x"'.encode("utf-16"), "is not UTF-8 text"),
        (b"name = " + b"9" * 5000, "cannot be read: Exceeds the limit"),
        (b"name = " + b"[" * 5000, "nested too deep"),
        (b'name = "\x00"', "cannot be read: Illegal character"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_wrong_settings_are_one_sentence(tmp_path: Path, text: bytes, said: str) -> None:
    (tmp_path / FILE).write_bytes(text)
    with pytest.raises(UsageError) as refused:
        read_config(tmp_path / FILE)

    message = str(refused.value)
    assert message.startswith("curator.toml")
    assert any(part in message for part in said.split("|")), message
    assert "\n" not in message


def test_a_byte_order_mark_and_crlf_are_fine(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b'\xef\xbb\xbfname = "x"\r\n[server]\r\nurl = "http://localhost:1"\r\n')

    assert read_config(tmp_path / FILE).server.url == "http://localhost:1"


def test_the_key_is_made_once_outside_the_workspace_and_its_owners_only(workspace: Workspace, tmp_path: Path) -> None:
    (path,) = [*(workspace.key and (tmp_path / "keys").rglob("*.key"))]

    assert path.read_bytes() == workspace.key == Workspace.find(workspace.root).key
    assert (len(workspace.key), path.stat().st_mode & 0o777) == (32, 0o600)
    assert not path.is_relative_to(workspace.root)


def test_two_workspaces_have_two_keys(workspace: Workspace, tmp_path: Path) -> None:
    begin(tmp_path / "other", "workplace")

    assert Workspace.find(tmp_path / "other").key != workspace.key


@pytest.mark.parametrize("damaged", [b"", b"short", b"x" * 33])
def test_a_damaged_key_is_never_used(workspace: Workspace, tmp_path: Path, damaged: bytes) -> None:
    assert len(workspace.key) == 32
    (path,) = (tmp_path / "keys").rglob("*.key")
    path.write_bytes(damaged)

    with pytest.raises(StorageError, match=r"is damaged\. Restore it: with another, people get new names"):
        _ = Workspace.find(workspace.root).key


@pytest.mark.parametrize("damaged", [b"", b"../../etc/passwd", b"0123"])
def test_a_damaged_mark_never_leads_to_another_key(workspace: Workspace, damaged: bytes) -> None:
    assert len(workspace.key) == 32
    (workspace.hidden / "id").write_bytes(damaged)

    with pytest.raises(StorageError, match=r"\.curator/id is damaged"):
        _ = Workspace.find(workspace.root).key


def test_a_key_that_cannot_be_made_is_a_storage_error(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(workspace.root / FILE))  # a file, where a folder is needed

    with pytest.raises(StorageError, match="cannot be read or made"):
        _ = Workspace.find(workspace.root).key


def test_processes_that_begin_at_once_get_one_key(workspace: Workspace) -> None:
    code = "from curator.workspace import Workspace; print(Workspace.find().key.hex())"
    started = [
        subprocess.Popen([sys.executable, "-c", code], cwd=workspace.root, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    keys = [process.communicate(timeout=60)[0] for process in started]
    assert keys == [workspace.key.hex() + "\n"] * 3
    assert [path.name for path in workspace.hidden.iterdir()] == ["id"]


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text("mine")
    (tmp_path / ".gitignore").write_bytes(b"mine\xff\n.curator/")
    made = begin(tmp_path, "workplace", sample=True)

    assert (tmp_path / "recipe.toml").read_text() == "mine"
    assert (tmp_path / ".gitignore").read_bytes() == (
        b"mine\xff\n.curator/\ndatasets/\nmodels/\nexports/\nreport.html\n"
    )
    assert made == ["labeling_configs/workplace", "scenarios.jsonl", "answers.jsonl", "people.jsonl", "curator.toml"]
    with pytest.raises(UsageError, match="is a workspace already"):
        begin(tmp_path, "workplace")


@pytest.mark.parametrize("name", ["../../../etc", "/etc", "", "Workplace", "work place", "http://x"])
def test_a_pack_is_a_name_and_never_a_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="is not the name of a pack"):
        begin(tmp_path / "new", name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ['quo"te', "back\\slash", "naïve 🌱", "del\x7f", "{braces}", "tab\t", "\udcff"])
def test_a_folder_of_any_name_can_be_a_workspace(tmp_path: Path, name: str) -> None:
    begin(tmp_path / name, "workplace")

    assert Workspace.find(tmp_path / name).config.name == name.replace("\udcff", "?")


ANN = '{"email": "Ann@x.org", "stakeholder": "hr", "name": "Ann", "team": "north"}\n'


def test_people_are_kept_by_the_folded_form_of_their_address(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "people.jsonl").write_text(ANN + ANN.replace("Ann@", "ann@"))

    assert add_people(workspace, str(tmp_path / "people.jsonl")) == 1
    assert add_people(workspace, "bob@x.org", "manager") == 2
    with workspace.store() as store:
        assert [(p.email, p.stakeholder, p.name) for p in store.people()] == [
            ("ann@x.org", "hr", "Ann"),
            ("bob@x.org", "manager", None),
        ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"email": "bob", "stakeholder": "hr"}', "people.jsonl:2: 'bob' is not an e-mail address"),
        ('{"email": "@", "stakeholder": "hr"}', "is not an e-mail address"),
        ('{"stakeholder": "hr"}', "None is not an e-mail address"),
        ('{"email": 5, "stakeholder": "hr"}', "the email must be text, not 5"),
        ('{"email": "b@x.org", "stakeholder": "hr", "name": ["B"]}', "the name must be text"),
        ('{"email": "b@x.org", "stakeholder": "hr", "team": {}}', "the team must be text"),
        ('{"email": "b@x.org", "stakeholder": "mangaer"}', "Did you mean 'manager'?"),
        ('{"email": "b@x.org"}', "b@x.org needs a stakeholder of the pack"),
        ('{"email": "ANN@x.org", "stakeholder": "manager"}', "ann@x.org stands twice and differs"),
        ('{"email": "b@x.org", "email": "c@x.org"}', "people.jsonl:2: not strict JSON: Detected duplicate key"),
        ("[]", "people.jsonl:2: a record must be an object"),
    ],
)
def test_one_wrong_person_and_nobody_is_added(workspace: Workspace, tmp_path: Path, line: str, said: str) -> None:
    (tmp_path / "people.jsonl").write_text(ANN + line + "\n")
    with pytest.raises((UsageError, FileError), match="Nobody was added") as refused:
        add_people(workspace, str(tmp_path / "people.jsonl"))

    assert said in str(refused.value)
    with workspace.store() as store:
        assert store.people() == []
