"""A source by what a person types; what is none is refused by name."""

import gzip

import pytest

from everygrain.errors import InputError
from everygrain_papers.sources import (
    BibTeX,
    Feed,
    FileFolder,
    JsonLines,
    OaiPmh,
    PdfFolder,
    PubMed,
    Ris,
    WholeJson,
)
from everygrain_papers.sources.named import KINDS, Named, arxiv_set, named


def test_files_are_told_by_their_endings(tmp_path):
    for name, kind in [
        ("a.ris", Ris), ("a.jsonl", JsonLines), ("a.JSONL.gz", JsonLines), ("a.bib", BibTeX),
        ("a.xml.gz", PubMed),
    ]:  # fmt: skip
        (tmp_path / name).write_bytes(b"")
        assert type(Named(str(tmp_path / name)).source()) is kind


def test_a_file_without_a_known_ending_is_told_by_how_it_begins(tmp_path):
    for name, text, kind in [
        ("a", b'{"id": 1}', JsonLines), ("b", b"\n<PubmedArticleSet/>", PubMed),
        ("c", b"  @article{x,", BibTeX), ("f", b"TY  - JOUR", Ris), ("g", b"[{", WholeJson),
        ("h.json", b'{"id": 1}', JsonLines), ("i.json", b'{"items":[', WholeJson),
        ("j.json", b'{\n "id": 1}', WholeJson), ("k.jsonl", b'{"id": "cut off\n{}', JsonLines),
        ("d", gzip.compress(b'{"id": 1}'), JsonLines),
    ]:  # fmt: skip
        (tmp_path / name).write_bytes(text)
        assert type(Named(str(tmp_path / name)).source()) is kind
    (tmp_path / "e.doc").write_bytes(b"Dear Sir,")
    with pytest.raises(InputError, match=r"e\.doc.*no file of papers"):
        Named(str(tmp_path / "e.doc")).source()


def test_a_folder_is_told_by_what_lies_in_it(tmp_path):
    pdfs, files = tmp_path / "pdfs", tmp_path / "files/deep"
    pdfs.mkdir()
    files.mkdir(parents=True)
    assert isinstance(Named(str(pdfs)).source(), PdfFolder)
    (pdfs / "A.PDF").write_bytes(b"%PDF-1.4")
    (pdfs / "notes.txt").write_text("of mine")
    (files / "part_000.gz").write_bytes(gzip.compress(b'{"id": 1}'))
    assert isinstance(Named(str(pdfs)).source(), PdfFolder)
    assert isinstance(Named(str(files.parent)).source(), FileFolder)
    with pytest.raises(InputError, match=r"pdfs/A.PDF.*files/deep/part_000\.gz.*--kind pdfs"):
        Named(str(tmp_path)).source()
    assert isinstance(Named(str(tmp_path), "pdfs").source(), PdfFolder)
    assert isinstance(Named(str(tmp_path), "files").source(), FileFolder)


def test_what_zotero_writes_and_nobody_reads_is_led_to_what_is_read(tmp_path):
    (tmp_path / "library.rdf").write_text("<rdf:RDF/>")
    with pytest.raises(InputError, match=r"no format that is read.*\.ris"):
        Named(str(tmp_path / "library.rdf")).source()


def test_feeds_and_repositories():
    assert isinstance(Named("https://example.org/rss").source(), Feed)
    arxiv = Named("arxiv:cs.IR", since="2024-01-01").source()
    assert isinstance(arxiv, OaiPmh)
    assert (arxiv.set, arxiv.since, arxiv.format) == ("cs:cs:IR", "2024-01-01", "arXiv")
    other = Named("oai:https://example.org/oai", set="theses").source()
    assert (other.url, other.set, other.format) == ("https://example.org/oai", "theses", "oai_dc")


@pytest.mark.parametrize(
    ("category", "expected"),
    [
        ("cs", "cs"), ("cs.CL", "cs:cs:CL"), ("math.AG", "math:math:AG"),
        ("stat.ML", "stat:stat:ML"),
        ("hep-th", "physics:hep-th"), ("astro-ph.GA", "physics:astro-ph:GA"),
        ("physics", "physics"), ("physics.optics", "physics:physics:optics"), ("", ""),
    ],
)  # fmt: skip
def test_categories_of_arxiv_as_its_repository_names_them(category, expected):
    assert arxiv_set(category) == expected


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"what": "nowhere.jsonl"}, "no file or folder 'nowhere.jsonl'"),
        ({"what": "nowhere.bib", "kind": "bibtex"}, "no file 'nowhere.bib'"),
        ({"what": "x", "kind": "papyrus"}, "no kind of source 'papyrus'"),
        ({"what": "oai:example.org"}, "no address"),
        ({"what": "arxiv:cs.IR", "set": "math"}, "Give one of them"),
        ({"what": "https://example.org/rss", "since": "2024-01-01"}, "arxiv: and oai: alone"),
        ({"what": "arxiv", "since": "yesterday"}, "yesterday"),
        ({"what": "arxiv:"}, "names no category"),
    ],
)
def test_what_is_no_source_is_refused(told, message):
    with pytest.raises(InputError, match=message):
        Named(**told).source()


def test_the_bundled_cards_are_a_source():
    (batch,) = Named("cards").source().batches()
    assert batch.last
    assert len(batch.items) == 318
    assert len({paper.id for paper in batch.items}) == 318
    assert all(paper.abstract and paper.title for paper in batch.items)


def test_one_pdf_is_led_to_its_folder(tmp_path):
    (tmp_path / "one.pdf").write_bytes(b"%PDF-1.4")
    with pytest.raises(InputError, match="folder"):
        Named(str(tmp_path / "one.pdf")).source()


def test_a_source_is_remembered_as_it_was_asked_for():
    told = Named("arxiv:cs.IR", since="2024-01-01")
    assert named(told.record()) == told
    assert named(Named("a.bib").record()) == Named("a.bib")
    with pytest.raises(InputError, match="Not a source"):
        named({"where": "there"})
    assert "oai" in KINDS


def test_a_saved_feed_is_led_to_its_address(tmp_path):
    (tmp_path / "saved.xml").write_text('<?xml version="1.0"?><rss version="2.0"></rss>')
    with pytest.raises(InputError, match=r"saved\.xml.*saved feed"):
        Named(str(tmp_path / "saved.xml")).source()
