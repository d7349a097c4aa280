import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from everygrain.document import Ranking
from everygrain.errors import MeasureError
from everygrain.measure import evaluate
from everygrain.measure.measures import parse_measure, parse_measures

JUDGEMENTS = {"q1": {"a": 3, "b": 1, "c": 0, "z": 2}, "q2": {"a": 1}}


def ranking(queries, *rows):
    """Rank each query's documents, written as one letter each, from the best down."""
    listed = [
        (query, document, -float(rank))
        for query, documents in rows
        for rank, document in enumerate(documents)
    ]
    return Ranking.of(queries, listed)


def one(measure, documents, judgements):
    scores = evaluate(ranking(["q"], ("q", documents)), {"q": judgements}, [measure])
    return float(scores.values[0, 0])


@pytest.mark.parametrize(
    ("measure", "value"),
    [
        # The ranking is b, c, x, a; the grades are a 3, z 2, b 1, c 0, and x is not judged.
        ("nDCG@10", (1 + 3 / math.log2(5)) / (3 + 2 / math.log2(3) + 1 / 2)),
        ("nDCG@2", 1 / (3 + 2 / math.log2(3))),
        ("P@2", 1 / 2),
        ("P@5", 2 / 5),
        ("P(rel=2)@4", 1 / 4),
        ("R@100", 2 / 3),
        ("R(rel=2)@4", 1 / 2),
        ("AP", (1 / 1 + 2 / 4) / 3),
        ("RR", 1.0),
        ("RR(rel=2)", 1 / 4),
        ("RR(rel=2)@3", 0.0),
        ("RR(rel=3)@10", 1 / 4),
        ("Success(rel=2)@3", 0.0),
        ("Judged@4", 3 / 4),
        # (2^1 - 1) / 2^4 at rank 1, then (2^3 - 1) / 2^4 at rank 4; rounded by gdeval.pl.
        ("ERR@10", round(1 / 16 + (15 / 16) * (7 / 16) / 4, 5)),
    ],
)
def test_values_are_those_worked_out_by_hand(measure, value):
    assert one(measure, "bcxa", JUDGEMENTS["q1"]) == pytest.approx(value, abs=1e-12)


def test_a_query_without_results_counts_as_zero():
    scores = evaluate(ranking(["q1", "q2"], ("q2", "a")), JUDGEMENTS, ["AP", "NumRel"])
    assert scores.queries == ("q1", "q2")
    assert scores.values.tolist() == [[0, 0], [1, 1]]
    assert scores.mean() == {"AP": 0.5, "NumRel": 0.5}


def test_a_judged_query_that_was_not_asked_counts_as_zero():
    assert evaluate(ranking(["q2"], ("q2", "a")), JUDGEMENTS, ["RR@10"]).mean() == {"RR@10": 0.5}


def test_a_query_without_a_relevant_document_counts_as_zero():
    judgements = {"q": {"a": 0}, "r": {"a": 1}}
    scores = evaluate(ranking(["q", "r"], ("q", "a"), ("r", "a")), judgements, ["nDCG@10", "RR@10"])
    assert scores.values.tolist() == [[0, 0], [1, 1]]


def test_a_query_without_judgements_is_passed_over():
    run = ranking(["q2", "x", "y"], ("q2", "a"), ("x", "a"), ("y", "a"))
    scores = evaluate(run, {"q2": {"a": 1}, "y": {}}, ["AP"])
    assert scores.queries == ("q2",)


@pytest.mark.parametrize("run", [None, Ranking.of([], []), Ranking.of(["q1", "q2"], [])])
def test_a_system_that_did_not_run_is_an_error_not_a_score(run):
    with pytest.raises(MeasureError, match="did not run"):
        evaluate(run, JUDGEMENTS, ["AP"])


def test_a_ranking_of_other_queries_is_an_error():
    with pytest.raises(MeasureError, match="None of the 1 queries"):
        evaluate(ranking(["other"], ("other", "a")), JUDGEMENTS, ["AP"])


def test_equal_scores_are_judged_in_our_order_by_id():
    rows = [("q", document, 1.0) for document in ("b", "a", "c")]
    run = Ranking.of(["q"], rows)
    assert run.document_ids.tolist() == ["a", "b", "c"]
    measures = ["RR", "RR@10", "nDCG@10", "Judged@1"]
    scores = evaluate(run, {"q": {"b": 1}}, measures)
    assert scores.values[0] == pytest.approx([0.5, 0.5, 1 / math.log2(3), 0.0])


def test_each_measure_has_its_own_figure_beside_any_other():
    gains = "nDCG(gains={1:3,3:9})@10"
    names = [gains, "nDCG@10", "IPrec@0.33", "IPrec@0.333", "P@1", "P(rel=2)@1", "NumRet"]
    run = ranking(["q1", "q2"], ("q1", "bcxa"), ("q2", "xa"))
    together = evaluate(run, JUDGEMENTS, names)
    for j, name in enumerate(names):
        alone = evaluate(run, JUDGEMENTS, [name])
        assert np.array_equal(together.values[:, j], alone.values[:, 0])
    assert together.of(gains)[0] != together.of("nDCG@10")[0]


