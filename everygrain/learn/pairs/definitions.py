"""A definition asks for its entry, and entries get vectors of their own to be found by.

The vector of an entry is the mean of its definitions' vectors, so that an entry of several words,
or one that no vocabulary holds, has one as well. These vectors crowd into a cone; they are
whitened, part of the way ("quasi-isotropic") or all of it:

    y = unit(U (L / mean L)^-strength U' (x - mean))        U, L: eigenvectors, eigenvalues of the x

An encoder trained towards them encodes definitions better, and so gives better entry vectors: the
steps are repeated, each time from the untrained encoder ("progressive separate training").

Source: DefSent+: Improving sentence embeddings of language models by projecting definition
sentences into a quasi-isotropic or isotropic vector space of unlimited dictionary entries. The
paper's transform of the last step is an independent component analysis; whitening stands for it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from everygrain.document import Document
from everygrain.encode.base import Encoder, Vectors, unit
from everygrain.errors import InputError
from everygrain.learn.pairs.base import Pair
from everygrain.learn.pairs.glosses import is_held, vocabulary
from everygrain.learn.pairs.wordnet import folder_of, synsets
from everygrain.learn.pairs.written import Written, check_share

_FLOOR = 1e-6


@dataclass(frozen=True, slots=True)
class Definition:
    """One meaning of an entry: a word or several, and what it means."""

    id: str
    entry: str
    text: str


@dataclass(frozen=True, repr=False)
class Definitions(Written):
    """A definition asks for the entry that it defines.

    dictionary   a file of the user's own: lines of entry <tab> definition, or of JSON objects with
                 "entry" and "definition"; or WordNet's folder; empty for WordNet at its usual place
    known        whether only entries count whose words the documents hold

    Ids of the pairs are the dictionary's, not documents'. Raises InputError where the dictionary
    is not there or a line of it is broken.
    """

    dictionary: str = ""
    known: bool = True
    kind: ClassVar[str] = "definitions"

    def definitions(self, documents: Sequence[Document]) -> Iterator[Definition]:
        """Yield the definitions that count."""
        held = vocabulary(documents) if self.known else None
        for each in read_dictionary(self.dictionary):
            if is_held(each.entry, held):
                yield each

    def pairs(self, documents: Sequence[Document]) -> Iterator[Pair]:
        for each in self.definitions(documents):
            yield Pair(each.text, each.entry, self.name, each.id, each.id)


def read_dictionary(dictionary: str) -> Iterator[Definition]:
    """Yield the definitions of a file or of WordNet, in order.

    Raises InputError with the line for one that holds no entry and definition.
    """
    path = Path(dictionary)
    if not dictionary or path.is_dir():
        for synset in synsets(folder_of(dictionary)):
            if synset.definition:
                for word in synset.words:
                    yield Definition(synset.id, word, synset.definition)
        return
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"The dictionary '{dictionary}' cannot be read ({error}).",
            "Give a UTF-8 file of entry <tab> definition, of JSON lines, or WordNet's folder.",
        ) from None
    for number, line in enumerate(lines, 1):
        if line.strip():
            entry, text = _entry(line, f"{dictionary}, line {number}")
            yield Definition(f"{path.name}:{number}", entry, text)


def _entry(line: str, where: str) -> tuple[str, str]:
    if line.lstrip().startswith("{"):
        try:
            record = json.loads(line)
        except ValueError:
            record = {}
        entry, text = record.get("entry"), record.get("definition")
    else:
        entry, _, text = line.partition("\t")
    if not isinstance(entry, str) or not isinstance(text, str):
        entry = text = ""
    if not entry.strip() or not text.strip():
        raise InputError(
            f"{where}: no entry with a definition.",
            'Write entry <tab> definition, or {"entry": "...", "definition": "..."}.',
        )
    return entry.strip(), text.strip()


@dataclass(frozen=True, eq=False)
class EntrySpace:
    """Vectors that entries are found by: the targets of training.

    entries   each once, in order of first occurrence
    vectors   (entries, d) rows of length 1
    """

    entries: tuple[str, ...]
    vectors: Vectors

    def of(self, entries: Sequence[str]) -> Vectors:
        """Return (n, d) the vectors of some entries. Raises InputError for one that is not here."""
        places = {entry: place for place, entry in enumerate(self.entries)}
        missing = next((entry for entry in entries if entry not in places), None)
        if missing is not None:
            raise InputError(f"The entry '{missing}' has no vector.", "Give it a definition.")
        return self.vectors[[places[entry] for entry in entries]]


def entry_space(
    encoder: Encoder, definitions: Sequence[Definition], strength: float = 0.5
) -> EntrySpace:
    """Return the entries' vectors, from their definitions' and made isotropic.

    strength   0 leaves the eigenvalues as they are, 0.5 makes them alike

    An entry whose definitions hold nothing known to the encoder is left out. Raises InputError
    without a definition and for a strength outside [0, 0.5].
    """
    check_share(Definitions(), strength=2 * strength)
    vectors = encoder.encode([each.text for each in definitions])
    places: dict[str, int] = {}
    owners = [places.setdefault(each.entry, len(places)) for each in definitions]
    sums = np.zeros((len(places), encoder.dimensions))
    np.add.at(sums, owners, vectors)
    means = sums / np.maximum(np.bincount(owners, minlength=len(places)), 1)[:, None]
    known = np.abs(means).sum(axis=1) > 0
    if not known.any():
        raise InputError(
            "No definition holds a word that the encoder knows.", "Give definitions, one at least."
        )
    names = [entry for entry, here in zip(places, known, strict=True) if here]
    return EntrySpace(tuple(names), isotropic(means[known], strength))


def isotropic(vectors: npt.NDArray[np.float64], strength: float) -> Vectors:
    """Return (n, d) rows without their mean, whitened to the strength, of length 1.

    Directions in which the rows hardly differ are left small: they hold rounding, not meaning.
    """
    centred = vectors - vectors.mean(axis=0)
    values, directions = np.linalg.eigh(centred.T @ centred / len(centred))
    relative = np.maximum(values, 0) / max(float(values.mean()), 1e-30)
    scale = np.where(relative > _FLOOR, np.maximum(relative, _FLOOR) ** -strength, 1.0)
    return unit(centred @ (directions * scale) @ directions.T)


def isotropy(vectors: npt.NDArray[np.floating]) -> float:
    """Return how alike the directions are, in (0, 1]: 1 where no direction is preferred.

    The least over the largest of Z(c) = sum_i exp(c . v_i) for the eigenvectors c of V'V and their
    negatives. Source: Mu, Bhat, Viswanath, All-but-the-Top, 2018, section 2.2.
    """
    wide = vectors.astype(np.float64)
    _, directions = np.linalg.eigh(wide.T @ wide)
    along = wide @ directions
    sums = np.concatenate([np.exp(along).sum(axis=0), np.exp(-along).sum(axis=0)])
    return float(sums.min() / sums.max())


def progressive(
    encoder: Encoder,
    definitions: Sequence[Definition],
    train: Callable[[EntrySpace], Encoder],
    rounds: int = 2,
    strength: float = 0.5,
) -> tuple[Encoder, list[EntrySpace]]:
    """Return the encoder of the last round, and the space that each round trained towards.

    train   trains the *untrained* encoder towards a space, and returns the trained one
    rounds  at least 1; all but the last are left as they are (strength 0), and grow isotropic by
            training alone
    """
    if rounds < 1:
        raise InputError(f"{rounds} rounds train nothing.", "Use 1 or more.")
    spaces: list[EntrySpace] = []
    for left in reversed(range(rounds)):
        spaces.append(entry_space(encoder, definitions, 0.0 if left else strength))
        encoder = train(spaces[-1])
    return encoder, spaces
