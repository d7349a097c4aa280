"""What there is to know about an index, as JSON values."""

from __future__ import annotations

from typing import Any

import numpy as np

from everygrain.index.snapshot import Snapshot
from everygrain.index.store import Store


def describe(store: Store, snapshot: Snapshot) -> dict[str, Any]:
    """Describe one generation of an index; `legs` are the bytes of each leg's arrays."""
    live = snapshot.live
    tokens = int(snapshot.title_lengths[live].sum(dtype=np.int64)) + int(
        snapshot.text_lengths[live].sum(dtype=np.int64)
    )
    dense = [s.dense["vectors"].shape for s in snapshot.segments if s.dense is not None]
    bags = [s.words["vectors"].shape for s in snapshot.segments if s.words is not None]
    legs = dict.fromkeys(("lexical", "dense", "words"), 0)
    for segment in snapshot.segments:
        for name in legs:
            arrays = getattr(segment, name) or {}
            legs[name] += sum(array.nbytes for array in arrays.values())
    catalogue = store.folder / "catalogue.db"
    return {
        "folder": str(store.folder),
        "schema": store.catalogue.schema,
        "generation": snapshot.generation,
        "documents": snapshot.count,
        "terms_per_document": round(tokens / max(snapshot.count, 1), 1),
        "segments": [
            {
                "name": segment.row.name,
                "documents": len(segment),
                "deleted": 0 if dead is None else len(dead),
                "bytes": segment.row.bytes,
            }
            for segment, dead in zip(snapshot.segments, snapshot.dead, strict=True)
        ],
        "bytes": {
            "catalogue": catalogue.stat().st_size,
            "segments": sum(segment.row.bytes for segment in snapshot.segments),
        },
        "legs": legs,
        "analyzer": store.setting("analyzer"),
        "bm25": store.setting("bm25"),
        "encoder": {
            "name": store.setting("encoder_spec"),
            "fingerprint": store.fingerprint,
            "dimensions": dense[0][1] if dense else None,
            "passages": sum(shape[0] for shape in dense),
            "passage_words": store.setting("passage_words"),
        },
        "words": {
            "name": store.setting("words_spec", "none"),
            "fingerprint": store.setting("words"),
            "dimensions": bags[0][1] if bags else None,
            "words": sum(shape[0] for shape in bags),
        },
        "reencoding": store.setting("reencoding"),
        "fusion": store.setting("fusion"),
        "fields": store.catalogue.fields(),
    }
