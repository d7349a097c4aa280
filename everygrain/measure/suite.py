"""The same systems on many collections: figures of each and their average, as BEIR's table.

    Suite([Task(load(folder)) for folder in folders], prepare).run(kept="results")

The average gives every collection the same weight, however many queries it has; collections of
one group, such as CQADupStack's twelve, count as one. Its interval is drawn within each collection
(see `everygrain.measure.average`). A collection whose results are kept is not run again.

A document that a query was taken from, with its id and text, is no answer to it: it is removed from
every ranking, as in the source for ArguAna. The source compares the ids alone.

Source: Resources for Brewing BEIR: Reproducible Reference Models and an Official Leaderboard.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from everygrain.document import Ranking
from everygrain.errors import MeasureError
from everygrain.measure.collections import Collection
from everygrain.measure.experiment import DEPTH, Experiment, OnSystem, Prepare, Prepared, compare
from everygrain.measure.kept import Kept, Settings, digest, read, write
from everygrain.measure.results import Figure, Results
from everygrain.rank.base import Composable, Queries, Retriever, named


@dataclass(frozen=True, eq=False)
class Task:
    """A collection of a suite.

    group   collections of one group count as one in the average; its own name, if None
    """

    collection: Collection
    group: str | None = None

    @property
    def name(self) -> str:
        return self.collection.name

    @property
    def column(self) -> str:
        return self.group or self.name


@dataclass(frozen=True, eq=False)
class WithoutItself(Composable):
    """A retriever that does not find the document that a query was taken from.

    taken   ids of such queries; each is that of its document
    """

    retriever: Retriever
    taken: frozenset[str]

    def __repr__(self) -> str:
        return repr(self.retriever)

    def retrieve(self, queries: Queries, k: int = 10) -> Ranking:
        asked = named(queries)
        found = self.retriever.retrieve(asked, k + 1)
        rows = [
            (query, document, score)
            for query, document, score in found.rows()
            if not (query == document and query in self.taken)
        ]
        return Ranking.of(list(asked), rows).cut(k)


@dataclass(frozen=True, eq=False)
class Suite:
    """Systems to be measured on several collections.

    prepare      makes the systems for a collection, as for an `Experiment`
    described    what tells systems apart that have one name, such as their encoders
    measures, baseline, seed, k   as those of an `Experiment`

    Raises MeasureError for no collection, and for two of one name.
    """

    tasks: Sequence[Task]
    prepare: Prepare
    systems: Sequence[str]
    described: str = ""
    measures: Sequence[str] = ("nDCG@10", "R@100")
    baseline: str | None = None
    seed: int = 0
    k: int = DEPTH

    def __post_init__(self) -> None:
        names = [task.name for task in self.tasks]
        if not names:
            raise MeasureError("There is no collection to measure on.", "Name at least one.")
        for name in names:
            if names.count(name) > 1:
                raise MeasureError(
                    f"Two collections are named '{name}'.", "Give each a name of its own."
                )
        if not self.systems:
            raise MeasureError("There is no system to run.", "Name at least one.")

    def run(self, kept: str | Path | None = None, on_system: OnSystem | None = None) -> Results:
        """Run the systems on every collection whose results are not kept yet.

        kept        a folder; every collection's results are written there when it is done, and
                    read by a later run of the same systems, settings, texts and program version
        on_system   called with the names of collection and system before it runs

        Raises what an `Experiment` raises; what was done before is kept.
        """
        done = [self._task(task.collection, kept, on_system) for task in self.tasks]
        figures: list[Figure] = []
        baseline = self.baseline or self.systems[0]
        for task, one in zip(self.tasks, done, strict=True):
            for measure in self.measures:
                figures += compare(task.name, measure.strip(), one.scores, baseline, self.seed)
        return Results(
            tuple(figures),
            tuple(cost for one in done for cost in one.costs),
            {
                (task.name, system): one.scores[system]
                for task, one in zip(self.tasks, done, strict=True)
                for system in self.systems
            },
            baseline,
            self.seed,
            self.k,
        )

    def _task(
        self, collection: Collection, folder: str | Path | None, on_system: OnSystem | None
    ) -> Kept:
        key, taken = digest(collection)
        settings = Settings(
            collection.name, key, tuple(self.systems), self.described, tuple(self.measures), self.k
        )
        if folder is not None and (found := read(Path(folder), settings)) is not None:
            return found

        @contextmanager
        def prepared(given: Collection) -> Iterator[Prepared]:
            with self.prepare(given) as made:
                systems = {
                    name: WithoutItself(made.systems[name], taken) if taken else made.systems[name]
                    for name in self.systems
                }
                yield Prepared(systems, made.build_seconds, made.index_bytes)

        run = Experiment(prepared, [collection], self.measures, self.baseline, self.seed, self.k)
        results = run.run(on_system)
        scores = {system: results.scores[collection.name, system] for system in self.systems}
        done = Kept(scores, results.costs)
        if folder is not None:
            write(Path(folder), settings, done)
        return done
