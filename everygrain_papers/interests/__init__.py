"""What a reader follows: interests learned from papers liked and disliked, kept apart."""

from everygrain_papers.interests.interest import Interest
from everygrain_papers.interests.pool import Pool
from everygrain_papers.interests.profile import Mix
from everygrain_papers.interests.recommend import recommend, recommend_from
from everygrain_papers.interests.recommendation import Reasons, Recommendation

__all__ = [
    "Interest",
    "Mix",
    "Pool",
    "Reasons",
    "Recommendation",
    "recommend",
    "recommend_from",
]
