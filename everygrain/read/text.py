"""Plain text -> one Document: the file's path is its id, its name its title.

A text from standard input, which has no path, gets an id from its content, so that two texts piped
in one after the other do not replace each other, and the same text again changes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from io import BufferedIOBase

from everygrain.document import Document
from everygrain.read.base import OnReject, Origin
from everygrain.read.lines import whole_text


def read(stream: BufferedIOBase, origin: Origin, reject: OnReject) -> Iterator[Document]:
    """Read a file whole, exactly as it came; nothing but white space is no document."""
    text = whole_text(stream)
    if text.strip():
        yield Document(_of_content(text) if origin.id == "-" else origin.id, text, origin.stem)


def _of_content(text: str) -> str:
    return f"text-{hashlib.blake2b(text.encode(), digest_size=6).hexdigest()}"
