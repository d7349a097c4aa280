"""Which sentences of a document answer a query, and the spans that they make.

A bi-encoder's two vectors say how near a document is, not where it answers. Here the query is
fused with each sentence of one document, and a small network says how likely it is that the
sentence belongs to the answer:

    z_i      = [features of (query, sentence i, its place in the document), (U q) * (V s_i)]
    logit_i  = a p_i + b + w . tanh(W z_i + c)

q and s_i are the bi-encoder's vectors, p_i is what an extractive fallback says, such as
`everygrain.rank.evidence`. w starts at zero: untrained, the order is the fallback's. Among the
features is what each word of the query finds among the sentence's words (attention to the nearest
one). The answer is the run of sentences whose logits sum to the most.

GeAR writes the answer out with a decoder that generates from the fused representation; one that is
trained on a collection alone would be weak, so ours points: what it gives stands in the document.
`everygrain.learn.train.evidence` trains it.

Source: GeAR: Generation Augmented Retrieval
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from everygrain.analyze.words import of_text
from everygrain.document import Document, Evidence, Span
from everygrain.encode.base import Encoder, Vectors, unit
from everygrain.encode.long import word_vectors
from everygrain.encode.static import Static
from everygrain.errors import InputError, ModelError

Weights = Mapping[str, npt.NDArray[np.float32]]
FEATURES = (
    "prior", "behind the best prior", "cosine", "cosine above the mean", "words found",
    "words found before", "words found after", "centrality", "place", "first", "last",
    "logarithm of the words", "share of numbers",
)  # fmt: skip
_SHARPNESS = 8.0  # of the fallback's scores, before any training


@dataclass(frozen=True, eq=False)
class Localiser:
    """Finds the sentences that answer.

    sentences   encodes the query and the sentences
    words       a static table, for the words of both
    weights     of the network, by name

    Source: GeAR: Generation Augmented Retrieval
    """

    sentences: Encoder
    words: Static
    weights: Weights

    @classmethod
    def untrained(
        cls, sentences: Encoder, words: Static, hidden: int = 16, rank: int = 8, seed: int = 0
    ) -> Localiser:
        """Return one whose order is the fallback's.

        hidden   width of the network, >= 1
        rank     of the product of query and sentence vectors, >= 1
        Raises InputError for a size out of range.
        """
        if hidden < 1 or rank < 1:
            raise InputError(
                f"No localiser is {hidden} wide with a product of rank {rank}.", "Use 1 or more."
            )
        lot, d, count = np.random.default_rng(seed), sentences.dimensions, len(FEATURES)
        made = {
            "mean": np.zeros(count),
            "spread": np.ones(count),
            "U": lot.standard_normal((d, rank)),
            "V": lot.standard_normal((d, rank)),
            "W": lot.standard_normal((hidden, count + rank)) / np.sqrt(count + rank),
            "c": np.zeros(hidden),
            "w": np.zeros(hidden),
            "a": np.array([_SHARPNESS]),
            "b": np.array([-_SHARPNESS / 2]),
            "margin": np.array([_SHARPNESS / 4]),
        }
        return cls(sentences, words, {name: each.astype(np.float32) for name, each in made.items()})

    def fallback(self, query: str, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return (n,) scores in [0, 1]: the mean of the cosine and of the share, by inverse
        document frequency, of the query's words that a sentence has."""
        weights = {word: self.words.idf.get(word, self.words.unseen) for word in of_text(query)}
        whole = sum(weights.values()) or 1.0
        held = [set(of_text(text)) for text in texts]
        covered = [sum(x for word, x in weights.items() if word in each) / whole for each in held]
        cosines = self.sentences.encode(texts) @ self.sentences.encode([query], "query")[0]
        found: npt.NDArray[np.float32] = (np.array(covered) + np.clip(cosines, 0, 1)) / 2
        return found.astype(np.float32)

    def fused(
        self, query: str, texts: Sequence[str], prior: npt.NDArray[np.float32]
    ) -> tuple[npt.NDArray[np.float32], Vectors, Vectors]:
        """Return the features (n, len(FEATURES)), the query's vector (d,) and the sentences'
        (n, d): what the network sees, and training makes once."""
        count = len(texts)
        asked, vectors = self.sentences.encode([query], "query")[0], self.sentences.encode(texts)
        cosines = vectors @ asked
        found = self.words_found(query, texts)
        middle = unit(vectors.sum(axis=0, keepdims=True))[0]
        words = [of_text(text) for text in texts]
        numbers = [sum(word[0].isdigit() for word in each) / max(len(each), 1) for each in words]
        places = np.arange(count)
        columns = [
            prior,
            prior - prior.max(initial=0),
            cosines,
            cosines - cosines.mean() if count else cosines,
            found,
            np.concatenate([[0], found[:-1]])[:count],
            np.concatenate([found[1:], [0]])[:count],
            vectors @ middle,
            places / max(count - 1, 1),
            places == 0,
            places == count - 1,
            np.log1p([len(each) for each in words]),
            numbers,
        ]
        features = np.stack([np.asarray(each, dtype=np.float32) for each in columns], axis=1)
        return features, asked, vectors

    def words_found(self, query: str, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return (n,) in [-1, 1]: for each word of the query the cosine of the nearest word of the
        sentence, weighed by inverse document frequency.

            sum_w idf_w max_t cos(w, t) / sum_w idf_w
        """
        asked = list(dict.fromkeys(of_text(query)))
        held = [list(dict.fromkeys(of_text(text))) for text in texts]
        vocabulary = list(dict.fromkeys([*asked, *(word for each in held for word in each)]))
        number = {word: i for i, word in enumerate(vocabulary)}
        vectors = unit(word_vectors(self.words, vocabulary))
        weights = np.array([self.words.idf.get(word, self.words.unseen) for word in asked])
        cosines = vectors[: len(asked)] @ vectors.T
        found = np.zeros(len(texts), dtype=np.float32)
        for i, each in enumerate(held):
            if each and asked:
                nearest = cosines[:, [number[word] for word in each]].max(axis=1)
                found[i] = (weights * nearest).sum() / max(float(weights.sum()), 1e-9)
        return found

    def logits(
        self, query: str, texts: Sequence[str], prior: npt.NDArray[np.float32] | None = None
    ) -> npt.NDArray[np.float32]:
        """Return (n,) log-odds that each sentence belongs to the answer.

        texts   the document's sentences, in order
        prior   (n,) the fallback's scores in [0, 1]; `fallback` if None
        Raises InputError, naming the query, for priors of another number or without a value.
        """
        if prior is None:
            prior = self.fallback(query, texts)
        prior = np.asarray(prior, dtype=np.float32)
        if prior.shape != (len(texts),) or not np.isfinite(prior).all():
            raise InputError(
                f"The fallback gave {prior.shape} scores, or some without a value, for "
                f"{len(texts)} sentences and the query '{query}'.",
                "Give one finite score for each sentence.",
            )
        if not len(texts):
            return prior
        features, asked, vectors = self.fused(query, texts, prior)
        w = self.weights
        seen = (features - w["mean"]) / w["spread"]
        z = np.concatenate([seen, (asked @ w["U"]) * (vectors @ w["V"])], axis=1)
        found: npt.NDArray[np.float32] = (
            w["a"] * prior + w["b"] + np.tanh(z @ w["W"].T + w["c"]) @ w["w"]
        )
        return found

    def locate(
        self,
        query: str,
        document: Document,
        spans: Sequence[tuple[int, int]],
        prior: npt.NDArray[np.float32] | None = None,
    ) -> list[Evidence]:
        """Return the spans of a document that answer, best first; none for one without sentences.

        spans   offsets of the document's sentences, in order
        prior   (n,) the fallback's scores; `fallback` if None

        A span is a run of whole sentences, `document.text[start:end]`; its score is the probability
        of its best sentence. Raises what `logits` raises.
        """
        logits = self.logits(query, [document.text[start:end] for start, end in spans], prior)
        found = []
        for first, last in runs(reached(logits, float(self.weights["margin"][0]))):
            start, end = spans[first][0], spans[last][1]
            span = Span(document.id, start, end, "sentence" if first == last else "passage")
            best = float(logits[first : last + 1].max())
            found.append(Evidence(span, span.of(document), float(1 / (1 + np.exp(-best)))))
        return sorted(found, key=lambda each: (-each.score, each.span.start))

    def save(self, folder: Path) -> None:
        """Write the weights, and which encoders they were learned over, into an empty folder."""
        from safetensors.numpy import save_file

        arrays = {name: np.ascontiguousarray(array) for name, array in self.weights.items()}
        save_file(arrays, folder / "localiser.safetensors")
        (folder / "localiser.json").write_text(json.dumps(self._over()), encoding="utf-8")

    def _over(self) -> dict[str, str]:
        return {"sentences": self.sentences.fingerprint, "words": self.words.fingerprint}

    @classmethod
    def load(cls, folder: Path, sentences: Encoder, words: Static) -> Localiser:
        """Read what `save` wrote. Raises ModelError if it is missing, damaged, or was learned over
        other encoders."""
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        remedy = "Train it again over the encoders that are used now."
        try:
            over: Any = json.loads((folder / "localiser.json").read_text(encoding="utf-8"))
            found = cls(sentences, words, load_file(folder / "localiser.safetensors"))
        except (OSError, SafetensorError, ValueError) as error:
            raise ModelError(
                f"The localiser in {folder} is missing or damaged ({error}).", remedy
            ) from error
        if over != found._over():
            raise ModelError(
                f"The localiser in {folder} was learned over {over}, not {found._over()}.", remedy
            )
        return found


def reached(logits: npt.NDArray[np.float32], margin: float) -> npt.NDArray[np.bool_]:
    """Return (n,) which sentences are within a margin of the best."""
    found: npt.NDArray[np.bool_] = logits >= logits.max(initial=-np.inf) - np.float32(margin)
    return found


def runs(chosen: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the first and last place of every run of chosen ones, in order."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], chosen, [False]]).astype(np.int8)))
    return [(int(a), int(b) - 1) for a, b in zip(edges[::2], edges[1::2], strict=True)]
