"""One token table with N experts: a domain's own changes to the vectors that all domains share.

    x_k(text) = sum_w idf(w) sum_{p in pieces(w)} (e_p + delta_kp)

The table e and the weights of words are shared, delta_k is the expert of domain k: the part that
the paper copies per domain (there the feed-forward blocks of a transformer, here what training
changes of the token vectors). Routing is enforced: a text passes through the expert of its domain
and no other, and a text of no domain through the shared table alone. As with `Adapted`, a fit
learns the weights of words alone: tables and centroids stay as they were trained.

Source: Contrastive Learning and Mixture of Experts Enables Precise Vector Embeddings
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from everygrain.analyze import Words, split
from everygrain.encode.adapted import Adapted
from everygrain.encode.base import Kind, Vectors
from everygrain.encode.experts.centroids import NO_DOMAIN, Centroids
from everygrain.encode.static import Static
from everygrain.errors import InputError, ModelError


@dataclass(frozen=True, eq=False)
class StaticExperts:
    """N experts in one static table; the domain of a text is read from the text.

    shared      the encoder of the shared table: it finds the domain, and encodes what has none
    centroids   of the domains, in the space of `shared`
    deltas      (domains, pieces, d) float16, what each expert adds to the shared table
    documents   whether documents pass through the experts too, not queries alone
    taught      whether a transformer taught them, as with `Adapted`

    Source: Contrastive Learning and Mixture of Experts Enables Precise Vector Embeddings
    Raises InputError where the shapes do not fit.
    """

    shared: Static
    centroids: Centroids
    deltas: npt.NDArray[np.float16]
    documents: bool = True
    taught: bool = False

    def __post_init__(self) -> None:
        expected = (len(self.centroids.names), *self.shared.table.matrix.shape)
        if self.deltas.shape != expected:
            raise InputError(
                f"The experts are of shape {self.deltas.shape}, the table wants {expected}.",
                "Give one matrix of the table's shape per domain.",
            )

    @property
    def names(self) -> tuple[str, ...]:
        return self.centroids.names

    @property
    def dimensions(self) -> int:
        return self.shared.dimensions

    @property
    def fitted(self) -> int:
        return self.shared.fitted

    def fit(self, words: Words) -> StaticExperts:
        """Learn the weights of words from documents, for all experts. Returns a new encoder."""
        return replace(self, shared=Adapted(self.shared).fit(words).static)

    @cached_property
    def fingerprint(self) -> str:
        digest = hashlib.blake2b(self.shared.fingerprint.encode(), digest_size=6)
        digest.update(json.dumps([self.names, self.documents]).encode())
        for array in (self.centroids.matrix, self.centroids.floors, self.deltas):
            digest.update(np.ascontiguousarray(array).tobytes())
        kind = "taught-experts" if self.taught else "experts"
        return f"{kind}-{len(self.names)}-{self.dimensions}-{digest.hexdigest()}"

    @cached_property
    def experts(self) -> tuple[Static, ...]:
        """One encoder per domain, each whole by itself."""
        return tuple(self._expert(delta) for delta in self.deltas)

    def _expert(self, delta: npt.NDArray[np.float16]) -> Static:
        shared = self.shared
        matrix = (shared.table.matrix.astype(np.float32) + delta).astype(np.float16)
        table = replace(shared.table, matrix=matrix)
        return Static(table, shared.idf, shared.unseen, shared.fitted)

    def domains(self, texts: Sequence[str]) -> list[str | None]:
        """Return the domain that each text is read as; None for none."""
        places = self.centroids.nearest(self.shared.encode(texts))
        return [None if place == NO_DOMAIN else self.names[place] for place in places]

    def encode(self, texts: Sequence[str], kind: Kind = "document") -> Vectors:
        return self.encode_words(split(texts), kind)

    def encode_words(self, words: Words, kind: Kind = "document") -> Vectors:
        vectors = self.shared.encode_words(words, kind)
        if kind == "document" and not self.documents:
            return vectors
        places = self.centroids.nearest(vectors)
        for place, expert in enumerate(self.experts):
            rows = np.flatnonzero(places == place)
            if len(rows):
                vectors[rows] = expert.encode_words(words.take(rows), kind)
        return vectors

    def encode_in(
        self, texts: Sequence[str], domain: str | None, kind: Kind = "document"
    ) -> Vectors:
        """Encode texts by a domain's expert, whatever they say; None takes the shared table alone.

        Raises InputError for a domain without an expert.
        """
        place = self.centroids.place(domain)
        return (self.shared if place == NO_DOMAIN else self.experts[place]).encode(texts, kind)

    def save(self, folder: Path) -> None:
        from safetensors.numpy import save_file

        inner = folder / "shared"
        inner.mkdir()
        self.shared.save(inner)
        self.centroids.save(folder / "centroids.safetensors")
        save_file({"deltas": np.ascontiguousarray(self.deltas)}, folder / "experts.safetensors")
        described: dict[str, Any] = {"kind": "static-experts", "names": list(self.names)}
        described |= {"documents": self.documents, "taught": self.taught}
        (folder / "encoder.json").write_text(json.dumps(described), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, described: dict[str, Any]) -> StaticExperts:
        """Read what `save` wrote. Raises ModelError if a file is missing or damaged."""
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        try:
            inner = json.loads((folder / "shared" / "encoder.json").read_text(encoding="utf-8"))
            shared = Static.load(folder / "shared", inner)
            centroids = Centroids.load(folder / "centroids.safetensors", described["names"])
            deltas = load_file(folder / "experts.safetensors")["deltas"]
            # what was kept before there was this told of no teacher
            taught = bool(described.get("taught", False))
            return cls(shared, centroids, deltas, bool(described["documents"]), taught)
        except (OSError, SafetensorError, KeyError, ValueError, InputError) as error:
            raise ModelError(
                f"The experts in {folder} are missing or damaged ({error}).",
                "Train them again, or run `everygrain reencode INDEX --encoder NAME`.",
            ) from error
