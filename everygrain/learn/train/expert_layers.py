"""Trains the experts of a transformer: the top layers alone, over hidden states that are kept.

The layers below the first one with experts do not learn, so that what they make of a text is made
once and kept in half precision (two bytes times tokens times width): a step then costs the top
layers alone, and several trainings can share it.

Source: Contrastive Learning and Mixture of Experts Enables Precise Vector Embeddings
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from everygrain.encode.base import Encoder, Vectors
from everygrain.encode.experts.centroids import Centroids
from everygrain.encode.experts.transformer import TransformerExperts
from everygrain.encode.transformer import Transformer
from everygrain.errors import InputError
from everygrain.learn.losses.base import Loss
from everygrain.learn.losses.contrastive import MultipleNegatives
from everygrain.learn.pairs.base import Pair
from everygrain.learn.train.experts import ExpertTraining, Places, Told, batches, by_name, in_batch
from everygrain.learn.train.transformer import open_model

if TYPE_CHECKING:
    from torch import Tensor

_TEXTS_AT_ONCE = 16


@dataclass(frozen=True, eq=False)
class Hidden:
    """What the lower layers of a model make of texts.

    states    (tokens, width) float16, text after text
    offsets   (texts + 1,) of the texts' first tokens
    """

    states: npt.NDArray[np.float16]
    offsets: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @classmethod
    def of(cls, model: Any, texts: Sequence[str], layer: int, tokens: int = 128) -> Hidden:
        """Run texts, cut after a number of tokens, up to the input of a layer."""
        import torch

        from everygrain.encode.experts.feed_forward import layer_stack

        ids = model.tokenizer(list(texts), truncation=True, max_length=tokens)["input_ids"]
        offsets = np.cumsum([0, *map(len, ids)]).astype(np.int64)
        width = int(model[0].auto_model.config.hidden_size)
        states = np.zeros((int(offsets[-1]), width), dtype=np.float16)
        caught: list[Tensor] = []

        def catch(_layer: Any, given: tuple[Tensor, ...]) -> None:
            caught.append(given[0])
            raise _Caught

        hook = layer_stack(model)[layer].register_forward_pre_hook(catch)
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
        try:
            for start in range(0, len(order), _TEXTS_AT_ONCE):
                batch = order[start : start + _TEXTS_AT_ONCE]
                given = {"input_ids": [ids[i] for i in batch]}
                padded = model.tokenizer.pad(given, return_tensors="pt")
                caught.clear()
                with torch.inference_mode(), suppress(_Caught):
                    model[0].auto_model(**padded)
                for i, found in zip(batch, caught[0].numpy(), strict=True):
                    states[offsets[i] : offsets[i + 1]] = found[: len(ids[i])]
        finally:
            hook.remove()
        return cls(states, offsets)

    def padded(self, rows: Places) -> tuple[Tensor, Tensor]:
        """Return (rows, longest, width) states and the (rows, longest) mask of real tokens."""
        import torch

        lengths = np.diff(self.offsets)[rows]
        states = np.zeros((len(rows), int(lengths.max()), self.states.shape[1]), dtype=np.float32)
        for i, row in enumerate(rows):
            states[i, : lengths[i]] = self.states[self.offsets[row] : self.offsets[row + 1]]
        mask = np.arange(states.shape[1]) < lengths[:, None]
        return torch.from_numpy(states), torch.from_numpy(mask)


class _Caught(Exception):
    """The lower layers are done."""


@dataclass(eq=False)
class UpperLayers:
    """The layers that learn, from `lowest` up, and what follows them.

    model    a SentenceTransformer with experts installed
    switch   routes through them
    """

    model: Any
    switch: Any
    lowest: int

    @classmethod
    def of(cls, dense: Transformer, layers: Sequence[int], experts: int) -> UpperLayers:
        from everygrain.encode.experts.feed_forward import install

        model = open_model(dense.folder).eval()
        return cls(model, install(model, layers, experts), min(layers))

    def parameters(self) -> list[Any]:
        from everygrain.encode.experts.feed_forward import layer_stack

        stack = layer_stack(self.model)
        return [p for number in range(self.lowest, len(stack)) for p in stack[number].parameters()]

    def encode(self, hidden: Hidden, rows: Places, places: Places) -> Tensor:
        """Return (rows, d) vectors of length 1, each text through the expert of its place."""
        import torch

        from everygrain.encode.experts.feed_forward import layer_stack

        states, mask = hidden.padded(rows)
        lowest = torch.finfo(states.dtype).min
        added = torch.where(mask, 0.0, lowest)[:, None, None, :]
        self.switch.places = torch.from_numpy(places)
        for layer in layer_stack(self.model)[self.lowest :]:
            states = layer(states, added)
        features = {"token_embeddings": states, "attention_mask": mask.long()}
        for part in list(self.model)[1:]:
            features = part(features)
        return torch.nn.functional.normalize(features["sentence_embedding"], dim=1)

    def vectors(self, hidden: Hidden, places: Places, at_once: int = 64) -> Vectors:
        """Return (texts, d) vectors of all texts, without gradients."""
        import torch

        found = []
        with torch.no_grad():
            for start in range(0, len(hidden), at_once):
                rows = np.arange(start, min(start + at_once, len(hidden)))
                found.append(self.encode(hidden, rows, places[rows]).numpy())
        return np.concatenate(found)


def train_transformer_experts(
    dense: Transformer,
    pairs: Sequence[Pair],
    domains: Sequence[str | None],
    routing: Encoder,
    layers: Sequence[int],
    settings: ExpertTraining | None = None,
    loss: Loss | None = None,
    tokens: int = 128,
    told: Told | None = None,
) -> TransformerExperts:
    """Train a transformer with one expert per domain in some layers.

    dense      the model to start from
    domains    the domain of each pair; None trains what is shared alone
    routing    the encoder in whose space the domain of a text is told
    layers     numbers of the layers with experts; those below the first do not learn
    settings   default: `LAYERS`; the rates are step sizes of Adam
    tokens     texts are cut after this many in training

    Without steps the result encodes as `dense` does, to the last bit. Raises InputError for another
    number of domains than pairs, and what `feed_forward.install` raises.
    """
    from everygrain.encode.experts.feed_forward import changed

    settings = settings or LAYERS
    if not layers:
        raise InputError("No layer shall have experts.", "Name one, such as the last.")
    names, places = by_name(pairs, domains)
    upper = UpperLayers.of(dense, layers, len(names))
    if settings.steps:
        prompts = getattr(upper.model, "prompts", None) or {}
        asked = [(prompts.get("query") or "") + pair.query for pair in pairs]
        answers = [(prompts.get("document") or "") + pair.positive for pair in pairs]
        queries = Hidden.of(upper.model, asked, upper.lowest, tokens)
        documents = Hidden.of(upper.model, answers, upper.lowest, tokens)
        train_layers(upper, queries, documents, places, settings, loss, told)
    vectors = routing.encode([p.query for p in pairs] + [p.positive for p in pairs])
    centroids = Centroids.of(names, vectors, np.tile(places, 2), settings.outside)
    weights = changed(upper.model, upper.lowest)
    return TransformerExperts(dense, routing, centroids, tuple(layers), weights)


LAYERS = ExpertTraining(steps=300, batch=64, rate=5e-5, expert_rate=5e-5)


def train_layers(
    upper: UpperLayers,
    queries: Hidden,
    documents: Hidden,
    places: Places,
    settings: ExpertTraining,
    loss: Loss | None = None,
    told: Told | None = None,
) -> None:
    """Train layers in place, on pairs (queries[i], documents[i]) of places[i]."""
    import torch

    measure = loss or MultipleNegatives()
    experts = {id(p) for e in upper.model.modules() for p in _expert_parameters(e)}
    shared = [p for p in upper.parameters() if id(p) not in experts]
    own = [p for p in upper.parameters() if id(p) in experts]
    groups = [{"params": shared, "name": "shared"}]
    if own:
        groups.append({"params": own, "name": "experts"})
    optimiser: Any = torch.optim.Adam(groups, lr=1.0)
    rates = {"shared": settings.rate, "experts": settings.expert_rate}
    warm = max(1, min(20, settings.steps // 10))
    for step, rows in enumerate(batches(places, settings)):
        progress = step / settings.steps
        for group in optimiser.param_groups:
            group["lr"] = rates[group["name"]] * min(1.0, (step + 1) / warm) * (1 - progress)
        optimiser.zero_grad(set_to_none=True)
        asked = upper.encode(queries, rows, places[rows])
        found = upper.encode(documents, rows, places[rows])
        value = measure(in_batch(asked, found, rows, progress)).mean()
        value.backward()
        optimiser.step()
        if told is not None:
            told(step + 1, settings.steps, float(value.detach()))


def _expert_parameters(module: Any) -> list[Any]:
    from everygrain.encode.experts.feed_forward import Experts

    return list(module.experts.parameters()) if isinstance(module, Experts) else []
