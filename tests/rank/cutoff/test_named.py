"""Cut-offs learned from an index's own documents, and applied to what a search found."""

import json

import numpy as np
import pytest

from everygrain.document import Document
from everygrain.errors import EncoderMismatchError, QueryError
from everygrain.rank.cutoff import Adapted, Conformal
from everygrain.rank.cutoff.named import apply, asked, create, learn
from everygrain.rank.query import plain
from everygrain.rank.weigh import encode_rests, pseudo_queries
from everygrain.segment.passages import Passages
from everygrain.segment.sentences import Sentences
from tests.rank.conftest import build

WORDS = [f"{a}{b}" for a in "bcdfgklm" for b in ("ane", "ole", "ist", "ury", "ean")]


def titled(count=60):
    """Documents whose title's words are also in their text."""
    generator = np.random.default_rng(0)
    made = []
    for i in range(count):
        title = generator.choice(WORDS, 4)
        text = [*generator.choice(WORDS, 20), *title]
        made.append(Document(f"d{i:03}", " ".join(text) + ".", " ".join(title)))
    return made


@pytest.fixture(scope="module")
def index(tmp_path_factory, hashing):
    made, _ = build(tmp_path_factory.mktemp("cutoff") / "index", titled(), encoder=hashing)
    yield made
    made.close()


@pytest.fixture(scope="module")
def learned(index):
    documents = sorted(index.documents(), key=lambda d: d.id)
    with index.views.newest() as view:
        return learn(view, documents, Sentences("en"), Passages())


def test_a_pseudo_query_finds_its_document_by_what_is_left_of_it(index):
    documents = sorted(index.documents(), key=lambda d: d.id)[:10]
    with index.views.newest() as view:
        ranking, answers, texts = asked(view, documents, Sentences("en"), Passages())
        pseudo = [q for d in documents for q in pseudo_queries(d, Sentences("en"))]
        rests = encode_rests(view, pseudo, Passages())
        for query, rest in zip(pseudo, rests, strict=True):
            name = f"{query.document_id} {query.kind}"
            assert (answers[name], texts[name]) == (query.document_id, query.text)
            vector = view.query_vectors([query.text])[0]
            scores = dict(ranking.by_query()[name])
            assert scores[query.document_id] == pytest.approx(float((rest @ vector).max()))
            exact = dict(zip(*(lambda f: (f.ids, f.scores))(view.find_dense(vector, 99)),
                             strict=True))  # fmt: skip
            for document, score in scores.items():
                if document != query.document_id:
                    assert score == pytest.approx(exact[document], abs=1e-6)


def test_what_was_learned_is_json_and_makes_both_cut_offs(index, learned, hashing):
    told = json.loads(json.dumps(learned, allow_nan=False))
    assert isinstance(create("adapted", told, hashing), Adapted)
    assert create("adapted:0.75", told, hashing).threshold == 0.75
    conformal = create("conformal:0.2", told, hashing)
    assert isinstance(conformal, Conformal)
    assert conformal.alpha == 0.2
    assert len(conformal.calibration.scores) == learned["adapted"]["queries"]


@pytest.mark.parametrize("system", ["dense", "hybrid"])
def test_a_search_ends_where_the_dense_scores_fall_short(index, learned, hashing, system):
    text = titled()[0].title
    with index.views.newest() as view:
        found = view.find(plain(text, view.analyzer), system, 60)
        judged = view.find(plain(text, view.analyzer), "dense", 60)
    cut = create("conformal:0.5", learned, hashing)
    left, verdict = apply(cut, text, judged, found)
    dense = dict(zip(judged.ids, judged.scores.tolist(), strict=True))
    expected = [i for i in found.ids if dense[i] >= cut.threshold]
    assert left.ids == expected
    assert 0 < len(expected) < len(found.ids)
    assert (verdict.kept, verdict.found) == (len(expected), len(found.ids))
    assert [dict(zip(left.ids, left.scores, strict=True))[i] for i in left.ids] == [
        dict(zip(found.ids, found.scores, strict=True))[i] for i in left.ids
    ]
    assert {len(rows) for rows in left.legs.values()} == {len(expected)}


def test_no_good_answer_is_a_result_of_a_search(index, learned, hashing):
    with index.views.newest() as view:
        found = view.find(plain("tree graph", view.analyzer), "dense", 5)
    left, verdict = apply(create("adapted:1", learned, hashing), "tree graph", found, found)
    assert left.ids == []
    assert verdict.is_empty
    assert str(verdict).startswith("No good answer: the best of 5 candidates")


def test_what_passes_and_was_not_found_is_told(index, learned, hashing):
    with index.views.newest() as view:
        parsed = plain(titled()[0].title, view.analyzer)
        judged, found = view.find(parsed, "dense", 60), view.find(parsed, "lexical", 2)
    cut = create("conformal:0.5", learned, hashing)
    left, verdict = apply(cut, parsed.text, judged, found)
    passing = int((judged.scores >= cut.threshold).sum())
    assert verdict.kept == passing
    lost = passing - len(left.ids)
    assert lost > 0
    assert f"{lost} that passed are not among what the search found" in str(verdict)


@pytest.mark.parametrize("spec", ["none", "conformal", "conformal:x", "adapted:x"])
def test_a_name_that_is_none_is_refused(learned, hashing, spec):
    with pytest.raises(QueryError, match="Use adapted, adapted:PROBABILITY"):
        create(spec, learned, hashing)


def test_values_out_of_range_and_nothing_learned_are_refused(learned, hashing):
    with pytest.raises(QueryError, match="no probability"):
        create("adapted:2", learned, hashing)
    with pytest.raises(QueryError, match="no share of queries"):
        create("conformal:1.5", learned, hashing)
    with pytest.raises(QueryError, match="has learned no cut-off"):
        create("adapted", None, hashing)
    for spec in ("adapted", "conformal:0.1"):
        with pytest.raises(EncoderMismatchError, match="learned with other"):
            create(spec, learned | {"fingerprint": "other"}, hashing)
