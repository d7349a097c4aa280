"""What each loss, curriculum, way of batching and step is worth on the static table.

    python benchmarks/learn/losses.py [NAME ...] [--titles FILE]

All variants train the same table on the same 16,384 papers (title -> abstract), twice over, in
batches of 512, and are compared with multiple negatives ranking, query by query, on collections
that they have not seen. Nothing is tuned here: the settings are the losses' defaults.

The teacher of those that need one is MiniLM: how alike it finds the titles of the two papers. Its
vectors of all titles can be given as a .npy file of float16 (papers, 384); else those of the
sample are made, which takes minutes. Feedback is simulated from the same teacher. The generator is
a unigram model of each abstract with Dirichlet smoothing.

Every finished variant is kept in the .json beside the table, so that a run can be gone on with.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from everygrain.analyze import split
from everygrain.document import Ranking
from everygrain.encode.distil import static_table
from everygrain.encode.static import Static
from everygrain.learn.batches import Homogeneous, LengthBuckets, Shuffled
from everygrain.learn.curriculum import Eased, Reweighted, ease_by_rank
from everygrain.learn.losses import Batch, LearnedLoss, parse_loss
from everygrain.learn.losses.feedback import Thumbs, matching_weights
from everygrain.learn.optimise import SharpnessAware, TaskSharpnessAware
from everygrain.learn.train.bags import Bags
from everygrain.measure import evaluate, load
from everygrain.measure.bootstrap import bca_interval
from everygrain.measure.significance import randomisation_test

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
RESULTS = Path(__file__).resolve().parents[1] / "results"
SETS = {"scifact": "train", "cranfield": "dev"}
PAIRS, SIZE, EPOCHS, RATE = 16_384, 512, 2, 0.05
SHOWN = 8  # documents per query that got simulated feedback
BASELINE = "multiple_negatives"


@dataclass(frozen=True)
class Variant:
    """One row of the table.

    system   id of the published system in everygrain/systems.toml
    against  the variant that it is compared with
    teacher  "likeness", "likelihood", "thumbs" or "grades": what fills the batch beside texts
    batches  "shuffled", "homogeneous", "lengths", "keywords"
    step     "plain", "sharp", "tasks", "sharp tasks"
    """

    system: str
    loss: str = BASELINE
    against: str = BASELINE
    teacher: str = ""
    batches: str = "shuffled"
    step: str = "plain"
    curriculum: str = ""
    matched: bool = False


VARIANTS = {
    BASELINE: Variant("baseline"),
    "orthogonal projection": Variant("S07", "orthogonal_projection"),
    "homogeneous batches": Variant("S17", batches="homogeneous"),
    "divergence": Variant("S17", "divergence", teacher="likeness"),
    "stabilised distillation": Variant("S17", "stabilised_distillation", teacher="likeness"),
    "eased": Variant("S22", curriculum="eased"),
    "margin-MSE": Variant("S24", "margin_mse", teacher="likeness"),
    "policy gradient": Variant("S25", "policy_gradient"),
    "distilled sentence embedding": Variant(
        "S26", "distilled_sentence_embedding", teacher="likeness"
    ),
    "progressive negatives": Variant("S27", "progressive_negatives"),
    "individual temperatures": Variant("S34", "individual_temperatures"),
    "generation consistency": Variant("T03", "generation_consistency", teacher="likelihood"),
    "thumbs": Variant("T06", "thumbs", teacher="thumbs"),
    "thumbs, matched": Variant("T06", "thumbs", "thumbs", teacher="thumbs", matched=True),
    "grades and pairs": Variant("T07", "grades_and_pairs", teacher="grades"),
    "grades alone": Variant(
        "T07", "grades_and_pairs(weight=0)", "grades and pairs", teacher="grades"
    ),
    "reweighted, upper": Variant("T08", curriculum="upper"),
    "reweighted, quadratic": Variant("T08", curriculum="quadratic"),
    "metric mixup": Variant("T09", "metric_mixup"),
    "no mixup": Variant("T09", "metric_mixup(weight=0)", "metric mixup"),
    "sharpness-aware": Variant("T10", step="sharp"),
    "two tasks": Variant("T10", step="tasks"),
    "two tasks, sharpness-aware": Variant("T10", against="two tasks", step="sharp tasks"),
    "length buckets": Variant("T11", batches="lengths"),
    "keywords, multiple negatives": Variant(
        "S33", "multiple_negatives(symmetric=False)", batches="keywords"
    ),
    "keywords, decoupled softmax": Variant(
        "S33", "decoupled_softmax", "keywords, multiple negatives", batches="keywords"
    ),
    "keywords, soft top-k": Variant(
        "S33", "soft_top_k", "keywords, multiple negatives", batches="keywords"
    ),
}


@dataclass(frozen=True, eq=False)
class Papers:
    """The training set: papers drawn by lot, as bags of rows of one fitted table."""

    rows: list[dict[str, Any]]
    encoder: Static
    titles_file: str | None
    chosen: np.ndarray
    kept: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def draw(cls, titles_file: str | None) -> Papers:
        with gzip.open(DATA / "papers" / "papers.jsonl.gz", "rt", encoding="utf-8") as lines:
            rows = [json.loads(line) for line in lines]
        chosen = np.sort(np.random.default_rng(0).permutation(len(rows))[:PAIRS])
        drawn = [rows[i] for i in chosen]
        texts = [f"{row['title']} {row['abstract']}" for row in drawn]
        encoder = Static(static_table(), {}).fit(split(texts))
        return cls(drawn, encoder, titles_file, chosen)

    @cached_property
    def titles(self) -> Bags:
        return Bags.of(self.encoder, [row["title"] for row in self.rows])

    @cached_property
    def abstracts(self) -> Bags:
        return Bags.of(self.encoder, [row["abstract"] for row in self.rows])

    @cached_property
    def lengths(self) -> list[int]:
        return [len(row["abstract"].split()) for row in self.rows]

    @cached_property
    def before(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Vectors of titles and abstracts before training."""
        table = torch.from_numpy(self.encoder.table.matrix.astype(np.float32))
        made = (
            torch.from_numpy(bags.matrix @ table.numpy()) for bags in (self.titles, self.abstracts)
        )
        titles, abstracts = (torch.nn.functional.normalize(each, dim=1) for each in made)
        return titles, abstracts

    @cached_property
    def teacher(self) -> torch.Tensor:
        """(papers, 384) MiniLM's vectors of the titles."""
        if self.titles_file:
            return torch.from_numpy(np.load(self.titles_file)[self.chosen].astype(np.float32))
        from sentence_transformers import SentenceTransformer

        from everygrain.encode.transformer import minilm_folder

        model = SentenceTransformer(str(minilm_folder()), device="cpu")
        made = model.encode([row["title"] for row in self.rows], normalize_embeddings=True)
        return torch.from_numpy(np.asarray(made, dtype=np.float32))

    @cached_property
    def generator(self) -> tuple[Any, Any]:
        """Words of titles; log(1 + tf / (mu p)) and log(length + mu) of abstracts."""
        from scipy.sparse import csr_array

        words = split([row["abstract"] for row in self.rows] + [row["title"] for row in self.rows])
        ones = np.ones(len(words.ids), dtype=np.float64)
        shape = (len(words), len(words.vocabulary))
        both = csr_array((ones, words.ids.copy(), words.offsets.copy()), shape=shape)
        both.sum_duplicates()
        abstracts, titles = both[: len(self.rows)].tocsr(), both[len(self.rows) :].tocsr()
        counts = np.asarray(both.sum(axis=0)).ravel() / both.sum()
        mass = 500.0
        gains = abstracts.copy()
        gains.data = np.log1p(gains.data / (mass * counts[gains.indices]))
        lengths = np.log(np.asarray(abstracts.sum(axis=1)).ravel() + mass)
        return (titles, np.asarray(titles.sum(axis=1)).ravel()), (gains, lengths)

    def likelihood(self, rows: np.ndarray) -> torch.Tensor:
        """(n, n) log P(title | abstract), but for what is the same for all abstracts."""
        (titles, sizes), (gains, lengths) = self.generator
        found = (titles[rows] @ gains[rows].T).toarray()
        found -= sizes[rows][:, None] * lengths[rows][None]
        return torch.from_numpy(found.astype(np.float32))

    @cached_property
    def ease(self) -> np.ndarray:
        """Of each pair, by the rank of the abstract before training."""
        titles, abstracts = self.before
        ranks = np.empty(len(self.rows))
        for start in range(0, len(ranks), 1024):
            scores = titles[start : start + 1024] @ abstracts.T
            own = scores.gather(1, torch.arange(start, start + len(scores))[:, None])
            ranks[start : start + 1024] = (scores > own).sum(dim=1).numpy() + 1
        return ease_by_rank(ranks)

    @cached_property
    def keywords(self) -> tuple[list[str], list[list[int]]]:
        """Keywords of 2 to 20 papers, and the papers' numbers; of all papers that have any."""
        return self._keyworded[1], self._keyworded[2]

    @cached_property
    def keyword_bags(self) -> tuple[Bags, Bags]:
        rows, words, _ = self._keyworded
        texts = [f"{row['title']} {row['abstract']}" for row in rows]
        return Bags.of(self.encoder, words), Bags.of(self.encoder, texts)

    @cached_property
    def _keyworded(self) -> tuple[list[dict[str, Any]], list[str], list[list[int]]]:
        with gzip.open(DATA / "papers" / "papers.jsonl.gz", "rt", encoding="utf-8") as lines:
            rows = [row for row in map(json.loads, lines) if row.get("keywords")]
        holders: dict[str, list[int]] = {}
        for i, row in enumerate(rows):
            for word in {each.strip().lower() for each in row["keywords"]}:
                holders.setdefault(word, []).append(i)
        kept = {word: found for word, found in sorted(holders.items()) if 2 <= len(found) <= 20}
        return rows, list(kept), list(kept.values())


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


