"""The domains of the documents that train: of their pairs, and as the report tells them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from everygrain.analyze import Words
from everygrain.document import Document
from everygrain.encode.base import WordEncoder
from everygrain.encode.experts.centroids import NO_DOMAIN
from everygrain.index.vectors import joined_words, split_fields
from everygrain.learn.domains import Domains, domains_of_field, learn_domains
from everygrain.learn.pairs import Pair
from everygrain.learn.recipe import FIELD, Recipe
from everygrain.learn.teaching import drawn

_AT_ONCE = 4_096
_NAMED = 10_000


@dataclass(frozen=True)
class Grouping:
    """Which documents are of which domain.

    sizes     name -> documents, the largest first
    outside   documents of no domain
    of        document id -> name, of those that have one; not kept on disk
    """

    sizes: Mapping[str, int] = field(default_factory=dict)
    outside: int = 0
    of: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def made(cls, domains: Domains, documents: Sequence[Document]) -> Grouping:
        named = zip(documents, domains.of_documents(), strict=True)
        of = {document.id: name for document, name in named if name is not None}
        return cls(domains.sizes(), int((domains.assigned == NO_DOMAIN).sum()), of)

    @property
    def divides(self) -> bool:
        """Whether there is more than one domain."""
        return len(self.sizes) > 1

    def of_pairs(self, pairs: Sequence[Pair]) -> list[str | None]:
        """Return the domain of each pair; None where its two documents are not of the same one."""
        both = [(self.of.get(pair.query_id), self.of.get(pair.positive_id)) for pair in pairs]
        return [asking if asking == answering else None for asking, answering in both]


def group(recipe: Recipe, documents: Sequence[Document], encoder: WordEncoder | None) -> Grouping:
    """Find or read the domains that a recipe asks for.

    encoder   whose vectors tell the documents apart; needed for domains that are learned
    Documents of which the encoder knows no word, all of them, are of no domain.
    Raises InputError for a field without a common value.
    """
    if recipe.domains.startswith(FIELD):
        read = domains_of_field(documents, recipe.domains.removeprefix(FIELD))
        return Grouping.made(read, documents)
    if not recipe.domains or encoder is None:
        return Grouping(outside=len(documents))
    vectors = np.concatenate(
        [
            encoder.encode_words(_words(documents[start : start + _AT_ONCE]))
            for start in range(0, len(documents), _AT_ONCE)
        ]
    )
    if not vectors.any():
        return Grouping(outside=len(documents))
    # names follow from fewer, so that no more words are in memory than a fit needs
    order = sorted(range(len(documents)), key=lambda place: drawn(documents[place].id, recipe.seed))
    rows = np.array(sorted(order[:_NAMED]))
    words = _words([documents[row] for row in rows])
    return Grouping.made(learn_domains(words, vectors, rows=rows), documents)


def _words(documents: Sequence[Document]) -> Words:
    return joined_words(*split_fields(documents))
