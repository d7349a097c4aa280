"""However an index came to hold its documents, it gives what a fresh one would, bit for bit."""

import random
import tempfile
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from everygrain.analyze import Analyzer, split
from everygrain.document import Document
from everygrain.encode.latent import Latent
from everygrain.index import writer as writing_module
from everygrain.index.doctor import examine
from everygrain.index.writer import plan_merge, writer
from everygrain.rank import words_leg
from everygrain.rank.legs import Views

from .encoders import BagHash, WordHash
from .making import found, made, opened

WORDS = ["red", "apple", "apples", "pear", "the", "of", "sweet", "naïve", "梨"]
WORD_ENCODERS = [BagHash(0), BagHash(1), None]

QUERIES = [
    "apple",
    "red pear the",
    "sweet sweet apple naïve 梨",
    '"red apple"',
    '"pear of the red" apple',
    "unheard",
    "",
]
KS = [1, 2, 5, 1000]
FILTERS = [None, "year >= 2", 'kind = "x" and year < 3', "not exists kind"]

texts = st.lists(st.sampled_from(WORDS), max_size=5).map(" ".join)
long_texts = st.lists(
    st.lists(st.sampled_from(WORDS), min_size=3, max_size=8).map(lambda w: " ".join(w) + "."),
    min_size=3,
    max_size=7,
).map(" ".join)
metadata = st.fixed_dictionaries(
    {"year": st.integers(1, 4)}, optional={"kind": st.sampled_from(["x", "y"])}
)
documents = st.builds(
    Document,
    st.sampled_from(["a", "B", "c", "d e", "f/g", "é", "z" * 40, "10", "9", "b"]),
    st.one_of(texts, texts, long_texts),
    st.one_of(st.just(""), texts),
    metadata,
)
operations = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.lists(documents, min_size=1, max_size=5)),
        st.tuples(st.just("add"), st.lists(documents, min_size=1, max_size=5)),
        st.tuples(st.just("add"), st.lists(documents, min_size=1, max_size=2)),
        st.tuples(st.just("delete"), st.lists(documents.map(lambda d: d.id), max_size=4)),
        st.tuples(st.just("compact"), st.none()),
        st.tuples(st.just("reopen"), st.none()),
        st.tuples(st.just("search"), st.none()),
        st.tuples(st.just("rebuild"), st.integers(0, 3)),
        st.tuples(st.just("reencode"), st.integers(0, 1)),
        st.tuples(st.just("reword"), st.integers(0, 2)),
    ),
    min_size=2,
    max_size=12,
)

SAMPLE = [
    "red apple the pear", "sweet apple of naïve pear", "apples 梨 red", "pear pear sweet",
    "naïve 梨", "red sweet",
]  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def merges_are_frequent():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writing_module, "SMALL", 2)
        patch.setattr(writing_module, "FANOUT", 3)
        patch.setattr(words_leg, "RETRIEVED", 3)
        patch.setattr(words_leg, "_BLOCK", 8)
        yield


class Run:
    """An index that operations are applied to, and what it should hold."""

    def __init__(self, folder, encoders):
        self.folder = folder
        self.encoders = encoders
        self.encoder = encoders[0]
        self.words = WORD_ENCODERS[0]
        self.store = made(folder, self.encoder, words=self.words)
        self.views = Views(self.store)
        self.held = {}

    def add(self, batch):
        with writer(self.store) as write:
            change = write.add(batch)
        latest = {document.id: document for document in batch}
        assert set(change.added) == latest.keys() - self.held.keys()
        assert set(change.unchanged) == {i for i, d in latest.items() if self.held.get(i) == d}
        assert set(change.updated) == latest.keys() - {*change.added, *change.unchanged}
        self.held |= latest

    def delete(self, ids):
        with writer(self.store) as write:
            assert set(write.delete(ids)) == self.held.keys() & set(ids)
        self.held = {i: d for i, d in self.held.items() if i not in ids}

    def compact(self, _):
        with writer(self.store) as write:
            write.compact()
            assert len(write.catalogue.segments()) == (1 if self.held else 0)
            assert not write.catalogue.tombstones()

    def reopen(self, _):
        self.store.close()
        self.store = opened(self.folder, self.encoder, self.words)
        self.views = Views(self.store)

    def search(self, _):
        """Search in between: what a reader remembers of one generation must not outlive it."""
        for system in ["lexical"] + (["late"] if self.words else []):
            found(self.store, system, QUERIES[:2], [3], views=self.views)

    def rebuild(self, which):
        with writer(self.store) as write:
            for row in write.catalogue.segments()[which : which + 1]:
                write.rebuild(row)

    def reencode(self, which):
        if self.encoders[which] is not None:
            self.encoder = self.encoders[which]
            with writer(self.store) as write:
                write.set_encoder(self.encoder, "given")

    def reword(self, which):
        self.words = WORD_ENCODERS[which]
        with writer(self.store) as write:
            write.set_words(self.words, "given" if self.words else "none")


@contextmanager
def after(steps, encoders):
    """Yield a Run after all steps, and a fresh store of the same documents in another order."""
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder) / "changed", encoders)
        for name, argument in steps:
            getattr(run, name)(argument)
        survivors = list(run.held.values())
        random.Random(len(survivors)).shuffle(survivors)
        fresh = made(Path(folder) / "fresh", run.encoder, words=run.words)
        with writer(fresh) as write:
            write.add(survivors)
        yield run, fresh
        run.store.close()
        fresh.close()


