from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from everygrain import Document, Ranking
from everygrain.errors import MeasureError
from everygrain.measure import Collection
from everygrain.measure.average import standings
from everygrain.measure.experiment import Experiment, Prepared
from everygrain.measure.kept import digest
from everygrain.measure.suite import Suite, Task, WithoutItself

from .comparing import Fixed, collection, first_at

SYSTEMS = {"a": Fixed("a", first_at(1, 2, 0, 1)), "b": Fixed("b", first_at(2, 2, 2, 3))}


class Making:
    """Prepares the same systems for every collection; remembers for which, and fails for one."""

    def __init__(self, failing: str = "") -> None:
        self.made: list[str] = []
        self.failing = failing

    @contextmanager
    def __call__(self, given: Collection) -> Iterator[Prepared]:
        self.made.append(given.name)
        if given.name == self.failing:
            raise KeyboardInterrupt
        yield Prepared(SYSTEMS, {"a": 1.5}, {"a": 100})


def suite(making: Making, names: str = "xyz", **more) -> Suite:
    settings = {"measures": ("RR@10", "P@1"), "k": 10} | more
    return Suite([Task(collection(n)) for n in names], making, ("a", "b"), **settings)


def test_figures_and_costs_are_those_of_experiments_on_each_collection() -> None:
    results = suite(Making()).run()
    for name in "xyz":
        alone = Experiment(SYSTEMS, [collection(name)], ("RR@10", "P@1"), "a", k=10).run()
        # by what they print, as NaN is no equal of itself
        assert repr([f for f in results.figures if f.collection == name]) == repr([*alone.figures])
    assert [(c.collection, c.build_seconds) for c in results.costs if c.system == "a"] == [
        ("x", 1.5), ("y", 1.5), ("z", 1.5),
    ]  # fmt: skip


def test_the_average_is_that_of_means_worked_out_by_hand() -> None:
    results = suite(Making(), "xy").run()
    board = standings(results, "RR@10", {})
    # a: 1, 1/2, 0, 1; b: 1/2, 1/2, 1/2, 1/3
    averages = {each.system: each.average for each in board}
    assert averages == pytest.approx({"a": 2.5 / 4, "b": (1.5 + 1 / 3) / 4})
    assert {each.system: each.average for each in standings(results, "P@1", {})} == pytest.approx(
        {"a": 0.5, "b": 0.0}
    )


def test_figures_and_averages_are_those_that_trec_eval_gives() -> None:
    """BEIR's own harness calls pytrec_eval and takes the mean over queries, then collections."""
    import pytrec_eval

    generator = np.random.default_rng(4)
    documents = [Document(f"d{i}", f"text {i}") for i in range(40)]
    tasks, averages = [], {"nDCG@10": 0.0, "R@5": 0.0}
    orders = {}
    for name, count in (("x", 5), ("y", 12)):
        queries = {f"{name}{i}": "words" for i in range(count)}
        judgements = {
            query: {f"d{i}": int(generator.integers(0, 3)) for i in generator.permutation(40)[:8]}
            for query in queries
        }
        for query in queries:
            judgements[query]["d0"] = 1
            orders[query] = [f"d{i}" for i in generator.permutation(40)]
        evaluator = pytrec_eval.RelevanceEvaluator(judgements, {"ndcg_cut.10", "recall.5"})
        found = evaluator.evaluate(
            {query: {d: -float(i) for i, d in enumerate(orders[query])} for query in queries}
        )
        for measure, theirs in (("nDCG@10", "ndcg_cut_10"), ("R@5", "recall_5")):
            averages[measure] += np.mean([row[theirs] for row in found.values()]) / 2
        tasks.append(Task(Collection(name, queries, judgements, lambda: iter(documents))))

    @contextmanager
    def making(_: Collection) -> Iterator[Prepared]:
        yield Prepared({"drawn": Fixed("drawn", orders)})

    results = Suite(tasks, making, ("drawn",), measures=tuple(averages), k=40).run()
    for measure, average in averages.items():
        assert standings(results, measure, {})[0].average == pytest.approx(average, abs=1e-12)


