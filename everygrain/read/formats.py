"""Which format a file has: by its ending, else by its first bytes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePath

from everygrain.read import beir, html, jsonl, markdown, pdf, references, table, text, trec
from everygrain.read.base import Reader
from everygrain.read.record import ID_FIELDS, KNOWN_FIELDS

FORMATS: Mapping[str, Reader] = {
    "jsonl": jsonl.read,
    "csv": table.read_csv,
    "tsv": table.read_tsv,
    "parquet": table.read_parquet,
    "text": text.read,
    "markdown": markdown.read,
    "html": html.read,
    "pdf": pdf.read,
    "bibtex": references.read_bibtex,
    "ris": references.read_ris,
    "csl": references.read_csl,
    "beir": beir.read,
    "trec": trec.read,
}

ENDINGS: Mapping[str, str] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".parquet": "parquet",
    ".txt": "text",
    ".text": "text",
    ".rst": "text",
    ".md": "markdown",
    ".markdown": "markdown",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".pdf": "pdf",
    ".bib": "bibtex",
    ".bibtex": "bibtex",
    ".ris": "ris",
    ".trec": "trec",
}

_WHOLE = frozenset(("text", "markdown", "html", "pdf"))  # a file is one document

_STARTS = (
    (re.compile(rb"%PDF-"), "pdf"),
    (re.compile(rb"PAR1"), "parquet"),
    (re.compile(rb"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE), "html"),
    (re.compile(rb"<doc\s*>", re.IGNORECASE), "trec"),
    (re.compile(rb"TY  - "), "ris"),
    (re.compile(rb"@[A-Za-z]+\s*\{"), "bibtex"),
    (re.compile(rb"\["), "csl"),
    # An object that goes on after its first line is not JSON lines.
    (re.compile(rb"\{(?:.*[^}\s])?[^\S\n]*\n"), "csl"),
    (re.compile(rb"\{"), "jsonl"),
)


def format_of(name: str, head: bytes) -> str | None:
    """Tell the format of a file by its name, and by its first bytes where the name says nothing.

    `.json` is an array (or one object over several lines), or JSON lines. Without an ending, a
    first line that names an id and another field of a document is the header of a table, and what
    else has no NUL and is UTF-8 is text; with an unknown ending it is not guessed at. An empty
    file is as good as an empty text. Returns None for the unknown.
    """
    ending = _endings(name)[-1:]
    if ending and ending[0] in ENDINGS:
        return ENDINGS[ending[0]]
    if not head:
        return "text"
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    for pattern, format in _STARTS:
        if pattern.match(start):
            return format
    if ending == [".json"]:
        # So that the reader can say what is wrong with it, line by line.
        return "jsonl"
    if ending or not _is_text(head):
        return None
    return _table(start.partition(b"\n")[0]) or "text"


def holds_records(name: str) -> bool:
    """Tell by a file's name whether it holds many documents, each with an id of its own.

    False where the ending says nothing: only the first bytes tell.
    """
    ending = _endings(name)[-1:]
    return bool(ending) and ENDINGS.get(ending[0], "text") not in _WHOLE


def stem_of(name: str) -> str:
    """Return a file's name without its ending, and without .gz."""
    endings = _endings(name)
    whole = name[:-3] if name.lower().endswith(".gz") else name
    return whole[: -len(endings[-1])] if endings else whole


def _endings(name: str) -> list[str]:
    path = PurePath(name)
    if path.suffix.lower() == ".gz":
        path = path.with_suffix("")
    return [path.suffix.lower()] if path.suffix else []


def _table(line: bytes) -> str | None:
    """Tell whether a line is the header of a table, and of which format."""
    for separator, format in ((b"\t", "tsv"), (b",", "csv")):
        names = {
            cell.strip().strip(b'"').lower().decode("latin-1") for cell in line.split(separator)
        }
        if names & set(ID_FIELDS) and names & KNOWN_FIELDS - set(ID_FIELDS):
            return format
    return None


def _is_text(head: bytes) -> bool:
    if b"\0" in head:
        return False
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        # The head may end within a character.
        return error.reason == "unexpected end of data"
    return True
