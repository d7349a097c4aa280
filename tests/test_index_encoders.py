"""The encoders of an index: fitted, given, swapped in whole, and refused."""

from dataclasses import replace

import numpy as np
import pytest

from everygrain.analyze import split
from everygrain.data import bundled
from everygrain.document import Document
from everygrain.encode.base import unit
from everygrain.encode.latent import Latent
from everygrain.engine import Index
from everygrain.errors import (
    EncoderMismatchError,
    ModelError,
    QueryError,
)
from everygrain.index import postings, vectors
from everygrain.measure import load
from everygrain.rank.weigh import unquestioned
from everygrain.refitting import is_due
from everygrain.segment.sentences import Sentences
from tests.encode.tiny_transformer import write_tiny_transformer
from tests.small_index import SMALL, columns


class Letters:
    """A vector of letter counts: `shift` makes another encoder of it."""

    dimensions = 26

    def __init__(self, shift=0, fails_on=None):
        self.shift, self.fails_on = shift, fails_on
        self.fingerprint = f"letters-{shift}"

    def encode(self, texts, kind="document"):
        rows = np.zeros((len(texts), 26))
        for row, text in zip(rows, texts, strict=True):
            if self.fails_on and self.fails_on in text:
                raise ModelError("The service is gone.", "Start it.")
            for letter in text.lower():
                if "a" <= letter <= "z":
                    row[(ord(letter) - 97) * (1 + self.shift) % 26] += 1
        return unit(rows)

    def save(self, folder):
        (folder / "encoder.json").write_text('{"kind": "letters"}')


@pytest.fixture(scope="module")
def papers():
    return load(bundled())


# encoders


def test_the_encoder_is_fitted_anew_when_the_collection_has_doubled(tmp_path, papers):
    documents = list(papers.documents())[:40]
    with Index(tmp_path / "i", encoder="latent") as index:
        index.add(documents[:10])
        first = index.store.fingerprint
        assert index.add(documents[10:15]).notes == []
        assert index.store.fingerprint == first
        report = index.add(documents[15:])
        assert any("fitted anew to 40" in note for note in report.notes)
        assert index.store.fingerprint != first
        assert index.doctor() == []


def test_words_split_once_give_the_fit_and_the_segment_that_words_split_twice_gave(
    tmp_path, papers, monkeypatch
):
    documents = [*list(papers.documents())[:60], *list(papers.documents())[5:9]]
    documents[60] = replace(documents[60], text="Another text, that wins.", title="Later")
    calls = []
    monkeypatch.setattr(vectors, "split", lambda texts: calls.append(len(texts)) or split(texts))
    with Index(tmp_path / "i", encoder="latent", language="en") as index:
        index.add(documents)
        kept = unquestioned(sorted(documents, key=lambda d: d.id), Sentences("en"))
        shortened = sum(document not in documents for document in kept)
        assert shortened
        assert calls[0] == 2 * (len(documents) + shortened)  # and not the documents once more
        words = vectors.joined_words(*vectors.split_fields(kept))
        assert index.store.fingerprint == Latent.unfitted("en").fit(words).fingerprint
        with index.store.reading() as snapshot:
            (segment,) = snapshot.segments
            order = {d.id: d for d in documents}
            fields = vectors.split_fields(list(order.values()))
            expected = postings.build(list(order), *fields, index.store.analyzer)
            assert len(calls) == 3
            for name, column in expected.items():
                assert segment.lexical[name].tobytes() == column.tobytes(), name


@pytest.mark.parametrize(
    ("then", "now", "due"),
    [(0, 0, True), (10, 19, False), (10, 20, True), (9_999, 19_998, True),
     (10_000, 99_999, False), (10_000, 100_000, True)],
)  # fmt: skip
def test_when_a_fit_has_become_old(then, now, due):
    assert is_due(then, now) is due


def test_another_encoder_is_swapped_in_whole(tmp_path):
    with Index(tmp_path / "i", encoder=Letters(), language="en") as index:
        index.add(SMALL)
        index.add([Document("d", "Zebras quiz wizards.")])
        old = index.store.fingerprint
        query = "zebra tree"
        before = columns(index.search(query, system="dense"))
        seen = []

        def look(_):
            with Index.open(tmp_path / "i") as reader:
                seen.append((reader.store.fingerprint, len(reader.search(query, system="lexical"))))

        index.reencode(Letters(shift=1), on_progress=look)
        assert seen == [(old, 3), (old, 3)]
        assert index.store.fingerprint == "letters-1" != old
        assert columns(index.search(query, system="dense")) != before
        index.reencode(Letters())
        assert columns(index.search(query, system="dense")) == before
        assert index.doctor() == []


