"""docs/SERVER.md, done for real: Label Studio on PostgreSQL, curator with a token from a file, a backup that works."""

import contextlib
import json
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from curator import collecting
from curator.begin import begin
from curator.errors import PolicyError
from curator.people import add_people, invite
from curator.studio.environment import environment
from curator.studio.people import OWNER, Account, open_accounts
from curator.studio.push import answer_as, known
from curator.workspace import Workspace

pytestmark = [pytest.mark.live, pytest.mark.slow]


PAGE = (Path(__file__).parents[2] / "docs" / "SERVER.md").read_text("utf-8")
DOCUMENTED = dict(line.split("=", 1) for line in PAGE.split("```ini\n")[1].split("```")[0].splitlines())


def free_port() -> int:
    with socket.socket() as knock:
        knock.bind(("127.0.0.1", 0))
        return int(knock.getsockname()[1])


@dataclass
class Postgres:
    """A cluster of our own on a port of its own; PostgreSQL refuses to run as root."""

    bin: Path
    folder: Path
    port: int

    def run(self, command: str, *words: str) -> str:
        user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        env = {"PATH": os.environ["PATH"], "PGHOST": "127.0.0.1", "PGPORT": str(self.port), "PGUSER": "postgres"}
        done = subprocess.run(
            [self.bin / command, *words], env=env, user=user, cwd="/", capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout.strip()


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    assert places, "This test needs PostgreSQL: apt-get install postgresql"
    folder = Path(tempfile.mkdtemp(prefix="curator-postgres-", dir="/tmp"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    cluster = Postgres(places[-1].parent, folder, free_port())
    data = str(folder / "data")
    cluster.run("initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync")
    options = f"-p {cluster.port} -c listen_addresses=127.0.0.1 -c fsync=off -k {folder}"
    cluster.run("pg_ctl", "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        cluster.run("createdb", "labelstudio")
        yield cluster
    finally:
        cluster.run("pg_ctl", "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder)


@contextlib.contextmanager
def label_studio(folder: Path, env: dict[str, str]) -> Iterator[str]:
    url = f"http://127.0.0.1:{free_port()}"
    command = [sys.executable, "-P", "-m", "label_studio.server", "start", "--no-browser", "--log-level", "WARNING"]
    where = ["--internal-host", "127.0.0.1", "--port", url.rsplit(":", 1)[1]]
    with open(folder / "log", "ab") as log:
        process = subprocess.Popen([*command, *where], env=env, cwd=folder, stdout=log, stderr=log)
    try:
        until = time.monotonic() + 600
        while True:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/health", timeout=5):
                break
            assert process.poll() is None, (folder / "log").read_text()[-2000:]
            assert time.monotonic() < until, (folder / "log").read_text()[-2000:]
            time.sleep(0.3)
        yield url
    finally:
        process.terminate()
        process.wait()


def test_a_team_works_on_postgresql_and_a_backup_brings_it_back(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "keys"))
    monkeypatch.delenv("LABEL_STUDIO_API_KEY", raising=False)
    folder = tmp_path / "data"
    folder.mkdir()

    def env(database: str) -> dict[str, str]:
        named = {"NAME": database, "USER": "postgres", "PASSWORD": "x", "HOST": "127.0.0.1", "PORT": str(postgres.port)}
        ours = {f"POSTGRE_{name}": value for name, value in named.items()}
        return {**environment(folder), **DOCUMENTED, **ours, "LABEL_STUDIO_BASE_DATA_DIR": str(folder)}

    begin(tmp_path / "team", "workplace")
    with label_studio(folder, env("labelstudio")) as url:
        made = open_accounts(folder, {OWNER: "", "ann@x.example": "Ann"}, env("labelstudio"))
        team = pointed_at(tmp_path / "team", url, made[OWNER])
        add_people(team, "ann@x.example", "hr", consent="analyse,train")
        add_people(team, "bob@x.example", "employee", consent="analyse,train")

        told = invite(team)
        assert (told.ready, told.waiting) == (["ann@x.example"], ["bob@x.example"])
        assert "/user/signup/?token=" in told.link
        (project,) = collecting.project(team)
        scenarios = tmp_path / "s.jsonl"
        scenarios.write_text("\n".join(json.dumps({"key": f"k{n}", "situation": f"Scene {n}."}) for n in range(20)))
        assert collecting.push(team, [scenarios])[:2] == (20, 0)
        tasks = sorted(known(collecting.client(team), project.number).values())
        said = {"verdict": "reasonable", "severity": 1, "analysis": "It was asked, and it was paid."}
        for task in tasks[:3]:
            answer_as(url, made["ann@x.example"].token, task, team.pack, said)
        assert collecting.pull(team).new == 3
        postgres.run("pg_dump", "--format=custom", f"--file={postgres.folder}/backup", "labelstudio")
        stored = int(postgres.run("psql", "-At", "-c", "select count(*) from task_completion", "labelstudio"))
        assert stored == 3

    postgres.run("createdb", "again")
    postgres.run("pg_restore", "--dbname=again", f"{postgres.folder}/backup")
    with label_studio(folder, env("again")) as url:
        back = collecting.client(pointed_at(tmp_path / "team", url, made[OWNER]))
        assert len(known(back, project.number)) == 20  # and the old token is good: its key lies in the data folder

    (tmp_path / "team" / ".curator" / "token").chmod(0o644)
    with pytest.raises(PolicyError, match="chmod 600"):
        collecting.client(team)


def pointed_at(root: Path, url: str, owner: Account) -> Workspace:
    """Return the workspace with this address in curator.toml, and a token in the file."""
    toml = root / "curator.toml"
    toml.write_text("\n".join(f'url = "{url}"' if x.startswith("url") else x for x in toml.read_text().splitlines()))
    token = root / ".curator" / "token"
    token.parent.mkdir(exist_ok=True)
    token.touch(0o600)
    token.write_text(owner.token)
    return Workspace.find(root)
