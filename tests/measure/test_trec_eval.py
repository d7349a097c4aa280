"""Figures of all queries at once are ir_measures', query by query, to the last bit."""

import ir_measures
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from everygrain.document import Ranking
from everygrain.measure import evaluate, trec_eval
from everygrain.measure.measures import parse_measure

DOCUMENTS = [f"d{i}" for i in range(40)]
NAMES = [
    *("nDCG", "AP", "RR", "AP(rel=2)", "RR(rel=3)"),
    *(f"{name}@{k}" for name in trec_eval.MEASURES for k in (1, 3, 10, 1000)),
    *(f"{name}(rel=2)@5" for name in ("P", "R", "AP", "RR", "Success")),
    "P(rel=7)@2147483647",
]  # fmt: skip
ORDERS = st.lists(st.sampled_from(DOCUMENTS), unique=True)
GRADES = st.dictionaries(
    st.sampled_from(DOCUMENTS), st.integers(0, 4) | st.sampled_from([15, 1000]), min_size=1
)


def one_by_one(name, judgements, orders):
    """Ask ir_measures for one measure of one query at a time; 0 where nothing was found."""
    measure = ir_measures.parse_measure(name)
    figures = []
    for query, grades in judgements.items():
        run = {document: -float(rank) for rank, document in enumerate(orders.get(query, ()), 1)}
        found = list(ir_measures.iter_calc([measure], {query: grades}, {query: run})) if run else []
        figures.append(float(found[0].value) if found else 0.0)
    return np.array(figures)


def ranked(orders):
    rows = [(q, d, -float(rank)) for q, order in orders.items() for rank, d in enumerate(order)]
    return Ranking.of(list(orders), rows)


@given(
    st.dictionaries(st.sampled_from("pqrst"), GRADES, min_size=1),
    st.dictionaries(st.sampled_from("opqrst"), ORDERS, min_size=1),
)
@settings(max_examples=60, deadline=None)
def test_figures_are_those_of_ir_measures_to_the_last_bit(judgements, orders):
    orders[next(iter(judgements))] = DOCUMENTS[::3]
    values = evaluate(ranked(orders), judgements, NAMES).values
    for column, name in zip(values.T, NAMES, strict=True):
        assert column.tobytes() == one_by_one(name, judgements, orders).tobytes(), name


def test_long_lists_are_summed_in_the_order_of_their_ranks():
    random = np.random.default_rng(0)
    documents = [f"d{i}" for i in range(3_000)]
    judgements = {
        f"q{i}": {d: int(g) for d, g in zip(documents, random.integers(0, 4, 3_000), strict=True)}
        for i in range(3)
    }
    orders = {q: [documents[i] for i in random.permutation(3_000)[:1_000]] for q in judgements}
    names = ["nDCG", "nDCG@100", "AP", "AP@500", "R@1000"]
    values = evaluate(ranked(orders), judgements, names).values
    for column, name in zip(values.T, names, strict=True):
        assert column.tobytes() == one_by_one(name, judgements, orders).tobytes()


def test_rows_of_a_query_need_not_follow_one_another():
    rows = [("q", "a"), ("r", "b"), ("q", "b"), ("r", "a"), ("q", "c")]
    mixed = Ranking(
        ("q", "r"),
        np.array([query for query, _ in rows], dtype=object),
        np.array([document for _, document in rows], dtype=object),
        np.arange(5, 0, -1, dtype=np.float32),
    )
    judgements = {"r": {"a": 1}, "q": {"c": 1}}
    assert evaluate(mixed, judgements, ["RR"]).values[:, 0].tolist() == [1 / 2, 1 / 3]


@given(
    st.dictionaries(st.sampled_from("abcdefgh"), st.integers(-2, 3), min_size=1),
    st.permutations("abcdefghij"),
)
@settings(max_examples=60, deadline=None)
def test_a_grade_below_0_counts_as_0(grades, order):
    """ir_measures is not asked: trec_eval's Python package reads outside its arrays there."""
    found = evaluate(ranked({"q": order}), {"q": grades}, NAMES).values
    zeros = {document: max(grade, 0) for document, grade in grades.items()}
    assert np.array_equal(found, evaluate(ranked({"q": order}), {"q": zeros}, NAMES).values)


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("nDCG@10", True),
        ("R(rel=2)@100", True),
        ("nDCG(dcg='exp-log2')@10", False),
        ("nDCG(gains={1:3})@10", False),
        ("P(judged_only=True)@5", False),
        ("ERR@10", False),
        ("Judged@10", False),
    ],
)
def test_other_forms_of_a_measure_are_left_to_ir_measures(name, known):
    assert trec_eval.is_known(parse_measure(name)) == known
