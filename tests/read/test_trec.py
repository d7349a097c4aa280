import pytest

from everygrain.document import Document

GOOD = "<DOC>\n<DOCNO> good </DOCNO>\n<TEXT>\nkept\n</TEXT>\n</DOC>\n"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("<DOC>\n<TEXT>x</TEXT>\n</DOC>\n", "no id"),
        ("<DOC>\n<DOCNO>open</DOCNO>\n", "no </DOC>"),
        ("outside\n", "outside"),
    ],
)
def test_a_broken_document_is_rejected_and_the_rest_goes_on(reading, source, said):
    documents, (reject,) = reading("a.trec", GOOD + source + GOOD)
    assert documents == [Document("good", "kept")] * 2
    assert reject.line_or_record == 7
    assert said in reject.reason


def test_a_document_cut_off_at_the_end_is_rejected(reading):
    documents, (reject,) = reading("a.trec", GOOD + "<DOC>\n<DOCNO>x</DOCNO>")
    assert len(documents) == 1
    assert "no </DOC>" in reject.reason


def test_latin_1_is_rejected_with_its_offset(reading):
    start = (GOOD + "<DOC><DOCNO>x</DOCNO>caf").encode()
    documents, (reject,) = reading("a.trec", start + b"\xe9</DOC>")
    assert len(documents) == 1
    assert f"byte offset {len(start)}" in reject.reason


def test_many_tags_that_are_never_closed_are_dropped(reading):
    (document,), _ = reading("a.trec", "<DOC><DOCNO>x</DOCNO>" + "<P>\npar " * 20_000 + "</DOC>")
    assert "<P>" not in document.text
    assert document.text.count("par") == 20_000


def test_elements_become_title_text_and_metadata(reading):
    source = (
        "<DOC>\n<DOCNO>FT911-3</DOCNO>\n<DATE>910514</DATE>\n<HEADLINE>\nA\nhead\n</HEADLINE>\n"
        "<TEXT>\n<P>\nAT&amp;T one.\n</P>\n</TEXT>\n<TEXT>two</TEXT>\n</DOC>"
        "<doc><docno>b</docno>all <i>of</i> it</doc>\n"
    )
    documents, rejects = reading("collection", source)
    assert documents == [
        Document("FT911-3", "AT&T one.\n\ntwo", "A head", {"date": "910514"}),
        Document("b", "all of it"),
    ]
    assert rejects == []
