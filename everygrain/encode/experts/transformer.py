"""A transformer in which some layers have one feed-forward block per domain.

Attention, embeddings and the other layers are shared. Routing is enforced and per text, not per
token: the paper marks a text's domain with a special token in front; here the domain is read from
the text by the nearest centroid, in the space of any encoder (a static table costs next to
nothing), or given by the caller.

Source: Contrastive Learning and Mixture of Experts Enables Precise Vector Embeddings
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from everygrain.encode.base import Encoder, Kind, Vectors
from everygrain.encode.experts.centroids import NO_DOMAIN, Centroids
from everygrain.encode.transformer import Transformer
from everygrain.errors import InputError, ModelError

if TYPE_CHECKING:
    from everygrain.encode.experts.feed_forward import Switch


@dataclass(frozen=True, eq=False)
class TransformerExperts:
    """N experts in one transformer; the domain of a text is read from the text.

    dense       the model that the experts were copied from
    routing     the encoder in whose space domains are told apart
    centroids   of the domains, in that space
    layers      numbers of the layers with experts, from 0
    weights     of the layers that differ from `dense`, by name, as `feed_forward.changed` gives
                them; empty before training

    A batch holds texts of one domain, and is padded as `dense` pads: without training the vectors
    are those of `dense`, to the last bit, and never depend on a text's neighbours.

    Source: Contrastive Learning and Mixture of Experts Enables Precise Vector Embeddings
    """

    dense: Transformer
    routing: Encoder
    centroids: Centroids
    layers: tuple[int, ...]
    weights: Mapping[str, npt.NDArray[np.float32]]

    @property
    def names(self) -> tuple[str, ...]:
        return self.centroids.names

    @property
    def dimensions(self) -> int:
        return self.dense.dimensions

    @cached_property
    def fingerprint(self) -> str:
        told = [self.dense.fingerprint, self.routing.fingerprint, self.names, self.layers]
        digest = hashlib.blake2b(json.dumps(told).encode(), digest_size=6)
        for array in (self.centroids.matrix, self.centroids.floors):
            digest.update(np.ascontiguousarray(array).tobytes())
        for name, weights in sorted(self.weights.items()):
            digest.update(name.encode() + np.ascontiguousarray(weights).tobytes())
        return f"expert-layers-{len(self.names)}-{digest.hexdigest()}"

    @cached_property
    def _routed(self) -> tuple[Transformer, Switch, Lock]:
        from everygrain.encode.experts.feed_forward import change, install

        # an instance of its own, as its model is changed in place
        inner = Transformer(self.dense.name)
        switch = install(inner.model, self.layers, len(self.names))
        change(inner.model, self.weights)
        inner.model.eval()
        return inner, switch, Lock()

    def domains(self, texts: Sequence[str]) -> list[str | None]:
        """Return the domain that each text is read as; None for none."""
        places = self.centroids.nearest(self.routing.encode(texts))
        return [None if place == NO_DOMAIN else self.names[place] for place in places]

    def encode(self, texts: Sequence[str], kind: Kind = "document") -> Vectors:
        places = self.centroids.nearest(self.routing.encode(texts, kind))
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for place in np.unique(places).tolist():
            rows = np.flatnonzero(places == place).tolist()
            vectors[rows] = self._through(place, [texts[i] for i in rows], kind)
        return vectors

    def encode_in(
        self, texts: Sequence[str], domain: str | None, kind: Kind = "document"
    ) -> Vectors:
        """Encode texts as ones of a domain, whatever they say; None takes the dense blocks.

        Raises InputError for a domain without an expert.
        """
        return self._through(self.centroids.place(domain), texts, kind)

    def _through(self, place: int, texts: Sequence[str], kind: Kind) -> Vectors:
        inner, switch, lock = self._routed
        with lock:
            switch.places = place
            return inner.encode(texts, kind)

    def save(self, folder: Path) -> None:
        from safetensors.numpy import save_file

        (folder / "routing").mkdir()
        self.routing.save(folder / "routing")
        self.centroids.save(folder / "centroids.safetensors")
        kept = {name: np.ascontiguousarray(array) for name, array in self.weights.items()}
        save_file(kept, folder / "experts.safetensors")
        described: dict[str, Any] = {"kind": "transformer-experts", "name": self.dense.name}
        described |= {"layers": list(self.layers), "names": list(self.names)}
        (folder / "encoder.json").write_text(json.dumps(described), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, described: dict[str, Any]) -> TransformerExperts:
        """Read what `save` wrote. Raises ModelError if a file is missing or damaged."""
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        from everygrain.encode import registry

        try:
            weights = load_file(folder / "experts.safetensors")
            centroids = Centroids.load(folder / "centroids.safetensors", described["names"])
            routing = registry.load(folder / "routing")
            layers = tuple(int(number) for number in described["layers"])
            return cls(Transformer(described["name"]), routing, centroids, layers, weights)
        except (OSError, SafetensorError, KeyError, TypeError, ValueError, InputError) as error:
            raise ModelError(
                f"The experts in {folder} are missing or damaged ({error}).",
                "Train them again, or run `everygrain reencode INDEX --encoder NAME`.",
            ) from error
