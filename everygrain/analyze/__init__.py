"""Text to terms: words, stems, languages."""

from everygrain.analyze.analyzer import Analyzer
from everygrain.analyze.words import Words, locate, split

__all__ = ["Analyzer", "Words", "locate", "split"]
