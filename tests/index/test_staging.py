"""A re-encode beside searches and additions: killed, it goes on; done, all of it shows at once."""

import multiprocessing
import os
import signal
import time

import pytest

from everygrain.engine import Index
from everygrain.errors import LockedError, QueryError
from everygrain.index.doctor import examine
from everygrain.index.lock import writing_alone
from tests.small_index import SMALL, columns

from .encoders import WordHash
from .reencoder import COUNT, Slow, document, reencode, slow, texts_told


def test_an_unknown_encoder_is_refused_before_anything_is_noted(tmp_path):
    with Index(tmp_path / "i", WordHash(0)) as index:
        index.add(SMALL)
        with pytest.raises(QueryError, match="no encoder 'glove'"):
            index.reencode("glove", background=True)
        assert index.info()["reencoding"] is None


def test_no_vectors_at_all_need_no_background(tmp_path):
    with Index(tmp_path / "i", WordHash(0)) as index:
        index.add(SMALL)
        index.reencode("none", background=True)
        assert index.info()["encoder"]["fingerprint"] is None
        assert index.info()["reencoding"] is None


def test_an_index_without_documents_is_given_the_encoder(tmp_path):
    with Index(tmp_path / "i", WordHash(0)) as index:
        index.reencode(WordHash(1), background=True)
        index.add(SMALL)
        assert index.search("tree")[0].id == "a"
        assert index.info()["encoder"]["fingerprint"] == WordHash(1).fingerprint


def test_a_writer_in_the_way_is_waited_for_only_so_long(tmp_path, monkeypatch):
    monkeypatch.setattr("everygrain.index.staging.PATIENCE", 0.1)
    with Index(tmp_path / "i", WordHash(0)) as index:
        index.add(SMALL)
        with writing_alone(index.folder), pytest.raises(LockedError):
            index.reencode(WordHash(1), background=True)
        assert index.info()["encoder"]["fingerprint"] == WordHash(0).fingerprint


def bits(index):
    """Return all that an index holds of vectors, by document, to the last bit."""
    with index.views.newest() as view:
        held = {}
        for segment, dead in zip(view.snapshot.segments, view.snapshot.dead, strict=True):
            gone = set() if dead is None else set(dead.tolist())
            owners = segment.dense["documents"]
            for place in set(range(len(segment))) - gone:
                rows = segment.dense["vectors"][owners == place]
                held[segment.document_id(place)] = rows.tobytes()
        return held


def same_as_fresh(index, documents, folder, encoder):
    """Tell whether an index holds and finds what one does that was built with the encoder."""
    with Index(folder, encoder) as fresh:
        fresh.add(documents)
        index.weigh()
        fresh.weigh()
        assert bits(index) == bits(fresh)
        for query in ("river 7", "valley 12 stones", "pebbles"):
            for system in ("dense", "hybrid"):
                ours = columns(index.search(query, 20, system=system))
                assert ours == columns(fresh.search(query, 20, system=system))


def test_all_bits_are_those_of_a_fresh_index_also_of_what_came_and_went_meanwhile(tmp_path):
    documents = [document(i) for i in range(700)]
    added, changed = document(700), document(3, "pebbles")
    with (
        Index(tmp_path / "i", WordHash(0)) as index,
        Index.open(tmp_path / "i", WordHash(0)) as other,
    ):
        index.add(documents)

        def meanwhile(done):
            if not told:
                other.add([added, changed])
                other.delete(["d5"])
                assert other.info()["reencoding"]["encoder"] == "word-hash-16-1"
            told.append(done)

        told = []
        index.reencode(WordHash(1), meanwhile, background=True)
        left = [changed if d.id == "d3" else d for d in documents if d.id != "d5"]
        assert sum(told) >= 700
        assert index.info()["reencoding"] is None
        assert not (tmp_path / "i" / "reencoding").exists()
        same_as_fresh(index, [*left, added], tmp_path / "fresh", WordHash(1))
    assert examine(tmp_path / "i") == []


def test_another_encoder_put_in_its_place_ends_a_reencode_under_way(tmp_path):
    with Index(tmp_path / "i", WordHash(0)) as index:
        index.add([document(i) for i in range(300)])

        def stop(done):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            index.reencode(WordHash(1), stop, background=True)
        assert index.info()["reencoding"] == {"encoder": "word-hash-16-1", "spec": "given"}
        assert (tmp_path / "i" / "reencoding").exists()
        index.reencode(WordHash(2))
        assert index.info()["reencoding"] is None
        assert not (tmp_path / "i" / "reencoding").exists()


def test_a_fitted_encoder_goes_on_with_the_fit_that_was_begun(tmp_path):
    with Index(tmp_path / "i", WordHash(0)) as index:
        index.add([document(i) for i in range(300)])

        def stop(done):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            index.reencode("latent", stop, background=True)
        begun = index.info()["reencoding"]["encoder"]
        index.add([document(i, "sand") for i in range(300, 340)])
        index.reencode("latent", background=True)
        assert index.info()["encoder"]["fingerprint"] == begun
        assert index.info()["encoder"]["name"] == "latent"
        index.add([document(i, "sand") for i in range(340, 700)])  # it is fitted anew, as ever
        assert index.info()["encoder"]["fingerprint"] != begun
    assert examine(tmp_path / "i") == []


def wait_for_calls(journal, calls, process):
    while len(texts_told(journal)) < calls:
        assert process.is_alive(), process.exitcode
        time.sleep(0.005)


def test_killed_in_the_middle_beside_searches_it_goes_on_where_it_stopped(tmp_path):
    processes = multiprocessing.get_context("forkserver")
    documents = [document(i) for i in range(COUNT)]
    folder, journal = tmp_path / "i", tmp_path / "journal"
    with Index(folder, WordHash(0)) as index:
        index.add(documents)
        before = columns(index.search("river 7", 20))

        first = processes.Process(target=reencode, args=(folder, journal))
        first.start()
        wait_for_calls(journal, 1, first)
        assert columns(index.search("river 7", 20)) == before
        index.add([document(COUNT)])  # nobody holds the lock
        wait_for_calls(journal, 4, first)
        os.kill(first.pid, signal.SIGKILL)
        first.join()
        assert first.exitcode == -signal.SIGKILL
        done_at_least = sum(texts_told(journal)[:3])
        assert 0 < done_at_least < COUNT
        assert index.info()["encoder"]["fingerprint"] == WordHash(0).fingerprint
        assert examine(folder) == []
        before = columns(index.search("river 7", 20))

        journal.unlink()
        second = processes.Process(target=reencode, args=(folder, journal))
        second.start()
        searches, swapped = 0, slow(None)
        while second.is_alive():
            try:
                found = columns(index.search("river 7", 20))
            except Exception:  # the new encoder is the test's own: only it can be handed in
                break
            assert found == before or index.store.fingerprint == swapped.fingerprint
            searches += 1
        second.join(60)
        assert second.exitcode == 0
        assert searches > 3
        # the journal also tells of texts of dead places, and of samples to weigh the legs with
        assert sum(texts_told(journal)) <= COUNT + 1 - done_at_least + 10
    with Index.open(folder, slow(None)) as index:
        assert index.info()["encoder"]["fingerprint"] == swapped.fingerprint
        assert index.info()["reencoding"] is None
        same_as_fresh(index, [*documents, document(COUNT)], tmp_path / "fresh", Slow(seed=1))
    assert examine(folder) == []
