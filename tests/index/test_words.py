"""The words of an index: stored per segment, merged, swapped in one commit, found when damaged."""

import shutil
import sqlite3

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from everygrain.document import Document
from everygrain.encode.words.base import Bags
from everygrain.engine import Index
from everygrain.errors import EncoderMismatchError, ModelError, QueryError, StoredIndexError
from everygrain.index import words
from everygrain.index.describe import describe
from everygrain.index.doctor import examine, repair
from everygrain.index.store import Store
from everygrain.index.writer import writer

from .encoders import BagHash, WordHash, word_hash
from .making import found, made, opened

TEXTS = ["red apple", "", "the pear of the red apple", "plum", "quince quince pear"]
QUERIES = ["apple", "red pear plum", '"red apple"']


def documents(count=12, first=0):
    return [
        Document(f"d{i}", f"{TEXTS[i % len(TEXTS)]} {i}", f"Title {i % 3}", {"year": i % 4})
        for i in range(first, first + count)
    ]


GIVEN = BagHash()


def filled(folder, bags=GIVEN):
    """Make an index of two segments with dead places, with word vectors."""
    store = made(folder, words=bags)
    with writer(store) as write:
        write.add(documents())
        write.add([Document("d1", "changed red apple"), Document("new", "plum pear")])
        write.delete(["d2", "d3"])
    return store


def everything(store):
    return [found(store, system, QUERIES, [3, 100], [None, "year > 1"]) for system in
            ("lexical", "late", "xtr")]  # fmt: skip


def told(bags):
    """Return bags as lists: [[(word, vector), ...], ...]."""
    pairs = list(zip(bags.words.tolist(), bags.vectors.tolist(), strict=True))
    return [pairs[a:b] for a, b in zip(bags.offsets[:-1], bags.offsets[1:], strict=True)]


@pytest.fixture
def known(monkeypatch):
    """Let the tests' word encoder be loaded, as those of the program are."""
    monkeypatch.setattr("everygrain.encode.words.load", lambda folder: BagHash())


# arrays


@given(st.lists(st.lists(st.sampled_from("abctxyz"), max_size=6).map(" ".join), max_size=9),
       st.lists(st.booleans(), min_size=9, max_size=9))  # fmt: skip
def test_merged_words_are_those_of_the_documents_that_live(texts, lives):
    parts = [texts[:3], texts[3:4], texts[4:]]
    arrays, start = [], 0
    for part in parts:
        live = np.array(lives[start : start + len(part)], dtype=bool)
        start += len(part)
        if part:
            batch = [Document("x", text) for text in part]
            arrays.append((words.build(batch, BagHash()), live))
    if arrays:
        merged = words.merge(arrays)
        left = [text for text, live in zip(texts, lives, strict=False) if live]
        assert words.is_sound(merged, len(left))
        assert told(Bags(**merged)) == told(BagHash().encode_bags(left))


def test_a_bag_covers_the_title_and_the_whole_text():
    long = " ".join(f"w{i}" for i in range(5000))
    arrays = words.build([Document("a", f"{long} last", "First")], BagHash())
    held = set(arrays["words"].tolist())
    assert {word_hash("first"), word_hash("w0"), word_hash("w4999"), word_hash("last")} <= held


def test_documents_in_any_number_of_blocks_give_the_same_arrays(monkeypatch):
    whole = words.build(documents(30), BagHash())
    monkeypatch.setattr(words, "_AT_ONCE", 7)
    parts = words.build(documents(30), BagHash())
    assert {n: a.tobytes() for n, a in whole.items()} == {n: a.tobytes() for n, a in parts.items()}


def test_bags_of_chosen_documents_are_copied_in_their_order(tmp_path):
    store = filled(tmp_path / "index")
    with store.reading() as snapshot:
        held = store.catalogue.fetch(snapshot.document_ids(np.arange(snapshot.size)))
        live = np.flatnonzero(snapshot.live)
        for chosen in (live, live[::-1], live[[3, 0, 3]], live[:1], live[:0]):
            texts = [held[i] for i in snapshot.document_ids(chosen)]
            expected = BagHash().encode_bags([f"{d.title} {d.text}" for d in texts])
            assert told(snapshot.bags(chosen)) == told(expected)


