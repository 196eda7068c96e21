"""The token comes from three places, in order, and never from a file that others can read."""

import sys
import types
from pathlib import Path

import pytest

from curator import secret
from curator.errors import AuthError, PolicyError

URL = "https://label-studio.example.org"


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(secret.VARIABLE, raising=False)
    monkeypatch.setattr(secret, "_in_keyring", lambda url: "")


def kept(folder: Path, text: str, mode: int) -> Path:
    (folder / "token").write_text(text)
    (folder / "token").chmod(mode)
    return folder


def test_the_environment_comes_before_the_keyring_and_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept(tmp_path, " from-file\n", 0o600)
    assert secret.token(URL, tmp_path) == "from-file"
    monkeypatch.setattr(secret, "_in_keyring", lambda url: f"from-keyring for {url}")
    assert secret.token(URL, tmp_path) == f"from-keyring for {URL}"
    monkeypatch.setenv(secret.VARIABLE, "from-environment")
    assert secret.token(URL, tmp_path) == "from-environment"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666, 0o620])
def test_a_file_that_others_can_touch_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(PolicyError, match="chmod 600") as refused:
        secret.token(URL, kept(tmp_path, "s3cret", mode))
    assert "s3cret" not in str(refused.value)


def test_without_a_token_the_three_places_are_named(tmp_path: Path) -> None:
    for folder in (tmp_path, kept(tmp_path, "\n", 0o600)):
        with pytest.raises(AuthError, match=r"LABEL_STUDIO_API_KEY.*keyring set curator https.*\.curator/token"):
            secret.token(URL, folder)


def test_the_keyring_is_asked_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    class NoDesktopError(Exception): ...

    def answer(service: str, account: str) -> str:
        if account != URL:
            raise NoDesktopError
        return f"{service} token"

    monkeypatch.undo()
    ring, errors = types.ModuleType("keyring"), types.ModuleType("keyring.errors")
    ring.get_password, errors.KeyringError = answer, NoDesktopError  # type: ignore[attr-defined]  # a stand-in: keyring is optional
    monkeypatch.setitem(sys.modules, "keyring", ring)
    monkeypatch.setitem(sys.modules, "keyring.errors", errors)
    monkeypatch.setattr(secret.importlib.util, "find_spec", lambda name: ring)

    assert secret._in_keyring(URL) == "curator token"
    assert secret._in_keyring("http://other") == ""
