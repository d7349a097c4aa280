"""No text is encoded twice by a slow encoder, whoever asks."""

import json
import multiprocessing
import threading
from collections import Counter

import numpy as np
import pytest

from everygrain.encode.base import Encoder, WordEncoder, unit
from everygrain.encode.cache import Cached, cache_folder
from everygrain.errors import StorageError


class Counting:
    """An encoder that counts what it was asked; its vectors tell the text and the call."""

    def __init__(self, fingerprint="counting-1", dimensions=3):
        self.fingerprint = fingerprint
        self.dimensions = dimensions
        self.asked = Counter()
        self.sizes = []

    def encode(self, texts, kind="document"):
        self.asked.update((text, kind) for text in texts)
        self.sizes.append(len(texts))
        rows = [[len(text), sum(map(ord, text)), kind == "query"] for text in texts]
        return unit(np.array(rows, dtype=np.float32)[:, : self.dimensions])

    def save(self, folder):
        (folder / "encoder.json").write_text(json.dumps({"kind": "counting"}))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deep" / "vectors.db"


def test_nothing_is_encoded_twice(path):
    slow = Counting()
    cached = Cached(slow, path)
    first = cached.encode(["a", "bb", "a", "ccc"])
    second = cached.encode(["ccc", "dd", "a"])
    assert max(slow.asked.values()) == 1
    assert set(slow.asked) == {(text, "document") for text in ("a", "bb", "ccc", "dd")}
    assert first.tobytes() == slow.encode(["a", "bb", "a", "ccc"]).tobytes()
    assert second.tobytes() == slow.encode(["ccc", "dd", "a"]).tobytes()


def test_a_query_and_a_document_of_the_same_words_are_two_texts(path):
    slow = Counting()
    cached = Cached(slow, path)
    assert cached.encode(["a"]).tobytes() != cached.encode(["a"], "query").tobytes()
    assert slow.asked == {("a", "document"): 1, ("a", "query"): 1}


def test_what_is_kept_survives_reopening(path):
    first = Cached(Counting(), path).encode(["a", "bb"])
    slow = Counting()
    assert Cached(slow, path).encode(["bb", "a"]).tobytes() == first[::-1].tobytes()
    assert not slow.asked


def test_another_fingerprint_has_vectors_of_its_own(path):
    Cached(Counting(), path).encode(["a"])
    slow = Counting("counting-2")
    Cached(slow, path).encode(["a"])
    assert slow.asked == {("a", "document"): 1}


def test_a_vector_of_another_length_is_not_used(path):
    Cached(Counting(), path).encode(["a"])
    slow = Counting(dimensions=2)
    assert Cached(slow, path).encode(["a"]).shape == (1, 2)
    assert slow.asked == {("a", "document"): 1}


def test_an_interrupted_job_loses_no_more_than_a_batch(path):
    class Interrupted(Counting):
        def encode(self, texts, kind="document"):
            if len(self.sizes) == 2:
                raise KeyboardInterrupt
            return super().encode(texts, kind)

    texts = [f"text {i}" for i in range(1000)]
    slow = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        Cached(slow, path).encode(texts)
    assert slow.sizes == [256, 256]
    again = Counting()
    Cached(again, path).encode(texts)
    assert sum(again.asked.values()) == 1000 - 512
    assert not set(again.asked) & set(slow.asked)


def test_nothing_in_gives_nothing_out(path):
    assert Cached(Counting(), path).encode([]).shape == (0, 3)


def test_a_cached_encoder_is_an_encoder_and_tells_what_the_one_behind_tells(path, tmp_path):
    cached = Cached(Counting(), path)
    assert isinstance(cached, Encoder)
    assert not isinstance(cached, WordEncoder)
    assert (cached.fingerprint, cached.dimensions) == ("counting-1", 3)
    cached.save(tmp_path)
    assert (tmp_path / "encoder.json").exists()


def damage_header(path):
    path.write_bytes(b"this was never a database, " * 400)


def damage_pages(path):
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [damage_header, damage_pages])
def test_a_damaged_file_is_a_clear_error(path, damage):
    cached = Cached(Counting(), path)
    cached.encode([f"text {i}" for i in range(500)])
    cached._connection.close()
    damage(path)
    with pytest.raises(StorageError, match=r"vectors\.db cannot be used") as caught:
        Cached(Counting(), path).encode([f"text {i}" for i in range(500)])
    assert "Delete the file" in caught.value.remedy


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="EVERYGRAIN_CACHE"):
        Cached(Counting(), tmp_path / "file" / "vectors.db").encode(["a"])


def test_threads_may_share_a_cached_encoder(path):
    cached = Cached(Counting(), path)
    problems = []

    def work(name):
        try:
            for i in range(60):
                texts = [f"{name} {i}", f"common {i}"]
                assert cached.encode(texts).tobytes() == Counting().encode(texts).tobytes()
        except BaseException as problem:
            problems.append(problem)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems


def encode_in_a_process(path, name, answers):
    texts = [f"{name} {i}" for i in range(40)] + [f"common {i}" for i in range(40)]
    cached = Cached(Counting(), path)
    rows = [cached.encode([text]) for text in texts]
    answers.put(np.concatenate(rows).tobytes() == Counting().encode(texts).tobytes())


def test_processes_may_share_the_file(path):
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    workers = [
        context.Process(target=encode_in_a_process, args=(path, name, answers)) for name in "ab"
    ]
    for worker in workers:
        worker.start()
    assert [answers.get(timeout=60) for _ in workers] == [True, True]
    for worker in workers:
        worker.join()
    slow = Counting()
    Cached(slow, path).encode([f"{name} {i}" for name in ("a", "b", "common") for i in range(40)])
    assert not slow.asked


def test_the_users_folder_is_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("EVERYGRAIN_CACHE", str(tmp_path / "own"))
    assert cache_folder() == tmp_path / "own"
    monkeypatch.delenv("EVERYGRAIN_CACHE")
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "everygrain"
