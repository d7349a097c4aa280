"""What a training starts from, kept beside its checkpoint.

A fit and a grouping into domains are sums in an order that a library chooses: with several threads
their last bits may be others in another process, and a checkpoint is of one start alone. So the
start of an interrupted training is read back, not made again.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from everygrain.document import Document
from everygrain.encode import registry
from everygrain.encode.base import Encoder
from everygrain.encode.static import Static
from everygrain.errors import EverygrainError
from everygrain.index.content import content_hash
from everygrain.learn.by_domain import Grouping
from everygrain.learn.recipe import Recipe
from everygrain.learn.train.checkpoint import replaced

BEGINNING = "beginning"
_TOLD, _ENCODER = "beginning.json", "encoder"


@dataclass(frozen=True, eq=False)
class Beginning:
    """What a training starts from.

    domains   of the documents that train
    encoder   that is trained; None where its own files are the start, as a transformer's are
    """

    domains: Grouping
    encoder: Static | None = None


def beginning_name(
    kind: str, base: Encoder | None, documents: Sequence[Document], recipe: Recipe
) -> str:
    """Name a beginning by all that it follows from: the same name, the same but for last bits."""
    of = base.fingerprint if base is not None else ""
    digest = hashlib.blake2b(f"{kind}\0{of}\0{recipe!r}".encode(), digest_size=8)
    for document in documents:
        digest.update(document.id.encode() + content_hash(document))
    return digest.hexdigest()


def begun(folder: Path, name: str, make: Callable[[], Beginning]) -> Beginning:
    """Return the beginning of this name that a folder keeps, or make it and keep it there.

    Another one there is replaced, whole or not at all. Raises StorageError if the disk refuses.
    """
    kept = _read(folder, name)
    if kept is not None:
        return kept
    made = make()
    told = {
        "name": name, "encoder": made.encoder.fingerprint if made.encoder else None,
        "sizes": dict(made.domains.sizes), "outside": made.domains.outside,
        "of": dict(made.domains.of),
    }  # fmt: skip
    with replaced(folder / BEGINNING) as written:
        if made.encoder is not None:
            (written / _ENCODER).mkdir()
            made.encoder.save(written / _ENCODER)
        (written / _TOLD).write_text(json.dumps(told), encoding="utf-8")
    return made


def forget(folder: Path) -> None:
    """Remove what a training that has ended started from."""
    shutil.rmtree(folder / BEGINNING, ignore_errors=True)


def _read(folder: Path, name: str) -> Beginning | None:
    """Return what a folder keeps of this name; None without it, or where it is damaged."""
    kept = folder / BEGINNING
    try:
        told = json.loads((kept / _TOLD).read_text(encoding="utf-8"))
        if told["name"] != name:
            return None
        domains = Grouping(dict(told["sizes"]), int(told["outside"]), dict(told["of"]))
        if told["encoder"] is None:
            return Beginning(domains)
        encoder = registry.load(kept / _ENCODER)
        if isinstance(encoder, Static) and encoder.fingerprint == told["encoder"]:
            return Beginning(domains, encoder)
        return None
    except (EverygrainError, OSError, ValueError, KeyError, TypeError):
        return None
