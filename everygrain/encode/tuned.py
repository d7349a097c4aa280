"""A transformer that an index has trained, kept whole inside the index's own folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from everygrain.encode.base import Kind, Vectors
from everygrain.encode.transformer import Transformer
from everygrain.errors import ModelError


@dataclass(frozen=True)
class Tuned:
    """A transformer whose files move with the index, where `Transformer` keeps a name alone.

    folder   of a sentence-transformers model
    """

    folder: Path

    @cached_property
    def _transformer(self) -> Transformer:
        return Transformer(str(self.folder))

    @cached_property
    def fingerprint(self) -> str:
        return f"tuned-{self._transformer.fingerprint.rsplit('-', 1)[-1]}"

    @property
    def dimensions(self) -> int:
        return self._transformer.dimensions

    def encode(self, texts: Sequence[str], kind: Kind = "document") -> Vectors:
        return self._transformer.encode(texts, kind)

    def save(self, folder: Path) -> None:
        """Copy the model and write what `load` needs into an empty folder."""
        shutil.copytree(self.folder, folder / "model")
        (folder / "encoder.json").write_text(json.dumps({"kind": "tuned"}), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Tuned:
        """Read what `save` wrote. Raises ModelError if the model is missing."""
        if not (folder / "model" / "modules.json").is_file():
            raise ModelError(
                f"The trained transformer in {folder} is missing.",
                "Run `everygrain adapt INDEX --rollback`, or `everygrain reencode INDEX "
                "--encoder NAME`.",
            )
        return cls(folder / "model")
