"""Everygrain: search your own text at every grain.

    from everygrain import Index, read_documents

    index = Index("my-index")
    index.add(read_documents("papers/"))
    for hit in index.search("what the index should find", k=5):
        print(hit.score, hit.title, hit.spans[0].text if hit.spans else "")

These names are loaded when they are first used, so that importing the package costs nothing.
`everygrain.read` is the folder of readers; its function is `read_documents` here.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from everygrain.adaptation import adapt
    from everygrain.document import Document, Hit, Ranking, Span
    from everygrain.encode.base import Encoder
    from everygrain.engine import Index
    from everygrain.errors import EverygrainError
    from everygrain.measure import Collection, Experiment, evaluate
    from everygrain.measure import load as load_collection
    from everygrain.rank.base import Reranker, Retriever
    from everygrain.rank.fuse import fuse
    from everygrain.rank.lexical import BM25
    from everygrain.read import read as read_documents

__version__ = "0.1.0"

__all__ = [
    "BM25",
    "Collection",
    "Document",
    "Encoder",
    "EverygrainError",
    "Experiment",
    "Hit",
    "Index",
    "Ranking",
    "Reranker",
    "Retriever",
    "Span",
    "adapt",
    "evaluate",
    "fuse",
    "load_collection",
    "read_documents",
]

_HOMES = {
    "adapt": "everygrain.adaptation:adapt",
    "BM25": "everygrain.rank.lexical:BM25",
    "Collection": "everygrain.measure:Collection",
    "Document": "everygrain.document:Document",
    "Encoder": "everygrain.encode.base:Encoder",
    "EverygrainError": "everygrain.errors:EverygrainError",
    "Experiment": "everygrain.measure:Experiment",
    "Hit": "everygrain.document:Hit",
    "Index": "everygrain.engine:Index",
    "Ranking": "everygrain.document:Ranking",
    "Reranker": "everygrain.rank.base:Reranker",
    "Retriever": "everygrain.rank.base:Retriever",
    "Span": "everygrain.document:Span",
    "evaluate": "everygrain.measure:evaluate",
    "fuse": "everygrain.rank.fuse:fuse",
    "load_collection": "everygrain.measure:load",
    "read_documents": "everygrain.read:read",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'everygrain' has no attribute '{name}'")
    module, _, attribute = _HOMES[name].partition(":")
    value = globals()[name] = getattr(import_module(module), attribute)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
