"""The index end to end, on the bundled collection and on small ones."""

import threading
from dataclasses import replace

import pytest

from everygrain.data import bundled
from everygrain.document import Document
from everygrain.engine import Index
from everygrain.errors import (
    InputError,
    QueryError,
    StoredIndexError,
)
from everygrain.measure import evaluate, load
from everygrain.rank.fuse import fuse
from tests.small_index import SMALL, columns


def state(folder):
    """All that an index's folder holds, less what says when it was looked at."""
    with Index.open(folder) as index:
        generation = index.store.setting("generation", 0)
        documents = sorted(index.documents(), key=lambda d: d.id)
    segments = sorted(p.relative_to(folder).as_posix() for p in (folder / "segments").rglob("*"))
    encoders = sorted(p.name for p in (folder / "encoders").iterdir())
    return generation, documents, segments, encoders


@pytest.fixture(scope="module")
def papers():
    return load(bundled())


@pytest.fixture(scope="module")
def index(tmp_path_factory, papers):
    with Index(tmp_path_factory.mktemp("papers") / "index", encoder="latent") as made:
        report = made.add(papers.documents())
        assert (report.added, report.updated, report.unchanged) == (318, 0, 0)
        yield made


# the bundled collection


@pytest.mark.parametrize(
    ("system", "floor"), [("lexical", 0.44), ("dense", 0.40), ("hybrid", 0.42)]
)
def test_the_judged_queries_find_what_was_judged(index, papers, system, floor):
    ranking = index.retriever(system).retrieve(papers.queries)
    scores = evaluate(ranking, papers.judgements, ["nDCG@10"])
    assert len(scores.queries) == 25
    assert scores.values.mean() > floor


def test_the_language_is_detected_and_the_encoder_fitted(index):
    told = index.info()
    assert told["documents"] == len(index) == 318
    assert told["analyzer"]["language"] == "en"
    assert told["encoder"]["name"] == "latent"
    assert told["encoder"]["fingerprint"] == index.store.fingerprint
    assert index.doctor() == []


def test_opened_again_it_finds_the_same_to_the_last_bit(index, papers):
    queries = list(papers.queries.values())[:5]
    with Index.open(index.folder) as again:
        assert repr(again) == repr(index)
        for query in queries:
            assert columns(again.search(query)) == columns(index.search(query))


@pytest.mark.parametrize("grain", ["passage", "sentence"])
def test_smaller_grains_give_one_span_each(index, grain):
    hits = index.search("contrastive pretraining of sentence encoders", k=8, grain=grain)
    assert len(hits) == 8
    for hit in hits:
        (evidence,) = hit.spans
        assert evidence.span.grain == grain
        assert evidence.text == hit.document.text[evidence.span.start : evidence.span.end]
    assert len({(hit.id, hit.spans[0].span) for hit in hits}) == 8
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_documents_come_with_evidence_and_what_each_leg_says(index):
    for hit in index.search("late interaction retrieval", k=5):
        assert set(hit.legs) == {"lexical", "dense"}
        assert 0 < len(hit.spans) <= 3
        assert hit.title == hit.document.title
        assert hit.document == index.get(hit.id)


def test_a_filter_lets_through_only_what_it_holds_for(index):
    hits = index.search("retrieval", k=50, where='kind = "benchmark"')
    assert hits
    assert {hit.document.metadata["kind"] for hit in hits} == {"benchmark"}


# quotation marks


def test_quotes_mean_a_phrase_in_a_typed_query_and_nothing_in_a_retriever(index):
    typed, bare = '"dense retrieval"', "dense retrieval"
    for system in ("lexical", "dense", "hybrid"):
        retriever = index.retriever(system)
        found = retriever.retrieve({"typed": typed, "bare": bare}, 50).by_query()
        assert found["typed"] == found["bare"]
    for system in ("lexical", "hybrid"):
        hits = index.search(typed, k=318, system=system)
        assert hits
        assert len(hits) < len(index.search(bare, k=318, system=system))
        for hit in hits:
            fields = [hit.title.lower(), hit.document.text.lower()]
            assert any("dense retriev" in field.replace("-", " ") for field in fields)


