"""Explicit n-gram masks: one mask for a whole n-gram, which is named as one and token by token.

A masked n-gram takes one place of the text, and is predicted there among all tokens and n-grams
(coarse). For each of its tokens a further mask stands after the text (fine), at the same position,
told apart by its place in the n-gram: it sees the text without the coarse masks, and its fellows of
the same n-gram; the text sees no fine mask. With `plausible`, a small generator names the n-grams
first, and the encoder sees one drawn from its answer in the place of the coarse mask.

Source: ERNIE-Gram: Pre-Training with Explicitly N-Gram Masked Language Modeling for Natural
Language Understanding
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from everygrain.learn.pretrain.base import Ids, Pieces, Size, Term
from everygrain.learn.pretrain.body import new_body, pooling_of
from everygrain.learn.pretrain.lexicon import Lexicon, learned_lexicon
from everygrain.learn.pretrain.masking import TokenHead, log_chances, token_counts
from everygrain.learn.pretrain.replaced import sampled


@dataclass(frozen=True)
class NGramMasks:
    """The objective.

    share       of the n-grams and single tokens that are masked, in (0, 1)
    grams       number of n-grams in the lexicon
    longest     tokens in an n-gram, >= 2
    least       occurrences of an n-gram in the texts
    plausible   whether a generator's draws stand in the place of coarse masks
    """

    share: float = 0.15
    grams: int = 4000
    longest: int = 3
    least: int = 5
    plausible: bool = True

    def task(self, body: Any, pieces: Pieces, ids: Ids) -> GramTask:
        plain = [text[1:-1] for text in ids]
        lexicon = learned_lexicon(plain, size=self.grams, longest=self.longest, least=self.least)
        return GramTask(self, body, pieces, lexicon, plain)


class Masked(NamedTuple):
    """A batch of n texts with masked n-grams: c places of text, then f fine masks.

    ids          (n, c) the text, with the mask's id for each masked n-gram
    attended     (n, c) bool
    coarse       (n, c) bool: the masked n-grams
    identities   (n, c) their identities; 0 elsewhere
    truth        (n, f) the token that a fine mask stands for
    place        (n, f) its place in its n-gram, from 0
    position     (n, f) where its n-gram stands in the text; -1 at padding
    """

    ids: Tensor
    attended: Tensor
    coarse: Tensor
    identities: Tensor
    truth: Tensor
    place: Tensor
    position: Tensor


def masked(
    texts: Ids, lexicon: Lexicon, pieces: Pieces, share: float, generator: Generator
) -> Masked:
    """Mask a share of the units of each text (at least one), given without its two ends."""
    rows, fine = [], []
    for text in texts:
        units = lexicon.units(text)
        wanted = min(len(units), max(1, round(share * len(units))))
        hidden = set(torch.randperm(len(units), generator=generator)[:wanted].tolist())
        row, marks = [(pieces.opening, 0, False)], []
        for number, unit in enumerate(units):
            if number in hidden:
                marks += [(token, place, len(row)) for place, token in enumerate(unit)]
                row.append((pieces.mask, identity_of(unit, lexicon, pieces), True))
            else:
                row += [(token, 0, False) for token in unit]
        rows.append([*row, (pieces.closing, 0, False)])
        fine.append(marks)
    wide, high = max(map(len, rows)), max(1, *map(len, fine))
    text_part = np.array([r + [(pieces.padding, 0, False)] * (wide - len(r)) for r in rows])
    fine_part = np.array([m + [(0, 0, -1)] * (high - len(m)) for m in fine])
    lengths = torch.tensor([len(row) for row in rows])
    ids, identities, coarse = (torch.from_numpy(text_part[..., i]) for i in range(3))
    truth, place, position = (torch.from_numpy(fine_part[..., i]) for i in range(3))
    attended = torch.arange(wide) < lengths.unsqueeze(1)
    return Masked(ids, attended, coarse.bool(), identities, truth, place, position)


def identity_of(unit: tuple[int, ...], lexicon: Lexicon, pieces: Pieces) -> int:
    """Return a token's own number, or that of an n-gram, which come after all tokens."""
    return unit[0] if len(unit) == 1 else pieces.count + lexicon.identities[unit]


def view_of(batch: Masked) -> Tensor:
    """Return (n, c + f, c + f) bool: row i sees column j."""
    texts, wide = batch.ids.shape
    high = batch.truth.shape[1]
    view = torch.zeros(texts, wide + high, wide + high, dtype=torch.bool)
    view[:, :wide, :wide] = batch.attended.unsqueeze(1)
    view[:, wide:, :wide] = (batch.attended & ~batch.coarse).unsqueeze(1)
    same = batch.position.unsqueeze(2) == batch.position.unsqueeze(1)
    view[:, wide:, wide:] = same & (batch.position >= 0).unsqueeze(1)
    return view


