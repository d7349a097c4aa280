"""What no index can take is an error that names it and says what to give instead."""

import os
from pathlib import Path

import pytest

from everygrain import Document, Index
from everygrain.errors import InputError, QueryError


@pytest.mark.parametrize("given", ["abc", b"abc", Path("notes.txt"), Document("d", "one"), None, 5])
def test_what_is_no_list_of_documents_is_told_before_anything_is_added(tmp_path, given):
    with (
        Index(tmp_path / "i", "none") as index,
        pytest.raises(InputError, match=r"not a list of documents. Write add\(\[document\]\)"),
    ):
        index.add(given)


def test_an_item_that_is_no_document_is_named_by_its_place(tmp_path):
    with Index(tmp_path / "i", "none") as index:
        with pytest.raises(InputError, match="Number 1 of the documents is dict, not a Document"):
            index.add([Document("a", "text"), {"id": "b", "text": "text"}])
        assert len(index) == 0


def test_a_query_that_is_no_text_is_an_error(tmp_path):
    with (
        Index(tmp_path / "i", "none") as index,
        pytest.raises(QueryError, match="None, not a text"),
    ):
        index.search(None)


@pytest.mark.parametrize("system", [5, ["late"], "", " "])
def test_what_is_no_system_is_an_error(tmp_path, system):
    with Index(tmp_path / "i", "none") as index, pytest.raises(QueryError, match="The system is"):
        index.search("words", system=system)


def test_a_setting_that_no_reranker_takes_is_named(tmp_path):
    with (
        Index(tmp_path / "i", "none") as index,
        pytest.raises(QueryError, match=r"late takes no bogus\. It takes share and exact"),
    ):
        index.reranker("late", bogus=1)


def test_an_index_that_is_only_empty_does_not_ask_for_another_encoder(tmp_path):
    with (
        Index(tmp_path / "i", "latent") as index,
        pytest.raises(QueryError, match="holds no documents, so nothing is encoded yet"),
    ):
        index.search("words", system="dense")


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda index: index.search("x", k="3"), "k = '3' is no whole number"),
        (lambda index: index.search("x", where=5), "The filter is 5, not a text"),
        (lambda index: index.delete(None), "None is no list of ids"),
        (lambda index: index.delete("a"), r"'a' is one id, not a list of ids\. Write \['a'\]"),
        (lambda index: index.delete(where=5), "The filter is 5"),
        (lambda index: index.fetch("a"), "'a' is one id"),
        (lambda index: index.fetch(None), "None is no list"),
        (lambda index: index.fetch([1]), "The id 1 is no text"),
        (lambda index: index.get(["a"]), r"The id \['a'\] is no text"),
        (lambda index: index.get(None), "The id None is no text"),
        (lambda index: index.retriever(5), "The system is 5"),
        (lambda index: index.retriever(""), "The system is ''"),
        (lambda index: index.configure(above="x"), "above = 'x' makes no sense"),
        (lambda index: index.configure(bm25=3), "bm25 = 3 is no BM25"),
        (lambda index: index.reencode(5), "5 is no encoder. Use an Encoder, or one of: latent"),
        (lambda index: index.reword(5), "5 is no word encoder"),
        (lambda index: Index(index.folder, 5), "5 is no encoder"),
        (lambda index: Index(index.folder, words=5), "5 is no word encoder"),
    ],
)
def test_an_argument_of_another_kind_is_named_with_the_remedy(tmp_path, call, said):
    with Index(tmp_path / "i", "none") as index:
        index.add([Document("a", "text")])
        with pytest.raises((InputError, QueryError), match=said):
            call(index)
        assert index.fetch(["a"]) == {"a": Document("a", "text")}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"encoder": 5}, "5 is no encoder"),
        ({"words": 5}, "5 is no word encoder"),
        ({"language": 5}, "5 is no ISO 639-1 code"),
        ({"language": "English"}, "'English' is no ISO 639-1 code of a language. Stems are known"),
        ({"language": "xx"}, "'xx' is no ISO 639-1 code"),
        ({"passage_words": "3"}, "A passage of '3' words"),
    ],
)
def test_settings_that_no_index_can_have_make_none(tmp_path, settings, said):
    with pytest.raises((InputError, QueryError), match=said):
        Index(tmp_path / "i", **{"encoder": "none"} | settings)
    assert not (tmp_path / "i").exists()


def test_a_folder_may_be_any_path(tmp_path):
    (tmp_path / "i").mkdir()
    (entry,) = os.scandir(tmp_path)
    with Index(entry, "none") as index:
        assert index.folder == tmp_path / "i"


@pytest.mark.parametrize("folder", [None, 5, b"i"])
def test_what_is_no_folder_is_told(folder):
    with pytest.raises(InputError, match=r"not a path\. Name a folder"):
        Index(folder, "none")
