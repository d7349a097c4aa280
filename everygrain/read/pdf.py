"""PDF -> one Document: the text of its pages, with the offset at which each page starts."""

from __future__ import annotations

import io
from collections.abc import Iterator
from io import BufferedIOBase
from typing import TYPE_CHECKING, Any

from everygrain.document import Document
from everygrain.errors import InputError
from everygrain.read.base import OnReject, Origin, Reject
from everygrain.read.lines import whole_bytes

if TYPE_CHECKING:
    from pypdf import PdfReader

BETWEEN_PAGES = "\n\n"


def read(stream: BufferedIOBase, origin: Origin, reject: OnReject) -> Iterator[Document]:
    """Read a PDF whole; pages are joined by a blank line.

    The title is that of the PDF, else the file's name. metadata: `pages`, for each page the
    offset in the text at which it starts; `author`, `subject`, `keywords` where given.
    A page that cannot be read is a Reject, and empty in the text. Raises InputError for a file
    that is no PDF, needs a password, or holds no text at all.
    """
    raw = whole_bytes(stream)
    if not raw:
        return
    reader = _opened(raw)
    pages = list(_pages(reader, origin, reject))
    starts, place = [], 0
    for page in pages:
        starts.append(place)
        place += len(page) + len(BETWEEN_PAGES)
    text = BETWEEN_PAGES.join(pages)
    if not text.strip():
        raise InputError(
            "The PDF holds no text; perhaps its pages are scanned.",
            "Recognise its text first, for example with: ocrmypdf in.pdf out.pdf.",
        )
    described = _described(reader)
    title = described.pop("title", "")
    yield Document(origin.whole(text), text, title or origin.stem, {**described, "pages": starts})


def _opened(raw: bytes) -> PdfReader:
    from pypdf import PdfReader

    # A PDF from outside can break pypdf in any way at all; here and below, every way is the same
    # to us: the file, or the page, cannot be read.
    try:
        reader = PdfReader(io.BytesIO(raw))
        locked = reader.is_encrypted and not reader.decrypt("")
    except Exception as error:
        raise InputError(
            f"Not a PDF that can be read: {error or type(error).__name__}.",
            "Mend it, for example with: qpdf in.pdf out.pdf.",
        ) from error
    if locked:
        raise InputError(
            "The PDF is encrypted and needs a password.",
            "Decrypt it first, for example with: qpdf --decrypt --password=... in.pdf out.pdf.",
        )
    return reader


def _pages(reader: PdfReader, origin: Origin, reject: OnReject) -> Iterator[str]:
    try:
        count = len(reader.pages)
    except Exception as error:
        raise InputError(
            f"The pages of the PDF cannot be found: {error or type(error).__name__}.",
            "Mend it, for example with: qpdf in.pdf out.pdf.",
        ) from error
    for number in range(count):
        try:
            yield _whole_characters(reader.pages[number].extract_text())
        except Exception as error:
            reason = f"Page {number + 1} cannot be read: {error or type(error).__name__}."
            reject(Reject(origin.name, number + 1, f"{reason} The other pages were read."))
            yield ""


def _described(reader: PdfReader) -> dict[str, Any]:
    try:
        stated = reader.metadata
        fields = {} if stated is None else {name[1:].lower(): stated[name] for name in stated}
    except Exception:
        return {}
    return {
        name: _whole_characters(str(fields[name])).strip()
        for name in ("title", "author", "subject", "keywords")
        if isinstance(fields.get(name), str) and str(fields[name]).strip()
    }


def _whole_characters(text: str) -> str:
    """Join surrogate pairs, which fonts' tables give one by one; a lone one becomes U+FFFD."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
