"""What an embedding finds near should be what a generator would have asked for.

Source: ULLME: A Unified Framework for Large Language Model Embeddings with Generation-Augmented
Learning.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from everygrain.learn.losses.base import Batch, Written, require
from everygrain.learn.losses.contrastive import cross_entropy
from everygrain.learn.losses.divergence import divergence

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class GenerationConsistency(Written):
    """Contrast, plus the divergence of embedding relevance from generation relevance.

        loss_i = InfoNCE_i + weight * KL( softmax(g_i / temperature) || softmax(scale s_i) )

    with g_ij = log P(query i | document j), the batch's teacher scores, from any generator: the
    log-probabilities of an endpoint, or a unigram model. With all documents as likely beforehand,
    softmax(g_i) is the chance of each document to be the one that the query was asked of.

    scale         inverse temperature of the cosines (> 0)
    temperature   of the generator's scores, in nats (> 0): long queries give log-likelihoods so
                  far apart that all but one document vanish at 1
    weight        of the consistency (>= 0)

    The paper trains the generator as well, in the same model; here it is given and fixed.
    Source: ULLME: A Unified Framework for Large Language Model Embeddings with
    Generation-Augmented Learning.
    """

    scale: float = 20.0
    temperature: float = 1.0
    weight: float = 1.0
    name: ClassVar[str] = "generation_consistency"

    def __post_init__(self) -> None:
        require(self.scale > 0, self, f"scale is {self.scale}", "Set it above 0; 20 is usual.")
        require(self.temperature > 0, self, f"temperature is {self.temperature}", "Set it above 0.")
        require(self.weight >= 0, self, f"weight is {self.weight}", "Set it to 0 or above.")

    def __call__(self, batch: Batch) -> Tensor:
        generated, known = batch.taught(self)
        logits = self.scale * batch.similarities
        contrast = cross_entropy(logits, batch.relevance, batch.counted)
        return contrast + self.weight * divergence(generated / self.temperature, logits, known)
