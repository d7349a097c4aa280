import importlib.util

import pytest

from everygrain.document import Document
from everygrain.errors import InputError
from everygrain.measure.datasets import load_ir_datasets

INSTALLED = importlib.util.find_spec("ir_datasets") is not None


@pytest.mark.skipif(INSTALLED, reason="ir_datasets is installed")
def test_without_the_package_the_error_says_how_to_install_it():
    with pytest.raises(InputError, match="pip install ir_datasets"):
        load_ir_datasets("ir_datasets:beir/scifact/test")


@pytest.mark.skipif(not INSTALLED, reason="ir_datasets is not installed")
def test_a_data_set_of_the_package_becomes_a_collection(tmp_path):
    import ir_datasets

    (tmp_path / "docs.tsv").write_text("d1\tfirst\nd2\tsecond\n")
    (tmp_path / "queries.tsv").write_text("q1\twhich one\n")
    (tmp_path / "qrels").write_text("q1 0 d2 2\n")
    source = ir_datasets.create_dataset(
        docs_tsv=str(tmp_path / "docs.tsv"),
        queries_tsv=str(tmp_path / "queries.tsv"),
        qrels_trec=str(tmp_path / "qrels"),
    )
    ir_datasets.registry.register("everygrain-test", source)
    found = load_ir_datasets("ir_datasets:everygrain-test")
    assert found.name == "everygrain-test"
    assert found.queries == {"q1": "which one"}
    assert found.judgements == {"q1": {"d2": 2}}
    assert list(found.documents()) == [Document("d1", "first"), Document("d2", "second")]


@pytest.mark.skipif(not INSTALLED, reason="ir_datasets is not installed")
def test_a_name_that_the_package_does_not_know_is_an_error():
    with pytest.raises(InputError, match="knows no 'nothing'"):
        load_ir_datasets("nothing")
