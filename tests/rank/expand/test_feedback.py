"""Words are added by the formula, and a query that nothing is added to is the leg's own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everygrain.engine import Index
from everygrain.errors import QueryError
from everygrain.rank.expand import RM3, Neighbours
from everygrain.rank.expand.terms import Feedback, counted, expand
from everygrain.rank.query import plain

from ..conftest import build, random_documents
from .conftest import Found

FIRST = Found((("d1", 3.0), ("d2", 1.0)))


def weights_of(index, text, found, how):
    with index.views.newest() as view:
        return dict(expand(view, plain(text, view.analyzer), found, how).terms)


def test_weights_are_those_worked_by_hand(index):
    """Texts alone: d1 = apple banana banana (3 of 4 of the scores), d2 = apple cherry.

    P(banana) = 3/4 * 2/3 = 1/2, P(apple) = 3/4 * 1/3 + 1/4 * 1/2 = 3/8, P(cherry) = 1/8. The two
    likeliest sum to 7/8: banana 4/7, apple 3/7.
    """
    how = Feedback(documents=2, terms=2, original=0.5, title=False)
    found = weights_of(index, "apple", FIRST.rows, how)
    assert found == pytest.approx({"appl": 1 / 2 + 1 / 2 * 3 / 7, "banana": 1 / 2 * 4 / 7})
    # twice the words, twice the weights: |q| is 2, and one word is new
    found = weights_of(index, "apple wheel", FIRST.rows, how)
    assert found == pytest.approx({"appl": 1 / 2 + 3 / 7, "banana": 4 / 7, "wheel": 1 / 2})


def test_smoothing_adds_the_collections_share_of_a_term(index):
    """Of the 15 terms, those of the titles included, 2 are apple, 3 banana, 1 cherry."""
    with index.views.newest() as view:
        total = sum(sum(counted(view.snapshot, n).values()) for n in range(view.snapshot.size))
    assert total == 15
    mu = 2.0
    expected = {
        "banana": 0.75 * (2 + mu * 3 / total) / (3 + mu) + 0.25 * (mu * 3 / total) / (2 + mu),
        "appl": 0.75 * (1 + mu * 2 / total) / (3 + mu) + 0.25 * (1 + mu * 2 / total) / (2 + mu),
        "cherri": 0.75 * (mu * 1 / total) / (3 + mu) + 0.25 * (1 + mu * 1 / total) / (2 + mu),
    }
    whole = sum(expected.values())
    how = Feedback(documents=2, terms=10, original=0.0, mu=mu, title=False)
    found = weights_of(index, "wheel", FIRST.rows, how)
    assert found == pytest.approx({term: p / whole for term, p in expected.items()})


def test_titles_count_where_they_are_asked_for(index):
    how = Feedback(documents=1, terms=10, original=0.0)
    found = weights_of(index, "wheel", [("d1", 1.0)], how)
    assert found == pytest.approx({"fruit": 0.2, "salad": 0.2, "appl": 0.2, "banana": 0.4})


def test_scores_are_the_weighted_sums_of_the_words_own(index, lexical):
    words = lexical.retrieve({"appl": "apple", "banana": "banana"}, 10).by_query()
    found = RM3(lexical, 2, 2, 0.5, first=FIRST).retrieve(["apple"], 10).by_query()["0"]
    # with titles: d1 holds 5 terms, of which banana 2 and apple 1; d2 holds apple, cherry, pie
    banana, apple = 0.75 * 2 / 5, 0.75 * 1 / 5 + 0.25 * 1 / 3
    weights = {
        "banana": 0.5 * banana / (banana + apple),
        "appl": 0.5 + 0.5 * apple / (banana + apple),
    }
    expected = dict.fromkeys(("d1", "d2", "d3"), 0.0)
    for term, weight in weights.items():
        for document, score in words[term]:
            expected[document] += weight * score
    assert dict(found) == pytest.approx(expected, rel=1e-5)


def test_a_document_without_the_querys_words_is_found_by_those_added(lexical):
    assert "d3" not in dict(lexical.retrieve(["cherry apple"]).by_query()["0"])
    assert "d3" in dict(RM3(lexical, first=FIRST).retrieve(["cherry apple"]).by_query()["0"])


@pytest.mark.parametrize("make", [RM3, Neighbours])
@pytest.mark.parametrize("system", ["lexical", "hybrid", "rrf"])
def test_a_query_that_keeps_its_own_words_alone_is_the_leg_bit_for_bit(
    make, system, tmp_path, hashing
):
    index, _ = build(tmp_path / "index", random_documents(40), hashing)
    leg = index.retriever(system)
    queries = ["tree graph", "search node node river", "unheard", "", "stone"]
    assert make(leg, original=1.0).retrieve(queries, 30) == leg.retrieve(queries, 30)
    index.close()


@pytest.mark.parametrize("make", [RM3, Neighbours])
def test_an_index_after_updates_expands_as_one_built_afresh(make, tmp_path):
    index, left = build(tmp_path / "old", random_documents(50, seed=4))
    queries = ["tree graph", "searching stones", "passage"]
    with Index(tmp_path / "new", encoder="none", language="en") as fresh:
        fresh.add(left[::-1])
        old, new = (make(each.retriever("lexical"), 4, 6, 0.5) for each in (index, fresh))
        assert old.retrieve(queries, 40) == new.retrieve(queries, 40)
    index.close()


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    index, _ = build(tmp_path_factory.mktemp("many") / "index", random_documents(40))
    yield index
    index.close()


@given(told=st.dictionaries(st.sampled_from(["tree", "graph", "node", "river"]), st.integers(1, 4)))
def test_whole_weights_score_as_repeated_words_do(many, told):
    with many.views.newest() as view:
        typed = plain(" ".join(w for w, n in told.items() for _ in range(n)), view.analyzer)
        weighed = typed.weighing({term: float(count) for term, count in typed.terms})
        scores = [view.lexical().scores(query).tobytes() for query in (typed, weighed)]
    assert scores[0] == scores[1]


def test_neighbours_take_the_words_of_texts_whose_titles_are_like_the_query(index, lexical):
    """The titles of d1 (fruit salad) and d3 (smell of fruit) hold fruit and are equally near."""
    wrapped = Neighbours(lexical, documents=10, terms=10, original=0.5)
    near = wrapped.titles().retrieve(["fruit"]).by_query()["0"]
    assert [document for document, _ in near] == ["d1", "d3"]
    assert near[0][1] == near[1][1]  # both titles have two terms
    how = Feedback(documents=10, terms=10, original=0.5, title=False)
    # P(banana) = (2/3 + 1/2) / 2, P(apple) = 1/3 / 2, P(durian) = 1/2 / 2
    assert weights_of(index, "fruit", near, how) == pytest.approx(
        {"fruit": 0.5, "banana": 0.5 * 7 / 12, "appl": 0.5 / 6, "durian": 0.5 / 4}
    )
    # d2 holds no word of the query, and one of the texts beside
    assert "d2" not in dict(lexical.retrieve(["fruit"]).by_query()["0"])
    assert "d2" in dict(wrapped.retrieve(["fruit"]).by_query()["0"])


def test_a_collection_without_titles_leaves_the_query_as_it_is(tmp_path):
    documents = [type(d)(d.id, d.text) for d in random_documents(20)]
    with Index(tmp_path / "index", encoder="none", language="en") as index:
        index.add(documents)
        leg = index.retriever("lexical")
        assert Neighbours(leg).retrieve(["tree graph"]) == leg.retrieve(["tree graph"])


def test_documents_that_are_gone_are_passed_over(index, lexical):
    how = Feedback(documents=5, terms=5, original=0.5)
    assert weights_of(index, "apple", [("unknown", 1.0)], how) == {"appl": 1}


def test_an_expansion_composes_and_prints_as_written(lexical):
    found = RM3(lexical, 3, 5, 0.6, first=lexical % 2)
    assert repr(found) == "RM3(lexical, 3, 5, 0.6, first=lexical % 2)"
    assert repr(Neighbours(lexical)) == "Neighbours(lexical, 5, 30, 0.85)"
    assert found == RM3(lexical, 3, 5, 0.6, first=lexical % 2) != RM3(lexical)
    assert len((found % 1).retrieve(["apple"], 5)) == 1


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda leg, dense: RM3(dense), "weighs no words"),
        (lambda leg, dense: Neighbours(dense), "weighs no words"),
        (lambda leg, dense: RM3(leg, documents=0), "k = 0"),
        (lambda leg, dense: RM3(leg, terms=0), "k = 0"),
        (lambda leg, dense: RM3(leg, original=1.5), "original=1.5"),
        (lambda leg, dense: Neighbours(leg, original=float("nan")), "original=nan"),
        (lambda leg, dense: RM3(leg, mu=-1.0), "mu=-1.0"),
    ],
)
def test_a_setting_out_of_range_is_named(make, what, index, lexical):
    with pytest.raises(QueryError, match=what):
        make(lexical, index.retriever("dense"))


def test_a_weight_that_is_none_is_an_error_that_names_the_term(index):
    with index.views.newest() as view:
        query = plain("apple", view.analyzer)
        for weight in (0.0, -1.0, float("nan"), float("inf")):
            with pytest.raises(QueryError, match="term 'appl' weighs"):
                query.weighing({"appl": weight})
