"""BM25 is its formula over the live documents; a phrase is a run of words in one field."""

import itertools
import math

import bm25s
import numpy as np
import pytest

from everygrain.analyze import Analyzer
from everygrain.analyze.words import of_text
from everygrain.data import bundled
from everygrain.document import Document
from everygrain.engine import Index
from everygrain.errors import QueryError
from everygrain.measure import load
from everygrain.rank.lexical import BM25
from everygrain.rank.query import parse, plain

from .conftest import build, random_documents

ENGLISH = Analyzer("en")
QUERIES = [
    "tree",
    "trees graph",
    "search the node node",
    "river stone index passage",
    "unheard",
    "",
]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    index, left = build(tmp_path_factory.mktemp("lexical") / "index", random_documents(60))
    yield index, left
    index.close()


def by_hand(documents, text, bm25):
    """The formula, in loops: document id -> score."""
    fields = {d.id: (ENGLISH.query(d.title), ENGLISH.query(d.text)) for d in documents}
    lengths = {i: bm25.title * len(t) + bm25.text * len(b) for i, (t, b) in fields.items()}
    mean = sum(lengths.values()) / len(lengths)
    scores = {}
    for identity, (title, body) in fields.items():
        score = 0.0
        for term in ENGLISH.query(text):
            holders = sum(term in t or term in b for t, b in fields.values())
            idf = math.log(1 + (len(documents) - holders + 0.5) / (holders + 0.5))
            count = bm25.title * title.count(term) + bm25.text * body.count(term)
            if count:
                relative = lengths[identity] / mean
                score += idf * count / (count + bm25.k1 * (1 - bm25.b + bm25.b * relative))
        if score > 0:
            scores[identity] = score
    return scores


SETTINGS = [
    BM25(),
    BM25(1.2, 0.75),
    BM25(k1=0),
    BM25(b=0),
    BM25(b=1),
    BM25(k1=1000, b=0.4),
    BM25(title=3, text=0.5),
    BM25(title=0),
    BM25(text=0),
]


@pytest.mark.parametrize("bm25", SETTINGS, ids=repr)
def test_scores_equal_the_formula_written_out_in_loops(built, bm25):
    index, left = built
    found = index.retriever("lexical", bm25=bm25).retrieve(QUERIES, 1000).by_query()
    for i, text in enumerate(QUERIES):
        expected = by_hand(left, text, bm25)
        assert dict(found[str(i)]) == pytest.approx(expected, rel=1e-5)
        assert found[str(i)] == sorted(found[str(i)], key=lambda row: (-row[1], row[0]))


def test_a_document_weight_of_zero_everywhere_finds_nothing(built):
    found = built[0].retriever("lexical", bm25=BM25(title=0, text=0)).retrieve(["tree graph"])
    assert len(found) == 0


def test_statistics_are_those_of_the_live_documents(tmp_path):
    classic = BM25(1.2, 0.75)
    with Index(tmp_path / "index", encoder="none", language="en", bm25=classic) as index:
        index.add([Document("a", "tree"), Document("b", "graph node"), Document("c", "tree " * 50)])
        index.delete(["c"])
        with index.views.newest() as view:
            scorer = view.lexical()
            assert scorer.mean_length == 1.5
            # one of two documents holds it: ln(1 + 1.5 / 1.5)
            assert scorer.idf(len(view.snapshot.postings("tree").documents)) == np.float32(
                math.log(2)
            )
        # 1 occurrence, length 1 of mean 1.5
        expected = math.log(2) / (1 + 1.2 * (0.25 + 0.75 / 1.5))
        assert index.search("tree")[0].score == pytest.approx(expected, rel=1e-6)


def test_the_order_of_documents_and_segments_does_not_change_a_bit(built, tmp_path):
    index, left = built
    with Index(tmp_path / "fresh", encoder="none", language="en") as fresh:
        fresh.add(left[::-1])
        one, other = (i.retriever("lexical").retrieve(QUERIES, 1000) for i in (index, fresh))
        assert one == other


