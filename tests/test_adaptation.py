"""Adapting an index: promoted where it helps, refused where not, rolled back, never harmed."""

import json
import random
import sys
import threading
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from everygrain import Document, Index
from everygrain.adaptation import adapt, answered, promote, rollback
from everygrain.analyze import split
from everygrain.encode.adapted import Adapted
from everygrain.encode.experts import StaticExperts
from everygrain.encode.static import Static, Table
from everygrain.errors import InputError, ModelError, QueryError
from everygrain.index.writer import writer
from everygrain.learn.candidate import Candidate, train
from everygrain.learn.held_out import Questions, divide
from everygrain.learn.pairs import Collected
from everygrain.learn.recipe import Recipe
from everygrain.learn.teaching import teach
from everygrain.learn.train.static import StaticTraining
from everygrain.measure import Collection
from everygrain.rank.lexical import BM25

pytest.importorskip("torch")

TOPICS = 40
COMMON = ["the", "of", "and", "in", "to", "with"]
RECIPE = Recipe(teacher="", words=0, fewest_steps=150, queries=200)


def name(kind, topic, number):
    letters = "abcdefghijklmnopqrstuvwxyz"
    return f"{kind}{letters[topic % 26]}{letters[topic // 26]}{letters[number]}"


def vocabulary():
    words = [name(k, t, n) for k in ("ka", "lo", "mi") for t in range(TOPICS) for n in range(6)]
    return ["[UNK]", *COMMON, *words]


