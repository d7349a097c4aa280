"""JSON Lines of every dialect become papers; a broken line costs itself alone."""

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everygrain.errors import InputError
from everygrain_papers.paper import Paper, of_record
from everygrain_papers.sources import Addition, JsonLines, Progress, resumed
from everygrain_papers.sources.dialects import DIALECTS, uninverted

SHARED = Path(__file__).parents[4] / "shared/data/papers/papers.jsonl.gz"


def write(path, *records):
    lines = [each if isinstance(each, str) else json.dumps(each) for each in records]
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


def read(path, *records, dialect=None):
    rejects = []
    batches = JsonLines(write(path / "x.jsonl", *records), dialect).batches(None, rejects.append)
    return [paper for batch in batches for paper in batch.items], rejects


ARXIV = {
    "id": "0704.0001",
    "submitter": "Pavel Nadolsky",
    "authors": "C. Bal\\'azs, E. L. Berger",
    "title": "Calculation of prompt diphoton\n  production",
    "comments": "37 pages",
    "journal-ref": "Phys.Rev.D76:013009,2007",
    "doi": "10.1103/PhysRevD.76.013009",
    "report-no": None,
    "categories": "hep-ph math.CO",
    "license": None,
    "abstract": "  A fully differential\ncalculation.\n",
    "versions": [
        {"version": "v1", "created": "Mon, 2 Apr 2007 19:18:42 GMT"},
        {"version": "v2", "created": "Tue, 24 Jul 2007 20:10:27 GMT"},
    ],
    "update_date": "2008-11-26",
    "authors_parsed": [["Bal\\'azs", "C.", ""], ["Berger", "E. L.", "Jr"]],
}
OPENALEX = {
    "id": "https://openalex.org/W27418",
    "doi": "https://doi.org/10.48550/arXiv.2101.00001",
    "title": "The state of <i>OA</i>",
    "publication_year": 2018,
    "publication_date": "2018-02-13",
    "primary_location": {
        "landing_page_url": "https://doi.org/10.7717/x",
        "source": {"display_name": "PeerJ"},
    },
    "authorships": [{"author": {"display_name": "Heather Piwowar"}}],
    "cited_by_count": 382,
    "is_retracted": False,
    "keywords": [{"display_name": "Open access"}],
    "referenced_works": ["https://openalex.org/W1"],
    "abstract_inverted_index": {"the": [1, 3], "Despite": [0], "growth": [2], "end.": [9]},
}
SCHOLAR = {
    "corpusid": 2314,
    "externalids": {"DOI": "10.1000/AB", "ArXiv": "1803.09578", "ACL": None},
    "url": "https://www.semanticscholar.org/paper/x",
    "title": "Comparing systems",
    "authors": [{"authorId": "1", "name": "N. Reimers"}, {"authorId": None, "name": "I. G."}],
    "venue": "ACL",
    "year": 2018,
    "citationcount": 46,
    "s2fieldsofstudy": [{"category": "CS", "source": "a"}, {"category": "CS", "source": "b"}],
    "publicationdate": "2018-03-26",
}
CROSSREF = {
    "DOI": "10.1002/ABC.1",
    "title": ["A &amp; B"],
    "subtitle": ["a tale"],
    "abstract": "<jats:title>Abstract</jats:title><jats:p>H<sub>2</sub>O &lt; 3.</jats:p>",
    "author": [{"given": "Ada", "family": "Lovelace"}, {"name": "The Group"}],
    "container-title": ["Journal"],
    "issued": {"date-parts": [[2020, 5]]},
    "published-print": {"date-parts": [[None]]},
    "URL": "http://dx.doi.org/10.1002/abc.1",
    "is-referenced-by-count": 3,
    "reference": [{"DOI": "10.1000/X"}, {"article-title": "Old work"}, {"key": "k"}],
    "relation": {"is-preprint-of": [{"id-type": "doi", "id": "10.1000/Y"}]},
    "type": "journal-article",
}


def test_a_record_of_the_snapshot_of_arxiv_becomes_a_paper(tmp_path):
    assert read(tmp_path, ARXIV) == ([
        Paper(
            id="arxiv:0704.0001",
            title="Calculation of prompt diphoton production",
            abstract="A fully differential calculation.",
            authors=("C. Balázs", "E. L. Berger Jr"),
            venue="Phys.Rev.D76:013009,2007",
            year=2007,
            date="2007-04-02",
            keywords=("hep-ph", "math.CO"),
            url="https://arxiv.org/abs/0704.0001",
            doi="10.1103/physrevd.76.013009",
            arxiv_id="0704.0001",
            source="arxiv-snapshot",
            more={"comments": "37 pages", "update_date": "2008-11-26", "version": 2},
        )
    ], [])  # fmt: skip


