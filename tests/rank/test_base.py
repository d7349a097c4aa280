"""A composition is a value: it runs, prints, compares and hashes as it is written."""

import pytest

from everygrain.document import Ranking
from everygrain.errors import QueryError
from everygrain.rank.base import Cut, Reranked, Reranker, Retriever, check_k, named
from everygrain.rank.fuse import fuse

from .test_fuse import Fixed

LETTERS = Fixed("letters", [(letter, 26.0 - i) for i, letter in enumerate("abcdefghij")])


class Reverse:
    """Reranks the last first, and remembers how many it saw."""

    def __init__(self):
        self.seen = []

    def __repr__(self):
        return "reverse"

    def rerank(self, queries, ranking):
        self.seen.append(len(ranking))
        rows = [(query, document, -score) for query, document, score in ranking.rows()]
        return Ranking.of(ranking.queries, rows)


def documents(ranking):
    return [document for _, document, _ in ranking.rows()]


def test_queries_may_be_a_list_or_have_names():
    assert named(["x", "y"]) == {"0": "x", "1": "y"}
    assert named({"q": "x"}) == {"q": "x"}
    with pytest.raises(QueryError, match="One string is not a list") as caught:
        named("x")
    assert "retrieve([query])" in caught.value.remedy


@pytest.mark.parametrize("k", [0, -1, True, 1.0, "3", None])
def test_a_number_of_results_is_a_positive_whole_number(k):
    with pytest.raises(QueryError, match=r"asks for no results|no whole number"):
        check_k(k)
    with pytest.raises(QueryError):
        LETTERS % k


def test_a_reranker_orders_what_was_found_and_sees_more_than_is_wanted():
    reverse = Reverse()
    assert documents((LETTERS >> reverse).retrieve(["x"], 2)) == ["j", "i"]
    assert reverse.seen == [10]


def test_a_cut_before_a_reranker_decides_what_it_sees():
    reverse = Reverse()
    assert documents((LETTERS % 3 >> reverse).retrieve(["x"], 2)) == ["c", "b"]
    assert reverse.seen == [3]


def test_a_cut_after_a_reranker_decides_what_comes_out():
    reverse = Reverse()
    assert documents(((LETTERS >> reverse) % 2).retrieve(["x"], 50)) == ["j", "i"]


def test_rerankers_follow_one_another():
    assert documents((LETTERS >> Reverse() >> Reverse()).retrieve(["x"], 2)) == ["a", "b"]


def test_compositions_print_as_they_are_written():
    reverse = Reverse()
    for built, written in [
        (LETTERS >> reverse, "letters >> reverse"),
        (LETTERS % 5, "letters % 5"),
        (LETTERS % 5 >> reverse, "letters % 5 >> reverse"),
        ((LETTERS >> reverse) % 5, "(letters >> reverse) % 5"),
        (LETTERS >> reverse >> reverse, "letters >> reverse >> reverse"),
        (fuse(LETTERS, LETTERS % 5) >> reverse, "fuse(letters, letters % 5) >> reverse"),
    ]:
        assert repr(built) == written
        names = {"letters": LETTERS, "reverse": reverse, "fuse": fuse}
        assert eval(written, names) == built


def test_compositions_of_one_print_are_one_value():
    reverse = Reverse()
    assert LETTERS % 5 == LETTERS % 5
    assert hash(LETTERS % 5 >> reverse) == hash(LETTERS % 5 >> reverse)
    assert LETTERS % 5 != LETTERS % 6
    assert LETTERS % 5 != "letters % 5"
    assert len({LETTERS % 5, LETTERS % 5, LETTERS >> reverse}) == 2


def test_the_roles_are_known_by_their_methods():
    assert isinstance(LETTERS, Retriever)
    assert isinstance(LETTERS % 5, Retriever)
    assert isinstance(LETTERS >> Reverse(), Retriever)
    assert isinstance(Reverse(), Reranker)
    assert not isinstance(Reverse(), Retriever)
    assert isinstance(Cut(LETTERS, 1), Cut)
    assert isinstance(LETTERS >> Reverse(), Reranked)
