"""A proxy on loopback that spoils what one request gets: byte by byte, as networks and servers do.

Between curator and the virtual server. `spoil` says for which request (the n-th whose path matches) what is done.
"""

import contextlib
import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

Send = Callable[[bytes], None]


@dataclass
class Exchange:
    """One request and what the server behind said, before the proxy does its worst."""

    path: str
    status: int
    body: bytes
    headers: dict[str, str]

    def raw(self, *, body: bytes | None = None, status: int | None = None, **more: str) -> bytes:
        """Return the answer as bytes on the wire, with changes."""
        whole = self.body if body is None else body
        told = {"Content-Length": str(len(whole)), **self.headers, **{k.replace("_", "-"): v for k, v in more.items()}}
        lines = [f"HTTP/1.1 {status or self.status} said", *(f"{name}: {value}" for name, value in told.items())]
        return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + whole


Spoiler = Callable[[Exchange, Send], None]


@dataclass
class Proxy:
    """Where it listens, what it spoils, and what it was asked."""

    upstream: str
    spoiler: Spoiler | None = None
    at: str = "/api/tasks"  # which requests are counted
    first: int = 1  # the first that is spoiled,
    last: int = 10**9  # and the last
    asked: list[str] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def handle(self, link: socket.socket) -> None:
        with contextlib.closing(link), contextlib.suppress(OSError):
            head, _, body = _until(link, b"\r\n\r\n").partition(b"\r\n\r\n")
            line, *rest = head.decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in rest)}
            while len(body) < int(headers.get("content-length", 0)):
                body += link.recv(65536)
            method, path, _ = line.split(" ")
            wanted = {k: v for k, v in headers.items() if k in ("authorization", "content-type")}
            said = httpx.request(method, self.upstream + path, headers=wanted, content=body, trust_env=False)
            kept = {k: v for k, v in said.headers.items() if k in ("date", "content-type")}
            exchange = Exchange(path, said.status_code, said.content, kept)
            self.asked.append(path)
            count = sum(one.startswith(self.at) for one in self.asked)
            if self.spoiler and path.startswith(self.at) and self.first <= count <= self.last:
                self.spoiler(exchange, link.sendall)
            else:
                link.sendall(exchange.raw())


def _until(link: socket.socket, mark: bytes) -> bytes:
    got = b""
    while mark not in got:
        part = link.recv(65536)
        if not part or part[0] == 0x16:  # the beginning of TLS, which nobody speaks here
            raise OSError
        got += part
    return got


@contextlib.contextmanager
def between(upstream: str) -> Iterator[Proxy]:
    """Give a proxy before this server, which ends with the block."""
    proxy = Proxy(upstream)
    door = socket.create_server(("127.0.0.1", 0))
    proxy.port = door.getsockname()[1]

    def listen() -> None:
        with contextlib.suppress(OSError):
            while True:
                link, _ = door.accept()
                threading.Thread(target=proxy.handle, args=(link,), daemon=True).start()

    threading.Thread(target=listen, daemon=True).start()
    try:
        yield proxy
    finally:
        door.shutdown(socket.SHUT_RDWR)
        door.close()


# What can be done to an answer


def status(code: int, body: bytes = b'{"detail": "no"}', **headers: str) -> Spoiler:
    return lambda said, send: send(said.raw(body=body, status=code, **headers))


def changed(change: Callable[[bytes], bytes]) -> Spoiler:
    return lambda said, send: send(said.raw(body=change(said.body)))


def told_length(more: int) -> Spoiler:
    """Tell a length that is `more` than what is sent."""
    return lambda said, send: send(said.raw(Content_Length=str(len(said.body) + more)))


def cut_chunk(said: Exchange, send: Send) -> None:
    whole = said.raw(body=b"", Transfer_Encoding="chunked").replace(b"Content-Length: 0\r\n", b"")
    send(whole + b"ffff\r\n" + said.body[: len(said.body) // 2])


def closed(said: Exchange, send: Send) -> None:
    """Close before a word is said."""


def silent(said: Exchange, send: Send) -> None:
    time.sleep(3)


def dripping(said: Exchange, send: Send) -> None:
    for byte in said.raw():
        send(bytes([byte]))
        time.sleep(0.02)


BOMB = gzip.compress(b" " * 20_000_000, 1)


def bomb(said: Exchange, send: Send) -> None:
    """A gzip of 20 MB of blanks, 90 KB on the wire."""
    send(said.raw(body=BOMB, Content_Encoding="gzip"))


def endless(said: Exchange, send: Send) -> None:
    send(said.raw(body=b"", Content_Length=str(10**10)))
    while True:
        send(b" " * 65536)


def garbage(said: Exchange, send: Send) -> None:
    send(b"\x00\xff not HTTP at all\r\n\r\n")


def redirect(to: str) -> Spoiler:
    return status(302, b"", Location=to)


def nothing(*_: Any) -> None: ...