@pytest.mark.parametrize(
    "bags",
    [
        Bags(np.zeros(2, np.uint32), np.zeros((2, 6), np.int8), np.array([0, 3, 2])),
        Bags(np.zeros(2, np.uint32), np.zeros((2, 6), np.int8), np.array([0, 2])),
        Bags(np.zeros(2, np.uint32), np.zeros((3, 6), np.int8), np.array([0, 1, 2])),
        Bags(np.zeros(2, np.uint32), np.zeros((2, 6), np.float32), np.array([0, 1, 2])),
        Bags(np.zeros(2, np.uint32), np.zeros((2, 5), np.int8), np.array([0, 1, 2])),
    ],
)
def test_an_encoder_that_breaks_its_contract_is_named(bags):
    class Broken(BagHash):
        def encode_bags(self, texts, kind="document"):
            return bags

    with pytest.raises(ModelError, match="bag-hash-6-0 gave bags that do not fit 2 texts"):
        words.build(documents(2), Broken())


# an index with and without


def test_words_are_a_file_of_each_segment_and_told_with_their_bytes(tmp_path):
    with_words, without = filled(tmp_path / "with"), filled(tmp_path / "without", None)
    with with_words.reading() as snapshot:
        report = describe(with_words, snapshot)
        held = sum(len(s.words["words"]) for s in snapshot.segments)
    assert report["words"] == {
        "name": "given", "fingerprint": "bag-hash-6-0", "dimensions": 6, "words": held,
    }  # fmt: skip
    offsets = sum(8 * (segment["documents"] + 1) for segment in report["segments"])
    assert report["legs"]["words"] == held * (4 + 6) + offsets
    with without.reading() as snapshot:
        plain = describe(without, snapshot)
    assert plain["legs"] == report["legs"] | {"words": 0}
    grown = report["bytes"]["segments"] - plain["bytes"]["segments"]
    assert report["legs"]["words"] <= grown < report["legs"]["words"] + 1000


def test_an_index_without_words_says_what_is_missing(tmp_path):
    store = filled(tmp_path / "index", None)
    for system in ("late", "xtr"):
        [(*_, said)] = found(store, system, ["apple"], [5])
        assert "no word vectors" in said
        assert "--words" in said


def test_words_are_swapped_whole_and_back_to_the_last_bit(tmp_path):
    folder = tmp_path / "index"
    store = filled(folder)
    before = everything(store)
    with writer(store) as write:
        seen = []
        write.set_words(BagHash(1), "given", lambda _: seen.append(store.setting("words")))
        assert seen == ["bag-hash-6-0"] * 2
    other = everything(store)
    assert other[0] == before[0]
    assert other[1] != before[1]
    with writer(store) as write:
        write.set_words(None, "none")
        write.set_encoder(WordHash(), "given")
        write.set_words(BagHash(), "given")
    assert examine(folder) == []
    with writer(store) as write:
        write.set_encoder(None, "none")
    assert everything(store) == before
    files = {path.name for path in (folder / "segments").rglob("*.safetensors")}
    with writer(store):
        pass
    kept = {path.name for path in (folder / "segments").rglob("*.safetensors")}
    assert kept < files
    assert examine(folder) == []
    assert everything(opened(folder, words=BagHash())) == before


def test_a_swap_that_fails_leaves_the_words_as_they_were(tmp_path):
    class Failing(BagHash):
        def encode_bags(self, texts, kind="document"):
            if any("changed" in text for text in texts):
                raise ModelError("The model is gone.", "Get it.")
            return super().encode_bags(texts, kind)

    store = filled(tmp_path / "index")
    before = everything(store)
    with pytest.raises(ModelError, match="gone"), writer(store) as write:
        write.set_words(Failing(1), "given")
    assert everything(store) == before
    with writer(store):
        pass
    assert examine(tmp_path / "index") == []


# the schema before


def as_of_schema_1(folder):
    """Make an index without words what the program before words wrote."""
    catalogue = sqlite3.connect(folder / "catalogue.db")
    catalogue.execute("DELETE FROM settings WHERE key IN ('words', 'words_spec')")
    catalogue.execute("PRAGMA user_version = 1")
    catalogue.commit()
    catalogue.close()


def test_an_index_of_the_schema_before_is_read_as_it_is_and_raised_by_the_first_writer(tmp_path):
    folder = tmp_path / "index"
    filled(folder, None).close()
    as_of_schema_1(folder)
    reader = Store(folder)
    before = found(reader, "lexical", QUERIES, [100])
    assert examine(folder) == []
    with reader.reading() as snapshot:
        report = describe(reader, snapshot)
    assert report["schema"] == 1
    assert report["words"]["name"] == "none"
    store = Store(folder)
    with writer(store):
        pass
    assert store.catalogue.schema == 2
    assert found(reader, "lexical", QUERIES, [100]) == before
    with writer(store) as write:
        write.set_words(BagHash(), "given")
    reader.use_words(BagHash())
    fresh = filled(tmp_path / "fresh")
    assert everything(reader) == everything(fresh)
    assert examine(folder) == []


