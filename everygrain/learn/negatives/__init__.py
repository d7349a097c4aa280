"""Documents that do not answer a query, and which of them may be false negatives."""

from everygrain.learn.negatives.base import Negatives, NegativeSource
from everygrain.learn.negatives.control import Control, Margin, counted, same_text
from everygrain.learn.negatives.fields import WrongField, WrongType
from everygrain.learn.negatives.mined import InBatch, Mined

__all__ = [
    "Control", "InBatch", "Margin", "Mined", "NegativeSource", "Negatives", "WrongField",
    "WrongType", "counted", "same_text",
]  # fmt: skip
