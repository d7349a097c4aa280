"""Trains one variant of `losses.py`: its batches, its loss and its steps."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch
from losses_papers import PAIRS, Papers
from losses_variants import Variant

from everygrain.learn.batches import Homogeneous, LengthBuckets, Shuffled
from everygrain.learn.curriculum import Eased, Reweighted
from everygrain.learn.losses import Batch, LearnedLoss, parse_loss
from everygrain.learn.losses.feedback import Thumbs, matching_weights
from everygrain.learn.optimise import SharpnessAware, TaskSharpnessAware

SIZE, EPOCHS, RATE = 512, 2, 0.05
SHOWN = 8  # documents per query that got simulated feedback


def make_batch(
    papers: Papers, table: Any, variant: Variant, rows: np.ndarray, progress: float
) -> Batch:
    """Return the batch of some pairs, with the teacher or the feedback that a variant wants."""
    titles, abstracts = papers.titles.embedded(table, rows), papers.abstracts.embedded(table, rows)
    relevance, teacher = torch.eye(len(rows)), None
    counted = torch.ones(len(rows), len(rows), dtype=torch.bool)
    if variant.teacher == "likelihood":
        teacher = papers.likelihood(rows)
    elif variant.teacher:
        likeness = papers.teacher[rows] @ papers.teacher[rows].T
        if variant.teacher == "likeness":
            teacher = likeness
        else:
            first, second = papers.before
            scores = first[rows] @ second[rows].T
            shown = (scores + 4 * torch.eye(len(rows))).topk(min(SHOWN, len(rows)), dim=1).indices
            counted = torch.zeros_like(counted).scatter(1, shown, torch.ones_like(shown).bool())
            if variant.teacher == "thumbs":
                relevance = (likeness >= 0.5).float() * counted
                teacher = scores
            else:
                relevance = (4 * ((likeness - 0.2) / 0.8).clamp(0, 1)).round() / 4 * counted
    anchors = torch.from_numpy(rows)
    return Batch(titles, abstracts, relevance, counted, anchors, teacher, progress)


def keyword_batch(papers: Papers, table: Any, numbers: np.ndarray, progress: float) -> Batch:
    """Return keywords against papers: one of each first, then up to three more of each."""
    _, holders = papers.keywords
    words, texts = papers.keyword_bags
    lot = np.random.default_rng([int(progress * 1e6), int(numbers[0])])
    taken = [lot.permutation(holders[number])[:4] for number in numbers]
    firsts = [int(each[0]) for each in taken]
    others = sorted({int(i) for each in taken for i in each[1:]} - set(firsts))
    columns = np.array(firsts + others)
    relevance = torch.zeros(len(numbers), len(columns))
    for i, number in enumerate(numbers):
        relevance[i] = torch.from_numpy(np.isin(columns, holders[number]).astype(np.float32))
    return Batch(
        words.embedded(table, numbers),
        texts.embedded(table, columns),
        relevance,
        torch.ones(relevance.shape, dtype=torch.bool),
        torch.from_numpy(numbers),
        None,
        progress,
    )


def schedule(papers: Papers, variant: Variant) -> list[np.ndarray]:
    steps: list[np.ndarray] = []
    for epoch in range(EPOCHS):
        if variant.batches == "homogeneous":
            steps += Homogeneous(SIZE).epoch([row["venue"] for row in papers.rows], epoch)
        elif variant.batches == "lengths":
            steps += LengthBuckets(SIZE * 256, 256).epoch(papers.lengths, epoch)
        elif variant.batches == "keywords":
            steps += Shuffled(SIZE // 2).epoch(len(papers.keywords[0]), epoch)
        else:
            steps += Shuffled(SIZE).epoch(PAIRS, epoch)
    return [rows for rows in steps if len(rows) > 1]


def made_loss(papers: Papers, variant: Variant) -> Any:
    loss: Any = parse_loss(variant.loss)
    if variant.curriculum == "eased":
        return Eased(loss, papers.ease)
    if variant.curriculum:
        return Reweighted(loss, variant.curriculum)  # type: ignore[arg-type]
    if variant.matched:
        up, down = [], []
        likeness = papers.teacher
        titles, abstracts = papers.before
        for start in range(0, PAIRS, SIZE):  # which queries get which thumbs, batch by batch
            rows = np.arange(start, min(start + SIZE, PAIRS))
            scores = titles[rows] @ abstracts[rows].T
            shown = scores.topk(SHOWN, dim=1).indices
            liked = (likeness[rows] @ likeness[rows].T >= 0.5).gather(1, shown)
            up.append(np.repeat(rows, liked.sum(dim=1).numpy()))
            down.append(np.repeat(rows, (~liked).sum(dim=1).numpy()))
        vectors = titles.numpy()
        every = np.ones(PAIRS)
        of_down = np.concatenate(down)
        every[of_down] = matching_weights(vectors[np.concatenate(up)], vectors[of_down])
        assert isinstance(loss, Thumbs)
        loss.match(every)
    return loss


def train(papers: Papers, variant: Variant) -> tuple[np.ndarray, dict[str, Any]]:
    """Return the trained matrix, in the unit of the table, and what the training was."""
    matrix = torch.from_numpy(papers.encoder.table.matrix.astype(np.float32))
    size = float(matrix.pow(2).mean().sqrt())
    tasks = "tasks" in variant.step
    table = torch.nn.EmbeddingBag.from_pretrained(
        matrix / size, freeze=False, mode="sum", sparse=not tasks
    )
    make = torch.optim.Adam if tasks else torch.optim.SparseAdam
    optimiser = make(list(table.parameters()), lr=RATE)
    radius = 0.05 * np.sqrt(matrix.shape[1]) if "sharp" in variant.step else 0.0
    loss = made_loss(papers, variant)
    own = loss.parameters if isinstance(loss, LearnedLoss) else []
    head = torch.optim.Adam(own, lr=1e-3) if own else None
    steps = schedule(papers, variant)
    robots = np.array([row["venue"] in ("iros", "icra") for row in papers.rows])
    begun, values = time.monotonic(), []
    for i, rows in enumerate(steps):
        progress = i / len(steps)
        for group in optimiser.param_groups:
            group["lr"] = RATE * min(1, (i + 1) / 4) * (1 - progress)

        def value(rows: np.ndarray = rows, progress: float = progress) -> torch.Tensor:
            if variant.batches == "keywords":
                batch = keyword_batch(papers, table, rows, progress)
            else:
                batch = make_batch(papers, table, variant, rows, progress)
            found: torch.Tensor = loss(batch).mean()
            return found

        if head:
            head.zero_grad()
        if tasks:
            parts = [rows[robots[rows]], rows[~robots[rows]]]
            closures = [lambda rows=part: value(rows) for part in parts if len(part) > 1]
            stepped = TaskSharpnessAware(optimiser, radius, "projected").step(closures)
            values.append(float(torch.stack(stepped).mean()))
        else:
            values.append(float(SharpnessAware(optimiser, radius).step(value)))
        if head:
            head.step()
    told = {
        "steps": len(steps),
        "seconds": round(time.monotonic() - begun, 1),
        "first": round(float(np.mean(values[:5])), 4),
        "last": round(float(np.mean(values[-5:])), 4),
    }
    return (table.weight.detach() * size).numpy(), told
