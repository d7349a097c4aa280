"""Which tokens are hidden, how frequent tokens are, and the head that names a hidden one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from everygrain.learn.pretrain.base import Ids, Pieces


def ordinary(ids: Tensor, attended: Tensor, pieces: Pieces) -> Tensor:
    """Return (n, l) bool: tokens of the text, not the two at its ends and no padding."""
    return attended & (ids != pieces.opening) & (ids != pieces.closing)


def chosen(allowed: Tensor, share: float, generator: Generator) -> Tensor:
    """Draw about a share of the allowed places of each row, and at least one where any is.

    allowed   (n, l) bool
    Returns (n, l) bool: the round(share * allowed) places with the smallest random numbers.
    """
    numbers = torch.rand(allowed.shape, generator=generator).masked_fill(~allowed, 2.0)
    counts = allowed.sum(1, keepdim=True)
    wanted = (counts * share).round().clamp(min=1).minimum(counts)
    ranks = numbers.argsort(1).argsort(1)
    return (ranks < wanted) & allowed


def log_chances(counts: Sequence[int] | Any) -> Tensor:
    """Return the logarithms of frequencies as chances, with one added to every count."""
    smoothed = np.asarray(counts, dtype=np.float64) + 1
    return torch.tensor(np.log(smoothed / smoothed.sum()), dtype=torch.float32)


def token_counts(ids: Ids, count: int, *, distinct: bool = False) -> Any:
    """Return (count,) how often each token occurs, or in how many texts."""
    flat = [token for text in ids for token in (set(text) if distinct else text)]
    return np.bincount(np.asarray(flat, dtype=np.int64), minlength=count)


class TokenHead(nn.Module):  # type: ignore[misc]
    """Hidden states -> logits over the word pieces, with the embeddings as the last matrix.

    The bias starts at the logarithms of the chances, so that training starts from what frequencies
    alone tell.
    """

    def __init__(self, width: int, embeddings: nn.Embedding, chances: Tensor) -> None:
        super().__init__()
        matrix = embeddings.weight
        self.dense = nn.Linear(width, matrix.shape[1])
        self.norm = nn.LayerNorm(matrix.shape[1])
        self.bias = nn.Parameter(chances.clone())
        self._tied = [embeddings]  # in a list, so that its weights are not counted twice

    def hidden(self, states: Tensor) -> Tensor:
        """Return what is multiplied with the embeddings."""
        return self.norm(functional.gelu(self.dense(states)))

    def forward(self, states: Tensor) -> Tensor:
        return self.hidden(states) @ self._tied[0].weight.T + self.bias
