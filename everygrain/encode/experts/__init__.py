"""Encoders with experts: a part per domain in one model, or several models behind a router.

Sources: Contrastive Learning and Mixture of Experts Enables Precise Vector Embeddings (`static`,
`transformer`); RouterRetriever: Exploring the Benefits of Routing over Multiple Expert Embedding
Models (`router`).
"""

from everygrain.encode.experts.centroids import Centroids
from everygrain.encode.experts.router import Pilots, Router
from everygrain.encode.experts.static import StaticExperts

__all__ = ["Centroids", "Pilots", "Router", "StaticExperts"]