def assert_all_systems_agree(run, fresh):
    systems = ["lexical"] + (["dense", "hybrid"] if run.encoder else [])
    systems += ["late", "xtr"] if run.words else []
    for system in systems:
        changed = found(run.store, system, QUERIES, KS, FILTERS, run.views)
        assert changed == found(fresh, system, QUERIES, KS, FILTERS)


def assert_statistics_are_those_of_the_live(run):
    analyzer = Analyzer("en")
    with run.store.reading() as snapshot:
        numbers = np.flatnonzero(snapshot.live)
        ids = snapshot.document_ids(numbers)
        assert sorted(ids) == sorted(run.held)
        assert snapshot.count == len(run.held)
        titles = {i: Counter(analyzer.query(d.title)) for i, d in run.held.items()}
        bodies = {i: Counter(analyzer.query(d.text)) for i, d in run.held.items()}
        assert snapshot.title_lengths[numbers].tolist() == [titles[i].total() for i in ids]
        assert snapshot.text_lengths[numbers].tolist() == [bodies[i].total() for i in ids]
        for term in {t for counts in (titles, bodies) for c in counts.values() for t in c}:
            postings = snapshot.postings(term)
            told = zip(
                snapshot.document_ids(postings.documents),
                postings.title_counts.tolist(),
                postings.text_counts.tolist(),
                strict=True,
            )
            expected = {(i, titles[i][term], bodies[i][term]) for i in ids}
            assert set(told) == {row for row in expected if row[1] or row[2]}
            assert (np.diff(postings.documents) > 0).all()


def assert_nothing_is_to_be_merged(run):
    with run.store.reading() as snapshot:
        dead = [0 if places is None else len(places) for places in snapshot.dead]
        live = [len(s) - n for s, n in zip(snapshot.segments, dead, strict=True)]
    assert plan_merge(live, dead) == []


def check(steps, encoders):
    with after(steps, encoders) as (run, fresh):
        assert_all_systems_agree(run, fresh)
        assert_statistics_are_those_of_the_live(run)
        assert examine(run.folder) == []
        assert run.store.catalogue.fetch(list(run.held)) == run.held
        if steps[-1][0] in ("add", "delete"):
            assert_nothing_is_to_be_merged(run)


quick = settings(deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.slow
@settings(quick, max_examples=200)
@given(operations)
def test_an_index_after_any_changes_equals_a_fresh_one_of_the_survivors(steps):
    check(steps, [WordHash(0), WordHash(1)])


@settings(quick, max_examples=50)
@given(operations)
def test_an_index_with_a_learned_encoder_equals_a_fresh_one(steps):
    unfitted = Latent.unfitted("en")
    check(steps, [unfitted.fit(split(SAMPLE)), unfitted.fit(split(SAMPLE[:5]))])


@settings(quick, max_examples=50)
@given(operations)
def test_an_index_without_vectors_equals_a_fresh_one(steps):
    check(steps, [None, None])


def test_a_reader_does_not_mistake_a_new_segment_for_an_old_one_of_the_same_number(tmp_path):
    store = made(tmp_path / "index")
    reader = opened(tmp_path / "index")
    views = Views(reader)
    for identity, word in (("a", "apple"), ("b", "pear")):
        with writer(store) as write:
            write.add([Document(identity, word)])
        with reader.reading() as snapshot:
            numbers = [segment.row.number for segment in snapshot.segments]
        assert numbers == [1]
        [(*_, ids, _, _)] = found(reader, "lexical", ["apple pear"], [5], views=views)
        assert ids == [identity]
        with writer(store) as write:
            write.delete([identity])


def test_a_collection_of_one_class_after_another_keeps_the_scores_of_thousands(tmp_path):
    """Larger than what hypothesis makes, so that block maxima and many segments take part."""
    generator = random.Random(5)
    everything = [
        Document(f"d{i}", " ".join(generator.choices(WORDS, k=generator.randint(0, 30))), "", {})
        for i in range(1500)
    ]
    store = made(tmp_path / "changed", WordHash(), words=BagHash())
    with writer(store) as write:
        for start in range(0, 1500, 100):
            write.add(everything[start : start + 100])
        for start in range(0, 1500, 150):
            write.delete([f"d{i}" for i in range(start, start + 30)])
            write.add([Document(f"d{start + 40}", "red apple", "pear")])
    held = {d.id: d for d in everything if int(d.id[1:]) % 150 >= 30}
    held |= {f"d{s + 40}": Document(f"d{s + 40}", "red apple", "pear") for s in range(0, 1500, 150)}
    fresh = made(tmp_path / "fresh", WordHash(), words=BagHash())
    survivors = list(held.values())
    generator.shuffle(survivors)
    with writer(fresh) as write:
        write.add(survivors)
    for system in ("lexical", "dense", "hybrid", "late", "xtr"):
        assert found(store, system, QUERIES, [1, 3, 50, 5000]) == found(
            fresh, system, QUERIES, [1, 3, 50, 5000]
        )
