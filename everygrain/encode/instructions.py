"""One encoder, several uses: each use has an instruction for its queries and one for documents.

    x        vector of "instruction text", by any encoder
    vector   unit( (1 + s) * x + o )       s, o of the use and the side, learned, 0 at first

A transformer reads the instruction with the text. To a table of word vectors an instruction in
words is one constant vector added to a sum before it is scaled, whatever the text: so for a table
the words are best left out, and the vector o, learned, stands for the best instruction there could
be; s says which directions count for the use, which no words could. Documents of uses that have
something of their own on that side need an index for each use; with instructions for queries
alone, one index serves all, the one of the encoder itself: `queries_alone` opens it, and so does
`everygrain search --instruction`. `everygrain.learn.train.instructions` trains table, s and o
together.
To a static table they gave nothing that lasted: see benchmarks/results/rank_instructions.md.

Source: Retrieve Anything To Augment Large Language Models
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from everygrain.encode.base import Encoder, Kind, Vectors, unit
from everygrain.errors import InputError, ModelError, QueryError

Learned = Mapping[str, npt.NDArray[np.float32]]


@dataclass(frozen=True)
class Use:
    """What is put before the texts of a use; nothing if empty.

    query      before queries, such as "Find the passage that answers this question:"
    document   before documents
    """

    query: str = ""
    document: str = ""

    def instruction(self, kind: Kind) -> str:
        return self.query if kind == "query" else self.document


@dataclass(frozen=True, eq=False)
class Instructed:
    """An encoder for one use of several.

    inner     encodes texts with their instructions
    uses      name -> instructions
    learned   "USE.query" or "USE.document" -> (2, d) s and o; a side without one has zeros
    use       which of the uses it is for; without one it is `inner`

    Source: Retrieve Anything To Augment Large Language Models
    Raises InputError for learned arrays of no use or another shape, QueryError for an unknown use.
    """

    inner: Encoder
    uses: Mapping[str, Use]
    learned: Learned = field(default_factory=dict)
    use: str = ""

    def __post_init__(self) -> None:
        if self.use and self.use not in self.uses:
            raise QueryError(
                f"There is no use '{self.use}'.", f"Use one of: {', '.join(sorted(self.uses))}."
            )
        sides = {f"{use}.{kind}" for use in self.uses for kind in ("query", "document")}
        for name, array in self.learned.items():
            if name not in sides or array.shape != (2, self.inner.dimensions):
                raise InputError(
                    f"What was learned for '{name}' has the shape {array.shape}.",
                    f"Name a use and a side, and give it the shape (2, {self.inner.dimensions}).",
                )

    def for_use(self, use: str) -> Instructed:
        """Return the same encoder for a use. Raises QueryError for an unknown one."""
        return replace(self, use=use)

    def queries_alone(self) -> QueriesAlone:
        """Return the encoder as one that an index of `inner` opens with.

        Raises QueryError for a use that has something of its own for documents.
        """
        return QueriesAlone(self)

    @property
    def dimensions(self) -> int:
        return self.inner.dimensions

    @cached_property
    def fingerprint(self) -> str:
        """Names what this use's vectors follow from: another use's training changes nothing."""
        if not self.use:
            return self.inner.fingerprint
        digest = hashlib.blake2b(self.inner.fingerprint.encode(), digest_size=6)
        digest.update(json.dumps(asdict(self.uses[self.use])).encode())
        for kind in ("query", "document"):
            digest.update(np.ascontiguousarray(self._side(kind)).tobytes())
        return f"instructed-{self.dimensions}-{digest.hexdigest()}"

    @property
    def own_documents(self) -> bool:
        """Whether this use's documents have other vectors than `inner` gives."""
        told = bool(self.use) and bool(self.uses[self.use].document)
        return told or bool(self._side("document").any())

    def encode(self, texts: Sequence[str], kind: Kind = "document") -> Vectors:
        """Encode for the use. An empty text stays the zero vector, whatever the instruction."""
        if not self.use:
            return self.inner.encode(texts, kind)
        instruction = self.uses[self.use].instruction(kind)
        if instruction:
            told = [f"{instruction} {text}" if text.strip() else "" for text in texts]
            vectors = self.inner.encode(told, kind)
        else:
            vectors = self.inner.encode(texts, kind)
        scale, offset = self._side(kind)
        if not scale.any() and not offset.any():
            return vectors
        moved = (1 + scale) * vectors + offset
        moved[(vectors == 0).all(axis=1)] = 0
        return unit(moved)

    def _side(self, kind: Kind) -> npt.NDArray[np.float32]:
        found = self.learned.get(f"{self.use}.{kind}")
        return np.zeros((2, self.dimensions), np.float32) if found is None else found

    def save(self, folder: Path) -> None:
        from safetensors.numpy import save_file

        inner = folder / "inner"
        inner.mkdir()
        self.inner.save(inner)
        arrays = {name: np.ascontiguousarray(array) for name, array in self.learned.items()}
        save_file(arrays, folder / "instructions.safetensors")
        uses = {name: asdict(each) for name, each in self.uses.items()}
        described = {"kind": "instructions", "uses": uses, "use": self.use}
        (folder / "encoder.json").write_text(json.dumps(described), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, described: dict[str, Any]) -> Instructed:
        """Read what `save` wrote. Raises ModelError if a file is missing or damaged."""
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        from everygrain.encode import registry

        try:
            arrays = load_file(folder / "instructions.safetensors")
            uses = {name: Use(**each) for name, each in described["uses"].items()}
            return cls(registry.load(folder / "inner"), uses, arrays, described["use"])
        except (OSError, SafetensorError, KeyError, TypeError, AttributeError, InputError,
                QueryError) as error:  # fmt: skip
            raise ModelError(
                f"The instructed encoder in {folder} is missing or damaged ({error}).",
                "Train it again, or run `everygrain reencode INDEX --encoder NAME`.",
            ) from error


@dataclass(frozen=True, eq=False)
class QueriesAlone:
    """An encoder for a use, over an index of the inner encoder, which encoded the documents.

    The fingerprint is that of the inner encoder, for documents have its vectors. So a cache of
    vectors belongs around that one, never around this.
    Raises QueryError for a use that has something of its own for documents.
    """

    instructed: Instructed

    def __post_init__(self) -> None:
        if self.instructed.own_documents:
            raise QueryError(
                f"The use '{self.instructed.use}' has documents of its own.",
                "Build an index with its encoder, or choose a use with instructions for queries "
                "alone.",
            )

    @property
    def fingerprint(self) -> str:
        return self.instructed.inner.fingerprint

    @property
    def dimensions(self) -> int:
        return self.instructed.dimensions

    def encode(self, texts: Sequence[str], kind: Kind = "document") -> Vectors:
        encoder: Encoder = self.instructed if kind == "query" else self.instructed.inner
        return encoder.encode(texts, kind)

    def save(self, folder: Path) -> None:
        """Write the inner encoder alone: a use is chosen for a search, and not kept."""
        self.instructed.inner.save(folder)
