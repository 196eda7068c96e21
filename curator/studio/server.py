"""The embedded Label Studio: started on 127.0.0.1 with the workspace's own database, found again, ended."""

import contextlib
import fcntl
import importlib.util
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import IO

from curator.errors import MissingExtra, SourceError, StorageError
from curator.progress import Progress, quiet
from curator.studio.environment import environment
from curator.studio.people import OWNER, accounts, open_accounts

PATIENCE = 300.0  # seconds for a start on a slow, busy machine (8 s where nothing else runs)
LOG = "server.log"


@dataclass(frozen=True)
class Running:
    """A server that answers."""

    url: str
    pid: int


def up(folder: Path, progress: Progress = quiet) -> Running:
    """Start the workspace's Label Studio, or find the one that runs; return when it answers.

    A kernel lock beside the folder goes with the server's process: it says who runs, whatever ends it.
    """
    if importlib.util.find_spec("label_studio") is None:
        raise MissingExtra("Label Studio is not installed. Get it with: pip install 'curator[studio]'")
    until = time.monotonic() + PATIENCE
    while True:
        try:
            with _lock(folder) as lock:
                if lock is not None:
                    return _start(folder, lock, progress)
        except OSError as fault:
            raise StorageError(f"Label Studio's folder cannot be written: {fault}. No server was started.") from None
        found = running(folder)
        if found is not None:
            return found
        if time.monotonic() > until:
            raise SourceError(
                f"Label Studio is there but does not answer. End it with `curator down`; its log is {LOG}."
            )
        time.sleep(0.2)


def down(folder: Path, patience: float = 15.0) -> bool:
    """End the workspace's Label Studio and wait until it is gone; False where none ran."""
    said = _holder(folder)
    if said is None:
        return False
    until = time.monotonic() + patience
    for gentle in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(said.pid, gentle)
        while time.monotonic() < until:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(said.pid, os.WNOHANG)  # ours to bury when we started it ourselves
            if _holder(folder) is None:
                return True
            time.sleep(0.05)
        until = time.monotonic() + patience
    raise SourceError(f"Label Studio (process {said.pid}) does not end. End it by hand and try again.")


def running(folder: Path) -> Running | None:
    """Return the workspace's Label Studio where it runs and answers."""
    said = _holder(folder)
    return said if said is not None and _healthy(said.url) else None


@contextlib.contextmanager
def embedded(folder: Path, progress: Progress = quiet) -> Iterator[Running]:
    """Give a server that ends with the block."""
    server = up(folder, progress)
    try:
        yield server
    finally:
        down(folder)


