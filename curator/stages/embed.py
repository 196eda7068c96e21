"""embed: every situation, context and analysis as a vector."""

import numpy as np
import polars as pl

from curator.embedding import embed_texts, model_seal
from curator.maths.selection import plane
from curator.stage import Given, Outcome, stage

PARTS = ("situation", "context", "analysis")


@stage("corpus", after=["normalise"])
def embed(rows: pl.DataFrame, given: Given) -> Outcome:
    """Add the scratch columns `_situation`, `_context` and `_analysis`: unit vectors, float32.

    Equal texts are embedded once, whatever row they stand in. The table `map` places each scenario on a plane (PCA).
    """
    texts = sorted({text or "" for part in PARTS for text in rows[part].to_list()})
    vectors = embed_texts(texts, given.embedder, given.cache, given.progress)
    place = {text: i for i, text in enumerate(texts)}
    width = vectors.shape[1]
    added = [
        pl.Series(
            "_" + part,
            vectors[[place[text or ""] for text in rows[part].to_list()]],
            pl.Array(pl.Float32, width),
        )
        if len(rows)
        else pl.Series("_" + part, [], pl.Array(pl.Float32, width))
        for part in PARTS
    ]
    done = rows.with_columns(added)
    measures = {
        "texts": len(texts),
        "dimensions": width,
        "model": given.embedder,
        "model_sha256": model_seal(given.embedder),
    }
    return Outcome(done, measures=measures, tables={"map": _map(done)})


def _map(rows: pl.DataFrame) -> pl.DataFrame:
    told = rows.sort("scenario", "id").unique("scenario", keep="first", maintain_order=True)
    both = told["_situation"].to_numpy() if len(told) else np.zeros((0, 1), np.float32)
    x, y = plane(both)
    return pl.DataFrame({"scenario": told["scenario"], "x": x, "y": y})