@pytest.mark.parametrize(
    "wrong", [{"k1": -1}, {"b": 1.1}, {"b": -0.1}, {"title": -1}, {"text": -1}, {"k1": math.nan}]
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(QueryError, match="out of range"):
        BM25(**wrong)


def test_scores_are_those_of_bm25s_on_the_bundled_collection(tmp_path):
    papers = load(bundled())
    documents, queries = list(papers.documents()), list(papers.queries.values())
    # single letters and digits, which our lengths leave out, are left out of both
    tokens = [
        [term for term in ENGLISH.query(f"{d.title} {d.text}") if len(term) > 1] for d in documents
    ]
    theirs = bm25s.BM25(method="lucene", k1=1.2, b=0.75)
    theirs.index(tokens, show_progress=False)
    with Index(tmp_path / "index", encoder="none", language="en") as index:
        index.add(documents)
        found = index.retriever("lexical", bm25=BM25(1.2, 0.75))
        found = found.retrieve(queries, len(documents)).by_query()
    known = set(itertools.chain.from_iterable(tokens))
    for i, text in enumerate(queries):
        expected = theirs.get_scores([t for t in ENGLISH.query(text) if t in known])
        scores = dict(found[str(i)])
        for document, score in zip(documents, expected, strict=True):
            assert scores.get(document.id, 0) == pytest.approx(float(score), rel=1e-4, abs=1e-6)


# phrases


def holds(document, quoted):
    """Look through the title and the text, word by word."""
    wanted = ENGLISH.places(of_text(quoted))
    while wanted and wanted[0] is None:
        wanted.pop(0)
    while wanted and wanted[-1] is None:
        wanted.pop()
    for field in (document.title, document.text):
        places = ENGLISH.places(of_text(field))
        for start in range(len(places) - len(wanted) + 1):
            if places[start : start + len(wanted)] == wanted:
                return True
    return False


def test_a_phrase_finds_what_a_scan_of_the_texts_finds(built):
    index, left = built
    generator = np.random.default_rng(0)
    some = ["tree", "graph", "of", "the", "searching", "stone", "a"]
    phrases = [" ".join(words) for n in (1, 2) for words in itertools.product(some, repeat=n)]
    phrases += [" ".join(generator.choice(some, n)) for n in (3, 3, 3, 4, 4, 5) for _ in range(12)]
    met = 0
    for phrase in phrases:
        if not ENGLISH.query(phrase):
            continue
        expected = {document.id for document in left if holds(document, phrase)}
        found = {hit.id for hit in index.search(f'"{phrase}"', k=1000)}
        assert found == expected, phrase
        met += bool(expected)
    assert met > 30


def test_a_phrase_never_runs_from_the_title_into_the_text(tmp_path):
    with Index(tmp_path / "index", encoder="none", language="en") as index:
        index.add([
            Document("across", "graph node", "tree"),
            Document("title", "node", "a tree graph"),
            Document("text", "node tree graph", "node"),
            Document("next", "graph", "stone"),
        ])  # fmt: skip
        assert {hit.id for hit in index.search('"tree graph"')} == {"title", "text"}


def test_any_stop_word_may_stand_for_a_stop_word_but_something_must(tmp_path):
    with Index(tmp_path / "index", encoder="none", language="en") as index:
        index.add([
            Document("of the", "state of the art"),
            Document("in a", "state in a art"),
            Document("one", "state of art"),
            Document("none", "state art"),
            Document("other", "state tree node art"),
        ])  # fmt: skip
        assert {hit.id for hit in index.search('"state of the art"')} == {"of the", "in a"}
        assert {hit.id for hit in index.search('"the state art of"')} == {"none"}


def test_every_phrase_of_a_query_must_occur_and_other_words_only_add(tmp_path):
    with Index(tmp_path / "index", encoder="none", language="en") as index:
        index.add([
            Document("both", "tree graph stone river"),
            Document("first", "tree graph river stone"),
            Document("extra", "tree graph stone river sentence"),
        ])  # fmt: skip
        found = index.search('"tree graph" sentence "stone river"')
        assert [hit.id for hit in found] == ["extra", "both"]


def test_a_query_is_its_terms_sorted_and_counted():
    query = parse('searching "tree of trees" for trees', ENGLISH)
    assert query.terms == (("search", 1), ("tree", 3))
    assert query.phrases == (("tree", None, "tree"),)
    assert query.text == "searching tree of trees for trees"
    assert not query.is_empty
    assert plain('"tree of" trees', ENGLISH).phrases == ()
    assert parse("the of", ENGLISH).is_empty


@pytest.mark.parametrize("text", ["“tree graph”", "„tree graph“", "«tree graph»", '"tree graph"'])
def test_quotation_marks_of_every_kind_mean_a_phrase(text):
    assert parse(text, ENGLISH).phrases == (("tree", "graph"),)


def test_a_quotation_mark_without_its_partner_means_nothing():
    query = parse('a 5" tree', ENGLISH)
    assert query.phrases == ()
    assert query.terms == (("5", 1), ("tree", 1))
    assert parse('""', ENGLISH).is_empty


def test_a_phrase_of_stop_words_only_is_an_error_with_a_remedy():
    with pytest.raises(QueryError, match='"to be or not to be" holds only stop words') as caught:
        parse('hamlet "to be or not to be"', ENGLISH)
    assert "--keep-stop-words" in caught.value.remedy
