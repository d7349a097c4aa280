"""The bundled collection is whole: ids resolve, grades are in range, nothing occurs twice."""

import csv
import json
from collections import Counter

import pytest

from everygrain.data import bundled
from everygrain.document import Document


def records(name):
    with open(bundled() / name, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def qrels():
    with open(bundled() / "qrels" / "test.tsv", encoding="utf-8", newline="") as lines:
        header, *rows = csv.reader(lines, delimiter="\t")
    assert header == ["query-id", "corpus-id", "score"]
    return [(query, document, int(score)) for query, document, score in rows]


def test_every_card_is_a_document_with_an_id_of_its_own():
    documents = [
        Document(r["_id"], r["text"], r["title"], r["metadata"]) for r in records("corpus.jsonl")
    ]
    assert len({document.id for document in documents}) == len(documents) == 318
    assert len({document.title for document in documents}) == 318
    assert all(document.text.strip() and document.title.strip() for document in documents)


def test_there_are_25_queries_of_different_words():
    queries = records("queries.jsonl")
    assert len({query["_id"] for query in queries}) == len(queries) == 25
    assert len({query["text"].casefold() for query in queries}) == 25
    assert all(set(query) == {"_id", "text"} for query in queries)


def test_judgements_point_at_queries_and_cards_that_exist(qrels):
    assert {query for query, _, _ in qrels} == {query["_id"] for query in records("queries.jsonl")}
    assert {document for _, document, _ in qrels} <= {r["_id"] for r in records("corpus.jsonl")}


def test_no_pair_is_judged_twice(qrels):
    assert len({(query, document) for query, document, _ in qrels}) == len(qrels)


def test_grades_are_one_to_three_and_every_query_has_a_perfect_answer(qrels):
    assert {score for _, _, score in qrels} == {1, 2, 3}
    assert {query for query, _, score in qrels if score == 3} == {query for query, _, _ in qrels}


def test_no_query_is_relevant_to_a_tenth_of_the_collection(qrels):
    judged = Counter(query for query, _, _ in qrels)
    assert max(judged.values()) < 32
    assert min(judged.values()) >= 2