class GramTask(nn.Module):  # type: ignore[misc]
    """Encoder, generator and the two heads."""

    def __init__(
        self, objective: NGramMasks, body: Any, pieces: Pieces, lexicon: Lexicon, plain: Ids
    ) -> None:
        super().__init__()
        self.objective, self.pieces, self.lexicon = objective, pieces, lexicon
        self.body = body
        units = [[identity_of(u, lexicon, pieces) for u in lexicon.units(t)] for t in plain]
        identities = pieces.count + len(lexicon.grams)
        self.register_buffer("unit_chances", log_chances(token_counts(units, identities)))
        self.register_buffer("token_chances", log_chances(token_counts(plain, pieces.count)))
        known = body.config
        embeddings = body.embeddings.word_embeddings
        self.grams = nn.Embedding(len(lexicon.grams), known.hidden_size)
        self.places = nn.Embedding(max(lexicon.longest, 1), known.hidden_size)
        for table in (self.grams, self.places):
            nn.init.normal_(table.weight, std=known.initializer_range)
        whole, runs = self.unit_chances[: pieces.count], self.unit_chances[pieces.count :]
        self.bias = nn.Parameter(runs.clone())
        self.tokens = TokenHead(known.hidden_size, embeddings, self.token_chances)
        self.units = TokenHead(known.hidden_size, embeddings, whole)
        if objective.plausible:
            heads = max(1, known.num_attention_heads // 2)
            width = known.hidden_size // 2 // heads * heads
            size = Size(known.num_hidden_layers, width, heads, tokens=known.max_position_embeddings)
            self.narrow = nn.Linear(known.hidden_size, width)
            self.generator = new_body(size, 1)
            self.guesses = TokenHead(width, embeddings, whole)

    def forward(self, ids: Tensor, attended: Tensor, generator: Generator) -> dict[str, Term]:
        lengths = attended.sum(1).tolist()
        texts = [row[1 : n - 1].tolist() for row, n in zip(ids, lengths, strict=True)]
        batch = masked(texts, self.lexicon, self.pieces, self.objective.share, generator)
        truth = batch.identities[batch.coarse]
        baseline = -self.unit_chances[truth].mean()
        table = self.body.embeddings.word_embeddings
        vectors = table(batch.ids)
        terms = {}
        if self.objective.plausible:
            guessed = self.generator(
                inputs_embeds=self.narrow(vectors), attention_mask=batch.attended.long()
            ).last_hidden_state
            logits = self._identity_logits(self.guesses, guessed[batch.coarse])
            terms["generator"] = Term(functional.cross_entropy(logits, truth), baseline, 1.0)
            vectors = vectors.clone()
            drawn = sampled(logits, generator)
            vectors[batch.coarse] = torch.cat([table.weight, self.grams.weight])[drawn]
        states = self._states(batch, vectors)
        wide = batch.ids.shape[1]
        logits = self._identity_logits(self.units, states[:, :wide][batch.coarse])
        terms["identities"] = Term(functional.cross_entropy(logits, truth), baseline, 1.0)
        named = batch.position >= 0
        tokens = batch.truth[named]
        fine = functional.cross_entropy(self.tokens(states[:, wide:][named]), tokens)
        terms["tokens"] = Term(fine, -self.token_chances[tokens].mean(), 1.0)
        return terms

    def _states(self, batch: Masked, vectors: Tensor) -> Tensor:
        table = self.body.embeddings.word_embeddings
        fine = table.weight[self.pieces.mask] + self.places(batch.place)
        wide = batch.ids.shape[1]
        positions = torch.arange(wide).expand(len(batch.ids), -1)
        seen = view_of(batch).unsqueeze(1)
        mask = torch.zeros(seen.shape).masked_fill(~seen, torch.finfo(torch.float32).min)
        return self.body(
            inputs_embeds=torch.cat([vectors, fine], 1),
            position_ids=torch.cat([positions, batch.position.clamp(min=0)], 1),
            attention_mask=mask,
        ).last_hidden_state

    def _identity_logits(self, head: TokenHead, states: Tensor) -> Tensor:
        """Return logits over all tokens and then all n-grams."""
        hidden = head.hidden(states)
        tokens = hidden @ self.body.embeddings.word_embeddings.weight.T + head.bias
        return torch.cat([tokens, hidden @ self.grams.weight.T + self.bias], 1)

    def pooling(self) -> list[Any]:
        return [pooling_of(self.body.config.hidden_size, ["mean"])]