def test_a_phrase_that_does_not_occur_finds_nothing(index):
    for system in ("lexical", "hybrid"):
        assert index.search('"retrieval dense of stones"', system=system) == []


# adding, updating, deleting


@pytest.fixture
def small(tmp_path):
    with Index(tmp_path / "small", encoder="none", language="en") as made:
        made.add(SMALL)
        yield made


def test_an_addition_tells_what_it_did(small):
    changed = replace(SMALL[0], title="Forests")
    new = Document("d", "A lamp.")
    report = small.add([changed, SMALL[1], new, new])
    assert (report.added, report.updated, report.unchanged, report.deleted) == (1, 1, 1, 0)
    assert report.repeated == ["d"]
    assert report.rejected == []
    assert small.get("a") == changed
    assert len(small) == 4


def test_metadata_counts_as_content(small):
    report = small.add([replace(SMALL[0], metadata={"year": 1999})])
    assert (report.updated, report.unchanged) == (1, 0)
    assert [hit.id for hit in small.search("tree", where="year < 2000")] == ["a"]


def test_a_document_that_cannot_be_stored_is_told_and_the_rest_goes_in(small):
    report = small.add([Document("bad", "x", metadata={"n": float("nan")}), Document("good", "x")])
    assert report.added == 1
    ((identity, reason),) = report.rejected
    assert identity == "bad"
    assert "metadata of 'bad'" in reason
    assert small.get("good").text == "x"


def test_a_deletion_tells_what_it_did(small):
    report = small.delete(["a", "zz", "a"])
    assert report.deleted == 1
    assert any("'zz'" in note for note in report.notes)
    assert [hit.id for hit in small.search("tree")] == ["c"]
    with pytest.raises(InputError, match="no document 'a'"):
        small.get("a")
    assert small.delete(where="year >= 2002").deleted == 2
    assert small.search("river") == []
    assert len(small) == 0


def test_a_deleted_document_may_come_back(small):
    before = columns(small.search("tree"))
    small.delete(["a"])
    assert small.add([SMALL[0]]).added == 1
    assert columns(small.search("tree")) == before


def test_a_dry_run_tells_the_same_and_changes_nothing(small):
    batch = [replace(SMALL[0], text="Other."), SMALL[1], Document("d", "A lamp.")]
    before = state(small.folder)
    told = small.add(batch, dry_run=True)
    assert state(small.folder) == before
    assert told == small.add(batch)
    assert state(small.folder) != before


def test_a_dry_run_on_a_new_index_makes_no_encoder(tmp_path):
    with Index(tmp_path / "new", encoder="latent") as index:
        assert index.add(SMALL, dry_run=True).added == 3
        assert len(index) == 0
        assert index.store.fingerprint is None
        assert not any((tmp_path / "new" / "encoders").iterdir())


def test_progress_counts_every_document(tmp_path):
    told = []
    with Index(tmp_path / "i", encoder="latent") as index:
        index.add(SMALL, on_progress=told.append)
    assert sum(told) == 3


def test_compaction_changes_no_result(small):
    small.add([Document("d", "Another tree.")])
    small.delete(["b"])
    before = columns(small.search("tree"))
    small.compact()
    assert columns(small.search("tree")) == before
    assert len(small.info()["segments"]) == 1


def test_all_documents_can_be_read_back(small):
    assert sorted(small.documents(), key=lambda d: d.id) == SMALL


# what makes no sense


def test_settings_that_make_no_sense_are_refused(small):
    for settings, named in [
        ({"k": 0}, "k = 0"),
        ({"grain": "word"}, "no grain 'word'"),
        ({"system": "sparse"}, "no system 'sparse'"),
        ({"where": "venue = 1"}, "field 'venue'"),
    ]:
        with pytest.raises(QueryError, match=named):
            small.search("tree", **settings)


