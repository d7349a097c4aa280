"""A transformer's token vectors, merged into one vector for each whole word of a text.

Pieces of a word are averaged to the word, occurrences of a term to the term; texts longer than the
transformer's window are read window by window, cut between words.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from everygrain.analyze import Analyzer, locate
from everygrain.encode.base import Kind, Vectors
from everygrain.encode.transformer import Transformer
from everygrain.errors import ModelError

_BUCKET = 16
_TOKENS_AT_ONCE = 512
_UNRANKED = 0.5  # rarity of pieces whose place in the vocabulary says nothing


@dataclass(frozen=True, eq=False)
class Merged:
    """The m distinct terms of one text, sorted by hash.

    words     (m,) uint32, a hash of each term
    rarity    (m,) float32 in [0, 1]: 0 for the most frequent piece of the vocabulary, 1 for words
              that it has to be cut for
    vectors   (m, r) float32, mean over occurrences of the mean over pieces
    """

    words: npt.NDArray[np.uint32]
    rarity: npt.NDArray[np.float32]
    vectors: Vectors


@dataclass(frozen=True, eq=False)
class Plan:
    """One text before the transformer.

    words, rarity   as in `Merged`
    tokens          (t,) ids
    term            (t,) places in words; -1 for tokens of no term
    share           (t,) float32; those of a term's tokens sum to 1
    windows         (first token, last token + 1) of each
    """

    words: npt.NDArray[np.uint32]
    rarity: npt.NDArray[np.float32]
    tokens: npt.NDArray[np.int64]
    term: npt.NDArray[np.int64]  # (tokens,), -1 for tokens of no term
    share: npt.NDArray[np.float32]  # (tokens,), shares of a term sum to 1
    windows: list[tuple[int, int]]


@dataclass(frozen=True)
class TokenReader:
    """Reads texts with a transformer.

    transformer   one with a fast tokenizer, which tells where tokens stand in a text
    analyzer      says which words are terms, and which words share one
    """

    transformer: Transformer
    analyzer: Analyzer

    @cached_property
    def _tokenizer(self) -> Any:
        tokenizer = self.transformer.model.tokenizer
        if not getattr(tokenizer, "is_fast", False):
            raise ModelError(
                f"The tokenizer of '{self.transformer.name}' does not tell where tokens stand.",
                "Use a model with a fast tokenizer, such as minilm.",
            )
        return tokenizer

    @property
    def width(self) -> int:
        """Return the length of a token vector."""
        return int(self.transformer.model[0].auto_model.config.hidden_size)

    def _frame(self, kind: Kind) -> tuple[list[int], list[int]]:
        """Return the tokens before and behind a text: special ones, and the model's prompt."""
        prompts = getattr(self.transformer.model, "prompts", None) or {}
        prompt = prompts.get(kind) or ""
        bare = self._tokenizer("a", add_special_tokens=False)["input_ids"]
        framed = self._tokenizer("a")["input_ids"]
        first = next(i for i in range(len(framed)) if framed[i : i + len(bare)] == bare)
        told = self._tokenizer(prompt, add_special_tokens=False)["input_ids"] if prompt else []
        return framed[:first] + told, framed[first + len(bare) :]

    @cached_property
    def _rarity(self) -> npt.NDArray[np.float32]:
        """Return (vocabulary,) log(1 + rank) / log(1 + n): tokenizers list frequent pieces first,
        so that this is inverse document frequency up to scale, by Zipf's law."""
        pieces = self._tokenizer.get_vocab()
        special = set(self._tokenizer.all_special_ids)
        rarity = np.full(max(pieces.values(), default=0) + 1, _UNRANKED, dtype=np.float32)
        ranked = sorted(
            i
            for piece, i in pieces.items()
            if i not in special and len(_letters(piece)) > 1 and not piece.startswith("[unused")
        )
        rarity[ranked] = np.log1p(np.arange(len(ranked))) / np.log1p(max(len(ranked), 1))
        return rarity

    def read(
        self, texts: Sequence[str], kind: Kind = "document", projection: Vectors | None = None
    ) -> list[Merged]:
        """Return the merged terms of each text, which depend on the text alone, to the last bit.

        projection   (width, r) applied to token vectors before they are merged, which is the same
                     as after, and smaller; None for the token vectors themselves
        """
        plans = self.plans(texts, kind)
        columns = self.width if projection is None else projection.shape[1]
        sums = [np.zeros((len(plan.words), columns), dtype=np.float32) for plan in plans]
        for text, start, end, states in self.states(plans, kind):
            plan = plans[text]
            of_terms = np.flatnonzero(plan.term[start:end] >= 0)
            vectors = states[of_terms]
            if projection is not None:
                vectors = vectors @ projection
            shares = plan.share[start:end][of_terms, None]
            # added one after the other, in the order of the text
            np.add.at(sums[text], plan.term[start:end][of_terms], vectors * shares)
        return [
            Merged(plan.words, plan.rarity, np.nan_to_num(vectors))
            for plan, vectors in zip(plans, sums, strict=True)
        ]

    def states(
        self, plans: Sequence[Plan], kind: Kind = "document"
    ) -> Iterator[tuple[int, int, int, Vectors]]:
        """Yield text, first token, last token + 1, and these tokens' vectors (tokens, width), for
        every window in which a term stands. The windows of a text come in one order always."""
        import torch

        before, behind = self._frame(kind)
        extra = len(before) + len(behind)
        for length, rows, batch in _batches(plans, extra, one_by_one=kind == "query"):
            # a short last batch is filled up with copies: its shape must not differ
            filled = batch + batch[:1] * (rows - len(batch))
            framed = [
                [*before, *plans[text].tokens[start:end].tolist(), *behind]
                for text, start, end in filled
            ]
            features = self._tokenizer.pad(
                {"input_ids": framed}, padding="max_length", max_length=length, return_tensors="pt"
            )
            with torch.inference_mode():
                found = self.transformer.model[0](dict(features))["token_embeddings"]
            for (text, start, end), states in zip(batch, found.float().numpy(), strict=False):
                yield text, start, end, states[len(before) : len(before) + end - start]

    def plans(self, texts: Sequence[str], kind: Kind = "document") -> list[Plan]:
        """Return tokens, terms and windows of texts."""
        if not texts:
            return []
        before, behind = self._frame(kind)
        limit = int(self.transformer.model.max_seq_length or 512) - len(before) - len(behind)
        encoded = self._tokenizer(
            list(texts), add_special_tokens=False, truncation=False, padding=False,
            return_offsets_mapping=True, return_attention_mask=False, verbose=False,
        )  # fmt: skip
        return [
            self._plan(text, np.array(ids, dtype=np.int64), offsets, max(1, limit))
            for text, ids, offsets in zip(
                texts, encoded["input_ids"], encoded["offset_mapping"], strict=True
            )
        ]

    def _plan(
        self, text: str, ids: npt.NDArray[np.int64], offsets: Sequence[tuple[int, int]], limit: int
    ) -> Plan:
        located = list(locate(text))
        terms = self.analyzer.places([word for _, _, word in located])
        word = _words_of_tokens(located, offsets)
        windows = _windows(word, limit)
        pieces = np.bincount(word[word >= 0], minlength=len(located))
        # a word that the tokenizer has no token for is not there
        there = np.array([term is not None for term in terms], dtype=bool) & (pieces > 0)
        hashes = np.array([term_hash(t) for t, is_ in zip(terms, there, strict=True) if is_ and t])
        words, numbers = np.unique(hashes.astype(np.uint32), return_inverse=True)
        term_of_word = np.full(len(located) + 1, -1, dtype=np.int64)
        term_of_word[:-1][there] = numbers  # the last is for tokens of no word, which have -1
        term = term_of_word[word]
        used = np.flatnonzero(term >= 0)
        occurrences = np.bincount(numbers, minlength=len(words))
        share = np.zeros(len(ids), dtype=np.float32)
        share[used] = 1.0 / (pieces[word[used]] * occurrences[term[used]])
        rarity = np.zeros(len(words), dtype=np.float32)
        whole = pieces[word[used]] == 1
        np.maximum.at(rarity, term[used], np.where(whole, self._rarity[ids[used]], 1.0))
        return Plan(words, rarity, ids, term, share, windows)