def test_an_index_of_the_schema_before_opens_and_takes_words_by_its_name(tmp_path):
    folder = tmp_path / "index"
    filled(folder, None).close()
    as_of_schema_1(folder)
    with Index(folder) as index:
        assert index.search("apple")
        with pytest.raises(EncoderMismatchError, match=r"'none' \(without words\), not 'words:4'"):
            Index(folder, words="words:4")
        with pytest.raises(EncoderMismatchError, match="holds no words yet") as caught:
            Index(folder, words=BagHash())
        assert "reword" in caught.value.remedy
        index.reword(BagHash())
        assert index.search("apple", system="late")
    with Index(folder, words=BagHash()) as index:
        assert index.search("apple", system="xtr")
    with pytest.raises(EncoderMismatchError, match=r"bag-hash-6-0.*bag-hash-6-1") as caught:
        Index(folder, words=BagHash(1))
    assert "--words" in caught.value.remedy


def test_a_name_that_is_no_word_encoders_makes_nothing(tmp_path):
    with pytest.raises(QueryError, match="word encoder 'wordz'"):
        Index(tmp_path / "index", encoder="none", words="wordz")
    assert not (tmp_path / "index").exists()


# damage


def test_damaged_words_are_told_found_and_repaired_to_the_last_bit(tmp_path, known):
    folder, spare = tmp_path / "index", tmp_path / "spare"
    store = filled(folder)
    before = everything(store)
    store.close()
    shutil.copytree(folder, spare)
    paths = sorted(path.relative_to(spare) for path in spare.rglob("segments/*/words-*"))
    assert len(paths) == 2
    for name in paths:
        whole = (spare / name).read_bytes()
        header = 8 + int.from_bytes(whole[:8], "little")
        flipped = bytearray(whole)
        flipped[header - 4] ^= 0x41
        changed = bytearray(whole)
        changed[-1] ^= 0x41
        for content in (None, b"", whole[:-1], bytes(flipped), bytes(changed)):
            shutil.rmtree(folder)
            shutil.copytree(spare, folder)
            (folder / name).unlink()
            if content is not None:
                (folder / name).write_bytes(content)
            if content == bytes(changed):  # only a checksum tells
                everything(Store(folder))
            else:
                with pytest.raises(StoredIndexError, match=name.parts[1]) as caught:
                    everything(Store(folder))
                assert "doctor" in caught.value.remedy
            assert [finding.segment for finding in examine(folder)] == [name.parts[1]]
            assert repair(folder) == []
            assert everything(Store(folder)) == before


def test_offsets_that_are_no_offsets_are_damage(tmp_path):
    store = filled(tmp_path / "index")
    with store.reading() as snapshot:
        arrays = dict(snapshot.segments[0].words)
        size = len(snapshot.segments[0])
    assert words.is_sound(arrays, size)
    assert not words.is_sound(arrays, size + 1)
    for at, value in ((0, 1), (1, 2**60), (2, -1), (-1, 10**6)):
        wrong = arrays["offsets"].copy()
        wrong[at] = value
        assert not words.is_sound(arrays | {"offsets": wrong}, size)
    assert not words.is_sound(arrays | {"vectors": arrays["vectors"].astype(np.float32)}, size)
    assert not words.is_sound(arrays | {"words": arrays["words"][:-1]}, size)


def test_a_missing_word_encoder_and_missing_words_are_found(tmp_path):
    folder = tmp_path / "index"
    filled(folder).close()
    kept = folder / "encoders"
    kept.rename(tmp_path / "aside")
    [finding] = examine(folder)
    assert "bag-hash-6-0 is missing" in finding.problem
    assert "--words" in finding.remedy
    with pytest.raises(ModelError, match="word encoder"):
        everything(Store(folder))
    (tmp_path / "aside").rename(kept)
    catalogue = sqlite3.connect(folder / "catalogue.db")
    catalogue.execute("UPDATE settings SET value = '\"another\"' WHERE key = 'words'")
    catalogue.commit()
    catalogue.close()
    problems = [finding.problem for finding in examine(folder)]
    assert "Some segments hold the words of another word encoder, or none." in problems
