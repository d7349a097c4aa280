"""Poolings over hidden states: against loops, from the mean on, and through a saved folder."""

import json

import numpy as np
import pytest

from everygrain.encode.pooling import POOLINGS, open_model, with_pooling
from everygrain.encode.transformer import Transformer, minilm_folder
from everygrain.errors import InputError, ModelError

torch = pytest.importorskip("torch")

TEXTS = ["an index of text", "trees", "a much longer text about graphs and what they are good for"]


@pytest.fixture(scope="module")
def minilm():
    return open_model(minilm_folder())


def states_of(model, text):
    """Return (layers + 1, tokens, d) states of one text alone, without padding."""
    inner = model[0].auto_model
    features = model.tokenizer([text], return_tensors="pt")
    with torch.inference_mode():
        found = inner.eval()(**features, output_hidden_states=True)
    return torch.stack(found.hidden_states)[:, 0].numpy().astype(np.float64)


def stirred(module):
    """Give a trainable pooling weights that differ from its start."""
    torch.manual_seed(0)
    with torch.no_grad():
        for weight in module.parameters():
            weight.add_(0.3 * torch.randn_like(weight))
    return module


def plain(module):
    return {name: weight.detach().numpy().astype(np.float64)
            for name, weight in module.named_parameters()}  # fmt: skip


def attention_in_loops(rows, values, weights, heads):
    """Return the values of each head, weighted by the softmax of keys times query."""
    part = rows.shape[1] // heads
    keys = rows @ weights["key.weight"].T + weights["key.bias"]
    values = values @ weights["value.weight"].T + weights["value.bias"]
    found = []
    for head in range(heads):
        own = slice(head * part, (head + 1) * part)
        likeness = [key[own] @ weights["query"][head] / part**0.5 for key in keys]
        shares = np.exp(likeness) / np.exp(likeness).sum()
        found.append(sum(s * v[own] for s, v in zip(shares, values, strict=True)))
    return np.concatenate(found) @ weights["out.weight"].T + weights["out.bias"]


def test_tokens_equal_attention_written_out_in_loops_for_each_text_alone(minilm):
    model = with_pooling(minilm, "tokens")
    weights = plain(stirred(model[1]))
    found = model.encode(TEXTS)
    for text, vector in zip(TEXTS, found, strict=True):
        last = states_of(minilm, text)[-1]
        expected = last.mean(0) + attention_in_loops(last, last, weights, 4)
        assert np.allclose(vector, expected / np.linalg.norm(expected), atol=1e-4)


def test_layers_equal_cross_attention_written_out_in_loops_for_each_text_alone(minilm):
    model = with_pooling(minilm, "layers")
    weights = plain(stirred(model[1]))
    found = model.encode(TEXTS)
    for text, vector in zip(TEXTS, found, strict=True):
        means = states_of(minilm, text).mean(axis=1)
        centred = means - means.mean(1, keepdims=True)
        normed = centred / np.sqrt((centred**2).mean(1, keepdims=True) + 1e-5)
        rows = normed * weights["norm.weight"] + weights["norm.bias"] + weights["places"]
        expected = means[-1] + attention_in_loops(rows, rows, weights, 4)
        assert np.allclose(vector, expected / np.linalg.norm(expected), atol=1e-4)


def test_trainable_poolings_start_at_the_mean_and_last_is_the_last_token(minilm):
    expected = minilm.encode(TEXTS, normalize_embeddings=True)
    for pooling in ("mean", "tokens", "layers"):
        assert np.allclose(with_pooling(minilm, pooling).encode(TEXTS), expected, atol=1e-5)
    last = with_pooling(minilm, "last").encode(TEXTS)
    for text, vector in zip(TEXTS, last, strict=True):
        state = states_of(minilm, text)[-1, -1]
        assert np.allclose(vector, state / np.linalg.norm(state), atol=1e-4)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_a_saved_model_comes_back_with_its_pooling_and_its_bits(minilm, tmp_path, pooling):
    model = with_pooling(minilm, pooling)
    stirred(model[1])
    encoder = Transformer.of(model, tmp_path / "model")
    found = encoder.encode(TEXTS)
    assert np.allclose(found, model.encode(TEXTS), atol=1e-5)
    assert encoder.encode(TEXTS[1:]).tobytes() == found[1:].tobytes()
    assert Transformer(str(tmp_path / "model")).fingerprint == encoder.fingerprint


def test_every_weight_of_a_trained_pooling_has_a_gradient(minilm):
    for pooling in ("tokens", "layers"):
        model = with_pooling(minilm, pooling)
        stirred(model[1])
        features = model.tokenizer(TEXTS, padding=True, return_tensors="pt")
        model(dict(features))["sentence_embedding"][:, 0].sum().backward()
        for name, weight in model[1].named_parameters():
            assert weight.grad is not None, name
            if name != "key.bias":  # the same for all keys, so no softmax sees it
                assert weight.grad.abs().max() > 0, name


def test_a_folder_that_asks_for_code_of_others_is_refused(minilm, tmp_path):
    with_pooling(minilm, "mean").save(str(tmp_path / "model"))
    path = tmp_path / "model" / "modules.json"
    told = json.loads(path.read_text())
    told[1]["type"] = "elsewhere.Evil"
    path.write_text(json.dumps(told))
    with pytest.raises(ModelError, match=r"elsewhere\.Evil") as caught:
        open_model(tmp_path / "model")
    assert caught.value.remedy
    with pytest.raises(ModelError, match="cannot be loaded"):
        open_model(tmp_path / "nowhere")


def test_an_unknown_pooling_names_those_there_are(minilm):
    with pytest.raises(InputError, match="'median'") as caught:
        with_pooling(minilm, "median")
    assert "layers" in caught.value.remedy
