"""Learning from few labels: views that vote, agreement, storing."""

import json

import numpy as np
import pytest

from everygrain.errors import InputError, ModelError
from everygrain_papers.functions.base import FUNCTIONS, Labeller
from everygrain_papers.functions.labels import LabelledAbstract, read
from everygrain_papers.functions.learned import (
    VIEWS,
    Training,
    agreed,
    balance,
    evened,
    train,
    vote,
)
from everygrain_papers.functions.stored import load, save

WORDS = {
    "background": ("olim", "antea", "semper"),
    "problem": ("quaero", "dubito", "desidero"),
    "method": ("facio", "construo", "paro"),
    "result": ("invenio", "monstro", "probo"),
    "other": ("scripsit", "impressum", "editum"),
}
THINGS = ("apes", "flores", "silvas", "montes", "aquas", "stellas")


class Letters:
    """An encoder of a few lines: counts of letters."""

    fingerprint = "letters"
    dimensions = 26

    def encode(self, texts, kind="document"):
        rows = np.array([[text.lower().count(chr(97 + i)) for i in range(26)] for text in texts])
        rows = rows.reshape(len(texts), 26).astype(np.float32)
        return rows / np.maximum(1, np.linalg.norm(rows, axis=1, keepdims=True))

    def save(self, folder):
        raise NotImplementedError


def abstracts(count, seed):
    """Abstracts in a language that no rule knows: a verb tells the function."""
    lot = np.random.default_rng(seed)
    made = []
    for number in range(count):
        functions = tuple(FUNCTIONS[k] for k in sorted(lot.integers(0, 5, lot.integers(3, 7))))
        sentences = tuple(
            f"{lot.choice(THINGS)} {lot.choice(WORDS[f])} et {lot.choice(THINGS)}"
            for f in functions
        )
        made.append(LabelledAbstract(str(number), sentences, functions))
    return made


def accuracy(labeller, examples):
    told = labeller.label_all([e.sentences for e in examples])
    pairs = [
        p
        for t, e in zip(told, examples, strict=True)
        for p in zip(t.functions, e.functions, strict=True)
    ]
    return np.mean([a == b for a, b in pairs])


@pytest.fixture(scope="module")
def trained():
    return train(
        abstracts(40, 1),
        [e.sentences for e in abstracts(30, 2)],
        Letters(),
        Training(penalty=0.1, rules_worth=1, trust=0.3),
    )


def test_functions_of_an_unknown_language_are_learned(trained):
    assert isinstance(trained, Labeller)
    assert set(trained.coefficients) == set(VIEWS)
    assert accuracy(trained, abstracts(40, 3)) > 0.85
    assert trained.told["agreed_sentences"] > 0


def test_a_vote_is_the_mean_of_logs_normalised_and_agreement_a_loop():
    lot = np.random.default_rng(5)
    views = [np.log(lot.dirichlet(np.full(5, 0.2), 200) + 1e-9) for _ in range(3)]
    told = vote(views)
    kept, found = agreed(views, 0.7)
    wanted = []
    for i in range(200):
        product = np.exp(sum(view[i] for view in views) / 3)
        np.testing.assert_allclose(np.exp(told[i]), product / product.sum())
        firsts = {int(view[i].argmax()) for view in views}
        if len(firsts) == 1 and product.max() / product.sum() >= 0.7:
            wanted.append((i, firsts.pop()))
    assert wanted
    assert list(zip(kept.tolist(), found.tolist(), strict=True)) == wanted


def test_balance_brings_the_shares_of_agreed_labels_to_those_given():
    wanted, found = np.repeat(np.arange(5), 20), np.repeat(np.arange(5), (40, 30, 20, 15, 30))
    weights = balance(wanted, found)
    sums = np.bincount(found, weights) / weights.sum()
    np.testing.assert_allclose(sums, 0.2, atol=0.01)
    assert balance(np.zeros(1000, dtype=int), np.array([1]))[0] == 0.25  # bounded


def test_rare_functions_weigh_more_by_the_power_of_their_share_worked_by_hand():
    labels = np.array([0] * 7 + [1])  # shares 8, 2, 1, 1, 1 of 13
    weights = evened(labels, 0.5)
    np.testing.assert_allclose(weights[7] / weights[0], 2.0)
    np.testing.assert_allclose(weights.mean(), 1)
    np.testing.assert_allclose(evened(labels, 0.0), 1)


