"""A small index with titles, a retriever whose results are written down, and a language model."""

from dataclasses import dataclass

import pytest

from everygrain.document import Document, Ranking
from everygrain.endpoint import Endpoint
from everygrain.engine import Index
from everygrain.rank.base import Composable, named

from ..llm.judge import Judge

DOCUMENTS = [
    Document("d1", "apple banana banana", "fruit salad"),
    Document("d2", "apple cherry", "a pie"),
    Document("d3", "banana durian", "smell of fruit"),
    Document("d4", "engine wheel", "cars"),
]


@pytest.fixture(autouse=True)
def nothing_from_outside(monkeypatch):
    for name in ("EVERYGRAIN_API_KEY", "EVERYGRAIN_OFFLINE"):
        monkeypatch.setenv(name, "")


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    with Index(tmp_path_factory.mktemp("expand") / "index", encoder="none", language="en") as made:
        made.add(DOCUMENTS)
        yield made


@pytest.fixture
def lexical(index):
    return index.retriever("lexical")


@dataclass(frozen=True, eq=False)
class Found(Composable):
    """Finds the same documents, with the same scores, for every query."""

    rows: tuple[tuple[str, float], ...]

    def retrieve(self, queries, k=10):
        asked = named(queries)
        return Ranking.of(list(asked), [(q, d, s) for q in asked for d, s in self.rows]).cut(k)


@pytest.fixture
def model():
    with Judge(lambda prompt: "") as running:
        yield running


@pytest.fixture
def endpoint(model):
    return Endpoint(model.url, "m", retries=0, timeout=2, sleep=lambda _: None)
