import gzip

import pytest

from everygrain.document import Document
from everygrain.errors import InputError
from everygrain.read import read


def test_a_folder_without_a_corpus_is_no_beir_collection(tmp_path):
    with pytest.raises(InputError, match=r"corpus\.jsonl"):
        read(tmp_path, format="beir")


@pytest.mark.parametrize("name", ["corpus.jsonl", "corpus.jsonl.gz"])
def test_only_the_corpus_is_read_and_strangers_are_named(tmp_path, name):
    line = b'{"_id": "d1", "title": "T", "text": "t", "metadata": {}}\n'
    (tmp_path / name).write_bytes(gzip.compress(line) if name.endswith("gz") else line)
    (tmp_path / "queries.jsonl").write_text('{"_id": "q1", "text": "q"}\n')
    (tmp_path / "qrels").mkdir()
    (tmp_path / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n")
    (tmp_path / "extra.txt").write_text("x")
    rejects = []
    assert list(read(tmp_path, on_reject=rejects.append)) == [Document("d1", "t", "T")]
    assert [reject.source for reject in rejects] == [str(tmp_path / "extra.txt")]