@dataclass(frozen=True, eq=False)
class Judged:
    """A collection to measure on, with the weights of words of its own documents."""

    ids: list[str]
    asked: list[str]
    judgements: Any
    documents: Bags
    queries: Bags

    @classmethod
    def of(cls, name: str, encoder: Static) -> Judged:
        collection = load(DATA / name, SETS[name])
        documents = list(collection.documents())
        texts = [f"{document.title} {document.text}" for document in documents]
        own = Static(static_table(), {}).fit(split(texts))
        weighed = replace(encoder, idf=own.idf, unseen=own.unseen)
        queries = collection.scored_queries
        return cls(
            [document.id for document in documents],
            list(queries),
            collection.judgements,
            Bags.of(weighed, texts),
            Bags.of(weighed, list(queries.values())),
        )

    def ndcg(self, matrix: np.ndarray) -> np.ndarray:
        """Return nDCG@10 of every query, by dot products of vectors of length 1."""
        sides = []
        for bags in (self.documents, self.queries):
            vectors = bags.matrix @ matrix
            sides.append(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9))
        rows = []
        for query, scores in zip(self.asked, sides[1] @ sides[0].T, strict=True):
            for i in np.argsort(-scores, kind="stable")[:10]:
                rows.append((query, self.ids[i], float(scores[i])))
        scored = evaluate(Ranking.of(self.asked, rows), self.judgements, ["nDCG@10"])
        return np.asarray(scored.of("nDCG@10"))


