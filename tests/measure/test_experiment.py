import json
import math
from contextlib import contextmanager

import numpy as np
import pytest
from scipy import stats

from everygrain import BM25, Index, Ranking, fuse, load_collection
from everygrain.data import bundled
from everygrain.document import Document
from everygrain.errors import MeasureError, QueryError
from everygrain.measure import Collection
from everygrain.measure.bootstrap import bca_interval
from everygrain.measure.correction import holm
from everygrain.measure.experiment import Experiment, Prepared, compare
from everygrain.measure.scores import Scores
from everygrain.measure.significance import randomisation_test

from .comparing import QUERIES, Fixed, collection, first_at

GOOD = Fixed("good", first_at(1, 1, 1, 1))
MIXED = Fixed("mixed", first_at(1, 2, 4, 0))


def run(systems, **more):
    return Experiment(systems, [collection()], ["RR", "R@2"], **more).run()


def test_figures_equal_those_worked_out_by_hand():
    results = run({"mixed": MIXED, "good": GOOD})
    mixed, good = results.of("small", "RR")
    assert mixed.mean == pytest.approx((1 + 1 / 2 + 1 / 4 + 0) / 4, abs=1e-15)
    assert good.mean == 1
    assert good.difference == pytest.approx(1 - 0.4375, abs=1e-15)
    # of the 2^3 ways to flip the signs of three differences, two are as large
    assert good.p == 2 / 8
    assert [each.mean for each in results.of("small", "R@2")] == [0.5, 1]


def test_the_baseline_has_no_test_and_is_the_first_system_unless_named():
    results = run({"mixed": MIXED, "good": GOOD})
    assert results.baseline == "mixed"
    base = results.of("small", "RR")[0]
    assert (base.difference, base.compared, base.significant) == (0, False, False)
    assert math.isnan(base.p)
    other = run({"mixed": MIXED, "good": GOOD}, baseline="good").of("small", "RR")[0]
    assert other.difference == -run({"mixed": MIXED, "good": GOOD}).of("small", "RR")[1].difference


def test_intervals_tests_and_correction_are_those_of_the_functions_for_them():
    generator = np.random.default_rng(1)
    values = {name: generator.random(40) for name in "abcd"}
    ids = tuple(f"q{i}" for i in range(40))
    scores = {name: Scores(ids, ("M",), each[:, None]) for name, each in values.items()}
    figures = {each.system: each for each in compare("c", "M", scores, "b", seed=3)}
    others = ["a", "c", "d"]
    p = [randomisation_test(values[name], values["b"], seed=3).p for name in others]
    assert [figures[name].p for name in others] == p
    assert [figures[name].p_corrected for name in others] == holm(p).tolist()
    for name, figure in figures.items():
        interval = bca_interval(values[name], seed=3)
        assert (figure.low, figure.high) == (interval.low, interval.high)


def test_a_query_without_results_counts_as_zero():
    orders = {"q0": ["d0"]}
    figure = run({"one": Fixed("one", orders)}).of("small", "RR")[0]
    assert (figure.n, figure.mean) == (4, 0.25)


class Forgetful:
    """Answers one query, and does not even name the others."""

    def retrieve(self, queries, k=10):
        return Ranking.of(["q0"], [("q0", "d0", 1.0)])


def test_a_query_that_the_system_leaves_out_of_its_ranking_counts_as_zero():
    assert run({"forgetful": Forgetful()}).of("small", "RR")[0].mean == 0.25


class Broken:
    def __init__(self, error):
        self.error = error

    def retrieve(self, queries, k=10):
        raise self.error


class Nothing:
    def retrieve(self, queries, k=10):
        return None


@pytest.mark.parametrize(
    ("system", "why"),
    [
        (Broken(QueryError("The model is gone.", "Start it.")), r"The model is gone\. Start it\."),
        (Broken(ZeroDivisionError("division by zero")), "ZeroDivisionError: division by zero"),
        (Fixed("none", {}), "it found nothing for any query"),
        (Nothing(), "it returned None"),
    ],
)
def test_a_system_that_does_not_run_is_an_error_that_names_it(system, why):
    with pytest.raises(MeasureError, match=f"The system 'bad' did not run on 'small': {why}"):
        run({"mixed": MIXED, "bad": system})


