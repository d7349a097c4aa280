"""Held-out questions: nothing of their documents trains, and no document holds its own question."""

from everygrain.document import Document
from everygrain.learn.held_out import divide, questions
from everygrain.learn.pairs import parse_source
from everygrain.rank.weigh import is_reserved

SENTENCES = ["Rivers carry {i} boats north.", "Old bridges of {i} fall in spring.",
             "Nobody counts the {i} salmon there."]  # fmt: skip
DOCUMENTS = [
    Document(f"d{i}", " ".join(s.format(i=f"place{i}") for s in SENTENCES), f"Rivers of place{i}")
    for i in range(200)
]


def test_a_quarter_chosen_by_id_never_trains():
    learned, kept = divide(DOCUMENTS)
    assert {d.id for d in kept} == {d.id for d in DOCUMENTS if is_reserved(d.id)}
    assert not {d.id for d in kept} & {d.id for d in learned}
    assert 25 < len(kept) < 75
    assert divide(DOCUMENTS[::-1])[1] == kept[::-1]


def test_a_copy_of_a_tested_document_never_trains():
    _, kept = divide(DOCUMENTS)
    copies = [Document(f"copy{i}", d.text, d.title) for i, d in enumerate(kept)]
    learned, _ = divide([*DOCUMENTS, *copies])
    assert not {d.text for d in kept} & {d.text for d in learned}


def test_a_document_loses_exactly_what_it_is_asked_by():
    learned, kept = divide(DOCUMENTS)
    for name in ("cloze", "title"):
        asked = questions(parse_source(name), kept, learned, queries=1000, documents=1000)
        shown = {document.id: document for document in asked.documents}
        original = {document.id: document for document in DOCUMENTS}
        assert set(shown) == set(original)
        assert len(asked.queries) == len(kept)
        for query, text in asked.queries.items():
            (identity,) = asked.judgements[query]
            assert asked.asked_by[query] == identity
            document, before = shown[identity], original[identity]
            assert text not in f"{document.title} {document.text}"
            if name == "cloze":
                assert document.text.split() == before.text.replace(text, " ").split()
                assert document.title == before.title
            else:
                assert (document.title, document.text) == ("", before.text)
        for document in learned:
            assert shown[document.id] == document


def test_limits_keep_what_answers():
    learned, kept = divide(DOCUMENTS)
    asked = questions(parse_source("cloze"), kept, learned, queries=10, documents=30)
    assert len(asked.queries) == 10
    assert len(asked.documents) == 30
    answers = {d for grades in asked.judgements.values() for d in grades}
    assert answers <= {document.id for document in asked.documents}


def test_links_ask_one_document_for_another():
    citing = [
        Document(d.id, d.text, d.title, {"references": [f"d{(i + 1) % 200}"]})
        for i, d in enumerate(DOCUMENTS)
    ]
    learned, kept = divide(citing)
    asked = questions(parse_source("links"), kept, learned, queries=1000, documents=1000)
    assert len(asked.queries) == len(kept)
    for query, grades in asked.judgements.items():
        source = int(asked.asked_by[query][1:])
        assert grades == {f"d{(source + 1) % 200}": 1}
    assert {document.text for document in asked.documents} == {d.text for d in citing}
