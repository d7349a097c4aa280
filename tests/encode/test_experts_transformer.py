"""A transformer with experts is the dense one until they differ, and then its own experts alone."""

import json

import numpy as np
import pytest

from everygrain.encode import registry
from everygrain.encode.experts import Centroids
from everygrain.encode.experts.transformer import TransformerExperts
from everygrain.encode.static import Static
from everygrain.encode.transformer import Transformer
from everygrain.errors import InputError, ModelError
from tests.encode.test_static import TABLE
from tests.encode.tiny_transformer import write_tiny_transformer

torch = pytest.importorskip("torch")
pytest.importorskip("sentence_transformers")

ANIMALS = ["cat", "dog", "cat dog", "a dog runs"]
PLACES = ["tree", "house", "green tree", "house a tree", "a house in the garden of a street"]
TEXTS = ["cat runs", "a house", "", "dog cat dog dog", "tree of the green garden in a street"]
LAYERS = (1, 2)


@pytest.fixture(scope="module")
def dense(tmp_path_factory):
    return Transformer(str(write_tiny_transformer(tmp_path_factory.mktemp("tiny"))))


def routing():
    return Static(TABLE, {})


def centroids():
    assigned = np.array([0] * len(ANIMALS) + [1] * len(PLACES))
    vectors = routing().encode(ANIMALS + PLACES)
    return Centroids.of(["animals", "places"], vectors, assigned, outside=0.0)


@pytest.fixture(scope="module")
def moved(dense):
    """Experts whose weights were moved, each another way."""
    from everygrain.encode.experts.feed_forward import changed

    fresh = TransformerExperts(dense, routing(), centroids(), LAYERS, {})
    weights = changed(fresh._routed[0].model, min(LAYERS))
    chance = np.random.default_rng(0)
    for name, array in weights.items():
        if ".experts." in name:
            array += 0.2 * chance.standard_normal(array.shape).astype(np.float32)
    return TransformerExperts(dense, routing(), centroids(), LAYERS, weights)


def with_expert(dense, experts, place):
    """The dense model with one expert's blocks put where its own were: no routing at all."""
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(dense.folder, device="cpu").eval()
    for number in LAYERS:
        layer = model[0].auto_model.encoder.layer[number]
        for part in ("intermediate", "output"):
            prefix = f"{number}.output.experts.{place}.{part}."
            own = {
                name.removeprefix(prefix): torch.from_numpy(array)
                for name, array in experts.weights.items()
                if name.startswith(prefix)
            }
            getattr(layer, part).load_state_dict(own)
    return model


def test_untrained_experts_are_the_dense_model_to_the_last_bit(dense):
    fresh = TransformerExperts(dense, routing(), centroids(), LAYERS, {})
    texts = TEXTS + ANIMALS + PLACES
    for kind in ("document", "query"):
        assert fresh.encode(texts, kind).tobytes() == dense.encode(texts, kind).tobytes()
    assert fresh.encode_in(texts, "places").tobytes() == dense.encode(texts).tobytes()


def test_a_text_passes_through_the_blocks_of_its_domain_in_every_layer(dense, moved):
    told = [text for text in TEXTS if text]
    assert moved.domains(["cat runs", "a house", "xyz"]) == ["animals", "places", None]
    for place, domain in enumerate(moved.names):
        wanted = with_expert(dense, moved, place).encode(told)
        assert np.allclose(moved.encode_in(told, domain), wanted, atol=1e-5)
        assert not np.allclose(wanted, dense.encode(told), atol=1e-2)
    read = moved.domains(told)
    each = [moved.encode_in([text], name)[0] for text, name in zip(told, read, strict=True)]
    assert np.allclose(moved.encode(told), each, atol=1e-6)


def test_a_text_of_no_domain_passes_through_the_dense_blocks(dense, moved):
    assert moved.encode(["fish bird"]).tobytes() == dense.encode(["fish bird"]).tobytes()
    assert moved.encode_in(TEXTS, None).tobytes() == dense.encode(TEXTS).tobytes()


def test_a_text_has_the_same_bits_alone_and_among_others(moved):
    texts = TEXTS + ANIMALS + PLACES
    together = moved.encode(texts)
    alone = np.array([moved.encode([text])[0] for text in texts])
    assert together.tobytes() == alone.tobytes()


def test_each_text_of_a_mixed_batch_passes_through_its_own_expert(moved):
    inner, switch, _ = moved._routed
    block = inner.model[0].auto_model.encoder.layer[1].output
    hidden = torch.randn(4, 3, 16, generator=torch.Generator().manual_seed(0))
    switch.places = torch.tensor([1, 0, -1, 1])
    with torch.no_grad():
        found = block(hidden, hidden)
        wanted = [block.experts[1], block.experts[0], block.dense, block.experts[1]]
        each = torch.stack([expert(row) for expert, row in zip(wanted, hidden, strict=True)])
    assert torch.allclose(found, each, atol=1e-6)


def test_a_saved_model_comes_back_to_the_last_bit(moved, tmp_path):
    moved.save(tmp_path)
    again = TransformerExperts.load(tmp_path, json.loads((tmp_path / "encoder.json").read_text()))
    assert again.fingerprint == moved.fingerprint
    assert again.encode(TEXTS).tobytes() == moved.encode(TEXTS).tobytes()
    assert registry.load(tmp_path).fingerprint == moved.fingerprint
    (tmp_path / "experts.safetensors").write_bytes(b"damaged")
    with pytest.raises(ModelError, match="reencode"):
        registry.load(tmp_path)


def test_layers_and_weights_that_do_not_fit_are_refused(dense, moved):
    with pytest.raises(InputError, match="no layer 3 among 3"):
        TransformerExperts(dense, routing(), centroids(), (3,), {}).encode(["cat"])
    lacking = {name: array for name, array in moved.weights.items() if ".experts.1" not in name}
    with pytest.raises(ModelError, match="do not fit the model"):
        TransformerExperts(dense, routing(), centroids(), LAYERS, lacking).encode(["cat"])
    with pytest.raises(InputError, match="no expert for the domain 'plants'"):
        moved.encode_in(["cat"], "plants")
