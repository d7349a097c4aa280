"""The one client to a language model or an embedding service."""

from everygrain.endpoint.budget import Answerer, Budget
from everygrain.endpoint.cache import CachedEndpoint
from everygrain.endpoint.client import Endpoint
from everygrain.endpoint.offline import go_offline, is_offline
from everygrain.endpoint.replies import Completion, Token

__all__ = [
    "Answerer",
    "Budget",
    "CachedEndpoint",
    "Completion",
    "Endpoint",
    "Token",
    "go_offline",
    "is_offline",
]
