"""Every stage and everything around a system, as text, on a real index and a real server."""

from pathlib import Path

import pytest

from everygrain import Document, Index
from everygrain.encode.cache import cache_folder
from everygrain.errors import EverygrainError, QueryError
from everygrain.rank.compose import parse
from everygrain.rank.compose.forms import AROUND, STAGES
from everygrain.rank.expand.feedback import RM3
from everygrain.segment.sentences import Sentences
from tests.index.encoders import BagHash
from tests.rank.conftest import Hashing

from ..llm.judge import Judge, by_worth
from ..tiny_cross_encoder import write_tiny_cross_encoder

WORTHS = {"a": 3, "b": 9, "c": 1, "d": 7}
QUERY = "price of tea"


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    with Index(tmp_path_factory.mktemp("index") / "i", "none", language="en") as made:
        made.add(
            Document(i, f"the price of tea, worth {w} pence, and jam {i}", f"tea {i}")
            for i, w in WORTHS.items()
        )
        yield made


@pytest.fixture
def judge(monkeypatch, tmp_path):
    monkeypatch.setenv("EVERYGRAIN_API_KEY", "")
    monkeypatch.setenv("EVERYGRAIN_CACHE", str(tmp_path))
    with Judge(by_worth(lambda text: int(text.split("worth ")[1].split()[0]))) as running:
        yield running


@pytest.mark.parametrize(
    "settings",
    [
        "pairwise({}, method=all)",
        "listwise({}, full=true)",
        "listwise({}, window=2, step=1, passes=4)",
        "setwise({})",
    ],
)
def test_a_language_model_orders_what_a_leg_found(index, judge, settings):
    stage = settings.format(f"model='m@{judge.url}'")
    hits = index.search(QUERY, system=f"lexical % 9 >> {stage}")
    assert [hit.id for hit in hits] == sorted(WORTHS, key=WORTHS.__getitem__, reverse=True)
    name = settings.split("(")[0]
    assert [hit.legs[name].rank for hit in hits] == [1, 2, 3, 4]
    assert all(hit.legs["lexical"].score > 0 for hit in hits)


def test_answers_of_a_language_model_are_kept_for_the_next_search(index, judge):
    system = f"lexical >> setwise(model='m@{judge.url}')"
    first = index.search(QUERY, system=system)
    asked = len(judge.requests)
    assert asked > 0
    assert (cache_folder() / "completions.db").exists()
    assert [hit.id for hit in index.search(QUERY, system=system)] == [hit.id for hit in first]
    assert len(judge.requests) == asked


def test_hits_tell_what_language_models_cost(index, judge):
    model = f"model='m@{judge.url}', prompt_price=2, completion_price=50"
    hits = index.search(QUERY, system=f"lexical >> listwise({model}, full=true)")
    spent = hits.spent
    assert (spent.calls, spent.cached, spent.prompt_tokens, spent.completion_tokens) == (
        1,
        0,
        10,
        2,
    )
    assert spent.money == pytest.approx((10 * 2 + 2 * 50) / 1e6)
    assert spent.is_complete
    again = index.search(QUERY, system=f"lexical >> listwise({model}, full=true)").spent
    assert (again.calls, again.cached, again.tokens, again.money) == (0, 1, 0, 0.0)
    assert index.search(QUERY, system="lexical").spent is None
    assert index.search(QUERY, system="rm3(lexical)").spent is None


def test_what_several_parts_spend_is_added_up(index, judge):
    judge.rule = lambda prompt: "[1] > [2]" if "Output all" in prompt else '["jam c", "tea b"]'
    model = f"model='m@{judge.url}'"
    system = f"rewritten(reasoned(lexical, {model}), {model}) >> listwise({model}, full=true)"
    spent = index.search("preserve", system=system).spent
    assert spent.calls == len(judge.requests) == 5  # rewrites, three times reasoning, one order
    assert spent.tokens == 5 * 12
    assert spent.money is None


def test_no_more_calls_are_made_than_are_allowed(index, judge):
    system = f"lexical >> pairwise(model='m@{judge.url}', method=all, calls=3)"
    hits = index.search(QUERY, system=system)
    assert hits.spent.calls == len(judge.requests) == 3
    assert hits.spent.stopped == "The budget of 3 calls is spent."


def test_feedback_around_a_leg_is_what_it_is_in_python(index):
    written = index.retriever("rm3(lexical, documents=2, terms=5, original=0.5)")
    made = RM3(index.retriever("lexical"), 2, 5, 0.5)
    assert repr(written) == repr(made)
    assert list(written.retrieve([QUERY]).rows()) == list(made.retrieve([QUERY]).rows())
    hits = index.search(QUERY, system="rm3(lexical, documents=2)")
    assert set(hits[0].legs) == {"rm3"}


def test_reasoning_is_asked_for_and_searched_with(index, judge):
    judge.rule = lambda prompt: "It must be jam b."
    hits = index.search("preserve", system=f"reasoned(lexical, model='m@{judge.url}')")
    assert hits[0].id == "b"


def test_rewrites_are_asked_for_and_searched_with(index, judge):
    judge.rule = lambda prompt: '["jam c", "tea c"]'
    hits = index.search("preserve", system=f"rewritten(lexical, model='m@{judge.url}', count=2)")
    assert hits[0].id == "c"


