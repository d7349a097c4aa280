"""Labels by rules: what each kind of sentence is taken for, and bad input."""

import numpy as np
import pytest

from everygrain.errors import InputError
from everygrain_papers.functions.base import FUNCTIONS, Labeller
from everygrain_papers.functions.rules import Rules, cues, scores

ABSTRACT = [
    "In recent years bees have become an increasingly popular subject of machine vision.",
    "In this paper we address the problem of counting bees at the hive's door.",
    "We use a small camera, and then a network with two layers is trained on flights.",
    "Results show that the counts improve by 12 % and outperform a light barrier.",
    "© 2019 Hive Press Ltd. All rights reserved.",
]


def test_an_abstract_of_five_plain_sentences_gets_the_five_functions():
    told = Rules().label(ABSTRACT)
    assert told.functions == FUNCTIONS
    assert told.of("method") == [2]
    np.testing.assert_allclose(told.probabilities.sum(axis=1), 1)
    assert (told.probabilities.argmax(axis=1) == np.arange(5)).all()


def test_cues_are_the_sum_of_the_weights_of_phrases_each_once():
    once = cues("Results show bees")
    twice = cues("Results show results show bees")
    assert once[FUNCTIONS.index("result")] == pytest.approx(
        sum({"results show": 2.6, "show": 0.7, "results": 0.7}.values())
    )
    assert twice == once
    assert Rules().why("Results show bees") == {"results show": 2.6, "results": 0.7, "show": 0.7}


def test_a_phrase_of_the_beginning_counts_only_there():
    background = FUNCTIONS.index("background")
    assert cues("However, bees fly")[background] > 0
    assert cues("Bees, however, fly")[background] == 0


def test_the_place_speaks_where_no_phrase_does():
    plain = ["Bees fly."] * 4
    told = scores(plain)
    assert told[0].argmax() == FUNCTIONS.index("background")
    assert told[-1].argmax() == FUNCTIONS.index("result")


def test_many_abstracts_are_labelled_as_one_by_one_whatever_their_lengths():
    many = [ABSTRACT[:n] for n in (3, 0, 5, 1)] * 2
    for one, other in zip(map(Rules().label, many), Rules().label_all(many), strict=True):
        assert one.functions == other.functions
        np.testing.assert_allclose(one.probabilities, other.probabilities, atol=1e-12)
    assert Rules().label_all([]) == []
    assert Rules().label([]).functions == ()
    assert isinstance(Rules(), Labeller)


@pytest.mark.parametrize("sentence", ["", "\x00\x07", "$\\frac{1}{2}$", "蜂" * 50, "a " * 500_000])
def test_odd_sentences_get_a_label_all_the_same(sentence):
    told = Rules().label([sentence, "Results show that bees fly."])
    assert np.isfinite(told.probabilities).all()
    assert len(told.functions) == 2


def test_a_text_in_place_of_sentences_is_refused_with_the_remedy():
    with pytest.raises(InputError, match="Split it first"):
        Rules().label("One text. Not a list.")
    with pytest.raises(InputError, match="Abstract 2, sentence 1 is int"):
        Rules().label_all([["fine"], [3]])
