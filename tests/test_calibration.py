"""Cut-offs that an index learned: from its own documents, and from judged queries."""

import numpy as np
import pytest

from everygrain import Document, Index
from everygrain.calibration import calibrate
from everygrain.data import bundled
from everygrain.errors import EncoderMismatchError, InputError, QueryError
from everygrain.measure import load
from everygrain.rank import banks
from everygrain.rank.cutoff.conformal import Calibration, Conformal
from everygrain.rank.cutoff.named import create
from everygrain.read import read
from tests.index.encoders import WordHash


@pytest.fixture(scope="module")
def collection():
    return load(bundled())


@pytest.fixture(scope="module")
def index(tmp_path_factory, collection):
    with Index(tmp_path_factory.mktemp("index") / "i", "latent", language="en") as made:
        made.add(collection.documents())
        yield made


def test_judged_queries_give_the_threshold_that_their_scores_give(index, collection):
    told = calibrate(index, collection.scored_queries, collection.judgements)
    assert (told.queries, told.judged) == (len(collection.scored_queries), True)
    cut = create("conformal:0.2", index.store.setting("cutoffs"), index.store.encoder)
    best = []
    for query, text in collection.scored_queries.items():
        scores = dict(index.retriever("dense").retrieve([text], len(index)).by_query()["0"])
        relevant = [d for d, grade in collection.judgements[query].items() if grade > 0]
        best.append(max(scores.get(document, -np.inf) for document in relevant))
    kth = int(0.2 * (len(best) + 1))
    assert cut.threshold == sorted(best)[kth - 1]


def test_a_search_keeps_what_reaches_the_threshold_and_says_so(index, collection):
    calibrate(index, collection.scored_queries, collection.judgements)
    query = next(iter(collection.scored_queries.values()))
    threshold = create("conformal:0.2", index.store.setting("cutoffs"), index.store.encoder)
    every = index.search(query, 100, system="dense")
    expected = [hit.id for hit in every if hit.score >= threshold.threshold]
    hits = index.search(query, 100, system="dense", cutoff="conformal:0.2")
    assert [hit.id for hit in hits] == expected
    assert hits.verdict.kept == len(expected)
    assert every.verdict is None


def test_hybrid_keeps_its_own_order_of_what_the_dense_leg_lets_through(index, collection):
    calibrate(index, collection.scored_queries, collection.judgements)
    query = next(iter(collection.scored_queries.values()))
    dense = {hit.id for hit in index.search(query, 100, system="dense", cutoff="conformal:0.2")}
    found = [hit.id for hit in index.search(query, 100) if hit.id in dense]
    assert [hit.id for hit in index.search(query, 100, cutoff="conformal:0.2")] == found


def test_more_than_k_that_pass_are_told(index, collection):
    calibrate(index, collection.scored_queries, collection.judgements)
    query = next(iter(collection.scored_queries.values()))
    hits = index.search(query, 1, cutoff="conformal:0.05")
    assert len(hits) == 1
    assert "The best 1 of these are shown" in str(hits.verdict)


def test_the_verdict_of_smaller_grains_counts_documents_and_says_so(index, collection):
    calibrate(index, collection.scored_queries, collection.judgements)
    query = next(iter(collection.scored_queries.values()))
    whole = index.search(query, 100, cutoff="conformal:0.2")
    hits = index.search(query, 60, grain="sentence", cutoff="conformal:0.2")
    assert len(hits) > len({hit.id for hit in hits})
    assert hits.verdict.kept == whole.verdict.kept
    found = whole.verdict.found
    assert f"{whole.verdict.kept} of {found} documents kept" in str(hits.verdict)
    few = index.search(query, 1, grain="sentence", cutoff="conformal:0.05")
    assert "Spans of the best 20 of these are compared" in str(few.verdict)


def test_a_query_of_stop_words_has_a_verdict_too(index, collection):
    calibrate(index, collection.scored_queries, collection.judgements)
    hits = index.search("the of and", cutoff="conformal:0.2")
    assert list(hits) == []
    assert (hits.verdict.kept, hits.verdict.found, hits.verdict.best) == (0, 0, None)
    assert hits.verdict.is_empty
    with pytest.raises(QueryError, match="no cut-off"):
        index.search("the of and", cutoff="conform")


def test_no_good_answer_is_a_result(index):
    sure = Conformal(0.5, Calibration(tuple([2.0] * 30)))  # no cosine reaches it
    hits = index.search("dense retriever", cutoff=sure)
    assert list(hits) == []
    assert hits.verdict.is_empty
    assert str(hits.verdict).startswith("No good answer: the best of")


def test_without_judgements_it_learns_from_its_own_documents(index):
    told = calibrate(index)
    assert not told.judged
    assert told.queries >= 20
    assert index.search("dense retriever", cutoff="adapted:0").verdict.kept > 0
    assert index.search("dense retriever", cutoff="adapted:1").verdict.is_empty


def test_banks_are_kept_with_the_cutoffs(index):
    calibrate(index)
    kept = banks.read(index.folder)
    assert kept is not None
    assert kept.fingerprint == index.store.fingerprint


