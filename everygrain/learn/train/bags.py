"""Texts as a static table sees them: weighed bags of rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from everygrain.analyze import split
from everygrain.encode.static import Static

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class Bags:
    """Texts as weighed rows of a table: what training sees of them.

    matrix   (texts, rows of the table) sparse float32, by text
    """

    matrix: Any

    @classmethod
    def of(cls, encoder: Static, texts: Sequence[str]) -> Bags:
        """Weigh each row by how often its word comes and by the word's inverse frequency."""
        from scipy.sparse import csr_array

        words = split(texts)
        vocabulary = words.vocabulary
        pieces, offsets = encoder.table.pieces(vocabulary)
        weights = np.array(
            [encoder.idf.get(word, encoder.unseen) for word in vocabulary], dtype=np.float32
        )
        values = np.repeat(weights, np.diff(offsets))
        count = len(encoder.table.matrix)
        of_words = csr_array((values, pieces, offsets), shape=(len(vocabulary), count))
        ones = np.ones(len(words.ids), dtype=np.float32)
        held = csr_array((ones, words.ids, words.offsets), shape=(len(words), len(vocabulary)))
        matrix = (held @ of_words).tocsr()
        matrix.sum_duplicates()
        return cls(matrix)

    def __len__(self) -> int:
        return int(self.matrix.shape[0])

    def tensors(self, rows: npt.NDArray[np.int64]) -> tuple[Tensor, Tensor, Tensor]:
        """Return rows of the table, offsets and weights of some texts, for an `EmbeddingBag`."""
        import torch

        chosen = self.matrix[rows]
        return (
            torch.from_numpy(chosen.indices.astype(np.int64)),
            torch.from_numpy(chosen.indptr[:-1].astype(np.int64)),
            torch.from_numpy(chosen.data.astype(np.float32)),
        )

    def embedded(self, table: Any, rows: npt.NDArray[np.int64]) -> Tensor:
        """Return (len(rows), d) vectors of length 1 of some texts, by a `torch.nn.EmbeddingBag`."""
        import torch

        pieces, offsets, weights = self.tensors(rows)
        return torch.nn.functional.normalize(
            table(pieces, offsets, per_sample_weights=weights), dim=1
        )
