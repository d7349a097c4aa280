"""Tables -> Documents, a row each: CSV and TSV with a header, and Parquet."""

from __future__ import annotations

import contextlib
import csv
import datetime
import decimal
import io
import math
import shutil
import tempfile
from collections import deque
from collections.abc import Iterator
from io import BufferedIOBase
from typing import IO, Any, Literal

from everygrain.document import Document
from everygrain.errors import InputError
from everygrain.read.base import OnReject, Origin, Reject
from everygrain.read.lines import LONGEST_LINE, decode, lines
from everygrain.read.record import (
    ID_FIELDS,
    KNOWN_FIELDS,
    document_of,
    parse_json,
    refuse_surrogates,
    typed,
)

ROWS_AT_ONCE = 1024


def read_csv(stream: BufferedIOBase, origin: Origin, reject: OnReject) -> Iterator[Document]:
    """Read comma-separated values as `read_separated` does."""
    return read_separated(stream, origin, reject, ",")


def read_tsv(stream: BufferedIOBase, origin: Origin, reject: OnReject) -> Iterator[Document]:
    """Read tab-separated values as `read_separated` does."""
    return read_separated(stream, origin, reject, "\t")


def read_separated(
    stream: BufferedIOBase, origin: Origin, reject: OnReject, separator: Literal[",", "\t"]
) -> Iterator[Document]:
    """Read rows below a header that names the fields of `record.document_of`.

    A cell of metadata that writes a number is one, and an empty one is left out; a quoted cell may
    hold line breaks and separators. A cell of `metadata` is a JSON object or empty. Raises
    InputError for a header without an id or with a name twice.
    """
    rows = _rows(stream, origin, reject, separator)
    first = next(rows, None)
    if first is None:
        return
    header = [_field(cell) for cell in first[2]]
    for name in header:
        if header.count(name) > 1:
            raise InputError(
                f"The header names the column '{name}' twice.", "Give every column its own name."
            )
    if not set(header) & set(ID_FIELDS):
        raise InputError(
            f"The table has no id: its header names {', '.join(header)[:200]}.",
            f"Name the id's column {', '.join(ID_FIELDS)}, in a first line that is a header.",
        )
    for number, offset, cells in rows:
        try:
            document = _row_document(header, cells, offset)
        except InputError as error:
            raw = separator.join(cells).encode("utf-8", "surrogateescape")
            reject(Reject(origin.name, number, str(error), raw.decode("utf-8", "replace")))
        else:
            yield document


def _row_document(header: list[str], cells: list[str], offset: int) -> Document:
    if len(cells) != len(header):
        raise InputError(
            f"The row has {len(cells)} cells, the header {len(header)}.",
            "Quote cells that hold a separator.",
        )
    for cell in cells:
        # Bytes that are not UTF-8 were kept as surrogates, so that the row's end was still found.
        if not cell.isascii():
            decode(cell.encode("utf-8", "surrogateescape"), offset)
    record: dict[str, Any] = dict(zip(header, cells, strict=True))
    for name, cell in zip(header, cells, strict=True):
        if name not in KNOWN_FIELDS and cell:
            record[name] = typed(cell)
        elif not cell and (name not in KNOWN_FIELDS or name in ID_FIELDS):
            del record[name]
    if stated := record.pop("metadata", ""):
        record["metadata"] = parse_json(stated)
        refuse_surrogates(record["metadata"])
    return document_of(record)


def _field(cell: str) -> str:
    name = cell.strip()
    return name.lower() if name.lower() in KNOWN_FIELDS else name


def _rows(
    stream: BufferedIOBase, origin: Origin, reject: OnReject, separator: str
) -> Iterator[tuple[int, int, list[str]]]:
    """Yield (first line, offset in bytes, cells) of every row that is not empty.

    A quote that is never closed would swallow all that follows; its line alone is rejected, and
    reading goes on with the next line.
    """
    csv.field_size_limit(max(csv.field_size_limit(), LONGEST_LINE))
    source = lines(stream, origin, reject)
    waiting: deque[tuple[int, int, bytes]] = deque()
    row: list[tuple[int, int, bytes]] = []

    def feed() -> Iterator[str]:
        while True:
            line = waiting.popleft() if waiting else next(source, None)
            if line is None:
                return
            row.append(line)
            yield line[2].decode("utf-8", "surrogateescape")

    reader = csv.reader(feed(), delimiter=separator, strict=True)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if not row:
                return
            number, _, raw = row[0]
            reason = f"Not a row: {error}. Close every quote, and double one within a quoted cell."
            reject(Reject(origin.name, number, reason, raw.decode("utf-8", "replace")))
            waiting.extendleft(reversed(row[1:]))
            # After an error, and at the end of its lines, a csv.reader is spent.
            reader = csv.reader(feed(), delimiter=separator, strict=True)
        else:
            if cells:
                yield row[0][0], row[0][1], cells
        row.clear()


def read_parquet(stream: BufferedIOBase, origin: Origin, reject: OnReject) -> Iterator[Document]:
    """Read rows whose columns are the fields of `record.document_of`.

    Times become ISO 8601, decimals strings, NaN (a missing number) null.
    """
    import pyarrow
    import pyarrow.parquet

    with contextlib.ExitStack() as stack:
        # What a Parquet file holds is told at its end, so a stream must be kept first.
        direct = isinstance(stream, io.BufferedReader) and stream.seekable() and not stream.tell()
        file: IO[bytes] | BufferedIOBase = stream
        if not direct:
            file = stack.enter_context(tempfile.TemporaryFile())
            shutil.copyfileobj(stream, file)
        if not file.seek(0, io.SEEK_END):
            return
        file.seek(0)
        number = 0
        try:
            table = pyarrow.parquet.ParquetFile(file)
            for batch in table.iter_batches(batch_size=ROWS_AT_ONCE):
                for record in _records(batch):
                    number += 1
                    try:
                        if isinstance(record, InputError):
                            raise record
                        document = document_of(_json_value(record))
                    except InputError as error:
                        reject(Reject(origin.name, number, str(error), repr(record)[:1000]))
                    else:
                        yield document
        except (pyarrow.ArrowException, OSError, ValueError) as error:
            raise InputError(
                f"Not a Parquet file that can be read (after {number:,} rows): {error}.",
                "Write it anew, or give its real format with format=.",
            ) from error


def _records(batch: Any) -> Iterator[dict[str, Any] | InputError]:
    try:
        yield from batch.to_pylist()
    except UnicodeDecodeError:
        for place in range(batch.num_rows):
            try:
                yield batch.slice(place, 1).to_pylist()[0]
            except UnicodeDecodeError as error:
                yield InputError(f"A string of the row is not UTF-8: {error}.", "Mend the row.")


def _json_value(value: Any) -> Any:
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        if math.isinf(value):
            raise InputError("Infinity is not JSON.", "Use null.")
        return None if math.isnan(value) else value
    if isinstance(value, dict):
        return {str(name): _json_value(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_json_value(inner) for inner in value]
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, decimal.Decimal | datetime.timedelta):
        return str(value)
    raise InputError(
        f"A value is {type(value).__name__}, which JSON cannot hold.", "Leave its column out."
    )
