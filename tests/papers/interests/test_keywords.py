import math

import pytest

from everygrain_papers.interests.pool import Pool
from everygrain_papers.paper import Paper

PAPERS = [
    Paper("0", "Chain of thought in language models", "It reasons."),
    Paper("1", "Reasoning", "We prompt with a chain of thought."),
    Paper("2", "Thought", "A blockchain of logs, a chain, and no more."),
    Paper("3", "Legged robots", "They walk."),
]


@pytest.fixture
def keywords():
    import numpy as np

    return Pool(PAPERS, np.zeros((4, 2), np.float32)).keywords


def test_a_phrase_counts_most_in_the_title_and_least_scattered(keywords):
    found = keywords.strengths("chain of thought")
    assert found.tolist() == pytest.approx([1.0, 0.8, 0.3, 0.0])
    assert keywords.whole("chain of thought").tolist() == [0, 1]


@pytest.mark.parametrize("keyword", ["robots", "Robot", "the robot", "  ROBOTS "])
def test_plurals_case_and_stop_words_at_the_ends_make_no_difference(keywords, keyword):
    assert keywords.strengths(keyword).tolist() == pytest.approx([0, 0, 0, 1])


@pytest.mark.parametrize("keyword", ["", "of", "zeppelin", "legged zeppelin", "42", "\x00"])
def test_a_keyword_without_a_word_that_is_met_matches_nothing(keywords, keyword):
    assert not keywords.strengths(keyword).any()
    assert not keywords.whole(keyword).size


def test_the_score_is_the_sum_of_strengths_by_rarity(keywords):
    rarest = math.log(5 / 2) + 1
    chain = (math.log(5 / 4) + 1) / rarest
    walk = (math.log(5 / 2) + 1) / rarest
    found = keywords.score(["chain of thought", "walking", "walking", "nowhere"])
    assert found.tolist() == pytest.approx([chain, 0.8 * chain, 0.3 * chain, 0.8 * walk])
