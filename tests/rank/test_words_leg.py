"""Late interaction over the words in an index: by the formula, over what is there now."""

import numpy as np
import pytest

from everygrain.document import Document, Ranking
from everygrain.encode.words.base import SCALE
from everygrain.errors import ModelError, QueryError
from everygrain.rank import words_leg
from everygrain.rank.late import exact_sim, max_sim
from everygrain.rank.words_leg import Late
from everygrain.rank.xtr import imputed
from tests.index.encoders import BagHash

from .conftest import build, random_documents

QUERIES = {"a": "tree graph the", "b": "river stone unknown", "none": ""}


@pytest.fixture(scope="module")
def built(tmp_path_factory, hashing):
    folder = tmp_path_factory.mktemp("late") / "index"
    index, left = build(folder, random_documents(80, 2), hashing, words=BagHash())
    yield index, {document.id: document for document in left}
    index.close()


def bags_of(documents):
    return BagHash().encode_bags([f"{d.title} {d.text}".strip() for d in documents])


def late_in_loops(query, document, exact=False):
    """Return 1/|q| sum over the query's words of the highest product with a document's word."""
    asked, held = BagHash().encode_bags([query], "query"), bags_of([document])
    total = 0
    for i in range(len(asked.words)):
        products = [
            sum(int(a) * int(b) for a, b in zip(asked.vectors[i], held.vectors[j], strict=True))
            for j in range(len(held.words))
            if not exact or asked.words[i] == held.words[j]
        ]
        total += max(products, default=0)
    return total / (max(len(asked.words), 1) * SCALE**2)


def spread(scores):
    """Map scores to 0..1, as the candidates of one query are."""
    low, high = min(scores.values()), max(scores.values())
    return {d: (score - low) / (high - low) for d, score in scores.items()}


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_reranked_score_is_the_formula_over_the_stored_words(built, share, exact):
    index, held = built
    first = index.retriever("hybrid").retrieve(QUERIES, 30)
    reranked = index.reranker("late", share=share, exact=exact).rerank(QUERIES, first)
    for query in ("a", "b"):
        before = dict(first.by_query()[query])
        words = spread({d: late_in_loops(QUERIES[query], held[d], exact) for d in before})
        given = spread(before)
        expected = {d: share * given[d] + (1 - share) * words[d] for d in before}
        assert dict(reranked.by_query()[query]) == pytest.approx(expected, abs=1e-6)
        assert len(expected) > 10
    assert not reranked.by_query()["none"]


def test_the_system_late_is_hybrid_reranked(built):
    index, _ = built
    composed = index.retriever("hybrid") >> index.reranker("late")
    assert index.retriever("late").retrieve(QUERIES, 7) == composed.retrieve(QUERIES, 7)
    assert repr(composed) == "hybrid >> late"
    assert repr(index.reranker(share=0.25, exact=True)) == "late(share=0.25, exact=True)"


def test_documents_that_are_gone_are_left_out_and_changed_ones_compared_as_they_are(
    tmp_path, hashing
):
    index, left = build(tmp_path / "i", random_documents(30, 4), hashing, words=BagHash())
    queries = {"q": "tree graph"}
    before = index.retriever("hybrid").retrieve(queries, 20)
    found = [d for d, _ in before.by_query()["q"]]
    index.delete(found[:3])
    index.add([Document(found[3], "river river")])
    after = index.reranker("late", share=0).rerank(queries, before)
    scores = dict(after.by_query()["q"])
    assert set(scores) == set(found[3:])
    held = {d.id: d for d in left} | {found[3]: Document(found[3], "river river")}
    words = {d: late_in_loops("tree graph", held[d]) for d in scores}
    assert scores == pytest.approx(spread(words), abs=1e-6)
    index.close()


def test_hits_tell_what_each_leg_and_the_words_gave(built):
    index, held = built
    hits = index.search("tree graph", k=5, system="late")
    assert len(hits) == 5
    words = max_sim(
        BagHash().encode_bags(["tree graph"], "query"), bags_of(h.document for h in hits)
    )
    for hit, score in zip(hits, words, strict=True):
        assert set(hit.legs) == {"lexical", "dense", "late"}
        assert hit.legs["late"].score == float(score)
        assert hit.document == held[hit.id]
        assert hit.spans
    ranks = [hit.legs["late"].rank for hit in hits]
    assert [hits[i].legs["late"].score for i in np.argsort(ranks)] == sorted(words, reverse=True)


def test_without_vectors_the_candidates_are_those_of_the_lexical_leg(tmp_path):
    index, _ = build(tmp_path / "i", random_documents(40, 3), words=BagHash())
    late = index.retriever("late").retrieve(QUERIES, 1000).by_query()
    lexical = index.retriever("lexical").retrieve(QUERIES, 1000).by_query()
    for query in QUERIES:
        assert {d for d, _ in late[query]} == {d for d, _ in lexical[query]}
    for system in ("late", "xtr"):
        hits = index.search("tree graph", system=system)
        assert hits
        assert all(hit.spans or "tree" not in hit.document.text for hit in hits)
    assert set(index.search("tree", system="xtr")[0].legs) == {"xtr"}
    index.close()


