"""Adapting an index: promoted where it helps, refused where not, and never harmed."""

import json
import random
import sys
from dataclasses import replace

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from everygrain import Document, Index
from everygrain.adaptation import adapt, answered, rollback
from everygrain.analyze import split
from everygrain.encode.adapted import Adapted
from everygrain.encode.static import Static, Table
from everygrain.errors import InputError, ModelError, QueryError
from everygrain.learn.candidate import Candidate, train
from everygrain.learn.held_out import Questions, divide
from everygrain.learn.pairs import Collected
from everygrain.learn.recipe import Recipe
from everygrain.measure import Collection
from everygrain.rank.lexical import BM25
from tests.small_adaptation import RECIPE, TOPICS, documents, name, null, state, table, trained

pytest.importorskip("torch")


@pytest.fixture
def index(tmp_path):
    with Index(tmp_path / "index", Static(table(), {}), language="en") as made:
        made.add(documents())
        yield made


def test_an_encoder_that_learned_the_collections_words_is_promoted_and_rolled_back(index):
    before = state(index)
    done = adapt(index, RECIPE, budget=60)
    assert done.promoted, done.decision.reason
    assert isinstance(index.store.encoder, Adapted)
    report = json.loads((done.report / "report.json").read_text())
    assert report["promoted"] is True
    assert report["recipe"]["train"] == ["title"]
    assert report["recipe"]["test"] == ["cloze(each=4)"]
    assert report["tests"][0]["p_corrected"] < 0.05
    assert index.doctor() == []
    after = state(index)
    with Index.open(index.folder) as again:  # another process would see the same
        assert state(again) == after
    assert rollback(index) == before[0]
    assert state(index) == before
    assert rollback(index) == after[0]
    assert state(index) == after


def test_the_same_recipe_gives_the_same_encoder_again(tmp_path):
    prints = []
    for number in range(2):
        with Index(tmp_path / f"{number}", Static(table(), {}), language="en") as made:
            shuffled = documents()
            random.Random(number).shuffle(shuffled)
            made.add(shuffled)
            prints.append(adapt(made, RECIPE, budget=600).report)
    reports = [json.loads((each / "report.json").read_text()) for each in prints]
    assert reports[0]["curve"] == reports[1]["curve"]
    assert reports[0]["tests"] == reports[1]["tests"]


def test_shuffled_labels_are_refused_and_the_index_stays(index):
    before = state(index)
    done = adapt(index, RECIPE, budget=60, train_encoder=null)
    assert not done.promoted
    assert done.decision.reason.startswith("Refused")
    assert state(index) == before
    assert json.loads((done.report / "report.json").read_text())["promoted"] is False


def test_an_encoder_of_another_language_is_refused(index):
    """One that knows none of the collection's words: a leg that finds nothing."""

    def foreign(old, encoder, learned, settled, **rest):
        tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0, "слово": 1}, "[UNK]"))
        tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
        other = Table(tokenizer.to_str(), np.ones((2, 32), dtype=np.float16))
        return Candidate(Adapted(Static(other, {}, fitted=1)), Collected(()), 0, [])

    before = state(index)
    assert not adapt(index, RECIPE, train_encoder=foreign).promoted
    assert state(index) == before


def test_a_generator_that_leaks_the_question_into_the_answer_is_refused(index):
    """Every answer is its question in another order: a word then means itself, and no more."""

    def leaking(old, encoder, learned, settled, **rest):
        spoilt = [
            Document(d.id, f"{' '.join(reversed(d.title.split()))} of the {d.title}", d.title)
            for d in learned
        ]
        every = replace(settled, train=("itself",))
        return train(old, encoder, spoilt, every, **rest)

    before = state(index)
    done = adapt(index, RECIPE, budget=60, train_encoder=leaking)
    assert not done.promoted
    assert state(index) == before


