"""Files of judgements (qrels) -> query id -> document id -> grade."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from everygrain.errors import InputError
from everygrain.measure.rows import misread, numbered_lines

Judgements = dict[str, dict[str, int]]

COLUMNS = {
    2: "query, document",
    3: "query, document, score",
    4: "query, iteration, document, score",
}
QUERY_HEADERS = frozenset(("query-id", "query_id", "queryid", "query", "qid", "topic"))
HIGHEST_GRADE = 1000
_WHOLE = re.compile(r"[+-]?[0-9]+")


def read_judgements(path: str | Path, columns: Literal[2, 3, 4]) -> Judgements:
    """Read a file of judgements, gzip undone.

    columns   4: TREC's form; 3: BEIR's; 2: every pair that is listed is relevant, grade 1

    Cells are parted by tabs, or by spaces where tabs do not give the number of columns. A first
    line that names its columns is passed over. A pair that is listed twice with one grade counts
    once.
    Raises InputError with file and line for a wrong number of cells, an empty id, a score that is
    no whole number of at most 1,000, and a pair with two grades; and for a file without judgements.
    """
    path = Path(path)
    judgements: Judgements = {}
    for number, line in numbered_lines(path):
        cells = [cell.strip() for cell in line.split("\t")]
        if len(cells) != columns:
            cells = line.split()
        if number == 1 and _is_header(cells):
            continue
        if len(cells) != columns or not all(cells):
            raise misread(
                path,
                number,
                f"{len(cells)} cells, or an empty one, where {columns} are due.",
                f"Write '{COLUMNS[columns]}', parted by tabs.",
            )
        query, document = cells[0], cells[2 if columns == 4 else 1]
        grade = 1 if columns == 2 else _grade(path, number, cells[-1])
        grades = judgements.setdefault(query, {})
        if grades.setdefault(document, grade) != grade:
            raise misread(
                path,
                number,
                f"'{document}' has score {grade} for query '{query}', but {grades[document]} "
                "on an earlier line.",
                "Keep one of the two lines.",
            )
    if not judgements:
        raise InputError(f"{path} holds no judgement.", "Check that it is the right file.")
    return judgements


def _is_header(cells: list[str]) -> bool:
    return cells[0].lower() in QUERY_HEADERS and not _WHOLE.fullmatch(cells[-1])


def _grade(path: Path, number: int, cell: str) -> int:
    if not _WHOLE.fullmatch(cell) or len(cell) > 5 or abs(int(cell)) > HIGHEST_GRADE:
        raise misread(
            path,
            number,
            f"the score '{cell[:40]}' is no whole number from -{HIGHEST_GRADE} to {HIGHEST_GRADE}.",
            "Write grades as 0, 1, 2, ...",
        )
    return int(cell)
