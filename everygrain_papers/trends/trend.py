"""What is said of something that rises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["term", "topic", "paper"]


@dataclass(frozen=True, slots=True)
class Trend:
    """A term, a topic or a paper that rises, and what each figure is made of.

    name       as it is shown: the term as papers write it, the topic's name, the paper's title
    recent     papers with it in the recent windows; of a paper, its score
    expected   what its own past leads one to expect there; of a paper, the mean score of new ones
    ratio      recent / expected
    low, high  the interval of the ratio; trends are ranked by low
    papers     ids of the recent papers with it, the newest first; of a paper, its own
    made_of    the figures in a sentence, for people
    series     (window, count, papers of the window), oldest first, for a small plot; none of a
               paper
    also       names of rising terms that were folded into this one
    q_value    share of false ones among all trends at least as sure; of a paper, none
    """

    kind: Kind
    name: str
    recent: float
    expected: float
    ratio: float
    low: float
    high: float
    papers: tuple[str, ...]
    made_of: str
    series: tuple[tuple[str, int, int], ...] = ()
    also: tuple[str, ...] = ()
    q_value: float | None = None
