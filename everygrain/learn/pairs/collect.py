"""Sources and documents -> pairs, with counts of what came and what did not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from everygrain.document import Document
from everygrain.errors import InputError
from everygrain.learn.pairs.base import Pair, PairSource


@dataclass(frozen=True)
class Collected:
    """Pairs of several sources.

    pairs      in the order of the sources, then of the documents
    counts     source -> number of its pairs here
    without    source -> number of documents that no pair of it was asked from; all of them for a
               source that reads a dictionary
    repeats    number of pairs dropped as their query and positive were there already
    left_out   source -> number of pairs above the limit
    """

    pairs: tuple[Pair, ...]
    counts: dict[str, int] = field(default_factory=dict)
    without: dict[str, int] = field(default_factory=dict)
    repeats: int = 0
    left_out: dict[str, int] = field(default_factory=dict)


def collect(
    sources: Sequence[PairSource], documents: Sequence[Document], most: int | None = None
) -> Collected:
    """Collect the pairs of sources, each text with each other text once.

    most   pairs of one source at most. Which stay follows from a hash of their texts, so that the
           choice has nothing of the documents' order

    Raises InputError where a source needs what no document has, where two documents have one id,
    where a source is given twice, and for a limit below 1.
    """
    _check(sources, documents, most)
    seen: set[bytes] = set()
    kept: list[Pair] = []
    counts: dict[str, int] = {}
    without: dict[str, int] = {}
    left_out: dict[str, int] = {}
    repeats = 0
    for source in sources:
        found: list[tuple[bytes, Pair]] = []
        asking: set[str] = set()
        for pair in source.pairs(documents):
            asking.add(pair.query_id)
            key = _key(pair)
            if key in seen:
                repeats += 1
                continue
            seen.add(key)
            found.append((key, pair))
        without[source.name] = sum(document.id not in asking for document in documents)
        if most is not None and len(found) > most:
            last = sorted(key for key, _ in found)[most - 1]
            left_out[source.name] = len(found) - most
            found = [each for each in found if each[0] <= last]
        counts[source.name] = len(found)
        kept += [pair for _, pair in found]
    return Collected(tuple(kept), counts, without, repeats, left_out)


def _key(pair: Pair) -> bytes:
    digest = blake2b(digest_size=16)
    for text in (pair.query, pair.positive):
        encoded = text.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
    return digest.digest()


def _check(sources: Sequence[PairSource], documents: Sequence[Document], most: int | None) -> None:
    if most is not None and most < 1:
        raise InputError(f"At most {most} pairs.", "Use 1 or more, or None for all.")
    for what, names in (
        ("source", [source.name for source in sources]),
        ("document", [document.id for document in documents]),
    ):
        name, times = next(iter(Counter(names).most_common(1)), ("", 0))
        if times > 1:
            raise InputError(f"The {what} '{name}' is there {times} times.", "Give each once.")