def test_an_interrupted_swap_leaves_the_old_encoder(tmp_path):
    with Index(tmp_path / "i", encoder=Letters(), language="en") as index:
        index.add(SMALL[:2])
        index.add(SMALL[2:])
        before = columns(index.search("tree"))
        with pytest.raises(ModelError, match="The service is gone"):
            index.reencode(Letters(shift=1, fails_on="sentence"))
        assert index.store.fingerprint == "letters-0"
        assert columns(index.search("tree")) == before
        index.add([Document("d", "A lamp.")])
        assert index.doctor() == []


def test_an_index_may_lose_and_regain_its_dense_leg(tmp_path):
    with Index(tmp_path / "i", encoder="latent", language="en") as index:
        index.add(SMALL)
        before = columns(index.search("tree"))
        index.reencode("none")
        assert index.store.fingerprint is None
        assert set(index.search("tree")[0].legs) == {"lexical"}
        with pytest.raises(QueryError, match="no dense leg"):
            index.search("tree", system="dense")
        index.reencode("latent")
        assert columns(index.search("tree")) == before


def test_a_swap_in_a_collection_large_enough_to_weigh_weighs_anew(tmp_path, papers):
    with Index(tmp_path / "i", encoder="none") as index:
        index.add(papers.documents())
        index.reencode("latent")
        assert index.store.setting("fusion")["documents"] == 318


def test_an_encoder_that_was_given_is_given_again_to_open(tmp_path):
    with Index(tmp_path / "i", encoder=Letters(), language="en") as index:
        index.add(SMALL)
        before = columns(index.search("tree"))
    with Index(tmp_path / "i", encoder=Letters()) as index:
        assert columns(index.search("tree")) == before


def test_an_encoder_that_the_index_was_not_built_with_is_refused(tmp_path):
    with Index(tmp_path / "i", encoder=Letters(), language="en") as index:
        index.add(SMALL)
    with pytest.raises(EncoderMismatchError, match=r"letters-0.*letters-1") as caught:
        Index(tmp_path / "i", encoder=Letters(shift=1))
    assert "reencode" in caught.value.remedy
    with pytest.raises(EncoderMismatchError, match="not 'latent'"):
        Index(tmp_path / "i", encoder="latent")


# words


@pytest.fixture
def words(tmp_path, monkeypatch):
    """The name of a word encoder of a tiny transformer."""
    pytest.importorskip("sentence_transformers")
    monkeypatch.setenv("EVERYGRAIN_CACHE", str(tmp_path / "cache"))
    return f"words:4@{write_tiny_transformer(tmp_path)}"


ANIMALS = [
    Document("cat", "The cat runs in the garden.", "A red cat"),
    Document("dog", "A dog sees the house. The dog runs.", "A green dog"),
    Document("none", "?!"),
]


def test_words_by_name_are_made_with_the_first_documents_and_loaded_again(tmp_path, words):
    with Index(tmp_path / "i", encoder="none", words=words, language="en") as index:
        assert index.info()["words"] == {
            "name": words, "fingerprint": None, "dimensions": None, "words": 0,
        }  # fmt: skip
        assert index.search("red cat", system="late") == []
        index.add(ANIMALS)
        before = columns(index.search("red cat", system="late"))
        assert before[0][0] == "cat"
        assert set(before[0][3]) == {"lexical", "late"}
        told = index.info()["words"]
        assert told["dimensions"] == 4
        assert told["fingerprint"] == index.store.setting("words")
        assert index.doctor() == []
    with Index(tmp_path / "i", words=words) as index:
        assert columns(index.search("red cat", system="late")) == before
        index.add([Document("cat", "A bird.")])
        index.add(ANIMALS[:1])
        assert columns(index.search("red cat", system="late")) == before
        index.reword("none")
        with pytest.raises(QueryError, match="no word vectors"):
            index.search("red cat", system="late")
        index.reword(words)
        assert columns(index.search("red cat", system="late")) == before
        assert index.doctor() == []


def test_another_name_for_words_is_an_error_that_names_both(tmp_path, words):
    with Index(tmp_path / "i", encoder="none", words="words:2", language="en"):
        pass
    with Index(tmp_path / "i", words=words) as index:  # nothing was encoded by the other one
        index.add(ANIMALS)
    with pytest.raises(
        EncoderMismatchError, match=rf"'{words}' \(words-4.*not 'words:2'"
    ) as caught:
        Index(tmp_path / "i", words="words:2")
    assert "--words words:2" in caught.value.remedy


def test_words_for_an_empty_index_wait_for_its_first_documents(tmp_path, words):
    with Index(tmp_path / "i", encoder="none") as index:
        index.reword(words)
        assert index.store.setting("words") is None
        index.add(ANIMALS)
        assert index.search("red cat", system="xtr")[0].id == "cat"
