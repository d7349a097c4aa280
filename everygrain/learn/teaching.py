"""What a teacher is asked about: titles, passages and sentences of the documents that train."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic

import numpy as np

from everygrain.document import Document
from everygrain.encode import registry
from everygrain.encode.base import Vectors
from everygrain.index.files import storage_errors
from everygrain.index.vectors import passage_text
from everygrain.learn.pairs.parts import body, first_passage, sentences
from everygrain.learn.recipe import Recipe
from everygrain.learn.train.static import Taught

CHECKPOINT, TAUGHT = "checkpoint", "taught.json"
_AT_ONCE = 256
_SHORTEST = 4
_PASSAGE = 256
_TURNS = 10
_TURNS_TAUGHT = 4
_LOOKED_AT = 4_000

Told = Callable[[str, int, int], None]


def teach(
    documents: Sequence[Document], recipe: Recipe, budget: float, told: Told | None, folder: Path
) -> Taught | None:
    """Ask the teacher about as many texts as the budget allows.

    A training that goes on from its checkpoint is taught as many as before: more, which a cache
    would give in the same time, would make another training of it.
    """
    if not recipe.teacher or not recipe.taught:
        return None
    teacher = registry.create(recipe.teacher)
    if teacher is None:
        return None
    # titles, passages and sentences alike, of fewer documents where there are many
    chosen = sampled(documents, max(recipe.taught // _TURNS_TAUGHT, 1), recipe.seed)
    texts = texts_to_teach(chosen, recipe.taught)
    texts.sort(key=lambda text: drawn(text, recipe.seed))  # a budget that ends cuts all kinds
    key = _digest([recipe.teacher, *texts])
    before = _count_before(folder, key)
    if before is not None:
        texts, budget = texts[:before], float("inf")
    found, begun = list[Vectors](), monotonic()
    for start in range(0, len(texts), _AT_ONCE):
        if found and monotonic() - begun > budget:
            break
        found.append(teacher.encode(texts[start : start + _AT_ONCE]))
        if told:
            told("Asking the teacher", min(start + _AT_ONCE, len(texts)), len(texts))
    count = sum(len(part) for part in found)
    with storage_errors(folder):
        (folder / TAUGHT).write_text(json.dumps({"key": key, "count": count}), encoding="utf-8")
    return Taught(texts[:count], np.concatenate(found)) if count > 1 else None


def _count_before(folder: Path, key: str) -> int | None:
    """Return how many of these texts an interrupted training was taught; None if none was."""
    if not (folder / CHECKPOINT).exists():
        return None
    try:
        told = json.loads((folder / TAUGHT).read_text(encoding="utf-8"))
        return int(told["count"]) if told["key"] == key else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _digest(texts: Sequence[str]) -> str:
    return hashlib.blake2b("\0".join(texts).encode(), digest_size=8).hexdigest()


def texts_to_teach(documents: Sequence[Document], most: int) -> list[str]:
    """Return titles, first passages and, turn by turn, sentences: each once, `most` at most."""
    texts: dict[str, None] = {}
    for turn in range(_TURNS):
        for document in documents:
            if turn == 0:
                text = document.title.strip()
            elif turn == 1:
                text = first_passage(passage_text(document, 0, len(document.text)), _PASSAGE)
            else:
                text = _sentence(document, turn - 2)
            if len(text.split()) >= _SHORTEST:
                texts.setdefault(text)
            if len(texts) >= most:
                return list(texts)
    return list(texts)


def _sentence(document: Document, place: int) -> str:
    whole = body(document)[:_LOOKED_AT]
    spans = sentences(whole)
    return whole[slice(*spans[place])] if place < len(spans) else ""


def sampled(documents: Sequence[Document], most: int, seed: int) -> list[Document]:
    """Return `most` documents, chosen by their ids, so that their order does not matter."""
    return sorted(documents, key=lambda document: drawn(document.id, seed))[:most]


def drawn(text: str, seed: int) -> bytes:
    """Return what a text is ordered by in a draw of this seed."""
    return hashlib.blake2b(f"{seed} {text}".encode(), digest_size=8).digest()
