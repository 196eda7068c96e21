"""The token of a server: from the environment, the keyring or a file for its owner's eyes, never from an argument."""

import importlib
import importlib.util
import os
import stat
from pathlib import Path

from curator.errors import AuthError, PolicyError

VARIABLE = "LABEL_STUDIO_API_KEY"
FILE = "token"  # below .curator
SERVICE = "curator"  # the name in the keyring; the account there is the server's address


def token(url: str, hidden: Path) -> str:
    """Return the token for the server at `url`: the first of environment, keyring and `hidden`/token that has one.

    PolicyError for a file that others can read, AuthError where there is none.
    """
    found = os.environ.get(VARIABLE, "").strip() or _in_keyring(url) or _in_file(hidden / FILE)
    if not found:
        raise AuthError(
            f"The server {url} needs a token: take one from Account & Settings there, and put it into the environment"
            f" as {VARIABLE}, into the keyring (keyring set {SERVICE} {url}), or into .curator/{FILE} (mode 600)."
        )
    return found


def _in_keyring(url: str) -> str:
    if importlib.util.find_spec("keyring") is None:
        return ""
    keyring = importlib.import_module("keyring")
    errors = importlib.import_module("keyring.errors")
    try:
        return str(keyring.get_password(SERVICE, url) or "").strip()
    except errors.KeyringError:  # no desktop to ask: as if there were none
        return ""


def _in_file(path: Path) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            about = os.fstat(file.fileno())
            if about.st_mode & (stat.S_IRWXG | stat.S_IRWXO) or about.st_uid != os.geteuid():
                raise PolicyError(
                    f"Others can read or replace .curator/{FILE}, so it was not used. Take a new token, and: "
                    f"chmod 600 .curator/{FILE}"
                )
            return file.read(10_000).strip()
    except (FileNotFoundError, IsADirectoryError):
        return ""
    except (OSError, UnicodeDecodeError) as fault:
        raise AuthError(f".curator/{FILE} cannot be read: {fault}. Nothing was sent.") from None
