"""Word vectors by sense: which of a word's meanings a text has, told by the words around it.

Each word w has K vectors s_wk, and K that ask the context for them, q_wk; of the words around it
the context has the mean c of their own vectors:

    P(k | w, context) = exp(q_wk . c) / sum_j exp(q_wj . c)

`everygrain.learn.train.senses` learns them from raw text. Meanings that were planted come apart;
on collections of up to 8,000 abstracts one sense took over (benchmarks/results/rank_senses.md), so
nothing in the engine uses them.

Source: Vector representations of text data in deep learning. Its Disambiguated Skip-gram, without
the pruning of senses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from everygrain.errors import InputError

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Senses:
    """What is known of V words in K senses and d dimensions.

    words      word -> number
    senses     (V, K, d) the vectors of the senses
    asking     (V, K, d) what each sense asks of the context
    contexts   (V, d) what a word says to those around it

    Raises InputError for arrays of other shapes.
    """

    words: Mapping[str, int]
    senses: Vectors
    asking: Vectors
    contexts: Vectors

    def __post_init__(self) -> None:
        count, _, dimensions = self.senses.shape
        if self.asking.shape != self.senses.shape or self.contexts.shape != (count, dimensions):
            raise InputError(
                f"Senses of the shape {self.senses.shape}, asking by {self.asking.shape} of "
                f"contexts {self.contexts.shape}.",
                "Give (words, senses, dimensions) twice, and (words, dimensions).",
            )

    def __repr__(self) -> str:
        return f"Senses({len(self.words)} words, {self.senses.shape[1]} senses)"

    def chances(self, word: str, context: Sequence[str]) -> Vectors:
        """Return (K,) chances of a word's senses; all alike where no word around it is known.

        Raises InputError for a word that is not known.
        """
        if word not in self.words:
            raise InputError(f"The word '{word}' is not known.", "Train on texts that hold it.")
        asking = self.asking[self.words[word]]
        known = [self.words[other] for other in context if other in self.words]
        middle = self.contexts[known].mean(axis=0) if known else np.zeros(asking.shape[1])
        logits = asking @ middle
        shares = np.exp(logits - logits.max())
        found: Vectors = (shares / shares.sum()).astype(np.float32)
        return found

    def vector(self, word: str, context: Sequence[str]) -> Vectors:
        """Return (d,) the word's vector here: its senses, each as likely as it is.

        Raises InputError for a word that is not known.
        """
        found: Vectors = self.chances(word, context) @ self.senses[self.words[word]]
        return found
