"""New papers ranked by the rising things in them, and what each score is made of."""

import math
from dataclasses import dataclass
from datetime import date

import pytest

from everygrain.errors import InputError
from everygrain_papers.paper import Paper
from everygrain_papers.trends import Trend, rising_papers

TODAY = date(2026, 12, 31)


@dataclass
class Guess:
    value: float
    low: float = 0.0
    high: float = 1.0


def trend(name, low, ratio, high, *papers, kind="term"):
    return Trend(kind, name, 10, 1, ratio, low, high, papers, "")


PAPERS = [
    Paper("a", "Alpha", year=2026),
    Paper("b", "Beta", year=2026),
    Paper("c", "Gamma", year=2026),
    Paper("old", "Old", year=2020),
    Paper("none", "Undated"),
    Paper("later", "To come", year=2027),
    *(Paper(f"p{n}", "Past", year=2019 + n % 7) for n in range(20)),
]
EVERYWHERE = tuple(paper.id for paper in PAPERS)
SURE, STEEP = trend("sure", 8, 16, 32, "a", "old"), trend("steep", 2, 64, 512, "b", "later")
TOPIC = trend("topic", 2, 4, 8, "b", kind="topic")


def test_nothing_asked_for_is_refused():
    with pytest.raises(InputError):
        rising_papers(PAPERS, [], [], None, TODAY, limit=0)


def test_papers_are_ranked_by_what_is_sure_and_say_what_they_are_made_of():
    told = rising_papers(PAPERS, [SURE, STEEP], [TOPIC], None, TODAY, recent=1)
    assert [each.papers for each in told] == [("a",), ("b",)]
    first, second = told
    mean = (math.log2(16) + math.log2(64) + math.log2(4) + 0) / 3  # three new papers
    assert (first.kind, first.name) == ("paper", "Alpha")
    assert first.recent == pytest.approx(4)
    assert first.expected == pytest.approx(mean)
    assert first.low == pytest.approx(3 / mean)
    assert second.high == pytest.approx(12 / mean)
    assert first.made_of == "term 'sure' 16.0 times its past (at least 8.0): +3.0"
    assert "topic 'topic' 4.0 times its past (at least 2.0): +1.0" in second.made_of


def test_papers_that_are_old_undated_or_to_come_are_not_new():
    told = rising_papers(PAPERS, [trend("x", 2, 2, 2, *EVERYWHERE)], [], None, TODAY, recent=1)
    assert {each.papers[0] for each in told} == {"a", "b", "c"}


def test_estimated_impact_moves_papers_and_is_told():
    guesses = {"a": Guess(0.1), "b": Guess(0.7), "p1": Guess(1.0)}
    told = rising_papers(PAPERS, [SURE, STEEP], [TOPIC], guesses, TODAY, recent=1)
    assert [each.papers[0] for each in told] == ["b", "a"]
    assert told[0].recent == pytest.approx(8 + math.log2(0.7 / 0.4))
    assert (
        "estimated impact 0.70 (0.00 to 1.00) where new papers have 0.40: +0.8" in told[0].made_of
    )


def test_only_the_three_surest_terms_count():
    terms = [trend(f"t{n}", 2.0 + n, 8, 9, "a") for n in range(5)]
    (told,) = rising_papers(PAPERS, terms, [], None, TODAY, recent=1)
    assert told.recent == pytest.approx(9)
    assert "'t4'" in told.made_of
    assert "'t1'" not in told.made_of


def test_without_rising_things_there_are_no_rising_papers():
    assert rising_papers(PAPERS, [], [], {"a": Guess(0.9)}, TODAY) == []
    assert rising_papers([], [SURE], [], None, TODAY) == []
