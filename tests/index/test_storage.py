"""What an index does when the disk, its files or its input are not as they should be."""

import multiprocessing
import shutil
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from everygrain.analyze import split
from everygrain.document import Document
from everygrain.encode.latent import Latent
from everygrain.engine import Index
from everygrain.errors import (
    EncoderMismatchError,
    EverygrainError,
    InputError,
    LockedError,
    StorageError,
    StoredIndexError,
)
from everygrain.index import content
from everygrain.index.doctor import examine, repair
from everygrain.index.files import read_arrays
from everygrain.index.store import Store
from everygrain.index.writer import writer
from everygrain.rank.legs import Views

from .encoders import WordHash
from .making import found, made, opened

SYSTEMS = ("lexical", "dense", "hybrid")
QUERIES = ["apple", "red pear plum", '"red apple"', "quince 3"]
TEXTS = ["red apple", "pear of the red apple", "plum", "quince quince pear", "sweet red plum", ""]


def documents(count=24, first=0):
    return [
        Document(f"d{i}", f"{TEXTS[i % len(TEXTS)]} {i}", f"Title {i % 5}", {"year": i % 4})
        for i in range(first, first + count)
    ]


def latent():
    return Latent.unfitted("en").fit(split([f"{t} {i}" for i, t in enumerate(TEXTS * 3)]))


def filled(folder, count=24):
    """Make an index of two segments with dead places and an encoder that is kept on disk."""
    store = made(folder, latent())
    with writer(store) as write:
        write.add(documents(count))
        write.add([Document("d1", "changed red apple"), Document("new", "plum pear")])
        write.delete(["d2", "d3"])
    return store


def everything(store):
    return [found(store, system, QUERIES, [3, 100], [None, "year > 1"]) for system in SYSTEMS]


def outcome(function, *arguments):
    """Return what a call gives, or the error of ours that it raises; any other goes through."""
    try:
        return function(*arguments)
    except EverygrainError as error:
        return error


def run_elsewhere(program, *arguments):
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip


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


# damaged files


def segment_files(folder):
    return sorted((folder / "segments").rglob("*.safetensors"))