def test_a_work_of_openalex_becomes_a_paper_with_its_abstract_in_order(tmp_path):
    (paper,), rejects = read(tmp_path, OPENALEX)
    assert not rejects
    assert paper.id == "openalex:W27418"
    assert paper.title == "The state of OA"
    assert paper.abstract == "Despite the growth the end."
    assert (paper.authors, paper.venue, paper.keywords) == (
        ("Heather Piwowar",), "PeerJ", ("Open access",),
    )  # fmt: skip
    assert (paper.year, paper.date, paper.citations) == (2018, "2018-02-13", 382)
    assert (paper.arxiv_id, paper.references) == ("2101.00001", ("openalex:W1",))


def test_a_paper_of_semantic_scholar_becomes_a_paper(tmp_path):
    old = {"id": "ab12", "title": "Old", "paperAbstract": "Text.", "inCitations": ["a", "b"],
           "outCitations": ["c"], "authors": [{"name": "X Y"}], "year": 1999}  # fmt: skip
    asked = {"paperId": "f00", "title": "New", "externalIds": {"DOI": "10.1000/q"},
             "citationCount": 2, "references": [{"paperId": "aa", "title": "t"}]}  # fmt: skip
    (paper, older, newer), rejects = read(tmp_path, SCHOLAR, old, asked)
    assert not rejects
    assert (paper.id, paper.doi, paper.arxiv_id) == ("s2:2314", "10.1000/ab", "1803.09578")
    assert (paper.citations, paper.keywords, paper.date) == (46, ("CS",), "2018-03-26")
    assert (older.id, older.abstract, older.citations) == ("s2:ab12", "Text.", 2)
    assert older.references == ("c",)
    assert (newer.id, newer.references, newer.citations) == ("s2:f00", ("s2:aa",), 2)


def test_a_work_of_crossref_becomes_a_paper_alone_and_within_a_reply(tmp_path):
    reply = {"status": "ok", "message": {"items": [CROSSREF, {**CROSSREF, "DOI": "10.1002/Z"}]}}
    (paper, *others), rejects = read(tmp_path, CROSSREF, reply)
    assert not rejects
    assert [each.id for each in others] == ["doi:10.1002/abc.1", "doi:10.1002/z"]
    assert paper.title == "A & B: a tale"
    assert paper.abstract == "H2O < 3."
    assert paper.authors == ("Ada Lovelace", "The Group")
    assert (paper.date, paper.year, paper.venue) == ("2020-05", 2020, "Journal")
    assert paper.references == ("10.1000/x", "Old work")
    assert paper.more["preprint_of"] == ["10.1000/y"]


def test_papers_of_our_own_keep_their_text_and_every_other_field(tmp_path):
    told = {"id": "a", "title": "T", "abstract": " As it\n came. ", "authors": ["A", "B"],
            "venue": "acl", "year": "2020", "keywords": "x; y", "status": "Oral"}  # fmt: skip
    (paper,), rejects = read(tmp_path, told)
    assert not rejects
    assert paper == Paper("a", "T", " As it\n came. ", ("A", "B"), "acl", 2020,
                          keywords=("x", "y"), source="jsonl", more={"status": "Oral"})  # fmt: skip


BAD = [
    "not json",
    "[1]",
    '"text"',
    '{"id": "x"}',
    '{"title": "x"}',
    '{"id": "x", "title": NaN}',
    '{"id": "x", "title": ["a"]}',
    '{"id": "x", "title": "t", "abstract": 3}',
    '{"id": "x", "title": "t", "year": "soon"}',
    '{"id": "x", "title": "t", "year": 99}',
    '{"id": "x", "title": "t", "date": "soon"}',
    '{"corpusid": 7, "model": "tldr@v2", "text": " "}',
    '{"id": "x", "title": "t", "citations": -1}',
    '{"id": "x", "title": "t", "authors": [1]}',
    '{"id": "x\\ty", "title": "t"}',
    '{"id": "x", "title": "t", "more": 3}',
    '{"id": "https://openalex.org/W1", "title": "t", "abstract_inverted_index": {"a": "b"}}',
    '{"DOI": "none", "title": ["t"]}',
    "[" * 100_000,
]


def test_a_broken_line_is_a_reject_with_its_place_and_the_rest_is_read(tmp_path):
    good = {"id": "good", "title": "t"}
    papers, rejects = read(tmp_path, good, *BAD, {**good, "id": "last"})
    assert [paper.id for paper in papers] == ["good", "last"]
    assert [reject.place.rpartition("line ")[2] for reject in rejects] == [
        str(number) for number in range(2, len(BAD) + 2)
    ]
    assert [reject.raw for reject in rejects] == [bad[:1000] for bad in BAD]
    assert all(reject.reason for reject in rejects)


def test_a_date_that_there_is_not_is_unknown_and_the_paper_is_kept(tmp_path):
    told = [
        {"id": "none", "title": "t", "date": "2024-13-45", "year": 2024},
        {"id": "month", "title": "t", "date": "2023-02-29"},
        {"id": "leap", "title": "t", "date": "2024-02-29"},
    ]
    papers, rejects = read(tmp_path, *told)
    assert not rejects
    assert [paper.date for paper in papers] == [None, "2023-02", "2024-02-29"]
    stated = [paper.more.get("stated_date") for paper in papers]
    assert stated == ["2024-13-45", "2023-02-29", None]


