"""Negatives that match in the wrong field, or are of the wrong type: the text's own modalities.

A multimodal retriever likes what has the query's own modality, whatever it says, so it is shown
candidates of the wrong modality beside those of the right one that say something else. Text has
such shortcuts as well: a title that holds the query's words over a text about something else, or a
kind of document (a review, an abstract, a function) that reads like the query.

Source: MM-Embed: Universal Multimodal Retrieval with Multimodal LLMs (modality-aware hard
negatives; here fields and types of documents take the place of modalities).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from everygrain.document import Document
from everygrain.errors import InputError
from everygrain.learn.negatives.base import Negatives
from everygrain.learn.negatives.control import Control, screened
from everygrain.learn.negatives.mined import retrieved, score_of
from everygrain.learn.pairs.base import Pair
from everygrain.rank.base import Retriever


@dataclass(frozen=True)
class WrongField:
    """Documents that one field speaks for and another does not.

    wrong     retrieves by the field that misleads, such as titles: BM25(title=1, text=0)
    right     retrieves by the field that answers, such as texts
    depth     ranks that count as found, from 1: a negative is found by `wrong` and not by `right`
    most      negatives of a pair at most, at least 1, the highest of `wrong` first
    control   what is known against false negatives; without a teacher the scores are those of
              `wrong`

    Raises InputError for a depth or a number below 1.
    """

    wrong: Retriever
    right: Retriever
    depth: int = 50
    most: int = 5
    control: Control = field(default_factory=Control)

    def __post_init__(self) -> None:
        _check(self.depth, self.most)

    def find(self, pairs: Sequence[Pair], documents: Sequence[Document]) -> Negatives:
        candidates, positives = [], []
        for pair, misled, rightly in zip(
            pairs,
            retrieved(self.wrong, pairs, self.depth),
            retrieved(self.right, pairs, self.depth),
            strict=True,
        ):
            found = {identity for identity, _ in rightly}
            candidates.append([each for each in misled if each[0] not in found])
            positives.append(score_of(pair.positive_id, misled))
        return screened(pairs, candidates, positives, documents, self.control, self.most)


@dataclass(frozen=True)
class WrongType:
    """Documents of another type than the positive's that rank above it, then of its own type.

    retriever   finds for the pairs' queries
    key         metadata key of the type; documents without it are one type of their own
    depth       ranks that are looked at, from 1
    from_rank   rank, from 1, from which documents of the positive's own type are taken: the first
                ranks hold most of the unknown answers
    most        negatives of a pair at most, at least 1: up to half, rounded up, of a wrong type
    control     what is known against false negatives; a margin applies to the right type only, as
                the wrong type is wrong however high it ranks

    A positive that is not found within the depth has every document of it above. Raises InputError
    for a number below 1, and where no document has the key.
    """

    retriever: Retriever
    key: str
    depth: int = 50
    from_rank: int = 1
    most: int = 4
    control: Control = field(default_factory=Control)

    def __post_init__(self) -> None:
        _check(self.depth, self.most, self.from_rank)

    def find(self, pairs: Sequence[Pair], documents: Sequence[Document]) -> Negatives:
        types = {each.id: repr(each.metadata.get(self.key)) for each in documents}
        if not any(self.key in each.metadata for each in documents):
            raise InputError(
                f"No document has '{self.key}' in its metadata.", "Name the key of the type."
            )
        wrong, right, positives = [], [], []
        for pair, found in zip(pairs, retrieved(self.retriever, pairs, self.depth), strict=True):
            own = types.get(pair.positive_id)
            ranks = {identity: rank for rank, (identity, _) in enumerate(found)}
            above = found[: ranks.get(pair.positive_id, len(found))]
            wrong.append([each for each in above if types.get(each[0]) != own])
            right.append(
                [each for each in found[self.from_rank - 1 :] if types.get(each[0]) == own]
            )
            positives.append(score_of(pair.positive_id, found))
        free = Control(same=self.control.same)
        first = screened(pairs, wrong, positives, documents, free, (self.most + 1) // 2)
        second = screened(pairs, right, positives, documents, self.control, self.most)
        ids = tuple(
            (*one, *other)[: self.most] for one, other in zip(first.ids, second.ids, strict=True)
        )
        reasons = {*first.refused, *second.refused}
        refused = {
            reason: first.refused.get(reason, 0) + second.refused.get(reason, 0)
            for reason in sorted(reasons)
        }
        return Negatives(ids, refused, sum(len(each) < self.most for each in ids))


def _check(*numbers: int) -> None:
    if min(numbers) < 1:
        raise InputError(f"Negatives by the numbers {numbers}.", "Use 1 or more for each.")
