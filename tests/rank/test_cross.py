"""Cross-encoders as scorers and rerankers: the library's own scores, and what goes wrong."""

import numpy as np
import pytest

from everygrain.document import Document, Ranking
from everygrain.encode.transformer import quiet_transformers
from everygrain.errors import ModelError, QueryError
from everygrain.rank.base import PairScorer, Reranker
from everygrain.rank.cross import Cross, CrossEncoderScorer, read, standard

torch = pytest.importorskip("torch")
from .tiny_cross_encoder import WORDS, write_tiny_cross_encoder  # noqa: E402

TEXTS = [" ".join(WORDS[: 1 + i]) for i in range(len(WORDS))] + ["", "cat " * 50, "zebra"]


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    quiet_transformers()
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_tiny_cross_encoder(tmp_path_factory.mktemp("cross"))


@pytest.fixture(scope="module")
def scorer(folder):
    return CrossEncoderScorer(str(folder))


class Length:
    """Scores a text by its length."""

    def score(self, query, texts):
        return np.array([len(text) for text in texts], dtype=np.float32)

    def __repr__(self):
        return "Length()"


class Broken:
    def __init__(self, gives):
        self.gives = gives

    def score(self, query, texts):
        if isinstance(self.gives, Exception):
            raise self.gives
        return self.gives

    def __repr__(self):
        return "Broken()"


DOCUMENTS = {
    "a": Document("a", "one"),
    "b": Document("b", "one two three"),
    "c": Document("c", "one two", "a title of some length"),
}


def fetch(ids):
    return {name: DOCUMENTS[name] for name in ids if name in DOCUMENTS}


def found(query="q", **scores):
    return Ranking.of([query], [(query, name, score) for name, score in scores.items()])


def test_scores_are_those_of_the_library_without_its_sigmoid(folder, scorer):
    from sentence_transformers import CrossEncoder

    library = CrossEncoder(str(folder), device="cpu")
    pairs = [("the cat runs", text) for text in TEXTS]
    expected = library.predict(pairs, activation_fn=torch.nn.Identity())
    np.testing.assert_allclose(scorer.score("the cat runs", TEXTS), expected, atol=1e-5)
    assert np.ptp(expected) > 0.1
    assert isinstance(scorer, PairScorer)


def test_a_pairs_score_does_not_depend_on_the_others_to_the_last_bit(scorer):
    together = scorer.score("the cat runs", TEXTS)
    alone = np.concatenate([scorer.score("the cat runs", [text]) for text in TEXTS])
    backwards = scorer.score("the cat runs", TEXTS[::-1])[::-1]
    assert together.tobytes() == alone.tobytes() == backwards.tobytes()


def test_pairs_of_several_queries_are_scored_as_each_alone(scorer):
    pairs = [("cat", "a dog"), ("a garden", "red tree"), ("cat", "")]
    alone = [scorer.score(query, [text])[0] for query, text in pairs]
    assert scorer.score_pairs(pairs).tolist() == alone


def test_texts_are_cut_at_the_limit_and_no_pair_is_no_work(folder, scorer):
    short = CrossEncoderScorer(str(folder), tokens=12)
    assert short.score("cat", ["dog " * 9 + "red"])[0] == short.score("cat", ["dog " * 30])[0]
    assert scorer.limit == 32
    assert short.limit == 12
    assert len(scorer.score("cat", [])) == 0
    assert short.fingerprint != scorer.fingerprint


def test_a_scorer_prints_as_it_is_written():
    assert repr(CrossEncoderScorer("folder")) == "CrossEncoderScorer(name='folder', tokens=0)"
    assert repr(Cross(Length(), fetch, depth=5)) == "Cross(Length(), depth=5)"


def test_a_name_that_is_no_model_is_told_at_once_and_in_one_line(monkeypatch, capfd):
    monkeypatch.setenv("EVERYGRAIN_OFFLINE", "1")
    with pytest.raises(ModelError, match="'no-such-owner/no-such-model' cannot be loaded"):
        CrossEncoderScorer("no-such-owner/no-such-model").score("a", ["b"])
    for name in ("nowhere/at/all", "./nowhere", "a b"):
        with pytest.raises(ModelError, match=f"'{name}' cannot be loaded: no such folder"):
            CrossEncoderScorer(name).score("a", ["b"])
    assert "Retry" not in "".join(capfd.readouterr())