def test_a_suite_that_was_stopped_goes_on_and_gives_the_same_figures(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        suite(Making("z")).run(tmp_path)
    assert len(list(tmp_path.iterdir())) == 2
    going_on = Making()
    results = suite(going_on).run(tmp_path)
    assert going_on.made == ["z"]
    assert repr(results.figures) == repr(suite(Making()).run().figures)
    again = Making()
    kept = suite(again).run(tmp_path)
    assert again.made == []
    assert repr(kept.figures) == repr(results.figures)
    assert kept.costs == results.costs
    assert kept.to_arrow().equals(results.to_arrow())


def test_what_changes_figures_is_measured_anew(tmp_path: Path) -> None:
    suite(Making(), "x").run(tmp_path)
    for more in ({"measures": ("RR@5",)}, {"k": 50}, {"described": "other encoder"}):
        making = Making()
        suite(making, "x", **more).run(tmp_path)
        assert making.made == ["x"]
    for more in ({"seed": 3}, {"baseline": "b"}):
        making = Making()
        results = suite(making, "x", **more).run(tmp_path)
        assert making.made == []
        assert repr(results.figures) == repr(suite(Making(), "x", **more).run().figures)


def test_a_file_that_is_damaged_is_told(tmp_path: Path) -> None:
    suite(Making(), "x").run(tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(MeasureError, match="damaged"):
        suite(Making(), "x").run(tmp_path)


def test_the_digest_sees_texts_and_judgements_but_not_the_order_of_documents() -> None:
    given = collection("x")
    documents = [Document("d1", "one", "t"), Document("d2", "two")]

    def of(rows: list[Document], **more) -> str:
        return digest(replace(given, documents=lambda: iter(rows), **more))[0]

    first = of(documents)
    assert of(documents[::-1]) == first
    others = [
        of(documents[:1]),
        of([*documents, documents[0]]),
        of([Document("d1", "one t"), documents[1]]),
        of(documents, judgements={"q0": {"d1": 2}}),
        of(documents, queries={"q0": "other"}),
    ]
    assert len({first, *others}) == 6


def test_a_document_that_a_query_was_taken_from_is_not_found_for_it() -> None:
    queries = {"d1": "the  whole text", "d2": "a title and text", "d3": "other words", "q": "x"}
    documents = [
        Document("d1", "the whole text"),
        Document("d2", "and text", "a title"),
        Document("d3", "its id is a query's by accident"),
    ]
    given = Collection("x", queries, {"q": {"d1": 1}}, lambda: iter(documents))
    taken = digest(given)[1]
    assert taken == {"d1", "d2"}
    order = ["d1", "d2", "d3"]
    cut = WithoutItself(Fixed("f", dict.fromkeys(queries, order)), taken)
    found: Ranking = cut.retrieve(queries, 2)
    assert {query: [d for d, _ in rows] for query, rows in found.by_query().items()} == {
        "d1": ["d2", "d3"], "d2": ["d1", "d3"], "d3": ["d1", "d2"], "q": ["d1", "d2"],
    }  # fmt: skip
    assert repr(cut) == "f"


def test_in_a_suite_such_a_document_lowers_no_figure() -> None:
    documents = [Document("d1", "the argument"), Document("d2", "its counter")]
    given = Collection("x", {"d1": "the argument"}, {"d1": {"d2": 1}}, lambda: iter(documents))

    @contextmanager
    def making(_: Collection) -> Iterator[Prepared]:
        yield Prepared({"a": Fixed("a", {"d1": ["d1", "d2"]})})

    results = Suite([Task(given)], making, ("a",), measures=("RR@10",), k=10).run()
    assert results.figures[0].mean == 1


def test_a_suite_without_collections_or_with_one_name_twice_is_refused() -> None:
    for names, told in (("", "no collection"), ("xx", "named 'x'")):
        with pytest.raises(MeasureError, match=told):
            suite(Making(), names)
    with pytest.raises(MeasureError, match="no system"):
        Suite([Task(collection("x"))], Making(), ())