def damage_cases(path):
    """Yield (what, how a file is damaged)."""
    whole = path.read_bytes()
    header = 8 + int.from_bytes(whole[:8], "little")
    yield "missing", None
    yield "empty", b""
    yield "cut in the middle", whole[: len(whole) // 2]
    yield "one byte short", whole[:-1]
    yield "one byte long", whole + b"x"
    for at in (0, 7, 8, 20, header // 2, header - 1, header, (header + len(whole)) // 2, -1):
        flipped = bytearray(whole)
        flipped[at] ^= 0x41
        yield f"flipped at {at} of {len(whole)}", bytes(flipped)


@pytest.mark.parametrize("which", range(4))
def test_a_damaged_file_is_told_found_and_repaired_to_the_last_bit(tmp_path, which):
    folder, spare = tmp_path / "index", tmp_path / "spare"
    store = filled(folder)
    before = everything(store)
    store.close()
    shutil.copytree(folder, spare)
    name = segment_files(folder)[which].relative_to(folder)
    for what, content_of in damage_cases(spare / name):
        shutil.rmtree(folder)
        shutil.copytree(spare, folder)
        if content_of is None:
            (folder / name).unlink()
        else:
            (folder / name).write_bytes(content_of)
        searched = outcome(lambda: everything(Store(folder)))
        if isinstance(searched, StoredIndexError):
            assert name.parts[1] in str(searched), what
            assert "doctor" in searched.remedy
        else:  # a flipped byte within an array shows in nothing but what it changes
            assert "flipped" in what
            assert len(searched) == len(before)
        findings = examine(folder)
        assert [f.segment for f in findings] == [name.parts[1]], what
        assert all("--repair" in finding.remedy for finding in findings)
        assert repair(folder) == [], what
        assert everything(Store(folder)) == before, what


def test_every_byte_of_a_header_may_be_flipped_and_only_our_errors_come(tmp_path):
    store = filled(tmp_path / "index", count=6)
    store.close()
    path = segment_files(tmp_path / "index")[0]
    whole = path.read_bytes()
    header = 8 + int.from_bytes(whole[:8], "little")
    copy = tmp_path / path.name
    for at in range(header):
        flipped = bytearray(whole)
        flipped[at] ^= 1 << at % 8
        copy.write_bytes(flipped)
        read = outcome(read_arrays, copy)
        assert isinstance(read, dict) or path.name in str(read)


def test_nonsense_in_an_array_is_told_as_damage_where_a_search_stumbles_over_it(tmp_path):
    store = filled(tmp_path / "index")
    store.close()
    for path in segment_files(tmp_path / "index"):
        if path.name.startswith("lexical"):
            whole = bytearray(path.read_bytes())
            header = 8 + int.from_bytes(whole[:8], "little")
            whole[header:] = b"\xff" * (len(whole) - header)
            path.write_bytes(whole)
    index = Index.open(tmp_path / "index")
    with pytest.raises(StoredIndexError, match="damaged"):
        index.search("red apple")
    assert examine(tmp_path / "index")


def test_a_damaged_catalogue_is_told_with_what_to_do(tmp_path):
    folder = tmp_path / "index"
    filled(folder, count=400).close()
    catalogue = folder / "catalogue.db"
    whole = catalogue.read_bytes()
    told = 0
    for start in range(0, len(whole), 4096 * 3):
        damaged = bytearray(whole)
        damaged[start : start + 4096] = b"\x5a" * min(4096, len(whole) - start)
        catalogue.write_bytes(damaged)
        findings = outcome(examine, folder)
        if isinstance(findings, EverygrainError):
            assert "catalogue" in str(findings)
            findings = [findings]
        told += bool(findings)
        assert all(finding.remedy for finding in findings)
        searched = outcome(lambda: everything(Store(folder)))
        assert isinstance(searched, list) or searched.remedy
    assert told >= len(range(0, len(whole), 4096 * 3)) - 2  # a page may be free


def test_a_text_changed_behind_our_back_is_found(tmp_path):
    store = filled(tmp_path / "index")
    catalogue = sqlite3.connect(tmp_path / "index" / "catalogue.db")
    catalogue.execute("UPDATE texts SET text = text || '!' WHERE title = 'Title 4'")
    catalogue.commit()
    catalogue.close()
    [finding] = examine(tmp_path / "index")
    assert "'d4'" in finding.problem
    assert "again" in finding.remedy
    store.close()


def test_a_missing_encoder_is_found_and_lexical_search_goes_on(tmp_path):
    store = filled(tmp_path / "index")
    store.close()
    shutil.rmtree(tmp_path / "index" / "encoders")
    [finding] = examine(tmp_path / "index")
    assert "encoder" in finding.problem
    assert "reencode" in finding.remedy
    with Index.open(tmp_path / "index") as index:
        assert index.search("red apple", system="lexical")
        with pytest.raises(EverygrainError, match="reencode"):
            index.search("red apple", system="dense")


# strange documents


@pytest.fixture
def index(tmp_path):
    with Index(tmp_path / "index", encoder=WordHash(), language="en") as made_here:
        made_here.store.use_encoder(WordHash())
        yield made_here


def test_strange_ids_and_texts_come_back_as_they_were(index):
    strange = [
        Document(" leading and  double ", "apple"),
        Document("a/b\\c/../d", "apple"),
        Document("'; DROP TABLE documents; --", "apple"),
        Document("é\u0301😀", "apple \x00 after NUL", "title\x00nul"),
        Document("x" * 2048, "apple"),
        Document("%s{}$1*?", "apple\r\nwith\tall\u2028of it\ufeff"),
    ]
    assert index.add(strange).added == len(strange)
    hits = index.search("apple", k=10)
    assert sorted(hit.id for hit in hits) == sorted(d.id for d in strange)
    for document in strange:
        assert index.get(document.id) == document
    assert index.add(strange).unchanged == len(strange)
    index.compact()
    assert index.doctor() == []
    assert index.delete([d.id for d in strange]).deleted == len(strange)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("", "text"), "id is empty"),
        (("x" * 10_000, "text"), "10,000 characters"),
        (("a\x00b", "text"), "NUL"),
        (("a\nb", "text"), "line break"),
        (("a", "lone \ud800"), "surrogate"),
        (("a\udfff", "text"), "surrogate"),
        (("a", "text", "title \ud800"), "surrogate"),
    ],
)
def test_a_document_that_could_not_be_found_again_is_refused(arguments, told):
    with pytest.raises(InputError, match=told):
        Document(*arguments)