def _lock_path(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")


@contextlib.contextmanager
def _lock(folder: Path) -> Iterator[IO[str] | None]:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(_lock_path(folder), "a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
        else:
            yield lock


def _holder(folder: Path) -> Running | None:
    with contextlib.suppress(FileNotFoundError), open(_lock_path(folder), encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            with contextlib.suppress(ValueError, TypeError, KeyError):  # held, but nothing started yet
                said = json.load(lock)
                return Running(str(said["url"]), int(said["pid"]))
    return None


def _start(folder: Path, lock: IO[str], progress: Progress) -> Running:
    lock.seek(0)
    last = lock.read()
    lock.truncate(0)
    if not accounts(folder):
        _prepare(folder, progress)
    progress("Starting Label Studio", 0, 1)
    port = _free_port(last)
    url = f"http://127.0.0.1:{port}"
    command = [
        sys.executable,
        "-P",
        "-m",
        "label_studio.server",
        "start",
        "--no-browser",
        "--log-level",
        "WARNING",
    ]
    if (folder / LOG).exists():
        (folder / LOG).replace(folder / f"{LOG}.old")
    with open(folder / LOG, "wb") as log:
        process = subprocess.Popen(  # noqa: S603  our own words, no shell
            [*command, "--internal-host", "127.0.0.1", "--port", str(port)],
            env=environment(folder),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=[lock.fileno()],  # the lock lives as long as the server
        )
    json.dump({"url": url, "pid": process.pid}, lock)
    lock.flush()
    try:
        _wait(folder, url, process)
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    progress("Starting Label Studio", 1, 1)
    return Running(url, process.pid)


def _wait(folder: Path, url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE
    while not _healthy(url):
        if process.poll() is not None:
            raise SourceError(
                f"Label Studio ended while it started (code {process.returncode}). Its last words are in {LOG}."
            )
        if time.monotonic() > until:
            raise SourceError(
                f"Label Studio did not answer within {PATIENCE:.0f} s and was ended. See {LOG} and try again."
            )
        time.sleep(0.1)
    # On a port that somebody took meanwhile, Label Studio moves on in silence: only ours knows our token.
    ours = json.dumps({"refresh": accounts(folder)[OWNER].token}).encode()
    try:
        _open(f"{url}/api/token/refresh/", ours).close()
    except OSError:
        raise SourceError(
            "Another server took the port while Label Studio started. Nothing was changed; try again."
        ) from None


def _healthy(url: str) -> bool:
    try:
        with _open(f"{url}/health") as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _open(url: str, body: bytes | None = None) -> "urllib.request._UrlopenRet":
    if not url.startswith("http://127.0.0.1:"):
        raise SourceError(f"{url} is not an embedded server.")
    straight = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310  http, checked above
    return straight.open(request, timeout=5)


def _free_port(last: str) -> int:
    """Return the port of the last start where it is still free (people keep bookmarks), or any other."""
    with contextlib.suppress(ValueError, KeyError, TypeError, OSError), socket.socket() as knock:
        wanted = int(str(json.loads(last)["url"]).rsplit(":", 1)[1])
        knock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        knock.bind(("127.0.0.1", wanted))
        return wanted
    with socket.socket() as any_port:
        any_port.bind(("127.0.0.1", 0))
        return int(any_port.getsockname()[1])


def _prepare(folder: Path, progress: Progress) -> None:
    """Make the folder whole, or not at all: a copy of the empty database, a key of its own, the owner's account."""
    if folder.exists() and any(folder.iterdir()):
        raise StorageError(
            f"{folder.name} holds files but no accounts.json. Move it away; `curator up` makes a new one."
        )
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f"{folder.name}-") as place:
        draft = Path(place) / "data"
        shutil.copytree(empty_database(progress), draft)
        draft.chmod(0o700)
        # Label Studio misreads its own random key where that begins with "$", and every token dies.
        with open(os.open(draft / ".env", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as key:
            key.write(f"SECRET_KEY={secrets.token_hex(32)}\n")
        progress("Making the owner's account", 0, 1)
        open_accounts(draft, {OWNER: ""}, environment(draft))
        progress("Making the owner's account", 1, 1)
        with contextlib.suppress(FileNotFoundError):
            folder.rmdir()
        draft.rename(folder)


def empty_database(progress: Progress = quiet) -> Path:
    """Return a data folder with every table and nothing in it, made once on this machine (about a minute)."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "curator"
    made = home / f"label-studio-{version('label-studio')}"
    home.mkdir(parents=True, exist_ok=True)
    with open(home / f"{made.name}.lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # whoever comes second waits, and finds it done
        if made.exists():
            return made
        with tempfile.TemporaryDirectory(dir=home) as place:
            draft = Path(place) / "data"
            draft.mkdir()
            _migrate(draft, progress)
            (draft / ".env").unlink(missing_ok=True)  # the key that signs tokens: each workspace makes its own
            draft.rename(made)
    return made


def _migrate(draft: Path, progress: Progress) -> None:
    total, done, words = 0, 0, ""
    command = [sys.executable, "-P", str(Path(__file__).with_name("inside.py")), "migrate"]
    with subprocess.Popen(  # noqa: S603  our own words, no shell
        command, env=environment(draft), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout or ():
            total = int(line) if line.strip().isdigit() else total
            done += line.lstrip().startswith("Applying")
            words = line.strip() or words
            progress("Making Label Studio's database, once on this machine", done, max(total, done))
    if process.returncode:
        raise SourceError(f"Label Studio's database could not be made: {words}. Nothing was kept; try again.")