def test_missing_damaged_and_many_labelled_models_are_named(tmp_path):
    with pytest.raises(ModelError, match="nowhere"):
        CrossEncoderScorer(str(tmp_path / "nowhere")).score("a", ["b"])
    with pytest.raises(ModelError, match=r"no config\.json"):
        CrossEncoderScorer(str(tmp_path)).score("a", ["b"])
    made = write_tiny_cross_encoder(tmp_path / "cut")
    weights = made / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelError, match="cannot be loaded"):
        CrossEncoderScorer(str(made)).score("a", ["b"])
    three = write_tiny_cross_encoder(tmp_path / "three", labels=3)
    with pytest.raises(ModelError, match="3 numbers for a pair"):
        CrossEncoderScorer(str(three)).score("a", ["b"])
    with pytest.raises(QueryError, match="-1 tokens"):
        CrossEncoderScorer("folder", tokens=-1)


def test_a_reranker_orders_by_the_scorer_that_reads_titles_too():
    reranker = Cross(Length(), fetch)
    ranking = reranker.rerank({"q": "what"}, found(a=3.0, b=2.0, c=1.0))
    expected = [(name, float(len(read(DOCUMENTS[name])))) for name in ("c", "b", "a")]
    assert ranking.by_query() == {"q": expected}
    assert isinstance(reranker, Reranker)


def test_what_lies_deeper_and_what_is_gone_is_left_out():
    reranker = Cross(Length(), fetch, depth=2)
    ranking = reranker.rerank({"q": "what", "r": "none"}, Ranking.of(
        ["q", "r"], [("q", "a", 3.0), ("q", "gone", 2.0), ("q", "c", 1.0)]
    ))  # fmt: skip
    assert ranking.by_query() == {"q": [("a", 3.0)], "r": []}


def test_a_weight_mixes_standardised_scores_as_the_formula_says():
    former = {"a": 3.0, "b": 2.0, "c": -2.0}
    ranking = Cross(Length(), fetch, weight=0.25).rerank({"q": "what"}, found(**former))
    lengths = {name: len(read(DOCUMENTS[name])) for name in former}
    expected = {}
    for name, score in former.items():
        parts = []
        for values, value in ((former, score), (lengths, lengths[name])):
            mean = sum(values.values()) / 3
            deviation = (sum((each - mean) ** 2 for each in values.values()) / 3) ** 0.5
            parts.append((value - mean) / deviation)
        expected[name] = 0.75 * parts[0] + 0.25 * parts[1]
    assert dict(ranking.by_query()["q"]) == pytest.approx(expected, abs=1e-6)
    assert standard(np.array([0.1 + 0.2, 0.3])).tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("gives", "told"),
    [
        (RuntimeError("out of memory"), r"Query 'q'.*'a'.*RuntimeError: out of memory"),
        (ModelError("No weights.", "Get some."), r"Query 'q': No weights\. Get some\."),
        ([1.0], r"Query 'q'.*shape \(1,\) for 2"),
        ([1.0, float("nan")], r"Query 'q'.*nan for the document 'b'"),
        ([float("inf"), 1.0], r"Query 'q'.*inf for the document 'a'"),
    ],
)  # fmt: skip
def test_a_scorer_that_fails_is_an_error_that_names_query_and_document(gives, told):
    with pytest.raises((QueryError, ModelError), match=told):
        Cross(Broken(gives), fetch).rerank({"q": "what"}, found(a=3.0, b=2.0))


def test_settings_out_of_range_and_foreign_queries_are_refused():
    for wrong in ({"depth": 0}, {"weight": 0.0}, {"weight": 1.5}):
        with pytest.raises(QueryError, match="cannot rerank"):
            Cross(Length(), fetch, **wrong)
    with pytest.raises(QueryError, match="'other', which was not asked"):
        Cross(Length(), fetch).rerank({"q": "what"}, found("other", a=1.0))
