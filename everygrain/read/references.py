"""Reference lists -> Documents: BibTeX, RIS and CSL-JSON (also any array of JSON objects)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BufferedIOBase
from typing import Any

from everygrain.document import Document
from everygrain.errors import InputError
from everygrain.read.base import OnReject, Origin, Reject
from everygrain.read.latex import characters
from everygrain.read.lines import LONGEST_LINE, available, decode, lines
from everygrain.read.record import document_of, parse_json_at, refuse_surrogates, typed

_ENTRY = re.compile(r"[ \t]*@[A-Za-z]+[ \t]*[{(]")
_NO_ENTRY = re.compile(r"[ \t]*@(?:string|preamble|comment)\b", re.IGNORECASE)
_AS_IT_CAME = frozenset(
    ("url", "doi", "file", "eprint", "crossref", "xref", "date", "ID", "ENTRYTYPE")
)


def read_bibtex(stream: BufferedIOBase, origin: Origin, reject: OnReject) -> Iterator[Document]:
    """Read entries: the key is the id, `abstract` the text, all other fields are metadata.

    LaTeX accents become characters; the entry's type is the field `type`. An entry begins a
    line, so that one that is never closed ends where the next begins.
    """
    from bibtexparser.bparser import BibTexParser

    parser = BibTexParser(ignore_nonstandard_types=False)
    parser.expect_multiple_parse = True
    for number, block in _blocks(stream, origin, reject, _ENTRY):
        try:
            entries, leftover = _entries(parser, block)
        except InputError as error:
            reject(Reject(origin.name, number, str(error), block))
            continue
        for entry in entries:
            try:
                record = {
                    name: value if name in _AS_IT_CAME else characters(value)
                    for name, value in entry.items()
                }
                record = {"_id": record.pop("ID"), "type": record.pop("ENTRYTYPE"), **record}
                document = document_of(_one_text(record), text_needed=False)
            except InputError as error:
                reject(Reject(origin.name, number, str(error), block))
            else:
                yield document
        if leftover:
            reason = "Not a BibTeX entry. Check its braces, quotes, commas, and its key."
            reject(Reject(origin.name, number, reason, leftover))


def _entries(parser: Any, block: str) -> tuple[list[dict[str, str]], str]:
    """Parse a block: its entries, and what looked like an entry but is none."""
    database = parser.bib_database
    database.entries, database.comments = [], []
    try:
        parser.parse(block, partial=True)
    except RecursionError:
        raise InputError("The braces are nested too deeply.", "Mend the entry.") from None
    # An abbreviation that no @string defines, and what else bibtexparser trips over.
    except Exception as error:
        raise InputError(f"Not a BibTeX entry: {error}.", "Mend the entry.") from error
    broken = [text for text in database.comments if _ENTRY.match(text)]
    if not database.entries and not broken and not database.comments and not _NO_ENTRY.match(block):
        broken = [block]
    return database.entries, "\n".join(broken)


def read_ris(stream: BufferedIOBase, origin: Origin, reject: OnReject) -> Iterator[Document]:
    """Read records from TY to ER: AB (or N2) is the text, all other tags are metadata.

    The id is ID; without one DO, then AN, then the first UR.
    """
    import rispy

    for number, block in _blocks(stream, origin, reject, re.compile(r"TY  -")):
        try:
            # rispy drops a record without its last line in silence.
            if not re.search(r"^ER  -", block, re.MULTILINE):
                raise InputError("The record has no line 'ER  -'.", "End it with that line.")
            record = _parsed(rispy, block)
            document = document_of(_one_text(record), text_needed=False)
        except InputError as error:
            reject(Reject(origin.name, number, str(error), block))
        else:
            yield document


def _parsed(rispy: Any, block: str) -> dict[str, Any]:
    try:
        record = dict(rispy.loads(block)[0])
    except Exception as error:
        raise InputError(f"Not an RIS record: {error!r}.", "Mend the record.") from error
    unknown = record.pop("unknown_tag", {})
    record |= {str(tag): values for tag, values in unknown.items() if tag}
    urls = record.get("urls") or [None]
    names = [record.pop("id", None), record.get("doi"), record.get("accession_number"), urls[0]]
    record["_id"] = next((name for name in names if name), None)
    if "title" not in record:
        record["title"] = record.pop("primary_title", None)
    if "abstract" not in record:
        record["abstract"] = record.pop("notes_abstract", None)
    return record


def _one_text(record: dict[str, Any]) -> dict[str, Any]:
    """Say that the abstract alone is the text: a reference's other fields never are."""
    text = record.pop("abstract", None) or ""
    title = record.pop("title", None) or ""
    if isinstance(record.get("year"), str):
        record["year"] = typed(record["year"])
    return {"_id": record.pop("_id", None), "text": text, "title": title, "metadata": record}


