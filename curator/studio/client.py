"""The narrow seam to any Label Studio. Only this file and `interface.py` name `label_studio_sdk`.

Reads are plain JSON, checked, with a deadline over the whole answer and few retries. Writes go through the SDK and
are never sent twice: whoever gets `Unsure` lists what is there and compares. No message shows a token.
"""

import contextlib
import json
import random
import re
import threading
import time
from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
import jiter

from curator.errors import AuthError, CuratorError, SourceError, UsageError
from curator.studio.words import moment, no_connection, seconds_to_wait, short

OLDEST = (1, 23, 0)
DEADLINE = 120.0  # seconds for one answer, from the first byte sent to the last byte read
LARGEST = 512 * 1024 * 1024  # bytes of one answer, unpacked
TRIES = 3
LONGEST = 30.0  # seconds to wait before the next try, whatever the server asks for
FRESH = 240.0  # seconds; an access token lives for 300

T = TypeVar("T")


class Unreadable(SourceError):
    """The server fails over this record: status 500."""


class NotThere(SourceError):
    """What was asked for is not on the server."""


class Rejected(SourceError):
    """The server refuses what was sent as wrong."""


class Unsure(SourceError):
    """The server did not say whether it took what was sent."""


class _Passing(Exception):
    """A read that may go well the next time; carries the error to raise when it does not."""

    def __init__(self, error: CuratorError, wait: float | None = None) -> None:
        super().__init__(str(error))
        self.error, self.wait = error, wait


