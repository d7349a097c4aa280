"""What an engine under measurement is, and the collection that all of them get."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from everygrain.document import Document

K = 10

Vectors = npt.NDArray[np.float32]
Found = list[tuple[str, float]]


@dataclass(frozen=True)
class Batch:
    """Documents and, row by row, their vectors."""

    documents: Sequence[Document]
    vectors: Vectors

    @property
    def ids(self) -> list[str]:
        return [document.id for document in self.documents]

    @property
    def texts(self) -> list[str]:
        return [text_of(document) for document in self.documents]


@dataclass(frozen=True)
class Queries:
    """Queries and, row by row, their vectors."""

    texts: Sequence[str]
    vectors: Vectors

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, part: slice) -> Queries:
        return Queries(self.texts[part], self.vectors[part])

    def singles(self) -> Iterable[Queries]:
        return (self[i : i + 1] for i in range(len(self)))


class Engine:
    """One engine behind the four calls that are timed. It lives in a process of its own.

    name       as tables print it
    kind       "lexical", "dense" or "hybrid"
    package    what to install for it
    note       what a reader of its figures must know
    updates    False where the engine can only be built anew
    """

    name: ClassVar[str]
    kind: ClassVar[str]
    package: ClassVar[str] = ""
    note: ClassVar[str] = ""
    updates: ClassVar[bool] = True

    def __init__(self, folder: Path, models: Path) -> None:
        """Import the libraries; neither that nor reading a model is timed.

        folder   empty, the engine's own
        models   where `prepare` put the fitted static encoder
        """
        self.folder = folder

    def build(self, batch: Batch) -> None:
        """Index documents so that they are on disk and can be searched."""
        raise NotImplementedError

    def add(self, batch: Batch) -> None:
        """Add documents so that the next search finds them."""
        raise NotImplementedError

    def delete(self, ids: Sequence[str]) -> None:
        """Delete documents so that the next search does not find them."""
        raise NotImplementedError

    def search(self, queries: Queries) -> list[Found]:
        """Return the best ten documents of each query, by the engine's way of asking many."""
        raise NotImplementedError


def text_of(document: Document) -> str:
    return f"{document.title} {document.text}".strip()


def words_of(query: str) -> list[str]:
    """Return a query's words without punctuation, for engines whose syntax would trip over it."""
    return "".join(c if c.isalnum() else " " for c in query.lower()).split()


def static_encoder(models: Path) -> Any:
    """Return the fitted static encoder, whose vectors every dense and hybrid engine gets."""
    from everygrain.encode.static import Static

    return Static.load(models, json.loads((models / "encoder.json").read_text()))