@pytest.mark.parametrize("retrieved", [1, 3, 20, 100_000])
@pytest.mark.parametrize("block", [1, 50, 2**16])
@pytest.mark.parametrize("where", [None, "year >= 2005"])
def test_retrieval_by_words_alone_equals_imputation_over_all_documents(
    built, retrieved, block, where, monkeypatch
):
    monkeypatch.setattr(words_leg, "RETRIEVED", retrieved)
    monkeypatch.setattr(words_leg, "_BLOCK", block)
    index, held = built
    allowed = [d for d in held.values() if where is None or d.metadata["year"] >= 2005]
    found = index.retriever("xtr", where=where).retrieve(QUERIES, 1000).by_query()
    for query, text in QUERIES.items():
        asked = BagHash().encode_bags([text], "query")
        places, scores = imputed(asked, bags_of(allowed), retrieved)
        expected = {allowed[i].id: float(s) for i, s in zip(places, scores, strict=True)}
        assert dict(found[query]) == expected
        assert found[query] == sorted(found[query], key=lambda row: (-row[1], row[0]))
        assert bool(expected) == bool(text)
        top = index.retriever("xtr", where=where).retrieve({query: text}, 4).by_query()[query]
        assert top == found[query][:4]


def test_with_every_word_retrieved_it_is_the_exact_score(built, monkeypatch):
    monkeypatch.setattr(words_leg, "RETRIEVED", 10**6)
    index, held = built
    found = dict(index.retriever("xtr").retrieve({"q": "tree river"}, 1000).by_query()["q"])
    everyone = list(held.values())
    scores = max_sim(BagHash().encode_bags(["tree river"], "query"), bags_of(everyone))
    exact = {d.id: float(s) for d, s in zip(everyone, scores, strict=True)}
    empty = {
        d.id for d, n in zip(everyone, np.diff(bags_of(everyone).offsets), strict=True) if not n
    }
    assert found == {d: s for d, s in exact.items() if d not in empty}


def test_a_phrase_narrows_what_words_find(built):
    index, _ = built
    for system in ("late", "xtr"):
        hits = index.search('"tree graph"', system=system, k=100)
        assert hits
        assert all("tree" in f"{h.title} {h.document.text}" for h in hits)


# what makes no sense


def test_a_reranker_or_share_that_makes_no_sense_is_refused(built):
    index, _ = built
    with pytest.raises(QueryError, match="no reranker 'early'"):
        index.reranker("early")
    for share in (-0.1, 1.5, float("nan")):
        with pytest.raises(QueryError, match="share"):
            index.reranker(share=share)
    with pytest.raises(QueryError, match="query 'x', which was not asked"):
        Late(index.views).rerank({"y": "tree"}, Ranking.of(["x"], [("x", "d001", 1.0)]))


def test_an_index_without_words_cannot_rerank(tmp_path):
    index, _ = build(tmp_path / "i", random_documents(10, 3))
    ranking = index.retriever("lexical").retrieve(["tree"])
    with pytest.raises(QueryError, match="no word vectors") as caught:
        index.reranker("late").rerank(["tree"], ranking)
    assert "--words" in caught.value.remedy
    index.close()


def test_the_query_whose_words_cannot_be_encoded_is_named(tmp_path):
    class Failing(BagHash):
        def encode_bags(self, texts, kind="document"):
            if kind == "query" and any("broken" in text for text in texts):
                raise ModelError("The model is gone.", "Get it.")
            return super().encode_bags(texts, kind)

    index, _ = build(tmp_path / "i", random_documents(10, 3), words=Failing())
    queries = {"a": "tree", "b": "broken tree", "c": "stone"}
    ranking = index.retriever("lexical").retrieve(queries)
    for search in (
        lambda: index.reranker("late").rerank(queries, ranking),
        lambda: index.retriever("late").retrieve(queries),
        lambda: index.retriever("xtr").retrieve(queries),
    ):
        with pytest.raises(QueryError, match=r"^Query 'b': The model is gone"):
            search()
    index.close()


def test_exact_matching_counts_equal_words_alone(built):
    index, held = built
    ranking = Ranking.of(["q"], [("q", d, 1.0) for d in held])
    found = index.reranker("late", share=0, exact=True).rerank({"q": "stone"}, ranking)
    everyone = list(held.values())
    scores = exact_sim(BagHash().encode_bags(["stone"], "query"), bags_of(everyone))
    expected = spread({d.id: s for d, s in zip(everyone, scores, strict=True)})
    assert dict(found.by_query()["q"]) == pytest.approx(expected, abs=1e-6)