def connect(url: str, token: str, *, any_version: bool = False, deadline: float | None = None) -> "Client":
    """Return a client whose token the server takes; refuse servers older than 1.23.0 unless `any_version`."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"{url!r} is not the address of a server. Write it like https://label-studio.example.org")
    client = Client(url.rstrip("/"), token, deadline)
    said = client.get("api/version")
    release = str(said.get("release", "")) if isinstance(said, dict) else ""
    found = tuple(int(n) for n in re.findall(r"\d+", release)[:3])
    if found < OLDEST and not any_version:
        raise UsageError(
            f"{client.name} runs Label Studio {release or 'of an unknown version'}; curator needs 1.23.0 or newer."
            " Update it, or go on all the same with any_version = true under [server] in curator.toml."
        )
    client.me = int(client.wanted(client.get("api/current-user/whoami"), dict, "whoami")["id"])
    return client


class Client:
    """One person's connection to one server."""

    def __init__(self, url: str, token: str, deadline: float | None = None) -> None:
        self.url, self.deadline = url, deadline or DEADLINE
        self.name = urlsplit(url).netloc.rpartition("@")[2]
        self.me = 0  # the account's id, once `connect` has asked
        self.clock: datetime | None = None  # the server's own, as it last told; it need not be right
        self._token = token
        self._access: tuple[str, float] | None = None

    def __repr__(self) -> str:
        return f"Client({self.url!r})"

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def get(self, path: str, *, tries: int = TRIES, **query: Any) -> Any:
        """Return the JSON at `path`, read again a few times where the fault may pass."""
        for attempt in range(1, tries + 1):
            try:
                return self._read(path, query)
            except _Passing as fault:
                if attempt == tries:
                    raise fault.error from None
                pause = 0.5 * 2 ** (attempt - 1) * random.uniform(0.8, 1.2)  # noqa: S311  no secret
                _pause(min(fault.wait if fault.wait is not None else pause, LONGEST))
        raise AssertionError("there is at least one try")

    def wanted(self, said: Any, shape: type[T], what: str) -> T:
        """Return what the server said where it has the right shape; SourceError otherwise."""
        if isinstance(said, shape):
            return said
        raise SourceError(f"{self.name} answers {what} with something else ({short(said)}). Nothing of it was kept.")

    def users(self) -> dict[int, str]:
        """Return the e-mail of every account by its id."""
        said = self.wanted(self.get("api/users"), list, "the list of accounts")
        return {int(one["id"]): str(one["email"]) for one in said}

    def create_project(self, **settings: Any) -> int:
        """Make a project; return its id."""
        return int(self._write(lambda ls, once: ls.projects.create(**settings, request_options=once)).id)

    def change_project(self, project: int, **settings: Any) -> None:
        """Change a project's settings, after the server's own check of a new config."""
        if "label_config" in settings:
            config = settings["label_config"]
            self._write(
                lambda ls, once: ls.projects.validate_label_config(project, label_config=config, request_options=once)
            )
        self._write(lambda ls, once: ls.projects.update(project, **settings, request_options=once))

    def delete_project(self, project: int) -> None:
        """Take a project away, with all that is in it."""
        self._write(lambda ls, once: ls.projects.delete(project, request_options=once))

    def import_tasks(self, project: int, rows: list[dict[str, Any]]) -> None:
        """Send tasks: all of them arrive, or none."""
        self._write(lambda ls, once: ls.projects.import_tasks(project, request=rows, request_options=once))

    def change_task(self, task: int, data: dict[str, Any]) -> None:
        """Give a task other data, whole."""
        self._write(lambda ls, once: ls.tasks.update(str(task), data=data, request_options=once))

    def annotate(self, task: int, result: list[dict[str, Any]], **more: Any) -> int:
        """Answer a task as this account; return the annotation's id."""
        return int(
            self._write(lambda ls, once: ls.annotations.create(task, result=result, request_options=once, **more)).id
        )

    def predict(self, task: int, result: list[dict[str, Any]], model_version: str, score: float) -> None:
        """Leave a model's suggestion at a task; people see it only where the project shows suggestions."""
        self._write(
            lambda ls, once: ls.predictions.create(
                task=task, result=result, model_version=model_version, score=score, request_options=once
            )
        )

    @cached_property
    def _http(self) -> httpx.Client:
        where = urlsplit(self.url)
        here = where.hostname in ("127.0.0.1", "localhost", "::1")
        safe = where.scheme == "https"  # reading all certificates takes 50 ms, and http has no use for them
        return httpx.Client(timeout=self.deadline, follow_redirects=False, trust_env=not here, verify=safe)

    @cached_property
    def _sdk(self) -> Any:
        from label_studio_sdk import LabelStudio

        return LabelStudio(base_url=f"{self.url}/", api_key=self._token, httpx_client=self._http, max_retries=0)

    def _write(self, work: Callable[[Any, dict[str, Any]], T]) -> T:
        from label_studio_sdk.core.api_error import ApiError
        from label_studio_sdk.core.parse_error import ParsingError

        once = {"max_retries": 0, "timeout_in_seconds": int(self.deadline)}
        try:
            sdk = self._sdk  # loading it may take seconds, which are not the server's
            return self._in_time(lambda: work(sdk, once))
        except ApiError as fault:
            status = fault.status_code or 0
            if not 300 <= status < 500:  # 200 with a body that nobody can read is no answer either
                raise Unsure(f"{self.name} answered {status} to what was sent; it may have kept it.") from None
            raise self._refusal(status, fault.body, "what was sent") from None
        except (httpx.ConnectError, httpx.ConnectTimeout) as fault:
            raise self._unreachable(fault) from None
        except (httpx.HTTPError, TimeoutError, json.JSONDecodeError, ParsingError) as fault:
            raise Unsure(f"{self.name} did not say whether it took what was sent ({type(fault).__name__}).") from None

    def _read(self, path: str, query: dict[str, Any]) -> Any:
        status, headers, body = self._ask("GET", path, params=query, headers=self._credentials())
        if status == 401 and self._access is not None:  # it ran out early, or the clocks differ
            self._access = None
            status, headers, body = self._ask("GET", path, params=query, headers=self._credentials())
        if status in (408, 429):
            raise _Passing(self._refusal(status, body, path), seconds_to_wait(headers))
        if status >= 500:
            kind = Unreadable if status == 500 else SourceError
            raise _Passing(kind(f"{self.name} answers {path} with {status}. Nothing of it was kept; try again later."))
        if status != 200:
            raise self._refusal(status, body, path, headers.get("location", ""))
        self.clock = moment(headers.get("date", ""))
        try:
            return jiter.from_json(body, catch_duplicate_keys=True, allow_inf_nan=False)
        except ValueError as fault:
            what = "a web page" if body.lstrip()[:1] == b"<" else f"broken JSON ({fault})"
            raise _Passing(
                SourceError(f"{self.name} answers {path} with {what}. Nothing of it was kept; is the address right?")
            ) from None

    def _ask(self, method: str, path: str, **how: Any) -> tuple[int, httpx.Headers, bytes]:
        def whole() -> tuple[int, httpx.Headers, bytes]:
            with self._http.stream(method, f"{self.url}/{path}", **how) as answer:
                body = bytearray()
                for part in answer.iter_bytes():
                    body += part
                    if len(body) > LARGEST:
                        raise SourceError(
                            f"{self.name} answers {path} with more than {LARGEST} bytes. Nothing of it was kept."
                        )
                return answer.status_code, answer.headers, bytes(body)

        try:
            return self._in_time(whole)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as fault:
            raise _Passing(self._unreachable(fault)) from None

    def _credentials(self) -> dict[str, str]:
        if self._token.count(".") != 2:
            return {"Authorization": f"Token {self._token}"}
        if self._access is None or time.monotonic() - self._access[1] > FRESH:
            status, _, body = self._ask("POST", "api/token/refresh/", json={"refresh": self._token})
            if status >= 500:
                raise _Passing(SourceError(f"{self.name} answers {status} when asked to log in. Try again later."))
            if status != 200:
                raise self._refusal(status, body, "the token")
            try:
                self._access = (str(json.loads(body)["access"]), time.monotonic())
            except (ValueError, KeyError, TypeError):
                raise SourceError(f"{self.name} does not answer like Label Studio. Is the address right?") from None
        return {"Authorization": f"Bearer {self._access[0]}"}

    def _refusal(self, status: int, body: Any, what: str, location: str = "") -> CuratorError:
        if isinstance(body, bytes):
            with contextlib.suppress(ValueError):
                body = json.loads(body)
        if status in (401, 403):
            return AuthError(
                f"{self.name} refuses the token ({status}). What was finished is kept."
                " Take a new one from Account & Settings there."
            )
        if 300 <= status < 400:
            return SourceError(
                f"{self.name} sends us on to {short(location)}. The token was not sent there; give that address."
            )
        kind = NotThere if status == 404 else Rejected if status in (400, 409, 413, 422) else SourceError
        end = "" if kind is Rejected else ". What was finished is kept; try again."
        return kind(f"{self.name} refuses {what} ({status}): {short(body)}{end}")

    def _unreachable(self, fault: Exception) -> SourceError:
        why = str(fault)
        if isinstance(fault, TimeoutError | httpx.TimeoutException):
            why = f"no whole answer within {self.deadline:.0f} s"
        if isinstance(fault, httpx.ConnectError | httpx.ConnectTimeout):
            why = no_connection(why)
        if isinstance(fault, httpx.RemoteProtocolError | httpx.ReadError):
            why = "it broke off in the middle"
        return SourceError(f"{self.name} cannot be reached: {why}. Nothing was changed; is it running?")

    def _in_time(self, work: Callable[[], T]) -> T:
        """Do the work within the deadline, whatever it hangs on: a name look-up, a byte a second."""
        done: list[T] = []
        failed: list[BaseException] = []

        def run() -> None:
            try:
                done.append(work())
            except BaseException as fault:  # handed to the caller below
                failed.append(fault)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        thread.join(self.deadline)
        if failed:
            raise failed[0]
        if not done:
            raise TimeoutError
        return done[0]


_pause = time.sleep
