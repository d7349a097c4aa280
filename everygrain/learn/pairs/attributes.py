"""Title <-> what occurs with it: keywords, skills, subjects.

Source: VacancySBERT: the approach for representation of titles and skills for semantic similarity
search in the recruitment domain.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from everygrain.document import Document
from everygrain.errors import InputError
from everygrain.learn.pairs.base import Pair
from everygrain.learn.pairs.parts import body, first_passage
from everygrain.learn.pairs.written import Written, check_at_least

MODES = ("title", "attributes", "both")


@dataclass(frozen=True, repr=False)
class Attributes(Written):
    """A short name asks for the attributes that stand beside it, as a job's title for its skills.

    key       metadata key of the attributes: a list of strings, or one string with ";" or ","
    asks      "title": title -> attributes. "attributes": attributes -> title.
              "both": title with attributes -> the text's first passage
    passage   words of the text, at least 1

    Documents that lack one of the two give nothing. Raises InputError where no document has
    attributes under the key.
    """

    key: str = "keywords"
    asks: str = "title"
    passage: int = 256
    kind: ClassVar[str] = "attributes"

    def __post_init__(self) -> None:
        check_at_least(self, 1, passage=self.passage)
        if self.asks not in MODES:
            raise InputError(
                f"attributes: asks = {self.asks!r}.", f"Use one of {', '.join(MODES)}."
            )

    def pairs(self, documents: Sequence[Document]) -> Iterator[Pair]:
        if not any(attributes_of(document, self.key) for document in documents):
            raise InputError(
                f"The source 'attributes' needs '{self.key}' in the metadata, and no document has "
                "any.",
                f'Give {{"{self.key}": ["...", "..."]}} as metadata, or name another key.',
            )
        for document in documents:
            title, found = document.title.strip(), attributes_of(document, self.key)
            if not title or not found:
                continue
            beside = ", ".join(found)
            query, positive = {
                "title": (title, beside),
                "attributes": (beside, title),
                "both": (f"{title}, {beside}", first_passage(body(document), self.passage)),
            }[self.asks]
            if positive:
                yield Pair(query, positive, self.name, document.id, document.id)


def attributes_of(document: Document, key: str) -> list[str]:
    """Return a document's attributes, each once, in order; none where the key holds no text."""
    value = document.metadata.get(key)
    if isinstance(value, str):
        value = re.split(r";" if ";" in value else r",", value)
    if not isinstance(value, list | tuple):
        return []
    stripped = (each.strip() for each in value if isinstance(each, str))
    return list(dict.fromkeys(each for each in stripped if each))
