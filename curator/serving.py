"""Serve a workspace's model on this machine until somebody stops it."""

import secrets
import signal
import threading
from collections.abc import Callable
from types import FrameType

from curator import modelling
from curator.progress import Progress, quiet
from curator.review import suggestion
from curator.serve.server import Server, serve
from curator.serve.service import Service
from curator.workspace import Workspace

PORT = 8765


def serve_model(
    workspace: Workspace,
    port: int = PORT,
    name: str | None = None,
    *,
    token: bool = False,
    ready: Callable[[Server], None] = lambda server: None,
    progress: Progress = quiet,
) -> int:
    """Serve the model (default: the last one) until Ctrl-C or SIGTERM, and return how many answers were given.

    `ready` is called once it answers. With `token`, only who knows the server's own fresh token may ask.
    """
    voices = modelling.voices(workspace, name, progress)
    server = Server(Service(voices, suggestion, secrets.token_urlsafe(24) if token else ""), port)
    stop = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        ready(server)
        return serve(server, stop)
    finally:
        for number, usual in before.items():
            signal.signal(number, usual)
