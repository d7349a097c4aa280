"""Compositions on a real index: what they find is what their parts, composed in Python, find."""

import pytest

from everygrain import Document, Index, fuse
from everygrain.errors import QueryError
from everygrain.rank.compose import CompositionError
from everygrain.rank.lexical import BM25

TEXTS = {
    "a": "The comet crossed the night sky above the harbour.",
    "b": "A harbour at night is quiet; ships sleep.",
    "c": "Comet tails are made of dust and ice.",
    "d": "Ice on the harbour stopped every ship that night.",
    "e": "Dust storms on Mars can last for weeks.",
}
QUERIES = ["comet night", "ice harbour", "dust", "ships"]


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    made = Index(tmp_path_factory.mktemp("index") / "i", "latent", language="en")
    made.add([Document(i, text, metadata={"long": len(text) > 45}) for i, text in TEXTS.items()])
    with made:
        yield made


def rows(ranking):
    return list(ranking.rows())


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("fuse(lexical, dense)", lambda r: fuse(r("lexical"), r("dense"))),
        ("fuse(lexical % 2, dense) % 3", lambda r: fuse(r("lexical") % 2, r("dense")) % 3),
        ("hybrid % 2", lambda r: r("hybrid") % 2),
        ("lexical(b=0, k1=2)", lambda r: r("lexical", bm25=BM25(k1=2, b=0))),
    ],
)
def test_a_composition_as_text_finds_what_it_finds_in_python(index, text, written):
    expected = written(index.retriever)
    assert rows(index.retriever(text).retrieve(QUERIES, 4)) == rows(expected.retrieve(QUERIES, 4))
    for query in QUERIES:
        hits = index.search(query, 4, system=text)
        assert [(hit.id, hit.score) for hit in hits] == [
            (document, score) for _, document, score in expected.retrieve([query], 4).rows()
        ]


def test_hits_tell_what_each_part_gave(index):
    hits = index.search("comet night", system="fuse(lexical % 2, dense)")
    lexical = index.retriever("lexical").retrieve(["comet night"], 2)
    ranked = {document: (i, s) for i, (_, document, s) in enumerate(lexical.rows(), 1)}
    assert set(ranked) < {hit.id for hit in hits}
    for hit in hits:
        assert set(hit.legs) == {"lexical", "dense"}
        assert (hit.legs["lexical"].rank, hit.legs["lexical"].score) == ranked.get(hit.id, (0, 0))


def test_a_leg_that_is_named_twice_is_told_twice(index):
    hits = index.search("comet", system="fuse(lexical, lexical(k1=0.1))")
    assert set(hits[0].legs) == {"lexical", "lexical 2"}
    assert hits[0].legs["lexical"].score != hits[0].legs["lexical 2"].score


def test_phrases_in_a_typed_query_must_occur_in_every_leg(index):
    hits = index.search('"ice on the harbour"', system="fuse(lexical, hybrid)")
    assert [hit.id for hit in hits] == ["d"]


def test_a_filter_holds_in_every_leg(index):
    hits = index.search("night", 5, system="fuse(lexical, dense)", where="long = true")
    assert {hit.id for hit in hits} == {i for i, text in TEXTS.items() if len(text) > 45}


def test_evidence_and_smaller_grains_come_with_a_composition(index):
    hits = index.search("ships sleep", system="fuse(lexical, dense)", grain="sentence")
    best = hits[0].spans[0]
    assert best.text == best.span.of(hits[0].document) == TEXTS["b"]


def test_settings_of_bm25_beside_a_composition_are_an_error(index):
    with pytest.raises(QueryError, match="BM25 is given beside 'hybrid % 5'"):
        index.retriever("hybrid % 5", bm25=BM25())


def test_a_typo_is_an_error_that_points_at_it(index):
    with pytest.raises(CompositionError, match="at character 6: there is no system 'lexcal'"):
        index.search("comet", system="fuse(lexcal, dense)")
    with pytest.raises(CompositionError, match="perhaps 'hybrid'"):
        index.retriever("hybrd % 9")
