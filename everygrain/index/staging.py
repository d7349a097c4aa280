"""A re-encode that may take hours, while the index is searched and changed.

The lock is held when the re-encode is noted, and again when everything is swapped in, in one
commit. Between the two, documents are read in short looks and encoded; their vectors are laid up
by content, 256 texts to a commit. So a process that is killed goes on where it stopped, when it is
called again, and what is added or deleted meanwhile does no harm. Until the swap, queries are
answered by the old encoder and its vectors.

reencoding/vectors.db   what is laid up, of an encoder that has no cache of its own; removed after
                        the swap

A text's vector depends on the text alone, so the index is then, to the last bit, one that was
built with the new encoder.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from everygrain.encode import registry
from everygrain.encode.base import Encoder
from everygrain.encode.cache import Cached
from everygrain.errors import ModelError
from everygrain.index import vectors
from everygrain.index.encoders import encoder_folder, is_kept, keep_encoder
from everygrain.index.store import Store
from everygrain.index.writer import REENCODING, Writer, writer
from everygrain.segment.base import Segmenter

PATIENCE = 3600.0  # seconds that a writer in the way is waited for
_AT_ONCE = 256  # documents
_PASSES = 10  # over the collection, each for what came during the one before

Make = Callable[[], Encoder | None]
OnProgress = Callable[[int], None]


@contextmanager
def staged(
    store: Store,
    spec: str,
    make: Make,
    passages: Callable[[], Segmenter],
    on_progress: OnProgress | None = None,
) -> Iterator[Writer]:
    """Give an index another encoder; then, with the lock still held, let the caller follow up.

    make       makes the encoder; not asked where one of this name was begun
    passages   what cuts texts into the passages that are encoded

    Raises LockedError where another writer is in the way for an hour, before or after: what is
    laid up is kept.
    """
    made, through = _begun(store, spec, make), None
    if made is not None and made.fingerprint != store.fingerprint:
        through = _laid_up(store, made, passages(), on_progress)
    with writer(store, PATIENCE) as write:
        write.set_encoder(made, spec, staged=through)
        yield write


def _begun(store: Store, spec: str, make: Make) -> Encoder | None:
    """Return the encoder that a re-encode was begun with, or note that one begins."""
    made = _kept(store, spec) or make()
    under_way = store.setting(REENCODING) or {}
    if made is None or under_way.get("encoder") == made.fingerprint:
        return made
    with writer(store, PATIENCE) as write:
        shutil.rmtree(store.folder / REENCODING, ignore_errors=True)  # of another encoder
        keep_encoder(store.folder, made)
        with write.catalogue.writing():
            write.catalogue.set(REENCODING, {"encoder": made.fingerprint, "spec": spec})
    return made


def _kept(store: Store, spec: str) -> Encoder | None:
    """Return the encoder that was begun with under a name; None for none, or one that is lost."""
    under_way = store.setting(REENCODING)
    if under_way is None or spec == "given" or under_way["spec"] != spec:
        return None
    fingerprint = under_way["encoder"]
    if not is_kept(store.folder, fingerprint):
        return None
    try:
        read = registry.load(encoder_folder(store.folder, fingerprint))
    except ModelError:
        return None
    return read if read.fingerprint == fingerprint else None


def _laid_up(
    store: Store, encoder: Encoder, passages: Segmenter, on_progress: OnProgress | None
) -> Encoder:
    """Encode all documents; return an encoder that remembers them."""
    through = encoder
    if not isinstance(encoder, Cached):
        through = Cached(encoder, store.folder / REENCODING / "vectors.db")
    budget, done = int(store.setting("passage_words")), set[bytes]()
    for _ in range(_PASSES):
        with store.reading() as snapshot:
            ids = snapshot.document_ids(np.flatnonzero(snapshot.live))
        before = len(done)
        for start in range(0, len(ids), _AT_ONCE):
            count = _encode(store, ids[start : start + _AT_ONCE], through, passages, budget, done)
            if on_progress and count:
                on_progress(count)
        if len(done) - before <= _AT_ONCE:  # so few may be left to the swap
            break
    return through


def _encode(
    store: Store,
    ids: Sequence[str],
    encoder: Encoder,
    passages: Segmenter,
    budget: int,
    done: set[bytes],
) -> int:
    """Encode those of some documents whose content is not done; return how many that were."""
    with store.reading():
        places = store.catalogue.places(ids)
        wanted = [identity for identity, place in places.items() if place.hash not in done]
        documents = list(store.catalogue.fetch(wanted).values())
    if documents:
        vectors.build(documents, *vectors.split_fields(documents), encoder, passages, budget)
    done.update(place.hash for place in places.values())
    return len(documents)
