"""The glossary: one entry for one term, and links at exact places."""

import json
from itertools import pairwise

import pytest

from everygrain import Document
from everygrain.errors import InputError
from everygrain_papers.functions.glossary import Glossary, key

DOCUMENTS = [
    Document("1", "We use a bee colony network (BCN). Bee dancing is a language that tells much."),
    Document("2", "Bee colony networks (BCNs) are seen. We count by a brood cell number (BCN)."),
    Document("3", "We present HiveEye, a camera that learns bee-dancing by a bee colony network."),
]  # fmt: skip


def test_spellings_of_one_term_are_one_and_other_cases_are_another():
    assert key("Bee-Colony Networks") == key("bee colony network")
    assert key("BCNs") == key("BCN") != key("bcn")
    assert key("analysis") == ("analysis",)


def test_an_abbreviation_lists_its_long_forms_with_their_counts():
    entry = Glossary.of(DOCUMENTS).get("BCNs")
    assert entry is not None
    assert entry.ambiguous
    assert list(entry.long_forms.items()) == [
        (key("bee colony network"), 2),
        (key("brood cell number"), 1),
    ]
    long = Glossary.of(DOCUMENTS).get("bee colony networks")
    assert long is not None
    assert dict(long.short_forms) == {("BCN",): 2}
    assert [each.text for each in entry.meanings] == ["bee colony network", "brood cell number"]


def test_a_definition_links_to_the_terms_that_it_uses():
    entry = Glossary.of(DOCUMENTS).get("HiveEye")
    assert entry is not None
    assert entry.see == (key("bee dancing"), key("bee colony network"))


def test_links_are_the_longest_terms_at_exact_places_and_never_overlap():
    glossary = Glossary.of(DOCUMENTS)
    text = "A BCN is no bcn; Bee-dancing and bee colony\nnetworks of HiveEye. Bee. Dancing."
    document = Document("9", text)
    links = glossary.links(document)
    assert [link.span.of(document) for link in links] == [
        "BCN", "Bee-dancing", "bee colony\nnetworks", "HiveEye",
    ]  # fmt: skip
    assert [link.key for link in links] == [key(link.span.of(document)) for link in links]
    assert all(a.span.end <= b.span.start for a, b in pairwise(links))


def test_the_order_of_the_documents_changes_no_key_and_no_count():
    one, other = Glossary.of(DOCUMENTS), Glossary.of(DOCUMENTS[::-1])
    assert list(one.entries) == list(other.entries)
    assert [e.long_forms for e in one.entries.values()] == [
        e.long_forms for e in other.entries.values()
    ]


def test_a_saved_glossary_holds_offsets_that_give_back_the_text(tmp_path):
    Glossary.of(DOCUMENTS).save(tmp_path / "glossary.jsonl")
    texts = {document.id: document.text for document in DOCUMENTS}
    lines = (tmp_path / "glossary.jsonl").read_text(encoding="utf-8").splitlines()
    meanings = [meaning for line in lines for meaning in json.loads(line)["meanings"]]
    assert meanings
    for meaning in meanings:
        assert texts[meaning["document"]][slice(*meaning["definition"])] == meaning["text"]
    with pytest.raises(InputError, match="cannot be written"):
        Glossary.of(DOCUMENTS).save(tmp_path / "none" / "glossary.jsonl")
