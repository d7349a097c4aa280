"""Names of topics, counted by hand."""

import math

import numpy as np
import pytest

from everygrain_papers.topics.names import describe, names_of, weigh
from everygrain_papers.topics.terms import split


def test_weights_are_those_worked_out_by_hand():
    texts = ["Bees dance", "bees fly", "A bee, a bee", "ships dance", "ships sail"]
    topics = np.array([0, 0, 0, 1, 1])
    tokens = split(texts)
    terms, weights = weigh(tokens, topics, 2)
    table = {tokens.stems_of(int(t)): weights[:, i].toarray()[:, 0] for i, t in enumerate(terms)}
    assert set(table) == {("bee",), ("danc",), ("ship",)}  # what one text alone holds is left out
    assert table["bee",] == pytest.approx([math.log1p(1 / (30 * 0.5)), 0])
    assert table["ship",] == pytest.approx([0, math.log1p(1 / (30 * 0.5))])
    assert table["danc",] == pytest.approx([0, 0])  # one paper of a topic does not count


def test_a_pair_takes_the_place_of_its_word_and_a_phrase_of_its_pair():
    texts = [
        "Hidden Markov model of rain",
        "a hidden Markov model",
        "hidden markov model, snow",
    ] * 3
    others = ["bread in ovens", "warm bread", "bread and butter"] * 3
    names, terms = describe([*texts, *others], np.repeat([0, 1], 9), 2)
    assert terms[0][0] == "hidden markov model"
    assert not any("markov" in term for term in terms[0][1:])
    assert names[1].startswith("bread")


def test_terms_do_not_repeat_one_another():
    texts = ["surgeons in surgery saw surgical robots", "robot surgery by a surgeon, robotic arms"]
    _, terms = describe(texts * 4, np.zeros(8, dtype=np.int64), 1)
    words = [word for term in terms[0] for word in term.lower().split()]
    assert len([w for w in words if w.startswith("surg")]) == 1
    assert len([w for w in words if w.startswith("robot")]) == 1


def test_a_term_is_written_as_it_mostly_is():
    texts = ["LiDAR maps", "LiDAR scans", "Lidar", "Odometry", "odometry here", "odometry"]
    _, terms = describe(texts, np.zeros(6, dtype=np.int64), 1)
    assert set(terms[0]) >= {"LiDAR", "odometry"}


def test_names_are_different():
    terms = [("bees", "hives"), ("Bees", "hives", "honey"), ("bees", "hives"), (), ()]
    names = names_of(terms)
    assert names == ["bees, hives", "Bees, hives, honey", "bees, hives (2)", "topic 4", "topic 5"]


def test_words_of_every_abstract_and_latex_name_nothing():
    texts = ["We propose a novel method \\alpha $x_1$ 42. However, results are shown"] * 5
    assert describe(texts, np.zeros(5, dtype=np.int64), 1) == (["topic 1"], [()])


def test_a_phrase_ends_at_a_mark_and_at_the_end_of_a_text():
    tokens = split(["green tea. black coffee", "milk", "sugar"])
    found = {tokens.stems_of(int(term)) for term in tokens.grams[1]}
    assert ("green", "tea") in found
    assert ("black", "coffe") in found
    assert ("tea", "black") not in found
    assert ("milk", "sugar") not in found
    assert ("coffe", "milk") not in found
    for stems in found:
        number = tokens.number(stems)
        assert number is not None
        assert tokens.stems_of(number) == stems
    assert tokens.number(("tea", "black", "x")) is None
    assert tokens.number(("olive",)) is None
