"""A ranking + judgements + names of measures -> a figure per query and measure."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from difflib import get_close_matches
from itertools import chain, pairwise
from typing import Any

import ir_measures
import numpy as np
import numpy.typing as npt

from everygrain.document import Ranking
from everygrain.errors import MeasureError
from everygrain.measure import trec_eval
from everygrain.measure.judgements import HIGHEST_GRADE
from everygrain.measure.scores import Scores

EXAMPLES = "nDCG@10, R@100, AP, RR@10, Success@5, P(rel=2)@5"
FURTHEST_CUTOFF = 2**31 - 1


def parse_measure(name: str) -> Any:
    """Return ir_measures' measure of a name such as `nDCG@10` or `P(rel=2)@5`.

    Raises MeasureError, with examples, for what ir_measures does not know, a parameter that the
    measure lacks or needs, and a cutoff or a relevance level below 1.
    """
    try:
        measure = ir_measures.parse_measure(name.strip())
        measure.validate_params()
    except NameError:
        known = ir_measures.measures.registry
        close = get_close_matches(name.split("@")[0].split("(")[0], known, 1, 0.5)
        meant = f" Perhaps {close[0]} is meant." if close else ""
        raise _no_measure(name, f"ir_measures has none of this name.{meant}") from None
    except AssertionError as error:
        reason = str(error).split("=<object")[0]
        raise _no_measure(name, f"it has {reason}.") from None
    except (ValueError, TypeError, AttributeError) as error:
        raise _no_measure(name, f"{error}.") from None
    for parameter in ("cutoff", "rel"):
        value = measure.params.get(parameter, 1)
        if isinstance(value, bool) or not 1 <= value <= FURTHEST_CUTOFF:
            raise _no_measure(name, f"its {parameter} is {value}, not at least 1.")
    return measure


def parse_measures(names: Sequence[str]) -> list[Any]:
    """Parse several names. Raises MeasureError also for none, and for one measure named twice."""
    if isinstance(names, str) or not names:
        raise MeasureError("There is no list of measures.", f"Name some, such as {EXAMPLES}.")
    measures: dict[Any, str] = {}
    for name in names:
        measure = parse_measure(name)
        if measure in measures:
            raise MeasureError(
                f"'{measures[measure]}' and '{name}' are one measure.", "Name it once."
            )
        measures[measure] = name
    return list(measures)


def evaluate(
    ranking: Ranking | None,
    judgements: Mapping[str, Mapping[str, int]],
    measures: Sequence[str],
) -> Scores:
    """Measure a ranking, query by query, in the order in which it ranks.

    ranking      of whole documents; queries without judgements are passed over
    judgements   query id -> document id -> grade; a query with an empty mapping is not judged
    measures     names as ir_measures writes them

    Every judged query has a row, in the order of `judgements`: zero where the system returned
    nothing, was not asked, or where no document is relevant. Documents that are not judged count
    as not relevant. The measures of `everygrain.measure.trec_eval` are computed there, all others
    by ir_measures: those with parameters other than a cutoff alone, since together it gives
    `nDCG@10` and `nDCG(gains={...})@10` one figure. ERR and nDCG(dcg='exp-log2') come from
    gdeval.pl, which rounds to five decimals and takes grades up to 4.
    Raises MeasureError for a system that did not run: no ranking, or none with a row; for a
    ranking of other queries, a document twice under one query, a score that is NaN, a grade that
    is no whole number, and a measure that is unknown or cannot be computed.
    """
    parsed = parse_measures(measures)
    grades = _checked_grades(judgements)
    if ranking is None or not len(ranking):
        raise MeasureError(
            "The system did not run: there is no result for any query.",
            "Mend the system; a run without results is not given a score.",
        )
    if not set(ranking.queries) & set(grades):
        raise MeasureError(
            f"None of the {len(ranking.queries):,} queries of the ranking is judged.",
            "Use the judgements of the same collection.",
        )
    of_query = _ranked(ranking)
    ranked = [of_query.get(query, []) for query in grades]
    judged = trec_eval.Judged.of(list(grades.values()), ranked)
    columns = {each: judged.column(each) for each in parsed if trec_eval.is_known(each)}
    others = [each for each in parsed if each not in columns]
    if others:
        columns |= _computed(others, *_written(grades, ranked))
    values = np.column_stack([columns[each] for each in parsed])
    return Scores(tuple(grades), tuple(name.strip() for name in measures), values)


Columns = dict[Any, npt.NDArray[np.float64]]
Qrels = dict[str, dict[str, int]]
Run = dict[str, dict[str, float]]


def _written(
    grades: Mapping[str, Mapping[str, int]], ranked: Sequence[Sequence[str]]
) -> tuple[Qrels, Run]:
    """Return judgements, and what was ranked of them, as ir_measures' programs can read them."""
    rows = list(grades.values())
    if not _without_spaces(chain(*rows, *ranked)):
        documents: dict[str, str] = {}
        rows = [{_numbered(documents, d): g for d, g in row.items()} for row in rows]
        ranked = [[_numbered(documents, d) for d in row] for row in ranked]
    # gdeval.pl knows queries that are numbers only
    qrels = {str(i): dict(row) for i, row in enumerate(rows, 1)}
    # trec_eval breaks ties by its own rule; ranks as scores keep the order that was returned
    descending = [-float(rank) for rank in range(1, max(map(len, ranked), default=0) + 1)]
    run = {
        str(i): dict(zip(row, descending, strict=False)) for i, row in enumerate(ranked, 1) if row
    }
    return qrels, run


