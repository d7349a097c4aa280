"""JSON Lines of papers, packed or not -> Papers; the dialect is told by the fields."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, NoReturn, cast

from everygrain.errors import InputError
from everygrain_papers.sources.base import Batch, Cursor, Item, OnReject, Reject, logged
from everygrain_papers.sources.dialects import DIALECTS, item_of

LONGEST_LINE = 16 * 2**20  # bytes
BATCH = 500  # papers


@dataclass(frozen=True)
class JsonLines:
    """A file of one record a line.

    path      plain or gzip, whatever its name
    dialect   one of DIALECTS; without it each record's own fields tell

    The cursor is the place behind the last line that was read, with that line's checksum: a file
    that only grew is read on, one that changed is read anew.
    Raises InputError for an unknown dialect.
    """

    path: Path
    dialect: str | None = None

    def __post_init__(self) -> None:
        if self.dialect is not None and self.dialect not in DIALECTS:
            raise InputError(
                f"The dialect '{self.dialect}' is unknown.", f"Use one of {', '.join(DIALECTS)}."
            )

    @property
    def name(self) -> str:
        return f"jsonl {self.path.absolute()}"

    def batches(
        self, cursor: Cursor | None = None, reject: OnReject | None = None
    ) -> Iterator[Batch]:
        """Yield up to BATCH papers at a time. Raises InputError for a file that cannot be read."""
        reject = reject or logged
        try:
            with self.path.open("rb") as file:
                yield from self._read(file, dict(cursor or {}), reject)
        except OSError as error:
            raise InputError(
                f"'{self.path}' cannot be read: {error.strerror or error}.",
                "Check its path and permissions.",
            ) from error

    def _read(self, file: IO[bytes], cursor: dict[str, Any], reject: OnReject) -> Iterator[Batch]:
        packed = file.read(2) == b"\x1f\x8b"
        status = self.path.stat()
        told = {"size": status.st_size, "time": status.st_mtime_ns}
        place = _Place(**cursor["place"]) if "place" in cursor else _Place()
        same = all(cursor.get(key) == told[key] for key in told)
        if not same and (packed or not place.stands_in(file)):
            place = _Place()
        stream = cast("IO[bytes]", gzip.GzipFile(fileobj=file)) if packed else file
        file.seek(0)
        papers: list[Item] = []
        try:
            stream.seek(place.offset)
            for behind, raw in _lines(stream, place):
                place = behind
                for paper in self._papers(place.line, raw, reject):
                    papers.append(paper)
                if len(papers) >= BATCH:
                    yield Batch(tuple(papers), {**told, "place": asdict(place)})
                    papers = []
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            reason = f"The gzip file is cut off or damaged: {error}. Fetch it again."
            reject(self._reject(place.line + 1, reason, b""))
        yield Batch(tuple(papers), {**told, "place": asdict(place)}, last=True)

    def _papers(self, line: int, raw: bytes, reject: OnReject) -> Iterator[Item]:
        try:
            if len(raw) > LONGEST_LINE:
                raise InputError("The line is longer than 16 MiB.", "Split it.")
            found = records(raw)
        except InputError as error:
            reject(self._reject(line, str(error), raw))
            return
        for record in found:
            try:
                yield item_of(record, self.dialect)
            except InputError as error:
                reject(self._reject(line, str(error), raw))

    def _reject(self, line: int, reason: str, raw: bytes) -> Reject:
        return Reject(
            f"{self.path}, line {line}", reason, raw[:1000].decode("utf-8", "replace").rstrip()
        )


@dataclass(frozen=True)
class _Place:
    """Behind a line: its number, the offset, and the line's length and checksum."""

    line: int = 0
    offset: int = 0
    length: int = 0
    checksum: int = 0

    def stands_in(self, file: IO[bytes]) -> bool:
        """Tell whether the file still has that line there, so that it can only have grown."""
        file.seek(self.offset - self.length)
        return zlib.crc32(file.read(self.length)) == self.checksum


def _lines(stream: IO[bytes], place: _Place) -> Iterator[tuple[_Place, bytes]]:
    """Yield lines and the places behind them; of one that is too long, its first bytes."""
    while raw := stream.readline(LONGEST_LINE + 1):
        length, checksum, piece = len(raw), zlib.crc32(raw), raw
        while piece and not piece.endswith(b"\n"):
            piece = stream.readline(2**20)
            length, checksum = length + len(piece), zlib.crc32(piece, checksum)
        place = _Place(place.line + 1, place.offset + length, length, checksum)
        yield place, raw


def records(raw: bytes) -> list[Any]:
    """Return the records of a line: none of a blank one, all of a reply of Crossref's service.

    A lone surrogate becomes a question mark. Raises InputError for what is no JSON in UTF-8.
    """
    if not raw.strip():
        return []
    try:
        told = json.loads(raw.decode("utf-8-sig"), parse_constant=_refuse, strict=False)
    except UnicodeDecodeError as error:
        raise InputError(f"Not UTF-8: {error}.", "Convert the file to UTF-8.") from None
    except RecursionError:
        raise InputError("The JSON is nested too deeply.", "Flatten the record.") from None
    except ValueError as error:
        raise InputError(f"Not JSON: {error}.", "Mend or remove the line.") from None
    # only an escape can make a lone surrogate, which no index can hold
    if b"\\ud" in raw.lower():
        told = json.loads(json.dumps(told, ensure_ascii=False).encode("utf-8", "replace"))
    inner = told
    if isinstance(told, Mapping) and "title" not in told:
        inner = told.get("message", told)
        inner = inner.get("items", inner) if isinstance(inner, Mapping) else told
    return inner if isinstance(inner, list) and inner is not told else [inner]


def _refuse(name: str) -> NoReturn:
    raise InputError(f"{name} is not JSON.", "Use null, or leave the field out.")
