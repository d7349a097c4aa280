"""A cross-encoder's scores as a loss reads them: `Batch.teacher`, for Margin-MSE and others.

Sources of the losses that read it: `everygrain.learn.losses.margins` and `.distilled`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from everygrain.errors import InputError
from everygrain.rank.base import PairScorer
from everygrain.rank.cross import scored

if TYPE_CHECKING:
    from torch import Tensor


def teacher_scores(
    scorer: PairScorer,
    queries: Sequence[str],
    documents: Sequence[str],
    asked: npt.NDArray[np.bool_] | None = None,
) -> Tensor:
    """Return (n, m) float32 scores of each query with each document; NaN where none was asked.

    asked   (n, m), which pairs are scored; None for all. Each costs one reading of the pair

    Raises InputError for another shape, QueryError that names the query where the scorer fails.
    """
    import torch

    shape = (len(queries), len(documents))
    chosen = np.ones(shape, dtype=bool) if asked is None else np.asarray(asked, dtype=bool)
    if chosen.shape != shape:
        raise InputError(
            f"{len(queries)} queries and {len(documents)} documents, asked by {chosen.shape}.",
            f"Give the shape {shape}.",
        )
    found = np.full(shape, np.nan, dtype=np.float32)
    for row, query in enumerate(queries):
        places = np.flatnonzero(chosen[row])
        texts = [documents[int(place)] for place in places]
        ids = [str(place) for place in places]
        found[row, places] = scored(scorer, str(row), query, ids, texts)
    return torch.from_numpy(found)
