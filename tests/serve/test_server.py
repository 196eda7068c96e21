"""Who may ask, what may be sent, and what a page of another site cannot do."""

import json
import socket
import threading

import pytest

from curator.errors import UsageError
from curator.review import suggestion
from curator.serve.server import Server, serve
from curator.serve.service import LARGEST, Refused, Service

from .conftest import Client, Start

SCENE = {"situation": "In ward 55 a shift was moved.", "context": "a ward"}


def test_the_page_lets_nothing_in_and_nothing_out(ask: Client) -> None:
    page = ask("GET", "/")

    policy = page.headers["Content-Security-Policy"]
    nonce = policy.partition("'nonce-")[2].partition("'")[0]
    assert policy == (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    assert len(nonce) == 22
    assert page.text.count(f'nonce="{nonce}"') == 3
    assert nonce not in ask("GET", "/").text
    assert "http://" not in page.text
    assert "https://" not in page.text
    assert "Access-Control-Allow-Origin" not in page.headers
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert "Call for \\u003cb\\u003ehelp\\u003c/b\\u003e." in page.text  # people's words are never markup


def test_the_page_gets_verdicts_and_then_words(ask: Client) -> None:
    reply = ask("POST", "/ask", SCENE | {"stakeholders": ["clerk"]})

    assert (reply.status, reply.headers["Content-Type"]) == (200, "text/event-stream")
    kinds = [(event["event"], event["which"]) for event in reply.events]
    assert kinds[:3] == [("verdict", "base"), ("verdict", "tuned"), ("text", "base")]
    assert kinds[-1] == ("end", "tuned")
    assert {event["stakeholder"] for event in reply.events} == {"clerk"}


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Host": "evil.example"}, 403, "wrong_host"),
        ({"Host": "127.0.0.1"}, 403, "wrong_host"),  # a port of somebody else
        ({"Origin": "http://evil.example"}, 403, "wrong_origin"),
        ({"Origin": "null"}, 403, "wrong_origin"),
        ({"Content_Type": "text/plain"}, 415, "unsupported_media_type"),
        ({"Content_Type": "application/x-www-form-urlencoded"}, 415, "unsupported_media_type"),
        ({"Content_Length": str(LARGEST + 1)}, 413, "too_large"),
        ({"Content_Length": "-1"}, 411, "length_required"),
        ({"Content_Length": "9" * 5000}, 413, "too_large"),
    ],
)
def test_what_is_not_admitted(ask: Client, headers: dict[str, str], status: int, code: str) -> None:
    reply = ask("POST", "/ask", SCENE, **headers)

    assert (reply.status, reply.json["error"]["code"]) == (status, code)
    assert sorted(reply.json["error"]) == ["code", "message", "param", "type"]


def test_its_own_page_may_ask(ask: Client) -> None:
    for name in ("127.0.0.1", "localhost"):
        host = f"{name}:{ask.port}"
        assert ask("GET", "/v1/models", Host=host, Origin=f"http://{host}").status == 200


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "This is not JSON."),
        (b"[" * 100_000, "This is not JSON."),
        ([], "The request must be one JSON object."),
        ({"situation": 3}, "Give situation, context and stakeholders."),
        ({"situation": "x", "stakeholders": "nurse"}, "Give situation, context and stakeholders."),
        ({"situation": " "}, "There is no situation to ask about. Give one sentence at least."),
        ({"situation": "x", "stakeholders": ["nurce"]}, "Did you mean 'nurse'?"),
        ({"situation": "x " * 9000}, "tokens long; at most 4,096 are read. Shorten it."),
    ],
)
def test_what_cannot_be_answered_is_said(ask: Client, body: object, message: str) -> None:
    reply = ask("POST", "/ask", body)

    assert reply.status == 400
    assert reply.json["error"]["message"].endswith(message)


def test_with_a_token_only_the_page_is_open(start: Start) -> None:
    ask = start("secret")

    assert ask("GET", "/").status == 200
    assert ask("GET", "/v1/models").status == 401
    assert ask("GET", "/health").status == 401
    assert ask("POST", "/ask", SCENE, Authorization="Bearer wrong").status == 401
    assert ask("GET", "/v1/models", Authorization="Bearer secret").status == 200
    assert ask("GET", "/health", Authorization="Basic eDpzZWNyZXQ=").status == 200  # x:secret, as Label Studio sends it
    assert ask("GET", "/health", Authorization="Basic !").status == 401


def test_who_hangs_up_holds_up_nobody(ask: Client) -> None:
    with socket.create_connection(("127.0.0.1", ask.port)) as link:
        body = json.dumps(SCENE).encode()
        head = f"POST /ask HTTP/1.1\r\nHost: 127.0.0.1:{ask.port}\r\nContent-Type: application/json\r\n"
        link.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        assert link.recv(12) == b"HTTP/1.1 200"

    assert ask("POST", "/ask", SCENE | {"stakeholders": ["clerk"]}).events[-1]["event"] == "end"


def test_one_more_than_may_wait_is_sent_away(ask: Client) -> None:
    service = Service(ask.server.service.voices, suggestion)
    waiting = [service.one_at_a_time(lambda: iter([1, 2])) for _ in range(8)]
    assert [next(pieces) for pieces in waiting] == [1] * 8

    with pytest.raises(Refused, match="8 requests wait already"):
        next(service.one_at_a_time(lambda: iter([1])))

    waiting[0].close()
    assert list(service.one_at_a_time(lambda: iter([1, 2]))) == [1, 2]
    assert service.answered == 1


def test_a_port_that_is_taken_is_said(ask: Client) -> None:
    with pytest.raises(UsageError, match=f"Port {ask.port} cannot be opened: .* Give another: --port"):
        Server(ask.server.service, ask.port)


def test_it_ends_when_it_is_told_to(ask: Client) -> None:
    server, stop = Server(Service(ask.server.service.voices, suggestion), 0), threading.Event()
    stop.set()

    assert serve(server, stop) == 0
    with pytest.raises(ConnectionRefusedError):
        Client(server)("GET", "/health")


def test_there_is_nothing_else(ask: Client) -> None:
    for method, path in (("GET", "/etc/passwd"), ("GET", "/../x"), ("POST", "/v1/embeddings"), ("POST", "/ml/x/y/z")):
        assert ask(method, path, {} if method == "POST" else None).status == 404
    assert ask("DELETE", "/").status == 501
