"""Encoders of texts as bags of whole-word vectors: by name, and from what an index kept of them."""

from __future__ import annotations

import json
from pathlib import Path

from everygrain.encode.words.base import SCALE, BagEncoder, Bags
from everygrain.errors import ModelError, QueryError

__all__ = ["SCALE", "BagEncoder", "Bags", "check", "create", "load"]

_FORMS = "words, words:DIMENSIONS, words:DIMENSIONS:KEPT, and @FOLDER_OR_HUB_NAME after any"


def create(spec: str = "words", language: str = "en") -> BagEncoder:
    """Return the encoder of a name: "words", "words:16", "words:16:0.5", "words:16@FOLDER".

    DIMENSIONS   of every vector, in 1..128; 32 where the name says nothing
    KEPT         the share of a document's words that stay, in (0, 1]; all where it says nothing
    FOLDER       a sentence-transformers folder or hub name; all-MiniLM-L6-v2 where it says nothing

    The first call for a transformer fits a projection, in about a minute, and keeps it in the
    user's cache. Raises QueryError for an unknown name, ModelError if files or libraries are
    missing.
    """
    from everygrain.encode.words.projection import unlearned

    dimensions, kept, transformer = _settings(spec)
    return unlearned(dimensions, kept, transformer, language)


def check(spec: str) -> None:
    """Raise QueryError unless a name could be a word encoder's; loads no model."""
    from everygrain.encode.words.whole import check_settings

    dimensions, kept, _ = _settings(spec)
    check_settings(dimensions, kept)


def _settings(spec: str) -> tuple[int, float, str]:
    """Return the dimensions, the share of words kept and the transformer that a name tells."""
    name, at, transformer = spec.partition("@")
    kind, *settings = name.split(":")
    if kind != "words" or len(settings) > 2 or (at and not transformer):
        raise QueryError(f"There is no word encoder '{spec}'.", f"Use one of: {_FORMS}.")
    try:
        dimensions = int(settings[0]) if settings else 32
        kept = float(settings[1]) if len(settings) == 2 else 1.0
    except ValueError:
        raise QueryError(f"'{spec}' does not tell its numbers.", f"Use one of: {_FORMS}.") from None
    return dimensions, kept, transformer or "minilm"


def load(folder: Path) -> BagEncoder:
    """Return the encoder that was saved in a folder of an index.

    Raises ModelError if its files are missing or damaged.
    """
    from everygrain.encode.words.whole import WholeWords

    try:
        described = json.loads((folder / "words.json").read_text(encoding="utf-8"))
        if described["kind"] != "whole-words":
            raise ValueError(f"unknown kind '{described['kind']}'")
        return WholeWords.load(folder, described)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"The word encoder kept in {folder} is missing or damaged ({error!r}).",
            "Run `everygrain reencode INDEX --words NAME` to make the words anew.",
        ) from error