def _computed(measures: Sequence[Any], qrels: Qrels, run: Run) -> Columns:
    """Return each measure's column: those without parameters but a cutoff in one pass, the others
    alone."""
    plain = [measure for measure in measures if measure.params.keys() <= {"cutoff"}]
    columns: Columns = {}
    if len(plain) > 1:
        with suppress(MeasureError):  # alone, the one at fault is named
            columns = _compute(plain, qrels, run)
    for measure in measures:
        if measure not in columns:
            columns |= _compute([measure], qrels, run)
    return columns


def _compute(measures: Sequence[Any], qrels: Qrels, run: Run) -> Columns:
    """Return measure -> a value per query, in order; zero for a query without results."""
    named = ", ".join(map(str, measures))
    values = {measure: np.zeros(len(qrels)) for measure in measures}
    rows = {query: i for i, query in enumerate(qrels)}
    try:
        for found in ir_measures.evaluator(measures, qrels).iter_calc(run):
            values[found.measure][rows[found.query_id]] = found.value
    except (
        ArithmeticError,
        AssertionError,
        OSError,
        RuntimeError,
        TypeError,
        ValueError,
        subprocess.CalledProcessError,
    ) as error:
        raise MeasureError(
            f"The measure {named} cannot be computed here: {error}",
            "Leave it out, or install what ir_measures asks for.",
        ) from error
    if not all(np.isfinite(column).all() for column in values.values()):
        raise MeasureError(f"The measure {named} is undefined for a query.", "Leave it out.")
    return values


def _checked_grades(judgements: Mapping[str, Mapping[str, int]]) -> dict[str, Mapping[str, int]]:
    grades = {query: row for query, row in judgements.items() if row}
    if not grades:
        raise MeasureError("There is no judgement.", "Give query id -> document id -> grade.")
    for query, row in grades.items():
        values = row.values()
        if set(map(type, values)) == {int} and max(map(abs, values)) <= HIGHEST_GRADE:
            continue  # as they nearly always are
        for document, grade in row.items():
            whole = isinstance(grade, int | np.integer) and not isinstance(grade, bool)
            if not whole or abs(grade) > HIGHEST_GRADE:
                raise MeasureError(
                    f"The grade of '{document}' for query '{query}' is {grade!r}.",
                    f"Give a whole number of at most {HIGHEST_GRADE:,}.",
                )
    return grades


def _ranked(ranking: Ranking) -> dict[str, list[str]]:
    """Return each query's documents, in the order in which they are ranked."""
    if np.isnan(ranking.scores).any():
        raise MeasureError("A score of the ranking is NaN.", "Mend the system that gave it.")
    queries, documents = ranking.query_ids, ranking.document_ids.tolist()
    ranked: dict[str, list[str]] = {}
    # rows of one query mostly follow one another
    starts = (np.flatnonzero(queries[1:] != queries[:-1]) + 1).tolist()
    for start, end in pairwise([0, *starts, len(queries)]):
        ranked.setdefault(queries[start], []).extend(documents[start:end])
    for query, found in ranked.items():
        if len(set(found)) < len(found):
            twice = next(d for i, d in enumerate(found) if d in found[:i])
            raise MeasureError(
                f"The document '{twice}' occurs twice for query '{query}'.",
                "Rank every document once; keep only the best of its passages.",
            )
    return ranked


def _without_spaces(identifiers: Iterable[str]) -> bool:
    """Tell whether files whose columns are parted by spaces can hold the identifiers."""
    listed = list(identifiers)
    return " ".join(listed).split() == listed


def _numbered(numbers: dict[str, str], identifier: str) -> str:
    return numbers.setdefault(identifier, f"d{len(numbers)}")


def _no_measure(name: str, reason: str) -> MeasureError:
    return MeasureError(f"'{name}' is no measure: {reason}", f"Write it as in {EXAMPLES}.")
