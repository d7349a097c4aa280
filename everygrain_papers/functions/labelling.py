"""The labeller of a room, and what it says of whole abstracts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from everygrain_papers.functions.base import Function, Labeller
from everygrain_papers.functions.rules import Rules
from everygrain_papers.functions.sentences import split

LONGEST = 20_000  # characters of an abstract that are labelled: what is longer is no abstract


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of an abstract, `abstract[start:end]`, and what it does there."""

    start: int
    end: int
    function: Function


def labeller_of(folder: Path) -> Labeller:
    """Return what was learned into a folder, or the rules where nothing was.

    Raises ModelError for a folder that is damaged.
    """
    if not (folder / "functions.json").exists():
        return Rules()
    from everygrain_papers.functions.stored import load

    return load(folder)


def forget_learned(folder: Path) -> None:
    """Remove what was learned into a folder."""
    for path in folder.glob("functions.*"):
        path.unlink()


def fingerprint(labeller: Labeller) -> str:
    """Return what changes whenever the same abstract could be labelled otherwise."""
    if isinstance(labeller, Rules):
        return "rules 1"
    from everygrain_papers.functions.learned import Learned

    assert isinstance(labeller, Learned)
    digest = hashlib.blake2b(digest_size=16)
    for name, values in sorted(labeller.coefficients.items()):
        digest.update(name.encode())
        digest.update(values.tobytes())
    return f"learned {digest.hexdigest()}"


def sentences_of(abstracts: Sequence[str], labeller: Labeller) -> list[list[Sentence]]:
    """Return the sentences of abstracts with their functions, in order."""
    places = [split(abstract[:LONGEST]) for abstract in abstracts]
    texts = [
        [abstract[start:end] for start, end in found]
        for abstract, found in zip(abstracts, places, strict=True)
    ]
    labels = labeller.label_all(texts)
    return [
        [Sentence(*span, function) for span, function in zip(found, each.functions, strict=True)]
        for found, each in zip(places, labels, strict=True)
    ]
