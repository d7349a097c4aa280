"""Language models as rerankers: pairwise, listwise and setwise, with what they cost.

Pairwise(endpoint, index.fetch)            two passages at a time, in both orders
Listwise(endpoint, index.fetch)            windows of 20 that move by 10
Listwise(endpoint, index.fetch, None)      all passages at once
Setwise(endpoint, index.fetch)             the best of a few
"""

from everygrain.endpoint import Answerer, Budget
from everygrain.rank.llm.base import Ranked
from everygrain.rank.llm.listwise import Listwise
from everygrain.rank.llm.pairwise import Pairwise
from everygrain.rank.llm.setwise import Setwise
from everygrain.rank.llm.spent import Prices, Spent

__all__ = [
    "Answerer",
    "Budget",
    "Listwise",
    "Pairwise",
    "Prices",
    "Ranked",
    "Setwise",
    "Spent",
]
