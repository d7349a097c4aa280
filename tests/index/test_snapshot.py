"""One generation whole: numbering, live documents and postings over several segments."""

from collections import Counter

import numpy as np
import pytest

from everygrain.analyze import Analyzer
from everygrain.document import Document
from everygrain.index.writer import writer

from .encoders import WordHash
from .making import made

TEXTS = {
    "a": "red apple", "b": "apple apple", "c": "plum", "d": "red plum apple", "e": "quince",
    "f": "apple of the plum", "g": "",
}  # fmt: skip


@pytest.fixture
def store(tmp_path):
    """Three segments: a b c | d e f | a again and g; b and e deleted."""
    store = made(tmp_path / "index", WordHash())
    with writer(store) as write:
        write.add([Document(i, TEXTS[i]) for i in "abc"])
        write.add([Document(i, TEXTS[i]) for i in "def"])
        write.add([Document("a", TEXTS["a"], "Plum"), Document("g", "")])
        write.delete(["e"])
    yield store
    store.close()


def test_numbers_run_over_the_segments_and_name_each_document_once(store):
    with store.reading() as snapshot:
        assert snapshot.bases == [0, 3, 6]
        assert snapshot.size == 8
        assert snapshot.count == 6
        assert snapshot.document_ids(np.arange(8)) == ["a", "b", "c", "d", "e", "f", "a", "g"]
        assert snapshot.live.tolist() == [False, True, True, True, False, True, True, True]
        assert snapshot.live_in(1).tolist() == [True, False, True]
        assert snapshot.has_vectors
        for i, segment in enumerate(snapshot.segments):
            for place in range(len(segment)):
                number = snapshot.number_at(segment.row.number, place)
                assert number == snapshot.bases[i] + place
        assert snapshot.number_at(99, 0) is None


def test_postings_are_those_of_live_documents_only(store):
    analyzer = Analyzer("en")
    held = {i: ("", text) for i, text in TEXTS.items() if i != "e"} | {"a": ("Plum", TEXTS["a"])}
    with store.reading() as snapshot:
        for term in ("appl", "red", "plum", "quinc", "unheard"):
            expected = {}
            for identity, (title, text) in held.items():
                titles, texts = Counter(analyzer.query(title)), Counter(analyzer.query(text))
                if titles[term] or texts[term]:
                    expected[identity] = (titles[term], texts[term])
            found = snapshot.postings(term)
            ids = snapshot.document_ids(found.documents)
            counts = zip(found.title_counts.tolist(), found.text_counts.tolist(), strict=True)
            assert dict(zip(ids, counts, strict=True)) == expected
            assert len(ids) == len(expected)
            assert (np.diff(found.documents) > 0).all()
            assert found.documents.dtype == np.int32


def test_lengths_are_columns_over_all_numbers(store):
    with store.reading() as snapshot:
        assert snapshot.text_lengths.tolist() == [2, 2, 1, 3, 1, 2, 2, 0]
        assert snapshot.title_lengths.tolist() == [0, 0, 0, 0, 0, 0, 1, 0]


def test_a_snapshot_stays_what_it_was_after_later_commits(store):
    with store.reading() as before:
        pass
    with writer(store) as write:
        write.delete(["b"])
        write.compact()
        write.add([Document("z", "apple")])
    assert before.count == 6
    assert len(before.postings("appl").documents) == 4
    with store.reading() as after:
        assert after.generation > before.generation
        assert after.count == 6
        assert sorted(after.document_ids(np.flatnonzero(after.live))) == list("acdfgz")


def test_a_generation_is_loaded_once_and_its_segments_are_shared_with_the_next(store):
    with store.reading() as first, store.reading() as second:
        assert first is second
    with writer(store) as write:
        write.add([Document("z", "apple")])
    with store.reading() as third:
        assert third is not first
        assert third.segments[:3] == first.segments


def test_an_empty_snapshot_has_nothing(tmp_path):
    with made(tmp_path / "index").reading() as snapshot:
        assert (snapshot.size, snapshot.count, snapshot.has_vectors) == (0, 0, False)
        assert len(snapshot.postings("apple").documents) == 0
        assert len(snapshot.live) == len(snapshot.text_lengths) == 0
