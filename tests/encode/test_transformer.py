"""The transformer gives what sentence-transformers gives, in any batch, to the last bit."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from everygrain.encode import registry
from everygrain.encode.transformer import Transformer, minilm_folder
from everygrain.errors import ModelError

TEXTS = [
    "how to index a collection of text",
    "a",
    "The index is right after every change, and a reader sees one generation whole.",
    "Ein Satz auf Deutsch mit ß.",
    "tree " * 60,
    "数据库",
    "a short text",
    "graph " * 400,
]


@pytest.fixture(scope="module")
def minilm():
    return Transformer("minilm")


@pytest.fixture(scope="module")
def together(minilm):
    return minilm.encode(TEXTS)


def test_vectors_are_those_of_sentence_transformers(minilm, together):
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(minilm_folder()), device="cpu")
    expected = model.encode(TEXTS, normalize_embeddings=True)
    assert together.dtype == np.float32
    assert together.shape == (len(TEXTS), minilm.dimensions) == expected.shape
    assert np.abs(together - expected).max() < 1e-5


def test_a_text_has_the_same_bits_in_any_batch(minilm, together):
    generator = np.random.default_rng(0)
    for size in (1, 3, len(TEXTS)):
        chosen = generator.permutation(len(TEXTS))[:size]
        again = minilm.encode([TEXTS[i] for i in chosen])
        assert again.tobytes() == together[chosen].tobytes()
    crowd = [f"text number {i}" for i in range(40)]
    again = minilm.encode([*crowd[:17], TEXTS[0], *crowd[17:], TEXTS[6]])
    assert again[17].tobytes() == together[0].tobytes()
    assert again[-1].tobytes() == together[6].tobytes()


def test_a_query_has_the_same_bits_in_any_batch_and_is_near_to_the_text(minilm, together):
    queries = [TEXTS[i] for i in (0, 1, 6)]
    found = minilm.encode(queries, "query")
    for query, vector in zip(queries, found, strict=True):
        assert minilm.encode([query], "query")[0].tobytes() == vector.tobytes()
    assert np.abs(found - together[[0, 1, 6]]).max() < 1e-5


def test_an_empty_text_is_a_zero_row(minilm):
    found = minilm.encode(["", "a", " \n"])
    assert not found[[0, 2]].any()
    assert np.linalg.norm(found[1]) == pytest.approx(1, abs=1e-6)
    assert minilm.encode([]).shape == (0, 384)
    assert not minilm.encode([""]).any()


def test_meaning_brings_texts_together(minilm):
    cat, kitten, tax = minilm.encode(["a cat", "a young kitten", "income tax law"])
    assert cat @ kitten > cat @ tax + 0.2


def copy_or_link(source, target):
    """Copy what a test may change; the weights, 90 MB, are linked."""
    if source.endswith((".json", ".txt")):
        return shutil.copy(source, target)
    Path(target).symlink_to(source)
    return target


@pytest.fixture
def copied(tmp_path):
    folder = tmp_path / "model"
    return Path(shutil.copytree(minilm_folder(), folder, copy_function=copy_or_link))


def test_the_fingerprint_follows_the_files(copied):
    before = Transformer(str(copied)).fingerprint
    assert Transformer(str(copied)).fingerprint == before
    assert before.split("-")[-1] == Transformer("minilm").fingerprint.split("-")[-1]
    (copied / "README.md").write_text("other words")
    assert Transformer(str(copied)).fingerprint == before
    pooling = next(copied.glob("*ooling*/config.json"))
    described = json.loads(pooling.read_text())
    pooling.write_text(json.dumps(described | {"pooling_mode_cls_token": True}))
    assert Transformer(str(copied)).fingerprint != before


def test_a_folder_is_encoded_with_its_own_prompts(copied, minilm):
    path = copied / "config_sentence_transformers.json"
    described = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(described | {"prompts": {"query": "query: ", "document": ""}}))
    prompted = Transformer(f"{copied}")
    text = "what an index is"
    assert np.allclose(prompted.encode([text], "query"), minilm.encode([f"query: {text}"]),
                       atol=1e-5)  # fmt: skip
    assert np.allclose(prompted.encode([text]), minilm.encode([text]), atol=1e-5)


@pytest.mark.parametrize("name", ["document", "passage"])
def test_a_document_has_the_prompt_that_encode_document_gives_it(copied, name):
    path = copied / "config_sentence_transformers.json"
    described = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(described | {"prompts": {"query": "q: ", name: "about: "}}))
    from sentence_transformers import SentenceTransformer

    text = "what an index is"
    expected = SentenceTransformer(str(copied), device="cpu").encode_document([text])
    assert np.allclose(Transformer(str(copied)).encode([text]), expected, atol=1e-5)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_model_in_memory_without_a_transformer_within_is_an_encoder_too(tmp_path):
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import StaticEmbedding
    from tokenizers import Tokenizer

    words = Tokenizer.from_file(str(minilm_folder() / "tokenizer.json"))
    model = SentenceTransformer(modules=[StaticEmbedding(words, embedding_dim=8)], device="cpu")
    encoder = Transformer.of(model, tmp_path / "kept")
    found = encoder.encode([*TEXTS, " "])
    expected = model.encode(TEXTS, normalize_embeddings=True)
    assert encoder.dimensions == 8
    assert np.abs(found[:-1] - expected).max() < 1e-5
    assert not found[-1].any()
    assert encoder.encode(TEXTS[2:4])[1].tobytes() == found[3].tobytes()
    encoder.save(tmp_path)
    assert registry.load(tmp_path).fingerprint == encoder.fingerprint


def test_a_missing_folder_is_an_error_with_a_remedy(tmp_path):
    for use in (lambda t: t.encode(["a"]), lambda t: t.fingerprint, lambda t: t.dimensions):
        with pytest.raises(ModelError, match="nowhere' cannot be loaded") as caught:
            use(Transformer(str(tmp_path / "nowhere")))
        assert "folder" in caught.value.remedy


def test_a_folder_that_lacks_the_weights_is_an_error_with_a_remedy(copied):
    for path in copied.rglob("*.safetensors"):
        path.unlink()
    for path in copied.rglob("*.bin"):
        path.unlink()
    with pytest.raises(ModelError, match="cannot be loaded") as caught:
        Transformer(str(copied)).encode(["a"])
    assert caught.value.remedy


def test_a_saved_encoder_comes_back_with_the_same_fingerprint(tmp_path, minilm):
    minilm.save(tmp_path)
    loaded = registry.load(tmp_path)
    assert loaded.fingerprint == minilm.fingerprint
    assert loaded.dimensions == 384
