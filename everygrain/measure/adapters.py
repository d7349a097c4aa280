"""Encoders and systems of ours as models of the mteb package, which runs its tasks with them.

    mteb.evaluate(EncoderModel("minilm"), tasks)

    with TemporaryDirectory() as folder:
        def build(documents):
            index = Index(folder, "latent")
            index.add(documents)
            return index.retriever("hybrid")

        mteb.evaluate(SearchModel(build, "hybrid-latent"), tasks)

mteb is needed to run these, not to import them. It keeps results by a model's name and revision:
an encoder's revision is its fingerprint.

Source: MMTEB: Massive Multilingual Text Embedding Benchmark.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import version
from typing import Any

import numpy as np

from everygrain.document import Document
from everygrain.encode import registry
from everygrain.encode.base import Encoder, FittedEncoder, Kind, Vectors
from everygrain.errors import InputError, MeasureError, ModelError
from everygrain.rank.base import Retriever

ORGANISATION = "everygrain"

Build = Callable[[Iterator[Document]], Retriever]


class EncoderModel:
    """An encoder as mteb's EncoderProtocol.

    model_name   an Encoder, or a name (see `everygrain.encode.registry`)
    name         as mteb's results name it, without a slash; the fingerprint's first part, if None

    The other arguments are mteb's, and are passed over. Queries are encoded as queries, all else
    as documents. Raises ModelError for an encoder that is fitted to a collection and has not been:
    mteb gives none to fit it to, unless it is run as a `SearchModel`.
    """

    def __init__(
        self,
        model_name: str | Encoder,
        revision: str | None = None,
        *,
        device: str | None = None,
        name: str | None = None,
        **others: Any,
    ) -> None:
        made = registry.create(model_name) if isinstance(model_name, str) else model_name
        if made is None or (isinstance(made, FittedEncoder) and not made.fitted):
            told = model_name if isinstance(model_name, str) else made
            raise ModelError(
                f"The encoder {told} knows no collection yet, and mteb gives it none.",
                "Fit it first, or run a system of an index as a SearchModel.",
            )
        self.encoder = made
        self.mteb_model_meta = _described(
            name or made.fingerprint.split("-")[0],
            made.fingerprint,
            embed_dim=made.dimensions,
        )

    def encode(
        self,
        inputs: Iterable[Mapping[str, Any]],
        *,
        task_metadata: Any = None,
        hf_split: str = "",
        hf_subset: str = "",
        prompt_type: Any = None,
        **others: Any,
    ) -> Vectors:
        """Return float32 (texts, dimensions), of the texts of all batches in order.

        Raises InputError for batches without text, such as those of images.
        """
        kind: Kind = "query" if getattr(prompt_type, "value", None) == "query" else "document"
        texts: list[str] = []
        for batch in inputs:
            texts += _texts(batch)
        return self.encoder.encode(texts, kind)

    def similarity(self, embeddings1: Any, embeddings2: Any) -> Any:
        """Return the (n, m) dot products, as a torch tensor."""
        from mteb.similarity_functions import dot_score

        return dot_score(embeddings1, embeddings2)

    def similarity_pairwise(self, embeddings1: Any, embeddings2: Any) -> Any:
        """Return the (n,) dot products of rows with rows, as a torch tensor."""
        from mteb.similarity_functions import pairwise_dot_score

        return pairwise_dot_score(embeddings1, embeddings2)


class SearchModel:
    """A system as mteb's SearchProtocol.

    build      makes the retriever from the documents of a task; called once for each corpus
    name       as mteb's results name it, without a slash
    revision   tells settings apart; the version of everygrain, if None

    In a task that gives each query the documents to rank, all are retrieved and the others go.
    """

    def __init__(self, build: Build, name: str, revision: str | None = None) -> None:
        self.build = build
        self.mteb_model_meta = _described(name, revision or version("everygrain"))
        self._retriever: Retriever | None = None
        self._size = 0

    def index(self, corpus: Iterable[Mapping[str, Any]], **others: Any) -> None:
        """Build the retriever; rows of the corpus have an id, a text and perhaps a title."""
        self._size = 0

        def documents() -> Iterator[Document]:
            for row in corpus:
                self._size += 1
                (text,) = _texts({"text": [row.get("text")]})
                yield Document(str(row["id"]), text, row.get("title") or "")

        self._retriever = self.build(documents())

    def search(
        self,
        queries: Iterable[Mapping[str, Any]],
        *,
        top_k: int,
        top_ranked: Mapping[str, Iterable[str]] | None = None,
        **others: Any,
    ) -> dict[str, dict[str, float]]:
        """Return query id -> document id -> score; a query's instruction follows its text.

        Scores fall strictly in the order of the ranking: mteb orders equal ones in its own way.
        Raises MeasureError if nothing is indexed.
        """
        if self._retriever is None:
            raise MeasureError("Nothing is indexed.", "Call index first, as mteb does.")
        asked = {}
        for row in queries:
            (text,) = _texts({"text": [row.get("text")]})
            asked[str(row["id"])] = f"{text} {row.get('instruction') or ''}".strip()
        depth = max(self._size, 1) if top_ranked is not None else top_k
        found = self._retriever.retrieve(asked, depth).by_query()
        results: dict[str, dict[str, float]] = {}
        for query, rows in found.items():
            allowed = None if top_ranked is None else set(top_ranked.get(query, ()))
            kept = [row for row in rows if allowed is None or row[0] in allowed]
            results[query] = falling(kept[:top_k])
        return results


def falling(rows: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Return scores that fall strictly, each as near below its own as float32 allows."""
    found: dict[str, float] = {}
    last = np.float32(np.inf)
    for document, score in rows:
        last = min(np.float32(score), np.nextafter(last, np.float32(-np.inf)))
        found[document] = float(last)
    return found


def _texts(batch: Mapping[str, Any]) -> list[str]:
    texts = batch.get("text")
    if texts is None or not all(isinstance(text, str) for text in texts):
        raise InputError(
            f"A batch of mteb holds {', '.join(batch)}, and no plain text.",
            "Run tasks of text without conversations.",
        )
    return list(texts)


def _described(name: str, revision: str, **more: Any) -> Any:
    try:
        from mteb.models.model_meta import ModelMeta, ScoringFunction
    except ImportError as error:
        raise ModelError(
            "The adapter needs the package mteb.", 'Install it: `pip install "everygrain[bench]"`.'
        ) from error
    return ModelMeta.create_empty(
        {
            "name": f"{ORGANISATION}/{name}",
            "revision": revision,
            "similarity_fn_name": ScoringFunction.DOT_PRODUCT,
            **more,
        }
    )
