"""The HTTP server: 127.0.0.1 only, every request checked before it is read, nothing written down."""

import base64
import binascii
import contextlib
import json
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from curator.errors import CuratorError, UsageError
from curator.serve import mlbackend, openai, page
from curator.serve.service import LARGEST, Refused, Service

HOST = "127.0.0.1"
SLOW = 30.0  # seconds that a client may take to send or to read a piece
HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Server(ThreadingHTTPServer):
    """A server of one service; `port` 0 takes a free one."""

    daemon_threads = True
    service: Service

    def __init__(self, service: Service, port: int) -> None:
        try:
            super().__init__((HOST, port), Handler)
        except (OSError, OverflowError) as fault:
            raise UsageError(f"Port {port} cannot be opened: {fault}. Give another: --port 8766") from None
        self.service = service
        here = self.server_address[1]
        self.hosts = {f"{name}:{here}" for name in ("127.0.0.1", "localhost")}

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://{HOST}:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say on the terminal that a fault of ours was met, without what was asked; let a client go that hung up."""
        fault = sys.exc_info()[1]
        if not isinstance(fault, ConnectionError | TimeoutError):
            logging.getLogger("curator").error("a request failed: %s", type(fault).__name__)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: Server
    protocol_version = "HTTP/1.1"
    timeout = SLOW
    server_version = "curator"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer a GET."""
        self._answer({"/": Handler._page, "/v1/models": Handler._models}, Handler._health)

    def do_POST(self) -> None:
        """Answer a POST."""
        self._answer({"/ask": Handler._ask, "/v1/chat/completions": Handler._chat}, Handler._task)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep no log: what is asked here concerns nobody else."""

    def _answer(self, routes: dict[str, "Route"], backend: "Route") -> None:
        self.begun = told = False
        try:
            self._admit()
            route = routes.get(self.path.partition("?")[0], backend)
            if route is not Handler._page and not self.server.service.may(self._password()):
                raise Refused(401, "The token is missing or wrong.", "invalid_api_key")
            route(self)
            told = True
        except Refused as fault:
            told = self._fail(fault)
        except CuratorError as fault:
            told = self._fail(Refused(400, str(fault), "invalid_value"))
        finally:
            if not told:  # a fault of ours, which goes on to `handle_error`, or a client that hung up
                self._fail(Refused(500, "A fault of curator's own. The terminal says which.", "internal"))

    def _admit(self) -> None:
        """Refuse what comes from another site: by a name of theirs that points here, or by a page of theirs."""
        if self.headers.get("Host") not in self.server.hosts:
            raise Refused(403, "This server is 127.0.0.1 and localhost, and nobody else.", "wrong_host")
        origin = self.headers.get("Origin")
        if origin is not None and origin.removeprefix("http://") not in self.server.hosts:
            raise Refused(403, "Pages of other sites may not ask here.", "wrong_origin")

    def _password(self) -> str:
        kind, _, said = (self.headers.get("Authorization") or "").partition(" ")
        if kind.lower() == "basic":  # what Label Studio can send: any user, the token as password
            try:
                return base64.b64decode(said, validate=True).decode("utf-8").partition(":")[2]
            except (binascii.Error, UnicodeDecodeError):
                return ""
        return said if kind.lower() == "bearer" else ""

    def _body(self) -> dict[str, Any]:
        """Return the JSON object that was sent."""
        if (self.headers.get_content_type()) != "application/json":
            raise Refused(415, "Send JSON, with Content-Type: application/json.", "unsupported_media_type")
        length = self.headers.get("Content-Length", "")
        if not length.isascii() or not length.isdigit():
            raise Refused(411, "Send a Content-Length.", "length_required")
        if len(length) > 12 or int(length) > LARGEST:
            raise Refused(413, f"At most {LARGEST >> 10} KiB are read.", "too_large")
        try:
            said = json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError):
            raise Refused(400, "This is not JSON.", "invalid_json") from None
        if not isinstance(said, dict):
            raise Refused(400, "The request must be one JSON object.", "invalid_type")
        return said

    def _page(self) -> None:
        text, policy = page.page(self.server.service)
        self._send(200, text.encode(), "text/html; charset=utf-8", {"Content-Security-Policy": policy})

    def _models(self) -> None:
        self._json(200, openai.models(self.server.service))

    def _ask(self) -> None:
        service, said = self.server.service, page.question(self._body())
        self._events(service.one_at_a_time(lambda: service.voices.stream(*said)), "")

    def _chat(self) -> None:
        service = self.server.service
        request = openai.asked(service, self._body())
        pieces = service.one_at_a_time(lambda: openai.complete(service, request))
        if request.stream:
            self._events(openai.chunks(request, pieces), "data: [DONE]\n\n")
        else:
            self._json(200, openai.whole(request, pieces))

    def _health(self) -> None:
        what, role = self._backend()
        if what != "health":
            raise Refused(404, f"There is nothing at {self.path[:60]!r}.", "not_found")
        mlbackend.roles(self.server.service, role)
        self._json(200, mlbackend.health(self.server.service))

    def _task(self) -> None:
        what, role = self._backend()
        answers: dict[str, Callable[[], Any]] = {
            "setup": lambda: mlbackend.setup(self.server.service, self._body(), role),
            "predict": lambda: mlbackend.predict(self.server.service, self._body(), role),
            "webhook": lambda: self._body() and {},  # Label Studio tells of every change; nothing is learned here
        }
        if what not in answers:
            raise Refused(404, f"There is nothing at {self.path[:60]!r}.", "not_found")
        self._json(200, answers[what]())

    def _backend(self) -> tuple[str, str | None]:
        """Return what Label Studio asks for, and of which role: /predict, or /ml/ROLE/predict."""
        match self.path.partition("?")[0].strip("/").split("/"):
            case [what]:
                return what, None
            case ["ml", role, what]:
                return what, role
        return "", None

    def _events(self, events: Iterator[Any], last: str) -> None:
        """Send server-sent events until there are no more; the connection then closes."""
        first = next(events)  # a refusal is still an answer of its own
        self.begun = self.close_connection = True
        self._head(200, "text/event-stream", {"Connection": "close"})
        self._piece(first)
        try:
            for event in events:
                self._piece(event)
            self.wfile.write(last.encode())
        except CuratorError as fault:
            self._piece(openai.error(Refused(400, str(fault))))

    def _piece(self, event: Any) -> None:
        self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())
        self.wfile.flush()

    def _json(self, status: int, said: Any, more: dict[str, str] | None = None) -> None:
        self._send(status, json.dumps(said).encode(), "application/json", more or {})

    def _send(self, status: int, body: bytes, kind: str, more: dict[str, str]) -> None:
        self.begun = True
        self._head(status, kind, {"Content-Length": str(len(body))} | more)
        self.wfile.write(body)

    def _head(self, status: int, kind: str, more: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in (HEADERS | {"Content-Type": kind} | more).items():
            self.send_header(name, value)
        self.end_headers()

    def _fail(self, fault: Refused) -> bool:
        """Answer with a fault in OpenAI's shape, and close: what was sent may not have been read."""
        self.close_connection = True
        more = {"Connection": "close"} | ({"WWW-Authenticate": "Bearer"} if fault.status == 401 else {})
        with contextlib.suppress(ConnectionError, TimeoutError):
            if not self.begun:
                self._json(fault.status, openai.error(fault), more)
        return True


Route = Callable[[Handler], None]


def serve(server: Server, stop: threading.Event) -> int:
    """Answer until `stop` is set; return how many answers were given."""
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.2}, daemon=True).start()
    stop.wait()
    server.shutdown()
    server.server_close()
    return server.service.answered
