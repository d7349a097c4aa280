import gzip
import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from everygrain.analyze.words import of_text
from everygrain.errors import MeasureError
from everygrain.measure import Scores
from everygrain.measure.contamination import contamination, restricted

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
TEXTS = st.lists(st.lists(st.sampled_from("abc"), max_size=9).map(" ".join), max_size=6)


def runs(text, size):
    words = of_text(text)
    return [tuple(words[i : i + size]) for i in range(len(words) - size + 1)]


@given(TEXTS.filter(bool), TEXTS, st.sampled_from([(1,), (2, 3), (3, 8)]))
@settings(max_examples=200, deadline=None)
def test_counts_equal_those_of_sets_of_word_tuples(items, training, sizes):
    found = contamination(dict(enumerate(items)), training, sizes)
    told = [of_text(text) for text in training]
    for i, item in enumerate(items):
        assert found.exact[i] == (of_text(item) in told and of_text(item) != [])
        for j, size in enumerate(sizes):
            seen = {run for text in training for run in runs(text, size)}
            assert found.runs[i, j] == len(runs(item, size))
            assert found.found[i, j] == sum(run in seen for run in runs(item, size))


ITEMS = {
    "same": "The Cat, sat!",
    "part": "a dog and the cat sat down",
    "free": "nothing of this is there",
    "short": "cat",
}
TRAINING = ["the cat sat", "a cat and the dog sat down there"]


def test_a_small_case_is_worked_out_by_hand():
    found = contamination(ITEMS, iter(TRAINING), (2, 3))
    assert found.exact.tolist() == [True, False, False, False]
    # Of 'a dog, dog and, and the, the cat, cat sat, sat down' the last four occur.
    assert found.shares(2)[:3].tolist() == [1, 4 / 6, 0]
    # Of the five runs of three only 'the cat sat' occurs.
    assert found.shares(3)[:3].tolist() == [1, 1 / 5, 0]
    assert math.isnan(found.shares(2)[3])
    assert found.total() == {
        "items": 4, "exact": 1,
        "2-gram share": 6 / 12, "2-gram items": 2, "2-gram too short": 1,
        "3-gram share": 2 / 9, "3-gram items": 2, "3-gram too short": 1,
    }  # fmt: skip


def test_clean_items_share_at_most_what_is_tolerated_and_are_no_exact_match():
    found = contamination(ITEMS, TRAINING, (2, 3))
    assert found.clean(2) == ("free", "short")
    assert found.clean(3, tolerated=0.2) == ("part", "free", "short")
    assert contamination({"q": "cat"}, ["Cat."], (2,)).clean(2) == ()


def test_a_run_does_not_reach_from_one_text_into_the_next():
    assert contamination({"q": "a b c"}, ["a b", "c"], (3,)).shares(3).tolist() == [0]
    assert contamination({"q": "a b", "r": "c"}, ["b c"], (2,)).shares(2)[0] == 0


def test_training_text_may_come_in_any_order_and_number_of_batches(monkeypatch):
    monkeypatch.setattr("everygrain.measure.contamination.BATCH", 1)
    one = contamination(ITEMS, reversed(TRAINING), (2, 3))
    assert one.total() == contamination(ITEMS, TRAINING, (2, 3)).total()


def test_scores_of_the_clean_subset_are_taken_out_by_id():
    scores = Scores(("a", "b", "c"), ("RR",), np.array([[1.0], [0.5], [0.0]]))
    assert restricted(scores, ("c", "a", "x")).mean() == {"RR": 0.5}
    assert restricted(scores, ("b",)).queries == ("b",)
    with pytest.raises(MeasureError, match="None of these"):
        restricted(scores, ("x",))


@pytest.mark.parametrize("sizes", [(), (2, 2), (0,)])
def test_sizes_that_make_no_sense_are_an_error(sizes):
    with pytest.raises(MeasureError, match="sizes"):
        contamination(ITEMS, TRAINING, sizes)


def test_no_item_and_a_size_that_was_not_counted_are_errors():
    with pytest.raises(MeasureError, match="no test item"):
        contamination({}, TRAINING)
    with pytest.raises(MeasureError, match="Runs of 5"):
        contamination(ITEMS, TRAINING).shares(5)


def read(path):
    raw = path.read_bytes()
    lines = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode().splitlines()
    return [json.loads(line)["text"] for line in lines]


def listed(texts):
    return {str(i): text for i, text in enumerate(texts)}


HERE = pytest.mark.skipif(not DATA.is_dir(), reason="the shared development data are not here")


@HERE
@pytest.mark.parametrize(
    ("name", "exact", "with_a_run"), [("trec6", 0, 3), ("banking77", 0, 106), ("acl-arc", 43, 44)]
)
def test_real_train_and_dev_parts_overlap_as_sets_of_word_tuples_say(name, exact, with_a_run):
    train, dev = read(DATA / name / "train.jsonl.gz"), read(DATA / name / "dev.jsonl")
    found = contamination(listed(dev), train, (8,))
    whole = {tuple(of_text(text)) for text in train}
    eight = {run for text in train for run in runs(text, 8)}
    assert found.exact.sum() == sum(tuple(of_text(text)) in whole for text in dev) == exact
    assert found.found.sum() == sum(run in eight for text in dev for run in runs(text, 8))
    assert found.total()["8-gram items"] == with_a_run


@HERE
def test_the_two_claims_that_scifact_holds_twice_are_found():
    claims = read(DATA / "scifact" / "queries.jsonl")
    assert len(claims) - len(set(claims)) == 2
    # Each is followed by its copy: one of the two lies in the even part.
    assert contamination(listed(claims[::2]), claims[1::2]).exact.sum() == 2
