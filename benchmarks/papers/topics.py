"""Topics and labels over papers: agreement with what authors chose, beside plain methods.

    python benchmarks/papers/topics.py [--draws 3]

Labels are those that authors of IJCAI papers chose (../shared/data/papers): 14 areas, and 40 of
their narrower keywords. Half of the papers chose the settings; figures are from the other half.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import time
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.cluster import KMeans
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import normalized_mutual_info_score

from everygrain.encode.registry import create
from everygrain_papers.paper import Paper, of_record
from everygrain_papers.topics import Tagger, TopicModel
from everygrain_papers.topics.space import unit

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
RESULTS = Path(__file__).resolve().parents[1] / "results"
SHOTS = (0, 1, 5, 20)
SAMPLES = 1000
OURS = "Tagger"
SHARED = "A text is drawn as often in all draws."
AREAS = """machine learning; computer vision; data mining; agent-based and multi-agent systems;
natural language processing; knowledge representation and reasoning; ai ethics, trust, fairness;
planning and scheduling; humans and ai; uncertainty in ai; game theory and economic paradigms;
constraint satisfaction and optimization; search; robotics"""
NARROW = """computational social choice; reinforcement learning; recommender systems; federated
learning; segmentation; adversarial machine learning; 3d computer vision; information extraction;
heuristic search; clustering; multi-view learning; description logics and ontologies; question
answering; speech; argumentation; causality; few-shot learning; fair division; graphical models;
logic programming; active learning; biomedical image analysis; time-series; mechanism design; text
classification; self-supervised learning; motion and tracking; online learning; constraint
satisfaction; vision and language; transportation; health and medicine; security and privacy;
dialogue and interactive systems; planning under uncertainty; semi-supervised learning;
multi-agent planning; machine translation; scheduling; video analysis and understanding"""
NEWS = {
    "acq": "company acquisitions", "crude": "crude oil", "earn": "earnings", "grain": "grain",
    "interest": "interest rates", "money-fx": "foreign exchange", "ship": "shipping",
    "trade": "trade",
}  # fmt: skip


def listed(text: str) -> list[str]:
    return [re.sub(r"\s+", " ", each).strip() for each in text.split(";")]


def chosen(paper: Paper, broad: bool) -> set[str]:
    part = 0 if broad else -1
    return {keyword.split(":")[part].strip().lower() for keyword in paper.keywords}


def counts(wanted: np.ndarray, told: np.ndarray, size: int) -> np.ndarray:
    """Return (n, 3, labels): hits, told and wanted of each text."""
    eye = np.eye(size)
    return np.stack([eye[wanted] * (wanted == told)[:, None], eye[told], eye[wanted]], axis=1)


def macro_f1(sums: np.ndarray) -> np.ndarray:
    return np.mean(2 * sums[..., 0, :] / np.maximum(1, sums[..., 1, :] + sums[..., 2, :]), axis=-1)


def resampled(each: list[tuple[np.ndarray, np.ndarray]], size: int) -> np.ndarray:
    """Return (samples,) bootstrapped macro-F1, mean over draws of (texts asked, their counts).

    A text is drawn as often in all draws, for draws share most of their texts.
    """
    taken = np.random.default_rng(0).multinomial(size, np.full(size, 1 / size), SAMPLES)
    return np.mean(
        [
            macro_f1(np.tensordot(taken[:, asked].astype(float), table, axes=(1, 0)))
            for asked, table in each
        ],
        axis=0,
    )


class Task:
    """Texts with one label each, and the collection they stand in."""

    def __init__(self, name, labels, papers, vectors, places, wanted):
        self.name, self.labels, self.papers, self.vectors = name, labels, papers, vectors
        self.places, self.wanted = places, wanted
        texts = [f"{paper.title}. {paper.abstract}" for paper in papers]
        self.tfidf = TfidfVectorizer(sublinear_tf=True, stop_words="english", min_df=2)
        self.rows = csr_matrix(self.tfidf.fit_transform(texts))
        self.centred = unit(vectors - vectors.mean(axis=0))

    def draw(self, shots: int, seed: int) -> np.ndarray:
        lot = np.random.default_rng(seed)
        drawn = [
            lot.permutation(np.flatnonzero(self.wanted == label))
            for label in range(len(self.labels))
        ]
        return np.concatenate([each[: min(shots, len(each) // 2)] for each in drawn])

    def systems(self, shots: int, seed: int, encoder) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Return which texts are asked, and what each system tells of them."""
        size = len(self.labels)
        train = self.draw(shots, seed).astype(int)
        asked = np.setdiff1d(np.arange(len(self.wanted)), train)
        learn, ask, wanted = self.places[train], self.places[asked], self.wanted[train]
        told = {}
        names = encoder.encode(self.labels)
        told["name, static similarity"] = (
            self.centred[ask] @ unit(names - names.mean(axis=0)).T
        ).argmax(axis=1)
        told["name, TF-IDF"] = (
            (self.rows[ask] @ self.tfidf.transform(self.labels).T).toarray().argmax(axis=1)
        )
        if shots:
            groups = [self.centred[learn][wanted == label] for label in range(size)]
            means = unit(np.array([each.mean(axis=0) for each in groups]))
            told["nearest centroid, static"] = (self.centred[ask] @ means.T).argmax(axis=1)
            for name, rows in (("TF-IDF", self.rows), ("static", self.centred)):
                model = LogisticRegression(C=10, max_iter=300, class_weight="balanced")
                told[f"logistic regression, {name}"] = model.fit(rows[learn], wanted).predict(
                    rows[ask]
                )
        examples = {
            label: [self.papers[i].id for i in learn[wanted == number]]
            for number, label in enumerate(self.labels)
        }
        tagger = Tagger.fit(examples, self.papers, self.vectors, encoder)
        asked_papers = [self.papers[i] for i in ask]
        told[OURS] = tagger.probabilities(asked_papers, self.vectors[ask]).argmax(axis=1)
        return asked, told