def report(results: dict[str, Any]) -> list[str]:
    lines = [
        "# Losses, curricula, batches and steps on the static table",
        "",
        f"nDCG@10 of the dense leg alone, exact search over whole documents, after training on "
        f"{PAIRS:,} papers (title -> abstract), {EPOCHS} epochs in batches of {SIZE}; keywords: "
        "keyword -> papers that have it. Differences are to the variant named, paired by query, "
        "with 95 % bootstrap (BCa) intervals and p of the randomisation test, not corrected for "
        "the number of rows. Teacher, feedback and generator are simulated as "
        "`benchmarks/learn/losses.py` says. Made by `python benchmarks/learn/losses.py`.",
        "",
        "| system | variant | compared with | "
        + " | ".join(f"{name} | difference | p" for name in SETS)
        + " | seconds |",
        "|---|---|---|" + "---|---|---|" * len(SETS) + "---|",
    ]
    for label, row in results.items():
        cells = [row["system"], label, row["against"]]
        for name in SETS:
            found = row["sets"][name]
            if "difference" in found:
                low, high = found["interval"]
                told = f"{found['difference']:+.3f} [{low:+.3f}, {high:+.3f}]"
                cells += [f"{found['mean']:.3f}", told, f"{found['p']:.3f}"]
            else:
                cells += [f"{found['mean']:.3f}", "", ""]
        lines.append(f"| {' | '.join(cells)} | {row['told'].get('seconds', 0):.0f} |")
    return lines


def compared(results: dict[str, Any]) -> None:
    """Add differences with their intervals wherever both variants are there."""
    for row in results.values():
        other = results.get(row["against"])
        for name, found in row["sets"].items():
            if other is None or other is row:
                continue
            mine, theirs = found["queries"], other["sets"][name]["queries"]
            gaps = np.subtract(mine, theirs)
            interval = bca_interval(gaps)
            found["difference"] = float(gaps.mean())
            found["interval"] = [interval.low, interval.high]
            found["p"] = randomisation_test(mine, theirs, samples=20_000).p


def keep(results: dict[str, Any]) -> None:
    compared(results)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "learn_losses.json").write_text(json.dumps(results) + "\n")
    (RESULTS / "learn_losses.md").write_text("\n".join(report(results)) + "\n")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="variants to train anew; all that are missing")
    parser.add_argument("--titles", help="MiniLM's vectors of all titles, .npy")
    asked = parser.parse_args(arguments)
    stored = RESULTS / "learn_losses.json"
    results: dict[str, Any] = json.loads(stored.read_text()) if stored.exists() else {}
    names = asked.names or [name for name in VARIANTS if name not in results]
    papers = Papers.draw(asked.titles)
    sets = {name: Judged.of(name, papers.encoder) for name in SETS}
    measure: Callable[[np.ndarray], dict[str, Any]] = lambda matrix: {  # noqa: E731
        name: {"mean": float(values.mean()), "queries": [round(float(v), 4) for v in values]}
        for name, values in ((name, each.ndcg(matrix)) for name, each in sets.items())
    }
    if "untrained" not in results:
        figures = measure(papers.encoder.table.matrix.astype(np.float32))
        results["untrained"] = {
            "system": "", "against": BASELINE, "told": {}, "sets": figures
        }  # fmt: skip
    for name in names:
        variant = VARIANTS[name]
        matrix, told = train(papers, variant)
        results[name] = {
            "system": variant.system, "against": "" if name == variant.against else variant.against,
            "told": told, "sets": measure(matrix),
        }  # fmt: skip
        ordered = {key: results[key] for key in ("untrained", *VARIANTS) if key in results}
        keep(ordered)
        results = ordered
        figures = {key: round(each["mean"], 4) for key, each in results[name]["sets"].items()}
        print(name, figures, told, flush=True)


if __name__ == "__main__":
    main()
