"""XTR: loops say the same, all words retrieved give exact MaxSim, fewer never give less."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from everygrain.encode.words.base import SCALE
from everygrain.errors import QueryError
from everygrain.rank.late import max_sim
from everygrain.rank.xtr import imputed
from tests.rank.bags import cases, made, products


def in_loops(query, documents, k):
    """Return document -> score from the k best words of each query word, ties with the k-th too."""
    every = products(query, documents)
    lowest, kept = [], {}
    for i in range(len(query.words)):
        values = sorted((v for rows in every for v in rows[i]), reverse=True)
        lowest.append(values[min(k, len(values)) - 1] if values else None)
    for document, rows in enumerate(every):
        best = [max((v for v in row if v >= lowest[i]), default=None) for i, row in enumerate(rows)]
        if any(value is not None for value in best):
            known = [lowest[i] if v is None else v for i, v in enumerate(best)]
            kept[document] = np.float32(sum(known) / (len(known) * SCALE**2))
    return kept


@given(cases(), st.integers(1, 12))
def test_scores_equal_retrieval_and_imputation_written_out_in_loops(case, k):
    numbers, scores = imputed(*case, k)
    assert dict(zip(numbers.tolist(), scores, strict=True)) == in_loops(*case, k)


@given(cases(), st.integers(0, 5))
def test_with_every_word_retrieved_the_score_is_exact_max_sim_bit_for_bit(case, more):
    query, documents = case
    numbers, scores = imputed(query, documents, max(len(documents.words), 1) + more)
    exact = max_sim(query, documents)
    held = np.flatnonzero(np.diff(documents.offsets)) if len(query.words) else []
    assert numbers.tolist() == list(held)
    assert scores.tobytes() == exact[numbers].tobytes()


@given(cases(), st.integers(1, 12))
def test_an_imputed_score_is_never_below_the_exact_one(case, k):
    numbers, scores = imputed(*case, k)
    assert (scores >= max_sim(*case)[numbers]).all()


@given(cases(), st.integers(1, 12), st.randoms())
def test_the_order_of_the_documents_changes_nothing(case, k, lot):
    query, documents = case
    order = list(range(len(documents)))
    lot.shuffle(order)
    taken = np.concatenate(
        [np.zeros(0, int), *(np.arange(*documents.offsets[i : i + 2]) for i in order)]
    )
    lengths = np.diff(documents.offsets)[order]
    moved = type(documents)(
        documents.words[taken],
        documents.vectors[taken],
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
    )
    before = dict(zip(*imputed(query, documents, k), strict=True))
    after = {order[n]: s for n, s in zip(*imputed(query, moved, k), strict=True)}
    assert before == after


def test_many_blocks_of_words_are_one(monkeypatch):
    from everygrain.rank import xtr

    generator = np.random.default_rng(1)
    query, documents = made(generator, [4], 8), made(generator, [9] * 30, 8)
    whole = imputed(query, documents, 20)
    monkeypatch.setattr(xtr, "_BLOCK", 7)
    cut = imputed(query, documents, 20)
    assert whole[0].tolist() == cut[0].tolist()
    assert whole[1].tobytes() == cut[1].tobytes()


@pytest.mark.parametrize("k", [0, -1])
def test_retrieving_no_words_is_refused(k):
    generator = np.random.default_rng(2)
    with pytest.raises(QueryError, match=f"k = {k}"):
        imputed(made(generator, [2], 3), made(generator, [2], 3), k)