def test_costs_come_from_what_prepares_the_systems_and_null_is_told_for_what_is_unknown():
    left = []

    @contextmanager
    def prepare(collection):
        yield Prepared({"mixed": MIXED, "good": GOOD}, {"good": 1.5}, {"good": 1000})
        left.append(collection.name)

    two = [collection("one"), collection("two")]
    results = Experiment(prepare, two, ["RR"]).run()
    assert left == ["one", "two"]
    assert [(e.build_seconds, e.index_bytes) for e in results.costs_of("two")] == [
        (None, None), (1.5, 1000),
    ]  # fmt: skip
    told = json.loads(json.dumps(results.to_json(), allow_nan=False))
    assert told["figures"][0]["p"] is None
    assert told["costs"][0]["model_calls"] is None


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"systems": {}}, "There is no system"),
        ({"collections": []}, "There is no collection"),
        ({"collections": [collection(), collection()]}, "Two collections are named 'small'"),
        ({"baseline": "mixt"}, "'mixt' is none of the systems. Perhaps 'mixed' is meant"),
        ({"measures": ["nDGC@10"]}, "Perhaps nDCG is meant"),
        ({"k": 5, "measures": ["R@10"]}, "'R@10' looks deeper than the 5 documents"),
    ],
)
def test_an_experiment_that_makes_no_sense_is_refused_before_anything_runs(arguments, told):
    given = {"systems": {"mixed": MIXED}, "collections": [collection()]} | arguments
    with pytest.raises(MeasureError, match=told):
        Experiment(**given)


def test_a_collection_without_judged_queries_is_an_error():
    unjudged = Collection("bare", QUERIES, {}, lambda: iter([Document("d0", "x")]))
    with pytest.raises(MeasureError, match="No query of 'bare' has a judgement"):
        Experiment({"mixed": MIXED}, [unjudged]).run()


def test_rows_beyond_k_do_not_count():
    deep = Fixed("deep", first_at(4, 4, 4, 4)) % 4
    assert Experiment({"deep": deep}, [collection()], ["RR"], k=3).run().figures[0].mean == 0


def test_the_same_systems_and_seed_give_the_same_figures(tmp_path):
    papers = load_collection(bundled())
    with Index(tmp_path / "index", "latent") as index:
        index.add(papers.documents())
        lexical, dense = index.retriever("lexical"), index.retriever("dense")
        low = index.retriever("lexical", bm25=BM25(k1=0.9, b=0.4))
        systems = {"lexical": lexical, "low": low, "both": fuse(lexical, dense)}
        first, second, other = (
            Experiment(systems, [papers], ["nDCG@10", "R@100"], seed=seed).run().to_json()
            for seed in (1, 1, 2)
        )
    assert json.dumps(first["figures"]) == json.dumps(second["figures"])
    assert [each["n"] for each in first["figures"]] == [25] * 6
    means = [[each["mean"] for each in told["figures"]] for told in (first, other)]
    assert means[0] == means[1]
    assert first["figures"][0]["low"] != other["figures"][0]["low"]


def share_within(found, of):
    """Tell whether a count is within the central 99 % of the binomial for a chance of 5 %.

    A right test leaves this for one seed in a hundred; the central 95 %, for one in twenty.
    """
    low, high = stats.binom.ppf([0.005, 0.995], of, 0.05)
    return low <= found <= high


def noisy(generator, systems, queries):
    """Return scores of systems that differ by noise alone."""
    ids = tuple(f"q{i}" for i in range(queries))
    hard = generator.random((queries, 1))
    return {
        f"s{i}": Scores(ids, ("M",), np.clip(hard + generator.normal(0, 0.1, (queries, 1)), 0, 1))
        for i in range(systems)
    }


@pytest.mark.parametrize("queries", [15, 50])  # all swaps are tried; some are drawn
def test_of_1000_pairs_of_identical_systems_with_noise_5_percent_differ(queries):
    generator = np.random.default_rng(11)
    found = 0
    for seed in range(1000):
        first, second = (each.of("M") for each in noisy(generator, 2, queries).values())
        found += randomisation_test(first, second, samples=999, seed=seed).p < 0.05
    assert share_within(found, 1000)


def test_of_1000_families_of_identical_systems_at_most_5_percent_hold_a_finding_after_holm():
    generator = np.random.default_rng(12)
    raw = corrected = 0
    for _ in range(1000):
        base, *others = (each.of("M") for each in noisy(generator, 5, 12).values())
        p = [randomisation_test(each, base).p for each in others]
        raw += min(p) < 0.05
        corrected += bool((holm(p) < 0.05).any())
    assert raw > 100  # without correction the four tests would find far too much
    assert corrected <= stats.binom.ppf(0.995, 1000, 0.05)


def test_of_1000_independent_families_5_percent_hold_a_finding_after_holm():
    generator = np.random.default_rng(13)
    found = 0
    for _ in range(1000):
        gaps = generator.normal(0, 0.1, (4, 12))  # each system against a baseline of its own
        found += bool((holm([randomisation_test(g, 0 * g).p for g in gaps]) < 0.05).any())
    assert share_within(found, 1000)
