"""The one client to a language model or an embedding service."""

from everygrain.endpoint.cache import CachedEndpoint
from everygrain.endpoint.client import Endpoint
from everygrain.endpoint.offline import go_offline, is_offline
from everygrain.endpoint.replies import Completion, Token

__all__ = ["CachedEndpoint", "Completion", "Endpoint", "Token", "go_offline", "is_offline"]
