"""Replaced-token detection: the loss is over all tokens, not only over masked ones.

A small generator, which shares the encoder's embeddings, fills masked places with what it holds
plausible; the encoder tells for every token whether it is the text's own. A token that the
generator guessed right counts as the text's own.

Source: ELECTRA: Pre-training Text Encoders as Discriminators Rather Than Generators
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from everygrain.learn.pretrain.base import Ids, Pieces, Size, Term
from everygrain.learn.pretrain.body import new_body, pooling_of
from everygrain.learn.pretrain.masking import (
    TokenHead,
    chosen,
    log_chances,
    ordinary,
    token_counts,
)


@dataclass(frozen=True)
class ReplacedTokens:
    """The objective.

    share    of the tokens that are masked for the generator, in (0, 1)
    weight   of the encoder's loss beside the generator's
    part     the generator's width as a share of the encoder's, in (0, 1]
    """

    share: float = 0.15
    weight: float = 50.0
    part: float = 0.5

    def task(self, body: Any, pieces: Pieces, ids: Ids) -> Detection:
        return Detection(self, body, pieces, log_chances(token_counts(ids, pieces.count)))


def detection_loss(logits: Tensor, replaced: Tensor, counted: Tensor) -> Tensor:
    """Return the mean binary cross-entropy over the counted tokens.

    logits     (n, l) above 0 for "replaced"
    replaced   (n, l) bool, the truth
    counted    (n, l) bool
    """
    return functional.binary_cross_entropy_with_logits(
        logits[counted], replaced[counted].to(logits.dtype)
    )


def sampled(logits: Tensor, generator: Generator) -> Tensor:
    """Draw one token from each row of logits: (k, v) -> (k,). No gradient passes."""
    numbers = torch.rand(logits.shape, generator=generator).clamp(1e-9, 1 - 1e-7)
    return (logits.detach() - (-numbers.log()).log()).argmax(-1)


def constant_loss(truth: Tensor) -> Tensor:
    """Return the entropy in nats of the share of True: the best that one constant answer does."""
    share = truth.float().mean().clamp(1e-6, 1 - 1e-6)
    return -(share * share.log() + (1 - share) * (1 - share).log())


class Detection(nn.Module):  # type: ignore[misc]
    """Generator and detector over one body."""

    def __init__(
        self, objective: ReplacedTokens, body: Any, pieces: Pieces, chances: Tensor
    ) -> None:
        super().__init__()
        self.objective, self.pieces, self.body = objective, pieces, body
        self.register_buffer("chances", chances)
        known = body.config
        heads = max(1, round(known.num_attention_heads * objective.part))
        width = max(heads, round(known.hidden_size * objective.part) // heads * heads)
        size = Size(known.num_hidden_layers, width, heads, tokens=known.max_position_embeddings)
        embeddings = body.embeddings.word_embeddings
        self.narrow = nn.Linear(known.hidden_size, width)
        self.generator = new_body(size, 1)
        self.names = TokenHead(width, embeddings, chances)
        self.detector = nn.Sequential(
            nn.Linear(known.hidden_size, known.hidden_size),
            nn.GELU(),
            nn.Linear(known.hidden_size, 1),
        )

    def forward(self, ids: Tensor, attended: Tensor, generator: Generator) -> dict[str, Term]:
        counted = ordinary(ids, attended, self.pieces)
        hidden = chosen(counted, self.objective.share, generator)
        vectors = self.body.embeddings.word_embeddings(ids.masked_fill(hidden, self.pieces.mask))
        states = self.generator(
            inputs_embeds=self.narrow(vectors), attention_mask=attended.long()
        ).last_hidden_state
        logits = self.names(states[hidden])
        filled = ids.clone()
        filled[hidden] = sampled(logits, generator)
        found = self.body(input_ids=filled, attention_mask=attended.long()).last_hidden_state
        replaced = filled != ids
        detection = detection_loss(self.detector(found).squeeze(-1), replaced, counted)
        truth = ids[hidden]
        return {
            "generator": Term(
                functional.cross_entropy(logits, truth), -self.chances[truth].mean(), 1.0
            ),
            "detection": Term(detection, constant_loss(replaced[counted]), self.objective.weight),
        }

    def pooling(self) -> list[Any]:
        return [pooling_of(self.body.config.hidden_size, ["mean"])]
