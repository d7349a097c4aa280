"""Judgements of several judges -> one grade for each document, and files of them (qrels).

The rule where judges differ: the median of their grades; of an even number of grades the lower of
the two in the middle. So two judges who differ give the lower grade: a document counts for no more
than both grant it. Who skipped a document has no vote on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from everygrain.errors import InputError
from everygrain.measure.judge import Judgement, Pair
from everygrain.measure.judgements import Judgements

Form = Literal["beir", "trec"]


def grades_of(states: Mapping[str, Mapping[Pair, Judgement]]) -> dict[str, dict[Pair, int]]:
    """Return judge -> (query id, document id) -> grade, of all that has one."""
    return {
        judge: {pair: each.grade for pair, each in state.items() if each.grade is not None}
        for judge, state in states.items()
    }


def lower_median(grades: list[int]) -> int:
    """Return the grade in the middle, the lower one of two."""
    return sorted(grades)[(len(grades) - 1) // 2]


def consensus(grades: Mapping[str, Mapping[Pair, int]]) -> Judgements:
    """Return query id -> document id -> the grade that the judges' grades come to."""
    given: dict[Pair, list[int]] = {}
    for each in grades.values():
        for pair, grade in each.items():
            given.setdefault(pair, []).append(grade)
    merged: Judgements = {}
    for (query, document), votes in given.items():
        merged.setdefault(query, {})[document] = lower_median(votes)
    return merged


def write_judgements(path: str | Path, judgements: Judgements, form: Form = "beir") -> int:
    """Write a file of judgements; returns the number of its rows.

    form   "beir": query-id, corpus-id, score below such a header, parted by tabs;
           "trec": query, 0, document, grade, parted by spaces

    Raises InputError for an id that the form cannot hold, before anything is written.
    """
    rows = ["query-id\tcorpus-id\tscore\n"] if form == "beir" else []
    first = len(rows)
    for query, grades in judgements.items():
        for document, grade in grades.items():
            for name in (query, document):
                _check(name, form)
            beir = f"{query}\t{document}\t{grade}\n"
            rows.append(beir if form == "beir" else f"{query} 0 {document} {grade}\n")
    Path(path).write_text("".join(rows), encoding="utf-8")
    return len(rows) - first


def _check(name: str, form: Form) -> None:
    if form == "trec" and any(character.isspace() for character in name):
        raise InputError(
            f"The id '{name}' has a space, which TREC's form cannot hold.",
            "Write BEIR's form instead, or give ids without spaces.",
        )
    if name != name.strip():
        raise InputError(
            f"The id '{name}' begins or ends with a space, which no file of judgements keeps.",
            "Give ids without spaces at their ends.",
        )
