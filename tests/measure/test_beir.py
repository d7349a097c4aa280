import gzip
import json

import pytest

from everygrain.document import Document
from everygrain.errors import InputError
from everygrain.measure.beir import load_beir

HEADER = "query-id\tcorpus-id\tscore\n"


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "tiny"
    (root / "qrels").mkdir(parents=True)
    (root / "corpus.jsonl").write_text(
        '{"_id": "d1", "title": "one", "text": "first"}\n{"_id": "d2", "title": "", "text": "b"}\n'
    )
    lines = [json.dumps({"_id": f"q{i}", "text": f"query {i}"}) for i in (1, 2)]
    (root / "queries.jsonl").write_text("\n".join(lines))
    return root


def judge(folder, split, query="q1"):
    (folder / "qrels" / f"{split}.tsv").write_text(f"{HEADER}{query}\td1\t1\n")


def test_a_folder_becomes_queries_judgements_and_documents(folder):
    judge(folder, "dev")
    tiny = load_beir(folder)
    assert tiny.name == "tiny"
    assert tiny.queries == {"q1": "query 1", "q2": "query 2"}
    assert tiny.judgements == {"q1": {"d1": 1}}
    assert list(tiny.documents()) == [Document("d1", "first", "one"), Document("d2", "b")]
    assert len(list(tiny.documents())) == 2


def test_every_file_may_be_gzipped(folder):
    judge(folder, "dev")
    plain = load_beir(folder)
    documents = list(plain.documents())
    for path in [*folder.glob("*.jsonl"), *folder.glob("qrels/*.tsv")]:
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    packed = load_beir(folder)
    assert (packed.queries, packed.judgements) == (plain.queries, plain.judgements)
    assert list(packed.documents()) == documents


@pytest.mark.parametrize(
    ("splits", "chosen"),
    [(["train", "dev", "test"], "test"), (["train", "dev"], "dev"), (["train", "other"], "train")],
)
def test_without_a_name_test_comes_before_dev_before_train(folder, splits, chosen):
    for split in splits:
        judge(folder, split, query="q2" if split == chosen else "q1")
    assert load_beir(folder).judgements == {"q2": {"d1": 1}}
    assert load_beir(folder).name == f"tiny/{chosen}"


def test_a_named_split_is_taken(folder):
    judge(folder, "test")
    judge(folder, "train", query="q2")
    assert load_beir(folder, "train").judgements == {"q2": {"d1": 1}}


def test_splits_that_cannot_be_chosen_from_are_listed(folder):
    with pytest.raises(InputError, match="It has none"):
        load_beir(folder)
    judge(folder, "one")
    judge(folder, "two")
    with pytest.raises(InputError, match="one, two"):
        load_beir(folder)
    with pytest.raises(InputError, match=r"'three'.*one, two"):
        load_beir(folder, "three")


def test_a_broken_query_is_named_with_file_and_line(folder):
    judge(folder, "dev")
    path = folder / "queries.jsonl"
    path.write_text('{"_id": "q1", "text": "x"}\n{"_id": \n')
    with pytest.raises(InputError, match=r"queries\.jsonl, line 2: Not JSON"):
        load_beir(folder)


def test_a_query_with_two_texts_is_an_error_and_a_repeated_one_is_not(folder):
    judge(folder, "dev")
    line = '{"_id": "q1", "text": "x"}\n'
    (folder / "queries.jsonl").write_text(line * 2)
    assert load_beir(folder).queries == {"q1": "x"}
    (folder / "queries.jsonl").write_text(line + line.replace('"x"', '"y"'))
    with pytest.raises(InputError, match="'q1' has two texts"):
        load_beir(folder)


def test_a_folder_without_a_corpus_or_queries_is_an_error(folder):
    judge(folder, "dev")
    (folder / "queries.jsonl").unlink()
    with pytest.raises(InputError, match=r"no queries\.jsonl"):
        load_beir(folder)
    (folder / "corpus.jsonl").unlink()
    with pytest.raises(InputError, match=r"no corpus\.jsonl"):
        load_beir(folder)
