"""A pack: one labeling task. What the page asks, what its answers are called here, and how a model is asked."""

import hashlib
import re
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from curator.errors import PackError, nearest
from curator.toml import first_fault, parse_toml

SHIPPED = [Path(__file__).parent / "labeling_configs", Path(__file__).parent.parent / "labeling_configs"]

TAKEN = (  # what tasks of curator's hold besides the pack's own keys, and flat exports of Label Studio beside them
    *("scenario", "domain", "team", "key", "not_for"),
    *("id", "annotator", "annotation_id", "created_at", "updated_at", "lead_time", "agreement"),
)


class Strict(BaseModel):
    """A model that refuses words it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Prompt(Strict):
    """How an example is put to a language model; `{...}` stands for columns."""

    system: str
    user: str
    answer: str


End = Annotated[int, Field(ge=-1_000_000, le=1_000_000)]


class Severity(Strict):
    """The ends of the ordinal scale, both possible."""

    least: End = 1
    most: End = 5


class Pack(Strict):
    """One labeling task, as `pack.toml` describes it."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")]
    title: Annotated[str, Field(min_length=3, max_length=50)]  # Label Studio refuses other lengths
    version: int = 1
    stakeholders: Annotated[dict[str, str], Field(min_length=1)]
    verdicts: Annotated[dict[str, str], Field(min_length=2)]
    severity: Severity | None = None
    task: dict[str, str]
    cards: dict[str, dict[str, str]] = {}  # by column: the line that begins a part of its text -> key of the task
    fields: dict[str, str]
    prompt: Prompt
    config: str = ""  # the text of config.xml
    guidelines: str = ""
    crisis: str = ""  # what to do where somebody is in danger: shown with every answer of a model

    @model_validator(mode="after")
    def _complete(self) -> "Pack":
        if "situation" not in self.task:
            raise ValueError("[task] does not say which key holds the situation")
        for column in ("verdict", "analysis"):
            if column not in self.fields:
                raise ValueError(f"[fields] does not say which control holds the {column}")
        for blank in ("{situation}", "{stakeholder}"):
            if blank not in self.prompt.user:
                raise ValueError(f"[prompt] user does not name {blank}")
        before, found, _ = self.prompt.answer.partition("{verdict}")
        if not found or "{" in before:
            raise ValueError("[prompt] answer must name {verdict} before any other blank")
        self._check_cards()
        return self

    def _check_cards(self) -> None:
        ours = {*self.task.values(), *self.fields.values(), *TAKEN}
        keys: list[str] = []
        for column, lines in self.cards.items():
            here = f"[cards.{column}]"
            if column not in ("situation", "context"):
                raise ValueError(f"{here} parts no text of a scenario. There are: context, situation")
            if column not in self.task:
                raise ValueError(f"{here} parts a text that [task] does not have")
            if not any(lines):
                raise ValueError(f'{here} names no line that begins a part, such as "Answer A:"')
            for number, (line, key) in enumerate(lines.items()):
                if line != line.strip() or "\n" in line or (line == "" and number):
                    what = f"has {line!r}, which can begin no part" if line else 'has "" below another line'
                    raise ValueError(f'{here} {what}. Write the line alone, and first "" for what stands above it')
                if not re.fullmatch(r"[A-Za-z_]\w*", key, re.ASCII):
                    raise ValueError(f"{here} calls a part {key!r}. Use letters, digits and _, such as 'answer_a'")
                if key in ours or key in keys or key.startswith("review"):
                    raise ValueError(
                        f"{here} calls a part {key!r}, which is the name of something else. Choose another"
                    )
                keys.append(key)

    @property
    def card_keys(self) -> list[str]:
        """What a task holds for the page alone: the keys of the parts of its texts."""
        return [key for lines in self.cards.values() for key in lines.values()]

    @property
    def instructions(self) -> str:
        """What people read before they answer, in Markdown: the guidelines, then the note on danger."""
        return "\n\n".join(part for part in (self.guidelines.strip(), self.crisis.strip()) if part)

    @property
    def hash(self) -> str:
        """SHA-256 of the page's config: which question people were asked."""
        return hashlib.sha256(self.config.encode()).hexdigest()


def find_pack(name: str, folders: list[Path]) -> Path:
    """Return the folder of a pack: the first of `folders`, then those shipped with curator, that holds it."""
    places = [*folders, *SHIPPED]
    for place in places:
        if (place / name / "pack.toml").is_file():
            return place / name
        if name and place in folders and (place / name).is_dir():  # else the shipped one would be used in its stead
            raise PackError(f"The folder {place.name}/{name} holds no pack.toml. Put it back, or take the folder away.")
    known = sorted({p.parent.name for place in places if place.is_dir() for p in place.glob("*/pack.toml")})
    raise PackError(f"There is no pack {name!r} in labeling_configs. {nearest(name, known)}")


def load_pack(folder: Path) -> Pack:
    """Read a pack from its folder: pack.toml, config.xml and, where there is one, guidelines.md."""
    toml, config, guidelines = (_text(folder / name) for name in ("pack.toml", "config.xml", "guidelines.md"))
    if toml is None or config is None:
        missing = "pack.toml" if toml is None else "config.xml"
        raise PackError(f"The pack {folder.name!r} has no {missing}. Add it and try again.")
    if "<!DOCTYPE" in config or "<!ENTITY" in config:
        raise PackError(f"{folder.name}/config.xml declares a DOCTYPE, which curator never reads. Take it out.")
    said = parse_toml(toml, f"{folder.name}/pack.toml", PackError)
    if odd := sorted({"config", "guidelines"} & set(said)):
        raise PackError(f"{folder.name}/pack.toml: {odd[0]} stands in a file of its own. Take it out.")
    try:
        return Pack(**said, config=config, guidelines=guidelines or "")
    except ValidationError as fault:
        raise PackError(f"{folder.name}/pack.toml: {first_fault(fault, Pack)}") from None


def _text(path: Path) -> str | None:
    named = f"{path.parent.name}/{path.name}"
    if path.is_dir():
        raise PackError(f"{named} is a folder. Put a file of that name in its place.")
    try:
        return path.read_text("utf-8-sig") if path.exists() else None
    except UnicodeDecodeError as fault:
        raise PackError(f"{named} is not UTF-8 text: byte {fault.start + 1}. Save it as UTF-8.") from None
    except OSError as fault:
        raise PackError(f"{named} cannot be read: {fault.strerror}.") from None
