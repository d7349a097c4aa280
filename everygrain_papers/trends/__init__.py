"""What rises without counting anybody's clicks: terms, topics and papers, and estimated impact."""

from everygrain_papers.trends.counts import TermCounts
from everygrain_papers.trends.papers import rising_papers
from everygrain_papers.trends.rising import ground, rising_terms, rising_topics
from everygrain_papers.trends.trend import Trend

__all__ = ["TermCounts", "Trend", "ground", "rising_papers", "rising_terms", "rising_topics"]
