"""Banks: a sample of queries and documents of an index, as vectors, kept in its folder.

What they are for: how near a document is to queries and documents in general (see
`everygrain.rank.hubness`). Queries are pseudo-queries of sampled documents (see
`everygrain.rank.weigh`); the sample is chosen by hash, so the same live documents give the same
banks, whatever order they came in.

banks/<name>.safetensors in the folder of the index is replaced whole; the writer's sweep leaves it
alone. Banks that are missing, damaged or old are made anew: nothing is lost with them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from everygrain.encode.base import Vectors, unit
from everygrain.errors import StoredIndexError
from everygrain.index.files import (
    pack_strings,
    read_arrays,
    storage_errors,
    sync_folder,
    unpack_strings,
    write_arrays,
)
from everygrain.rank.legs import View
from everygrain.rank.weigh import pseudo_queries, sampled_ids
from everygrain.segment.base import Segmenter

Half = npt.NDArray[np.float16]

SAMPLE = 500
FILE = "hubness.safetensors"
GONE = 0.25  # share of a bank's documents whose loss makes it old


@dataclass(frozen=True, eq=False)
class Banks:
    """What was sampled. Vectors are float16: exact sums of their products are cheap.

    fingerprint    of the encoder that made the vectors
    documents      live documents when it was made
    query_ids      (b,) the document that each pseudo-query was made from
    queries        (b, d)
    document_ids   (g,)
    vectors        (g, d) mean of the document's passages, of length 1
    hubs           document id -> of how many bank queries and bank documents, other than its own
                   and itself, it is the nearest
    """

    fingerprint: str
    documents: int
    query_ids: tuple[str, ...]
    queries: Half = field(repr=False)
    document_ids: tuple[str, ...]
    vectors: Half = field(repr=False)
    hubs: Mapping[str, int]

    def __repr__(self) -> str:
        return f"Banks(queries={len(self.query_ids)}, documents={len(self.document_ids)})"

    def fits(self, view: View) -> bool:
        """Tell whether the banks still speak for an index.

        They do not if its encoder is another, if it has half or twice as many documents as then,
        or if a quarter of the bank's documents are gone.
        """
        if self.fingerprint != view.store.fingerprint:
            return False
        if not self.documents / 2 < view.snapshot.count < 2 * self.documents:
            return False
        held = view.store.catalogue.places(self.document_ids)
        return len(self.document_ids) - len(held) < max(GONE * len(self.document_ids), 1)


def make(view: View, sentences: Segmenter, most: int = SAMPLE) -> Banks | None:
    """Sample banks of an index; None where no document gives a pseudo-query.

    most   documents in the sample
    """
    ids = sampled_ids(view, most)
    held = view.store.catalogue.fetch(ids)
    asked = [q for i in ids for q in pseudo_queries(held[i], sentences)[:1]]
    if not asked:
        return None
    numbers = numbers_of(view, ids)
    queries = view.query_vectors([q.text for q in asked]).astype(np.float16)
    means = unit(np.array([rows.mean(axis=0) for rows in passages_of(view, numbers)]))
    vectors = means.astype(np.float16)
    query_ids = tuple(q.document_id for q in asked)
    hubs = Counter(_nearest(view, query_ids, queries)) + Counter(_nearest(view, ids, vectors))
    fingerprint = view.encoder.fingerprint
    found = dict(sorted(hubs.items()))
    return Banks(fingerprint, view.snapshot.count, query_ids, queries, tuple(ids), vectors, found)


def current(view: View, sentences: Segmenter) -> Banks | None:
    """Return the banks that the index keeps, or such as fit it, made now but not kept."""
    kept = read(view.store.folder)
    return kept if kept is not None and kept.fits(view) else make(view, sentences)


def keep(folder: Path, banks: Banks) -> None:
    """Keep banks in the folder of an index, in place of those it has. For its writer only."""
    place = folder / "banks"
    with storage_errors(place):
        place.mkdir(exist_ok=True)
    query_ids, query_ends = pack_strings(banks.query_ids)
    ids, ends = pack_strings(banks.document_ids)
    hubs, hub_ends = pack_strings(list(banks.hubs))
    told = json.dumps({"fingerprint": banks.fingerprint, "documents": banks.documents}).encode()
    write_arrays(
        place / FILE,
        {
            "told": np.frombuffer(told, dtype=np.uint8),
            "queries": banks.queries,
            "query_ids": query_ids,
            "query_ends": query_ends,
            "vectors": banks.vectors,
            "document_ids": ids,
            "document_ends": ends,
            "hubs": hubs,
            "hub_ends": hub_ends,
            "hub_counts": np.array(list(banks.hubs.values()), dtype=np.int64),
        },
    )
    with storage_errors(place):
        sync_folder(place)


def read(folder: Path) -> Banks | None:
    """Return the banks that an index keeps; None where there are none, or none that can be read."""
    try:
        found = read_arrays(folder / "banks" / FILE)
        told = json.loads(found["told"].tobytes())
        hubs = unpack_strings(found["hubs"], found["hub_ends"])
        return Banks(
            str(told["fingerprint"]),
            int(told["documents"]),
            tuple(unpack_strings(found["query_ids"], found["query_ends"])),
            found["queries"],
            tuple(unpack_strings(found["document_ids"], found["document_ends"])),
            found["vectors"],
            dict(zip(hubs, found["hub_counts"].tolist(), strict=True)),
        )
    except (OSError, StoredIndexError, KeyError, ValueError):
        return None


def numbers_of(view: View, ids: Sequence[str]) -> list[int]:
    """Return the numbers of live documents in a snapshot, in the order of their ids."""
    places = view.store.catalogue.places(ids)
    numbers = (view.snapshot.number_at(places[i].segment, places[i].place) for i in ids)
    return [number for number in numbers if number is not None]


def passages_of(view: View, numbers: Sequence[int]) -> list[Vectors]:
    """Return each document's (passages, d) vectors."""
    bases = np.array(view.snapshot.bases)
    found = []
    for number in numbers:
        i = int(np.searchsorted(bases, number, side="right")) - 1
        dense = view.snapshot.segments[i].dense or {}
        place = number - int(bases[i])
        start, end = np.searchsorted(dense["documents"], [place, place + 1])
        found.append(dense["vectors"][start:end])
    return found


def _nearest(view: View, owners: Sequence[str], vectors: Half) -> list[str]:
    """Return the nearest document to each vector, other than its owner."""
    nearest = []
    for owner, vector in zip(owners, vectors.astype(np.float32), strict=True):
        others = [i for i in view.find_dense(vector, 2).ids if i != owner]
        nearest += others[:1]
    return nearest
