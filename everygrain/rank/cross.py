"""Cross-encoders: a query and a text read together, by any of sentence-transformers' own.

    index.retriever("hybrid") % 50 >> Cross(CrossEncoderScorer("folder"), index.fetch)

A text is read under its title. A shallow cross-encoder knows less than the legs of the index do
together, so that its scores can be added to theirs instead of replacing them:

    score(d) = (1 - weight) first(d) + weight cross(d)

where first and cross are the former scores and the cross-encoder's, each standardised over the
query's candidates (mean 0, deviation 1; 0 where all are alike).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from everygrain.document import Document, Ranking
from everygrain.encode.hub import is_local, is_nowhere, quietly
from everygrain.encode.transformer import quiet_transformers
from everygrain.errors import EverygrainError, ModelError, QueryError
from everygrain.rank.base import Fetch, PairScorer, Queries, check_asked, named

_BUCKET = 16
_TOKENS_AT_ONCE = 1024

Scores = npt.NDArray[np.float32]


def open_cross_encoder(name: str) -> Any:
    """Return a CrossEncoder of one score on the CPU.

    Raises ModelError if the library is missing, or the model cannot be loaded or gives classes.
    """
    remedy = "Name a folder that CrossEncoder.save_pretrained wrote, or check the network."
    # told at once: the library takes seconds to import
    if Path(name).is_dir() and not (Path(name) / "config.json").is_file():
        raise ModelError(f"The folder '{name}' holds no cross-encoder (no config.json).", remedy)
    if is_nowhere(name):
        raise ModelError(f"The cross-encoder '{name}' cannot be loaded: no such folder.", remedy)
    try:
        from sentence_transformers import CrossEncoder
    except ImportError as error:
        raise ModelError(
            f"The cross-encoder '{name}' needs sentence-transformers.",
            'Install it with `pip install "everygrain[models]"`.',
        ) from error
    quiet_transformers()
    try:
        with quietly():
            model = CrossEncoder(name, device="cpu", local_files_only=is_local(name)).eval()
    except Exception as error:  # whatever a damaged file makes the library raise
        raise ModelError(
            f"The cross-encoder '{name}' cannot be loaded ({error}).", remedy
        ) from error
    labels = int(model.num_labels)
    if labels != 1:
        raise ModelError(
            f"The model '{name}' gives {labels} numbers for a pair, not one score.",
            "Name a cross-encoder with one label, such as one trained for ranking.",
        )
    return model


@dataclass(frozen=True)
class CrossEncoderScorer:
    """A PairScorer over a sentence-transformers CrossEncoder.

    name     a folder, or a name on the hub (which needs a network the first time)
    tokens   of query and text together, the longer of which is cut; 0 for the model's own limit

    Scores are the logits, which a sigmoid, if the model has one, would flatten at both ends.
    Pairs are padded to a multiple of 16 tokens and run, the longest first, in batches whose shape
    follows from that length alone: the score of a pair does not depend on the others of its call,
    to the last bit. (Only rounding is promised so for models that are no sequence classifier,
    which the library batches by itself.)
    Raises ModelError where the libraries or the model's files are missing or damaged.
    """

    name: str
    tokens: int = 0

    def __post_init__(self) -> None:
        if self.tokens < 0:
            raise QueryError(f"{self.tokens} tokens hold no pair.", "Use 0 for the model's limit.")

    @cached_property
    def model(self) -> Any:
        return open_cross_encoder(self.name)

    @cached_property
    def limit(self) -> int:
        """Tokens after which a pair is cut."""
        own = [self.model.tokenizer.model_max_length]
        own += [getattr(self.model.config, "max_position_embeddings", None) or 512]
        own += [self.tokens] if self.tokens else []
        return int(min(own))

    @cached_property
    def fingerprint(self) -> str:
        """Covers the model's files and the limit."""
        digest = hashlib.blake2b(str(self.tokens).encode(), digest_size=6)
        for path in sorted(Path(self.name).rglob("*")):
            if path.is_file() and path.suffix in (".json", ".safetensors", ".txt"):
                digest.update(path.relative_to(self.name).as_posix().encode())
                digest.update(hashlib.file_digest(path.open("rb"), "blake2b").digest())
        return f"{Path(self.name).name}-{digest.hexdigest()}"

    def score(self, query: str, texts: Sequence[str]) -> Scores:
        """Return (n,) logits, higher for better."""
        return self.score_pairs([(query, text) for text in texts])

    def score_pairs(self, pairs: Sequence[tuple[str, str]]) -> Scores:
        """Return (n,) logits of (query, text) pairs, which may have several queries."""
        scores = np.zeros(len(pairs), dtype=np.float32)
        if not pairs:
            return scores
        if not _classifies(self.model):
            import torch

            found = self.model.predict(
                list(pairs), activation_fn=torch.nn.Identity(), show_progress_bar=False
            )
            return np.asarray(found, dtype=np.float32)
        tokenizer = self.model.tokenizer
        told = tokenizer(
            [_front(query, self.limit) for query, _ in pairs],
            [_front(text, self.limit) for _, text in pairs],
            truncation="longest_first",
            max_length=self.limit,
        )
        buckets: dict[int, list[int]] = {}
        for i, ids in enumerate(told["input_ids"]):
            buckets.setdefault(-(-len(ids) // _BUCKET) * _BUCKET, []).append(i)
        for length in sorted(buckets, reverse=True):
            rows = max(1, _TOKENS_AT_ONCE // length)
            for start in range(0, len(buckets[length]), rows):
                batch = buckets[length][start : start + rows]
                # a short last batch is filled up with copies: its shape must not differ
                filled = batch + batch[:1] * (rows - len(batch))
                features = {name: [column[i] for i in filled] for name, column in told.items()}
                scores[batch] = self._logits(features, min(length, self.limit))[: len(batch)]
        return scores

    def _logits(self, features: dict[str, Any], length: int) -> Scores:
        import torch

        padded = self.model.tokenizer.pad(
            features, padding="max_length", max_length=length, return_tensors="pt"
        )
        with torch.inference_mode():
            found: Scores = self.model.model(**padded).logits[:, 0].float().numpy()
        return found


def _front(text: str, words: int) -> str:
    """Return the text up to the end of its so many-th word: each is a token or more, so that the
    tokenizer need not read what is cut anyway."""
    if len(text) <= 2 * words:
        return text
    for count, match in enumerate(re.finditer(r"\S+", text), 1):
        if count == words:
            return text[: match.end()]
    return text


def _classifies(model: Any) -> bool:
    """Tell whether a model is one plain sequence classifier."""
    name = type(getattr(model, "model", None)).__name__
    return name.endswith("ForSequenceClassification")


def read(document: Document) -> str:
    """Return what a scorer reads of a document: its title, if it has one, and its text."""
    return f"{document.title} {document.text}" if document.title.strip() else document.text


def scored(
    scorer: PairScorer, query: str, text: str, ids: Sequence[str], texts: Sequence[str]
) -> Scores:
    """Return a scorer's (n,) scores of a query's documents, checked.

    query        id of the query, for errors;  text  what it asks
    ids, texts   of the documents

    Raises QueryError that names the query, and the document if one is at fault, for a scorer that
    raises, gives another number of scores, or gives NaN or infinity.
    """
    if not texts:
        return np.zeros(0, dtype=np.float32)
    try:
        found = np.asarray(scorer.score(text, list(texts)), dtype=np.float32)
    except EverygrainError as error:
        raise type(error)(f"Query '{query}': {error.problem}", error.remedy) from error
    except Exception as error:
        raise QueryError(
            f"Query '{query}': {scorer!r} failed on {len(texts)} documents, the first of which is "
            f"'{ids[0]}' ({type(error).__name__}: {error}).",
            "Mend the scorer, or rank without it.",
        ) from error
    if found.shape != (len(texts),):
        raise QueryError(
            f"Query '{query}': {scorer!r} gave scores of the shape {found.shape} for {len(texts)} "
            f"documents, the first of which is '{ids[0]}'.",
            "Mend the scorer: it gives one score for each text.",
        )
    wrong = np.flatnonzero(~np.isfinite(found))
    if len(wrong):
        place = int(wrong[0])
        raise QueryError(
            f"Query '{query}': {scorer!r} gave {found[place]} for the document '{ids[place]}'.",
            "Mend the scorer, or leave the document out.",
        )
    return found


def standard(scores: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return scores less their mean, over their deviation; zeros where all are alike."""
    exact = scores.astype(np.float64)
    centred: npt.NDArray[np.float64] = exact - exact.mean() if len(exact) else exact
    spread = float(exact.std()) if len(exact) else 0.0
    # what rounding alone leaves of equal scores is no difference
    alike = spread <= 1e-9 * (1.0 + float(np.abs(exact).max(initial=0.0)))
    return np.zeros(len(exact)) if alike else centred / spread


@dataclass(frozen=True)
class Cross:
    """The reranker: a scorer reads each document with the query.

    scorer   CrossEncoderScorer, or any PairScorer
    fetch    gives documents by id, such as `Index.fetch`
    depth    documents of a query that are scored, at least 1; later ones are left out
    weight   of the scorer against the former scores, in (0, 1]; 1 ranks by the scorer alone, and
             its scores come out as they are

    A document that `fetch` no longer knows is left out. Raises QueryError for settings out of
    range, and that names query and document where the scorer raises or gives no number.
    """

    scorer: PairScorer
    fetch: Fetch
    depth: int = 100
    weight: float = 1.0

    def __post_init__(self) -> None:
        if self.depth < 1 or not 0 < self.weight <= 1:
            raise QueryError(
                f"A cross-encoder cannot rerank {self.depth} documents with weight {self.weight}.",
                "Use a depth of 1 or more, and a weight above 0 and at most 1.",
            )

    def __repr__(self) -> str:
        told = [repr(self.scorer)]
        told += [f"depth={self.depth}"] if self.depth != 100 else []
        told += [f"weight={self.weight:g}"] if self.weight != 1 else []
        return f"Cross({', '.join(told)})"

    def rerank(self, queries: Queries, ranking: Ranking) -> Ranking:
        asked = named(queries)
        check_asked(asked, ranking)
        rows: list[tuple[str, str, float]] = []
        for query, found in ranking.by_query().items():
            documents = self.fetch([name for name, _ in found[: self.depth]])
            kept = [(name, score) for name, score in found[: self.depth] if name in documents]
            ids = [name for name, _ in kept]
            texts = [read(documents[name]) for name in ids]
            scores = scored(self.scorer, query, asked[query], ids, texts)
            mixed = scores.astype(np.float64)
            if self.weight < 1:
                former = np.array([score for _, score in kept], dtype=np.float64)
                mixed = (1 - self.weight) * standard(former) + self.weight * standard(scores)
            rows += [(query, name, float(s)) for name, s in zip(ids, mixed, strict=True)]
        return Ranking.of(list(ranking.queries), rows)