def test_a_cutoff_composes_with_the_dense_leg(index, collection):
    calibrate(index, collection.scored_queries, collection.judgements)
    query = next(iter(collection.scored_queries.values()))
    alone = index.search(query, 100, system="dense", cutoff="conformal:0.2")
    composed = index.search(query, 100, system="dense % 1000 >> cutoff(conformal=0.2)")
    assert [hit.id for hit in composed] == [hit.id for hit in alone]
    assert composed.verdict == alone.verdict
    nothing = index.search(query, system="dense >> cutoff(probability=1)")
    assert list(nothing) == []
    assert str(nothing.verdict).startswith("No good answer")


def test_hubness_as_text_is_hubness_in_python(index):
    from everygrain.rank.hubness import Hubness

    calibrate(index)
    made = index.retriever("dense") % 100 >> Hubness(index.views, banks.read(index.folder))
    written = index.retriever("dense % 100 >> hubness")
    assert list(written.retrieve(["dense retriever"]).rows()) == list(
        made.retrieve(["dense retriever"]).rows()
    )


@pytest.mark.parametrize(
    ("cutoff", "told"),
    [
        ("conformal", "There is no cut-off 'conformal'.*conformal:ALPHA"),
        ("conformal:2", "alpha = 2.0 is no share"),
        ("adapted:x", "'x' in 'adapted:x' is no number"),
        ("best", "There is no cut-off 'best'"),
    ],
)
def test_a_cutoff_that_makes_no_sense_is_an_error(index, cutoff, told):
    calibrate(index)
    with pytest.raises(QueryError, match=told):
        index.search("dense retriever", cutoff=cutoff)


def test_an_index_that_was_never_calibrated_names_the_command(tmp_path):
    with Index(tmp_path / "i", "latent") as fresh:
        fresh.add(list(read(bundled())))
        with pytest.raises(QueryError, match="everygrain calibrate INDEX"):
            fresh.search("dense retriever", cutoff="conformal:0.1")
        calibrate(fresh)
        fresh.search("dense retriever", cutoff="conformal:0.1")
        fresh.reencode(WordHash())
        with pytest.raises(EncoderMismatchError, match="Run `everygrain calibrate INDEX` again"):
            fresh.search("dense retriever", cutoff="conformal:0.1")


def test_any_system_is_ended_by_the_dense_leg(index, collection):
    calibrate(index, collection.scored_queries, collection.judgements)
    query = next(iter(collection.scored_queries.values()))
    kept = {hit.id for hit in index.search(query, 999, system="dense", cutoff="conformal:0.2")}
    for system in ("lexical", "hybrid % 20", "fuse(lexical, dense % 5)"):
        hits = index.search(query, 999, system=system, cutoff="conformal:0.2")
        found = [hit.id for hit in index.search(query, 1000, system=system)]
        assert [hit.id for hit in hits] == [each for each in found if each in kept]
        if missing := kept - set(found):
            assert f"{len(missing)} that passed are not among" in str(hits.verdict)


def test_few_queries_still_give_a_conformal_cutoff_that_says_what_it_lacks(index, collection):
    few = dict(list(collection.scored_queries.items())[:5])
    told = calibrate(index, few, collection.judgements)
    assert (told.queries, told.threshold) == (5, None)
    assert "queries have both relevant and other candidates" in told.without
    hits = index.search("dense retriever", 999, cutoff="conformal:0.1")
    assert "5 calibration queries are too few for alpha = 0.1" in str(hits.verdict)
    assert hits.verdict.kept == hits.verdict.found
    with pytest.raises(QueryError, match="did not learn the cut-off 'adapted'"):
        index.search("dense retriever", cutoff="adapted")


def test_a_result_that_is_always_kept_is_kept(index, collection):
    calibrate(index, collection.scored_queries, collection.judgements, at_least=1)
    assert len(index.search("dense retriever", cutoff="adapted:1")) == 1


def test_queries_or_documents_that_tell_nothing_are_named(index, tmp_path):
    with pytest.raises(InputError, match="No query has a relevant document"):
        calibrate(index, {"q": "x"}, {})
    with pytest.raises(QueryError, match="No judged document is in the index"):
        calibrate(index, {"q": "dense"}, {"q": {"x": 1}})
    with Index(tmp_path / "few", "latent") as few:
        few.add([Document(f"d{i}", "Too short.") for i in range(5)])
        with pytest.raises(QueryError, match="no query to calibrate with"):
            calibrate(few)
    with Index(tmp_path / "words", "none") as words:
        words.add(list(read(bundled())))
        with pytest.raises(QueryError, match="no dense leg"):
            calibrate(words)


@pytest.mark.parametrize("cutoff", [0.1, ["adapted"], "", "adapted:"])
def test_what_is_no_cutoff_is_an_error(index, cutoff):
    calibrate(index)
    with pytest.raises(QueryError, match=r"[Cc]ut-off.*Use adapted"):
        index.search("dense retriever", cutoff=cutoff)
