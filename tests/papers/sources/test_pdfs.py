"""A folder of PDFs becomes papers, each read once."""

import pytest

from everygrain.errors import InputError
from everygrain_papers.sources import Deleted, PdfFolder
from everygrain_papers.sources.pdfs import abstract_of


def pdf(lines, title=""):
    """Write a PDF of one page by hand."""
    shown = " ".join(f"({line}) Tj T*" for line in lines)
    content = f"BT /F1 12 Tf 14 TL 72 720 Td {shown} ET"
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [4 0 R] /Count 1 >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 5 0 R "
        "/Resources << /Font << /F1 3 0 R >> >> >>",
        f"<< /Length {len(content)} >>\nstream\n{content}\nendstream",
        f"<< /Title ({title}) /Author (Ann See; Joe Doe) >>",
    ]
    body, places = "%PDF-1.4\n", []
    for number, each in enumerate(objects, 1):
        places.append(len(body))
        body += f"{number} 0 obj\n{each}\nendobj\n"
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    return (
        f"{body}xref\n0 7\n0000000000 65535 f \n{table}trailer\n"
        f"<< /Size 7 /Root 1 0 R /Info 6 0 R >>\nstartxref\n{len(body)}\n%%EOF\n"
    ).encode()


LINES = [
    "A Study of Great Things",
    "arXiv:2101.00001v2  [cs.IR]  1 Jan 2021",
    "Abstract",
    "We study great things and re-",
    "port them.",
    "1 Introduction",
    "Things are great.",
]


def ids(batches):
    return [item.id for batch in batches for item in batch.items]


def test_a_pdf_becomes_a_paper_by_its_first_page(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/2101.pdf").write_bytes(pdf(LINES, "Microsoft Word - draft.doc"))
    (batch,) = PdfFolder(tmp_path).batches()
    (paper,) = batch.items
    assert paper.id == "pdf:deep/2101.pdf"
    assert paper.title == "A Study of Great Things"
    assert paper.abstract == "We study great things and report them."
    assert paper.authors == ("Ann See", "Joe Doe")
    assert (paper.arxiv_id, paper.more["pages"]) == ("2101.00001", 1)


def test_a_title_of_its_own_is_believed(tmp_path):
    (tmp_path / "x.pdf").write_bytes(pdf(LINES, "On Other Things"))
    (batch,) = PdfFolder(tmp_path).batches()
    assert batch.items[0].title == "On Other Things"


def test_each_file_is_read_once_and_one_that_vanished_is_deleted(tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.pdf").write_bytes(pdf(LINES))
    (tmp_path / "note.txt").write_text("no PDF")
    folder = PdfFolder(tmp_path)
    (first,) = folder.batches()
    assert ids([first]) == ["pdf:a.pdf", "pdf:b.pdf"]
    (second,) = folder.batches(first.cursor)
    assert second.items == ()
    (tmp_path / "a.pdf").unlink()
    (tmp_path / "b.pdf").write_bytes(pdf(LINES, "A New Title Here"))
    (third,) = folder.batches(second.cursor)
    assert ids([third]) == ["pdf:b.pdf", "pdf:a.pdf"]
    assert third.items[1] == Deleted("pdf:a.pdf")
    (fourth,) = folder.batches(third.cursor)
    assert fourth.items == ()


def test_a_broken_pdf_is_a_reject_and_the_rest_is_read(tmp_path):
    (tmp_path / "a.pdf").write_bytes(b"no PDF at all")
    (tmp_path / "b.pdf").write_bytes(pdf(LINES))
    rejects = []
    assert ids(PdfFolder(tmp_path).batches(None, rejects.append)) == ["pdf:b.pdf"]
    assert rejects[0].place.endswith("a.pdf")


def test_what_is_no_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="is no folder"):
        PdfFolder(tmp_path / "none")


@pytest.mark.parametrize(
    ("text", "abstract"),
    [
        ("T\nABSTRACT—One two.\nIndex Terms—x", "One two."),
        ("T\nAbstract. One\nAbstract ideas.\n\nI. INTRODUCTION\nMore", "One Abstract ideas."),
        ("No heading here.\nOnly text.", "No heading here. Only text."),
        ("", ""),
    ],
)
def test_an_abstract_ends_where_the_paper_begins(text, abstract):
    assert abstract_of(text) == abstract
