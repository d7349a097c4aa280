"""A query with what is going on around it: its vector is fused with the text of an event.

    q, e      vectors of the query and of the event, by any encoder
    Q_i, E_j  vectors of their distinct words, by the same; w_i, m_j idf times count, of sum 1
    A_ij      softmax_j( log m_j + a Q_i . E_j + (Q_i P) . (E_j R) )
    x         sum_i w_i sum_j A_ij E_j                            what the query asks of the event
    h         unit( e + b x + (x U) V )                           the event, as the query sees it
    g         2 sigmoid( u . [1, q . e, log(1 + words of q), log(1 + words of e), mean idf of q] )
    vector    unit( q + g h )

Documents, and queries without an event, get the encoder's own vectors to the last bit, so no index
is built anew. Untrained, R, U, V and a, b are zero and the vector is unit(q + e / 2), or with
another share of e; `everygrain search --context` asks with q + e. `everygrain.learn.train.context`
trains it. Most of what an event gives, its mere mixture gives too:
see benchmarks/results/rank_context.md.

Source: Event-driven Real-time Retrieval in Web Search
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from everygrain.analyze import split
from everygrain.encode.base import Encoder, Kind, Vectors, unit
from everygrain.encode.static import Static, inverse_frequencies
from everygrain.errors import InputError, ModelError

Weights = Mapping[str, npt.NDArray[np.float32]]
FEATURES = 5
START = 0.5  # of the event, untrained


@dataclass(frozen=True, eq=False)
class Asked:
    """A query and an event as the fusion sees them; all float32.

    query, event               (d,)
    query_words, event_words   (words, d) of the distinct known words
    query_shares, event_shares (words,) idf times count, of sum 1
    features                   (5,) of the gate
    """

    query: Vectors
    event: Vectors
    query_words: Vectors
    event_words: Vectors
    query_shares: Vectors
    event_shares: Vectors
    features: Vectors


@dataclass(frozen=True, eq=False)
class Context:
    """An encoder whose queries may come with an event.

    inner     encodes texts and words
    weights   of the fusion, by name
    idf       word -> inverse document frequency; `unseen` for all others
    longest   distinct words of an event that are read, those of most weight first, >= 1
    event     of every query that `encode` is given; none if empty

    The fingerprint is that of `inner`, for documents have its vectors; `fusion` names the fusion.
    So a cache of vectors belongs around `inner`, never around this. A new fit of `inner` turns its
    directions: the fusion is then trained again.
    Source: Event-driven Real-time Retrieval in Web Search
    Raises InputError for a `longest` below 1.
    """

    inner: Encoder
    weights: Weights
    idf: Mapping[str, float]
    unseen: float = 1.0
    longest: int = 64
    event: str = ""

    def __post_init__(self) -> None:
        if self.longest < 1:
            raise InputError(
                f"{self.longest} words of an event are to be read.", "Read 1 or more; 64 is usual."
            )

    @classmethod
    def untrained(
        cls,
        inner: Encoder,
        documents: Sequence[str] = (),
        *,
        rank: int = 8,
        longest: int = 64,
        seed: int = 0,
        share: float = START,
    ) -> Context:
        """Return the fixed mixture of query and event.

        documents   texts whose words tell the inverse document frequencies; those of a `Static`
                    are its own
        rank        of the learned parts of attention and value, >= 1
        share       of the event, in (0, 2); 1 is the mean of both vectors, the best on training
                    papers
        """
        if rank < 1:
            raise InputError(f"The rank of a fusion is {rank}.", "Use 1 or more; 32 is usual.")
        if not 0 < share < 2:
            raise InputError(f"The share of an event is {share}.", "Use a number from 0 to 2.")
        idf, unseen = inverse_frequencies(split(documents)) if documents else ({}, 1.0)
        if isinstance(inner, Static):
            idf, unseen = inner.idf, inner.unseen
        lot, d = np.random.default_rng(seed), inner.dimensions
        gate = np.zeros(FEATURES, dtype=np.float32)
        gate[0] = np.log(share / (2 - share))
        weights = {
            "a": np.zeros(1, np.float32),
            "b": np.zeros(1, np.float32),
            "P": (lot.standard_normal((d, rank)) / np.sqrt(d)).astype(np.float32),
            "R": np.zeros((d, rank), np.float32),
            "U": (lot.standard_normal((d, rank)) / np.sqrt(d)).astype(np.float32),
            "V": np.zeros((rank, d), np.float32),
            "u": gate,
        }
        return cls(inner, weights, idf, unseen, longest)

    @property
    def dimensions(self) -> int:
        return self.inner.dimensions

    @property
    def fingerprint(self) -> str:
        return self.inner.fingerprint

    @cached_property
    def fusion(self) -> str:
        """Names all that the vector of a query with an event follows from."""
        digest = hashlib.blake2b(self.inner.fingerprint.encode(), digest_size=6)
        told = [sorted(self.idf.items()), self.unseen, self.longest]
        digest.update(json.dumps(told).encode())
        for name in sorted(self.weights):
            digest.update(name.encode() + np.ascontiguousarray(self.weights[name]).tobytes())
        return f"context-{self.dimensions}-{digest.hexdigest()}"

    def about(self, event: str) -> Context:
        """Return the encoder all of whose queries are about an event.

        An index of `inner` opens with it, and its dense leg then asks with the event.
        """
        return replace(self, event=event)

    def encode(self, texts: Sequence[str], kind: Kind = "document") -> Vectors:
        if kind == "document" or not self.event:
            return self.inner.encode(texts, kind)
        return self.encode_queries(texts, [self.event] * len(texts))

    def encode_queries(self, texts: Sequence[str], events: Sequence[str | None]) -> Vectors:
        """Return (n, d) vectors of queries, each with its event.

        events   one for each query; None or an empty one leaves the query as it is

        A query that holds nothing known stays zero, whatever the event.
        Raises InputError for another number of events.
        """
        found = self.inner.encode(texts, "query")
        for i, each in enumerate(self.asked(texts, events)):
            if each is not None:
                found[i] = self.fused(each)
        return found

    def gates(self, texts: Sequence[str], events: Sequence[str | None]) -> npt.NDArray[np.float32]:
        """Return (n,) what the event weighs against the query, in [0, 2); 0 without an event."""
        told = self.asked(texts, events)
        return np.array([0.0 if a is None else self.gate(a) for a in told], dtype=np.float32)

    def gate(self, asked: Asked) -> float:
        return float(2 / (1 + np.exp(-float(asked.features @ self.weights["u"]))))

    def attention(self, asked: Asked) -> npt.NDArray[np.float32]:
        """Return (words of the query, words of the event), rows of sum 1."""
        w, words, told = self.weights, asked.query_words, asked.event_words
        logits = w["a"] * (words @ told.T) + (words @ w["P"]) @ (told @ w["R"]).T
        logits += np.log(asked.event_shares)
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        found: npt.NDArray[np.float32] = shares / shares.sum(axis=1, keepdims=True)
        return found

    def fused(self, asked: Asked) -> Vectors:
        """Return (d,) the vector of a query with its event."""
        w = self.weights
        x = asked.query_shares @ (self.attention(asked) @ asked.event_words)
        h = unit((asked.event + w["b"] * x + (x @ w["U"]) @ w["V"])[None])[0]
        found: Vectors = unit((asked.query + self.gate(asked) * h)[None])[0]
        return found

    def asked(self, texts: Sequence[str], events: Sequence[str | None]) -> list[Asked | None]:
        """Return what the fusion sees; None where the query or the event holds nothing known."""
        if len(events) != len(texts):
            raise InputError(
                f"{len(texts)} queries came with {len(events)} events.",
                "Give one event for each query; None where there is none.",
            )
        told = [event or "" for event in events]
        sides = [self.inner.encode(list(texts), "query"), self.inner.encode(told)]
        words = [self._words(list(texts), "query"), self._words(told, "document")]
        found: list[Asked | None] = []
        for q, e, (q_words, q_idf, q_counts), (e_words, e_idf, e_counts) in zip(
            *sides, *words, strict=True
        ):
            if not (q.any() and e.any() and len(q_words) and len(e_words)):
                found.append(None)
                continue
            mine, theirs = q_idf * q_counts, e_idf * e_counts
            kept = np.sort(np.argsort(-theirs, kind="stable")[: self.longest])
            lengths = np.log1p([q_counts.sum(), e_counts.sum()])
            features = [1.0, np.dot(q, e), *lengths, q_idf.mean()]
            found.append(
                Asked(
                    q,
                    e,
                    q_words,
                    e_words[kept],
                    (mine / mine.sum()).astype(np.float32),
                    (theirs[kept] / theirs[kept].sum()).astype(np.float32),
                    np.array(features, dtype=np.float32),
                )
            )
        return found

    def _words(
        self, texts: Sequence[str], kind: Kind
    ) -> list[tuple[Vectors, npt.NDArray[np.float64], npt.NDArray[np.int64]]]:
        """Return vectors, idf and counts of each text's distinct known words."""
        words = split(texts)
        vectors = self.inner.encode(list(words.vocabulary), kind)
        known = np.asarray(vectors.any(axis=1))
        # a word of every document may have no weight; the logarithm needs some
        told = [self.idf.get(word, self.unseen) for word in words.vocabulary]
        idf = np.maximum(np.array(told, dtype=np.float64), 1e-3)
        found = []
        for i in range(len(words)):
            ids = words.ids[words.offsets[i] : words.offsets[i + 1]]
            # in the order of the words themselves, which no neighbour in the call changes
            each, counts = np.unique(ids[known[ids]], return_counts=True)
            order = np.argsort([words.vocabulary[int(place)] for place in each], kind="stable")
            found.append((vectors[each[order]], idf[each[order]], counts[order]))
        return found

    def save(self, folder: Path) -> None:
        from safetensors.numpy import save_file

        inner = folder / "inner"
        inner.mkdir()
        self.inner.save(inner)
        arrays = {name: np.ascontiguousarray(array) for name, array in self.weights.items()}
        save_file(arrays, folder / "context.safetensors")
        described = {"kind": "context", "idf": dict(self.idf), "unseen": self.unseen}
        described |= {"longest": self.longest}
        (folder / "encoder.json").write_text(json.dumps(described), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, described: dict[str, Any]) -> Context:
        """Read what `save` wrote: an event is not kept. Raises ModelError if a file is missing or
        damaged."""
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        from everygrain.encode import registry

        try:
            arrays = load_file(folder / "context.safetensors")
            inner = registry.load(folder / "inner")
            if arrays["P"].shape[0] != inner.dimensions or arrays["u"].shape != (FEATURES,):
                raise ValueError(f"weights of {arrays['P'].shape[0]} dimensions")
            told = described["idf"], described["unseen"], described["longest"]
            return cls(inner, arrays, *told)
        except (OSError, SafetensorError, KeyError, TypeError, ValueError, InputError) as error:
            raise ModelError(
                f"The encoder with context in {folder} is missing or damaged ({error}).",
                "Train it again, or search without events.",
            ) from error
