"""What speaks for a hit is exact text, and the sentence that says most comes first."""

import math

import numpy as np
import pytest

from everygrain.document import Document
from everygrain.engine import Index
from everygrain.rank.evidence import Candidates, best_spans, score_spans
from everygrain.rank.query import plain
from everygrain.segment.sentences import Sentences

TEXT = (
    "A tree grows.  The graph index searches for a tree of nodes!\n"
    "Stones lie in a river. The index is empty. „Unheard“ – café ﬁne."
)
OTHER = "Rivers run. A tree is a graph. Nodes hold passages."


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    with Index(tmp_path_factory.mktemp("evidence") / "i", encoder="none", language="en") as made:
        made.add([Document("one", TEXT, "Stones"), Document("two", OTHER), Document("bare", "")])
        yield made


def lexical_scores(index, query, text):
    document = Document("x", text)
    with index.views.newest() as view:
        parsed = plain(query, view.analyzer)
        return score_spans(view, parsed, [document], Sentences("en"), "lexical")


@pytest.mark.parametrize("grain", ["document", "passage", "sentence"])
@pytest.mark.parametrize("query", ["graph index", "river", "café unheard"])
def test_offsets_of_evidence_are_exact(index, grain, query):
    hits = index.search(query, grain=grain)
    assert hits
    for hit in hits:
        assert hit.spans
        for evidence in hit.spans:
            start, end = evidence.span.start, evidence.span.end
            assert evidence.text == hit.document.text[start:end] == evidence.text.strip()
            assert evidence.span.document_id == hit.id
            assert 0 <= evidence.score <= 1


def test_the_sentence_that_holds_all_words_of_the_query_wins(index):
    best = index.search("tree graph nodes index")[0].spans[0]
    assert best.text == "The graph index searches for a tree of nodes!"
    assert index.search("tree graph nodes index", grain="sentence")[0].spans == (best,)


def test_a_sentence_scores_the_share_of_the_querys_weight_that_it_holds(index):
    query = "tree graph river"
    found = lexical_scores(index, query, "A tree. A graph and a river. Stones.")
    # three documents: 'tree' and 'graph' are in two, 'river' in two
    weights = dict.fromkeys(["tree", "graph", "river"], math.log(1 + 1.5 / 2.5))
    shares = np.array([1, 2, 0]) * weights["tree"] / sum(weights.values())
    assert found.scores.tolist() == pytest.approx((shares / shares.max()).tolist())
    assert found.spans == [(0, 7), (8, 28), (29, 36)]
    assert found.owners.tolist() == [0, 0, 0]


def test_a_rare_word_says_more_than_a_frequent_one(index):
    found = lexical_scores(index, "tree unheard", "A tree. Unheard words.")
    assert found.scores[1] == 1
    rare, frequent = math.log(1 + 2.5 / 1.5), math.log(1 + 1.5 / 2.5)
    assert found.scores[0] == pytest.approx(frequent / rare)


def test_a_document_of_no_words_has_no_evidence(index):
    with index.views.newest() as view:
        found = score_spans(
            view, plain("tree", view.analyzer), [Document("bare", "")], Sentences("en"), "lexical"
        )
    assert found.spans == []
    assert best_spans(found, 0) == []


def test_what_says_less_than_half_of_the_best_is_left_out():
    scores = np.array([0.2, 0.9, 0.45, 0.44, 0.8, 0.7, 0.0], dtype=np.float32)
    candidates = Candidates(np.array([1, 0, 0, 0, 0, 0, 2]), [(i, i + 1) for i in range(7)], scores)
    places = [place for place, _ in best_spans(candidates, 0, most=5)]
    assert places == [1, 4, 5, 2]
    assert [place for place, _ in best_spans(candidates, 0)] == [1, 4, 5]
    assert [place for place, _ in best_spans(candidates, 1)] == [0]
    assert best_spans(candidates, 2) == []
    assert best_spans(candidates, 3) == []


def test_the_best_of_equals_is_the_first_in_the_text(index):
    found = lexical_scores(index, "river", "One river. Two rivers. Rivers three.")
    assert [place for place, _ in best_spans(found, 0)] == [0, 1, 2]


def test_dense_evidence_is_the_cosine(tmp_path, hashing):
    with Index(tmp_path / "index", encoder=hashing, language="en") as index:
        index.add([Document("one", "tree graph. stone river. search node.", "")])
        hit = index.search("stone river", system="dense")[0]
        vector = hashing.encode(["stone river"])[0]
        texts = ["tree graph.", "stone river.", "search node."]
        cosines = dict(zip(texts, (hashing.encode(texts) @ vector).tolist(), strict=True))
        best = max(cosines.values())
        for evidence in hit.spans:
            assert evidence.score == pytest.approx(cosines[evidence.text] / best, abs=1e-6)
        assert hit.spans[0].text == max(cosines, key=cosines.get)
