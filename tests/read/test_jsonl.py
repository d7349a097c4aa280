import gzip
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everygrain.document import Document
from everygrain.read import read
from everygrain.read.lines import LONGEST_LINE

GOOD = '{"id": "good", "text": "kept"}\n'


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"id": "a", "text": "t"', "Not JSON"),
        ('{"id": "a", "text": "t"} trailing', "Not JSON"),
        ('["a", "t"]', "list, not an object"),
        ("null", "not an object"),
        ('{"text": "t"}', "no id"),
        ('{"id": null, "text": "t"}', "no id"),
        ('{"id": "", "text": "t"}', "id is empty"),
        ('{"id": 1.5, "text": "t"}', "'id' is float"),
        ('{"id": true, "text": "t"}', "'id' is bool"),
        ('{"id": "a\\tb", "text": "t"}', "holds a tab"),
        ('{"id": "a"}', "no text"),
        ('{"id": "a", "text": null}', "no text"),
        ('{"id": "a", "text": ["t"]}', "'text' is list"),
        ('{"id": "a", "text": "t", "title": 3}', "'title' is int"),
        ('{"id": "a", "text": "t", "metadata": []}', "'metadata' is list"),
        ('{"id": "a", "text": "lone \\ud800"}', "lone surrogate"),
        ('{"id": "a", "text": "t", "x": {"y": ["\\uDC00"]}}', "lone surrogate"),
        ('{"id": "a", "text": "t", "x\\ud800": 1}', "lone surrogate"),
        ('{"id": "a", "text": "t", "x": NaN}', "NaN is not JSON"),
        ('{"id": "a", "text": "t", "x": -Infinity}', "-Infinity is not JSON"),
        ('{"id": "a", "text": "t", "x": 1e999}', "too large"),
        ('{"id": "a", "text": "t", "x": ' + "9" * 5000 + "}", "Not JSON"),
        ('{"id": "a", "text": "t", "x": ' + "[" * 200_000 + "]" * 200_000 + "}", "too deeply"),
        ('{"id": "a", "text": "\x00"}', "NUL"),
    ],
)
def test_a_broken_line_is_rejected_with_its_number_and_the_rest_goes_on(reading, line, said):
    documents, rejects = reading("a.jsonl", GOOD + line + "\n" + GOOD)
    assert [document.id for document in documents] == ["good", "good"]
    (reject,) = rejects
    assert reject.source.endswith("a.jsonl")
    assert reject.line_or_record == 2
    assert said in reject.reason
    assert reject.raw == line + "\n"


def test_the_reason_for_a_missing_id_names_the_accepted_fields(reading):
    _, (reject,) = reading("a.jsonl", '{"name": "a", "text": "t"}\n')
    assert "_id, id, docid, doc_id, docno" in reject.reason


def test_latin_1_is_rejected_with_the_byte_offset_and_the_remedy(reading):
    start = GOOD.encode() + b'{"id": "a", "text": "caf'
    documents, (reject,) = reading("a.jsonl", start + b'\xe9"}\n' + GOOD.encode())
    assert len(documents) == 2
    assert f"0xE9 at byte offset {len(start)}" in reject.reason
    assert "Convert it to UTF-8" in reject.reason


def test_utf_16_is_one_reject_for_the_file(reading):
    documents, (reject,) = reading("a.jsonl", (GOOD * 50).encode("utf-16"))
    assert documents == []
    assert "UTF-16" in reject.reason
    assert reject.line_or_record is None


def test_a_line_beyond_the_limit_is_rejected_and_the_next_one_read():
    long = b'{"id": "long", "text": "' + b"x" * LONGEST_LINE + b'"}\n'
    rejects = []
    stream = io.BytesIO(GOOD.encode() + long + GOOD.encode())
    documents = list(read(stream, on_reject=rejects.append))
    assert [document.id for document in documents] == ["good", "good"]
    assert rejects[0].line_or_record == 2
    assert "longer than 64 MiB" in rejects[0].reason
    assert len(rejects[0].raw) == 1000


def test_a_line_of_fifty_megabytes_is_read():
    stream = io.BytesIO(json.dumps({"id": "a", "text": "x" * 50_000_000}).encode())
    (document,) = read(stream)
    assert len(document.text) == 50_000_000


def test_a_truncated_gzip_gives_what_came_before_and_says_so(reading):
    lines = [json.dumps({"id": str(i), "text": f"text {i * 7919}"}) for i in range(20_000)]
    packed = gzip.compress("\n".join(lines).encode())
    documents, (reject,) = reading("a.jsonl.gz", packed[: len(packed) // 2])
    assert 1000 < len(documents) < 20_000
    assert [document.id for document in documents] == [str(i) for i in range(len(documents))]
    assert "truncated" in reject.reason
    assert reject.source.endswith("a.jsonl.gz")


def test_an_empty_file_gives_a_notice(reading):
    for content in ("", "\n\n", "\ufeff"):
        documents, (reject,) = reading("a.jsonl", content)
        assert documents == []
        assert "no records" in reject.reason


def test_an_escaped_nul_and_every_other_character_are_kept(reading):
    (document,), rejects = reading("a.jsonl", '{"id": "a", "text": " a\\u0000b\\r\\n\\u2028\\t"}\n')
    assert document.text == " a\x00b\r\n\u2028\t"
    assert rejects == []


def test_a_byte_order_mark_is_no_part_of_the_first_record(reading):
    assert reading("a.jsonl", b"\xef\xbb\xbf" + GOOD.encode())[0] == [Document("good", "kept")]


def test_beir_fields_are_read(reading):
    line = '{"_id": "7", "title": "T", "text": "t", "metadata": {"url": "u"}}'
    assert reading("a.jsonl", line)[0] == [Document("7", "t", "T", {"url": "u"})]


def test_a_paper_has_its_abstract_as_text_and_the_rest_as_metadata(reading):
    paper = {
        "id": "cvpr-1",
        "title": "T",
        "abstract": "We ...",
        "authors": ["A", "B"],
        "venue": "CVPR",
        "year": 2025,
        "keywords": [],
        "url": None,
    }
    (document,), rejects = reading("a.jsonl", json.dumps(paper))
    rest = {name: paper[name] for name in ("authors", "venue", "year", "keywords", "url")}
    assert document == Document("cvpr-1", "We ...", "T", rest)
    assert rejects == []


def test_beside_a_text_an_abstract_is_metadata(reading):
    (document,), _ = reading("a.jsonl", '{"id": 12, "text": "t", "abstract": "a"}')
    assert document == Document("12", "t", "", {"abstract": "a"})


def test_a_null_text_with_a_title_is_an_empty_text(reading):
    assert reading("a.jsonl", '{"id": "a", "title": "T", "text": null}')[0] == [
        Document("a", "", "T")
    ]


strings = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | strings,
    lambda inner: st.lists(inner) | st.dictionaries(strings, inner),
    max_leaves=8,
)
documents = st.builds(
    Document,
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(str.strip),
    strings,
    strings,
    st.dictionaries(strings, values),
)


@given(st.lists(documents), st.booleans(), st.booleans())
def test_documents_written_as_json_lines_come_back_equal(given_documents, ascii_only, packed):
    content = "".join(
        json.dumps(
            {"_id": d.id, "title": d.title, "text": d.text, "metadata": d.metadata},
            ensure_ascii=ascii_only,
        )
        + "\n"
        for d in given_documents
    ).encode()
    stream = io.BytesIO(gzip.compress(content) if packed else content)
    rejects = []
    assert list(read(stream, format="jsonl", on_reject=rejects.append)) == given_documents
    assert len(rejects) == (not given_documents)