def test_ids_with_spaces_and_letters_of_any_script_are_measured():
    run = Ranking.of(["erste Frage"], [("erste Frage", "论 文", 1.0)])
    scores = evaluate(run, {"erste Frage": {"论 文": 1}}, ["AP", "ERR@10", "RR@10"])
    assert scores.queries == ("erste Frage",)
    assert scores.values[0] == pytest.approx([1, 0.0625, 1])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nDGC@10", "Perhaps nDCG is meant"),
        ("", "is no measure"),
        ("nDCG@", "is no measure"),
        ("nDCG@ten", "is no measure"),
        ("nDCG@2.5", "invalid param cutoff"),
        ("nDCG(cut=3)", "unsupported params"),
        ("R", "invalid param cutoff"),
        ("nDCG@0", "cutoff is 0"),
        ("P@True", "cutoff is True"),
        ("P(rel=0)@5", "rel is 0"),
        ("P@99999999999", "cutoff is 99999999999"),
        ("a b", "is no measure"),
        ("f()()@3", "is no measure"),
    ],
)
def test_a_name_that_is_no_measure_gets_examples(name, said):
    with pytest.raises(MeasureError) as raised:
        parse_measure(name)
    assert said in str(raised.value)
    assert "nDCG@10, R@100" in str(raised.value)


def test_a_measure_prints_as_it_is_written():
    assert str(parse_measure(" P(rel=2)@5 ")) == "P(rel=2)@5"


def test_no_measure_and_one_measure_twice_are_errors():
    for names in ([], "nDCG@10"):
        with pytest.raises(MeasureError, match="no list of measures"):
            parse_measures(names)
    with pytest.raises(MeasureError, match="'AP' and 'MAP' are one measure"):
        parse_measures(["AP", "MAP"])


def test_a_measure_whose_package_is_missing_or_that_has_no_value_is_an_error():
    run = ranking(["q"], ("q", "a"))
    with pytest.raises(MeasureError, match="alpha_nDCG@10 cannot be computed"):
        evaluate(run, {"q": {"a": 1}}, ["alpha_nDCG@10"])
    with pytest.raises(MeasureError, match="Accuracy cannot be computed"):
        evaluate(run, {"q": {"a": 1}}, ["Accuracy"])


@pytest.mark.parametrize("grade", [1.0, "1", None, True, 10**9])
def test_a_grade_that_is_no_small_whole_number_is_an_error(grade):
    with pytest.raises(MeasureError, match="grade of 'a' for query 'q'"):
        evaluate(ranking(["q"], ("q", "a")), {"q": {"a": grade}}, ["AP"])


def test_no_judgements_are_an_error():
    with pytest.raises(MeasureError, match="no judgement"):
        evaluate(ranking(["q"], ("q", "a")), {"q": {}}, ["AP"])


def made_by_hand(documents, scores):
    n = len(documents)
    return Ranking(
        ("q",),
        np.array(["q"] * n, dtype=object),
        np.array(documents, dtype=object),
        np.array(scores, dtype=np.float32),
    )


def test_a_document_twice_and_a_score_that_is_nan_are_errors():
    with pytest.raises(MeasureError, match="'a' occurs twice for query 'q'"):
        evaluate(made_by_hand(["a", "a"], [2, 1]), {"q": {"a": 1}}, ["AP"])
    with pytest.raises(MeasureError, match="NaN"):
        evaluate(made_by_hand(["a"], [np.nan]), {"q": {"a": 1}}, ["AP"])


def written_out(documents, grades, k):
    """Return nDCG@k, P@k, R@k, AP and RR in loops."""
    gain = sum(
        max(grades.get(document, 0), 0) / math.log2(rank + 2)
        for rank, document in enumerate(documents[:k])
    )
    best = sorted((max(grade, 0) for grade in grades.values()), reverse=True)[:k]
    ideal = sum(grade / math.log2(rank + 2) for rank, grade in enumerate(best))
    relevant = {document for document, grade in grades.items() if grade > 0}
    hits = [document in relevant for document in documents]
    precisions = [sum(hits[: i + 1]) / (i + 1) for i, hit in enumerate(hits) if hit]
    found = sum(hits[:k])
    return [
        gain / ideal if ideal else 0.0,
        found / k,
        found / len(relevant) if relevant else 0.0,
        sum(precisions) / len(relevant) if relevant else 0.0,
        1 / (hits.index(True) + 1) if True in hits else 0.0,
    ]


@given(
    st.permutations("abcdefgh"),
    st.integers(1, 8),
    st.dictionaries(st.sampled_from("abcdefghij"), st.integers(-1, 4), min_size=1),
    st.integers(1, 9),
)
@settings(max_examples=60, deadline=None)
def test_figures_equal_the_definitions_written_out_in_loops(documents, kept, grades, k):
    run = ranking(["q"], ("q", documents[:kept]))
    names = [f"nDCG@{k}", f"P@{k}", f"R@{k}", "AP", "RR"]
    figures = evaluate(run, {"q": grades}, names).values[0]
    assert figures == pytest.approx(written_out(documents[:kept], grades, k), abs=1e-12)


@given(st.permutations(["q1", "q2", "q3", "q4"]))
@settings(max_examples=10, deadline=None)
def test_the_order_of_the_queries_changes_no_figure(order):
    judgements = {query: {"a": i, "b": 1} for i, query in enumerate(sorted(order), 1)}
    rows = [(query, "ab" if query > "q2" else "xa") for query in order]
    run = ranking(order, *rows)
    scores = evaluate(run, judgements, ["nDCG@10"])
    sorted_run = ranking(sorted(order), *sorted(rows))
    assert np.array_equal(scores.values, evaluate(sorted_run, judgements, ["nDCG@10"]).values)