def test_of_two_documents_with_one_id_the_last_wins_and_it_is_said(index):
    report = index.add([Document("a", "apple"), Document("b", "pear"), Document("a", "plum")])
    assert (report.added, report.repeated) == (2, ["a"])
    assert index.get("a").text == "plum"
    assert [hit.id for hit in index.search("plum", system="lexical")] == ["a"]
    assert not index.search("apple", system="lexical")


def test_unchanged_documents_are_not_indexed_again(index):
    batch = documents(10)
    index.add(batch)
    segments = {path.name for path in (index.folder / "segments").iterdir()}
    generation = index.store.setting("generation")
    report = index.add(reversed(batch))
    assert (report.unchanged, report.added, report.updated) == (10, 0, 0)
    assert {path.name for path in (index.folder / "segments").iterdir()} == segments
    assert index.store.setting("generation") == generation
    same = Document("d1", batch[1].text, batch[1].title, dict(reversed(batch[1].metadata.items())))
    assert index.add([same]).unchanged == 1


def test_a_change_of_title_or_metadata_alone_is_a_change(index):
    index.add([Document("a", "text", "title", {"year": 1})])
    assert index.add([Document("a", "text", "title", {"year": 2})]).updated == 1
    assert index.add([Document("a", "text", "other", {"year": 2})]).updated == 1
    assert index.add([Document("a", "textother", "", {"year": 2})]).updated == 1
    assert [hit.id for hit in index.search("textother", where="year = 2")] == ["a"]


def nested(depth):
    value = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), {1, 2}, b"bytes", object(), "\ud800", ["\udfff"], nested(100),
     nested(1500), nested(100_000)],
    ids=["nan", "infinity", "set", "bytes", "object", "surrogate", "surrogate in a list",
         "101 deep", "1,500 deep", "100,000 deep"],
)  # fmt: skip
def test_metadata_that_json_cannot_hold_is_rejected_and_the_rest_goes_on(index, value):
    report = index.add([Document("bad", "apple", metadata={"k": value}), Document("good", "apple")])
    assert report.added == 1
    [(identity, reason)] = report.rejected
    assert identity == "bad"
    assert "metadata" in reason
    assert "JSON" in reason
    assert [hit.id for hit in index.search("apple")] == ["good"]
    assert index.info()["fields"] == {}


def test_metadata_at_the_limit_is_filtered(index):
    index.add([Document("deep", "apple", metadata={"k": nested(99), "n": 10**40, "é\x00": "\x00"})])
    assert [hit.id for hit in index.search("apple", where="exists k and n > 1")] == ["deep"]
    assert index.doctor() == []


def test_metadata_with_keys_that_are_no_strings_keeps_its_hash(index):
    batch = [Document("a", "apple", metadata={10: "x", 9: "y", None: 1, True: 2})]
    assert index.add(batch).added == 1
    assert index.add(batch).unchanged == 1
    assert index.doctor() == []


def test_a_document_too_large_for_the_catalogue_is_rejected_alone(index, monkeypatch):
    monkeypatch.setattr(content, "LARGEST", 1000)
    report = index.add([Document("large", "apple " * 200), Document("small", "apple")])
    assert report.added == 1
    assert report.rejected[0][0] == "large"
    assert "Divide" in report.rejected[0][1]


@pytest.mark.slow
def test_a_text_of_50_megabytes_is_indexed_and_found(tmp_path):
    with Index(tmp_path / "index", encoder="none", language="en") as index:
        words = " ".join(f"word{i % 5000}" for i in range(5_700_000))
        text = f"{words} needle in it."
        assert len(text) > 50_000_000
        index.add([Document("large", text), Document("small", "a needle")])
        hits = index.search("needle", system="lexical")
        assert {hit.id for hit in hits} == {"large", "small"}
        assert index.get("large").text == text
        with index.store.reading() as snapshot:
            assert int(snapshot.postings("word7").text_counts[0]) == 1140
            assert index.doctor() == []