def label_figures(task: Task, encoder, draws: int) -> list[dict]:
    figures = []
    for shots in SHOTS:
        tables: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
        for seed in range(draws if shots else 1):
            asked, told = task.systems(shots, seed, encoder)
            for name, each in told.items():
                table = counts(task.wanted[asked], each, len(task.labels))
                tables.setdefault(name, []).append((asked, table))
        samples = {name: resampled(each, len(task.wanted)) for name, each in tables.items()}
        best = max(
            (name for name in tables if name != OURS),
            key=lambda name: np.mean([macro_f1(t.sum(axis=0)) for _, t in tables[name]]),
        )
        for name, each in tables.items():
            low, high = np.quantile(samples[name], [0.025, 0.975])
            figure = {
                "task": task.name, "examples": shots, "system": name,
                "macro_f1": float(np.mean([macro_f1(t.sum(axis=0)) for _, t in each])),
                "low": float(low), "high": float(high), "draws": len(each),
                "n": int(np.mean([len(t) for _, t in each])),
            }  # fmt: skip
            if name == OURS:
                apart = samples[OURS] - samples[best]
                low, high = np.quantile(apart, [0.025, 0.975])
                figure["against"] = best
                figure["difference"] = [float(apart.mean()), float(low), float(high)]
            figures.append(figure)
        print(task.name, shots, figures[-1], flush=True)
    return figures


