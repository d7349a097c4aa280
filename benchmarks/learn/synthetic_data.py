"""Rules that answer in place of a language model, and what their answers are tried on."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from everygrain import Document, Index, Ranking
from everygrain.analyze import Analyzer, split
from everygrain.encode import registry
from everygrain.endpoint import Completion
from everygrain.measure import evaluate, load
from everygrain.measure.bootstrap import bca_interval
from everygrain.measure.significance import randomisation_test
from everygrain.rank.base import named
from everygrain.segment.sentences import Sentences

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"

RESULTS = Path(__file__).resolve().parents[1] / "results"

TERMS = Analyzer("en").query


class Rule:
    """An answerer whose answers are a function's of the prompt."""

    def __init__(self, answer: Callable[[str], Any]) -> None:
        self.answer = answer

    def complete(self, messages: Sequence[Mapping[str, Any]], **options: Any) -> Completion:
        return Completion(json.dumps(self.answer(str(messages[-1]["content"]))), 0, 0, "stop")


def tagged(prompt: str, tag: str) -> str:
    return str(re.findall(rf"<{tag}>(.*?)</{tag}>", prompt, re.DOTALL)[-1])


def full(document: Document) -> str:
    return f"{document.title}\n{document.text}".strip()


@cache
def sentences_of(text: str) -> list[str]:
    return [" ".join(text[a:b].split()) for a, b in Sentences().spans(text)]


def interval(values: Sequence[float]) -> str:
    """Return a mean with its 95 % interval; without one where the values do not differ."""
    mean = float(np.mean(values))
    if len(set(values)) < 2:
        return f"{mean:.3f} (n {len(values)})"
    found = bca_interval(values)
    return f"{mean:.3f} [{found.low:.3f}, {found.high:.3f}] (n {len(values)})"


def query_of(text: str, generator: random.Random, count: int = 6) -> str:
    """Return some content words of one sentence, in an order of their own."""
    able = [s for s in sentences_of(text) if len(set(TERMS(s))) >= count] or [text]
    words = [w for w in re.findall(r"\w+", generator.choice(able).lower()) if TERMS(w)]
    chosen = list(dict.fromkeys(words))
    generator.shuffle(chosen)
    return " ".join(chosen[:count])


def trained_map(
    queries: Any, documents: Any, negatives: Any = None, order: Any = None, steps: int = 200
) -> Any:
    """Return a (d, d) map trained by multiple negatives ranking from the identity.

    order   step -> number of rows, easiest first, that are learned from at that step
    """
    import torch

    torch.manual_seed(0)
    generator = np.random.default_rng(0)
    weights = torch.eye(queries.shape[1], requires_grad=True)
    optimizer = torch.optim.Adam([weights], lr=1e-3)
    unit = torch.nn.functional.normalize
    tensors = [torch.from_numpy(np.asarray(each)) for each in (queries, documents)]
    worse = None if negatives is None else torch.from_numpy(np.asarray(negatives))
    for step in range(steps):
        most = len(queries) if order is None else order(step / steps)
        rows = torch.from_numpy(generator.choice(most, min(128, most), replace=False))
        asked, found = (unit(each[rows] @ weights) for each in tensors)
        if worse is not None:
            found = torch.cat([found, unit(worse[rows] @ weights)])
        loss = torch.nn.functional.cross_entropy(20 * asked @ found.T, torch.arange(len(rows)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return weights.detach().numpy()


def ndcg(
    collection: Any, ids: Sequence[str], documents: Any, queries: Any, only: Any = None
) -> Any:
    """Return nDCG@10 per query, of the queries in `only`, in the order of the collection."""
    asked = list(collection.scored_queries)
    rows = []
    kept = [query for query in asked if only is None or query in only]
    for query, vector in zip(asked, queries, strict=True):
        if query in set(kept):
            scores = documents @ vector
            best = np.argsort(-scores, kind="stable")[:10]
            rows += [(query, ids[i], float(scores[i])) for i in best]
    judged = {query: collection.judgements[query] for query in kept}
    scores = evaluate(Ranking.of(kept, rows), judged, ["nDCG@10"])
    told = dict(zip(scores.queries, scores.of("nDCG@10"), strict=True))
    return np.array([told[query] for query in kept])


def mapped(rows: Any, weights: Any) -> Any:
    moved = rows @ weights
    return moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-12)


def difference(name: str, first: Any, second: Any) -> str:
    test = randomisation_test(first, second, samples=20_000)
    return f"{name}: {test.difference:+.3f} (p {test.p:.4f}, n {test.queries})"


def fitted_static(texts: Sequence[str]) -> Any:
    encoder: Any = registry.create("static")
    return encoder.fit(split(texts))


class ByVectors:
    """A retriever by dot products of whole documents."""

    def __init__(self, encoder: Any, ids: Sequence[str], vectors: Any) -> None:
        self.encoder, self.ids, self.vectors = encoder, ids, vectors

    def retrieve(self, queries: Any, k: int = 10) -> Ranking:
        asked = named(queries)
        rows = []
        for query, vector in zip(
            asked, self.encoder.encode(list(asked.values()), "query"), strict=True
        ):
            scores = self.vectors @ vector
            best = np.argpartition(-scores, k)[:k]
            rows += [(query, self.ids[i], float(scores[i])) for i in best]
        return Ranking.of(list(asked), rows)


class Scifact:
    """The collection, its index and the vectors of `static`."""

    def __init__(self, folder: Path) -> None:
        self.collection = load(DATA / "scifact", "train")
        self.documents = list(self.collection.documents())
        self.by_id = {document.id: document for document in self.documents}
        self.ids = [document.id for document in self.documents]
        self.claims = dict(self.collection.scored_queries)
        self.relevant = {
            query: [d for d, grade in judged.items() if grade > 0]
            for query, judged in self.collection.judgements.items()
        }
        index = Index(folder, encoder="none", language="en")
        index.add(self.documents)
        texts = [full(document) for document in self.documents]
        self.encoder: Any = fitted_static(texts)
        self.vectors = self.encoder.encode(texts)
        self.asked = self.encoder.encode(list(self.claims.values()), "query")
        self.retrievers: dict[str, Any] = {
            "lexical": index.retriever("lexical"),
            "dense": ByVectors(self.encoder, self.ids, self.vectors),
        }
