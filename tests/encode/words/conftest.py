"""A tiny transformer and a word encoder on it, unlearned, for the tests of this folder."""

import numpy as np
import pytest

from everygrain.analyze import Analyzer
from everygrain.encode.transformer import Transformer
from everygrain.encode.words.whole import Gate, WholeWords
from tests.encode.tiny_transformer import write_tiny_transformer


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    return Transformer(str(write_tiny_transformer(tmp_path_factory.mktemp("words"))))


@pytest.fixture(scope="session")
def whole(tiny):
    generator = np.random.default_rng(0)
    return WholeWords(
        tiny,
        Analyzer(),
        generator.normal(size=(16, 4)).astype(np.float32) / 6,
        generator.normal(size=4).astype(np.float32) / 6,
        Gate(np.zeros(16, dtype=np.float32)),
    )
