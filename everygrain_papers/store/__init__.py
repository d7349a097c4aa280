"""The papers of a room: what every source said of each, its former states, and which are one."""

from everygrain_papers.store.papers import Change, PaperStore, Revision

__all__ = ["Change", "PaperStore", "Revision"]
