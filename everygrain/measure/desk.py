"""What one judge has before them: the pool, one document at a time, and what they said of each.

All that is told is JSON. The ledger is read anew each time, so that nothing is remembered that is
not on the disk, and a judge may use two windows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from everygrain.analyze import Analyzer, locate
from everygrain.analyze.language import detect
from everygrain.errors import InputError
from everygrain.measure.judge import GRADES, LONGEST_NOTE, Judgement, check_judge
from everygrain.measure.ledger import Ledger
from everygrain.measure.pool import Item
from everygrain.rank.query import plain

WORD, EVIDENCE = 1, 2
SETTABLE = ("grade", "skipped", "note")


class Desk:
    """A pool as one judge sees it. Documents are numbered from 0 in the order of the pool.

    Raises InputError for a name that no judge can have.
    """

    def __init__(self, items: Sequence[Item], ledger: Ledger, judge: str) -> None:
        check_judge(judge)
        self.items = items
        self.ledger = ledger
        self.judge = judge
        self._numbers = {item.pair: number for number, item in enumerate(items)}
        self._analyzer = Analyzer(detect([item.text for item in items]))

    def state(self) -> dict[str, Any]:
        """Return all but the documents: judge, grades, queries, and each document's judgement."""
        said = self.ledger.of(self.judge)
        queries = {item.query_id: item.query for item in self.items}
        place = {query: number for number, query in enumerate(queries)}
        return {
            "judge": self.judge,
            "grades": [
                {"grade": grade, "name": name, "meaning": meaning}
                for grade, (name, meaning) in GRADES.items()
            ],
            "longest_note": LONGEST_NOTE,
            "queries": [
                {"text": text, "parts": self._parts(text, text)} for text in queries.values()
            ],
            "items": [
                {"query": place[item.query_id]} | _told(said.get(item.pair)) for item in self.items
            ],
        }

    def item(self, number: int) -> dict[str, Any]:
        """Return a document, its title and text in parts. Raises InputError if there is none."""
        item = self._at(number)
        return {
            "number": number,
            "id": item.document_id,
            "title": self._parts(item.title, item.query),
            "text": self._parts(item.text, item.query, item.evidence),
        }

    def change(self, number: int, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Keep what the judge says of a document: any of `grade`, `skipped` and `note`.

        A grade ends a skip and the other way round. Returns what is kept; raises InputError for
        what makes no sense, and StorageError where it cannot be kept.
        """
        item = self._at(number)
        if not changes or any(name not in SETTABLE for name in changes):
            raise InputError("That is no judgement.", f"Give some of {', '.join(SETTABLE)}.")
        whole = dict(changes)
        if changes.get("grade") is not None:
            whole.setdefault("skipped", False)
        elif changes.get("skipped"):
            whole.setdefault("grade", None)
        return {"number": number} | _told(self.ledger.change(self.judge, item.pair, **whole))

    def undo(self) -> dict[str, Any]:
        """Take the last thing back. Returns what is kept now of which document; its number is
        None if nothing was left to take back, or if the pool no longer has the document."""
        judgement = self.ledger.undo(self.judge)
        if judgement is None:
            return {"number": None}
        return {"number": self._numbers.get(judgement.pair)} | _told(judgement)

    def counts(self) -> dict[str, int]:
        """Return how many documents there are, and how many are graded and skipped."""
        said = [
            state for pair, state in self.ledger.of(self.judge).items() if pair in self._numbers
        ]
        return {
            "all": len(self.items),
            "graded": sum(state.grade is not None for state in said),
            "skipped": sum(state.skipped for state in said),
        }

    def _at(self, number: int) -> Item:
        if type(number) is not int or not 0 <= number < len(self.items):
            raise InputError(f"There is no document {number!r}.", f"There are {len(self.items)}.")
        return self.items[number]

    def _parts(
        self, text: str, query: str, evidence: Sequence[tuple[int, int]] = ()
    ) -> list[tuple[str, int]]:
        """Cut a text where its marking changes: (piece, WORD | EVIDENCE), ... The query's words
        are marked by their stems."""
        terms = {term for term, _ in plain(query, self._analyzer).terms}
        places = list(locate(text))
        stems = self._analyzer.places([word for _, _, word in places])
        words = [(p[0], p[1]) for p, stem in zip(places, stems, strict=True) if stem in terms]
        return list(_cut(text, words, evidence))


def _cut(
    text: str, words: Sequence[tuple[int, int]], evidence: Sequence[tuple[int, int]]
) -> Iterator[tuple[str, int]]:
    turns: dict[int, list[int]] = {0: [0, 0], len(text): [0, 0]}
    for kind, spans in enumerate((words, evidence)):
        for start, end in spans:
            turns.setdefault(start, [0, 0])[kind] += 1
            turns.setdefault(end, [0, 0])[kind] -= 1
    begun, depths, marks = 0, [0, 0], 0
    for at in sorted(turns):
        depths = [depth + turn for depth, turn in zip(depths, turns[at], strict=True)]
        now = WORD * (depths[0] > 0) + EVIDENCE * (depths[1] > 0)
        if at == len(text) or now != marks:
            if at > begun:
                yield text[begun:at], marks
            begun, marks = at, now


def _told(judgement: Judgement | None) -> dict[str, Any]:
    if judgement is None:
        return {"grade": None, "skipped": False, "note": ""}
    return {name: getattr(judgement, name) for name in SETTABLE}
