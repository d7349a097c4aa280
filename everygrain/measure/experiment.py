"""Systems x collections x measures, against a baseline: what differs, how surely, at what cost.

    Experiment({"bm25": bm25, "both": fuse(bm25, dense)}, [collection], ["nDCG@10"], "bm25").run()

Means have 95 % BCa bootstrap intervals; differences to the baseline have the p of the paired
randomisation test, corrected by Holm over the systems of one collection and measure. The same
systems, collections and seed give the same figures, bit for bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TypeAlias

from everygrain.document import Ranking
from everygrain.errors import EverygrainError, MeasureError
from everygrain.measure.bootstrap import bca_interval
from everygrain.measure.collections import Collection
from everygrain.measure.correction import holm
from everygrain.measure.measures import evaluate, parse_measures
from everygrain.measure.results import Cost, Figure, Results
from everygrain.measure.scores import Scores
from everygrain.measure.sharing import Sharing, Spent, counts_calls
from everygrain.measure.significance import randomisation_test
from everygrain.rank.base import Retriever, check_k

DEPTH = 100


@dataclass(frozen=True, eq=False)
class Prepared:
    """The systems for one collection, and what building them took, by the system's name.

    build_seconds, index_bytes   names may be missing where this is not known
    """

    systems: Mapping[str, Retriever]
    build_seconds: Mapping[str, float] = field(default_factory=dict)
    index_bytes: Mapping[str, int] = field(default_factory=dict)


Prepare: TypeAlias = Callable[[Collection], AbstractContextManager[Prepared]]
OnSystem: TypeAlias = Callable[[str, str], None]


@dataclass(frozen=True, eq=False)
class Experiment:
    """A comparison of systems.

    systems      name -> retriever, for every collection; or what prepares them for each, as a
                 context that is left when that collection is done
    measures     names as ir_measures writes them
    baseline     name of the system that the others are compared with; the first, if None
    seed         of the intervals and tests
    k            number of documents to retrieve for a query, at least the measures' cutoffs; a
                 measure without one, such as AP, sees no more

    Raises MeasureError for nothing to compare, two collections of one name, a k that is below a
    measure's cutoff, and a baseline that is none of the systems.
    """

    systems: Mapping[str, Retriever] | Prepare
    collections: Sequence[Collection]
    measures: Sequence[str] = ("nDCG@10",)
    baseline: str | None = None
    seed: int = 0
    k: int = DEPTH

    def __post_init__(self) -> None:
        check_k(self.k)
        check_cutoffs(self.measures, self.k)
        names = [collection.name for collection in self.collections]
        if not names:
            raise MeasureError("There is no collection to measure on.", "Name at least one.")
        for name in names:
            if names.count(name) > 1:
                raise MeasureError(
                    f"Two collections are named '{name}'.", "Give each a name of its own."
                )
        if isinstance(self.systems, Mapping):
            baseline_of(list(self.systems), self.baseline)

    def run(self, on_system: OnSystem | None = None) -> Results:
        """Run every system on every collection.

        on_system   called with the names of collection and system before it runs

        A query without results counts as zero. Raises MeasureError, naming system and collection,
        for a system that fails or finds nothing for any query: it gets no score. Raises it also
        where the systems of two collections differ.
        """
        scores: dict[tuple[str, str], Scores] = {}
        costs: list[Cost] = []
        figures: list[Figure] = []
        names: list[str] = []
        for collection in self.collections:
            if not collection.scored_queries:
                raise MeasureError(
                    f"No query of '{collection.name}' has a judgement.", "Check its qrels."
                )
            with self._prepared(collection) as prepared:
                names = names or list(prepared.systems)
                baseline = baseline_of(names, self.baseline)
                if set(prepared.systems) != set(names):
                    raise MeasureError(
                        f"'{collection.name}' has the systems {', '.join(prepared.systems)}, not "
                        f"{', '.join(names)}.",
                        "Prepare the same ones for every collection.",
                    )
                sharing = Sharing()
                for name in names:
                    if on_system:
                        on_system(collection.name, name)
                    found, cost = self._run(collection, name, prepared, sharing)
                    scores[collection.name, name] = found
                    costs.append(cost)
            for measure in scores[collection.name, baseline].measures:
                values = {name: scores[collection.name, name] for name in names}
                figures += compare(collection.name, measure, values, baseline, self.seed)
        return Results(tuple(figures), tuple(costs), scores, baseline, self.seed, self.k)

    def _prepared(self, collection: Collection) -> AbstractContextManager[Prepared]:
        if isinstance(self.systems, Mapping):
            return nullcontext(Prepared(self.systems))
        return self.systems(collection)

    def _run(
        self, collection: Collection, name: str, prepared: Prepared, sharing: Sharing
    ) -> tuple[Scores, Cost]:
        retriever, queries = prepared.systems[name], collection.scored_queries
        try:
            ranking, spent = sharing.run(sharing.share(retriever), queries, self.k)
            if not isinstance(ranking, Ranking):
                raise MeasureError(f"it returned {ranking!r}.", "Return a Ranking.")
            if not len(ranking):
                raise MeasureError("it found nothing for any query.", "Mend it, or leave it out.")
            found = evaluate(ranking.cut(self.k), collection.judgements, self.measures)
        except EverygrainError as error:
            raise MeasureError(_failed(name, collection, error.problem), error.remedy) from error
        except Exception as error:
            told = f"{type(error).__name__}: {error}"
            raise MeasureError(
                _failed(name, collection, told), "Mend the system, or leave it out."
            ) from error
        calls = spent.calls if counts_calls(retriever) else None
        return found, _cost(collection.name, name, prepared, len(queries), spent, calls)


def compare(
    collection: str, measure: str, scores: Mapping[str, Scores], baseline: str, seed: int = 0
) -> list[Figure]:
    """Return the figures of systems on one collection by one measure, in their order.

    scores   name -> scores on the same queries
    """
    base = scores[baseline].of(measure)
    others = [name for name in scores if name != baseline]
    tests = {name: randomisation_test(scores[name].of(measure), base, seed=seed) for name in others}
    corrected = holm([tests[name].p for name in others])
    p_corrected = dict(zip(others, corrected.tolist(), strict=True))
    figures = []
    for name, each in scores.items():
        values = each.of(measure)
        interval = bca_interval(values, seed=seed)
        figures.append(
            Figure(
                collection,
                name,
                measure,
                len(values),
                math.fsum(values) / len(values),
                interval.low,
                interval.high,
                tests[name].difference if name in tests else 0.0,
                tests[name].p if name in tests else math.nan,
                p_corrected.get(name, math.nan),
            )
        )
    return figures


def check_cutoffs(measures: Sequence[str], k: int) -> None:
    """Raise MeasureError for a measure that is unknown or looks deeper than k documents."""
    for name, measure in zip(measures, parse_measures(measures), strict=True):
        if measure.params.get("cutoff", k) > k:
            raise MeasureError(
                f"'{name}' looks deeper than the {k:,} documents that are retrieved.",
                "Raise k, or lower the measure's cutoff.",
            )


def baseline_of(systems: Sequence[str], named: str | None) -> str:
    """Return the baseline's name. Raises MeasureError if there is no such system."""
    if not systems:
        raise MeasureError("There is no system to run.", "Name at least one.")
    if named is None:
        return systems[0]
    if named not in systems:
        close = get_close_matches(named, systems, 1, 0.5)
        meant = f" Perhaps '{close[0]}' is meant." if close else ""
        raise MeasureError(
            f"The baseline '{named}' is none of the systems.{meant}",
            f"Name one of: {'; '.join(systems)}.",
        )
    return named


def _failed(system: str, collection: Collection, why: str) -> str:
    return f"The system '{system}' did not run on '{collection.name}': {why}"


def _cost(
    collection: str, name: str, prepared: Prepared, queries: int, spent: Spent, calls: int | None
) -> Cost:
    return Cost(
        collection,
        name,
        queries,
        spent.seconds,
        queries / spent.seconds if spent.seconds > 0 else math.nan,
        prepared.build_seconds.get(name),
        prepared.index_bytes.get(name),
        calls,
    )
