import pytest

from everygrain.data import bundled
from everygrain.errors import InputError
from everygrain.measure import load


def test_a_beir_folder_is_told_by_its_corpus():
    assert load(bundled(), "test").name == "papers"


def test_a_t2ranking_folder_is_told_by_its_collection(tmp_path):
    (tmp_path / "collection.tsv").write_text("0\ta\n")
    (tmp_path / "queries.train.tsv").write_text("1\tb\n")
    (tmp_path / "qrels.train.tsv").write_text("1 0 0 3\n")
    assert load(tmp_path, "train").judgements == {"1": {"0": 3}}


def test_a_trec_folder_is_told_by_its_topics(tmp_path):
    (tmp_path / "topics.tsv").write_text("1\tb\n")
    (tmp_path / "qrels.txt").write_text("1 0 A 1\n")
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "a.txt").write_text("<DOC><DOCNO>A</DOCNO>x</DOC>")
    found = load(tmp_path)
    assert found.name == tmp_path.name
    assert found.validate().messages() == []
    with pytest.raises(InputError, match="no splits"):
        load(tmp_path, "dev")


def test_what_is_no_collection_is_said_to_be_none(tmp_path):
    with pytest.raises(InputError, match="is no collection"):
        load(tmp_path)
    with pytest.raises(InputError, match="is no folder"):
        load(tmp_path / "absent")
