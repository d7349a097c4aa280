import io

import pytest
from pypdf import PdfReader, PdfWriter


def pdf(*pages: str, title: str = "") -> bytes:
    """Write a PDF by hand: one line of Helvetica a page."""
    kids = " ".join(f"{4 + 2 * i} 0 R" for i in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for i, page in enumerate(pages):
        content = f"BT /F1 12 Tf 72 720 Td ({page}) Tj ET"
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {5 + 2 * i} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>"
        )
        objects.append(f"<< /Length {len(content)} >>\nstream\n{content}\nendstream")
    objects.append(f"<< /Title ({title}) /Author (A. Writer) >>" if title else "<< >>")
    body, places = "%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(body))
        body += f"{number} 0 obj\n{content}\nendobj\n"
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    size = len(objects) + 1
    return (
        f"{body}xref\n0 {size}\n0000000000 65535 f \n{table}"
        f"trailer\n<< /Size {size} /Root 1 0 R /Info {len(objects)} 0 R >>\n"
        f"startxref\n{len(body)}\n%%EOF\n"
    ).encode()


def encrypted(content: bytes, user: str) -> bytes:
    writer = PdfWriter(PdfReader(io.BytesIO(content)))
    writer.encrypt(user, "owner", algorithm="AES-256")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


@pytest.mark.parametrize("content", [b"not a pdf", b"%PDF-1.4\n%%EOF", pdf("a")[:200]])
def test_a_broken_pdf_is_a_reject(reading, content):
    documents, (reject,) = reading("a.pdf", content)
    assert documents == []
    assert "PDF" in reject.reason
    assert reject.source.endswith("a.pdf")


def test_an_encrypted_pdf_is_rejected_with_the_remedy(reading):
    documents, (reject,) = reading("a.pdf", encrypted(pdf("secret"), "password"))
    assert documents == []
    assert "encrypted" in reject.reason
    assert "Decrypt it first" in reject.reason


def test_a_pdf_without_text_is_rejected_with_the_remedy(reading):
    documents, (reject,) = reading("a.pdf", pdf("", ""))
    assert documents == []
    assert "ocrmypdf" in reject.reason


def test_a_pdf_encrypted_with_an_empty_password_is_read(reading):
    (document,), rejects = reading("a.pdf", encrypted(pdf("open"), ""))
    assert document.text.strip() == "open"
    assert rejects == []


def test_a_broken_page_is_rejected_and_the_others_are_read(reading):
    content = pdf("one", "two").replace(b"BT /F1", b"((( /F1", 1)
    (document,), rejects = reading("a.pdf", content)
    assert document.text.strip() == "two"
    assert [reject.line_or_record for reject in rejects] == [1]
    assert "Page 1 cannot be read" in rejects[0].reason


def test_pages_start_where_the_metadata_say(reading):
    (document,), rejects = reading("a.pdf", pdf("First page", "Second page", "", title="A title"))
    assert document.id == "a.pdf"
    assert document.title == "A title"
    assert document.metadata["author"] == "A. Writer"
    starts = document.metadata["pages"]
    pages = [document.text[a:b].strip() for a, b in zip(starts, [*starts[1:], None], strict=True)]
    assert pages == ["First page", "Second page", ""]
    assert rejects == []


def test_without_a_title_the_file_names_it(reading):
    assert reading("paper.pdf", pdf("x"))[0][0].title == "paper"
