"""A Label Studio of ours, in memory: what the real one was measured to do, as fast as a test can ask.

It plugs in below httpx (`Virtual.client()`) or listens on loopback (`serving`). `faults` are what the next requests
meet: a callable gets the answer that would be given and returns or raises another one.
"""

import contextlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from curator.studio.client import Client

TOKEN = "0123456789abcdef0123456789abcdef01234567"
PERSONAL = {"created_username": "Ann Example ann@team.example, 2", "created_ago": "1 minute"}
Fault = Callable[[httpx.Response], httpx.Response]


class PoisonError(Exception):
    """A lone surrogate where the server has to show it."""


@dataclass
class Virtual:
    """One project and its people."""

    config: str
    accounts: dict[int, str]
    now: datetime = datetime(2026, 3, 1, 12, tzinfo=UTC)
    tick: timedelta = timedelta(seconds=1)  # how far the clock goes between two changes; zero: equal times
    tasks: dict[int, dict[str, Any]] = field(default_factory=dict)
    annotations: dict[int, dict[str, Any]] = field(default_factory=dict)
    description: str = ""
    projects: dict[int, dict[str, Any]] = field(default_factory=dict)
    last: int = 0  # the highest number that was given: none is given twice
    faults: list[Fault | None] = field(default_factory=list)
    between: list[Callable[[], None]] = field(default_factory=list)  # what people do before the next requests
    asked: int = 0
    me: int = 1
    mine_only: bool = False  # the token sees only its own answers

    def __post_init__(self) -> None:
        self.lock = threading.RLock()
        self.projects.setdefault(1, {"id": 1, "title": "A test", "description": "", "maximum_annotations": 1})

    # What people do

    def moment(self) -> str:
        self.now += self.tick
        return self.now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def number(self) -> int:
        self.last += 1
        return self.last

    def add_task(self, data: dict[str, Any]) -> int:
        number, at = self.number(), self.moment()
        self.tasks[number] = {"id": number, "data": data, "meta": {}, "created_at": at, "updated_at": at, "project": 1}
        return number

    def add_answer(self, task: int, result: Any, by: int, **more: Any) -> int:
        number, at = self.number(), self.moment()
        made = {"id": number, "task": task, "project": 1, "result": result, "completed_by": by, "created_at": at}
        plain = {"updated_by": None, "was_cancelled": False, "ground_truth": False, "lead_time": 1.5}
        self.annotations[number] = {**made, "updated_at": at, **plain, "parent_prediction": None, **more}
        self.tasks[task]["updated_at"] = at
        return number

    def change_answer(self, number: int, **more: Any) -> None:
        at = self.moment()
        self.annotations[number] |= {**more, "updated_at": at, "updated_by": self.annotations[number]["completed_by"]}
        self.tasks[self.annotations[number]["task"]]["updated_at"] = at

    def delete_answer(self, number: int) -> None:
        self.tasks[self.annotations.pop(number)["task"]]["updated_at"] = self.moment()

    def change_task(self, number: int, data: dict[str, Any]) -> None:
        self.tasks[number] |= {"data": data, "updated_at": self.moment()}

    def delete_task(self, number: int) -> None:
        del self.tasks[number]
        self.annotations = {n: a for n, a in self.annotations.items() if a["task"] != number}

    def backup(self) -> dict[str, Any]:
        return deepcopy({"tasks": self.tasks, "annotations": self.annotations, "last": self.last})

    def restore(self, backup: dict[str, Any]) -> None:
        vars(self).update(deepcopy(backup))

    # What the server answers

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> httpx.Response:
        """Answer one request, through whatever fault is due."""
        with self.lock:
            self.asked += 1
            if self.between:
                self.between.pop(0)()
            fault = self.faults.pop(0) if self.faults else None
            said = self._answer(method, path.strip("/"), query, body)
        return fault(said) if fault else said

    def _answer(self, method: str, path: str, query: dict[str, str], body: Any) -> httpx.Response:
        try:
            status, said = self._route(method, path, query, body)
        except PoisonError:
            status, said = 500, {"detail": "'utf-8' codec can't encode character"}
        text = json.dumps(said, ensure_ascii=False).encode("utf-8", "surrogatepass")
        headers = {"Date": format_datetime(self.now, usegmt=True), "Content-Type": "application/json"}
        return httpx.Response(status, headers=headers, content=text)

    def _route(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        if path == "api/version":
            return 200, {"release": "1.23.2"}
        if path == "api/current-user/whoami":
            return 200, {"id": self.me}
        if path == "api/users":
            return 200, [{"id": n, "email": email} for n, email in self.accounts.items()]
        if path == "api/tasks":
            return self._list(query)
        if found := re.fullmatch(r"api/annotations/(\d+)", path):
            one = self.annotations.get(int(found[1]))
            return (200, self._shown(one) | PERSONAL) if one else (404, {"detail": "Not found."})
        if path == "api/projects" and method == "GET":
            return 200, {"count": len(self.projects), "results": list(self.projects.values())}
        if path == "api/projects" and method == "POST":
            number = self.number()
            self.projects[number] = {"id": number, **body}
            return 201, self.projects[number]
        if found := re.fullmatch(r"api/projects/(\d+)(/\w+)?", path):
            return self._project(method, int(found[1]), found[2] or "", body)
        return 404, {"detail": "Not found."}

    def _project(self, method: str, number: int, what: str, body: Any) -> tuple[int, Any]:
        if number not in self.projects:
            return 404, {"detail": "Not found."}
        if method == "GET":
            answers = sum(not a["was_cancelled"] for a in self.annotations.values())
            numbers = {"task_number": len(self.tasks), "total_annotations_number": answers}
            return 200, {**self.projects[number], "label_config": self.config, **numbers}
        if what == "/import":
            made = [self.add_task(row["data"]) for row in body]
            return 201, {"task_count": len(made), "annotation_count": 0, "duration": 0.1, "task_ids": made}
        if what == "/validate":
            return 200, {}
        self.config = body.get("label_config", self.config)
        self.projects[number] |= body
        return 200, self.projects[number]

    def _list(self, query: dict[str, str]) -> tuple[int, Any]:
        asked = json.loads(query["query"])
        rows = [t for t in self.tasks.values() if all(self._passes(t, f) for f in asked["filters"]["items"])]
        ordering = asked["ordering"][0]
        rows.sort(key=lambda t: t["updated_at"] if "updated" in ordering else t["id"], reverse=ordering[0] == "-")
        start = (int(query["page"]) - 1) * int(query["page_size"])
        if start and start >= len(rows):
            return 404, {"detail": "Invalid page."}
        page = rows[start : start + int(query["page_size"])]
        whole, names = query["fields"] == "all", query["include"].split(",")
        counted = any("annotations_ids" in f["filter"] for f in asked["filters"]["items"])
        tasks = [{n: v for n, v in self._task(t, whole, counted).items() if n in names} for t in page]
        return 200, {"tasks": tasks, "total": len(rows), "total_annotations": 0, "total_predictions": 0}

    def _passes(self, task: dict[str, Any], item: dict[str, Any]) -> bool:
        column, value = item["filter"].removeprefix("filter:tasks:"), item["value"]
        match column, item["operator"]:
            case "id", "greater":
                return bool(task["id"] > value)
            case "id", "less_or_equal":
                return bool(task["id"] <= value)
            case "id", "equal":
                return bool(task["id"] == value)
            case "id", "in_list":
                return task["id"] in value
            case "updated_at", "greater_or_equal":
                assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", value), "the real server answers 500"
                return bool(task["updated_at"] >= value)
            case "annotations_ids", "not_contains":
                return True
        raise AssertionError(item)

    def _task(self, task: dict[str, Any], whole: bool, counted: bool) -> dict[str, Any]:
        mine = [a for a in self.annotations.values() if a["task"] == task["id"]]
        shown: dict[str, Any] = {**task, "inner_id": task["id"]}
        if whole:
            seen = [a for a in mine if not self.mine_only or a["completed_by"] == self.me]
            shown |= {"annotations": [self._shown(a) for a in seen], "predictions": task.get("predictions", [])}
        if counted:
            shown["annotations_ids"] = ",".join(str(a["id"]) for a in mine)[:500]
        return shown

    def _shown(self, annotation: dict[str, Any]) -> dict[str, Any]:
        if re.search("[\ud800-\udfff]", json.dumps(annotation["result"], ensure_ascii=False)):
            raise PoisonError
        return annotation

    # How it is reached

    def client(self) -> Client:
        """Return a client that asks this server without any socket."""
        link = Client("http://127.0.0.1:1", TOKEN, deadline=30)
        link._http = httpx.Client(transport=httpx.MockTransport(self._handle))
        link._in_time = lambda work: work()  # type: ignore[method-assign]  no thread: nothing here can hang
        link.me = self.me
        return link

    def _handle(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content) if request.content else None
        return self.answer(request.method, request.url.path, dict(request.url.params), body)


@contextlib.contextmanager
def serving(virtual: Virtual) -> Iterator[str]:
    """Give the address at which the server listens until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(size)) if size else None
            parts = urlsplit(self.path)
            query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            said = virtual.answer(self.command, parts.path, query, body)
            with contextlib.suppress(OSError):  # killed clients do not listen
                self.send_response_only(said.status_code)
                for name, value in said.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(said.content)

        do_POST = do_PATCH = do_GET

        def log_message(self, *_: object) -> None: ...

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """Say nothing: a client that was killed closes as it likes."""

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
