"""A router over separate expert encoders: a query goes to the expert whose pilots it is most like.

A pilot is a middle of training texts, in the space of a base encoder, on which one expert did
better than all others. A query's similarity to an expert is the mean of its similarities to that
expert's pilots, so that an expert with many pilots gains nothing by their number. Experts come and
go without training: their pilots come and go with them.

Source: RouterRetriever: Exploring the Benefits of Routing over Multiple Expert Embedding Models
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from everygrain.encode.base import Encoder, Kind, Vectors, unit
from everygrain.errors import InputError, ModelError


@dataclass(frozen=True, eq=False)
class Pilots:
    """Where each expert is at its best, in the space of the base encoder.

    experts   (pilots,) the expert of each pilot
    matrix    (pilots, d) float32, rows of length 1
    """

    experts: tuple[str, ...]
    matrix: Vectors

    def __post_init__(self) -> None:
        if not self.experts or len(self.experts) != len(self.matrix):
            raise InputError(
                f"{len(self.experts)} experts named for {len(self.matrix)} pilots.",
                "Name the expert of each pilot, and give at least one.",
            )

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The experts with a pilot, in order of their first."""
        return tuple(dict.fromkeys(self.experts))

    def similarities(self, vectors: Vectors) -> npt.NDArray[np.float64]:
        """Return (n, experts) mean similarities to the pilots of each expert, in order of `names`.

        A row depends on its own vector alone, to the last bit.
        """
        # one pilot at a time: a matrix product may round a row by its neighbours
        each = np.stack([(vectors * pilot).sum(axis=1) for pilot in self.matrix], axis=1)
        owner = np.array(self.experts)
        means = [each[:, owner == name].astype(np.float64).sum(axis=1) for name in self.names]
        counts = np.array([self.experts.count(name) for name in self.names])
        found: npt.NDArray[np.float64] = np.stack(means, axis=1) / counts
        return found

    def choose(self, vectors: Vectors) -> list[str]:
        """Return the expert of each vector; the first of `names` among equals."""
        return [self.names[i] for i in self.similarities(vectors).argmax(axis=1)]

    def without(self, expert: str) -> Pilots:
        keep = [i for i, name in enumerate(self.experts) if name != expert]
        return Pilots(tuple(self.experts[i] for i in keep), self.matrix[keep])


@dataclass(frozen=True, eq=False)
class Router:
    """Several expert encoders behind one: queries are routed, documents are not.

    base        gives the space of the pilots, and the vectors of the documents
    experts     name -> encoder, all of the base's dimensions
    pilots      of the experts; an expert without one is never chosen

    Documents are encoded by the base alone: one vector a document, one index, and experts that
    come or go leave it as it is. That asks for experts whose query vectors fit the base's
    documents, as `everygrain.learn.train.experts` trains them with `documents=False`. Experts that
    changed the documents' side too need one vector per expert and document: `encode_in` gives
    them, `route` says which to search.

    Source: RouterRetriever: Exploring the Benefits of Routing over Multiple Expert Embedding Models
    Raises InputError for experts of other dimensions, and pilots of experts that are not there.
    """

    base: Encoder
    experts: Mapping[str, Encoder]
    pilots: Pilots

    def __post_init__(self) -> None:
        for name, expert in self.experts.items():
            if expert.dimensions != self.base.dimensions:
                raise InputError(
                    f"The expert '{name}' has {expert.dimensions} dimensions, the base "
                    f"{self.base.dimensions}.",
                    "Route over encoders of one dimension.",
                )
        if unknown := set(self.pilots.names) - set(self.experts):
            raise InputError(
                f"There are pilots of {', '.join(sorted(unknown))}, but no such expert.",
                "Give the encoder of every expert that has pilots.",
            )

    @property
    def dimensions(self) -> int:
        return self.base.dimensions

    @cached_property
    def fingerprint(self) -> str:
        named = {name: expert.fingerprint for name, expert in self.experts.items()}
        told = [self.base.fingerprint, sorted(named.items()), self.pilots.experts]
        digest = hashlib.blake2b(json.dumps(told).encode(), digest_size=6)
        digest.update(np.ascontiguousarray(self.pilots.matrix).tobytes())
        return f"router-{len(self.experts)}-{digest.hexdigest()}"

    def route(self, texts: Sequence[str]) -> list[str]:
        """Return the name of the expert of each text."""
        return self.pilots.choose(self.base.encode(texts, "query"))

    def encode(self, texts: Sequence[str], kind: Kind = "document") -> Vectors:
        if kind == "document":
            return self.base.encode(texts, kind)
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        if not len(texts):
            return vectors
        chosen = self.route(texts)
        for name, expert in self.experts.items():
            rows = [i for i, each in enumerate(chosen) if each == name]
            if rows:
                vectors[rows] = expert.encode([texts[i] for i in rows], kind)
        return vectors

    def encode_in(self, texts: Sequence[str], expert: str, kind: Kind = "document") -> Vectors:
        """Encode texts by one expert, whatever they say. Raises InputError for an unknown one."""
        return self._expert(expert).encode(texts, kind)

    def add(self, name: str, expert: Encoder, pilots: Vectors) -> Router:
        """Return a router with one more expert. Nothing is trained; the others stay as they are.

        pilots   (pilots, d) vectors of the base encoder, of any length but 0
        Raises InputError for a name that is taken.
        """
        if name in self.experts:
            raise InputError(f"There is an expert '{name}' already.", "Remove it first.")
        joined = Pilots(
            self.pilots.experts + (name,) * len(pilots),
            np.concatenate([self.pilots.matrix, unit(pilots)]),
        )
        return Router(self.base, {**self.experts, name: expert}, joined)

    def remove(self, name: str) -> Router:
        """Return a router without an expert. Raises InputError for an unknown or the last one."""
        self._expert(name)
        if len(self.experts) == 1:
            raise InputError(f"'{name}' is the last expert.", "Add another before removing it.")
        rest = {other: expert for other, expert in self.experts.items() if other != name}
        return Router(self.base, rest, self.pilots.without(name))

    def _expert(self, name: str) -> Encoder:
        if name not in self.experts:
            raise InputError(
                f"There is no expert '{name}'.", f"Name one of {', '.join(self.experts)}."
            )
        return self.experts[name]

    def save(self, folder: Path) -> None:
        from safetensors.numpy import save_file

        parts = {"base": self.base}
        parts |= {f"expert-{i}": expert for i, expert in enumerate(self.experts.values())}
        for part, encoder in parts.items():
            (folder / part).mkdir()
            encoder.save(folder / part)
        save_file(
            {"pilots": np.ascontiguousarray(self.pilots.matrix)}, folder / "pilots.safetensors"
        )
        described = {"kind": "router", "experts": list(self.experts)}
        described |= {"pilots": list(self.pilots.experts)}
        (folder / "encoder.json").write_text(json.dumps(described), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, described: dict[str, Any]) -> Router:
        """Read what `save` wrote. Raises ModelError if a file is missing or damaged."""
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        from everygrain.encode import registry

        try:
            matrix = load_file(folder / "pilots.safetensors")["pilots"]
            pilots = Pilots(tuple(described["pilots"]), matrix)
            names = described["experts"]
            experts = {n: registry.load(folder / f"expert-{i}") for i, n in enumerate(names)}
            return cls(registry.load(folder / "base"), experts, pilots)
        except (OSError, SafetensorError, KeyError, TypeError, InputError) as error:
            raise ModelError(
                f"The router in {folder} is missing or damaged ({error}).",
                "Build it again, or run `everygrain reencode INDEX --encoder NAME`.",
            ) from error
