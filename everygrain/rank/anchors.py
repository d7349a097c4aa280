"""Anchors: what a dear scorer says of every document for a few queries, kept in an index's folder.

`everygrain.rank.cur` takes from them what it need not ask. The queries are pseudo-queries of
sampled documents; made again, only documents that have come or changed since are scored. A
document that was deleted costs nothing.

banks/anchors-<scorer>.safetensors is replaced whole; the writer's sweep leaves it alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from everygrain.document import Document
from everygrain.errors import QueryError, StoredIndexError
from everygrain.index.files import (
    pack_strings,
    read_arrays,
    storage_errors,
    sync_folder,
    unpack_strings,
    write_arrays,
)
from everygrain.index.masks import Filter
from everygrain.rank.base import PairScorer
from everygrain.rank.cross import read, scored
from everygrain.rank.cur import CurIndex
from everygrain.rank.legs import View
from everygrain.rank.weigh import pseudo_queries, sampled_ids
from everygrain.segment.base import Segmenter

Rows = npt.NDArray[np.float32]
_AT_ONCE = 256  # texts


class NamedScorer(PairScorer, Protocol):
    """A scorer that can be told from others.

    fingerprint   changes whenever the same pair could get another score
    """

    @property
    def fingerprint(self) -> str: ...


@dataclass(frozen=True, eq=False)
class Anchors:
    """What was scored.

    queries   (a,) texts
    ids       (n,) of documents, with the hashes of what was read of them
    rows      (a, n) float32 scores
    """

    queries: tuple[str, ...]
    ids: tuple[str, ...]
    hashes: tuple[str, ...]
    rows: Rows = field(repr=False)


def make(
    view: View,
    scorer: NamedScorer,
    sentences: Segmenter,
    queries: int = 50,
    on_progress: Callable[[int], None] | None = None,
) -> Anchors:
    """Score all live documents for pseudo-queries; those that are kept already are not asked.

    queries       at least 1; what is kept of as many is taken over
    on_progress   called with the number of pairs after each piece of work

    Raises QueryError for an index whose documents give no query, and where the scorer fails.
    """
    former = read_anchors(view.store.folder, scorer.fingerprint)
    asked = former.queries if former is not None and len(former.queries) == queries else ()
    if not asked:
        former, asked = None, _questions(view, sentences, queries)
    documents, hashes = _live(view)
    known = {} if former is None else _columns(former)
    rows = np.zeros((len(asked), len(documents)), dtype=np.float32)
    todo = []
    for place, (document, hashed) in enumerate(zip(documents, hashes, strict=True)):
        column = known.get((document.id, hashed))
        if column is None or former is None:
            todo.append(place)
        else:
            rows[:, place] = former.rows[:, column]
    for number, text in enumerate(asked):
        for start in range(0, len(todo), _AT_ONCE):
            some = todo[start : start + _AT_ONCE]
            ids = [documents[place].id for place in some]
            texts = [read(documents[place]) for place in some]
            rows[number, some] = scored(scorer, f"anchor {number}", text, ids, texts)
            if on_progress:
                on_progress(len(some))
    return Anchors(asked, tuple(d.id for d in documents), tuple(hashes), rows)


def current(
    view: View, scorer: NamedScorer, where: Filter | None = None
) -> tuple[list[Document], CurIndex]:
    """Return the live documents that a filter lets through, and what is kept of them, in one order.

    Raises QueryError where nothing is kept for this scorer, or documents have come or changed
    since.
    """
    remedy = "Run `everygrain anchors INDEX FOLDER`, with the folder of the cross-encoder."
    kept = read_anchors(view.store.folder, scorer.fingerprint)
    if kept is None:
        raise QueryError("This index holds no anchors of this cross-encoder.", remedy)
    documents, hashes = _live(view, view.mask(where))
    known = _columns(kept)
    columns = [known.get((d.id, hashed)) for d, hashed in zip(documents, hashes, strict=True)]
    late = sum(column is None for column in columns)
    if late:
        raise QueryError(
            f"{late:,} documents have come or changed since the anchors were scored.",
            f"{remedy} It scores these alone.",
        )
    if not documents:
        raise QueryError("No document can be ranked.", "Add some, or widen the filter.")
    return documents, CurIndex(kept.rows[:, [column for column in columns if column is not None]])


def keep(folder: Path, fingerprint: str, anchors: Anchors) -> None:
    """Keep anchors in the folder of an index, in place of those of the same scorer."""
    place = folder / "banks"
    with storage_errors(place):
        place.mkdir(exist_ok=True)
    arrays: dict[str, npt.NDArray[np.generic]] = {"rows": anchors.rows}
    for name in ("queries", "ids", "hashes"):
        arrays[name], arrays[f"{name}_ends"] = pack_strings(getattr(anchors, name))
    write_arrays(_file(folder, fingerprint), arrays)
    with storage_errors(place):
        sync_folder(place)


def read_anchors(folder: Path, fingerprint: str) -> Anchors | None:
    """Return the anchors of a scorer that an index keeps; None where none can be read."""
    try:
        found = read_arrays(_file(folder, fingerprint))
        told = [
            tuple(unpack_strings(found[name], found[f"{name}_ends"]))
            for name in ("queries", "ids", "hashes")
        ]
        anchors = Anchors(told[0], told[1], told[2], found["rows"])
    except (OSError, StoredIndexError, KeyError, ValueError):
        return None
    fits = anchors.rows.shape == (len(anchors.queries), len(anchors.ids))
    return anchors if fits and len(anchors.ids) == len(anchors.hashes) else None


def _file(folder: Path, fingerprint: str) -> Path:
    told = hashlib.blake2b(fingerprint.encode(), digest_size=6).hexdigest()
    return folder / "banks" / f"anchors-{told}.safetensors"


def _columns(anchors: Anchors) -> dict[tuple[str, str], int]:
    pairs = zip(anchors.ids, anchors.hashes, strict=True)
    return {pair: column for column, pair in enumerate(pairs)}


def _live(
    view: View, mask: npt.NDArray[np.bool_] | None = None
) -> tuple[list[Document], list[str]]:
    """Return the live documents that a mask lets through, by id, and the hash of each."""
    live = view.snapshot.live if mask is None else view.snapshot.live & mask
    ids = sorted(view.snapshot.document_ids(np.flatnonzero(live)))
    held, places = view.store.catalogue.fetch(ids), view.store.catalogue.places(ids)
    return [held[identity] for identity in ids], [places[identity].hash.hex() for identity in ids]


def _questions(view: View, sentences: Segmenter, count: int) -> tuple[str, ...]:
    """Return pseudo-queries, one of a document, or of as many documents as have one."""
    if count < 1:
        raise QueryError(f"{count} anchor queries tell nothing.", "Use 1 or more; 50 are usual.")
    ids = sampled_ids(view, 4 * count)
    held = view.store.catalogue.fetch(ids)
    asked = [q.text for i in ids for q in pseudo_queries(held[i], sentences)[:1]][:count]
    if not asked:
        raise QueryError(
            "No document of the index has a title or sentences to make a query of.",
            "Rerank with the cross-encoder instead: hybrid % 50 >> cross(model='FOLDER').",
        )
    return tuple(asked)
