"""Lists that end where relevance ends."""

from everygrain.rank.cutoff.adapter import Adapted
from everygrain.rank.cutoff.base import Cutoff, Verdict
from everygrain.rank.cutoff.conformal import Calibration, Conformal

__all__ = ["Adapted", "Calibration", "Conformal", "Cutoff", "Verdict"]
