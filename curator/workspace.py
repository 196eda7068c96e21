"""A workspace: the folder in which a team works, with `curator.toml` at its root."""

import contextlib
import os
import re
import secrets
import tempfile
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from curator.errors import StorageError, UsageError
from curator.toml import first_fault, read_toml

if TYPE_CHECKING:
    from curator.pack import Pack
    from curator.store import Store

FILE = "curator.toml"


class Server(BaseModel):
    """Which Label Studio: `embedded`, started by `curator up`, or the address of one that runs for good.

    `any_version` goes on with a server older than the oldest that curator was tried with.
    """

    model_config = ConfigDict(extra="forbid")
    url: str = "embedded"
    any_version: bool = False


Said = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class Trust(BaseModel):
    """Whose the data is and what becomes of it: what `curator check` asks for and the cards print.

    It is kept until `kept_until`, or for `kept_days` after the newest answer. `licence` is an SPDX name where it is
    shared, such as cc-by-4.0, else a word such as internal.
    """

    model_config = ConfigDict(extra="forbid")
    owner: Said | None = None
    licence: Said | None = None
    kept_until: date | None = None
    kept_days: Annotated[int, Field(ge=1, le=36500)] | None = None
    may_train_others: bool | None = None
    who_can_reach: Said | None = None
    when_somebody_leaves: Said | None = None


class Price(BaseModel):
    """What a service asks for a million training tokens, at least `least` in all, and whence that is known."""

    model_config = ConfigDict(extra="forbid")
    per_million: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    least: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    currency: Said = "USD"
    as_of: date
    source: Said


class Config(BaseModel):
    """What `curator.toml` may say."""

    model_config = ConfigDict(extra="forbid")
    name: str
    pack: str = "workplace"
    recipe: str = "recipe.toml"
    base_model: str = "smollm2-135m-instruct"
    embedder: str = "all-minilm-l6-v2"
    server: Server = Server()
    trust: Trust = Trust()
    prices: dict[str, Price] = {}


@dataclass(frozen=True)
class Workspace:
    """The paths and settings of one workspace."""

    root: Path
    config: Config

    @classmethod
    def find(cls, start: Path | None = None) -> "Workspace":
        """Return the workspace that holds `start` (default: the current folder); UsageError where there is none."""
        here = (start or Path.cwd()).resolve()
        for folder in (here, *here.parents):
            if (folder / FILE).is_file():
                return cls(folder, read_config(folder / FILE))
        raise UsageError(f"There is no {FILE} in {here.name or here} or above it. Start one here with: curator init")

    @property
    def hidden(self) -> Path:
        """What people need not look at: the store, caches, the server's files."""
        return self.root / ".curator"

    @property
    def cache(self) -> Path:
        """What can be made again."""
        return self.hidden / "cache"

    @property
    def studio(self) -> Path:
        """The embedded Label Studio's own files."""
        return self.hidden / "studio"

    @property
    def datasets(self) -> Path:
        """One immutable folder for each dataset."""
        return self.root / "datasets"

    @property
    def models(self) -> Path:
        """One folder for each adapter that was trained."""
        return self.root / "models"

    @property
    def recipe(self) -> Path:
        """The recipe that `curator curate` follows."""
        return self.root / self.config.recipe

    @cached_property
    def pack(self) -> "Pack":
        """The workspace's labeling task, from its own labeling_configs or from those shipped."""
        from curator.pack import find_pack, load_pack

        return load_pack(find_pack(self.config.pack, [self.root / "labeling_configs"]))

    def store(self) -> "Store":
        """Open the store."""
        from curator.store import Store

        return Store(self.hidden / "store.db")

    @cached_property
    def key(self) -> bytes:
        """The secret behind the pseudonyms: made once, kept outside the workspace, readable by its owner only."""
        home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "curator" / "keys"
        try:
            mark = _once(self.hidden / "id", secrets.token_hex(8).encode()).strip()
            if not re.fullmatch(rb"[0-9a-f]{16}", mark):
                raise StorageError(
                    f"{self.hidden.name}/id is damaged. Restore it: it tells which key is this workspace's."
                )
            key = _once(home / f"{mark.decode()}.key", secrets.token_bytes(32))
        except OSError as fault:
            raise StorageError(
                f"The key of this workspace cannot be read or made: {fault}. Nothing was changed."
            ) from None
        if len(key) != 32:
            raise StorageError(
                f"The key {mark.decode()}.key is damaged. Restore it: with another, people get new names."
            )
        return key


def _once(path: Path, content: bytes) -> bytes:
    """Return what the file holds; where there is none, make it whole, its owner's only, with `content`."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, draft = tempfile.mkstemp(dir=path.parent)
        try:
            with open(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):  # another process was first: its content counts
                os.link(draft, path)
        finally:
            Path(draft).unlink()
    return path.read_bytes()


def read_config(path: Path) -> Config:
    """Read `curator.toml`; UsageError names the line or the setting that is wrong."""
    said = read_toml(path)
    try:
        return Config(**said)
    except ValidationError as fault:
        raise UsageError(f"{path.name}: {first_fault(fault, Config)}") from None
