import pytest

from everygrain.read.formats import format_of, stem_of


@pytest.mark.parametrize(
    ("name", "head", "format"),
    [
        ("a.PDF", b"", "pdf"),
        ("a.csv.gz", b"", "csv"),
        ("a.json", b' [{"id": 1}]', "csl"),
        ("a.json", b'{"id": 1}\n{"id": 2}\n', "jsonl"),
        ("a.json", b'{"id": 1, "text": "a line without end', "jsonl"),
        ("a.json", b'{\n "id": 1}', "csl"),
        ("a.json", b'{"id": 1,\n "text": 2}', "csl"),
        ("a.json", b"broken", "jsonl"),
        ("-", b"%PDF-1.7", "pdf"),
        ("-", b"PAR1", "parquet"),
        ("-", b"\xef\xbb\xbf\n<!DOCTYPE html>", "html"),
        ("-", b"<DOC>\n", "trec"),
        ("-", b"TY  - JOUR", "ris"),
        ("-", b"@article{x,", "bibtex"),
        ("README", "naïve"[:3].encode(), "text"),
        ("README", "naï".encode()[:3], "text"),
        ("README", b"\xff\xfe", None),
        ("-", b"id,title,text\n1,a,b\n", "csv"),
        ("-", b'\xef\xbb\xbf"DocNo"\t"Body"\r\n1\tb', "tsv"),
        ("-", b"id,name\n1,a\n", "text"),
        ("-", b"An id, a title, and a text: three fields.", "text"),
        ("rows.xyz", b"id,title,text\n", None),
        ("a.xyz", b"words", None),
    ],
)
def test_the_ending_tells_the_format_and_else_the_first_bytes(name, head, format):
    assert format_of(name, head) == format


def test_a_stem_has_no_ending():
    assert [stem_of(name) for name in ("a.b.txt", "a.txt.gz", "README", ".x")] == [
        "a.b", "a", "README", ".x",
    ]  # fmt: skip
