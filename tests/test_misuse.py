"""What no index can take is an error that names it and says what to give instead."""

from pathlib import Path

import pytest

from everygrain import Document, Index
from everygrain.errors import InputError, QueryError


@pytest.mark.parametrize("given", ["abc", b"abc", Path("notes.txt"), Document("d", "one")])
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
