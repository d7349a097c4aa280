"""Training a transformer's experts moves the top layers, each expert by its own domain alone."""

import numpy as np
import pytest

from everygrain.encode.transformer import Transformer
from everygrain.errors import InputError
from everygrain.learn.pairs.base import Pair
from everygrain.learn.train.experts import ExpertTraining, in_batch
from tests.encode.test_experts_transformer import routing
from tests.encode.tiny_transformer import write_tiny_transformer

torch = pytest.importorskip("torch")
pytest.importorskip("sentence_transformers")

from everygrain.learn.train.expert_layers import (  # noqa: E402
    Hidden,
    UpperLayers,
    train_transformer_experts,
)

TEXTS = ["cat runs", "a house", "dog cat dog dog", "tree of the green garden in a street"]
PAIRS = [
    Pair(f"{one} a", f"the {one} {other}", "test", f"{one}{other}", f"{one}{other}")
    for words in (("cat", "dog"), ("tree", "house"))
    for one in words
    for other in (*words, "runs", "red")
]
DOMAINS = ["animals"] * 8 + ["places"] * 8


@pytest.fixture(scope="module")
def dense(tmp_path_factory):
    return Transformer(str(write_tiny_transformer(tmp_path_factory.mktemp("tiny"))))


def test_kept_states_and_upper_layers_give_the_models_vectors(dense):
    for layers in ((2,), (0, 2)):
        upper = UpperLayers.of(dense, layers, 2)
        hidden = Hidden.of(upper.model, TEXTS, upper.lowest)
        found = upper.vectors(hidden, np.array([0, 1, -1, 0]), at_once=3)
        # kept in half precision
        assert np.allclose(found, dense.encode(TEXTS), atol=5e-3)


def test_an_experts_gradient_is_zero_for_batches_of_other_domains(dense):
    from everygrain.learn.losses.contrastive import MultipleNegatives

    upper = UpperLayers.of(dense, (1, 2), 3)
    hidden = Hidden.of(upper.model, TEXTS, upper.lowest)
    rows = np.arange(len(TEXTS))
    asked = upper.encode(hidden, rows, np.full(len(TEXTS), 1))
    MultipleNegatives()(in_batch(asked, asked.flip(0), rows, 0.0)).sum().backward()
    for number in (1, 2):
        block = upper.model[0].auto_model.encoder.layer[number].output
        sizes = [
            sum(float(p.grad.abs().sum()) for p in expert.parameters() if p.grad is not None)
            for expert in (*block.experts, block.dense)
        ]
        assert sizes[1] > 0
        assert sizes[0] == sizes[2] == sizes[3] == 0


def test_without_steps_the_model_is_the_dense_one_to_the_last_bit(dense):
    settings = ExpertTraining(steps=0)
    fresh = train_transformer_experts(dense, PAIRS, DOMAINS, routing(), (2,), settings)
    assert fresh.encode(TEXTS).tobytes() == dense.encode(TEXTS).tobytes()
    assert fresh.names == ("animals", "places")


def test_training_lifts_the_answers_and_moves_only_what_it_may(dense):
    settings = ExpertTraining(steps=20, batch=8, rate=1e-3, expert_rate=1e-2)
    found = train_transformer_experts(
        dense, PAIRS, DOMAINS[:8] + [None] * 8, routing(), (1,), settings
    )
    fresh = train_transformer_experts(
        dense, PAIRS, DOMAINS[:8] + [None] * 8, routing(), (1,), ExpertTraining(steps=0)
    )
    moved = {
        name
        for name, array in found.weights.items()
        if not np.array_equal(array, fresh.weights[name])
    }
    # layers 1 and 2, shared parts and the expert; nothing of layer 0 is even kept
    assert {name.split(".")[0] for name in found.weights} == {"1", "2"}
    assert any(name.startswith("1.output.experts.0.") for name in moved)
    assert any(name.startswith("2.attention.") for name in moved)

    def margin(model):
        queries = model.encode_in([p.query for p in PAIRS[:8]], "animals")
        answers = model.encode_in([p.positive for p in PAIRS[:8]], "animals")
        scores = 20 * queries @ answers.T
        return np.mean(np.diag(scores) - np.log(np.exp(scores).sum(axis=1)))

    assert margin(found) > margin(fresh)
    again = train_transformer_experts(
        dense, PAIRS, DOMAINS[:8] + [None] * 8, routing(), (1,), settings
    )
    assert again.fingerprint == found.fingerprint


def test_bad_input_says_what_to_do(dense):
    with pytest.raises(InputError, match="16 pairs and 1 domains"):
        train_transformer_experts(dense, PAIRS, ["animals"], routing(), (2,))
    with pytest.raises(InputError, match="No layer shall have experts"):
        train_transformer_experts(dense, PAIRS, DOMAINS, routing(), ())
