"""Whole files of JSON give their records one by one, whatever is between and within them."""

import gzip
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from everygrain.errors import InputError
from everygrain_papers.sources import WholeJson, whole_json
from everygrain_papers.sources.whole_json import values

from .test_jsonl import CROSSREF


def work(number, **told):
    return CROSSREF | {"DOI": f"10.1002/abc.{number}"} | told


def read(path, content, dialect=None):
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    rejects = []
    batches = WholeJson(path, dialect).batches(None, rejects.append)
    return [paper for batch in batches for paper in batch.items], rejects


def test_a_file_of_crossref_becomes_papers_packed_or_not_on_one_line_or_on_many(tmp_path):
    told = {"items": [work(n) for n in range(3)]}
    for text in (json.dumps(told), json.dumps(told, indent=1), "\ufeff" + json.dumps(told)):
        for content in (text.encode(), gzip.compress(text.encode())):
            papers, rejects = read(tmp_path / "0.json", content)
            assert not rejects
            assert [paper.id for paper in papers] == [f"doi:10.1002/abc.{n}" for n in range(3)]
    reply = {"status": "ok", "message": {"facets": {"items": {"a": [1]}}, "items": [work(7)]}}
    (paper,), rejects = read(tmp_path / "0.json", reply)
    assert (paper.id, rejects) == ("doi:10.1002/abc.7", [])


VALUES = st.recursive(
    st.none() | st.integers() | st.text('"\\[]{}, é\n') | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('items"{['), inner),
    max_leaves=8,
)
OBJECTS = st.lists(st.dictionaries(st.text("ab", min_size=1), VALUES, min_size=1), max_size=5)


@given(objects=OBJECTS, piece=st.integers(1, 40), indent=st.sampled_from([None, 1]), own=VALUES)
@settings(deadline=None)
def test_wherever_the_reading_stops_between_pieces_the_records_are_the_same(
    objects, piece, indent, own
):
    for whole in (objects, {"before": own, "items": objects, "after": own}):
        if isinstance(whole, dict) and "items" in json.dumps(own):
            continue
        raw = json.dumps(whole, indent=indent).encode()

        class Slow(io.BytesIO):
            def read(self, size=-1):
                return super().read(piece)

        assert [json.loads(each) for each in values(Slow(raw))] == objects


def test_what_is_no_work_costs_itself_alone(tmp_path):
    broken = json.dumps(work(1)).replace('"Journal"', "Journal")
    raw = f'{{"items": [{json.dumps(work(0))}, {broken}, 3, "text", null, [1], {{}}, '
    raw += f"{json.dumps(work(2))}]}}"
    papers, rejects = read(tmp_path / "0.json", raw.encode())
    assert [paper.id[-1] for paper in papers] == ["0", "2"]
    assert [reject.place.rpartition("record ")[2] for reject in rejects] == list("234567")


def test_a_file_that_is_cut_off_gives_what_came_before(tmp_path):
    raw = json.dumps({"items": [work(n) for n in range(50)]}).encode()
    papers, rejects = read(tmp_path / "0.json", raw[: len(raw) // 2])
    assert 20 < len(papers) < 26
    assert "cut off" in rejects[-1].reason
    papers, rejects = read(tmp_path / "0.json.gz", gzip.compress(raw, 0)[:-2000])
    assert 30 < len(papers) < 50
    assert "cut off" in rejects[-1].reason


@pytest.mark.parametrize("raw", [b"Dear Sir,", b"]", b'{"a": "open', b"\x1f\x8bno gzip", b"\x00[}"])
def test_what_is_no_json_is_one_reject(tmp_path, raw):
    papers, rejects = read(tmp_path / "0.json", raw)
    assert not papers
    assert rejects


def test_a_million_characters_and_control_characters_are_no_trouble(tmp_path):
    long, odd = work(1, abstract="word " * 200_000), work(2, title=["a \u0001 b"])
    raw = json.dumps([long, odd]).replace("\\u0001", "\x01").encode()
    (first, second), rejects = read(tmp_path / "0.json", raw)
    assert not rejects
    assert len(first.abstract) == 999_999
    assert second.title == "a b: a tale"


def test_a_record_without_end_is_given_up_before_it_fills_the_memory(monkeypatch):
    monkeypatch.setattr(whole_json, "PIECE", 1000)
    monkeypatch.setattr(whole_json, "LONGEST_LINE", 10_000)
    stream = io.BytesIO(b'[{"a": "' + b"x" * 1_000_000)
    with pytest.raises(InputError, match="longer than"):
        list(values(stream))
    assert stream.tell() < 20_000


def test_a_library_of_csl_json_becomes_papers(tmp_path):
    library = [
        {
            "id": "http://zotero.org/users/1/items/AB12",
            "type": "article-journal",
            "title": "On <i>mills</i> &amp; rivers",
            "container-title": "Journal of Mills",
            "DOI": "10.1000/Mill",
            "abstract": "Water\nturns.",
            "author": [
                {"family": "Beethoven", "given": "L.", "non-dropping-particle": "van"},
                {"literal": "The Millers"},
            ],
            "issued": {"date-parts": [["2019", 4, 2]]},
            "keyword": "mills, rivers",
        },
        {"id": 7, "title": "E", "number": "arXiv:2101.00001", "issued": {"raw": "2021-01-03"}},
        {"id": "citekey2020", "title": "Undated", "issued": {"literal": "n.d."}, "author": ["x"]},
        {"id": "none", "issued": {}},
    ]
    (paper, eprint, undated), rejects = read(tmp_path / "My Library.json", library)
    assert paper.id == "csl:http://zotero.org/users/1/items/AB12"
    assert (paper.title, paper.abstract) == ("On mills & rivers", "Water turns.")
    assert paper.authors == ("L. van Beethoven", "The Millers")
    assert (paper.venue, paper.date, paper.doi) == (
        "Journal of Mills",
        "2019-04-02",
        "10.1000/mill",
    )
    assert paper.keywords == ("mills", "rivers")
    assert (eprint.id, eprint.arxiv_id, eprint.date) == ("csl:7", "2101.00001", "2021-01-03")
    assert (undated.year, undated.date, undated.authors) == (None, None, ())
    assert len(rejects) == 1