def none_figures(papers, vectors, collection, held, labels, broad, encoder) -> list[dict]:
    """How far probabilities are right where papers have several labels or none."""
    wanted = np.array([[label in chosen(papers[i], broad) for label in labels] for i in held])
    figures = []
    for shots in (0, 5):
        lot = np.random.default_rng(7)
        used = np.unique(
            np.concatenate([lot.permutation(np.flatnonzero(each))[:shots] for each in wanted.T])
        ).astype(int)
        examples = {
            label: [papers[held[i]].id for i in used if wanted[i, number]]
            for number, label in enumerate(labels)
        }
        tagger = Tagger.fit(examples, [papers[i] for i in collection], vectors[collection], encoder)
        asked = np.setdiff1d(np.arange(len(held)), used)
        places = held[asked]
        probable = tagger.probabilities([papers[i] for i in places], vectors[places])
        true, told = wanted[asked], probable >= 0.5
        bins = np.minimum(9, (probable * 10).astype(int))
        off = sum(
            abs(probable[bins == each].mean() - true[bins == each].mean()) * (bins == each).mean()
            for each in np.unique(bins)
        )
        hits = (told & true).sum()
        figures.append({
            "labels": len(labels), "examples": shots, "n": len(asked),
            "calibration_error": float(off), "mean_probability": float(probable.mean()),
            "share_true": float(true.mean()), "precision": float(hits / max(1, told.sum())),
            "recall": float(hits / max(1, true.sum())),
            "none_told": float((~told.any(axis=1)).mean()),
            "none_true": float((~true.any(axis=1)).mean()),
        })  # fmt: skip
    return figures


def purity(topics: np.ndarray, labels: np.ndarray) -> float:
    return sum(
        np.unique(labels[topics == topic], return_counts=True)[1].max()
        for topic in np.unique(topics)
    ) / len(labels)


def topic_figures(papers, vectors, held, encoder) -> tuple[list[dict], dict]:
    """Agreement of topics with areas and keywords of papers `held`, and with all venues."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # forget the peak so far
    before = memory("VmRSS")
    start, cpu = time.perf_counter(), time.process_time()
    model = TopicModel.fit(papers, vectors)
    took = time.perf_counter() - start, time.process_time() - cpu
    added = memory("VmHWM") - before
    count = len(model.topics)
    told = {"TopicModel": model.nearest(vectors)[0]}
    plain = KMeans(count, n_init=1, max_iter=25, random_state=0)
    told["k-means, vectors as they are"] = plain.fit_predict(vectors)
    centred = unit(vectors - vectors.mean(axis=0))
    told["k-means, mean taken off"] = plain.fit_predict(centred)
    truths = {
        "area": np.array([papers[i].keywords[0].split(":")[0].strip().lower() for i in held]),
        "keyword": np.array([papers[i].keywords[0].split(":")[-1].strip().lower() for i in held]),
        "venue": np.array([paper.venue for paper in papers]),
    }
    figures = []
    for name, topics in told.items():
        for truth, labels in truths.items():
            own = topics if truth == "venue" else topics[held]
            figures.append({
                "system": name, "truth": truth, "n": len(own), "topics": count,
                "nmi": normalized_mutual_info_score(labels, own), "purity": purity(own, labels),
            })  # fmt: skip
    draws = []
    lot = np.random.default_rng(0)
    ours, plainest = told["TopicModel"][held], told["k-means, mean taken off"][held]
    for _ in range(200):
        taken = lot.integers(0, len(held), len(held))
        truth = truths["keyword"][taken]
        draws.append(
            normalized_mutual_info_score(truth, ours[taken])
            - normalized_mutual_info_score(truth, plainest[taken])
        )
    outside = {}
    fresh = np.random.default_rng(1).permutation(len(papers))
    half = TopicModel.fit([papers[i] for i in fresh[:20000]], vectors[fresh[:20000]])
    outside["papers not fitted"] = float((half.assign(vectors[fresh[20000:30000]]) < 0).mean())
    for name in ("r8", "cranfield", "vaswani", "scifact", "ncbi-disease", "clinc150"):
        outside[name] = float((half.assign(encoder.encode(strangers(name))) < 0).mean())
    about = {
        "papers": len(papers), "topics": count, "seconds": took[0], "processor_seconds": took[1],
        "added_mib": added, "no_topic": float((model.assign(vectors) < 0).mean()),
        "nmi_keyword_difference": np.quantile(draws, [0.025, 0.5, 0.975]).tolist(),
        "no_topic_of_strangers": outside,
        "names": [topic.name for topic in model.topics],
    }  # fmt: skip
    return figures, about


def memory(name: str) -> float:
    """Return a figure of this process's memory (Linux), in MiB."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.search(rf"{name}:\s+(\d+)", status).group(1)) / 1024


