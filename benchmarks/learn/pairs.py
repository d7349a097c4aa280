"""What each offline source of training pairs gives, costs, and does to the encoder `static`.

    python benchmarks/learn/pairs.py [--wordnet FOLDER] [--only counts|effects|negatives|...]

Counts: pairs, documents without one, repeats and pairs a second of every source on six collections.
Effects: the static table, fitted to a collection, is trained on the pairs of one source alone with
in-batch negatives (batch 256, three epochs within 60 to 120 steps, one setting for all), and the
dense leg's nDCG@10 is compared with the table before, paired over queries. The judged queries take
no part in training, with one exception that is said: scisumm's citation graph is read from its
train judgements, and evaluated on the dev part.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_array, vstack
from scipy.stats import spearmanr

from everygrain.analyze import split
from everygrain.document import Document, Ranking
from everygrain.encode.base import Encoder, Vectors
from everygrain.encode.distil import static_table
from everygrain.encode.static import Static, Table
from everygrain.errors import InputError
from everygrain.learn.negatives import Control, Margin, Mined, WrongField, counted, same_text
from everygrain.learn.pairs import SOURCES, Pair, collect, parse_source
from everygrain.learn.pairs.attributes import Attributes
from everygrain.learn.pairs.definitions import (
    Definition,
    Definitions,
    EntrySpace,
    entry_space,
    isotropy,
    progressive,
)
from everygrain.learn.pairs.duplicates import DuplicateTitles
from everygrain.learn.pairs.parts import passages
from everygrain.measure import evaluate, load
from everygrain.measure.bootstrap import bca_interval
from everygrain.measure.correction import holm
from everygrain.measure.significance import randomisation_test

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
RESULTS = Path(__file__).resolve().parents[1] / "results"
SPLITS = {
    "scifact": "train", "cranfield": "dev", "cisi": "dev", "vaswani": "dev", "scisumm": "dev",
}  # fmt: skip
PAPERS = 20_000
BATCH, EPOCHS, LEAST, MOST, RATE, SCALE = 256, 3, 60, 120, 0.01, 20.0


def papers() -> list[Document]:
    found = []
    with gzip.open(DATA / "papers" / "papers.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line, _ in zip(lines, range(PAPERS), strict=False):
            record = json.loads(line)
            metadata = {"keywords": record.get("keywords") or []}
            found.append(Document(record["id"], record["abstract"], record["title"], metadata))
    return found


def scisumm_linked() -> list[Document]:
    """Return scisumm's documents with the citations of its train judgements as metadata."""
    folder = DATA / "scisumm"
    barred = set((folder / "not_for_training.txt").read_text().split())
    collection = load(folder, "train")
    citing = {}
    with gzip.open(folder / "queries.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            citing[record["_id"]] = record["metadata"]["citing"]
    cited_by: dict[str, set[str]] = {}
    cites: dict[str, set[str]] = {}
    for query, grades in collection.judgements.items():
        for document, grade in grades.items():
            if grade > 0 and citing[query] not in barred:
                cited_by.setdefault(document, set()).add(citing[query])
                cites.setdefault(citing[query], set()).add(document)
    return [
        replace(
            each,
            metadata={
                **each.metadata,
                "references": sorted(cites.get(each.id, ())),
                "cited_by": sorted(cited_by.get(each.id, ())),
            },
        )
        for each in collection.documents()
        if each.id not in barred
    ]


class Target:
    """A collection to measure on, with its passages split once."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.collection = load(DATA / name, SPLITS[name])
        self.documents = list(self.collection.documents())
        texts, owners = [], []
        for place, each in enumerate(self.documents):
            for text in passages(each.text, 256) or [""]:
                texts.append(f"{each.title} {text}")
                owners.append(place)
        self.words = split(texts)
        self.starts = np.unique(owners, return_index=True)[1]
        self.queries = self.collection.scored_queries
        whole = split([f"{each.title} {each.text}" for each in self.documents])
        self.base = Static(static_table(), {}).fit(whole)

    def values(self, encoder: Static) -> Any:
        """Return nDCG@10 of each query: a document's score is its best passage's."""
        vectors = encoder.encode_words(self.words)
        asked = encoder.encode(list(self.queries.values()), "query")
        rows = []
        for query, vector in zip(self.queries, asked, strict=True):
            scores = np.maximum.reduceat(vectors @ vector, self.starts)
            for i in np.argsort(-scores, kind="stable")[:10]:
                rows.append((query, self.documents[i].id, float(scores[i])))
        ranking = Ranking.of(list(self.queries), rows)
        scored = evaluate(ranking, self.collection.judgements, ["nDCG@10"])
        return np.asarray(scored.of("nDCG@10"))


def bags(encoder: Static, texts: Sequence[str]) -> Any:
    """Return (texts, pieces) weights of word pieces: a text's vector before it is scaled."""
    words = split(texts)
    pieces, offsets = encoder.table.pieces(words.vocabulary)
    idf = np.array([encoder.idf.get(w, encoder.unseen) for w in words.vocabulary], np.float32)
    shape = (len(words.vocabulary), len(encoder.table.matrix))
    of_words = csr_array((np.repeat(idf, np.diff(offsets)), pieces, offsets), shape=shape)
    ones = np.ones(len(words.ids), np.float32)
    counts = csr_array((ones, words.ids, words.offsets), shape=(len(words), shape[0]))
    return (counts @ of_words).tocsr()


class Trainer:
    """The table of a fitted static encoder, trained by Adam on the rows that a batch touches."""

    def __init__(self, encoder: Static) -> None:
        self.encoder = encoder
        table = encoder.table.matrix.astype(np.float32)
        self.table = table / np.sqrt(np.square(table).mean())
        self.first, self.second = np.zeros_like(self.table), np.zeros_like(self.table)
        self.steps = 0

    def vectors(self, bag: Any) -> tuple[Any, Any]:
        """Return unit rows, and the lengths that they had; a zero row stays zero."""
        summed = bag @ self.table
        lengths = np.maximum(np.linalg.norm(summed, axis=1, keepdims=True), 1e-9)
        return summed / lengths, lengths

    def step(self, parts: Sequence[tuple[Any, Any, Any, Any]], rate: float) -> None:
        """Take one step of Adam.

        parts   (bag, unit vectors, lengths, gradient by unit vectors) of queries and documents
        """
        bag = vstack([part[0] for part in parts]).tocsr()
        slopes = np.concatenate(
            [
                (slope - unit * (unit * slope).sum(axis=1, keepdims=True)) / lengths
                for _, unit, lengths, slope in parts
            ]
        )
        rows = np.unique(bag.indices)
        slope = (bag[:, rows].T @ slopes).astype(np.float32)
        self.steps += 1
        first = self.first[rows] = 0.9 * self.first[rows] + 0.1 * slope
        second = self.second[rows] = 0.999 * self.second[rows] + 0.001 * slope**2
        size = rate * np.sqrt(1 - 0.999**self.steps) / (1 - 0.9**self.steps)
        self.table[rows] -= size * first / (np.sqrt(second) + 1e-8)

    def run(self, size: int, parts_of: Callable[[Any], Any]) -> Static:
        """Train on `size` pairs; `parts_of` gives what `step` needs for places of one batch."""
        drawn = np.random.default_rng(0)
        batch = min(BATCH, size)
        steps = int(np.clip(EPOCHS * (size // batch), LEAST, MOST))
        left = np.zeros(0, dtype=np.int64)
        for step in range(steps):
            if len(left) < batch:
                left = drawn.permutation(size)
            rows, left = left[:batch], left[batch:]
            rate = RATE * min(1, (step + 1) / 20) * (1 - step / steps)
            self.step(parts_of(rows), rate)
        matrix = self.table.astype(np.float16)
        return replace(self.encoder, table=Table(self.encoder.table.tokenizer, matrix))


def entropy_slopes(scores: Any, right: Any) -> Any:
    """Return the gradient of the mean cross-entropy of rows by their scores."""
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    shares[np.arange(len(right)), right] -= 1
    return shares / len(right)


def train(
    encoder: Static,
    pairs: Sequence[Pair],
    same: dict[str, str] | None = None,
    negatives: tuple[Sequence[Sequence[str]], Sequence[Document]] | None = None,
) -> Static:
    """Train on pairs with in-batch negatives, and mined ones where they are given."""
    trainer = Trainer(encoder)
    queries = bags(encoder, [pair.query for pair in pairs])
    answers = bags(encoder, [pair.positive for pair in pairs])
    ids, pool = negatives or ([()] * len(pairs), [])
    places = {each.id: place for place, each in enumerate(pool)}
    others = bags(encoder, [f"{each.title} {each.text}" for each in pool]) if pool else None

    def parts_of(rows: Any) -> Any:
        batch = [pairs[row] for row in rows]
        n = len(batch)
        more = list(dict.fromkeys(identity for row in rows for identity in ids[row]))
        documents = answers[rows]
        if more and others is not None:
            documents = vstack([documents, others[[places[each] for each in more]]]).tocsr()
        seen = counted(batch, [pair.positive_id for pair in batch] + more, same)
        asked, asked_lengths = trainer.vectors(queries[rows])
        found, found_lengths = trainer.vectors(documents)
        scores = np.where(seen, SCALE * asked @ found.T, -1e9)
        right = np.arange(n)
        slopes = entropy_slopes(scores, right)
        slopes[:, :n] += entropy_slopes(scores[:, :n].T, right).T
        slopes *= SCALE / 2
        return [
            (queries[rows], asked, asked_lengths, slopes @ found),
            (documents, found, found_lengths, slopes.T @ asked),
        ]

    return trainer.run(len(pairs), parts_of)


def train_towards(encoder: Static, definitions: Sequence[Definition], space: EntrySpace) -> Static:
    """Train definitions to find their entries among those of the batch, which stay fixed."""
    trainer = Trainer(encoder)
    places = {entry: place for place, entry in enumerate(space.entries)}
    mine = [each for each in definitions if each.entry in places]
    texts = bags(encoder, [each.text for each in mine])
    wanted = np.array([places[each.entry] for each in mine])

    def parts_of(rows: Any) -> Any:
        held, right = np.unique(wanted[rows], return_inverse=True)
        targets = space.vectors[held]
        unit, lengths = trainer.vectors(texts[rows])
        slopes = SCALE * entropy_slopes(SCALE * unit @ targets.T, right)
        return [(texts[rows], unit, lengths, slopes @ targets)]

    return trainer.run(len(mine), parts_of)


@dataclass(frozen=True)
class Exact:
    """A retriever by one encoder over chosen texts of documents."""

    encoder: Encoder
    ids: tuple[str, ...]
    vectors: Vectors

    def retrieve(self, queries: Any, k: int = 10) -> Ranking:
        asked = self.encoder.encode(list(queries.values()), "query")
        rows = []
        for query, vector in zip(queries, asked, strict=True):
            scores = self.vectors @ vector
            best = np.argpartition(-scores, min(k, len(scores) - 1))[:k]
            rows += [(query, self.ids[i], float(scores[i])) for i in best]
        return Ranking.of(list(queries), rows)


def sts(encoder: Static) -> float:
    """Return Spearman's correlation on the dev part of STS-B."""
    rows = [json.loads(line) for line in _lines(DATA / "stsb-en", "dev")]
    one = encoder.encode([row["sentence1"] for row in rows])
    other = encoder.encode([row["sentence2"] for row in rows])
    return float(spearmanr((one * other).sum(axis=1), [row["score"] for row in rows]).statistic)


def sts_base() -> Static:
    rows = [json.loads(line) for line in _lines(DATA / "stsb-en", "train")]
    texts = [row[name] for row in rows for name in ("sentence1", "sentence2")]
    return Static(static_table(), {}).fit(split(texts))


def sts_documents() -> list[Document]:
    rows = [json.loads(line) for line in _lines(DATA / "stsb-en", "train")]
    texts = [row[name] for row in rows for name in ("sentence1", "sentence2")]
    return [Document(str(place), text) for place, text in enumerate(dict.fromkeys(texts))]


def _lines(folder: Path, part: str) -> list[str]:
    path = next(folder.glob(f"{part}.jsonl.gz"))
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return list(lines)


def written(kind: str, wordnet: str) -> str:
    if wordnet and kind in ("synonyms", "glosses"):
        return f"{kind}(folder={wordnet!r})"
    if wordnet and kind == "definitions":
        return f"{kind}(dictionary={wordnet!r})"
    return kind


def count(wordnet: str) -> list[dict[str, Any]]:
    """Return what every source gives on every collection."""
    rows = []
    for name in ("papers", "scisumm", "scifact", "cranfield", "cisi", "vaswani"):
        if name == "papers":
            documents = papers()
        elif name == "scisumm":
            documents = scisumm_linked()
        else:
            documents = list(load(DATA / name, SPLITS[name]).documents())
        for kind in SOURCES:
            source = parse_source(written(kind, wordnet))
            row: dict[str, Any] = {"collection": name, "documents": len(documents), "source": kind}
            started = time.perf_counter()
            try:
                found = collect([source], documents)
            except InputError as error:
                row["none"] = error.problem.replace(wordnet or "\0", "the given folder")
            else:
                row["seconds"] = time.perf_counter() - started
                row["pairs"] = len(found.pairs)
                row["without"] = found.without[source.name]
                row["repeats"] = found.repeats
            rows.append(row)
            print(row, flush=True)
    return rows


def compared(name: str, what: str, after: Any, before: Any, **more: Any) -> dict[str, Any]:
    test = randomisation_test(after, before, samples=10_000)
    gap = bca_interval(after - before, samples=2_000)
    row = {
        "target": name, "what": what, "before": float(before.mean()), "after": float(after.mean()),
        "difference": test.difference, "low": gap.low, "high": gap.high, "p": test.p,
        "queries": test.queries, **more,
    }  # fmt: skip
    print(row, flush=True)
    return row


TEXTS = (
    "title", "cloze", "body_first", "words", "itself", "itself(grain='passage')", "definitions",
    "synonyms", "glosses",
)  # fmt: skip


Store = Callable[[list[dict[str, Any]]], None]


def effects(wordnet: str, store: Store, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what the pairs of each source do to the dense leg; store what is there so far.

    rows   of an earlier run: what they tell is not measured again
    """
    known = {(row["target"], row["what"]) for row in rows}
    all_papers, linked = papers(), scisumm_linked()
    for name in ("cranfield", "scifact", "scisumm"):
        target = Target(name)
        before = target.values(target.base)
        own = linked if name == "scisumm" else target.documents
        runs = [(kind, "own", own) for kind in TEXTS]
        if name == "scisumm":
            runs = [(kind, "own", own) for kind in ("links", "cocitation", "body_first", "title")]
        runs += [(kind, "papers", all_papers) for kind in ("attributes", "attributes(asks='both')")]
        for kind, where, documents in runs:
            if (name, f"{kind}, pairs of {where}") in known:
                continue
            try:
                found = collect([parse_source(written(kind, wordnet))], documents, 15_000)
            except InputError as error:
                print(name, kind, error, flush=True)
                continue
            started = time.perf_counter()
            trained = train(target.base, found.pairs)
            row = compared(
                name, f"{kind}, pairs of {where}", target.values(trained), before,
                pairs=len(found.pairs), seconds=time.perf_counter() - started,
            )  # fmt: skip
            rows.append(row)
            store(rows)
        if name != "scisumm" and (name, TOWARDS.format("two rounds")) not in known:
            for row in entries(target, before, own, wordnet):
                rows.append(row)
                store(rows)
    return rows


TOWARDS = "definitions towards entry vectors, {}"


def entries(
    target: Target, before: Any, documents: Sequence[Document], wordnet: str
) -> Iterator[dict[str, Any]]:
    """Return what training towards entry vectors does, as they are, isotropic, and in rounds."""
    try:
        found = list(Definitions(wordnet).definitions(documents))
    except InputError as error:
        print(error)
        return
    for label, strength in (("as they are", 0.0), ("quasi-isotropic", 0.25), ("isotropic", 0.5)):
        space = entry_space(target.base, found, strength)
        trained = train_towards(target.base, found, space)
        yield compared(
                target.name, TOWARDS.format(label),
                target.values(trained), before, pairs=len(found), isotropy=isotropy(space.vectors),
            )  # fmt: skip
    trained, spaces = progressive(
        target.base, found, lambda space: train_towards(target.base, found, space)
    )
    yield compared(
            target.name, TOWARDS.format("two rounds"),
            target.values(trained), before, pairs=len(found), isotropy=isotropy(spaces[-1].vectors),
        )  # fmt: skip


def negatives(store: Store) -> list[dict[str, Any]]:
    """Return what mined negatives add to title pairs with in-batch negatives."""
    rows: list[dict[str, Any]] = []
    for name in ("cranfield", "scifact"):
        here = list[dict[str, Any]]()
        for row in with_negatives(Target(name)):
            here.append(row)
            store(rows + here)
        for row, p in zip(here, holm([row["p"] for row in here]), strict=True):
            row["p_holm"] = float(p)
        rows += here
        store(rows)
    return rows


def with_negatives(target: Target) -> Iterator[dict[str, Any]]:
    """Yield what each way to mine does, on one collection."""
    documents, base = target.documents, target.base
    pairs = collect([parse_source("title")], documents).pairs
    ids = tuple(each.id for each in documents)
    whole = Exact(base, ids, base.encode([f"{each.title} {each.text}" for each in documents]))
    titles = Exact(base, ids, base.encode([each.title for each in documents]))
    texts = Exact(base, ids, base.encode([each.text for each in documents]))
    same = same_text(documents)
    alone = target.values(train(base, pairs, same))
    margin = Control(Margin(relative=0.95), base, same)
    for label, source in {
        "mined, ranks 1-50": Mined(whole, most=2, control=Control(same=same)),
        "mined, ranks 1-50, below .95 of the positive": Mined(whole, most=2, control=margin),
        "mined, ranks 11-50, below .95 of the positive": Mined(whole, 11, most=2, control=margin),
        "wrong field: titles, not texts": WrongField(
            titles, texts, most=2, control=Control(same=same)
        ),
        "wrong field, below .95 of the positive": WrongField(titles, texts, most=2, control=margin),
    }.items():
        found = source.find(pairs, documents)
        trained = train(base, pairs, same, (found.ids, documents))
        yield compared(
                target.name, label,
                target.values(trained), alone, pairs=len(pairs),
                negatives=sum(map(len, found.ids)), refused=dict(found.refused),
            )  # fmt: skip


def similarity(wordnet: str) -> list[dict[str, Any]]:
    """Return what the sources of words and sentences do to Spearman's rho on STS-B dev."""
    base, documents = sts_base(), sts_documents()
    rows = [{"what": "before", "rho": sts(base)}]
    for kind in ("itself", "definitions", "synonyms", "glosses"):
        try:
            found = collect([parse_source(written(kind, wordnet))], documents, 30_000)
        except InputError as error:
            print(error)
            continue
        rows.append({"what": kind, "rho": sts(train(base, found.pairs)), "pairs": len(found.pairs)})
        print(rows[-1], flush=True)
    try:
        found_definitions = list(Definitions(wordnet).definitions(documents))
    except InputError:
        return rows
    for strength in (0.0, 0.25, 0.5):
        space = entry_space(base, found_definitions, strength)
        rho = sts(train_towards(base, found_definitions, space))
        rows.append({"what": f"towards entry vectors, strength {strength}", "rho": rho})
        print(rows[-1], flush=True)
    trained, _ = progressive(
        base, found_definitions, lambda space: train_towards(base, found_definitions, space)
    )
    rows.append({"what": "towards entry vectors, two rounds", "rho": sts(trained)})
    print(rows[-1], flush=True)
    return rows


def attributes() -> list[dict[str, Any]]:
    """Return Recall@k of finding a held-out title's own keywords among all held-out ones'."""
    found = [each for each in papers() if each.metadata["keywords"]]
    held, rest = found[::5], [each for place, each in enumerate(found) if place % 5]
    base = Static(static_table(), {}).fit(split([f"{each.title} {each.text}" for each in rest]))
    pairs = list(Attributes().pairs(held))
    rows = []
    trained = train(base, list(Attributes().pairs(rest)))
    for label, encoder in (("before", base), ("trained on title -> keywords", trained)):
        queries = encoder.encode([pair.query for pair in pairs], "query")
        scores = queries @ encoder.encode([pair.positive for pair in pairs]).T
        ranks = (scores > np.diagonal(scores)[:, None]).sum(axis=1)
        row: dict[str, Any] = {"what": label, "queries": len(pairs), "trained on": len(rest)}
        row |= {f"recall@{k}": float((ranks < k).mean()) for k in (1, 5, 10)}
        row["hits"] = ranks.tolist()
        rows.append(row)
    first, second = (np.asarray(row.pop("hits")) < 5 for row in rows)
    rows[1]["p at 5"] = randomisation_test(second.astype(float), first.astype(float)).p
    print(rows, flush=True)
    return rows


def planted() -> list[dict[str, Any]]:
    """Return how well near-duplicates are found that were planted among papers, and what of the
    pairs of titles are right: a copy has a share of its characters replaced, or its first half."""
    originals = [each for each in papers() if len(each.text) > 600][:2_000]
    drawn = random.Random(0)
    rows = []
    for label, noise, kept in (
        ("2 % of the characters wrong", 0.02, 1.0), ("5 % of the characters wrong", 0.05, 1.0),
        ("10 % of the characters wrong", 0.10, 1.0), ("abridged to three quarters", 0.0, 0.75),
        ("abridged to a half", 0.0, 0.5), ("abridged to a half, 2 % wrong", 0.02, 0.5),
    ):  # fmt: skip
        copies = []
        for place, each in enumerate(originals[:500]):
            text = each.text[: int(kept * len(each.text))]
            text = "".join(drawn.choice("etaoin") if drawn.random() < noise else c for c in text)
            # the title of another: what counts is which texts are found to be alike
            title = originals[1_000 + place].title
            copies.append(Document(f"copy of {each.id}", text, title))
        pairs = list(DuplicateTitles().pairs([*originals, *copies]))
        told = {f"copy of {each.id}": each.id for each in originals[:500]}
        right = sum(
            told.get(pair.query_id) == pair.positive_id
            or told.get(pair.positive_id) == pair.query_id
            for pair in pairs
        )
        rows.append({"copies": label, "planted": 500, "pairs": len(pairs), "right": right})
        print(rows[-1], flush=True)
    return rows


_FERRY = (
    "The ferry to the northern islands leaves at six. In winter it waits for the tide, as the "
    "harbour is too shallow at low water [1, 2]. Tickets are sold on board."
)
OURS = [
    Document(
        "ferry", _FERRY, "Winter timetable of the island ferry",
        {"keywords": ["ferry", "tides"], "references": ["tides", "harbour"]},
    ),
    Document(
        "tides", "Tides follow the moon. High water comes an hour later every day or so, and the "
        "harbour fills and empties with it.", "Why high water is late",
    ),
    Document(
        "harbour", "The harbour was dredged twice. Sand comes back with every storm, and boats of "
        "more than two metres draught stay outside.", "Dredging a shallow harbour",
    ),
    Document("copy", _FERRY + " Dogs travel free.", "When boats to the north sail"),
]  # fmt: skip
OUR_WORDNET = "00000001 06 n 02 ferry 0 ferryboat 0 000 | a boat that takes people over water\n"


def examples(folder: Path) -> list[Pair]:
    """Return one pair of each source from the documents above."""
    (folder / "data.noun").write_text(OUR_WORDNET, encoding="utf-8")
    found = []
    for kind in SOURCES:
        source = parse_source(written(kind, str(folder)))
        pair = next(iter(source.pairs(OURS)), None)
        if pair is not None:
            found.append(replace(pair, source=kind))
    return found


def page(results: dict[str, Any]) -> str:
    """Return the page of results."""
    lines = [
        "# Sources of training pairs",
        "",
        *__doc__.split("\n\n", 2)[2].strip().split("\n"),
        "",
    ]
    shown = results.get("examples", [])
    lines += ["One pair of each source, from texts written for this page:", ""]
    lines += ["| source | query | positive |", "|---|---|---|"]
    lines += [f"| {e['source']} | {e['query']} | {e['positive']} |" for e in shown]
    if results.get("counts"):
        lines += ["", "## Counts and cost", ""]
        lines += ["| collection | source | pairs | documents without | repeats | pairs/s |"]
        lines += ["|---|---|---|---|---|---|"]
        for row in results["counts"]:
            start = f"| {row['collection']} ({row['documents']:,}) | {row['source']} |"
            if "none" in row:
                lines.append(f"{start} needs what is not there | | | |")
            else:
                speed = row["pairs"] / max(row["seconds"], 1e-9)
                lines.append(
                    f"{start} {row['pairs']:,} | {row['without']:,} | {row['repeats']:,} | "
                    f"{speed:,.0f} |"
                )
    if results.get("effects"):
        lines += ["", "## nDCG@10 of the dense leg, before and after", ""]
        lines += [
            "| target (queries) | trained on | pairs | before | after | difference [95 %] | p |"
        ]
        lines += ["|---|---|---|---|---|---|---|"]
        lines += [
            f"| {r['target']} ({r['queries']}) | {r['what']} | {r['pairs']:,} | "
            f"{r['before']:.4f} | {r['after']:.4f} | {r['difference']:+.4f} "
            f"[{r['low']:+.4f}, {r['high']:+.4f}] | {r['p']:.2g} |"
            for r in results["effects"]
        ]
        spaces = [r for r in results["effects"] if "isotropy" in r]
        if spaces:
            lines += ["", "Isotropy of the entry vectors (1: no direction preferred):", ""]
        lines += [f"- {r['target']}, {r['what']}: {r['isotropy']:.3f}" for r in spaces]
    if results.get("negatives"):
        lines += ["", "## Negatives that are mined, beside those of the batch", ""]
        lines += ["| target (queries) | negatives | mined | in-batch alone | with them | "
                  "difference [95 %] | p | p, Holm |"]  # fmt: skip
        lines += ["|---|---|---|---|---|---|---|---|"]
        lines += [
            f"| {r['target']} ({r['queries']}) | {r['what']} | {r['negatives']:,} | "
            f"{r['before']:.4f} | {r['after']:.4f} | {r['difference']:+.4f} "
            f"[{r['low']:+.4f}, {r['high']:+.4f}] | {r['p']:.2g} | {r.get('p_holm', 1):.2g} |"
            for r in results["negatives"]
        ]
    if results.get("similarity"):
        lines += ["", "## Spearman's rho on STS-B dev (1,500 pairs)", "", "| trained on | rho |"]
        lines += [
            "|---|---|",
            *(f"| {r['what']} | {r['rho']:.4f} |" for r in results["similarity"]),
        ]
    if results.get("planted"):
        lines += ["", "## Near-duplicates planted among 2,000 papers, found by their texts", ""]
        lines += ["| copies | planted | pairs of titles | of which right |", "|---|---|---|---|"]
        lines += [
            f"| {r['copies']} | {r['planted']} | {r['pairs']} | {r['right']} |"
            for r in results["planted"]
        ]
    if results.get("attributes"):
        lines += ["", "## Title -> its own keywords, among all held-out papers' keywords", ""]
        lines += [f"- {json.dumps(row)}" for row in results["attributes"]]
    return "\n".join(lines) + "\n"


PARTS = ("planted", "counts", "similarity", "attributes", "effects", "negatives")


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    options.add_argument("--wordnet", default="", help="WordNet's folder, if not at a usual place")
    options.add_argument("--only", choices=PARTS)
    given = options.parse_args()
    stored = RESULTS / "learn_pairs.json"
    results: dict[str, Any] = json.loads(stored.read_text()) if stored.exists() else {}
    with tempfile.TemporaryDirectory() as folder:
        results["examples"] = [asdict(pair) for pair in examples(Path(folder))]

    def store(part: str, rows: list[dict[str, Any]]) -> None:
        results[part] = rows
        stored.write_text(json.dumps(results, indent=1) + "\n")
        (RESULTS / "learn_pairs.md").write_text(page(results))

    runs: dict[str, Callable[[], list[dict[str, Any]]]] = {
        "planted": planted,
        "counts": lambda: count(given.wordnet),
        "similarity": lambda: similarity(given.wordnet),
        "attributes": attributes,
        "effects": lambda: effects(
            given.wordnet, partial(store, "effects"), results.get("effects", [])
        ),
        "negatives": lambda: negatives(partial(store, "negatives")),
    }
    for part in PARTS:
        if given.only in (None, part):
            store(part, runs[part]())


if __name__ == "__main__":
    main()
