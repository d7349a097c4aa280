"""What an index does when the disk refuses, another writes, or a schema or encoder is another."""

import multiprocessing
import sqlite3
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from everygrain.analyze import split
from everygrain.document import Document
from everygrain.encode.latent import Latent
from everygrain.engine import Index
from everygrain.errors import (
    EncoderMismatchError,
    LockedError,
    StorageError,
    StoredIndexError,
)
from everygrain.index.doctor import examine
from everygrain.index.store import Store
from everygrain.index.writer import writer

from .filling import (
    QUERIES,
    documents,
    everything,
    filled,
    latent,
    outcome,
    run_elsewhere,
)
from .making import found, made

# a disk that is full, or read-only


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 4 MB: (its folder, a function that remounts it)."""
    at = tmp_path / "disk"
    at.mkdir()

    def mount(*options):
        return subprocess.run(["mount", *options, str(at)], capture_output=True, text=True)

    done = mount("-t", "tmpfs", "-o", "size=4m", "tmpfs")
    if done.returncode:
        pytest.skip(f"no disk can be mounted here: {done.stderr.strip()}")
    try:
        yield at, mount
    finally:
        subprocess.run(["umount", "-l", str(at)], check=True)


def fill(path, spare=0):
    """Write until the disk is full, then give a few bytes back."""
    with open(path, "wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            file.truncate(max(0, file.tell() - spare))


@pytest.mark.parametrize("spare", [0, 4096, 20_000, 60_000, 100_000, 200_000])
def test_a_full_disk_is_told_and_nothing_committed_is_lost(small_disk, spare):
    disk, _ = small_disk
    filled(disk / "index").close()
    store = Store(disk / "index")
    before = everything(store)
    fill(disk / "filler", spare)
    batch = [Document(f"big{i}", f"word{i} " * 400 + str(i)) for i in range(200)]
    with pytest.raises(StorageError, match="full") as caught, writer(store) as write:
        write.add(batch)
    assert caught.value.remedy
    assert everything(store) == before
    fresh = Store(disk / "index")
    assert everything(fresh) == before
    assert examine(disk / "index") == []
    (disk / "filler").unlink()
    with writer(store) as write:
        assert len(write.add(batch[:50]).added) == 50
    assert examine(disk / "index") == []
    named = {row.name for row in fresh.catalogue.segments()}
    assert {path.name for path in (disk / "index" / "segments").iterdir()} == named


def test_an_index_on_a_full_disk_is_searched_by_a_new_process(small_disk):
    disk, _ = small_disk
    store = filled(disk / "index")
    before = everything(store)
    store.close()
    fill(disk / "filler")
    again = Store(disk / "index")
    assert everything(again) == before
    assert examine(disk / "index") == []
    (disk / "filler").unlink()
    with writer(Store(disk / "index")) as write:
        write.add([Document("after", "apple after")])
    assert any("after" in row[3] for row in found(again, "lexical", ["apple after"], [100]))


def test_an_index_cannot_be_made_on_a_full_disk_but_later(small_disk):
    disk, _ = small_disk
    (disk / "index").mkdir()
    fill(disk / "filler")
    with pytest.raises(StorageError, match="full"):
        made(disk / "index")
    (disk / "filler").unlink()
    assert everything_empty(made(disk / "index"))


def everything_empty(store):
    return all(not ids for *_, ids, _, _ in found(store, "lexical", QUERIES, [5]))


def test_a_read_only_index_is_searched_and_says_that_it_cannot_be_written(small_disk):
    disk, mount = small_disk
    store = filled(disk / "index")
    before = everything(store)
    store.close()
    assert mount("-o", "remount,ro").returncode == 0
    with Index.open(disk / "index") as index:
        assert everything(index.store) == before
        assert index.search("red apple", k=3)
        assert index.doctor() == []
        with pytest.raises(StorageError, match="Cannot write") as caught:
            index.add([Document("x", "y")])
        assert "permission" in caught.value.remedy
        with pytest.raises(StorageError, match="Cannot write"):
            index.delete(["d1"])
        with pytest.raises(StorageError, match="Cannot write"):
            index.compact()
    with pytest.raises(StorageError, match="Cannot write"):
        Index(disk / "other", encoder="none")
    assert mount("-o", "remount,rw").returncode == 0
    with Index.open(disk / "index") as index:
        assert index.delete(["d1"]).deleted == 1


def test_commits_in_the_log_of_a_read_only_index_are_not_overlooked(small_disk):
    disk, mount = small_disk
    filled(disk / "index").close()
    program = (
        "import os, sys; from pathlib import Path; from everygrain.document import Document;"
        "from everygrain.index.store import Store; from everygrain.index.writer import writer\n"
        "with writer(Store(Path(sys.argv[1]))) as write:\n"
        "    write.delete(['d1', 'd5']); os._exit(0)"
    )
    assert run_elsewhere(program, disk / "index").returncode == 0
    assert (disk / "index" / "catalogue.db-wal").stat().st_size
    assert mount("-o", "remount,ro").returncode == 0
    store = outcome(Store, disk / "index")
    if isinstance(store, StorageError):
        assert "folded" in str(store)
        return
    with store.reading() as snapshot:
        ids = snapshot.document_ids(snapshot.live.nonzero()[0])
    assert "d1" not in ids
    assert "d5" not in ids


def test_after_a_commit_the_log_holds_no_second_copy(tmp_path):
    log = tmp_path / "index" / "catalogue.db-wal"
    with Index(tmp_path / "index", encoder="none") as index:
        index.add(documents(50))
        assert index.search("apple")  # a search has been here, and holds nothing
        index.add(documents(50, 100))
        assert not log.exists() or not log.stat().st_size


def test_a_reader_in_the_way_of_the_log_is_not_waited_for(tmp_path):
    log = tmp_path / "index" / "catalogue.db-wal"
    with Index(tmp_path / "index", encoder="none") as index, Index(tmp_path / "index") as other:
        index.add(documents(50))
        with index.store.reading():
            with ThreadPoolExecutor() as elsewhere:
                elsewhere.submit(other.add, documents(50, 100)).result(timeout=20)
            assert index.store.catalogue.count() == 50
            assert log.stat().st_size  # what the reader may yet ask for
        assert len(index) == 100
        other.add(documents(5, 200))
        assert not log.exists() or not log.stat().st_size


# an index that is another's, newer, or locked


def test_an_index_of_a_newer_schema_is_refused(tmp_path):
    filled(tmp_path / "index").close()
    catalogue = sqlite3.connect(tmp_path / "index" / "catalogue.db")
    catalogue.execute("PRAGMA user_version = 999")
    catalogue.close()
    with pytest.raises(StoredIndexError, match=r"schema 999.*newer"):
        Index.open(tmp_path / "index")


def test_a_file_that_is_no_catalogue_is_refused(tmp_path):
    for content_of in (b"", b"not a database at all, but long enough to be read" * 100):
        (tmp_path / "catalogue.db").write_bytes(content_of)
        with pytest.raises(StoredIndexError) as caught:
            Index.open(tmp_path)
        assert str(tmp_path) in caught.value.problem
        assert caught.value.remedy


def test_a_missing_index_is_told(tmp_path):
    with pytest.raises(StoredIndexError, match="no index in"):
        Index.open(tmp_path / "nowhere")


def test_another_encoder_is_an_error_that_names_both(tmp_path):
    filled(tmp_path / "index").close()
    other = Latent.unfitted("en").fit(split(["entirely other words", "other words"]))
    with pytest.raises(EncoderMismatchError) as caught:
        Index.open(tmp_path / "index", encoder=other)
    assert other.fingerprint in str(caught.value)
    assert latent().fingerprint in str(caught.value)
    assert "reencode" in caught.value.remedy
    with Index.open(tmp_path / "index", encoder=latent()) as index:
        assert index.search("red apple")


def test_an_encoder_replaced_on_disk_by_another_is_an_error_that_names_both(tmp_path):
    store = filled(tmp_path / "index")
    store.close()
    [kept] = (tmp_path / "index" / "encoders").iterdir()
    other = Latent.unfitted("en").fit(split(["entirely other words", "other words"]))
    other.save(kept)
    with Index.open(tmp_path / "index") as index:
        with pytest.raises(EncoderMismatchError) as caught:
            index.search("red apple")
        assert other.fingerprint in str(caught.value)
        assert latent().fingerprint in str(caught.value)
        assert index.search("red apple", system="lexical")


def hold_the_lock(folder, ready, stop):
    with writer(Store(folder)):
        ready.set()
        stop.wait(60)


def test_a_second_writer_is_told_which_process_writes_and_readers_go_on(tmp_path):
    store = filled(tmp_path / "index")
    before = everything(store)
    context = multiprocessing.get_context("forkserver")
    ready, stop = context.Event(), context.Event()
    process = context.Process(target=hold_the_lock, args=(tmp_path / "index", ready, stop))
    process.start()
    assert ready.wait(60)
    try:
        with pytest.raises(LockedError) as caught, writer(store):
            pass
        assert f"process {process.pid}" in str(caught.value)
        assert "stop it" in caught.value.remedy
        assert everything(Store(tmp_path / "index")) == before
    finally:
        stop.set()
        process.join()
    with writer(store) as write:
        write.delete(["d1"])


def test_a_second_writer_in_a_thread_of_the_same_process_is_refused(tmp_path):
    store = filled(tmp_path / "index")
    told = []

    def attempt():
        try:
            with writer(Store(tmp_path / "index")):
                pass
        except LockedError as error:
            told.append(str(error))

    with writer(store):
        thread = threading.Thread(target=attempt)
        thread.start()
        thread.join()
    assert len(told) == 1


def test_what_an_interrupted_writer_left_is_swept(tmp_path):
    folder = tmp_path / "index"
    store = filled(folder)
    before = everything(store)
    names = sorted(path.name for path in folder.rglob("*") if "catalogue" not in path.name)
    orphan = folder / "segments" / "0123456789abcdef"
    orphan.mkdir()
    (orphan / "lexical.safetensors").write_bytes(b"half a file")
    inside = next(path for path in (folder / "segments").iterdir() if path != orphan)
    (inside / "dense-0000.safetensors").write_bytes(b"of an interrupted reencoding")
    (folder / "encoders" / ".halfmade").mkdir()
    assert examine(folder) == []
    with writer(store):
        pass
    left = sorted(path.name for path in folder.rglob("*") if "catalogue" not in path.name)
    assert left == names
    assert everything(Store(folder)) == before
