"""One stream of bytes -> its Documents: gzip undone, the format told, every early end named."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from io import BufferedIOBase
from pathlib import Path
from typing import IO, Any, cast

from everygrain.document import Document
from everygrain.errors import InputError
from everygrain.read.base import OnReject, Origin, Reject
from everygrain.read.formats import FORMATS, format_of, stem_of


def read_file(
    path: Path, origin: Origin, format: str | None, reject: OnReject
) -> Iterator[Document]:
    """Read one file. Raises InputError if it cannot be opened or is of no known format."""
    try:
        stream = io.BufferedReader(io.FileIO(path), 2**17)
    except OSError as error:
        raise unreadable(path, error) from error
    return _opened(stream, origin, format, reject, stream.close)


def read_stream(
    stream: IO[bytes], format: str | None, reject: OnReject, origin: Origin | None = None
) -> Iterator[Document]:
    """Read a stream that stays the caller's. Raises InputError for one that is not of bytes."""
    if not hasattr(stream, "readinto"):
        raise InputError(
            f"The source is {type(stream).__name__}, not a path or a stream of bytes.",
            "Open files with mode 'rb'.",
        )
    if origin is None:
        name = getattr(stream, "name", None)
        name = name if isinstance(name, str) and name else "the stream"
        origin = Origin(name, Path(name).name, stem_of(Path(name).name))
    # detach leaves the caller's stream open, which the end of a BufferedReader would close.
    buffered = io.BufferedReader(cast("io.RawIOBase", stream), 2**17)
    return _opened(buffered, origin, format, reject, buffered.detach)


def _opened(
    file: io.BufferedReader[Any],
    origin: Origin,
    format: str | None,
    reject: OnReject,
    close: Callable[[], object],
) -> Iterator[Document]:
    """Undo gzip, tell the format, and read. Raises InputError if no format can be told."""
    try:
        stream: BufferedIOBase = file
        damage: Exception | None = None
        head = file.peek(1)
        if head.startswith(b"\x1f\x8b"):
            stream = unpacked = gzip.GzipFile(fileobj=file)
            try:
                head = unpacked.peek(1)
            except (EOFError, gzip.BadGzipFile, zlib.error) as error:
                # It is said once the caller asks for the first Document.
                head, damage = b"", error
        elif head and origin.name.lower().endswith(".gz"):
            raise InputError(f"'{origin.name}' is not gzip, though its name ends so.", "Rename it.")
        name = format or format_of(origin.name, head)
    except OSError as error:
        close()
        raise unreadable(Path(origin.name), error) from error
    except InputError:
        close()
        raise
    if name is None:
        close()
        raise InputError(
            f"The format of '{origin.name}' is unknown.",
            f"Name it with format=, one of {', '.join(FORMATS)}.",
        )
    reader = FORMATS[name]

    def documents(reject: OnReject) -> Iterator[Document]:
        if damage is not None:
            raise damage
        yield from reader(stream, origin, reject)

    return noticed(
        lambda counted: _guarded(documents, origin.name, counted, close), origin.name, reject
    )


def _guarded(
    documents: Callable[[OnReject], Iterator[Document]],
    name: str,
    reject: OnReject,
    close: Callable[[], object],
) -> Iterator[Document]:
    """Read; what ends the file early becomes a Reject for the file."""
    reason = None
    try:
        yield from documents(reject)
    except EOFError:
        reason = "The gzip file is truncated. Fetch it again; what came before was read."
    except (gzip.BadGzipFile, zlib.error) as error:
        reason = f"The gzip file is damaged: {error}. Fetch it again; what came before was read."
    except OSError as error:
        reason = f"Reading stopped: {error.strerror or error}. Check the disk, then read it again."
    except InputError as error:
        reason = str(error)
    finally:
        close()
    if reason is not None:
        reject(Reject(name, None, reason))


def noticed(
    reader: Callable[[OnReject], Iterator[Document]], name: str, reject: OnReject
) -> Iterator[Document]:
    """Read, and give a notice if neither a Document nor a Reject has come."""
    empty = True

    def counted(refused: Reject) -> None:
        nonlocal empty
        empty = False
        reject(refused)

    for document in reader(counted):
        empty = False
        yield document
    if empty:
        reject(Reject(name, None, "There are no records in it."))


def unreadable(path: Path, error: Exception) -> InputError:
    """Say that a path cannot be reached, opened or listed, and why."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return InputError(f"'{path}' cannot be read: {reason}.", "Check its path and permissions.")
