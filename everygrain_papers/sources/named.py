"""Sources by what a person types: a file, a folder, an address, `arxiv:cs.IR`; kept for updates."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from everygrain.errors import InputError
from everygrain_papers.sources.base import Source
from everygrain_papers.sources.cards import Cards
from everygrain_papers.sources.dialects import DIALECTS
from everygrain_papers.sources.feeds import Feed
from everygrain_papers.sources.folders import FileFolder, files_in
from everygrain_papers.sources.jsonl import JsonLines
from everygrain_papers.sources.oai import OaiPmh
from everygrain_papers.sources.pdfs import PdfFolder
from everygrain_papers.sources.pubmed import PubMed
from everygrain_papers.sources.references import BibTeX
from everygrain_papers.sources.ris import Ris
from everygrain_papers.sources.whole_json import WholeJson, is_whole

KINDS = (
    "jsonl", "json", "bibtex", "ris", "pubmed", "pdfs", "files", "oai", "feed", "cards", *DIALECTS,
)  # fmt: skip
_ENDINGS = {
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl", ".bib": "bibtex",
    ".bibtex": "bibtex", ".xml": "pubmed", ".ris": "ris",
}  # fmt: skip
# arXiv keeps these archives in one set of its repository
_PHYSICS = (
    "astro-ph", "cond-mat", "gr-qc", "hep-ex", "hep-lat", "hep-ph", "hep-th", "math-ph", "nlin",
    "nucl-ex", "nucl-th", "physics", "quant-ph",
)  # fmt: skip
_EXAMPLES = (
    "Name a file (.jsonl, .json, .bib, .ris, .xml, each also .gz), a folder of them or of PDFs, "
    "the address of a feed, arxiv:cs.IR, oai:ADDRESS, or cards for the bundled ones."
)


@dataclass(frozen=True, slots=True)
class Named:
    """A source as it was asked for.

    what    a path, an address, `arxiv:CATEGORY`, `oai:ADDRESS`, or `cards` for the bundled ones
    kind    one of KINDS; told by `what` if empty. With a folder it is the kind of its files
    set     of a repository over OAI-PMH
    since   the first day of a first harvest from there, YYYY-MM-DD
    """

    what: str
    kind: str = ""
    set: str = ""
    since: str = ""

    def record(self) -> dict[str, str]:
        """Return JSON values."""
        return {k: v for k, v in asdict(self).items() if v}

    def source(self) -> Source:
        """Return the source. Raises InputError for what is none, naming what could be."""
        if self.kind and self.kind not in KINDS:
            raise InputError(
                f"There is no kind of source '{self.kind}'.", f"Use one of {', '.join(KINDS)}."
            )
        kind = self.kind or _kind_of(self.what)
        if (self.set or self.since) and kind != "oai":
            raise InputError(
                f"A set or a first day means nothing for '{self.what}'.",
                "They are for arxiv: and oai: alone.",
            )
        if kind == "oai":
            return self._repository()
        if kind == "feed":
            return Feed(self.what)
        if kind == "cards":
            return Cards()
        path = Path(self.what)
        if kind == "pdfs":
            return PdfFolder(path)
        if path.is_dir() or kind == "files":
            return FileFolder(_works_in(path), self._file)
        if not path.is_file():
            raise InputError(f"There is no file '{self.what}'.", _EXAMPLES)
        if kind == "bibtex":
            return BibTeX(path)
        if kind == "pubmed":
            _refuse_a_feed(path)
            return PubMed(path)
        if kind == "ris":
            return Ris(path)
        dialect = kind if kind in DIALECTS else None
        return (WholeJson if kind == "json" or is_whole(path) else JsonLines)(path, dialect)

    def _file(self, path: Path) -> Source:
        """Return the source of one file in a folder."""
        told = _kind_of(str(path))
        if self.kind in DIALECTS and told != "jsonl":
            raise InputError(f"'{path}' is no JSON.", f"Only {self.kind} was asked for.")
        return Named(str(path), "" if self.kind == "files" else self.kind).source()

    def _repository(self) -> Source:
        told: dict[str, Any] = {"since": self.since} if self.since else {}
        if self.what.startswith("arxiv"):
            _, colon, category = self.what.partition(":")
            if colon and not category:
                raise InputError(
                    "'arxiv:' names no category.", "Write arxiv:cs.IR, or arxiv for all of it."
                )
            if self.set and category:
                raise InputError(
                    f"'{self.what}' names a set, and so does '{self.set}'.", "Give one of them."
                )
            return OaiPmh(set=self.set or arxiv_set(category), **told)
        address = self.what.removeprefix("oai:")
        if not address.startswith(("http://", "https://")):
            raise InputError(f"'{address}' is no address.", "Begin it with https://.")
        return OaiPmh(url=address, set=self.set, format="oai_dc", **told)


def named(record: Any) -> Named:
    """Read what `Named.record` gave. Raises InputError for what is none."""
    try:
        return Named(**record)
    except TypeError as error:
        raise InputError(f"Not a source: {error}.", "Remove it, and ingest it again.") from None


def arxiv_set(category: str) -> str:
    """Return the name of a category in arXiv's repository.

    >>> arxiv_set("cs.IR"), arxiv_set("hep-th"), arxiv_set("stat"), arxiv_set("")
    ('cs:cs:IR', 'physics:hep-th', 'stat', '')
    """
    archive, _, part = category.partition(".")
    if archive in _PHYSICS and category != "physics":
        return f"physics:{archive}" + (f":{part}" if part else "")
    return f"{archive}:{archive}:{part}" if part else archive


def _kind_of(what: str) -> str:
    if what == "arxiv" or what.startswith(("arxiv:", "oai:")):
        return "oai"
    if what.startswith(("http://", "https://")):
        return "feed"
    path = Path(what)
    if what == "cards" and not path.exists():
        return "cards"
    if path.is_dir():
        return _kind_in(path)
    if not path.exists():
        raise InputError(f"There is no file or folder '{what}'.", _EXAMPLES)
    name = path.name.lower().removesuffix(".gz")
    for ending, kind in _ENDINGS.items():
        if name.endswith(ending):
            return kind
    if name.endswith(".pdf"):
        raise InputError(f"'{what}' is one PDF.", "Name the folder it lies in.")
    if name.endswith((".rdf", ".csv", ".tsv", ".txt", ".html", ".zip", ".tar")):
        raise InputError(f"'{path}' is of no format that is read.", f"{_EXAMPLES} Or say --kind.")
    return _sniffed(path)


def _kind_in(folder: Path) -> str:
    """Tell a folder by what lies in it. Raises InputError for PDFs among files of papers."""
    found: dict[str, str] = {}
    for relative, path in files_in(folder):
        name = path.name.lower()
        known = name.removesuffix(".gz").endswith(tuple(_ENDINGS)) or name.endswith(".gz")
        if name.endswith(".pdf") or known:
            found.setdefault("pdfs" if name.endswith(".pdf") else "files", relative)
        if len(found) == 2:
            raise InputError(
                f"'{folder}' holds PDFs ({found['pdfs']}) and other files ({found['files']}).",
                "Say --kind pdfs or --kind files, or name the one file of your library.",
            )
    return next(iter(found), "pdfs")


def _works_in(folder: Path) -> Path:
    """Return the works of a whole snapshot of OpenAlex, any other folder as it is."""
    inner = (folder / "data/works", folder / "works")
    return next((each for each in inner if any(each.glob("updated_date=*"))), folder)


def _refuse_a_feed(path: Path) -> None:
    """Raise InputError for a saved feed, in which PubMed's reader would find nothing."""
    try:
        with path.open("rb") as file:
            head = file.read(2)
        with gzip.open(path) if head == b"\x1f\x8b" else path.open("rb") as file:
            begins = file.read(2000).lower()
    except (OSError, EOFError, zlib.error):
        return  # the reader says what is wrong
    if any(root in begins for root in (b"<rss", b"<feed", b"<rdf:rdf")):
        raise InputError(f"'{path}' is a saved feed.", "Name the address it comes from.")


def _sniffed(path: Path) -> str:
    """Tell a file without a known ending by its first character."""
    try:
        with path.open("rb") as file:
            head = file.read(2)
        with gzip.open(path) if head == b"\x1f\x8b" else path.open("rb") as file:
            first = file.read(64).removeprefix(b"\xef\xbb\xbf").lstrip()
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(
            f"'{path}' cannot be read, or is cut off: {error}.", "Fetch it again."
        ) from None
    told = {b"{": "jsonl", b"[": "jsonl", b"<": "pubmed", b"@": "bibtex", b"TY": "ris"}
    kind = told.get(first[:2]) or told.get(first[:1])
    if kind is None:
        raise InputError(f"'{path}' is no file of papers.", f"{_EXAMPLES} Or say --kind.")
    return kind
