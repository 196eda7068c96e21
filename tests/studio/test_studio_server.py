"""The embedded server: started once, found again, ended, closed to the outside."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from curator.errors import MissingExtra, SourceError, StorageError
from curator.store import Store
from curator.studio import server
from curator.studio.client import connect
from curator.studio.environment import environment
from curator.studio.people import OWNER, accounts, make_accounts
from curator.studio.push import ensure_project
from curator.studio.server import down, running, up


def test_only_three_names_of_the_environment_pass(tmp_path, monkeypatch):
    for name in ("DEBUG", "HOST", "PORT", "USERNAME", "PASSWORD", "CI", "LABEL_STUDIO_HOST", "SECRET_KEY"):
        monkeypatch.setenv(name, "leak")

    passed = environment(tmp_path)

    assert "leak" not in passed.values()
    assert passed["HOME"] == str(tmp_path)


def test_without_label_studio_the_cure_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(server.importlib.util, "find_spec", lambda name: None)

    with pytest.raises(MissingExtra, match=r"pip install 'curator\[studio\]'"):
        up(tmp_path / "studio")


def test_a_folder_of_somebody_else_is_not_overwritten(tmp_path):
    (tmp_path / "studio").mkdir()
    (tmp_path / "studio" / "notes.txt").write_text("mine")
    pytest.importorskip("label_studio")

    with pytest.raises(StorageError, match=r"holds files but no accounts\.json"):
        up(tmp_path / "studio")
    assert (tmp_path / "studio" / "notes.txt").read_text() == "mine"


def test_a_dead_process_that_left_its_number_is_not_taken_for_the_server(tmp_path):
    lock = tmp_path / "studio.lock"
    lock.write_text(json.dumps({"url": "http://127.0.0.1:1", "pid": os.getpid()}))

    assert running(tmp_path / "studio") is None
    assert down(tmp_path / "studio") is False


def test_accounts_need_a_server_first(tmp_path):
    with pytest.raises(SourceError, match="curator up"):
        make_accounts(tmp_path, [])


@pytest.mark.live
def test_a_second_up_finds_the_running_server(studio):
    found = up(studio.folder)

    assert found.url == studio.url
    assert running(studio.folder) == found


@pytest.mark.live
def test_it_listens_on_this_machine_only(studio):
    port = int(studio.url.rsplit(":", 1)[1])
    listening = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    mine = [row[1] for row in listening if row[3] == "0A" and int(row[1].split(":")[1], 16) == port]

    assert mine == [f"0100007F:{port:04X}"]


@pytest.mark.live
def test_secrets_are_for_the_owner_only_and_never_the_same(studio):
    mode = stat.S_IMODE((studio.folder / "accounts.json").stat().st_mode)
    everybody = accounts(studio.folder)

    assert mode == 0o600
    assert stat.S_IMODE((studio.folder / ".env").stat().st_mode) == 0o600
    assert len({a.password for a in everybody.values()}) == len({a.token for a in everybody.values()}) == 5
    assert everybody[OWNER].password not in repr(everybody)
    assert everybody[OWNER].token not in repr(everybody)


@pytest.mark.live
def test_making_accounts_again_changes_nothing(studio, team):
    assert make_accounts(studio.folder, team) == studio.people


@pytest.mark.live
def test_it_ends_with_down_which_is_one_clear_line_to_clients_and_comes_back_with_what_it_had(tmp_path, pack):
    folder = tmp_path / "studio"
    first = up(folder)
    owner = connect(first.url, accounts(folder)[OWNER].token)
    with Store(tmp_path / "store.db") as store:
        project = ensure_project(owner, store, pack, "embedded")
    assert down(folder) is True
    assert running(folder) is None
    assert down(folder) is False

    faults = set()
    for work in (
        lambda: connect(first.url, accounts(folder)[OWNER].token),
        lambda: owner.get(f"api/projects/{project}/"),
        lambda: owner.import_tasks(project, []),
    ):
        with pytest.raises(SourceError) as fault:
            work()
        faults.add(str(fault.value))
    assert faults == {f"{owner.name} cannot be reached: nobody answers there. Nothing was changed; is it running?"}

    start = f"from curator.studio.server import up; from pathlib import Path; print(up(Path({str(folder)!r})).url)"
    elsewhere = subprocess.run([sys.executable, "-c", start], capture_output=True, text=True, check=True)
    assert elsewhere.stdout.strip() == first.url == running(folder).url  # bookmarks keep working
    assert owner.get(f"api/projects/{project}/")["id"] == project
    assert down(folder) is True
