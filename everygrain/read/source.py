"""The entry point: a file, a folder or a stream -> its Documents."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from everygrain.document import Document
from everygrain.errors import InputError
from everygrain.read import beir
from everygrain.read.base import OnReject, Origin, Reject
from everygrain.read.formats import FORMATS, stem_of
from everygrain.read.stream import noticed, read_file, read_stream, unreadable

IdOf = Callable[[Path, str], str]


def read(
    source: str | Path | IO[bytes],
    *,
    format: str | None = None,
    on_reject: Callable[[Reject], None] | None = None,
    id_of: IdOf | None = None,
) -> Iterator[Document]:
    """Read Documents from a file, a folder, a stream of bytes, or "-" for standard input.

    format      one of FORMATS for everything that is read; without it each file's ending tells,
                or its first bytes where the ending says nothing. Gzip is undone in any format.
    on_reject   is given every record and file that cannot be read, while the rest goes on, and a
                notice "no records" for what is empty; without it they are logged as warnings
    id_of       gives a file that is one document its id, by its path and the id that it has
                without: its path below the folder, or its name where it is the source itself

    A folder is read recursively, files in the order of their names. Hidden entries, links to
    folders and files of unknown formats in it are rejects. A folder with a corpus.jsonl[.gz] is a
    BEIR collection, of which the corpus alone is read.
    Documents come as they are read; two with one id are both given.
    Raises InputError, before the first Document, for a source that does not exist, cannot be
    opened, or is of an unknown format.
    """
    if format is not None and format not in FORMATS:
        raise InputError(f"The format '{format}' is unknown.", f"Use one of {', '.join(FORMATS)}.")
    reject = on_reject or _log
    if not isinstance(source, str | Path):
        return read_stream(source, format, reject)
    if str(source) == "-":
        return read_stream(sys.stdin.buffer, format, reject, Origin("standard input", "-", ""))
    if not str(source):
        raise InputError("The source is empty.", "Name a file or a folder, or '-'.")
    path = Path(source)
    try:
        # Unlike is_dir, stat tells why a path cannot be reached.
        path.stat()
    except FileNotFoundError:
        raise InputError(f"The source '{path}' does not exist.", "Check its path.") from None
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error
    if not path.is_dir():
        return read_file(path, _origin(path, path.name, id_of), format, reject)
    try:
        os.listdir(path)
    except OSError as error:
        raise unreadable(path, error) from error
    if format == "beir" and beir.corpus_of(path) is None:
        raise InputError(
            f"The folder '{path}' is no BEIR collection: it holds no corpus.jsonl[.gz].",
            "Name the folder that holds it, or leave format= out.",
        )
    return noticed(lambda counted: _folder(path, path, format, counted, id_of), str(path), reject)


def _origin(path: Path, identity: str, id_of: IdOf | None) -> Origin:
    given = identity if id_of is None else id_of(path, identity)
    return Origin(str(path), given, stem_of(path.name))


def _folder(
    folder: Path, root: Path, format: str | None, reject: OnReject, id_of: IdOf | None
) -> Iterator[Document]:
    try:
        paths = sorted(folder.iterdir(), key=lambda path: path.name)
        corpus = beir.corpus_of(folder) if format in (None, "beir") else None
    except OSError as error:
        reject(Reject(str(folder), None, str(unreadable(folder, error))))
        return
    for path in paths:
        if corpus is not None and path != corpus and beir.is_companion(path.name):
            continue
        documents: Iterator[Document] = iter(())
        reason = _unwanted(path, corpus)
        try:
            if reason is None and path.is_dir():
                documents = _folder(path, root, format, reject, id_of)
            elif reason is None:
                origin = _origin(path, path.relative_to(root).as_posix(), id_of)
                documents = read_file(path, origin, format, reject)
        except InputError as error:
            reason = str(error)
        if reason is not None:
            reject(Reject(str(path), None, reason))
        yield from documents


def _unwanted(path: Path, corpus: Path | None) -> str | None:
    """Return why an entry of a folder is not read, or None if it is."""
    if corpus is not None and path != corpus:
        return f"Not read: the folder is a BEIR collection, of which {corpus.name} is read."
    if path.name.startswith("."):
        return "Hidden, so not read. Name it as a source to read it."
    try:
        if path.is_symlink() and path.is_dir():
            return "A link to a folder, so not followed. Name it as a source to read it."
        # Opening a pipe that nobody writes to would wait for ever.
        if path.exists() and not path.is_file() and not path.is_dir():
            return "Not a file but a device, pipe or socket. Name it as a source to read it."
    except OSError as error:
        return str(unreadable(path, error))
    return None


def _log(reject: Reject) -> None:
    place = "" if reject.line_or_record is None else f", {reject.line_or_record}"
    logging.getLogger("everygrain.read").warning("%s%s: %s", reject.source, place, reject.reason)
