"""Rankings + judgements -> figures that can be believed."""

from everygrain.measure.collections import Collection
from everygrain.measure.experiment import Experiment
from everygrain.measure.load import load
from everygrain.measure.measures import evaluate
from everygrain.measure.scores import Scores

__all__ = ["Collection", "Experiment", "Scores", "evaluate", "load"]
