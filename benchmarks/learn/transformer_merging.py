"""Static tables of four trainings, merged: by equal shares and by learned coefficients."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from transformer_data import (
    CUT,
    Store,
    code_pairs,
    intent_pairs,
    interval,
    paper_pairs,
    title_pairs,
)

from everygrain.learn.losses.base import Batch
from everygrain.learn.losses.contrastive import MultipleNegatives
from everygrain.learn.merge import Merging, learned_coefficients, merged, uniform
from everygrain.learn.pairs.base import Pair
from everygrain.measure.significance import randomisation_test


def merging(store: Store) -> dict[str, Any]:
    """Three tables tuned from one static table, each to a task, and merged into one."""
    from everygrain.encode.distil import static_table

    table = static_table()
    base = torch.tensor(table.matrix.astype(np.float32))
    tasks = {"papers": paper_pairs(6_000), "banking77": intent_pairs(6_000),
             "cosqa": code_pairs(400), "cisi": title_pairs("cisi", 1_200)}  # fmt: skip
    bags: dict[str, Any] = {}
    experts: list[dict[str, Any]] = []
    for name, pairs in tasks.items():
        cut = max(100, len(pairs) // 6)
        parts = {"test": pairs[:cut], "probe": pairs[cut : 2 * cut], "train": pairs[2 * cut :]}
        bags[name] = {part: bags_of(table, chosen) for part, chosen in parts.items()}
        experts.append({"matrix": tuned_table(base, bags[name]["train"])})
        print("expert", name, flush=True)
    state = {"matrix": base}
    lot = torch.Generator().manual_seed(0)

    def probe_loss(merged_state: Any, step: int) -> Any:
        losses = [table_loss(merged_state["matrix"], bags[name]["probe"], 100, lot)
                  for name in tasks]  # fmt: skip
        return torch.stack(losses).mean()

    settings = Merging(steps=40, learning_rate=0.2, momentum=0.8)
    coefficients = learned_coefficients(state, experts, probe_loss, settings)
    choices = {"base": [0.0] * len(experts)}
    for place, name in enumerate(tasks):
        choices[f"expert {name}"] = [float(place == i) for i in range(len(experts))]
    choices |= {"uniform": uniform(experts), "learned": coefficients}
    found: dict[str, Any] = {"coefficients": [round(a, 3) for a in coefficients]}
    values: dict[str, list[Any]] = {}
    for label, chosen in choices.items():
        matrix = merged(state, experts, chosen)["matrix"]
        values[label] = [reciprocal(matrix, bags[name]["test"]) for name in tasks]
        found[label] = {n: round(float(v.mean()), 4)
                        for n, v in zip(tasks, values[label], strict=True)}  # fmt: skip
        found[label]["mean"] = round(float(np.mean([v.mean() for v in values[label]])), 4)
    for name, learned, plain in zip(tasks, values["learned"], values["uniform"], strict=True):
        gap = learned - plain
        found[f"learned - uniform, {name}"] = [
            *interval(gap), randomisation_test(learned, plain).p, len(gap)
        ]  # fmt: skip
    return found


def bags_of(table: Any, pairs: list[Pair]) -> tuple[Any, Any]:
    """Return the word pieces of queries and of positives, each text a list."""
    sides = []
    for texts in ([p.query for p in pairs], [p.positive for p in pairs]):
        told = table._tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        sides.append([each.ids[:CUT] or [0] for each in told])
    return sides[0], sides[1]


def pooled(matrix: Any, texts: list[list[int]]) -> Any:
    flat = torch.tensor([piece for text in texts for piece in text])
    starts = torch.tensor(np.cumsum([0, *map(len, texts[:-1])]))
    found = torch.nn.functional.embedding_bag(flat, matrix, starts, mode="mean")
    return torch.nn.functional.normalize(found, dim=-1)


def table_loss(matrix: Any, bags: tuple[Any, Any], size: int, lot: Any) -> Any:
    chosen = torch.randperm(len(bags[0]), generator=lot)[:size].tolist()
    queries, documents = (pooled(matrix, [side[i] for i in chosen]) for side in bags)
    eye = torch.eye(len(chosen))
    batch = Batch(queries, documents, eye, torch.ones(eye.shape, dtype=torch.bool),
                  torch.tensor(chosen))  # fmt: skip
    return MultipleNegatives()(batch).mean()


def tuned_table(base: Any, bags: tuple[Any, Any]) -> Any:
    matrix = base.clone().requires_grad_()
    optimiser = torch.optim.Adam([matrix], lr=0.003)
    lot = torch.Generator().manual_seed(0)
    for _ in range(60):
        optimiser.zero_grad()
        table_loss(matrix, bags, 128, lot).backward()
        optimiser.step()
    return matrix.detach()


def reciprocal(matrix: Any, bags: tuple[Any, Any]) -> Any:
    """Return the reciprocal rank of each query's own text among all texts of the test part."""
    queries, documents = (pooled(matrix, side) for side in bags)
    scores = queries @ documents.T
    ranks = (scores > scores.diagonal().unsqueeze(1)).sum(1) + 1
    return (1 / ranks.double()).numpy()
