"""JSON lines -> Documents: BEIR's `_id`, `title`, `text`, `metadata`, and plain records."""

from __future__ import annotations

from collections.abc import Iterator
from io import BufferedIOBase

from everygrain.document import Document
from everygrain.errors import InputError
from everygrain.read.base import OnReject, Origin, Reject
from everygrain.read.lines import decode, lines
from everygrain.read.record import document_of, parse_json, refuse_surrogates


def read(stream: BufferedIOBase, origin: Origin, reject: OnReject) -> Iterator[Document]:
    """Read one object a line; blank lines are passed over.

    Fields are those of `record.document_of`; strings are kept exactly, an escaped NUL included.
    """
    for number, offset, raw in lines(stream, origin, reject):
        if not raw or raw.isspace():
            continue
        try:
            document = _document(raw, offset)
        except InputError as error:
            reject(Reject(origin.name, number, str(error), raw.decode("utf-8", "replace")))
        else:
            yield document


def _document(raw: bytes, offset: int) -> Document:
    # A byte that no line of text holds: json would call it a mere "control character".
    if b"\0" in raw:
        raise InputError("The line holds a NUL byte.", "Escape it as \\u0000, or remove it.")
    record = parse_json(decode(raw, offset))
    if not isinstance(record, dict):
        raise InputError(
            f"The line is a JSON {type(record).__name__}, not an object.",
            'Write one object a line: {"id": ..., "title": ..., "text": ...}.',
        )
    document = document_of(record)
    # Only an escape can make a surrogate; Document itself looks into id, title and text.
    if b"\\ud" in raw or b"\\uD" in raw:
        refuse_surrogates(document.metadata)
    return document
