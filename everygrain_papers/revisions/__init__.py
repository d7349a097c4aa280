"""What changed between two versions of an abstract."""

from everygrain_papers.revisions.align import Group, align
from everygrain_papers.revisions.comparison import Comparison, compare
from everygrain_papers.revisions.intentions import Intention
from everygrain_papers.revisions.words import Part

__all__ = ["Comparison", "Group", "Intention", "Part", "align", "compare"]
