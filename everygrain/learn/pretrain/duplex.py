"""Duplex masked auto-encoding: [CLS] must hold the text, and so must the ordinary tokens.

The encoder sees a text with some tokens masked. From its [CLS], made narrower, one layer of
attention writes every token of the text, seeing few of the others (RetroMAE's enhanced decoding:
each place sees [CLS] and a random part of the other places). From the mean of the states, made
narrower as well, the set of the text's tokens is predicted. Both narrow vectors, side by side, are
the text's vector. The paper predicts the set from the largest logit over the tokens and keeps the
largest dimensions of that; the mean keeps the vector dense and the saved model a plain one, and it
is over all tokens, [CLS] and [SEP] included, as the saved pooling has it.

Source: RetroMAE v2: Duplex Masked Auto-Encoder For Pre-Training Retrieval-Oriented Language Models
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from everygrain.learn.pretrain.base import Ids, Pieces, Term
from everygrain.learn.pretrain.body import pooling_of
from everygrain.learn.pretrain.masking import (
    TokenHead,
    chosen,
    log_chances,
    ordinary,
    token_counts,
)


@dataclass(frozen=True)
class DuplexAutoEncoder:
    """The objective.

    share     of the tokens that are masked for the encoder, in (0, 1)
    unseen    chance that the decoder does not see a token, in (0, 1): heavy masking
    reduced   length of each of the two narrow vectors; None for half the width
    """

    share: float = 0.3
    unseen: float = 0.7
    reduced: int | None = None

    def task(self, body: Any, pieces: Pieces, ids: Ids) -> Duplex:
        tokens = log_chances(token_counts(ids, pieces.count))
        bags = log_chances(token_counts(ids, pieces.count, distinct=True))
        return Duplex(self, body, pieces, tokens, bags)


def bag_loss(logits: Tensor, present: Tensor) -> Tensor:
    """Return the mean over texts of the mean negative log chance of the tokens in the text.

    logits    (n, v)
    present   (n, v) bool, True for tokens that occur in the text
    """
    chances = functional.log_softmax(logits, dim=-1)
    counts = present.sum(1).clamp(min=1)
    return -((chances * present).sum(1) / counts).mean()


def decoder_view(length: int, texts: int, unseen: float, generator: Generator) -> Tensor:
    """Return (texts, length, length) bool: row i sees column j.

    Column 0 is [CLS] and is always seen; no other place sees itself.
    """
    view = torch.rand((texts, length, length), generator=generator) >= unseen
    view &= ~torch.eye(length, dtype=torch.bool)
    view[:, :, 0] = True
    return view


class Duplex(nn.Module):  # type: ignore[misc]
    """Encoder, the decoder of one layer, and the bag of words."""

    def __init__(
        self, objective: DuplexAutoEncoder, body: Any, pieces: Pieces, tokens: Tensor, bags: Tensor
    ) -> None:
        super().__init__()
        self.objective, self.pieces, self.body = objective, pieces, body
        self.register_buffer("token_chances", tokens)
        self.register_buffer("bag_chances", bags)
        width = body.config.hidden_size
        reduced = objective.reduced or width // 2
        embeddings = body.embeddings.word_embeddings
        self.opening = nn.Linear(width, reduced, bias=False)
        self.others = nn.Linear(width, reduced, bias=False)
        self.widen = nn.Linear(reduced, width)
        self.attention = nn.MultiheadAttention(
            width, body.config.num_attention_heads, batch_first=True
        )
        self.norms = nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)])
        self.inner = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )
        self.names = TokenHead(width, embeddings, tokens)
        self.decoded = TokenHead(width, embeddings, tokens)
        self.bag = TokenHead(reduced, embeddings, bags)

    def forward(self, ids: Tensor, attended: Tensor, generator: Generator) -> dict[str, Term]:
        counted = ordinary(ids, attended, self.pieces)
        hidden = chosen(counted, self.objective.share, generator)
        states = self.body(
            input_ids=ids.masked_fill(hidden, self.pieces.mask), attention_mask=attended.long()
        ).last_hidden_state
        decoded = self._decode(self.opening(states[:, 0]), ids, attended, generator)
        weights = attended.unsqueeze(-1).to(states.dtype)
        mean = (states * weights).sum(1) / weights.sum(1)
        present = torch.zeros(len(ids), self.pieces.count, dtype=torch.bool)
        present.scatter_(1, ids, True)
        present[:, [self.pieces.padding, self.pieces.opening, self.pieces.closing]] = False
        bags = self.bag_chances.expand(len(ids), -1)
        return {
            "masked": self._named(self.names(states[hidden]), ids[hidden]),
            "decoded": self._named(self.decoded(decoded[counted]), ids[counted]),
            "bag": Term(
                bag_loss(self.bag(self.others(mean)), present), bag_loss(bags, present), 1.0
            ),
        }

    def _named(self, logits: Tensor, truth: Tensor) -> Term:
        loss = functional.cross_entropy(logits, truth)
        return Term(loss, -self.token_chances[truth].mean(), 1.0)

    def _decode(
        self, reduced: Tensor, ids: Tensor, attended: Tensor, generator: Generator
    ) -> Tensor:
        """Return (n, l, width): a state for each place, from [CLS] and a part of the others."""
        embeddings = self.body.embeddings
        places = embeddings.position_embeddings.weight[: ids.shape[1]]
        opening = self.widen(reduced).unsqueeze(1)
        asking = opening + places
        seen = torch.cat([opening, embeddings.word_embeddings(ids[:, 1:]) + places[1:]], 1)
        view = decoder_view(ids.shape[1], len(ids), self.objective.unseen, generator)
        hidden = ~(view & attended.unsqueeze(1))
        hidden = hidden.repeat_interleave(self.attention.num_heads, 0)
        found, _ = self.attention(asking, seen, seen, attn_mask=hidden, need_weights=False)
        states = self.norms[0](asking + found)
        return self.norms[1](states + self.inner(states))

    def pooling(self) -> list[Any]:
        """Return [CLS] beside the mean, and one matrix that narrows each of them."""
        width, reduced = self.opening.in_features, self.opening.out_features
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from sentence_transformers.models import Dense

            dense = Dense(2 * width, 2 * reduced, bias=False, activation_function=nn.Identity())
        with torch.no_grad():
            dense.linear.weight.zero_()
            dense.linear.weight[:reduced, :width] = self.opening.weight
            dense.linear.weight[reduced:, width:] = self.others.weight
        return [pooling_of(width, ["cls", "mean"]), dense]
