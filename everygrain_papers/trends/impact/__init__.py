"""Impact of new papers, learned from the citations of old ones.

Source: From Words to Worth: Newborn Article Impact Prediction with LLM
"""

from everygrain_papers.trends.impact.model import Estimate, ImpactModel
from everygrain_papers.trends.impact.quality import Quality
from everygrain_papers.trends.impact.target import normalised

__all__ = ["Estimate", "ImpactModel", "Quality", "normalised"]
