"""A collection -> pairs to train on: each source one file, all of them by name in SOURCES."""

from everygrain.learn.pairs.base import Pair, PairSource
from everygrain.learn.pairs.collect import Collected, collect
from everygrain.learn.pairs.registry import SOURCES, parse_source

__all__ = ["SOURCES", "Collected", "Pair", "PairSource", "collect", "parse_source"]
