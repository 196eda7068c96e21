"""An example: one person's answer to one scenario. The one place that names the columns and makes the identities."""

import hashlib
import hmac
import json
import unicodedata
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import polars as pl
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

MOMENT = pl.Datetime("us", "UTC")

SCHEMA: dict[str, pl.DataType] = {
    "id": pl.String(),
    "scenario": pl.String(),
    "situation": pl.String(),
    "context": pl.String(),
    "stakeholder": pl.String(),
    "annotator": pl.String(),
    "verdict": pl.String(),
    "severity": pl.Int64(),
    "analysis": pl.String(),
    "rejected": pl.String(),
    "domain": pl.String(),
    "team": pl.String(),
    "origin": pl.String(),
    "pack": pl.String(),
    "source": pl.String(),
    "created_at": MOMENT,
    "updated_at": MOMENT,
    "revision": pl.Int64(),
    "extra": pl.String(),
}

ADDED: dict[str, pl.DataType] = {  # by stages
    "group": pl.String(),
    "voices": pl.Int64(),
    "theme": pl.String(),
    "weight": pl.Float64(),
    "split": pl.String(),
}

TEXTS = ("situation", "context", "analysis", "rejected")  # written by people
SPLITS = ("train", "validation", "test", "out_of_context")
LONGEST = 1_000_000  # characters; a text above this is a mistake, not an answer

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Text = Annotated[str, StringConstraints(max_length=LONGEST)]


def _moment(value: Any) -> Any:
    """Refuse times that could mean several moments: a number has no unit, a date no zone."""
    if isinstance(value, int | float):
        raise ValueError("a time must be ISO 8601 text with a zone, such as 2026-01-31T09:00:00Z")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_moment)]


class Answer(BaseModel):
    """One answer as it crosses the border: from a file, or from Label Studio through a pack."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)

    situation: Annotated[Text, StringConstraints(min_length=1)]
    context: Text = ""
    stakeholder: Name
    annotator: Name
    verdict: Name
    severity: Annotated[int, Field(strict=True, ge=-1_000_000, le=1_000_000)] | None = None
    analysis: Text = ""
    rejected: Text | None = None
    domain: Name | None = None
    team: Name | None = None
    origin: Literal["human", "edited", "model"] = "human"
    pack: Name
    created_at: Moment | None = None
    updated_at: Moment | None = None
    extra: dict[str, Any] = {}

    @property
    def scenario(self) -> str:
        """The identity of what was judged."""
        return scenario_id(self.situation, self.context, self.pack)

    def row(self, *, id: str, source: str, revision: int) -> dict[str, Any]:
        """Return the answer as one row of `SCHEMA`, times in microseconds since 1970 (UTC)."""
        fields = self.model_dump(exclude={"extra", "created_at", "updated_at"})
        return fields | {
            "id": id,
            "scenario": self.scenario,
            "source": source,
            "revision": revision,
            "created_at": microseconds(self.created_at),
            "updated_at": microseconds(self.updated_at),
            "extra": json.dumps(self.extra, ensure_ascii=False, sort_keys=True) if self.extra else None,
        }


def microseconds(moment: datetime | None) -> int | None:
    """Count whole microseconds since 1970 in UTC, exactly (a float would round)."""
    if moment is None:
        return None
    since = moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def matching_form(text: str) -> str:
    """Return the form in which two texts are compared: NFKC, invisible characters gone, case and spaces folded.

    >>> matching_form("  The\\u00a0Straße\\u200b ")
    'the strasse'
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    visible = "".join(c for c in folded if unicodedata.category(c) != "Cf")
    return " ".join(visible.split())


def digest(*parts: str) -> str:
    """Return 16 hexadecimal digits that stand for these parts and no others (64 bits of SHA-256).

    >>> digest("ab", "c") == digest("a", "bc")
    False
    """
    whole = b"".join(len(p := part.encode()).to_bytes(8, "big") + p for part in parts)
    return hashlib.sha256(whole).hexdigest()[:16]


def scenario_id(situation: str, context: str, pack: str) -> str:
    """Return the identity of a scenario: the same words in another context are another scenario."""
    return digest("scenario", matching_form(situation), matching_form(context), pack)


def example_id(source: str, record: str) -> str:
    """Return the identity of an example: where it came from, and what that source calls it."""
    return digest("example", source, record)


def pseudonym(key: bytes, kind: str, name: str) -> str:
    """Return the same short name for the same person, which nobody without `key` can undo or guess.

    HMAC-SHA256 (RFC 2104) over the kind and the name's matching form; 40 bits are shown.

    >>> pseudonym(b"k" * 32, "annotator", "Ann@Example.com") == pseudonym(b"k" * 32, "annotator", "ann@example.com ")
    True
    """
    mac = hmac.new(key, f"{kind}|{matching_form(name)}".encode(), hashlib.sha256)
    return f"{kind}-{mac.hexdigest()[:10]}"


def frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Build a frame with the columns of `SCHEMA`, whatever the rows leave out."""
    filled = [{name: row.get(name) for name in SCHEMA} for row in rows]
    whole = {name: (pl.Int64() if kind == MOMENT else kind) for name, kind in SCHEMA.items()}
    if any(isinstance(row["created_at"] or row["updated_at"], datetime) for row in filled):
        whole = SCHEMA
    return pl.DataFrame(filled, schema=whole).cast({"created_at": MOMENT, "updated_at": MOMENT})
