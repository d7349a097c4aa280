"""Eight documents whose worth stands in their text, and a model that knows it."""

import pytest

from everygrain.document import Document, Ranking
from everygrain.endpoint import Endpoint

from .judge import Judge, by_worth


@pytest.fixture(autouse=True)
def nothing_from_outside(monkeypatch):
    for name in ("EVERYGRAIN_API_KEY", "EVERYGRAIN_OFFLINE"):
        monkeypatch.setenv(name, "")


def worth(text):
    return int(text.split("worth ")[1].split()[0])


@pytest.fixture
def judge():
    with Judge(by_worth(worth)) as running:
        yield running


@pytest.fixture
def endpoint(judge):
    return Endpoint(judge.url, "m", retries=0, timeout=5, sleep=lambda _: None)


class Shelf:
    """Documents d0, d1, ... of given worths, as a retriever ranked them."""

    def __init__(self, worths, queries=("q",)):
        self.documents = {
            f"d{i}": Document(f"d{i}", f"a text worth {value} pence")
            for i, value in enumerate(worths)
        }
        self.queries = {query: f"what is {query}" for query in queries}
        rows = [
            (query, document, float(len(worths) - i))
            for query in queries
            for i, document in enumerate(self.documents)
        ]
        self.ranking = Ranking.of(list(queries), rows)

    def fetch(self, ids):
        return {
            identity: self.documents[identity] for identity in ids if identity in self.documents
        }

    def order(self, ranking, query="q"):
        return [int(document[1:]) for document, _ in ranking.by_query()[query]]


@pytest.fixture
def shelf():
    return Shelf
