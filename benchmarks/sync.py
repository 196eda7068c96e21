"""Pull and push against Label Studio's own export and the plain SDK, in one run, each in a process of its own.

CURATOR_BENCH_TASKS (10,000) tasks with 3 answers each on an embedded server. Seconds by the clock, memory as the most
that the process ever held. Steps of the same name took turns CURATOR_BENCH_ROUNDS (3) times; their medians are shown.
"""

import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from curator.example import pseudonym
from curator.labels.results import to_result
from curator.pack import Pack, find_pack, load_pack
from curator.store import Person, Store
from curator.studio.client import Client, connect
from curator.studio.people import OWNER, accounts, make_accounts
from curator.studio.push import ensure_project, push, task_data
from curator.studio.server import embedded
from curator.studio.sync import pull

TASKS = int(os.environ.get("CURATOR_BENCH_TASKS", "10000"))
ROUNDS = int(os.environ.get("CURATOR_BENCH_ROUNDS", "3"))
CHANGED = 50
KEY = b"k" * 32
ROLES = {"ann": "hr", "bob": "employee", "cleo": "manager"}
PATIENCE = 3600.0


def main() -> None:
    """Run every step and print the table."""
    with tempfile.TemporaryDirectory(prefix="curator-bench-") as place:
        root = Path(place)
        with embedded(root / "studio") as server:
            people = [Person(f"{n}@x.example", r, pseudonym(KEY, "annotator", n)) for n, r in ROLES.items()]
            ids = {email: one.id for email, one in make_accounts(root / "studio", people).items()}
            told = {"url": server.url, "token": accounts(root / "studio")[OWNER].token, "ids": ids, "root": str(root)}
            with Store(root / "store.db") as store:
                store.put_people(people)
                told["project"] = ensure_project(_link(told), store, _pack(), "embedded", annotators=3)
                told["empty"] = ensure_project(_link(told), store, _pack(), "embedded", annotators=3, part="raw")
            (root / "told.json").write_text(json.dumps(told))
            shutil.copy(root / "store.db", root / "blank.db")
            _table(_rows(root, told))


def _rows(root: Path, told: dict[str, Any]) -> list[tuple[str, dict[str, float]]]:
    rows: list[tuple[str, dict[str, float]]] = []

    def step(name: str, what: str) -> None:
        command = [sys.executable, "-c", f"from benchmarks.sync import run; run({what!r}, {str(root)!r})"]
        said = subprocess.run(command, capture_output=True, text=True, check=True)
        one = json.loads(said.stdout.splitlines()[-1])
        rows.append((name, one))
        print(f"{name}: {one['seconds']:.2f} s", file=sys.stderr, flush=True)

    step(f"seed: import {TASKS:,} tasks with 3 answers each", "seed")
    seeded = time.monotonic()
    for _ in range(ROUNDS):
        step("Label Studio's export, parsed", "export")
        step("**curator pull**, the first time", "first")
    step("plain SDK: every task of tasks.list", "sdk")
    step("**curator pull**, nothing new, within 10 minutes of the import", "again")
    time.sleep(max(0.0, 640 - (time.monotonic() - seeded)))
    step("**curator pull**, nothing new", "again")
    step("**curator pull**, nothing new, again", "again")
    step(f"edit {CHANGED} answers, one request each", "edit")
    step(f"**curator pull**, {CHANGED} changed", "again")
    step(f"raw import of {TASKS:,} scenarios, chunks of 500", "import")
    step(f"**curator push** of {TASKS:,} scenarios", "push")
    step("**curator push** of the same again", "push")
    return rows


