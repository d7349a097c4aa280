"""A folder of PDFs: title, abstract and identifiers from the first page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from everygrain import Document, read_documents
from everygrain.errors import InputError
from everygrain_papers.paper import Paper, of_record
from everygrain_papers.sources.base import Batch, Cursor, Deleted, Item, OnReject, Reject, logged
from everygrain_papers.sources.files import status_of
from everygrain_papers.sources.identifiers import arxiv_of, doi_of
from everygrain_papers.sources.markup import one_line

BATCH = 20  # files
OPENING = 2_000  # characters that stand for an abstract where none is marked
LONGEST_ABSTRACT = 4_000
_ABSTRACT = re.compile(r"(?:^|\n)[ \t]*abstract[ \t]*[.:—–-]?\s*", re.IGNORECASE)
_AFTER = re.compile(
    r"\n\s*(?:(?:\d+|I)?\.?\s*introduction|keywords|key words|index terms|ccs concepts)\b",
    re.IGNORECASE,
)
_NO_TITLE = re.compile(
    r"microsoft word|untitled|.*\.(?:docx?|tex|dvi|pdf|indd)$|[\d.v_ -]+$|\S+$", re.IGNORECASE
)


@dataclass(frozen=True)
class PdfFolder:
    """All PDFs in a folder and the folders in it, in the order of their names.

    Each is read once, and again when its size or time changes; one that vanished is Deleted.
    Raises InputError for what is no folder.
    """

    path: Path

    def __post_init__(self) -> None:
        if not self.path.is_dir():
            raise InputError(f"'{self.path}' is no folder.", "Name a folder of PDFs.")

    @property
    def name(self) -> str:
        return f"pdfs {self.path.absolute()}"

    def batches(
        self, cursor: Cursor | None = None, reject: OnReject | None = None
    ) -> Iterator[Batch]:
        """Yield new and changed papers, then what vanished."""
        reject = reject or logged
        known: dict[str, Any] = dict((cursor or {}).get("files", {}))
        found = {each.relative_to(self.path).as_posix(): each for each in self._files()}
        items: list[Item] = []
        read = 0
        for relative, path in found.items():
            try:
                status = status_of(path)
                if known.get(relative) == status:
                    continue
                items += self._papers(path, relative, reject)
            except InputError as error:
                reject(Reject(str(path), str(error)))
                continue
            known[relative] = status
            read += 1
            if read % BATCH == 0:
                yield Batch(tuple(items), {"files": dict(known)})
                items = []
        gone = [relative for relative in known if relative not in found]
        items += [Deleted(f"pdf:{relative}") for relative in gone]
        kept = {relative: status for relative, status in known.items() if relative in found}
        yield Batch(tuple(items), {"files": kept}, last=True)

    def _files(self) -> Iterator[Path]:
        for path in sorted(self.path.rglob("*")):
            hidden = any(part.startswith(".") for part in path.relative_to(self.path).parts)
            if path.suffix.lower() == ".pdf" and path.is_file() and not hidden:
                yield path

    def _papers(self, path: Path, relative: str, reject: OnReject) -> Iterator[Paper]:
        def refused(each: Any) -> None:
            page = f", page {each.line_or_record}" if each.line_or_record else ""
            reject(Reject(f"{path}{page}", each.reason))

        for document in read_documents(path, format="pdf", on_reject=refused):
            yield _paper(document, relative)


def _paper(document: Document, relative: str) -> Paper:
    opening = document.text[:10_000]
    stated = str(document.metadata.get("author", ""))
    authors = [one_line(name) for name in re.split(r"\s*[;,]\s*|\s+and\s+", stated)]
    return of_record(
        {
            "id": f"pdf:{relative}",
            "title": _title(document, opening),
            "abstract": abstract_of(opening),
            "authors": [name for name in authors if name],
            "doi": doi_of(opening[:5_000]),
            "arxiv_id": arxiv_of(opening[:5_000]) or arxiv_of(Path(relative).stem),
            "more": {"file": relative, "pages": len(document.metadata.get("pages", ()))},
        },
        source="pdf",
    )


def abstract_of(text: str) -> str:
    """Return what stands between "Abstract" and the introduction, on one line.

    Where nothing is marked, the opening of the text stands for it.
    """
    begin = _ABSTRACT.search(text)
    told = text[begin.end() :] if begin else text
    end = _AFTER.search(told)
    told = told[: end.start()] if end else told
    told = told[: LONGEST_ABSTRACT if begin else OPENING]
    # a word that was broken at the end of a line
    return one_line(re.sub(r"([a-z])-\n\s*([a-z])", r"\1\2", told))


def _title(document: Document, opening: str) -> str:
    title = one_line(document.title)
    if title and not _NO_TITLE.match(title):
        return title
    lines = (one_line(line) for line in opening.split("\n"))
    return next((line for line in lines if len(line.split()) > 2), title or document.id)[:300]
