"""Sources -> Documents: files, folders and streams, one document at a time."""

from everygrain.read.base import Reject
from everygrain.read.source import read

__all__ = ["Reject", "read"]
