"""Poolings over one frozen MiniLM, trained alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from transformer_data import CUT, SEEDS, Store, claims, interval, ndcg, paper_pairs

from everygrain.encode.base import unit
from everygrain.encode.pooling import POOLINGS, open_model, with_pooling
from everygrain.encode.transformer import minilm_folder
from everygrain.learn.losses.base import Batch
from everygrain.learn.losses.contrastive import MultipleNegatives
from everygrain.measure.correction import holm
from everygrain.measure.significance import randomisation_test


def pooling(store: Store) -> dict[str, Any]:
    """The same frozen MiniLM, data, loss and steps; only the pooling differs and is trained.

    Attention has a linear map after it, so a mean with a trained map stands beside: what it gains
    is the training's, not the pooling's. Trained ones are means over seeds, query by query.
    """
    collection, ids, texts = claims(1_000)
    asked = list(collection.scored_queries.values())
    pairs = paper_pairs(1_000)
    model = open_model(minilm_folder())
    body = with_pooling(model, "layers")[0]
    sides = {
        "queries": [p.query for p in pairs], "documents": [p.positive for p in pairs],
        "asked": asked, "texts": texts,
    }  # fmt: skip
    states = {name: frozen_states(body, model.tokenizer, each, 48 if name != "texts" else CUT)
              for name, each in sides.items()}  # fmt: skip
    print("states", flush=True)
    values: dict[str, Any] = {}
    for name in (*POOLINGS, "mean, mapped"):
        reached = []
        for seed in range(SEEDS) if name not in ("mean", "last") else [0]:
            torch.manual_seed(seed)
            module = MappedMean(384) if name == "mean, mapped" else with_pooling(model, name)[1]
            if name not in ("mean", "last"):
                train_pooling(name, module, states["queries"], states["documents"], seed)
            with torch.inference_mode():
                found = [unit(pool(name, module, states[s]).numpy()) for s in ("texts", "asked")]
            reached.append(ndcg(collection, ids, *found))
        values[name] = np.mean(reached, axis=0)
        result: dict[str, Any] = {name: interval(each) for name, each in values.items()}
        store(result)
    others = [name for name in values if name != "mean"]
    for against in ("mean", "mean, mapped"):
        chosen = [name for name in others if name != against]
        tests = [randomisation_test(values[name], values[against]) for name in chosen]
        for name, test, p in zip(chosen, tests, holm([t.p for t in tests]), strict=True):
            gap = values[name] - values[against]
            result[f"{name} - {against}"] = [*interval(gap), test.p, float(p)]
    result["n"], result["seeds"] = len(asked), SEEDS
    return result


class MappedMean(torch.nn.Module):
    """The mean of the last states plus a linear map of it that starts at zero."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.out = torch.nn.Linear(width, width)
        torch.nn.init.zeros_(self.out.weight)
        torch.nn.init.zeros_(self.out.bias)

    def pooled(self, means: Any) -> Any:
        return means[:, -1] + self.out(means[:, -1])


def frozen_states(body: Any, tokenizer: Any, texts: list[str], cut: int) -> dict[str, Any]:
    """Return padded last states in half precision, which are no padding, and the layers' means."""
    last, masks, means = [], [], []
    body.eval()
    order = np.argsort([len(text) for text in texts], kind="stable")
    for start in range(0, len(texts), 32):
        batch = [texts[i] for i in order[start : start + 32]]
        features = tokenizer(batch, padding=True, truncation=True, max_length=cut,
                             return_tensors="pt")  # fmt: skip
        with torch.inference_mode():
            found = body(dict(features))
        attended = features["attention_mask"]
        weights = attended.unsqueeze(-1).float()
        means.append(torch.stack([(s * weights).sum(1) / weights.sum(1)
                                  for s in found["all_layer_embeddings"]], 1))  # fmt: skip
        wide = cut - attended.shape[1]
        last.append(torch.nn.functional.pad(found["token_embeddings"].half(), (0, 0, 0, wide)))
        masks.append(torch.nn.functional.pad(attended, (0, wide)))
    back = torch.tensor(np.argsort(order))
    return {"last": torch.cat(last)[back], "mask": torch.cat(masks)[back],
            "means": torch.cat(means)[back]}  # fmt: skip


def pool(name: str, module: Any, states: dict[str, Any], rows: Any = slice(None)) -> Any:
    if name in ("layers", "mean, mapped"):
        return module.pooled(states["means"][rows])
    last, mask = states["last"][rows].float(), states["mask"][rows]
    if name == "tokens":
        return module.pooled(last, mask)
    return module({"token_embeddings": last, "attention_mask": mask})["sentence_embedding"]


def train_pooling(
    name: str, module: Any, queries: dict[str, Any], documents: Any, seed: int
) -> None:
    optimiser = torch.optim.Adam(module.parameters(), lr=3e-4)
    lot = torch.Generator().manual_seed(seed)
    count, loss = len(queries["mask"]), MultipleNegatives()
    for _ in range(80):
        rows = torch.randperm(count, generator=lot)[:64]
        sides = [torch.nn.functional.normalize(pool(name, module, s, rows), dim=-1)
                 for s in (queries, documents)]  # fmt: skip
        eye = torch.eye(len(rows))
        optimiser.zero_grad()
        loss(Batch(*sides, eye, torch.ones(eye.shape, dtype=torch.bool), rows)).mean().backward()
        optimiser.step()
