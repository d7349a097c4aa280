"""A cross-encoder that begins as a soft matching of words, and learns from there.

Two minutes of one core cannot teach attention what to look for: trained from random weights, or
from the lower layers of an encoder of single texts, a small cross-encoder still guesses. Its
weights can be written down instead, so that before any training

    score  ~  5 tanh( sum over heads of the mean of f_i over the query's pieces, by rarity )
    f_i = sum_{j in text} e^(b x_i . x_j) / (sum_{j in text} e^(b x_i . x_j) + e^(b s))

centred: how much of the query is found in the text, by vectors x of word pieces. A piece that
finds nothing attends to the closing mark of the pair instead, which is where e^(b s) is from.
Everything else starts near zero, and all of it is trained.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from everygrain.errors import InputError, ModelError
from everygrain.learn.train.cross_start import as_cross_encoder, classifier_of, principal, source_of

_OWN = 8  # dimensions that hold no meaning: segment, mark, rarity, one, two found, two summed
_SEGMENT, _MARK, _RARITY, _ONE, _FOUND, _SUMMED = 0, 1, 2, 3, 4, 6
_HEADS = 2
_APART = 8.0  # what attention within a text has less than across
_COMMON = 40  # of the first so many words of a vocabulary by frequency, each says next to nothing


@dataclass(frozen=True)
class Matching:
    """A BERT of two layers and two heads whose weights are written down, not drawn.

    width       of the vectors, an even number above 16; all but 8 of them hold meaning
    inner       hidden units of each feed-forward part, at least 1
    sharpness   b, > 0: the greater, the more only the same word counts
    sink        s, in [0, 1]: the cosine that counts as half found
    source      a folder with a BERT, whose word pieces and vectors of them are taken; where it is
                empty MiniLM's pieces, with the vectors of the encoder `static`

    Raises InputError for a number out of range.
    """

    width: int = 128
    inner: int = 256
    sharpness: float = 14.0
    sink: float = 0.65
    source: str = ""

    def __post_init__(self) -> None:
        fine = self.width > 16 and self.width % 2 == 0 and self.inner >= 1
        if not (fine and self.sharpness > 0 and 0 <= self.sink <= 1):
            raise InputError(
                f"{self} is no model.",
                "Use an even width above 16, an inner of 1 or more, a sharpness above 0 and a "
                "sink in [0, 1].",
            )

    def model(self, tokens: int) -> Any:
        import torch

        body, configuration, tokenizer = source_of(self.source)
        if 1 not in tokenizer("a", "a").get("token_type_ids", []):
            raise ModelError(
                f"The tokenizer of '{self.source}' does not tell the two texts of a pair apart.",
                "Name a BERT whose tokenizer gives types to pairs.",
            )
        configuration.update(
            {
                "num_hidden_layers": 2,
                "hidden_size": self.width,
                "num_attention_heads": _HEADS,
                "intermediate_size": self.inner,
                "type_vocab_size": 2,
                "initializer_range": 0.02,
            }
        )
        made = classifier_of(configuration)
        pieces = [piece for piece, _ in sorted(tokenizer.get_vocab().items(), key=lambda p: p[1])]
        vectors = body.embeddings.word_embeddings.weight.detach().numpy()
        if not self.source:
            vectors = _static(pieces, vectors)
        with torch.no_grad():
            _shrink(made)
            words = self._words(pieces, vectors, tokenizer.all_special_ids)
            made.bert.embeddings.word_embeddings.weight.copy_(torch.from_numpy(words))
            made.bert.embeddings.position_embeddings.weight.zero_()
            segments = torch.zeros_like(made.bert.embeddings.token_type_embeddings.weight)
            segments[:, _SEGMENT] = torch.tensor([-1.0, 1.0])
            made.bert.embeddings.token_type_embeddings.weight.copy_(segments)
            self._match(made.bert.encoder.layer[0].attention)
            self._sum(made.bert.encoder.layer[1].attention)
            made.bert.pooler.dense.weight[0, _SUMMED : _SUMMED + _HEADS] = 0.25
            made.bert.pooler.dense.bias[0] = -0.4
            made.classifier.weight[0, 0] = 5.0
        return as_cross_encoder(made, tokenizer, tokens)

    def _words(
        self, pieces: list[str], vectors: npt.NDArray[np.float32], marks: list[int]
    ) -> npt.NDArray[np.float32]:
        """Return (pieces, width): what marks each piece, and its meaning in a vector of a length
        that makes layer normalisation next to nothing."""
        import torch

        room = self.width - _OWN
        main = principal(torch.from_numpy(vectors.astype(np.float32)), min(room, vectors.shape[1]))
        # turned by lot, so that both heads see as much
        turn = np.linalg.qr(np.random.default_rng(0).normal(size=(room, room)))[0]
        meaning = main.numpy() @ turn[: main.shape[1]].astype(np.float32)
        words = np.zeros((len(pieces), self.width), dtype=np.float32)
        for head in np.split(np.arange(room), _HEADS):
            lengths = np.linalg.norm(meaning[:, head], axis=1, keepdims=True)
            words[:, _OWN + head] = np.sqrt(len(head)) * np.divide(
                meaning[:, head], lengths, out=np.zeros_like(meaning[:, head]), where=lengths > 1e-9
            )
        words[:, _RARITY] = _rarity(pieces)
        words[:, _ONE] = 1.0
        words[marks, _MARK] = 1.0
        return words

    def _match(self, attention: Any) -> None:
        """Let each piece attend to what is alike in the other text, or to its closing mark."""
        own, size = attention.self, self.width // _HEADS
        half = (self.width - _OWN) // _HEADS
        root = size**0.5
        for head in range(_HEADS):
            first = head * size
            # a vector's square in one head is about `half`
            factor = (self.sharpness * root / half) ** 0.5
            for place in range(half):
                dimension = _OWN + head * half + place
                own.query.weight[first + place, dimension] = factor
                own.key.weight[first + place, dimension] = factor
            apart, mark = first + half, first + half + 1
            own.query.weight[apart, _SEGMENT] = (_APART * root) ** 0.5
            own.key.weight[apart, _SEGMENT] = -((_APART * root) ** 0.5)
            # the sink: a mark is as near to all as a word at the cosine `sink`
            own.query.weight[mark, _ONE] = 1.0
            own.key.weight[mark, _MARK] = self.sharpness * self.sink * root
            # what is brought back is 1 for a word of the second text, 0 for its mark
            own.value.weight[first, _SEGMENT] = 0.5
            own.value.weight[first, _ONE] = 0.5
            own.value.weight[first, _MARK] = -1.0
            attention.output.dense.weight[_FOUND + head, first] = 2.0

    def _sum(self, attention: Any) -> None:
        """Let the first mark attend to the first text, its rare words above all."""
        own, size = attention.self, self.width // _HEADS
        root = size**0.5
        for head in range(_HEADS):
            first = head * size
            own.query.weight[first, _ONE] = 1.0
            own.key.weight[first, _SEGMENT] = -_APART / 2 * root
            own.key.weight[first, _MARK] = -_APART * root
            own.key.weight[first, _RARITY] = root
            own.value.weight[first, _FOUND + head] = 1.0
            attention.output.dense.weight[_SUMMED + head, first] = 2.0


def _static(pieces: list[str], otherwise: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return (pieces, d) vectors of the encoder `static`; zeros for the few that it lacks."""
    from everygrain.encode.registry import create
    from everygrain.encode.static import Static

    encoder: Any = create("static")
    if not isinstance(encoder, Static):
        return otherwise
    rows = encoder.table.vocabulary
    found = np.zeros((len(pieces), encoder.table.matrix.shape[1]), dtype=np.float32)
    for place, piece in enumerate(pieces):
        if piece in rows:
            found[place] = encoder.table.matrix[rows[piece]]
    return found


def _rarity(pieces: list[str]) -> npt.NDArray[np.float32]:
    """Return the logarithm of what each piece weighs, in about [-3, 2], by its place among the
    whole words: such vocabularies are in the order of frequency."""
    whole = np.array([len(p) > 1 and p.isalpha() for p in pieces])
    rank = np.maximum(np.cumsum(whole), 1.0)
    weight = np.maximum(np.log((rank + _COMMON) / (2 * _COMMON)), 0.05)
    marks = np.array([not any(c.isalnum() for c in p) for p in pieces])
    return np.log(np.where(marks, 0.05, weight)).astype(np.float32)


def _shrink(made: Any) -> None:
    """Take the drawn weights of all layers down, so that what is written stands out."""
    for layer in made.bert.encoder.layer:
        for part in layer.modules():
            if type(part).__name__ == "Linear":
                part.weight.mul_(0.1)
    made.bert.pooler.dense.weight.mul_(0.1)
