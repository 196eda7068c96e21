"""embed: every situation, context and analysis as a vector."""

import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

from curator.embedding import embed_texts, model_seal
from curator.maths.selection import neighbours_kept, plane
from curator.stage import Given, Outcome, stage

PARTS = ("situation", "context", "analysis")


@stage("corpus", after=["normalise"])
def embed(rows: pl.DataFrame, given: Given) -> Outcome:
    """Add the scratch columns `_situation`, `_context` and `_analysis`: unit vectors, float32.

    Equal texts are embedded once, whatever row they stand in. The table `map` places each scenario on a plane (PCA).
    """
    told = {part: rows[part].fill_null("") for part in PARTS}
    texts = pl.concat([told[part].alias("text") for part in PARTS]).unique().sort()
    vectors = embed_texts(texts.to_list(), given.embedder, given.cache, given.progress)
    width = vectors.shape[1]
    place = np.arange(len(texts))
    added = [
        pl.Series(
            "_" + part,
            vectors[told[part].replace_strict(texts, place, return_dtype=pl.Int64).to_numpy()] if len(rows) else [],
            pl.Array(pl.Float32, width),
        )
        for part in PARTS
    ]
    del vectors  # at a million rows it is as large as a column
    done = rows.with_columns(added)
    places, kept = _map(done)
    measures = {
        "texts": len(texts),
        "dimensions": width,
        "model": given.embedder,
        "model_sha256": model_seal(given.embedder),
        "map_neighbours": kept,
    }
    return Outcome(done, measures=measures, tables={"map": places})


def _map(rows: pl.DataFrame) -> tuple[pl.DataFrame, float | None]:
    """Return the place of each scenario, and the share of near neighbours that the plane keeps."""
    told = rows.sort("scenario", "id").unique("scenario", keep="first", maintain_order=True)
    both = told["_situation"].to_numpy() if len(told) else np.zeros((0, 1), np.float32)
    with threadpool_limits(1):  # on busy cores threads wait for each other, a hundredfold
        x, y = plane(both)
        kept = neighbours_kept(both, x, y)
    return pl.DataFrame({"scenario": told["scenario"], "x": x, "y": y}), kept
