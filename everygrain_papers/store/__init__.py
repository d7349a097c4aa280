"""The papers of a room: what every source said of each, its former states, and which are one."""

from everygrain_papers.store.change import Change, Revision
from everygrain_papers.store.papers import PaperStore

__all__ = ["Change", "PaperStore", "Revision"]