def strangers(name: str) -> list[str]:
    path = DATA / name / "corpus.jsonl.gz"
    path = path if path.exists() else DATA / name / "train.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as file:
        records = [json.loads(line) for line in file][:1500]
    return [f"{record.get('title', '')}\n{record['text']}" for record in records]


def news(encoder) -> Task:
    with gzip.open(DATA / "r8" / "train.jsonl.gz", "rt", encoding="utf-8") as file:
        records = [json.loads(line) for line in file]
    papers = [
        Paper(str(i), record["text"][:60], record["text"]) for i, record in enumerate(records)
    ]
    vectors = encoder.encode([paper.abstract for paper in papers])
    wanted = np.array([list(NEWS).index(record["label"]) for record in records])
    return Task("r8", list(NEWS.values()), papers, vectors, np.arange(len(papers)), wanted)


def read_papers() -> list[Paper]:
    """Return the bundle, without what says who wrote a paper and when."""
    papers = []
    with gzip.open(DATA / "papers" / "papers.jsonl.gz", "rt", encoding="utf-8") as file:
        for line in file:
            record = json.loads(line)
            kept = ("id", "title", "abstract", "venue", "keywords")
            papers.append(of_record({key: record[key] for key in kept if key in record}))
    return papers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--topics-only", action="store_true", help="keep the figures of labels")
    options = parser.parse_args()
    encoder = create("static")
    assert encoder is not None
    papers = read_papers()
    vectors = encoder.encode([f"{paper.title}\n{paper.abstract}" for paper in papers])
    known = np.array([
        i for i, paper in enumerate(papers) if paper.venue == "ijcai" and paper.keywords
    ])  # fmt: skip
    held = known[np.random.default_rng(5).random(len(known)) >= 0.5]
    apart = known[np.random.default_rng(0).random(len(known)) >= 0.5]  # chose no space of topics
    topics, about = topic_figures(papers, vectors, apart, encoder)
    print(json.dumps(about)[:1500], flush=True)
    if options.topics_only:
        kept = json.loads((RESULTS / "papers_topics.json").read_text(encoding="utf-8"))
        write(topics, about, kept["labels"], kept["none"], kept["draws"], kept["intervals"])
        return
    labels, none = [], []
    for name, names, broad in (("areas", AREAS, True), ("keywords", NARROW, False)):
        wanted = listed(names)
        told = [(i, chosen(papers[i], broad) & set(wanted)) for i in held]
        single = [(i, wanted.index(next(iter(each)))) for i, each in told if len(each) == 1]
        others = np.random.default_rng(0).permutation(len(papers))[:8000]
        collection = np.union1d(others, held)
        none += none_figures(papers, vectors, collection, held, wanted, broad, encoder)
        places = np.searchsorted(collection, np.array([i for i, _ in single]))
        task = Task(
            name, wanted, [papers[i] for i in collection], vectors[collection], places,
            np.array([label for _, label in single]),
        )  # fmt: skip
        labels += label_figures(task, encoder, options.draws)
    labels += label_figures(news(encoder), encoder, options.draws)
    write(topics, about, labels, none, options.draws)


