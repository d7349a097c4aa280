"""Terms and the papers that hold them, against loops over the words."""

import itertools
import random

import pytest

from everygrain_papers.paper import Paper
from everygrain_papers.trends import table as module
from everygrain_papers.trends.counts import TermCounts
from everygrain_papers.trends.table import table
from everygrain_papers.trends.words import LINKS, is_stop, may_end, stem, surfaces

WORDS = ["graph", "graphs", "net", "of", "the", "method", "deep", "set", "large", "map", ","]


def held(told):
    return {term: set(told.within[row].indices.tolist()) for row, term in enumerate(told.terms)}


def by_loops(papers, fewest):
    """Return the papers of every run of words that may be a term, before the filter by titles."""
    spread = {}
    for number, paper in enumerate(papers):
        words = [*map(stem, surfaces(paper.title)), "", *map(stem, surfaces(paper.abstract))]
        for length, start in itertools.product((1, 2, 3), range(len(words))):
            run = tuple(words[start : start + length])
            if len(run) == length and "" not in run:
                spread.setdefault(run, set()).add(number)
    common = {run for run, where in spread.items() if len(where) >= fewest}
    found = {}
    for run in common:
        ends = all(may_end(word) and (word,) in common for word in (run[0], run[-1]))
        said = not all(is_stop(word) for word in (run[0], run[-1]))
        inner = (
            len(run) < 3
            or run[1] in LINKS
            or (may_end(run[1]) and (run[1],) in common and run[1:] in common)
        )
        first = len(run) < 3 or run[:2] in common
        if ends and said and inner and first:
            found[" ".join(run)] = spread[run]
    return found


@pytest.mark.parametrize("seed", range(6))
def test_terms_and_their_papers_equal_loops_over_all_runs(seed, monkeypatch):
    for each in ("IN_TITLES", "TWICE"):
        monkeypatch.setattr(module, each, {1: 0.0, 2: 0.0, 3: 0.0})
    chance = random.Random(seed)
    papers = [
        Paper(
            f"p{n}",
            "x " + " ".join(chance.choices(WORDS, k=5)),
            " ".join(chance.choices(WORDS, k=25)),
        )
        for n in range(12)
    ]
    told = held(table(TermCounts(papers), [paper.id for paper in papers], 3))
    assert told == by_loops(papers, 3)


def papers_with(phrase, count, *, title="", start=0):
    return [
        Paper(f"{phrase}{n}", f"{title} {n}x", f"Here {phrase} stands. Then {phrase} again.")
        for n in range(start, start + count)
    ]


def test_a_phrase_that_never_stands_in_a_title_is_no_term():
    papers = papers_with("graph attention", 20, title="Graph attention")
    papers += papers_with("luminous corollary", 20, title="Other thing")
    told = table(TermCounts(papers), [paper.id for paper in papers])
    assert "graph attention" in told.terms
    assert "luminous corollary" not in told.terms


def test_a_word_that_does_not_come_back_within_an_abstract_is_no_term():
    papers = [Paper(f"p{n}", "Leaping towards graphs", "Once only.") for n in range(20)]
    told = table(TermCounts(papers), [paper.id for paper in papers])
    assert told.terms == ()


def test_stop_phrases_are_no_terms_and_link_words_stand_inside_only():
    papers = papers_with("the bag of words", 15, title="The bag of words")
    papers += papers_with("extensive experiments", 15, title="Extensive experiments")
    told = table(TermCounts(papers), [paper.id for paper in papers])
    assert set(told.terms) == {"bag", "word", "bag of word"}


def test_hyphens_and_plurals_are_the_same_term_and_punctuation_parts_it():
    papers = papers_with("vision-language models", 6, title="Vision-language models")
    papers += papers_with("vision language model", 6, title="Vision language model")
    papers += papers_with("vision. language", 6, title="Vision. Language")
    told = held(table(TermCounts(papers), [paper.id for paper in papers], 5))
    assert len(told["vision language model"]) == 12
    assert len(told["vision language"]) == 12


def test_no_papers_have_no_terms():
    told = table(TermCounts(), [])
    assert (told.terms, told.within.shape) == ((), (0, 0))
