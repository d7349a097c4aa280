"""A stream of bytes -> its lines, or its whole text: bounded, and UTF-8 or an error."""

from __future__ import annotations

import codecs
import zlib
from collections.abc import Iterator
from io import BufferedIOBase

from everygrain.errors import InputError
from everygrain.read.base import OnReject, Origin, Reject

LONGEST_LINE = 64 * 2**20
LARGEST_FILE = 512 * 2**20
CONVERT = "Convert it to UTF-8, for example with: iconv -f ENCODING -t UTF-8."
_WIDE_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)


def decode(raw: bytes, offset: int = 0) -> str:
    """Decode UTF-8. Raises InputError with the offset, in bytes of the file, of what is not."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        place = offset + error.start
        raise InputError(
            f"Not UTF-8: byte 0x{raw[error.start]:02X} at byte offset {place:,}.", CONVERT
        ) from None


def lines(
    stream: BufferedIOBase, origin: Origin, reject: OnReject
) -> Iterator[tuple[int, int, bytes]]:
    """Yield (line number from 1, offset in bytes, line with its line break).

    A line of more than LONGEST_LINE bytes is rejected without being held in memory. A byte order
    mark of UTF-8 is dropped; InputError is raised for one of UTF-16 or UTF-32.
    """
    number = offset = 0
    while line := stream.readline(LONGEST_LINE + 1):
        number += 1
        start, offset = offset, offset + len(line)
        if number == 1:
            without_mark = _without_mark(line)
            start += len(line) - len(without_mark)
            line = without_mark
        if len(line) > LONGEST_LINE and not line.endswith(b"\n"):
            raw = line[:1000].decode("utf-8", "replace")
            while line and not line.endswith(b"\n"):
                line = stream.readline(2**20)
                offset += len(line)
            limit = f"{LONGEST_LINE // 2**20} MiB"
            reason = f"The line is longer than {limit}. Split the record, or leave it out."
            reject(Reject(origin.name, number, reason, raw))
        else:
            yield number, start, line


def available(stream: BufferedIOBase) -> tuple[bytes, Exception | None]:
    """Read all that can be read: the bytes, and the error that ended them early, if any.

    Raises InputError if there are more than LARGEST_FILE bytes.
    """
    pieces, size = [], 0
    damage: Exception | None = None
    try:
        while piece := stream.read1(2**20):
            pieces.append(piece)
            size += len(piece)
            if size > LARGEST_FILE:
                raise InputError(
                    f"The file holds more than {LARGEST_FILE // 2**20} MiB, and this format is "
                    "read whole.",
                    "Split it, or convert it to JSON lines.",
                )
    except (EOFError, OSError, zlib.error) as error:
        damage = error
    return _without_mark(b"".join(pieces)), damage


def whole_bytes(stream: BufferedIOBase) -> bytes:
    """Read everything. Raises the stream's own error if it ends early, InputError if too large."""
    raw, damage = available(stream)
    if damage is not None:
        raise damage
    return raw


def whole_text(stream: BufferedIOBase) -> str:
    """Read everything as text, exactly as it came, line breaks included.

    Raises InputError for a NUL (a binary file in disguise) and for what is not UTF-8.
    """
    raw = whole_bytes(stream)
    place = raw.find(b"\0")
    if place >= 0:
        raise InputError(
            f"A binary file, not text: NUL at byte offset {place:,}.",
            "Convert it to text, give its format with format=, or leave it out.",
        )
    return decode(raw)


def _without_mark(start: bytes) -> bytes:
    for mark, encoding in _WIDE_MARKS:
        if start.startswith(mark):
            raise InputError(f"The file is {encoding}, not UTF-8 (byte offset 0).", CONVERT)
    return start.removeprefix(codecs.BOM_UTF8)
