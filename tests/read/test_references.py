import gzip
import json

import pytest

from everygrain.document import Document

ENTRY = "@article{%s,\n  title = {Title %s},\n  abstract = {Text.},\n  year = 2020\n}\n\n"


def test_a_bibtex_entry_that_is_never_closed_costs_itself_alone(reading):
    source = ENTRY % ("a", "a") + "@book{b,\n  title = {open,\n  year = 1\n\n" + ENTRY % ("c", "c")
    documents, (reject,) = reading("a.bib", source)
    assert [document.id for document in documents] == ["a", "c"]
    assert reject.line_or_record == 7
    assert "Not a BibTeX entry" in reject.reason
    assert reject.raw.startswith("@book{b")


@pytest.mark.parametrize(
    "entry", ["@article{,title={x}}", "@article{a b, title={x}}", "@article{k, title=undefined}"]
)
def test_a_bibtex_entry_without_sense_is_rejected(reading, entry):
    documents, rejects = reading("a.bib", ENTRY % ("a", "a") + entry + "\n" + ENTRY % ("c", "c"))
    assert [document.id for document in documents] == ["a", "c"]
    assert [reject.line_or_record for reject in rejects] == [7]


def test_a_truncated_bibtex_gzip_gives_the_entries_before(reading):
    keys = [str(i * 7919 % 10007) for i in range(300)]
    packed = gzip.compress("".join(ENTRY % (key, key) for key in keys).encode())
    documents, rejects = reading("a.bib.gz", packed[:-20])
    assert [document.id for document in documents] == keys[: len(documents)]
    assert "truncated" in rejects[-1].reason


def test_bibtex_fields_become_a_document(reading):
    source = (
        '% a comment\n@string{jmlr = "Journal of ML"}\n@Article(noise)\n'
        "@comment{ignored}\n"
        '@article{goedel:31,\n title = {{\\"U}ber {F}ormal},\n author="G{\\"o}del, K.",\n'
        " journal=jmlr, url={http://x.y/a_b},\n abstract={We $x_{1}$.\n  More.}, year=1931}\n"
        "@odd{no-abstract, title={T}}\n"
    )
    documents, rejects = reading("a.bib", source)
    assert documents == [
        Document(
            "goedel:31",
            "We $x_{1}$.\nMore.",
            "Über Formal",
            {
                "type": "article",
                "author": "Gödel, K.",
                "journal": "Journal of ML",
                "url": "http://x.y/a_b",
                "year": 1931,
            },
        ),
        Document("no-abstract", "", "T", {"type": "odd"}),
    ]
    assert [reject.line_or_record for reject in rejects] == [3]


RIS = (
    "TY  - JOUR\r\nID  - r1\r\nTI  - A title\r\nAU  - One, A.\r\nAU  - Two, B.\r\n"
    "AB  - Text.\r\nPY  - 2001\r\nER  - \r\n"
)


def test_a_ris_record_without_an_end_or_an_id_is_rejected(reading):
    source = "TY  - JOUR\r\nTI  - open\r\n" + RIS + "TY  - JOUR\r\nTI  - x\r\nER  - \r\n"
    documents, rejects = reading("a.ris", source)
    assert [document.id for document in documents] == ["r1"]
    assert [reject.line_or_record for reject in rejects] == [1, 11]
    assert "ER  -" in rejects[0].reason
    assert "no id" in rejects[1].reason


def test_ris_tags_become_a_document(reading):
    (document,), rejects = reading("a.ris", RIS)
    assert document.text == "Text."
    assert document.title == "A title"
    assert document.metadata["authors"] == ["One, A.", "Two, B."]
    assert document.metadata["year"] == 2001
    assert rejects == []


def test_a_ris_record_without_id_is_named_by_its_doi(reading):
    (document,), _ = reading(
        "a.ris", "TY  - X\nT1  - T\nN2  - Abs.\nDO  - 10.1/x\nZZ  - q\nER  -\n"
    )
    assert (document.id, document.title, document.text) == ("10.1/x", "T", "Abs.")
    assert document.metadata["ZZ"] == ["q"]


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        (', {"id": }]', "not read"),
        (", 5]", "int, not an object"),
        (', {"title": "x"}]', "no id"),
        (', {"id": "b", "x": NaN}]', "NaN"),
        (', {"id": "b", "note": "\\ud800"}]', "surrogate"),
        ("", "no ']'"),
        ("] x", "after the array"),
    ],
)
def test_a_break_in_an_array_is_rejected_after_what_came_before(reading, rest, said):
    documents, rejects = reading("a.json", '[{"id": "a", "title": "A"}' + rest)
    assert documents == [Document("a", "", "A")]
    assert said in " ".join(reject.reason for reject in rejects)


def test_a_truncated_array_in_gzip_gives_the_records_before(reading):
    records = [{"id": str(i), "title": f"Ü {i * 7919}"} for i in range(5000)]
    packed = gzip.compress(json.dumps(records, ensure_ascii=False).encode())
    documents, (reject,) = reading("a.json.gz", packed[: len(packed) // 2])
    assert [document.id for document in documents] == [str(i) for i in range(len(documents))]
    assert len(documents) > 100
    assert "truncated" in reject.reason


def test_csl_json_is_read(reading):
    item = {"id": "x", "type": "book", "title": "T", "abstract": "A.", "author": [{"family": "F"}]}
    documents, rejects = reading("a.json", json.dumps([item, {"id": 2, "type": "b"}], indent=2))
    assert documents == [
        Document("x", "A.", "T", {"type": "book", "author": [{"family": "F"}]}),
        Document("2", "", "", {"type": "b"}),
    ]
    assert rejects == []


def test_one_object_over_several_lines_is_read(reading):
    documents, _ = reading("a.json", json.dumps({"id": "a", "text": "t"}, indent=2))
    assert documents == [Document("a", "t")]


def test_an_empty_array_has_no_records(reading):
    assert "no records" in reading("a.json", " [ ] ")[1][0].reason
