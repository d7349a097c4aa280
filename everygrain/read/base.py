"""What a reader is: a stream of bytes in, Documents out, and a Reject for all that is broken."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BufferedIOBase
from typing import Protocol

from everygrain.document import Document


@dataclass(frozen=True, slots=True)
class Reject:
    """A record, or a whole file, that could not be read, and why.

    source           the file, as messages name it
    line_or_record   line (from 1) in formats of lines; record or page (from 1) in others;
                     None where the whole file is meant
    reason           what is wrong, and the remedy
    raw              the record as it came, as far as it is text; may be empty
    """

    source: str
    line_or_record: int | None
    reason: str
    raw: str = ""


OnReject = Callable[[Reject], None]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a stream comes from.

    name   the file, as messages name it
    id     its path relative to the source: the id of a document that is a whole file; "-" for
           standard input, which has no path
    stem   its file name without endings: the title of a document that has no other
    """

    name: str
    id: str
    stem: str

    def whole(self, text: str) -> str:
        """Return the id of a document that is the whole stream.

        One from standard input gets an id from its content, so that two texts that are piped in
        one after the other do not replace each other, and the same text again changes nothing.
        """
        return id_of_content(text) if self.id == "-" else self.id


def id_of_content(text: str) -> str:
    """Return an id that is made of a text, by a digest of its UTF-8."""
    raw = text.encode("utf-8", "surrogatepass")  # Document says what is wrong with a surrogate
    return f"text-{hashlib.blake2b(raw, digest_size=6).hexdigest()}"


class Reader(Protocol):
    """Reads one format.

    Yields Documents in the order of the stream, holding no more of it than the format demands.
    A broken record goes to `reject` and the next one is read. What makes the rest of the stream
    useless is raised: InputError, or the error of the stream itself (OSError, EOFError of a
    truncated gzip); the caller turns it into a Reject for the file.
    """

    def __call__(
        self, stream: BufferedIOBase, origin: Origin, reject: OnReject
    ) -> Iterator[Document]: ...


def write_reject(reject: Reject) -> str:
    """Return one line of JSON, without its line break: file, line, reason, raw.

    raw is cut to 1,000 characters; everything is escaped to ASCII, so that any reject can be
    written to any file.
    """
    return json.dumps(
        {
            "file": reject.source,
            "line": reject.line_or_record,
            "reason": reject.reason,
            "raw": reject.raw[:1000],
        }
    )
