"""Documents in the order of how likely a sentence of theirs answers the query.

    index.retriever("hybrid") % 50 >> Cross(Localised(localiser, Sentences("en")), index.fetch)

score(d) = the highest log-odds of d's sentences (`everygrain.encode.evidence`); below all that a
sentence can reach where a text has none.

Source: GeAR: Generation Augmented Retrieval
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from everygrain.encode.evidence import Localiser
from everygrain.segment.base import Segmenter

NOTHING = -1e3


@dataclass(frozen=True, eq=False)
class Localised:
    """A PairScorer over a Localiser."""

    localiser: Localiser
    sentences: Segmenter

    def __repr__(self) -> str:
        return "Localised()"

    def score(self, query: str, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return (n,) log-odds, higher for better."""
        scores = np.full(len(texts), NOTHING, dtype=np.float32)
        for place, text in enumerate(texts):
            spans = self.sentences.spans(text)
            if spans:
                logits = self.localiser.logits(query, [text[start:end] for start, end in spans])
                scores[place] = logits.max()
        return scores
