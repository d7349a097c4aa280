import math

import pytest

from everygrain.document import Document, Ranking
from everygrain.errors import InputError
from everygrain.measure.graded import EXPONENTIAL_NDCG, load_t2ranking
from everygrain.measure.measures import evaluate


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "t2"
    root.mkdir()
    passages = 'pid\ttext\n0\t"引号 passage\n1\tsecond\n2\t\n3\tlast\n'
    (root / "collection.tsv").write_text(passages, encoding="utf-8")
    (root / "queries.dev.tsv").write_text("qid\ttext\n7\t蜂巢取快递验证码摁错怎么办\n")
    (root / "qrels.dev.tsv").write_text("qid\t-\tpid\trel\n7\t0\t0\t3\n7\t0\t1\t2\n7\t0\t3\t0\n")
    (root / "qrels.retrieval.dev.tsv").write_text("qid\tpid\n7\t0\n7\t1\n")
    return root


def test_the_four_files_become_a_collection_with_quotes_as_they_are(folder):
    found = load_t2ranking(folder)
    assert found.name == "t2/dev"
    assert found.queries == {"7": "蜂巢取快递验证码摁错怎么办"}
    assert found.judgements == {"7": {"0": 3, "1": 2, "3": 0}}
    texts = ['"引号 passage', "second", "", "last"]
    assert list(found.documents()) == [Document(str(i), text) for i, text in enumerate(texts)]


def test_the_retrieval_judgements_list_what_is_relevant(folder):
    assert load_t2ranking(folder, graded=False).judgements == {"7": {"0": 1, "1": 1}}


def test_files_without_a_header_lose_no_line(folder):
    (folder / "collection.tsv").write_text("0\ta\n")
    (folder / "qrels.dev.tsv").write_text("7\t0\t0\t1\n")
    found = load_t2ranking(folder)
    assert found.judgements == {"7": {"0": 1}}
    assert list(found.documents()) == [Document("0", "a")]


def test_four_grades_are_linear_or_exponential_gains_worked_out_by_hand(folder):
    judgements = load_t2ranking(folder).judgements
    ranking = Ranking.of(["7"], [("7", "1", 3.0), ("7", "3", 2.0), ("7", "0", 1.0)])
    scores = evaluate(ranking, judgements, ["nDCG@10", EXPONENTIAL_NDCG, "RR(rel=3)@10"])
    second = 1 / math.log2(3)
    assert scores.values[0] == pytest.approx(
        [(2 + 3 / 2) / (3 + 2 * second), (3 + 7 / 2) / (7 + 3 * second), 1 / 3], abs=1e-12
    )


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("qrels.dev.tsv", "7\t0\t1\t4\n", "the grade 4 of '1' for query '7'"),
        ("qrels.dev.tsv", "7\t0\t1\n", r"qrels\.dev\.tsv, line 1"),
        ("queries.dev.tsv", "7\ta\n7\tb\n", "line 2: the query '7' has two texts"),
        ("queries.dev.tsv", "7\n", "line 1: no 'id, tab, text'"),
    ],
)
def test_broken_files_are_named(folder, name, text, said):
    (folder / name).write_text(text)
    with pytest.raises(InputError, match=said):
        load_t2ranking(folder)


def test_a_broken_passage_is_named_with_its_line(folder):
    (folder / "collection.tsv").write_text("pid\ttext\n0\ta\nno tab\n")
    with pytest.raises(InputError, match=r"collection\.tsv, line 3"):
        list(load_t2ranking(folder).documents())


def test_a_split_that_is_not_there_is_named(folder):
    with pytest.raises(InputError, match=r"qrels\.test\.tsv"):
        load_t2ranking(folder, "test")
