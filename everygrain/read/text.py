"""Plain text -> one Document: the file's path is its id, its name its title."""

from __future__ import annotations

from collections.abc import Iterator
from io import BufferedIOBase

from everygrain.document import Document
from everygrain.read.base import OnReject, Origin
from everygrain.read.lines import whole_text


def read(stream: BufferedIOBase, origin: Origin, reject: OnReject) -> Iterator[Document]:
    """Read a file whole, exactly as it came; nothing but white space is no document."""
    text = whole_text(stream)
    if text.strip():
        yield Document(origin.whole(text), text, origin.stem)