def _blocks(
    stream: BufferedIOBase, origin: Origin, reject: OnReject, start: re.Pattern[str]
) -> Iterator[tuple[int, str]]:
    """Yield (first line, text) from each line that matches `start` up to the next such line."""
    block: list[str] = []
    first = size = 0
    for number, offset, raw in lines(stream, origin, reject):
        try:
            line = decode(raw, offset)
        except InputError as error:
            shown = raw.decode("utf-8", "replace")
            reject(Reject(origin.name, number, f"{error} The line was left out.", shown))
            continue
        if start.match(line):
            if block:
                yield first, "".join(block)
            block, first, size = [line], number, len(line)
        elif block:
            size += len(line)
            if size <= LONGEST_LINE:
                block.append(line)
    if block:
        yield first, "".join(block)


def read_csl(stream: BufferedIOBase, origin: Origin, reject: OnReject) -> Iterator[Document]:
    """Read an array of objects, or objects one after the other, that are CSL-JSON or the like.

    Fields are those of `record.document_of`; a reference may lack a text. What follows a break
    in the JSON itself cannot be told apart any more and is rejected as one.
    """
    raw, damage = available(stream)
    # What breaks off may break off within a character; no record goes on after its last brace.
    text = decode(raw if damage is None else raw[: raw.rfind(b"}") + 1])
    start = _after_space(text, 0)
    array = text[start : start + 1] == "["
    number, place = 0, _after_space(text, start + array)

    def refuse(reason: str, raw: str) -> None:
        reject(Reject(origin.name, number, reason, raw))

    while place < len(text) and not (array and text[place] == "]"):
        number += 1
        try:
            record, end = parse_json_at(text, place)
        except InputError as error:
            if damage is None:
                refuse(f"{error} The records after it were not read.", text[place : place + 1000])
            break
        try:
            document = _csl_document(record)
        except InputError as error:
            refuse(str(error), text[place:end])
        else:
            yield document
        place = _after_space(text, end)
        if text[place : place + 1] == ",":
            place = _after_space(text, place + 1)
    else:
        if array and place == len(text) and damage is None:
            refuse("The array has no ']': the file may be cut short. Compare it to its source.", "")
        elif array and text[place + 1 :].strip():
            refuse("Text after the array's ']'. Remove it.", text[place + 1 : place + 1000])
    if damage is not None:
        raise damage


def _csl_document(record: Any) -> Document:
    if not isinstance(record, dict):
        raise InputError(
            f"The record is a JSON {type(record).__name__}, not an object.", "Mend or remove it."
        )
    if "year" not in record and (year := _issued(record.get("issued"))) is not None:
        record["year"] = year
    document = document_of(record, text_needed=False)
    refuse_surrogates(document.metadata)
    return document


def _issued(issued: Any) -> int | None:
    """Return the year of a CSL date: {"date-parts": [[year, month, day]]}."""
    try:
        return int(issued["date-parts"][0][0])
    except (KeyError, IndexError, TypeError, ValueError):
        return None


def _after_space(text: str, place: int) -> int:
    while text[place : place + 1] in (" ", "\n", "\r", "\t"):
        place += 1
    return place