def test_an_index_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(StoredIndexError) as caught:
        Index.open(tmp_path / "nowhere")
    assert caught.value.remedy
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("encoder", ["none", "latent"])
def test_an_empty_index_finds_nothing(tmp_path, encoder):
    with Index(tmp_path / "i", encoder=encoder) as index:
        for grain in ("document", "passage", "sentence"):
            assert index.search("tree", grain=grain) == []
        assert index.add([]).added == 0
        assert list(index.documents()) == []
        assert index.delete(["x"]).deleted == 0


@pytest.mark.parametrize("query", ["", "   ", "the of", "unheard", "\ud800", "?" * 5000])
def test_a_query_that_says_nothing_finds_nothing(small, query):
    assert small.search(query) == []


def test_documents_without_words_do_no_harm(tmp_path):
    with Index(tmp_path / "i", encoder="latent", language="en") as index:
        index.add([Document("empty", ""), Document("marks", "?!"), *SMALL])
        assert index.search("tree")[0].id in ("a", "c")
        for grain in ("passage", "sentence"):
            assert {hit.id for hit in index.search("tree", grain=grain)} <= {"a", "b", "c"}


# several at once


def test_two_threads_search_while_a_third_adds(tmp_path, papers):
    documents = list(papers.documents())[:120]
    problems, counts = [], {0: [], 1: []}
    done = threading.Event()

    def watched(work):
        def run(*args):
            try:
                work(*args)
            except BaseException as problem:
                problems.append(problem)

        return run

    with Index(tmp_path / "i", encoder="latent", language="en") as index:
        index.add(documents[:20])

        @watched
        def search(number):
            while not done.is_set():
                hits = index.search("learning retrieval", k=200)
                assert all(hit.document.id for hit in hits)
                assert [h.score for h in hits] == sorted((h.score for h in hits), reverse=True)
                counts[number].append(len(index))

        @watched
        def add():
            try:
                for start in range(20, 120, 20):
                    index.add(documents[start : start + 20])
            finally:
                done.set()

        threads = [threading.Thread(target=search, args=(number,)) for number in counts]
        threads.append(threading.Thread(target=add))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert problems == []
        for seen in counts.values():
            # a reader sees whole commits only
            assert set(seen) <= {20, 40, 60, 80, 100, 120}
            assert seen == sorted(seen)
        assert len(index) == 120
        assert index.doctor() == []


def test_one_id_is_not_taken_for_a_list_of_ids(tmp_path):
    with Index(tmp_path / "index", encoder="none") as index:
        index.add([Document(i, "bread") for i in ("s", "o", "soup")])
        with pytest.raises(QueryError, match="one id"):
            index.delete("soup")
        assert len(index) == 3


def test_a_query_of_only_stop_words_finds_nothing_by_vectors_either(tmp_path):
    with Index(tmp_path / "index", encoder="latent") as index:
        index.add([Document(str(i), f"bread number {i} of the house") for i in range(8)])
        assert index.search("the of") == []


def test_reciprocal_ranks_are_a_system_by_name(tmp_path):
    with Index(tmp_path / "index", encoder="latent") as index:
        index.add([Document(str(i), f"bread {'yeast ' * (i % 3)} house") for i in range(9)])
        named = index.retriever("rrf").retrieve(["yeast bread"], 9)
        composed = fuse(index.retriever("lexical"), index.retriever("dense"))
        assert named.by_query() == composed.retrieve(["yeast bread"], 9).by_query()
        assert index.search("yeast", system="rrf")[0].legs.keys() == {"lexical", "dense"}


def test_evidence_for_a_phrase_holds_the_phrase(tmp_path):
    text = "Foam rises in the bowl. Add a pinch of sugar. Sugar is sweet."
    with Index(tmp_path / "index", encoder="latent") as index:
        index.add([Document("a", text), Document("b", "Sugar and foam. A pinch.")])
        hits = index.search('"pinch of sugar"', grain="sentence")
        assert [hit.spans[0].text for hit in hits] == ["Add a pinch of sugar."]
