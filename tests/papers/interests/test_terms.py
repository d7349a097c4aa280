import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from everygrain_papers.interests.terms import LONGEST, Vocabulary, collect, read, spread, words
from everygrain_papers.paper import Paper

TEXTS = [
    "Graph networks learn molecules. Graph networks scale.",
    "A graph network for molecules",
    "Legged robots walk on sand",
]


def test_a_row_equals_the_formula_written_out():
    vocabulary, rows = collect(TEXTS)
    lengths = [7, 3, 4]  # stop words left out: a, for, on
    mean = sum(lengths) / 3
    graph = vocabulary.stems["graph"]
    idf = math.log(4 / 3) + 1
    assert vocabulary.idf[graph] == pytest.approx(idf)

    def saturated(tf, length):
        return tf / (tf + 0.5 * (0.5 + 0.5 * length / mean))

    row = rows[0].toarray().ravel()
    scale = np.count_nonzero(row)
    molecule = vocabulary.stems["molecul"]
    expected = saturated(2, 7) / saturated(1, 7)
    assert row[graph] / row[molecule] == pytest.approx(expected, rel=1e-5)
    assert np.linalg.norm(row) == pytest.approx(1)
    assert scale > 3


def test_a_pair_is_a_term_where_two_texts_hold_it():
    vocabulary, rows = collect(TEXTS)
    pairs = {vocabulary.name(i) for i in range(len(vocabulary.stems), len(vocabulary))}
    assert pairs == {"graph networks"}
    column = rows[:, len(vocabulary.stems)].toarray().ravel()
    assert (column > 0).tolist() == [True, True, False]


def test_a_stop_word_between_two_words_parts_them():
    vocabulary, _ = collect(["chain of thought", "chain of thought", "chain thought"])
    assert len(vocabulary) == len(vocabulary.stems) == 2


def test_a_term_is_called_by_its_most_frequent_form():
    vocabulary, _ = collect(["networks networks network", "robot"])
    assert vocabulary.name(vocabulary.stems["network"]) == "networks"


def test_accents_case_and_numbers_are_read_alike():
    assert words("Schrödinger's NAÏVE L2-norm 42") == ["schrodinger's", "naive", "l2-norm"]


@pytest.mark.parametrize("text", ["", "   ", "of the and", "\x00\x01", "数学", "42 7"])
def test_a_text_without_words_has_a_row_of_zeros(text):
    vocabulary, rows = collect([text, "graphs"])
    assert not rows[0].nnz
    assert not vocabulary.rows([text]).nnz


def test_nothing_at_all_gives_no_rows():
    vocabulary, rows = collect([])
    assert rows.shape == (0, 0)
    assert vocabulary.rows([]).shape == (0, 0)
    assert vocabulary.rows(["graphs"]).shape == (1, 0)


@given(st.lists(st.text(alphabet="abgr .-'ü\n", max_size=40), max_size=6))
def test_rows_are_the_same_when_texts_are_read_again(texts):
    vocabulary, rows = collect(texts)
    again = vocabulary.rows(texts)
    assert (rows != again).nnz == 0
    lengths = np.sqrt(rows.multiply(rows).sum(axis=1))
    assert np.all((np.abs(lengths - 1) < 1e-5) | (lengths == 0))


def test_a_vocabulary_ignores_what_it_does_not_know():
    vocabulary = Vocabulary.of(["graphs and robots"])
    assert vocabulary.rows(["graphs of proteins"]).nnz == 1


def test_authors_and_venue_are_not_read_and_abstracts_only_so_far():
    paper = Paper("a", "Title", "x" * (LONGEST + 9), authors=("Ada",), venue="icra")
    assert read(paper) == "Title. " + "x" * LONGEST


def test_numbers_are_spread_evenly():
    assert list(spread(3, 5)) == [0, 1, 2]
    assert list(spread(10, 4)) == [0, 2, 5, 7]
