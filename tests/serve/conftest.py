"""The tiny model of the training tests, behind a real server on a free port."""

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from curator.ask import Voices
from curator.pack import Pack
from curator.review import suggestion
from curator.serve.server import Server, serve
from curator.serve.service import Service
from curator.training.train import TrainSettings, train
from tests.model.conftest import dataset, one_thread, pack, tiny

__all__ = ["dataset", "one_thread", "pack", "tiny"]

PAGE = """<View><Text name="s" value="$situation"/>
<Choices name="verdict" toName="s" required="true"><Choice value="fine"/><Choice value="unfair"/></Choices>
<TextArea name="analysis" toName="s"/></View>"""


@pytest.fixture(scope="session")
def voices(dataset: Path, tiny: Path, pack: Pack, tmp_path_factory: pytest.TempPathFactory) -> Voices:
    settings = TrainSettings(rank=8, alpha=16, layers=2, rate=2e-2, epochs=2, scenarios=1)
    adapter = train(dataset, tmp_path_factory.mktemp("trained") / "little-1", tiny, settings).folder
    return Voices.load(pack.model_copy(update={"config": PAGE, "crisis": "Call for <b>help</b>."}), tiny, adapter)


@dataclass
class Reply:
    """An answer of the server."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def events(self) -> list[Any]:
        """What a stream of server-sent events said; the last word of OpenAI's as it is."""
        lines = [part.removeprefix("data: ") for part in self.text.split("\n\n") if part]
        return [line if line == "[DONE]" else json.loads(line) for line in lines]


@dataclass
class Client:
    """A raw HTTP client: it sends what it is told to and nothing more."""

    server: Server

    @property
    def port(self) -> int:
        return int(self.server.server_address[1])

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        sent = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        usual = {} if body is None else {"Content-Type": "application/json"}
        link.request(method, path, sent, usual | {name.replace("_", "-"): value for name, value in headers.items()})
        answer = link.getresponse()
        reply = Reply(answer.status, dict(answer.getheaders()), answer.read().decode())
        link.close()
        return reply


Start = Callable[..., Client]


@pytest.fixture(scope="session")
def start(voices: Voices) -> Iterator[Start]:
    """Start a server of the tiny model; all end with the tests."""
    stops = []

    def begin(token: str = "") -> Client:
        server, stop = Server(Service(voices, suggestion, token), 0), threading.Event()
        thread = threading.Thread(target=serve, args=(server, stop))
        thread.start()
        stops.append((stop, thread))
        return Client(server)

    yield begin
    for stop, thread in stops:
        stop.set()
        thread.join()


@pytest.fixture(scope="session")
def ask(start: Start) -> Client:
    return start()
