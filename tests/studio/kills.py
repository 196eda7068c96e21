"""curator as a process of its own, killed at any moment while it pushes or pulls."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from curator.store import Store

# Loading everything takes seconds, so one process does it and forks whoever is to be killed.
NURSERY = """
import os, signal, sys
from pathlib import Path
from label_studio_sdk import LabelStudio
from curator.store import Store
from curator.studio.client import Client
from curator.studio.push import push
from curator.studio.sync import pull
from tests.studio.histories import KEY, PACK

def work(path, url, what, name):
    client = Client(url, "0" * 40)
    client.me = 1
    with Store(Path(path), patience=30) as store:
        for turn in range(100_000):
            if what == "pull":
                pull(client, store, 1, PACK, KEY, "virtual", size=5)
            else:
                rows = [{"situation": f"Pushed {name} {turn} {n}", "context": "Here."} for n in range(3)]
                push(client, store, PACK, 1, rows)

warm = LabelStudio(base_url="http://127.0.0.1:9/", api_key="0" * 40)
warm.projects, warm.annotations
from label_studio_sdk.core import api_error, parse_error

signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for line in sys.stdin:
    child = os.fork()
    if not child:
        work(*line.split())
    print(child, flush=True)
"""


class Nursery:
    """Starts processes that are to be killed."""

    def __init__(self, process: "subprocess.Popen[str]", path: Path, url: str) -> None:
        self.process, self.path, self.url = process, path, url

    def start(self, what: str, name: str) -> int:
        """Start one that pushes or pulls; return its number."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{self.path} {self.url} {what} {name}\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())


@contextlib.contextmanager
def nursery(path: Path, url: str) -> Iterator[Nursery]:
    """Give what starts processes on this store and this server, until the block ends."""
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", NURSERY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root
    ) as process:
        yield Nursery(process, path, url)


def kill_after(pid: int, seconds: float) -> None:
    """Kill it with what no process can catch, and wait until it is gone."""
    time.sleep(seconds)
    os.kill(pid, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):
        while True:
            os.kill(pid, 0)
            time.sleep(0.001)


def seconds_to_open(path: Path) -> float:
    """Return how long the store takes to open and to answer after a kill."""
    began = time.monotonic()
    with Store(path) as store:
        store.cursor("label-studio:virtual:1")
        store.records("label-studio:virtual:1")
    return time.monotonic() - began


def moments(many: int) -> list[float]:
    """Return after how many seconds to kill: the same every time."""
    chance = random.Random(5)
    return [chance.uniform(0.01, 0.4) for _ in range(many)]
