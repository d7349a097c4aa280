"""XML from outside gives elements, or an error, and never more."""

from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everygrain.errors import InputError
from everygrain_papers.sources.safe_xml import DEEPEST, elements, text_of


def items(*pieces):
    return list(elements(pieces, lambda tag: tag == "item"))


LAUGHS = (
    b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><x><item>&b;</item></x>'
)
FILE = b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><x><item>&f;</item></x>'


@pytest.mark.parametrize("document", [LAUGHS, FILE])
def test_entities_are_refused(document):
    with pytest.raises(InputError, match="declares an entity"):
        items(document)


def test_a_document_type_without_entities_is_read():
    document = b'<!DOCTYPE S PUBLIC "-//NLM//x" "https://dtd.example/x.dtd"><S><item>a</item></S>'
    assert [text_of(each) for each in items(document)] == ["a"]


def test_depth_is_bounded():
    assert items(b"<x>" * DEEPEST + b"</x>" * DEEPEST) == []
    with pytest.raises(InputError, match="levels"):
        items(b"<item>" * 100_000)


def test_what_comes_before_a_break_is_given():
    found = []
    going = elements([b"<x><item>a</item><item>b</item><ite"], lambda tag: tag == "item")
    with pytest.raises(InputError, match=r"cut off.*line 1"):
        found.extend(going)
    assert [text_of(each) for each in found] == ["a", "b"]


def test_wide_characters_are_read_by_their_mark():
    document = '<?xml version="1.0" encoding="UTF-16"?><x><item>é\u0141</item></x>'.encode("utf-16")
    assert text_of(items(document)[0]) == "é\u0141"


@given(st.lists(st.integers(1, 200), max_size=8), st.text(alphabet="a<&é \n\t]>", max_size=30))
def test_elements_equal_those_of_the_standard_library_however_the_bytes_are_cut(cuts, text):
    root = ElementTree.Element("{urn:x}root")
    for number in range(3):
        item = ElementTree.SubElement(root, "{urn:x}item", {"n": str(number), "{urn:y}z": text})
        item.text = text
        ElementTree.SubElement(item, "inner").tail = text
    document = ElementTree.tostring(root)
    places = sorted({min(cut, len(document)) for cut in cuts} | {0, len(document)})
    pieces = [document[a:b] for a, b in pairwise(places)]
    found = items(*pieces)
    expected = ElementTree.fromstring(document)
    assert [ElementTree.tostring(each) for each in found] == [
        ElementTree.tostring(each) for each in expected
    ]