def test_quotation_marks_of_a_language_model_ask_for_no_phrase(index, judge):
    judge.rule = lambda prompt: 'Look for "jam on bread" or for «b».'
    hits = index.search("preserve", system=f"reasoned(lexical, model='m@{judge.url}')")
    assert hits[0].id == "b"
    judge.rule = lambda prompt: '["\\"tea shop\\" c"]'
    hits = index.search("preserve", system=f"rewritten(lexical, model='m@{judge.url}')")
    assert hits[0].id == "c"


def test_titles_near_the_query_lend_their_texts_words(index):
    found = index.retriever("neighbours(lexical, documents=1)").retrieve(["tea"])
    assert set(found.document_ids) == set(WORTHS)


@pytest.mark.parametrize(
    ("system", "told"),
    [
        ("lexical >> setwise(model=m)", "'m' is no language model.*model='NAME@http"),
        ("lexical >> setwise(model='m@nonsense')", "not an http or https URL"),
        ("lexical >> setwise(model='m@http://localhost', size=1)", "size = 1 makes no sense"),
        (
            "lexical >> setwise(model='m@http://localhost', prompt_price=1)",
            "One price is given.*completion_price=",
        ),
        ("lexical >> setwise(model='m@http://localhost', money=1)", "in money.*prompt_price="),
        ("lexical >> setwise(model='m@http://localhost', calls=0)", "budget of 0 calls"),
        ("rm3(fuse(lexical, lexical))", "weighs no words"),
        ("rm3(xtr)", "weighs no words"),
        ("rm3(lexical, original=2)", "original"),
        ("lexical >> late", "holds no word vectors"),
    ],
)
def test_settings_that_make_no_sense_are_errors_with_a_remedy(index, system, told):
    with pytest.raises(EverygrainError, match=told):
        index.search(QUERY, system=system)


def test_sentences_are_compared_beside_whole_documents(tmp_path):
    texts = {"a": "The tree stands. A graph has a node.", "b": "A river runs over stone."}
    encoder, cut = Hashing(), Sentences("en")
    with Index(tmp_path / "i", encoder, language="en") as index:
        index.add(Document(i, text, "Tree") for i, text in texts.items())
        first = dict(index.retriever("dense").retrieve(["graph node"], 2).by_query()["0"])
        mixed = index.retriever("dense % 9 >> sentences(share=0.3)").retrieve(["graph node"], 2)
        with pytest.raises(QueryError, match="sentences"):
            index.retriever("lexical >> sentences")
    query = encoder.encode(["graph node"], "query")[0]
    for identity, score in mixed.by_query()["0"]:
        spans = [texts[identity][a:b] for a, b in cut.spans(texts[identity])]
        best = float((encoder.encode(spans) @ query).max())
        assert score == pytest.approx(0.3 * first[identity] + 0.7 * best, abs=1e-6)


def test_every_stage_is_tried_here_or_with_an_index_that_learned():
    tried = Path(__file__).read_text(encoding="utf-8")
    tried += Path(__file__).with_name("test_learned.py").read_text(encoding="utf-8")
    tried += (Path(__file__).parents[2] / "test_calibration.py").read_text(encoding="utf-8")
    for name in [*STAGES, *AROUND]:
        assert f"{name}(" in tried or f">> {name}" in tried, name


def test_a_stage_that_needs_a_model_says_so_before_anything_is_searched(index):
    with pytest.raises(QueryError, match="'pairwise' needs model"):
        parse("lexical >> pairwise")


def test_a_cross_encoder_by_its_folder_is_the_reranker_in_python(index, tmp_path):
    pytest.importorskip("sentence_transformers")
    from everygrain.rank.cross import Cross, CrossEncoderScorer

    folder = str(write_tiny_cross_encoder(tmp_path))
    made = index.retriever("lexical") >> Cross(CrossEncoderScorer(folder), index.fetch, weight=0.5)
    written = index.retriever(f"lexical >> cross(model='{folder}', weight=0.5)")
    assert list(written.retrieve([QUERY]).rows()) == list(made.retrieve([QUERY]).rows())
    short = index.retriever(f"lexical >> cross(model='{folder}', words=4)")
    assert set(short.retrieve([QUERY]).document_ids) == set(WORTHS)
    with pytest.raises(EverygrainError, match="nowhere"):
        index.search(QUERY, system="lexical >> cross(model='nowhere/at/all')")


def test_late_interaction_as_text_is_the_reranker_of_the_index(tmp_path):
    documents = [Document(i, f"the price of tea, worth {w} pence") for i, w in WORTHS.items()]
    with Index(tmp_path / "i", "none", words=BagHash()) as worded:
        worded.add(documents)
        made = worded.retriever("lexical") >> worded.reranker("late", share=0.25)
        written = worded.retriever("lexical >> late(share=0.25)")
        assert repr(written) == repr(made)
        assert list(written.retrieve(["tea 9"]).rows()) == list(made.retrieve(["tea 9"]).rows())
        hits = worded.search("tea 9", system="lexical % 100 >> late % 1")
        assert set(hits[0].legs) == {"lexical", "late"}