def table(seed=0, dimensions=32):
    """Random vectors: the two words for one thing have nothing in common before training."""
    tokenizer = Tokenizer(models.WordLevel({w: i for i, w in enumerate(vocabulary())}, "[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    matrix = np.random.default_rng(seed).standard_normal((len(vocabulary()), dimensions))
    return Table(tokenizer.to_str(), matrix.astype(np.float16))


def documents(count=400, seed=0):
    """Titles and two sentences about one topic, each in words that the others never use."""
    chance = random.Random(seed)
    made = []
    for i in range(count):
        topic = chance.randrange(TOPICS)

        def sentence(kind, topic=topic):
            return " ".join(
                f"{name(kind, topic, chance.randrange(6))} {chance.choice(COMMON)}"
                for _ in range(5)
            )

        text = f"{sentence('ka').capitalize()}. {sentence('lo').capitalize()}."
        title = " ".join(name("mi", topic, chance.randrange(6)) for _ in range(4))
        made.append(Document(f"d{i}", text, title))
    return made


@pytest.fixture
def index(tmp_path):
    with Index(tmp_path / "index", Static(table(), {}), language="en") as made:
        made.add(documents())
        yield made


def state(index):
    found = index.search(f"{name('ka', 3, 1)} {name('mi', 5, 2)}", 20)
    return index.store.fingerprint, [(hit.id, hit.score) for hit in found]


def null(old, encoder, learned, settled, *, seed=0, **rest):
    """Train on shuffled labels: titles and sentences of documents that have nothing in common."""
    return train(old, encoder, shuffled_apart(learned, seed), settled, **rest)


def shuffled_apart(learned, seed=0):
    chance = random.Random(seed)
    parts = [[*document.text.split(". ", 1), document.title] for document in learned]
    for place in range(3):
        column = [each[place] for each in parts]
        chance.shuffle(column)
        for each, value in zip(parts, column, strict=True):
            each[place] = value
    return [
        Document(d.id, f"{first}. {second}", title, d.metadata)
        for d, (first, second, title) in zip(learned, parts, strict=True)
    ]


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


def forbidden(*told, **rest):
    raise AssertionError("It was trained again.")


@pytest.mark.parametrize("stage", ["Training", "Testing", "Swapping"])
def test_an_interrupt_leaves_the_index_and_the_next_call_ends_it(index, stage):
    before = state(index)

    def told(what, done, total):
        if what == stage and (stage != "Training" or done == total // 2):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        adapt(index, RECIPE, budget=60, told=told)
    assert state(index) == before
    assert index.doctor() == []
    ways = {} if stage == "Training" else {"train_encoder": forbidden}
    done = adapt(index, RECIPE, budget=60, **ways)
    assert done.promoted
    report = json.loads((done.report / "report.json").read_text())
    assert report["encoder"]["new"] == index.store.fingerprint
    assert report["pairs"]["title"] > 200
    assert report["steps"] == len(report["curve"]) >= 150
    with pytest.raises(AssertionError, match="trained again"):  # nothing waits any more
        adapt(index, RECIPE, budget=60, train_encoder=forbidden)


def test_a_candidate_does_not_wait_for_another_encoder_to_replace(index):
    def told(what, done, total):
        if what == "Testing":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        adapt(index, RECIPE, budget=60, told=told)
    index.reencode(Static(table(5), {}))
    with pytest.raises(AssertionError, match="trained again"):
        adapt(index, RECIPE, budget=60, train_encoder=forbidden)


@pytest.mark.parametrize("next_call", ["same", "other"])
def test_an_interrupt_in_the_weighing_after_a_swap_is_made_good_by_the_next_call(
    index, monkeypatch, next_call
):
    weigh = Index._weigh

    def cut(this, *told):
        if this is index:  # the tests' small indexes are weighed, too
            raise KeyboardInterrupt
        weigh(this, *told)

    first = index.store.fingerprint
    with monkeypatch.context() as patched:
        patched.setattr(Index, "_weigh", cut)
        with pytest.raises(KeyboardInterrupt):
            adapt(index, RECIPE, budget=60)
    second = index.store.fingerprint
    assert second != first
    assert index.store.setting("fusion") is None
    folder = index.folder / "adaptation"
    assert not (folder / "report.json").exists()
    if next_call == "same":
        assert adapt(index, RECIPE, budget=60, train_encoder=forbidden).promoted
    else:
        with pytest.raises(AssertionError, match="trained again"):
            adapt(index, replace(RECIPE, seed=1), budget=60, train_encoder=forbidden)
    report = json.loads((folder / "report.json").read_text())
    assert report["encoder"] == {"trained": "static", "old": first, "new": second}
    assert index.store.setting("fusion") is not None
    assert index.store.fingerprint == second
    assert rollback(index) == first


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


def test_rollback_without_a_promotion_is_an_error(index):
    with pytest.raises(InputError, match="ever replaced"):
        rollback(index)


@pytest.mark.parametrize("change", ["rollback", "promotion"])
def test_a_swap_that_is_cut_off_leaves_the_former_encoder_to_return_to(index, monkeypatch, change):
    first = index.store.fingerprint
    promote(index, trained(1), index.store.encoder)
    before = state(index)

    def cut(*told, **rest):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("everygrain.index.writer.Writer._reencoded", cut)
        swap = rollback if change == "rollback" else promoted
        with pytest.raises(KeyboardInterrupt):
            swap(index)
    assert state(index) == before
    assert rollback(index) == first


def promoted(index):
    promote(index, trained(2), index.store.encoder)


def trained(seed):
    return Adapted(Static(table(seed), {}, fitted=400))


def test_an_encoder_that_came_while_another_was_trained_is_not_replaced(index):
    old = index.store.encoder
    with Index.open(index.folder) as other:
        other.reencode(Static(table(5), {}))
    before = state(index)
    with pytest.raises(InputError, match="was replaced while"):
        promote(index, trained(1), old)
    assert state(index) == before


def test_a_promotion_waits_for_another_writer_and_keeps_its_documents(index):
    entered, done = threading.Event(), threading.Event()

    def add():
        with Index.open(index.folder) as other, writer(other.store) as write:
            entered.set()
            done.wait(0.3)
            write.add([Document("late", "A late one.", "Late")])

    thread = threading.Thread(target=add)
    thread.start()
    entered.wait()
    promote(index, trained(1), index.store.encoder)
    thread.join()
    assert len(index) == 401
    assert index.store.setting("fusion") is not None
    assert index.doctor() == []


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


def test_a_training_that_goes_on_is_taught_as_many_texts_as_before(tmp_path, monkeypatch):
    """A cache answers at once the second time; more texts would make another training of it."""

    class Teacher:
        def encode(self, texts, kind="document"):
            return np.eye(len(texts), 8, dtype=np.float32)

    monkeypatch.setattr("everygrain.encode.registry.create", lambda *told: Teacher())
    recipe = replace(RECIPE, teacher="minilm")
    taught = teach(documents(), recipe, 0.0, None, tmp_path)
    assert len(taught.texts) == 256  # the budget was spent after one batch
    (tmp_path / "checkpoint").touch()
    again = teach(documents(), recipe, 60.0, None, tmp_path)
    assert again.texts == taught.texts
    (tmp_path / "checkpoint").unlink()
    assert len(teach(documents(), recipe, 60.0, None, tmp_path).texts) > 256


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


# --- domains ---

BY_FIELD = replace(RECIPE, domains="field:side", fewest_steps=60)


def sided(made):
    """Give each document one of two domains, by its topic."""
    return [
        Document(d.id, d.text, d.title, {"side": "early" if d.title[2] < "m" else "late"})
        for d in made
    ]


@pytest.fixture
def two_sided(tmp_path):
    with Index(tmp_path / "sides", Static(table(), {}), language="en") as made:
        made.add(sided(documents()))
        yield made


@pytest.mark.parametrize("way", ["by_domain", "experts"])
def test_with_domains_an_interrupted_training_ends_as_one_that_was_not(two_sided, monkeypatch, way):
    recipe = replace(BY_FIELD, **{way: True})
    often = partial(StaticTraining, checkpoint_every=1e-9)
    monkeypatch.setattr("everygrain.learn.candidate.StaticTraining", often)
    learned, _ = divide(sorted(two_sided.documents(), key=lambda document: document.id))
    old = two_sided.store.encoder
    whole = train(old, "static", learned, recipe.settled(learned), budget=600,
                  folder=two_sided.folder)  # fmt: skip
    assert type(whole.encoder) is (StaticExperts if way == "experts" else Adapted)

    def told(what, done, total):
        if what == "Training" and done == total // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        adapt(two_sided, recipe, budget=600, told=told)
    assert (two_sided.folder / "adaptation" / "checkpoint").exists()
    steps = []
    done = adapt(two_sided, recipe, budget=600, told=lambda *each: steps.append(each))
    trained_on = [each[1] for each in steps if each[0] == "Training"]
    assert trained_on[0] == trained_on[-1] // 2 + 1
    report = json.loads((done.report / "report.json").read_text())
    assert report["encoder"]["new"] == whole.encoder.fingerprint
    assert report["curve"] == [[kind, round(loss, 5)] for kind, loss in whole.curve]
    assert sum(report["domains"]["sizes"].values()) == len(learned)
    assert set(report["domains"]["sizes"]) == {"early", "late"}


def test_the_gate_promotes_experts_that_help_and_they_are_adapted_again(two_sided):
    before = state(two_sided)
    recipe = replace(BY_FIELD, experts=True, fewest_steps=150)
    done = adapt(two_sided, recipe, budget=60)
    assert done.promoted, done.decision.reason
    assert two_sided.store.encoder.names == ("early", "late")
    assert two_sided.doctor() == []
    learned, _ = divide(list(two_sided.documents()))
    again = train(two_sided.store.encoder, "static", learned, BY_FIELD.settled(learned), budget=60,
                  folder=two_sided.folder)  # fmt: skip
    assert isinstance(again.encoder, Adapted)
    assert again.curve[0][1] < np.mean(
        [loss for _, loss in json.loads((done.report / "report.json").read_text())["curve"][:3]]
    )
    assert rollback(two_sided) == before[0]
    assert state(two_sided) == before


def test_experts_trained_on_shuffled_labels_are_refused(two_sided):
    before = state(two_sided)
    done = adapt(two_sided, replace(BY_FIELD, experts=True), budget=60, train_encoder=null)
    assert not done.promoted
    assert state(two_sided) == before


def test_experts_of_a_transformer_and_a_field_without_values_are_told_of(two_sided):
    before = state(two_sided)
    with pytest.raises(InputError, match="'minilm' cannot have"):
        adapt(two_sided, replace(BY_FIELD, experts=True), encoder="minilm")
    with pytest.raises(InputError, match="No value of the field 'venue'"):
        adapt(two_sided, replace(RECIPE, domains="field:venue"))
    assert state(two_sided) == before
