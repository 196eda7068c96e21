"""embed: every situation, context and analysis as a vector."""

from typing import Literal

import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

from curator.embedding import embed_texts, model_seal
from curator.errors import MissingExtra
from curator.maths.neighbours import Vectors
from curator.maths.selection import Floats, neighbours_kept, plane, spread
from curator.progress import Progress
from curator.stage import Given, Outcome, stage

PARTS = ("situation", "context", "analysis")
ROUNDS = (250, 500)  # of t-SNE: with near ones pulled together, then as they fall; what its authors found enough


@stage("corpus", after=["normalise"])
def embed(rows: pl.DataFrame, given: Given, *, map: Literal["pca", "tsne"] = "pca") -> Outcome:
    """Add the scratch columns `_situation`, `_context` and `_analysis`: unit vectors, float32.

    Equal texts are embedded once, whatever row they stand in. The table `map` places each scenario on a plane, by PCA
    or by t-SNE (openTSNE), which keeps more of who is near whom and nothing of how far the far ones are.
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
    places, kept = _map(done, map, given.progress)
    measures = {
        "texts": len(texts),
        "dimensions": width,
        "model": given.embedder,
        "model_sha256": model_seal(given.embedder),
        "map": map,
        "map_neighbours": kept,
    }
    return Outcome(done, measures=measures, tables={"map": places})


def _map(rows: pl.DataFrame, how: str, progress: Progress) -> tuple[pl.DataFrame, float | None]:
    """Return the place of each scenario, and the share of near neighbours that the plane keeps."""
    told = rows.sort("scenario", "id").unique("scenario", keep="first", maintain_order=True)
    both = told["_situation"].to_numpy() if len(told) else np.zeros((0, 1), np.float32)
    with threadpool_limits(1):  # on busy cores threads wait for each other, a hundredfold
        x, y = plane(both)
        if how == "tsne":
            x, y = _tsne(both, np.stack([x, y], axis=1), progress)
        kept = neighbours_kept(both, x, y)
    return pl.DataFrame({"scenario": told["scenario"], "x": x, "y": y}), kept


def _tsne(vectors: Vectors, start: Floats, progress: Progress) -> tuple[Floats, Floats]:
    """Return x and y of each vector by t-SNE from `start`, shape (vectors, 2), in the form in which `plane` gives them.

    One thread, exact neighbours and no chance: the same vectors give the same places on the same kind of processor.
    Source: van der Maaten & Hinton 2008, https://jmlr.org/papers/v9/vandermaaten08a.html; the start after Kobak &
    Berens 2019, https://doi.org/10.1038/s41467-019-13056-x
    """
    try:
        from openTSNE import TSNE
    except ImportError:
        raise MissingExtra("To place scenarios by t-SNE: pip install 'curator[map]', or set map = \"pca\"") from None

    if len(vectors) < 5 or not start.std():  # too few to have a neighbourhood
        return start[:, 0], start[:, 1]
    done = 0

    def told(*_: object) -> None:
        nonlocal done
        done += 50
        progress("map", done, sum(ROUNDS))

    made = TSNE(
        perplexity=min(30, (len(vectors) - 1) / 3),
        initialization=start / start[:, 0].std() * 1e-4,
        neighbors="exact",
        negative_gradient_method="bh",
        early_exaggeration_iter=ROUNDS[0],
        n_iter=ROUNDS[1],
        n_jobs=1,
        random_state=0,
        callbacks=told,
        callbacks_every_iters=50,
    ).fit(vectors)
    return spread(np.asarray(made, np.float64))