def test_the_sequence_step_tells_a_sentence_by_its_neighbours():
    examples = abstracts(60, 6)
    with_step, without = (
        train(examples, training=Training(views=("words",), trust=0, strength=strength))
        for strength in (1.0, 0.0)
    )
    assert (without.transitions.scores == 0).all()
    sentences = [
        "apes olim et aquas", "apes quaero et aquas", "apes facio et silvas", "nescio",
        "apes paro et silvas", "apes probo et aquas",
    ]  # fmt: skip
    method = FUNCTIONS.index("method")
    alone = without.label(sentences).probabilities
    np.testing.assert_allclose(alone, np.exp(vote(list(without.by_view([sentences]).values()))))
    told = with_step.label(sentences)
    assert told.functions[2:5] == ("method",) * 3
    assert told.probabilities[3, method] > alone[3, method] + 0.1


def test_the_same_seed_trains_the_same_and_another_draws_another_pool():
    examples, pool = abstracts(8, 1), [e.sentences for e in abstracts(20, 2)]
    options = Training(views=("words",), pool=5, sure=0.0, trust=0.3)
    first, again = (train(examples, pool, training=options, seed=3) for _ in range(2))
    other = train(examples, pool, training=options, seed=4)
    np.testing.assert_array_equal(first.coefficients["words"], again.coefficients["words"])
    assert first.told["pool_sentences"] < sum(len(each) for each in pool)
    assert not np.array_equal(first.coefficients["words"], other.coefficients["words"])


def test_labels_of_many_are_those_of_each_alone(trained):
    many = [e.sentences for e in abstracts(5, 8)] + [()]
    for one, other in zip(map(trained.label, many), trained.label_all(many), strict=True):
        assert one.functions == other.functions
        np.testing.assert_allclose(one.probabilities, other.probabilities, atol=1e-9)


def test_a_stored_labeller_answers_as_it_did_and_loads_only_with_its_encoder(trained, tmp_path):
    save(trained, tmp_path / "model")
    again = load(tmp_path / "model", Letters())
    for e in abstracts(5, 9):
        np.testing.assert_array_equal(
            trained.label(e.sentences).probabilities, again.label(e.sentences).probabilities
        )
    assert dict(again.told) == dict(trained.told)
    with pytest.raises(ModelError, match="with no encoder"):
        load(tmp_path / "model")
    other = Letters()
    other.fingerprint = "others"
    with pytest.raises(ModelError, match="the encoder letters; it is loaded with the encoder oth"):
        load(tmp_path / "model", other)


@pytest.mark.parametrize("harm", ["cut", "json", "views", "missing", "shape"])
def test_a_damaged_labeller_is_a_clear_error(harm, tmp_path):
    save(train(abstracts(3, 1), training=Training(views=("words",))), tmp_path)
    arrays, described = tmp_path / "functions.safetensors", tmp_path / "functions.json"
    if harm == "cut":
        arrays.write_bytes(arrays.read_bytes()[:50])
    elif harm == "json":
        described.write_text("[1", encoding="utf-8")
    elif harm == "missing":
        arrays.unlink()
    else:
        told = json.loads(described.read_text(encoding="utf-8"))
        if harm == "views":
            told["views"] = ["../words"]
        else:
            told["vocabularies"]["words"].pop()
        described.write_text(json.dumps(told), encoding="utf-8")
    with pytest.raises(ModelError, match="Train it again"):
        load(tmp_path)


def test_settings_and_examples_that_cannot_be_learned_from_are_refused():
    with pytest.raises(InputError, match="no view 'colours'"):
        Training(views=("colours",))
    with pytest.raises(InputError, match="cannot be trained"):
        Training(penalty=0)
    with pytest.raises(InputError, match="no labelled sentence"):
        train([])
    with pytest.raises(InputError, match="needs an encoder"):
        train(abstracts(2, 1), training=Training(views=("vectors",)))
    with pytest.raises(InputError, match="2 sentences and 1 labels"):
        LabelledAbstract("a", ("one", "two"), ("method",))


def test_labels_of_other_collections_are_mapped_and_bad_lines_named(tmp_path):
    path = tmp_path / "labels.jsonl"
    path.write_text(
        '{"id": 7, "sentences": ["A.", "B."], "labels": ["OBJECTIVE", "conclusions"]}\n\n',
        encoding="utf-8",
    )
    assert read(path) == [LabelledAbstract("7", ("A.", "B."), ("problem", "result"))]
    for line, told in (
        ("{", "line 1: no labelled abstract"),
        ('{"sentences": ["A."], "labels": ["dream"]}', "line 1: there is no label 'dream'"),
        ('{"sentences": ["A."], "labels": []}', "line 1: The abstract '1' has 1 sentences"),
        ('{"sentences": "A.", "labels": []}', "`sentences` and `labels` are lists"),
    ):
        path.write_text(line, encoding="utf-8")
        with pytest.raises(InputError, match=told):
            read(path)
    with pytest.raises(InputError, match="cannot be read"):
        read(tmp_path / "none.jsonl.gz")
