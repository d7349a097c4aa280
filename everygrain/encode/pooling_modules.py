"""Trainable poolings as modules of a sentence-transformers model; `pooling` tells which there are.

Imported only when a model has one: it needs torch and sentence-transformers.
Source: Pooling And Attention: What Are Effective Designs For LLm-Based Embedding Models?
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, ClassVar

import torch
from safetensors.torch import load_model, save_model
from sentence_transformers.models import Module
from torch import Tensor, nn


class _Trainable(Module):  # type: ignore[misc]
    """Saves its few numbers and its weights into a folder of its own, and reads them back."""

    config_keys: ClassVar[list[str]] = []

    def save(self, output_path: str, *args: Any, **kwargs: Any) -> None:
        self.save_config(output_path)
        save_model(self, str(Path(output_path) / "model.safetensors"))

    @classmethod
    def load(cls, model_name_or_path: str, subfolder: str = "", **kwargs: Any) -> _Trainable:
        module = cls(**cls.load_config(model_name_or_path, subfolder=subfolder))
        load_model(module, str(Path(model_name_or_path) / subfolder / "model.safetensors"))
        return module

    def get_sentence_embedding_dimension(self) -> int:
        return int(self.width)

    get_embedding_dimension = get_sentence_embedding_dimension


class TokenAttention(_Trainable):
    """The tokens' last states, weighted by attention to a learned query in each of some heads.

        w_i = softmax_i(q_h . k_h(x_i) / sqrt(d / heads))      vector = mean x_i + o(sum w_i v(x_i))

    q and o start at zero: training starts at the mean.

    width   of the hidden states (d), a multiple of heads
    """

    config_keys: ClassVar[list[str]] = ["width", "heads"]

    def __init__(self, width: int, heads: int = 4) -> None:
        super().__init__()
        self.width, self.heads = width, heads
        self.query = nn.Parameter(torch.zeros(heads, width // heads))
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, features: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        states, attended = features["token_embeddings"], features["attention_mask"]
        features["sentence_embedding"] = self.pooled(states, attended)
        return features

    def pooled(self, states: Tensor, attended: Tensor) -> Tensor:
        """Return (n, d) of states (n, l, d) and which are no padding (n, l)."""
        found = _attended(self.query, self.key(states), self.value(states), attended)
        return _mean(states, attended) + self.out(found)


class LayerAttention(_Trainable):
    """The states of all layers, by cross-attention of a learned query: multi-layer pooling.

    Each layer gives the mean of its tokens' states, normalised, plus a vector that tells which
    layer it is; attention over the layers in each of some heads, as in `TokenAttention`. The mean
    of the last layer is added, and the output starts at zero: training starts at the mean.

    width    of the hidden states, a multiple of heads
    layers   of the transformer, without the embeddings, which are the lowest
    """

    config_keys: ClassVar[list[str]] = ["width", "layers", "heads"]

    def __init__(self, width: int, layers: int, heads: int = 4) -> None:
        super().__init__()
        self.width, self.layers, self.heads = width, layers, heads
        self.query = nn.Parameter(torch.zeros(heads, width // heads))
        self.places = nn.Parameter(torch.zeros(layers + 1, width))
        self.norm = nn.LayerNorm(width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, features: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        attended = features["attention_mask"]
        means = torch.stack([_mean(s, attended) for s in features["all_layer_embeddings"]], 1)
        features["sentence_embedding"] = self.pooled(means)
        return features

    def pooled(self, means: Tensor) -> Tensor:
        """Return (n, d) of the layers' means (n, layers + 1, d), the embeddings first."""
        told = self.norm(means) + self.places
        seen = torch.ones(means.shape[:2], dtype=torch.bool)
        found = _attended(self.query, self.key(told), self.value(told), seen)
        return means[:, -1] + self.out(found)


def _attended(query: Tensor, keys: Tensor, values: Tensor, seen: Tensor) -> Tensor:
    """Return (n, d): in each head the values weighted by the query's likeness to the keys."""
    heads, part = query.shape
    split = (*keys.shape[:2], heads, part)
    likeness = torch.einsum("nlhp,hp->nlh", keys.view(split), query) / math.sqrt(part)
    likeness = likeness.masked_fill(~seen.bool().unsqueeze(-1), -torch.inf)
    weights = likeness.softmax(1)
    return torch.einsum("nlh,nlhp->nhp", weights, values.view(split)).flatten(1)


def _mean(states: Tensor, attended: Tensor) -> Tensor:
    weights = attended.unsqueeze(-1).to(states.dtype)
    return (states * weights).sum(1) / weights.sum(1).clamp(min=1e-9)
