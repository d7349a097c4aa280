"""The vectors of a service are unit vectors, checked, and kept with what made them."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from everygrain.encode.base import Encoder
from everygrain.encode.endpoint import EndpointEncoder, endpoint_of
from everygrain.endpoint import Endpoint
from everygrain.errors import ModelError


@pytest.fixture
def served(monkeypatch):
    """The module of the test service, which lies with the tests of the client."""
    monkeypatch.syspath_prepend(Path(__file__).resolve().parent.parent)
    for name in ("EVERYGRAIN_API_KEY", "EVERYGRAIN_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    from endpoint import server

    return server


@pytest.fixture
def service(served):
    with served.Service() as running:
        yield running


@pytest.fixture
def encoder(service):
    return EndpointEncoder.connect(f"endpoint:bge-small@{service.url}")


def sent(service):
    """Return the texts of every request but the first, which asked for the dimensions."""
    return [body["input"] for _, _, body in service.requests[1:]]


@pytest.mark.parametrize(
    ("spec", "model", "address"),
    [
        ("endpoint:bge-small@http://127.0.0.1:8080/v1", "bge-small", "http://127.0.0.1:8080/v1"),
        ("endpoint:@cf/baai/bge@https://x.org/v1/", "@cf/baai/bge", "https://x.org/v1"),
        ("m:1@http://x.org", "m:1", "http://x.org"),
    ],
)
def test_a_name_gives_model_and_address(spec, model, address):
    assert (endpoint_of(spec).model, endpoint_of(spec).address) == (model, address)


@pytest.mark.parametrize("spec", ["endpoint:", "endpoint:m", "endpoint:m@x.org", "@http://x.org"])
def test_a_name_that_is_none_is_told(spec):
    with pytest.raises(ModelError, match="endpoint:MODEL@URL"):
        EndpointEncoder.connect(spec)


def test_connecting_asks_once_for_the_dimensions(encoder, service):
    assert isinstance(encoder, Encoder)
    assert encoder.dimensions == 4
    assert len(service.requests) == 1


def test_vectors_are_those_of_the_service_scaled_to_length_1(encoder, served):
    found = encoder.encode(["a tree", "graphs"])
    for vector, text in zip(found, ["a tree", "graphs"], strict=True):
        raw = served.vector_of(text)
        length = sum(x * x for x in raw) ** 0.5
        assert vector.tolist() == pytest.approx([x / length for x in raw], rel=1e-6)
    assert found.dtype == np.float32


def test_an_empty_text_gets_a_zero_row_and_is_not_sent(encoder, service):
    found = encoder.encode(["", "x", " \n", "x"])
    assert np.linalg.norm(found, axis=1).tolist() == pytest.approx([0, 1, 0, 1])
    assert sent(service) == [["x"]]
    assert encoder.encode([]).shape == (0, 4)
    assert encoder.encode([""]).tolist() == [[0, 0, 0, 0]]
    assert len(service.requests) == 2


def test_texts_are_sent_by_64_and_come_back_in_order(encoder, service, served):
    texts = ["e" * (i + 1) for i in range(130)]
    found = encoder.encode(texts)
    assert [len(batch) for batch in sent(service)] == [64, 64, 2]
    raw = np.array([served.vector_of(text) for text in texts])
    expected = raw / np.linalg.norm(raw, axis=1, keepdims=True)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_prompts_are_put_before_queries_and_documents(service):
    encoder = EndpointEncoder.connect(f"m@{service.url}", "query: ", "passage: ")
    encoder.encode(["a", ""], "query")
    encoder.encode(["b"])
    assert sent(service) == [["query: a"], ["passage: b"]]


def test_a_reply_of_another_length_is_told(encoder, service, served):
    data = [{"index": 0, "embedding": [1.0, 2.0]}]
    service.faults.append(served.answer(content={"data": data}))
    with pytest.raises(ModelError, match=r"now gives vectors of 2 dimensions, where it gave 4"):
        encoder.encode(["a"])


def test_the_fingerprint_changes_with_whatever_changes_a_vector(encoder):
    here = encoder.endpoint
    others = [
        replace(encoder, endpoint=replace(here, model="other")),
        replace(encoder, endpoint=replace(here, url="http://127.0.0.1:1/v1")),
        replace(encoder, endpoint=replace(here, url=here.url + "/v2")),
        replace(encoder, dimensions=5),
        replace(encoder, query_prompt="q"),
        replace(encoder, document_prompt="q"),
    ]
    assert len({encoder.fingerprint, *(other.fingerprint for other in others)}) == 7
    same = replace(here, url=here.url + "/", timeout=1.0, key_variable="OTHER")
    assert replace(encoder, endpoint=same).fingerprint == encoder.fingerprint
    assert encoder.fingerprint.startswith("endpoint-bge-small-4-")


def test_what_is_saved_is_loaded_without_asking_the_service(service, tmp_path):
    endpoint = Endpoint(service.url, "m", timeout=5.0, retries=2)
    encoder = EndpointEncoder.connect(endpoint, "query: ", "passage: ")
    encoder.save(tmp_path)
    described = json.loads((tmp_path / "encoder.json").read_text())
    assert described["kind"] == "endpoint"
    loaded = EndpointEncoder.load(tmp_path, described)
    assert len(service.requests) == 1
    assert loaded == encoder
    assert loaded.fingerprint == encoder.fingerprint
    assert loaded.encode(["a"]).tobytes() == encoder.encode(["a"]).tobytes()


def test_an_index_from_elsewhere_cannot_ask_for_a_variable_of_the_readers(
    encoder, service, tmp_path, monkeypatch
):
    monkeypatch.setenv("BANK_PASSWORD", "hunter2")
    encoder.save(tmp_path)
    described = json.loads((tmp_path / "encoder.json").read_text())
    loaded = EndpointEncoder.load(tmp_path, described | {"key_variable": "BANK_PASSWORD"})
    loaded.encode(["a"])
    assert "hunter2" not in str(service.requests)


@pytest.mark.parametrize("name", ["url", "model", "dimensions", "query_prompt", "retries"])
def test_a_damaged_description_is_told(encoder, tmp_path, name):
    encoder.save(tmp_path)
    described = json.loads((tmp_path / "encoder.json").read_text())
    for damage in ({name: None}, {name: []}):
        with pytest.raises(ModelError, match="damaged"):
            EndpointEncoder.load(tmp_path, described | damage)


@pytest.mark.parametrize("secret", ["user:hunter2@", ""])
def test_an_address_with_credentials_or_a_query_is_refused_before_it_is_asked(service, secret):
    url = service.url.replace("http://", f"http://{secret}") + ("" if secret else "?key=hunter2")
    with pytest.raises(ModelError, match="credentials or a query") as caught:
        EndpointEncoder.connect(f"m@{url}")
    assert "hunter2" not in str(caught.value)
    assert service.requests == []