@lru_cache(2**17)
def term_hash(term: str) -> int:
    """Return the 32 bits that stand for a term."""
    return int.from_bytes(hashlib.blake2b(term.encode(), digest_size=4).digest(), "little")


def _letters(piece: str) -> str:
    """Return a piece without the marks of the common tokenizers for its place in a word."""
    return piece.removeprefix("##").lstrip("\u2581\u0120")


def _words_of_tokens(
    located: Sequence[tuple[int, int, str]], offsets: Sequence[tuple[int, int]]
) -> npt.NDArray[np.int64]:
    """Return (tokens,) the word that each token's last character stands in; -1 for none."""
    if not located or not len(offsets):
        return np.full(len(offsets), -1, dtype=np.int64)
    starts = np.array([start for start, _, _ in located])
    ends = np.array([end for _, end, _ in located])
    spans = np.array(offsets, dtype=np.int64).reshape(-1, 2)
    last = spans[:, 1] - 1
    word = np.searchsorted(starts, last, side="right") - 1
    inside = (word >= 0) & (last < ends[np.maximum(word, 0)]) & (spans[:, 1] > spans[:, 0])
    return np.where(inside, word, -1)


def _windows(word: npt.NDArray[np.int64], limit: int) -> list[tuple[int, int]]:
    """Cut tokens into windows of nearly equal size, between words where a word fits a window."""
    found: list[tuple[int, int]] = []
    start, count = 0, len(word)
    while start < count:
        rest = count - start
        end = start + -(-rest // -(-rest // limit))
        back = end
        while back > start and back < count and word[back] >= 0 and word[back] == word[back - 1]:
            back -= 1
        end = back if back > start else end
        found.append((start, end))
        start = end
    return found


def _batches(
    plans: Sequence[Plan], extra: int, one_by_one: bool
) -> Iterator[tuple[int, int, list[tuple[int, int, int]]]]:
    """Yield padded length, rows, and up to so many windows as (text, start, end), longest first.

    Length and rows follow from a window alone, not from what stands beside it. Windows without a
    term are left out.
    """
    buckets: dict[int, list[tuple[int, int, int]]] = {}
    for text, plan in enumerate(plans):
        for start, end in plan.windows:
            if (plan.term[start:end] >= 0).any():
                length = -(-(end - start + extra) // _BUCKET) * _BUCKET
                buckets.setdefault(length, []).append((text, start, end))
    for length in sorted(buckets, reverse=True):
        rows = 1 if one_by_one else max(1, _TOKENS_AT_ONCE // length)
        for first in range(0, len(buckets[length]), rows):
            yield length, rows, buckets[length][first : first + rows]
