"""Queries that are expanded before they are searched; each of these is a retriever around another.

RM3(lexical)                    words of the documents found first
Neighbours(lexical)             words of the texts whose titles are like the query
Reasoned(hybrid, endpoint)      a language model's reasoning, appended
Rewritten(hybrid, endpoint)     a language model's rewrites, what they find being fused
"""

from everygrain.rank.expand.feedback import RM3
from everygrain.rank.expand.neighbours import Neighbours
from everygrain.rank.expand.preferences import Preference, preferences, write_preferences
from everygrain.rank.expand.reasoning import Reasoned
from everygrain.rank.expand.rewrites import Rewritten

__all__ = [
    "RM3",
    "Neighbours",
    "Preference",
    "Reasoned",
    "Rewritten",
    "preferences",
    "write_preferences",
]
