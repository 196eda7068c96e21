"""The seam against a server that lies, stalls, breaks off or sends us away."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from curator.errors import AuthError, SourceError, UsageError
from curator.studio.client import Client, Rejected, Unreadable, Unsure, connect
from curator.studio.listing import ask, pages

Answer = tuple[int, bytes | object, dict[str, str]]
TOKEN = "legacy-token-that-must-stay-unseen"


@pytest.fixture
def fake() -> Iterator[Callable[..., Client]]:
    """Give a maker of clients whose server says what the test's function returns for (number, path)."""
    servers = []

    def make(say: Callable[[int, str], object], deadline: float = 5.0) -> Client:
        asked: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                said = say(len(asked), self.path)
                status, body, headers = said if isinstance(said, tuple) else (200, said, {})
                if callable(body):
                    body(self)
                    return
                raw = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.do_GET()

            def log_message(self, *_: object) -> None: ...

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        client = Client(f"http://127.0.0.1:{server.server_port}", TOKEN, deadline)
        client.asked = asked  # type: ignore[attr-defined]
        return client

    yield make
    for server in servers:
        server.shutdown()


def test_a_passing_fault_is_read_again(fake):
    client = fake(lambda n, _: (503, b"busy", {}) if n < 3 else {"fine": True})

    assert client.get("api/x") == {"fine": True}
    assert len(client.asked) == 3


def test_a_fault_that_stays_ends_after_three_reads(fake):
    client = fake(lambda n, _: (500, b"", {}))

    with pytest.raises(Unreadable, match="answers api/x with 500"):
        client.get("api/x")
    assert len(client.asked) == 3


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        ((200, b"<html>log in</html>", {}), SourceError, "a web page"),
        ((200, b'{"tasks": [1, 2', {}), SourceError, "broken JSON"),
        ((200, b'{"a": 1, "a": 2}', {}), SourceError, "broken JSON"),
        ((200, b'{"a": NaN}', {}), SourceError, "broken JSON"),
        ((302, b"", {"Location": "http://elsewhere.example/"}), SourceError, "elsewhere.example"),
        ((401, b"{}", {}), AuthError, "refuses the token"),
        ((403, b"{}", {}), AuthError, "refuses the token"),
        ((404, b'{"detail": "gone"}', {}), SourceError, "gone"),
        ((400, b'{"detail": "no"}', {}), Rejected, "no"),
    ],
)
def test_each_fault_is_one_line_without_the_token(fake, said, kind, words):
    with pytest.raises(kind) as fault:
        fake(lambda n, _: said).get("api/x", tries=1)

    assert words in str(fault.value)
    assert "\n" not in str(fault.value)
    assert TOKEN not in str(fault.value)


def test_a_byte_now_and_then_does_not_hold_us(fake):
    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        for _ in range(100):
            handler.wfile.write(b" ")
            time.sleep(0.05)

    began = time.monotonic()
    with pytest.raises(SourceError, match="no whole answer within"):
        fake(lambda n, _: (200, drip, {}), deadline=0.4).get("api/x", tries=1)
    assert time.monotonic() - began < 2


def test_a_write_is_sent_once_and_left_open_where_the_server_does_not_say(fake):
    client = fake(lambda n, path: (502, b"", {}))

    with pytest.raises(Unsure):
        client.import_tasks(1, [{"data": {}}])
    assert len(client.asked) == 1


def test_nobody_there_is_one_clear_line():
    with pytest.raises(SourceError) as fault:
        connect("http://127.0.0.1:9", TOKEN)

    assert (
        str(fault.value) == "127.0.0.1:9 cannot be reached: nobody answers there. Nothing was changed; is it running?"
    )


def test_an_old_server_is_refused_unless_told_otherwise(fake):
    old = fake(lambda n, path: {"release": "1.20.1"} if "version" in path else {"id": 7})

    with pytest.raises(UsageError, match=r"Label Studio 1\.20\.1; curator needs 1\.23\.0 .* any_version = true"):
        connect(old.url, TOKEN)
    assert connect(old.url, TOKEN, any_version=True).me == 7


def test_an_address_that_is_none_is_refused():
    with pytest.raises(UsageError, match="not the address of a server"):
        connect("label-studio", TOKEN)


def tasks(*ids: int, total: int | None = None) -> dict[str, object]:
    plain = {"data": {}, "annotations": [], "created_at": "2026-01-31T09:00:00Z", "updated_at": "2026-01-31T09:00:00Z"}
    return {"tasks": [{"id": i, **plain} for i in ids], "total": len(ids) if total is None else total}


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (tasks(1, 2, total=5), "2 of 3"),
        (tasks(total=5), "0 of 3"),
        (tasks(2, 1), "out of order"),
        (tasks(1, 1), "twice"),
        ({"tasks": [{}], "total": 1}, "without an id"),
        ({"detail": "maintenance"}, "something else"),
        ([], "something else"),
        (None, "something else"),
    ],
)
def test_a_list_that_is_not_whole_is_never_taken_for_the_end(fake, said, words):
    with pytest.raises(SourceError, match=words):
        ask(fake(lambda n, _: said), 1, [], 3)


def test_pages_follow_the_ids_until_none_is_left(fake):
    client = fake(lambda n, _: [tasks(1, 2, total=5), tasks(4, 5, total=3), tasks(9)][n - 1])

    assert [[t["id"] for t in page.tasks] for page in pages(client, 1, size=2)] == [[1, 2], [4, 5], [9]]


def test_a_server_that_fails_altogether_is_not_taken_for_bad_records(fake):
    with pytest.raises(Unreadable):
        list(pages(fake(lambda n, _: (500, b"", {})), 1))
