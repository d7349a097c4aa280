"""Search under an expensive scorer: exact where the theory says so, never beyond the budget."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from everygrain.document import Document, Ranking
from everygrain.errors import InputError, ModelError, QueryError
from everygrain.rank.cur import Cur, CurIndex, approximate
from everygrain.rank.cur_retriever import CurRetriever


class Counting:
    """Scores items of one row, and keeps what it was asked about."""

    def __init__(self, row):
        self.row, self.asked = np.asarray(row), []

    def __call__(self, items):
        self.asked += items
        return self.row[items]


def low_rank(seed, rank, queries=12, items=40):
    """Rows of whole numbers of the rank; the last of them is the query's."""
    generator = np.random.default_rng(seed)
    left = generator.integers(-4, 5, (queries + 1, rank))
    rows = left @ generator.integers(-4, 5, (rank, items))
    return rows[:-1].astype(np.float32), rows[-1].astype(np.float64)


def exact_top(row, k):
    return sorted(range(len(row)), key=lambda item: (-row[item], item))[:k]


def spanned(rows, row, anchors):
    """Whether the theory promises exactness: the row is in the span, and so are all columns."""
    rank = np.linalg.matrix_rank(rows)
    whole = np.linalg.matrix_rank(np.vstack([rows, row]))
    return rank == whole and np.linalg.matrix_rank(rows[:, anchors]) == rank


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    rank=st.integers(1, 8),
    k=st.integers(1, 12),
    rounds=st.integers(1, 3),
)
def test_a_matrix_of_low_rank_gives_the_exact_best(seed, rank, k, rounds):
    rows, row = low_rank(seed, rank)
    cur = Cur(CurIndex(rows), share=0.5, rounds=rounds, ridge=0.0)
    scorer = Counting(row)
    best = cur.search(scorer, k, 24)
    if spanned(rows, row, scorer.asked[: 12 // rounds]):
        # equal scores at the edge may be any of those items
        assert best.scores.tolist() == row[exact_top(row, k)].tolist()


@settings(max_examples=80, deadline=None)
@given(
    calls=st.integers(1, 60),
    k=st.integers(1, 60),
    share=st.floats(0.01, 1.0),
    leading=st.floats(0.0, 1.0),
    rounds=st.integers(1, 5),
    first=st.lists(st.integers(0, 39), max_size=45),
)
def test_the_scorer_is_never_asked_beyond_the_budget_nor_twice(
    calls, k, share, leading, rounds, first
):
    rows, row = low_rank(3, 8)
    noisy = row + np.random.default_rng(1).normal(0, 9, len(row))
    scorer = Counting(noisy)
    cur = Cur(CurIndex(rows), share=share, leading=leading, rounds=rounds)
    best = cur.search(scorer, k, calls, first=first, cheap=row)
    assert len(scorer.asked) == len(set(scorer.asked)) == best.calls == min(calls, 40)
    among = sorted(scorer.asked, key=lambda item: (-noisy[item], item))[:k]
    assert best.items.tolist() == among
    assert best.scores.tolist() == noisy[among].tolist()


def test_with_all_items_asked_the_result_is_exact():
    rows, _ = low_rank(5, 8)
    row = np.random.default_rng(5).normal(size=40)
    best = Cur(CurIndex(rows)).search(Counting(row), 10, 1000)
    assert best.items.tolist() == exact_top(row, 10)


def test_without_a_ridge_the_row_is_that_of_the_pseudo_inverse():
    generator = np.random.default_rng(2)
    rows, items = generator.normal(size=(6, 30)), np.array([3, 8, 21, 4])
    scores = generator.normal(size=4)
    expected = scores @ np.linalg.pinv(rows[:, items]) @ rows
    np.testing.assert_allclose(approximate(rows, items, scores, 0.0), expected, atol=1e-10)


@pytest.mark.parametrize("asked", [4, 9])
def test_with_a_ridge_the_weights_solve_the_penalised_equations(asked):
    generator = np.random.default_rng(4)
    rows = generator.normal(size=(6, 30))
    items, scores = generator.permutation(30)[:asked], generator.normal(size=asked)
    known = rows[:, items]
    penalty = 0.3 * np.square(np.linalg.svd(known)[1]).mean()
    weights = np.linalg.solve(known @ known.T + penalty * np.eye(6), known @ scores)
    np.testing.assert_allclose(approximate(rows, items, scores, 0.3), weights @ rows, atol=1e-10)


def test_a_cheap_score_that_is_the_exact_one_is_found_out():
    rows, _ = low_rank(7, 3)
    row = np.random.default_rng(7).normal(size=40)
    without = Cur(CurIndex(rows), ridge=0.0).search(Counting(row), 5, 12)
    cheap = Cur(CurIndex(rows), ridge=0.0).search(Counting(row), 5, 12, cheap=3 * row)
    assert without.items.tolist() != exact_top(row, 5)
    assert cheap.items.tolist() == exact_top(row, 5)


def test_anchors_are_the_retrievers_best_and_lots_that_are_the_same_for_all():
    rows, row = low_rank(1, 4)
    first, second = Counting(row), Counting(row)
    cur = Cur(CurIndex(rows), share=1.0, leading=0.5, rounds=1)
    cur.search(first, 5, 10, first=[30, 31, 30, 32, 33, 34, 35, 36])
    cur.search(second, 5, 10)
    assert first.asked[:5] == [30, 31, 32, 33, 34]
    assert [item for item in second.asked if item not in first.asked[:5]][:5] == first.asked[5:]


def test_scores_that_are_all_zero_still_give_items():
    cur = Cur(CurIndex(np.zeros((3, 9), dtype=np.float32)))
    best = cur.search(lambda items: [0.0] * len(items), 4, 6)
    assert len(best.items) == 4
    assert best.calls == 6


def test_what_was_saved_is_read_again_and_damage_is_told(tmp_path):
    rows, _ = low_rank(1, 4)
    CurIndex(rows).save(tmp_path / "rows.npy")
    assert (CurIndex.load(tmp_path / "rows.npy").rows == rows).all()
    (tmp_path / "rows.npy").write_bytes((tmp_path / "rows.npy").read_bytes()[:99])
    for name in ("rows.npy", "missing.npy"):
        with pytest.raises(InputError, match=name):
            CurIndex.load(tmp_path / name)


def fails(items):
    raise RuntimeError("out of memory")


@pytest.mark.parametrize(
    ("score", "told"),
    [
        (fails, "failed on 2 items.*RuntimeError: out of memory"),
        (lambda items: [1.0], r"shape \(1,\) for 2 items"),
        (lambda items: [float("nan")] * len(items), "gave nan for the item"),
        (lambda items: [float("inf")] * len(items), "gave inf for the item"),
    ],
)
def test_a_scorer_that_fails_is_a_clear_error(score, told):
    cur = Cur(CurIndex(low_rank(1, 4)[0]))
    with pytest.raises(QueryError, match=told):
        cur.search(score, 5, 10)


def test_an_error_of_the_scorers_own_stays_what_it_is():
    def score(items):
        raise ModelError("No weights.", "Get some.")

    with pytest.raises(ModelError, match="No weights"):
        Cur(CurIndex(low_rank(1, 4)[0])).search(score, 5, 10)


def test_what_makes_no_sense_is_refused():
    index = CurIndex(low_rank(1, 4)[0])
    for wrong in ({"share": 0.0}, {"share": 1.1}, {"leading": 2.0}, {"rounds": 0}, {"ridge": -1}):
        with pytest.raises(QueryError, match="out of range"):
            Cur(index, **wrong)
    ask = Counting(np.zeros(40))
    for wrong in ({"k": 0, "calls": 5}, {"k": 5, "calls": 0}):
        with pytest.raises(QueryError):
            Cur(index).search(ask, **wrong)
    with pytest.raises(QueryError, match="the item 40, and there are 40"):
        Cur(index).search(ask, 5, 10, first=[40])
    with pytest.raises(QueryError, match="for 40 items"):
        Cur(index).search(ask, 5, 10, cheap=np.zeros(39))
    for rows in (np.zeros((0, 4)), np.zeros(4), np.full((2, 3), np.nan)):
        with pytest.raises(InputError):
            CurIndex(rows.astype(np.float32))


class Overlap:
    """Scores a text by the words that it shares with the query, less its length."""

    def __repr__(self):
        return "Overlap()"

    def score(self, query, texts):
        asked = set(query.split())
        return np.array(
            [len(asked & set(t.split())) - len(t) / 1000 for t in texts], dtype=np.float32
        )


class Fixed:
    """A retriever that finds every third document, whatever is asked."""

    def retrieve(self, queries, k=10):
        rows = [(q, f"d{i:02}", 1 / (1 + i)) for q in queries for i in range(0, 30, 3)]
        return Ranking.of(list(queries), rows).cut(k)


def test_a_retriever_with_enough_calls_ranks_as_the_scorer_does():
    words = ["tree", "graph", "node", "text", "query"]
    documents = [
        Document(f"d{i:02}", " ".join(words[: 1 + i % 5]) + " x" * i, "") for i in range(30)
    ]
    index = CurIndex.build(Overlap(), {"a": "tree graph", "b": "text"}, documents)
    assert index.rows.shape == (2, 30)
    assert index.rows[1].tolist() == Overlap().score("text", [d.text for d in documents]).tolist()
    retriever = CurRetriever(Overlap(), documents, Cur(index), calls=30, first=Fixed())
    found = retriever.retrieve({"q": "query node"}, 8).by_query()["q"]
    scores = Overlap().score("query node", [d.text for d in documents])
    expected = sorted(range(30), key=lambda i: (-scores[i], i))[:8]
    assert [name for name, _ in found] == [f"d{i:02}" for i in expected]
    assert repr(retriever).startswith("CurRetriever(Overlap(), Cur(index=CurIndex(2 queries, 30")


def test_a_retriever_over_other_documents_than_its_index_is_refused():
    with pytest.raises(QueryError, match="1 documents for an index of 40"):
        CurRetriever(Overlap(), [Document("a", "b")], Cur(CurIndex(low_rank(1, 4)[0])))