def _table(rows: list[tuple[str, dict[str, float]]]) -> None:
    print("| step | seconds | of these reading from the server | reads | memory, MB |")
    print("|---|---:|---:|---:|---:|")
    for name in dict.fromkeys(name for name, _ in rows):
        some = sorted((one for other, one in rows if other == name), key=lambda one: one["seconds"])
        one = some[len(some) // 2]
        told = f"{one['seconds']:.2f} | {one['requests']:.2f} | {one['asked']} | {one['memory']:.0f}"
        print(f"| {name} | {told} |")


def run(what: str, root: str) -> None:
    """Do one step and print its time and its memory: the body of a process."""
    told = json.loads((Path(root) / "told.json").read_text())
    work = STEPS[what]
    link = _link(told)
    asking = _watch(link)
    began = time.monotonic()
    work(link, told)
    seconds = time.monotonic() - began
    most = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    memory = int(most[1]) / 1024 if most else 0.0
    print(json.dumps({"seconds": seconds, "requests": sum(asking), "asked": len(asking), "memory": memory}))


def _watch(link: Client) -> list[float]:
    """Return a list that fills with the seconds of every read of this client."""
    took: list[float] = []
    ask = link._ask

    def timed(*words: Any, **more: Any) -> Any:
        began = time.monotonic()
        try:
            return ask(*words, **more)
        finally:
            took.append(time.monotonic() - began)

    link._ask = timed  # type: ignore[method-assign]
    return took


def _seed(link: Client, told: dict[str, Any]) -> None:
    pack, ids = _pack(), list(told["ids"].values())
    for start in range(0, TASKS, 1000):
        rows = []
        for number in range(start, min(start + 1000, TASKS)):
            answers = [
                {"result": to_result(pack, _answer(number, turn)), "completed_by": by, "lead_time": 10.0}
                for turn, by in enumerate(ids)
            ]
            rows.append({"data": task_data(pack, _scenario(number)), "annotations": answers})
        _post(link, f"api/projects/{told['project']}/import", rows)


def _export(link: Client, told: dict[str, Any]) -> None:
    said = link.get(f"api/projects/{told['project']}/export", exportType="JSON", download_all_tasks="true")
    assert len(said) == TASKS


def _sdk(link: Client, told: dict[str, Any]) -> None:
    from label_studio_sdk import LabelStudio

    client = LabelStudio(base_url=told["url"], api_key=told["token"], timeout=PATIENCE)
    everything = list(client.tasks.list(project=told["project"], fields="all", page_size=500))
    assert len(everything) == TASKS


def _first(link: Client, told: dict[str, Any]) -> None:
    shutil.copy(Path(told["root"]) / "blank.db", Path(told["root"]) / "store.db")
    _pull(link, told)


def _pull(link: Client, told: dict[str, Any]) -> None:
    with Store(Path(told["root"]) / "store.db") as store:
        pull(link, store, told["project"], _pack(), KEY, "embedded")


def _edit(link: Client, told: dict[str, Any]) -> None:
    with Store(Path(told["root"]) / "store.db") as store:
        names = sorted(store.records(f"label-studio:embedded:{told['project']}"), key=int)
    chance = random.Random(3)
    for name in chance.sample(names, CHANGED):
        result = to_result(_pack(), {"verdict": "reasonable", "severity": 1, "analysis": f"Edited: {time.time()}"})
        said = link._http.patch(
            f"{link.url}/api/annotations/{name}/", json={"result": result}, headers=link._credentials(), timeout=600
        )
        said.raise_for_status()


def _import(link: Client, told: dict[str, Any]) -> None:
    for start in range(0, TASKS, 500):
        rows = [{"data": task_data(_pack(), _scenario(n))} for n in range(start, min(start + 500, TASKS))]
        _post(link, f"api/projects/{told['empty']}/import", rows)


def _push(link: Client, told: dict[str, Any]) -> None:
    with Store(Path(told["root"]) / "store.db") as store:
        target = ensure_project(link, store, _pack(), "embedded", annotators=3, part="pushed")
        push(link, store, _pack(), target, [_scenario(n) for n in range(TASKS)])


STEPS: dict[str, Callable[[Client, dict[str, Any]], None]] = {
    "seed": _seed,
    "export": _export,
    "sdk": _sdk,
    "first": _first,
    "again": _pull,
    "edit": _edit,
    "import": _import,
    "push": _push,
}


def _post(link: Client, path: str, rows: list[dict[str, Any]]) -> None:
    said: httpx.Response = link._http.post(
        f"{link.url}/{path}", json=rows, headers=link._credentials(), timeout=PATIENCE
    )
    said.raise_for_status()


def _link(told: dict[str, Any]) -> Client:
    return connect(told["url"], told["token"], deadline=PATIENCE)


def _pack() -> Pack:
    return load_pack(find_pack("workplace", []))


def _scenario(number: int) -> dict[str, Any]:
    return {
        "situation": f"Case {number}: the shift of person {number % 97} was moved the evening before, and nobody asked"
        " whether that was possible at home, though the rota is fixed a month ahead.",
        "context": "A warehouse with sixty people and two shifts.",
        "key": f"case-{number}",
    }


def _answer(number: int, turn: int) -> dict[str, Any]:
    said = f"Voice {turn} finds that case {number} was settled over somebody's head, which hurts trust, needed or not."
    return {"verdict": "questionable", "severity": 1 + (number + turn) % 5, "analysis": said}


if __name__ == "__main__":
    main()
