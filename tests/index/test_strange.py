"""Strange documents, none at all, and more than there is, come back as they were."""

import pytest

from everygrain.document import Document
from everygrain.engine import Index
from everygrain.errors import (
    InputError,
)
from everygrain.index import content
from everygrain.index.doctor import examine
from everygrain.index.writer import writer
from everygrain.rank.legs import Views

from .encoders import WordHash
from .filling import (
    SYSTEMS,
    documents,
    filled,
)
from .making import found, made, opened

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