def write(
    topics: list[dict],
    about: dict,
    labels: list[dict],
    none: list[dict],
    draws: int,
    intervals: str = SHARED,
) -> None:
    told = {
        "topics": topics,
        "about": about,
        "labels": labels,
        "none": none,
        "draws": draws,
        "intervals": intervals,
    }
    (RESULTS / "papers_topics.json").write_text(json.dumps(told, indent=1), encoding="utf-8")
    low, middle, high = about["nmi_keyword_difference"]
    lines = [
        "# Topics and labels over papers", "",
        f"    python benchmarks/papers/topics.py --draws {draws}", "",
        f"{about['papers']:,} papers, `static` vectors: {about['topics']} topics in "
        f"{about['seconds']:.0f} s ({about['processor_seconds']:.0f} s of one core; the machine "
        f"was busy), at most {about['added_mib']:.0f} MiB beside papers and vectors. No topic: "
        f"{about['no_topic']:.1%} of the papers fitted. After a fit on 20,000 papers, without a "
        "topic: "
        + ", ".join(f"{name} {share:.1%}" for name, share in about["no_topic_of_strangers"].items())
        + ". The measure of oddness was chosen, out of six, on the first four sets of strangers; "
        "the last two were looked at once.", "",
        "## Topics beside plain k-means of the same number", "",
        "Agreement with the first area and keyword that authors of IJCAI papers gave (the half "
        "that did not choose the space, out of ten tried), and with venues of all.", "",
        "| system | truth | n | NMI | purity |", "|---|---|--:|--:|--:|",
    ]  # fmt: skip
    lines += [
        f"| {each['system']} | {each['truth']} | {each['n']:,} | {each['nmi']:.3f} "
        f"| {each['purity']:.3f} |"
        for each in topics
    ]
    lines += [
        "", f"NMI with keywords, against k-means with the mean taken off: {middle:+.3f} "
        f"[{low:+.3f}, {high:+.3f}] (95 %, bootstrap over papers).", "",
        "Names of the 30 largest topics: " + "; ".join(about["names"][:30]) + ".", "",
        "## Labels", "",
        "Macro-F1 of the most probable label, for texts with one of the labels; mean over draws of "
        f"examples, 95 % bootstrap intervals over texts. {intervals} A label with few texts gives "
        "at most half of them as examples.", "",
        "Settings were chosen among about a hundred on the other half of the IJCAI papers. This is "
        "the second run on this half: after the first, with one draw of examples (areas .306, "
        ".332, .409, .477; keywords .514, .537, .578, .575 with 0, 1, 5, 20), each label's own "
        "median gave way to one shared by all, and papers of the collection weigh less against "
        "labels. Both were chosen on two fifths of r8, where the first run had failed (.437, "
        ".442, .536, .581). So r8 is a development set here, and the half of the papers is no "
        "longer untouched. A third run, with a shift for each label (papers_labels_none.md), "
        "showed that one example must not move its label's shift far (areas .334, .396, .457, "
        ".496; keywords .515, .538, .578, .609; r8 .490, .527, .790, .847); this is the fourth.",
        "",
        "| task | examples | n | system | macro-F1 | against the best other |",
        "|---|--:|--:|---|---|---|",
    ]  # fmt: skip
    for each in labels:
        apart = ""
        if "difference" in each:
            mean, low, high = each["difference"]
            apart = f"{mean:+.3f} [{low:+.3f}, {high:+.3f}] ({each['against']})"
        lines.append(
            f"| {each['task']} | {each['examples']} | {each['n']:,} | {each['system']} "
            f"| {each['macro_f1']:.3f} [{each['low']:.3f}, {each['high']:.3f}] | {apart} |"
        )
    lines += [
        "", "## Several labels or none", "",
        "Labels with a probability of 0.5 or more, for all papers of that half: authors choose few "
        "of the labels that fit, so that what they left out counts as wrong.", "",
        "| labels | examples | n | calibration error | mean probability | share true | precision "
        "| recall | no label told | no label true |",
        "|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]  # fmt: skip
    lines += [
        f"| {each['labels']} | {each['examples']} | {each['n']:,} "
        f"| {each['calibration_error']:.3f} "
        f"| {each['mean_probability']:.3f} | {each['share_true']:.3f} | {each['precision']:.2f} "
        f"| {each['recall']:.2f} | {each['none_told']:.0%} | {each['none_true']:.0%} |"
        for each in none
    ]
    (RESULTS / "papers_topics.md").write_text("\n".join([*lines, ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
