"""Settings files: TOML, read so that whatever is wrong with the text is one sentence."""

import tomllib
from pathlib import Path
from typing import Any

from curator.errors import UsageError


def read_toml(path: Path, refuse: type[UsageError] = UsageError) -> dict[str, Any]:
    """Return what a TOML file says; `refuse` where it cannot be read. A byte order mark is fine."""
    try:
        return parse_toml(path.read_text("utf-8-sig"), path.name, refuse)
    except UnicodeDecodeError as fault:
        raise refuse(f"{path.name} is not UTF-8 text: {fault}. Save it as UTF-8.") from None
    except OSError as fault:
        raise refuse(f"{path.name} cannot be read: {fault.strerror}.") from None


def parse_toml(text: str, name: str, refuse: type[UsageError] = UsageError) -> dict[str, Any]:
    """Return what the text says; `refuse` names the line that is wrong."""
    try:
        return tomllib.loads(text)
    except ValueError as fault:  # TOMLDecodeError is one; a number of 5,000 digits is another
        raise refuse(f"{name} cannot be read: {fault}.") from None
    except RecursionError:
        raise refuse(f"{name} cannot be read: it is nested too deep.") from None