def test_judged_queries_test_and_never_train(index):
    kept = {d.id: d for d in index.documents()}
    asked = {f"q{i}": d.title for i, d in enumerate(kept.values()) if i < 50}
    grades = {f"q{i}": {d: 1} for i, d in enumerate(kept) if i < 50}
    judged = Collection("mine", asked, grades, lambda: iter(kept.values()))
    done = adapt(index, RECIPE, budget=60, judged=[judged])
    assert done.decision.verdicts[0].source == "judged: mine"
    stranger = Collection("other", {"q": "x"}, {"q": {"nobody": 1}}, lambda: iter(()))
    with pytest.raises(InputError, match="name no document"):
        adapt(index, RECIPE, budget=60, judged=[stranger])


def test_without_torch_the_remedy_is_told_and_the_index_stays(index, monkeypatch):
    before = state(index)
    monkeypatch.setitem(sys.modules, "torch", None)  # as where it is not installed
    with pytest.raises(ModelError, match="needs torch") as caught:
        adapt(index, RECIPE, budget=60)
    assert 'pip install "everygrain[models]"' in caught.value.remedy
    assert state(index) == before


def test_an_adapted_encoder_is_adapted_again_from_word_weights_of_what_trains(index):
    """Those it serves with have counted the sentences that the tests ask with."""
    learned, kept = divide(list(index.documents()))
    served = trained(1).fit(split([f"{d.title} {d.text}" for d in (*learned, *kept)]))
    made = train(served, "static", learned, RECIPE.settled(learned), budget=60,
                 folder=index.folder)  # fmt: skip
    started = made.encoder.static
    assert started.fitted == len(learned) < served.fitted
    word = next(iter(served.static.idf))
    holding = sum(word in f"{d.title} {d.text}".lower().split() for d in learned)
    # log(1 + (n - f + .5) / (f + .5)), to the four places that are kept
    expected = np.log1p((len(learned) - holding + 0.5) / (holding + 0.5))
    assert started.idf[word] == round(float(expected), 4) != served.static.idf[word]


def test_small_and_unfit_collections_are_told_of(tmp_path):
    with Index(tmp_path / "small", Static(table(), {}), language="en") as small:
        small.add(documents(99))
        with pytest.raises(InputError, match="99 documents"):
            adapt(small, RECIPE)
    with Index(tmp_path / "short", Static(table(), {}), language="en") as short:
        short.add(Document(f"d{i}", name("ka", i % TOPICS, 0)) for i in range(200))
        with pytest.raises(InputError, match="no two kinds"):
            adapt(short, RECIPE)
    with Index(tmp_path / "same", Static(table(), {}), language="en") as same:
        one = documents(1)[0]
        same.add(Document(f"d{i}", one.text, one.title) for i in range(200))
        with pytest.raises(InputError, match="no two kinds"):  # all are copies of tested ones
            adapt(same, RECIPE)


def test_the_tests_search_with_the_bm25_of_the_index(index):
    asked = Questions("own", documents(60), {"0": documents(60)[0].title}, {"0": {"d0": 1}})
    seen = []

    class Seen(Index):
        def __init__(self, *told, **rest):
            seen.append(rest["bm25"])
            super().__init__(*told, **rest)

    index.configure(bm25=BM25(k1=0.3, b=0.1))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("everygrain.adaptation.Index", Seen)
        answered(asked, None, index)
    assert seen == [BM25(k1=0.3, b=0.1)]


@pytest.mark.parametrize("budget", [0.0, -1.0, float("nan"), float("inf")])
def test_a_budget_without_sense_is_told_of(index, budget):
    with pytest.raises(QueryError, match="budget"):
        adapt(index, RECIPE, budget=budget)


@pytest.mark.slow
def test_random_training_is_promoted_in_at_most_one_of_twenty(index):
    """200 encoders trained on random pairs; the bound leaves binomial error of 1 in 1,000."""
    from scipy.stats import binom

    promoted = 0
    quick = Recipe(teacher="", words=0, fewest_steps=1, epochs=0.5, queries=60)
    for seed in range(200):

        def trainer(*told, seed=seed, **rest):
            return null(*told, seed=seed, **rest)

        done = adapt(index, quick, budget=60, train_encoder=trainer)
        if done.promoted:
            promoted += 1
            rollback(index)
    assert promoted <= binom.ppf(0.999, 200, 0.05)