def test_a_summary_apart_from_its_paper_is_an_addition(tmp_path):
    told = [{"corpusid": 7, "model": "tldr@v2.0.0", "text": "Mills\n are slow."}]
    items, rejects = read(tmp_path, *told)
    assert not rejects
    assert items == [Addition("s2:7", {"more": {"tldr": "Mills are slow."}})]


def test_html_control_characters_and_a_million_characters_are_no_trouble(tmp_path):
    long = "word " * 200_000
    told = [
        {"id": "long", "title": "t", "abstract": long},
        {"id": "odd", "title": "nul\u0000 and\u000b bell", "abstract": "<script>x</script>\ttab"},
        {"id": "half", "title": "half \ud800 \U0001f600", "extra": {"deep": ["\udfff"]}},
        {"id": "future", "title": "t", "date": "2199-01-01", "year": 2199},
    ]
    (first, odd, half, future), rejects = read(tmp_path, *told)
    assert not rejects
    assert first.abstract == long
    assert odd.title == "nul  and  bell"
    assert odd.abstract == "<script>x</script>\ttab"
    assert half.title == "half ? \U0001f600"
    assert half.more == {"extra": {"deep": ["?"]}}
    assert future.date == "2199-01-01"


NAMES = sorted({"date-parts", *SCHOLAR, *ARXIV, *OPENALEX, *CROSSREF, "more", "keywords", "name"})


@given(st.lists(st.sampled_from("abcde"), min_size=1, max_size=30))
def test_an_inverted_index_gives_back_its_text(words):
    index = {}
    for place, word in enumerate(words):
        index.setdefault(word, []).append(place)
    assert uninverted(index) == " ".join(words)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 3000)
    | st.floats(allow_nan=False)
    | st.text("a1/ -"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner),
    max_leaves=5,
)


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
@given(changes=st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=3))
def test_whatever_a_field_holds_the_record_is_a_paper_or_a_reason(dialect, changes):
    known = {"arxiv": ARXIV, "openalex": OPENALEX, "crossref": CROSSREF}
    record = {**known.get(dialect, {**SCHOLAR, "id": "own"}), **changes}
    try:
        paper = DIALECTS[dialect](record)
    except InputError:
        pass
    else:
        assert of_record(json.loads(json.dumps(paper.record()))) == paper


def test_a_file_that_grew_is_read_on_and_one_that_changed_anew(tmp_path):
    path, progress = tmp_path / "x.jsonl", Progress(tmp_path / "state.json")

    def ids():
        found = resumed(JsonLines(path), progress)
        return [paper.id for items in found for paper in items]

    records = [{"id": f"p{i}", "title": f"t{i}"} for i in range(4)]
    write(path, *records[:2])
    assert ids() == ["p0", "p1"]
    assert ids() == []
    write(path, *records[:3])
    assert ids() == ["p2"]
    write(path, records[0], {"id": "new", "title": "inserted"}, *records[1:])
    assert ids() == ["p0", "new", "p1", "p2", "p3"]


def test_a_packed_file_goes_on_in_its_middle(tmp_path):
    path = tmp_path / "x.gz"
    lines = [json.dumps({"id": f"p{i}", "title": "t"}) for i in range(1201)]
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    batches = list(JsonLines(path).batches())
    assert [len(batch.items) for batch in batches] == [500, 500, 201]
    rest = [
        paper.id for batch in JsonLines(path).batches(batches[0].cursor) for paper in batch.items
    ]
    assert rest == [f"p{i}" for i in range(500, 1201)]


def test_a_packed_file_that_is_cut_off_gives_what_came_before(tmp_path):
    path = tmp_path / "x.gz"
    lines = [json.dumps({"id": f"p{i}", "title": str(i * 7919 % 10007)}) for i in range(3000)]
    path.write_bytes(gzip.compress("\n".join(lines).encode())[:-2000])
    rejects = []
    papers = [p for batch in JsonLines(path).batches(None, rejects.append) for p in batch.items]
    assert 0 < len(papers) < 3000
    assert [paper.id for paper in papers] == [f"p{i}" for i in range(len(papers))]
    assert "cut off" in rejects[-1].reason


def test_a_missing_file_and_an_unknown_dialect_are_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        list(JsonLines(tmp_path / "none").batches())
    with pytest.raises(InputError, match="dialect 'marc' is unknown"):
        JsonLines(tmp_path, "marc")


def test_the_shared_collection_is_read_whole():
    if not SHARED.exists():
        pytest.skip("the shared collection of papers is not here")
    rejects = []
    batch = next(iter(JsonLines(SHARED).batches(None, rejects.append)))
    assert len(batch.items) == 500
    assert not rejects
    assert all(paper.title and paper.year for paper in batch.items)