# nothing, and more than there is


def test_an_empty_index_gives_no_hits_and_no_errors(index):
    for system in SYSTEMS:
        assert index.search("anything", system=system) == []
        assert index.search("anything", system=system, grain="sentence") == []
        assert index.search("", system=system) == []
        assert index.search("anything", system=system, where="year = 1") == []
    assert len(index) == 0
    assert index.doctor() == []
    index.compact()
    assert index.delete(["nothing"]).deleted == 0
    assert index.info()["documents"] == 0


def test_an_index_whose_documents_are_all_deleted_is_empty_and_can_be_filled_again(index):
    index.add(documents(20))
    assert index.delete([d.id for d in documents(20)]).deleted == 20
    for system in SYSTEMS:
        assert index.search("red apple", system=system) == []
        assert index.search("red apple", system=system, where="year = 1") == []
    assert not list((index.folder / "segments").iterdir())
    assert index.doctor() == []
    index.add(documents(3, first=50))
    assert len(index.search("title", k=10)) == 3


def test_documents_without_a_single_word_are_held_and_never_found_by_words(index):
    index.add([Document("empty", ""), Document("stop", "the of and"), Document("marks", "?! ...")])
    assert len(index) == 3
    assert index.search("the", system="lexical") == []
    index.compact()
    assert index.doctor() == []
    index.add([Document("word", "apple")])
    assert [hit.id for hit in index.search("apple", system="lexical")] == ["word"]


def test_more_results_than_documents_are_all_documents_once(index):
    index.add(documents(20))
    for system in SYSTEMS:
        ids = [hit.id for hit in index.search("title", k=1000, system=system)]
        assert sorted(ids) == sorted(d.id for d in documents(20))


def test_filters_are_exact_in_every_system(tmp_path):
    store = filled(tmp_path / "index", count=60)
    held = {d.id: d for d in documents(60)} | {
        "d1": Document("d1", "changed red apple"),
        "new": Document("new", "plum pear"),
    }
    del held["d2"], held["d3"]
    views = Views(store)
    for year in range(5):
        allowed = {i for i, d in held.items() if d.metadata.get("year") == year}
        for system in SYSTEMS:
            [(*_, everyone, _, _)] = found(store, system, ["red apple title"], [1000], views=views)
            [(*_, some, _, _)] = found(
                store, system, ["red apple title"], [1000], [f"year = {year}"], views
            )
            [(*_, first, _, _)] = found(
                store, system, ["red apple title"], [3], [f"year = {year}"], views
            )
            assert set(some) <= allowed
            if system != "hybrid":  # whose scores are relative to the best that the filter allows
                assert some == [identity for identity in everyone if identity in allowed]
                assert first == some[:3]
            if system == "dense":
                assert set(some) == allowed


def test_an_index_opened_while_another_process_compacts_reads_one_generation(tmp_path):
    store = filled(tmp_path / "index")
    reader = opened(tmp_path / "index")
    with reader.reading() as snapshot:
        before = snapshot.document_ids(snapshot.live.nonzero()[0])
        with writer(store) as write:
            write.add([Document("later", "apple")])
            write.compact()
        assert snapshot.document_ids(snapshot.live.nonzero()[0]) == before
        assert [d.id for d in reader.catalogue.fetch(["later"]).values()] == []
        assert len(snapshot.postings("appl").documents)
    with reader.reading() as snapshot:
        assert len(snapshot.segments) == 1
        assert "later" in snapshot.document_ids(snapshot.live.nonzero()[0])


def test_a_reencoding_back_and_forth_leaves_a_reader_its_files(tmp_path):
    store = made(tmp_path / "index", WordHash(0))
    with writer(store) as write:
        write.add(documents())
        reader = opened(tmp_path / "index", WordHash(0))
        with reader.reading() as snapshot:
            vectors = snapshot.segments[0].dense["vectors"]
            before = vectors.copy()
            write.set_encoder(WordHash(1), "given")
            write.set_encoder(WordHash(0), "given")
            assert (vectors == before).all()
    assert examine(tmp_path / "index") == []
