"""Whole files of JSON -> their records, one by one: Crossref's public data, CSL libraries, arrays.

Crossref gives files of {"items": [...]}, some of them hundreds of megabytes without a line break;
only one record of it is held at a time.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from everygrain.errors import InputError
from everygrain_papers.sources.base import Batch, Cursor, Item, OnReject, Reject, logged
from everygrain_papers.sources.dialects import item_of
from everygrain_papers.sources.files import file_batches, status_of
from everygrain_papers.sources.jsonl import LONGEST_LINE, records

PIECE = 2**20  # bytes that are read at a time
HEAD = 2**16
# A lone quote begins a string whose end is not here yet.
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[{}\[\]]|"', re.DOTALL)
_BETWEEN = b" \t\r\n,"
_WHOLE = re.compile(rb'\s*(?:\[|\{\s*"items"\s*:|\{[^\n]*[,\[{][^\S\n]*\n|\{[^\S\n]*\n)')


@dataclass(frozen=True)
class WholeJson:
    """A file, packed or not, of an array, of {"items": [...]}, or of objects over several lines.

    dialect   one of DIALECTS; without it each record's own fields tell

    A record that is no JSON costs itself alone, as long as its brackets and quotes are closed.
    """

    path: Path
    dialect: str | None = None

    @property
    def name(self) -> str:
        return f"json {self.path.absolute()}"

    def batches(
        self, cursor: Cursor | None = None, reject: OnReject | None = None
    ) -> Iterator[Batch]:
        """Yield the papers. Raises InputError if the file cannot be read; one that is cut off is
        a reject, after what came before."""
        status_of(self.path)
        return file_batches(self.path, self._items(reject or logged), cursor)

    def _items(self, reject: OnReject) -> Iterator[Item]:
        number = 0
        try:
            with self.path.open("rb") as file:
                for raw in values(unpacked(file)):
                    number += 1
                    try:
                        for record in records(raw):
                            yield item_of(record, self.dialect)
                    except InputError as error:
                        shown = raw[:1000].decode("utf-8", "replace")
                        reject(Reject(f"{self.path}, record {number}", str(error), shown))
        except (OSError, EOFError, zlib.error) as error:
            reason = f"The file is cut off or damaged: {error}. Fetch it again."
            reject(Reject(f"{self.path}, after record {number}", reason))
        except InputError as error:
            reject(Reject(f"{self.path}, after record {number}", str(error)))


def unpacked(file: IO[bytes]) -> IO[bytes]:
    """Return the file from its beginning, without gzip."""
    file.seek(0)
    packed = file.read(2) == b"\x1f\x8b"
    file.seek(0)
    return cast("IO[bytes]", gzip.GzipFile(fileobj=file)) if packed else file


def is_whole(path: Path) -> bool:
    """Tell a file of JSON that is no JSON Lines by how it begins. Raises InputError, as `open`."""
    status_of(path)
    try:
        with path.open("rb") as file:
            head = unpacked(file).read(HEAD)
    except (OSError, EOFError, zlib.error):
        return False  # reading it will tell
    return _WHOLE.match(head.removeprefix(b"\xef\xbb\xbf")) is not None


def _pieces(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield pieces of PIECE bytes; what came before damage too, and then its error."""
    damage: Exception | None = None
    going = True
    while going and damage is None:
        found: list[bytes] = []
        while going and sum(map(len, found)) < PIECE:
            try:
                found.append(stream.read(2**13))
            except (OSError, EOFError, zlib.error) as error:
                damage, going = error, False
            else:
                going = bool(found[-1])
        yield b"".join(found)
    if damage is not None:
        raise damage


def values(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield the elements of every outermost array, and of an array "items" in an outermost object
    or one object deeper; any other outermost object whole.

    What stands between them and is no object is yielded too, as the text that it is.
    Raises InputError where the file ends within a bracket, and for a record above LONGEST_LINE.
    """
    buffer, place = b"", 0  # what is not read yet begins at `place`
    start: int | None = None  # of the record that is open
    opened: list[bytes] = []
    array = 0  # how many brackets are open between two records; 0 outside of their array
    key, key_at = b"", 0
    for piece in _pieces(stream):
        kept = min(place if start is None else start, key_at if key else place)
        buffer, place, key_at = buffer[kept:] + piece, place - kept, key_at - kept
        start = None if start is None else start - kept
        if len(buffer) > LONGEST_LINE + PIECE:
            raise InputError("A record is longer than 16 MiB; no more was read.", "Split it.")
        for token in _TOKEN.finditer(buffer, place):
            found = token[0]
            if found == b'"':
                break
            if len(opened) == array:
                between = (
                    buffer[place : token.start()].strip(_BETWEEN).removeprefix(b"\xef\xbb\xbf")
                )
                if between:
                    yield between
            place = token.end()
            if found in b"{[":
                if len(opened) == array:
                    start = token.start()
                named = key == b'"items"' and len(opened) <= 2 and not array
                in_items = named and buffer[key_at + len(key) : token.start()].strip() == b":"
                opened.append(found)
                if found == b"[" and not array and (len(opened) == 1 or in_items):
                    array, start = len(opened), None
            elif found in b"}]":
                if not opened:
                    raise InputError("A bracket closes what was never opened.", "Fetch it again.")
                opened.pop()
                if len(opened) < array:
                    array, start = 0, None
                if len(opened) == array and start is not None:
                    yield buffer[start:place]
                    start = None
            elif len(opened) == array:
                yield found
            key, key_at = (found, token.start()) if found[:1] == b'"' else (b"", 0)
    if opened:
        raise InputError("The JSON is cut off; what came before was read.", "Fetch it again.")
    if rest := buffer[place:].strip(_BETWEEN):
        yield rest[:LONGEST_LINE]
