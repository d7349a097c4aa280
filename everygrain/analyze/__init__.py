"""Text to terms: words, stems, languages."""

from everygrain.analyze.analyzer import Analyzer
from everygrain.analyze.words import Words, is_mark, locate, split

__all__ = ["Analyzer", "Words", "is_mark", "locate", "split"]
