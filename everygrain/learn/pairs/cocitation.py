"""Co-citation: documents that are cited together ask for each other.

Source: Contrastive Learning and Mixture of Experts Enables Precise Vector Embeddings, which takes
abstracts cited together by a biomedical paper as positives.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar

from everygrain.document import Document
from everygrain.errors import InputError
from everygrain.learn.pairs.base import Pair
from everygrain.learn.pairs.parts import first_passage, sentences, with_title
from everygrain.learn.pairs.references import CITED_BY, KEYS, cited, citers, listed, references
from everygrain.learn.pairs.written import Written, chance, check_at_least

_MARKS = re.compile(r"\[(\d{1,3}(?:\s*[,;–-]\s*\d{1,3})*)\]")
_RANGE = 50


@dataclass(frozen=True, repr=False)
class Cocitation(Written):
    """Two documents that one work cites are alike, the more so if one sentence cites both.

    together   "document": cited by one work. "sentence": cited in one sentence of it by numbers in
               brackets, "[2, 5-7]", that count its list of references from 1
    seed       which pairs are drawn, and which of the two asks
    each       pairs of a citing work at most, at least 1
    passage    words of query and of positive, at least 1

    Works cite by lists under 'references', 'citations' or 'cites', or are named by those that they
    cite under 'cited_by' or 'citing'; the latter need not be of the collection, but count for
    "document" only. Raises InputError where no document has such a list.
    """

    together: str = "document"
    seed: int = 0
    each: int = 10
    passage: int = 256
    kind: ClassVar[str] = "cocitation"

    def __post_init__(self) -> None:
        check_at_least(self, 1, each=self.each, passage=self.passage)
        if self.together not in ("document", "sentence"):
            raise InputError(
                f"cocitation: together = {self.together!r}.", "Use 'document' or 'sentence'."
            )

    def pairs(self, documents: Sequence[Document]) -> Iterator[Pair]:
        seen: set[tuple[int, int]] = set()
        for work, groups in self._groups(documents):
            found = {
                (min(pair), max(pair)): None for group in groups for pair in combinations(group, 2)
            }
            named = sorted(found, key=lambda pair: (documents[pair[0]].id, documents[pair[1]].id))
            drawn = chance(self.seed, self.kind, work)
            for pair in drawn.sample(named, min(self.each, len(named))):
                if pair in seen:
                    continue
                seen.add(pair)
                one, other = (documents[place] for place in pair)
                # which of the two asks must not follow from their order in the collection
                if (one.id > other.id) != (
                    chance(self.seed, *sorted((one.id, other.id))).random() < 0.5
                ):
                    one, other = other, one
                query, positive = self._shown(one), self._shown(other)
                if query and positive:
                    yield Pair(query, positive, self.name, one.id, other.id)

    def _shown(self, document: Document) -> str:
        return with_title(document, first_passage(document.text, self.passage)).strip()

    def _groups(self, documents: Sequence[Document]) -> Iterator[tuple[str, list[list[int]]]]:
        """Yield each citing work's id with the documents that it cites together."""
        outside = citers(documents) if self.together == "document" else {}
        if not outside and not any(listed(document, KEYS) for document in documents):
            raise InputError(
                "The source 'cocitation' needs lists of references, and no document has one under "
                f"{', '.join(repr(key) for key in (*KEYS, *CITED_BY))}.",
                'Give {"references": [ids of documents of this collection]} as metadata.',
            )
        if any(listed(document, KEYS) for document in documents):
            rows = references(documents)
            for place, (document, row) in enumerate(zip(documents, rows, strict=True)):
                if self.together == "sentence":
                    yield document.id, list(_in_one_sentence(place, document.text, row))
                else:
                    yield document.id, [list(cited(place, row))]
        for work, places in outside.items():
            yield work, [places]


def _in_one_sentence(place: int, text: str, row: Sequence[int | None]) -> Iterator[list[int]]:
    """Yield the documents that a sentence cites by number, for sentences that cite."""
    if not row or "[" not in text:
        return
    for start, end in sentences(text):
        numbers: list[int] = []
        for marks in _MARKS.findall(text[start:end]):
            for part in re.split(r"[,;]", marks):
                ends = [int(number) for number in re.split(r"[–-]", part)]
                numbers += range(ends[0], min(ends[-1], ends[0] + _RANGE) + 1)
        named = [row[n - 1] for n in numbers if 0 < n <= len(row)]
        group = list(cited(place, named))
        if len(group) > 1:
            yield group
