"""The sources that a user names, read one after the other, and what in them could not be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import IO, NoReturn

from everygrain.cli.file_ids import FileIds
from everygrain.document import Document
from everygrain.errors import InputError
from everygrain.index.report import Report
from everygrain.read import Reject, read
from everygrain.read.base import id_of_content, write_reject

KEPT = 20


class Sources:
    """Reads sources and counts.

    names      what was named
    kept       open file for all rejects, one JSON object a line; None to keep none
    files      the ids of files that are one document; without it, those that `read` gives them
    rejected   number of records and files that could not be read
    first      the first KEPT of them
    count      number of documents that were read
    assumed    ids of documents that standard input was taken for, where no format was named

    Raises InputError, before anything is read, for a source that does not exist, cannot be opened
    or is of no known format.
    """

    def __init__(
        self,
        names: Sequence[str],
        format: str | None,
        kept: IO[str] | None = None,
        files: FileIds | None = None,
    ) -> None:
        for name in names:
            # what is no file or folder, such as a pipe, gives its content only once
            if name != "-" and (Path(name).is_file() or Path(name).is_dir() or not _exists(name)):
                read(name, format=format, on_reject=lambda _: None)
        self.names = tuple(names)
        self.rejected = 0
        self.first: list[Reject] = []
        self.count = 0
        self.assumed: list[str] = []
        self._kept = kept
        self._documents = self._read(names, format, files or FileIds())

    def any(self) -> bool:
        """Read until the first document. Returns whether there is one."""
        first = next(self._documents, None)
        if first is not None:
            self._documents = chain([first], self._documents)
        return first is not None

    def documents(self) -> Iterator[Document]:
        """Return the documents of all sources, once."""
        return self._documents

    def refuse(self) -> NoReturn:
        """Raise InputError that says why there is no document."""
        told = "; ".join(place(reject) + reject.reason for reject in self.first[:3])
        more = f" And {self.rejected - 3:,} more." if self.rejected > 3 else ""
        raise InputError(f"There is no document to add: {told}{more}", "")

    def reject(self, reject: Reject) -> None:
        self.rejected += 1
        if len(self.first) < KEPT:
            self.first.append(reject)
        if self._kept is not None:
            self._kept.write(write_reject(reject) + "\n")

    def note(self, report: Report) -> None:
        """Count what the index refused with what could not be read, and tell what was assumed."""
        for identity, reason in report.rejected:
            self.reject(Reject(f"document {identity}", None, reason))
        report.notes += [
            f"Standard input was read as one document, {identity}; if it is a table or other "
            "records, name their --format."
            for identity in self.assumed
        ]

    def _assume(self, document: Document) -> None:
        if document.id == id_of_content(document.text):
            self.assumed.append(document.id)

    def _read(self, names: Sequence[str], format: str | None, files: FileIds) -> Iterator[Document]:
        for name in names:
            try:
                for document in read(name, format=format, on_reject=self.reject, id_of=files.id_of):
                    self.count += 1
                    files.see(document.id)
                    if name == "-" and format is None:
                        self._assume(document)
                    yield document
            except InputError as error:  # it was there a moment ago
                self.reject(Reject(name, None, str(error)))


def place(reject: Reject) -> str:
    """Return where a reject is, as messages begin with it."""
    number = reject.line_or_record
    return f"{reject.source}: " if number is None else f"{reject.source}, {number}: "


def _exists(name: str) -> bool:
    try:
        return Path(name).exists()
    except (OSError, ValueError):
        return False
