"""With the real mteb package, on tasks made here; nothing is downloaded."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from everygrain import Document, Index, Ranking
from everygrain.encode.base import unit
from everygrain.encode.latent import Latent
from everygrain.errors import InputError, MeasureError, ModelError
from everygrain.index.vectors import joined_words, split_fields
from everygrain.measure import evaluate
from everygrain.measure.adapters import EncoderModel, SearchModel, falling

mteb = pytest.importorskip("mteb", reason="the package mteb is not installed")

CORPUS = {
    "d1": ("Bread", "Sourdough needs flour, water, salt and a warm oven."),
    "d2": ("Stars", "The telescope found a comet beyond the orbit of the outer planet."),
    "d3": ("", "A steam locomotive pulls freight carriages through the tunnel."),
    "d4": ("Rivers", "The salmon swim up the river, below the old stone bridge."),
    "d5": ("Ovens", "An oven of stone bakes bread with a crust."),
    "d6": ("Rails", "The station stands where two rails cross the river."),
}
QUERIES = {"q1": "bread in a stone oven", "q2": "comet orbit", "q3": "river bridge of stone"}
QRELS = {"q1": {"d1": 1, "d5": 2}, "q2": {"d2": 1}, "q3": {"d4": 2, "d6": 1}}
PAIRS = [
    ("A stone oven.", "An oven of stone.", 5.0),
    ("The comet has an orbit.", "A telescope found the comet.", 3.0),
    ("Bread and salt.", "Freight in a tunnel.", 0.0),
    ("Salmon in the river.", "The river has salmon.", 4.5),
    ("A planet.", "The outer planet.", 4.0),
    ("A locomotive of steam.", "Flour and water.", 0.5),
]


class Letters:
    """Counts letters; tells queries apart by an entry of its own."""

    fingerprint = "letters-1"
    dimensions = 27

    def encode(self, texts, kind="document"):
        rows = np.array([[text.lower().count(chr(97 + i)) for i in range(26)] for text in texts])
        mark = np.full((len(texts), 1), 0.5 if kind == "query" else 1.0)
        return unit(np.hstack([rows.reshape(-1, 26), mark]))

    def save(self, folder: Path) -> None:
        raise NotImplementedError


def metadata(name: str, kind: str, score: str):
    from mteb.abstasks.task_metadata import TaskMetadata

    return TaskMetadata(
        name=name, description="Made for this test.", reference=None, type=kind, category="t2t",
        modalities=["text"], eval_splits=["test"], eval_langs=["eng-Latn"], main_score=score,
        dataset={"path": "made/here", "revision": "1"}, date=None, domains=None, license=None,
        task_subtypes=None, annotations_creators=None, dialect=None, sample_creation=None,
        bibtex_citation=None,
    )  # fmt: skip


@pytest.fixture
def retrieval(monkeypatch: pytest.MonkeyPatch):
    from mteb.abstasks import AbsTaskRetrieval

    class Local(AbsTaskRetrieval):
        metadata = metadata("EverygrainLocal", "Retrieval", "ndcg_at_10")
        k_values = (1, 3, 5, 10)

        def load_data(self, *args, **kwargs) -> None:
            self.corpus = {"test": {d: {"title": t, "text": x} for d, (t, x) in CORPUS.items()}}
            self.queries = {"test": dict(QUERIES)}
            self.relevant_docs = {"test": {q: dict(row) for q, row in QRELS.items()}}
            self.data_loaded = True

    return Local()


@pytest.fixture
def similarity():
    from datasets import Dataset
    from mteb.abstasks import AbsTaskSTS

    class Local(AbsTaskSTS):
        metadata = metadata("EverygrainPairs", "STS", "cosine_spearman")

        def load_data(self, *args, **kwargs) -> None:
            first, second, score = map(list, zip(*PAIRS, strict=True))
            columns = {"sentence1": first, "sentence2": second, "score": score}
            self.dataset = {"test": Dataset.from_dict(columns)}
            self.data_loaded = True

    return Local()


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable:
    """Run a task without a network and return its scores."""

    def refuse(*args, **kwargs):
        raise AssertionError("a test went online")

    def scores(model, task) -> dict[str, float]:
        monkeypatch.setattr(socket.socket, "connect", refuse)
        result = mteb.evaluate(
            model, task, cache=None, co2_tracker=False, show_progress_bar=False
        )  # fmt: skip
        return result.task_results[0].scores["test"][0]

    return scores


def latent() -> Latent:
    documents = [Document(f"x{i}", text, title) for i, (title, text) in enumerate(CORPUS.values())]
    words = joined_words(*split_fields(documents))
    return Latent.unfitted("en").fit(words)


def test_an_encoder_ranks_in_mteb_as_its_dot_products_say(retrieval, run) -> None:
    model = EncoderModel(Letters())
    assert isinstance(model, mteb.EncoderProtocol)
    texts = [f"{title} {text}".strip() for title, text in CORPUS.values()]
    products = Letters().encode(list(QUERIES.values()), "query") @ Letters().encode(texts).T
    ranking = Ranking.of(
        list(QUERIES),
        [(q, d, products[i, j]) for i, q in enumerate(QUERIES) for j, d in enumerate(CORPUS)],
    )
    ours = evaluate(ranking, QRELS, ["nDCG@3", "R@3", "AP@10"]).mean()
    theirs = run(model, retrieval)
    assert theirs["ndcg_at_3"] == pytest.approx(ours["nDCG@3"], abs=1e-5)
    assert theirs["recall_at_3"] == pytest.approx(ours["R@3"], abs=1e-5)
    assert theirs["map_at_10"] == pytest.approx(ours["AP@10"], abs=1e-5)


def test_an_encoder_has_the_correlation_in_mteb_that_scipy_finds(similarity, run) -> None:
    first, second, grades = zip(*PAIRS, strict=True)
    products = (Letters().encode(first) * Letters().encode(second)).sum(axis=1)
    theirs = run(EncoderModel(Letters(), name="counts"), similarity)
    assert theirs["cosine_spearman"] == pytest.approx(stats.spearmanr(products, grades)[0])
    assert theirs["spearman"] == pytest.approx(theirs["cosine_spearman"])
    assert theirs["cosine_pearson"] == pytest.approx(stats.pearsonr(products, grades)[0], abs=1e-6)


@pytest.mark.parametrize("system", ["lexical", "dense", "hybrid"])
def test_a_system_of_an_index_has_the_figures_in_mteb_that_we_measure(
    retrieval, run, tmp_path: Path, system: str
) -> None:
    with Index(tmp_path / "index", "latent") as index:

        def build(documents):
            index.add(documents)
            return index.retriever(system)

        model = SearchModel(build, f"{system}-latent")
        assert isinstance(model, mteb.SearchProtocol)
        assert not isinstance(model, mteb.EncoderProtocol)
        theirs = run(model, retrieval)
        ranking = index.retriever(system).retrieve(QUERIES, 10)
    ours = evaluate(ranking, QRELS, ["nDCG@10", "nDCG@1", "R@3", "RR@10"]).mean()
    found = [theirs[n] for n in ("ndcg_at_10", "ndcg_at_1", "recall_at_3", "mrr_at_10")]
    assert found == pytest.approx(list(ours.values()), abs=1e-5)
    assert theirs["ndcg_at_10"] > 0.5


def test_a_fitted_encoder_runs_and_one_that_is_not_is_refused(similarity, run) -> None:
    assert -1 <= run(EncoderModel(latent()), similarity)["cosine_spearman"] <= 1
    for wrong in ("latent", "none", Latent.unfitted("en")):
        with pytest.raises(ModelError, match="knows no collection"):
            EncoderModel(wrong)


def test_the_fingerprint_is_the_revision_that_results_are_kept_by() -> None:
    described = EncoderModel(Letters()).mteb_model_meta
    assert (described.name, described.revision) == ("everygrain/letters", "letters-1")
    assert described.embed_dim == 27
    assert SearchModel(None, "words", "k1-0.9").mteb_model_meta.revision == "k1-0.9"


@pytest.mark.filterwarnings("ignore")  # mteb calls what sentence-transformers has renamed
def test_a_model_of_sentence_transformers_is_one_of_ours_and_then_of_mteb(
    similarity, run, tmp_path: Path
) -> None:
    st = pytest.importorskip("sentence_transformers")
    from everygrain.encode.transformer import Transformer, minilm_folder

    theirs = st.SentenceTransformer(str(minilm_folder()), device="cpu")
    ours = Transformer.of(theirs, tmp_path / "kept")
    scores = [run(model, similarity) for model in (EncoderModel(ours, name="ours"), theirs)]
    for name in ("cosine_spearman", "cosine_pearson"):
        assert scores[0][name] == pytest.approx(scores[1][name], abs=1e-5)


class Listed:
    """Finds all documents, with equal scores in pairs."""

    def __init__(self, documents) -> None:
        self.ids = [document.id for document in documents]

    def retrieve(self, queries, k=10):
        rows = [(q, d, float(-(i // 2))) for q in queries for i, d in enumerate(self.ids)]
        self.asked = queries
        return Ranking.of(list(queries), rows).cut(k)


def test_only_the_documents_that_are_to_be_reranked_are_ranked() -> None:
    model = SearchModel(Listed, "listed")
    with pytest.raises(MeasureError, match="Nothing is indexed"):
        model.search([], top_k=3)
    model.index([{"id": d, "title": t, "text": x} for d, (t, x) in CORPUS.items()])
    asked = [{"id": "q", "text": "bread", "instruction": "not stone"}, {"id": "r", "text": "x"}]
    found = model.search(asked, top_k=2, top_ranked={"q": ["d6", "d5", "d2"]})
    assert {query: list(row) for query, row in found.items()} == {"q": ["d2", "d5"], "r": []}
    assert model._retriever.asked == {"q": "bread not stone", "r": "x"}
    assert list(model.search(asked, top_k=3)["r"]) == ["d1", "d2", "d3"]


def test_equal_scores_are_told_apart_in_float32_in_the_order_of_the_ranking() -> None:
    found = falling([("b", 2.0), ("a", 2.0), ("c", 2.0), ("d", 1.0)])
    scores = np.array(list(found.values()), dtype=np.float32)
    assert list(found) == ["b", "a", "c", "d"]
    assert (np.diff(scores) < 0).all()
    assert list(found.values()) == pytest.approx([2, 2, 2, 1], abs=1e-6)
    assert (found["b"], found["d"]) == (2, 1)


def test_batches_without_plain_text_are_refused() -> None:
    for batch in ({"image": [b""]}, {"text": [["a", "turn"]]}):
        with pytest.raises(InputError, match="no plain text"):
            EncoderModel(Letters()).encode([batch])
