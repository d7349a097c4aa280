"""Training to localise: its loss in loops, its network the localiser's, and what it learns."""

import numpy as np
import pytest

from everygrain.document import Document
from everygrain.encode.evidence import Localiser
from everygrain.errors import InputError
from tests.encode.test_evidence import START, STIRRED, TEXTS
from tests.encode.test_static import FITTED

torch = pytest.importorskip("torch")

from everygrain.learn.train.evidence import (  # noqa: E402
    Answered,
    EvidenceTraining,
    answer_loss,
    best_margin,
    cloze_answers,
    network,
    train_localiser,
)


def test_the_loss_is_the_formula_written_out_in_loops():
    logits = np.array([0.5, -1.0, 2.0, 0.3, -0.2, 1.1])
    answers = [True, False, True, False, False, True]
    owners = [0, 0, 0, 1, 1, 1]
    odds = np.mean([np.log1p(np.exp(-x if y else x)) for x, y in zip(logits, answers, strict=True)])
    shares = []
    for owner in (0, 1):
        mine = [i for i in range(6) if owners[i] == owner]
        right = sum(np.exp(logits[i]) for i in mine if answers[i])
        shares.append(-np.log(right / sum(np.exp(logits[i]) for i in mine)))
    found = answer_loss(torch.tensor(logits), torch.tensor(answers), torch.tensor(owners), 2)
    assert float(found) == pytest.approx(odds + np.mean(shares), abs=1e-6)


def test_the_network_in_training_is_the_localisers():
    prior = np.array([0.4, 0.1, 0.7, 0.2, 0.0], dtype=np.float32)
    features, asked, vectors = STIRRED.fused("cat tree", TEXTS, prior)
    weights = {name: torch.from_numpy(array) for name, array in STIRRED.weights.items()}
    rows = torch.from_numpy(asked).expand(5, -1)
    found = network(weights, torch.from_numpy(features), rows, torch.from_numpy(vectors))
    assert np.allclose(found.numpy(), STIRRED.logits("cat tree", TEXTS, prior), atol=1e-4)


def examples(seed, count=60):
    """The sentence after the one that holds the query's word answers: no fallback knows that."""
    lot, made = np.random.default_rng(seed), []
    for _ in range(count):
        texts = list(lot.permutation(["a tree.", "house a house.", "running dogs.", "cat."]))
        place = int(lot.integers(3))
        asked = texts[place].rstrip(".").split()[-1]
        made.append(Answered(asked, texts, frozenset({place + 1})))
    return made


def right(localiser, told):
    return np.mean([int(localiser.logits(e.query, e.texts).argmax()) in e.relevant for e in told])


def test_training_learns_what_the_fallback_cannot_know():
    made = train_localiser(START, examples(0), EvidenceTraining(steps=200, rate=0.05, decay=0.01))
    fresh = examples(1)
    assert right(START, fresh) < 0.3
    assert right(made.localiser, fresh) > 0.9
    assert made.curve[-1] < made.curve[0] / 2


def test_the_margin_has_the_best_mean_f1_of_all_margins():
    lot = np.random.default_rng(3)
    counts = [3, 5, 2, 7]
    logits = lot.standard_normal(17).astype(np.float32)
    answers = lot.random(17) < 0.4
    answers[[0, 3, 8, 10]] = True

    def mean_f1(margin):
        total, at = 0.0, 0
        for count in counts:
            mine = range(at, at + count)
            best = max(logits[i] for i in mine)
            found = {i for i in mine if best - logits[i] <= margin}
            wanted = {i for i in mine if answers[i]}
            total += 2 * len(found & wanted) / (len(found) + len(wanted))
            at += count
        return total / len(counts)

    found = mean_f1(best_margin(logits, answers, counts))
    assert found == pytest.approx(max(map(mean_f1, np.linspace(0, 5, 2001))))


def test_decay_holds_the_localiser_to_its_fallback():
    made = train_localiser(START, examples(0), EvidenceTraining(steps=150, decay=1e6))
    assert np.abs(made.localiser.weights["w"]).max() < 0.05


def test_without_steps_nothing_changes():
    made = train_localiser(START, examples(0, 3), EvidenceTraining(steps=0)).localiser
    assert np.array_equal(made.logits("a cat", TEXTS), START.logits("a cat", TEXTS))


def test_cloze_queries_are_words_of_their_sentence_in_order():
    text = "Short one. The cat runs into a green house of many trees today. Dogs too are"
    text += " running home now again."
    one = "Only one sentence of more than eight words in it."
    documents = [Document("a", text), Document("b", one)]
    [(query, spans, place, document)] = cloze_answers(documents, keep=0.5)
    assert document.id == "a"
    start, end = spans[place]
    words = [word.strip(".").casefold() for word in text[start:end].split()]
    remaining = iter(words)
    assert all(word in remaining for word in query.split())
    assert len(query.split()) == max(4, round(len(words) / 2))
    assert cloze_answers(documents, keep=0.5) == cloze_answers(documents[::-1], keep=0.5)


@pytest.mark.parametrize("relevant", [set(), {5}, {0, 1, 2, 3, 4}])
def test_examples_without_an_answer_or_a_choice_are_refused(relevant):
    with pytest.raises(InputError, match="answer 'a cat'"):
        Answered("a cat", TEXTS, frozenset(relevant))


def test_bad_settings_are_refused():
    with pytest.raises(InputError, match="rate"):
        EvidenceTraining(rate=0)
    with pytest.raises(InputError, match="share of words"):
        cloze_answers([], keep=0)
    with pytest.raises(InputError, match="no example"):
        train_localiser(Localiser.untrained(FITTED, FITTED), [])
