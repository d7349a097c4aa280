"""About how many documents there are in some sources, told without reading them whole."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

_SAMPLE = 2**20
_BY_LINE = (".jsonl", ".ndjson", ".csv", ".tsv", ".tab")
_BY_START = {".bib": b"@", ".bibtex": b"@", ".ris": b"TY  -", ".trec": b"<DOC>"}


def estimate(sources: Iterable[str]) -> int | None:
    """Return about how many documents sources hold; None where nobody can tell.

    Lines are counted in the first megabyte and taken as typical; most files of other formats
    are one document.
    """
    total = 0
    for source in sources:
        path = Path(source)
        try:
            if path.is_dir():
                total += sum(_in_file(file) for file in _files(path))
            elif path.is_file():
                total += _in_file(path)
            else:
                return None
        except (OSError, EOFError, ValueError, zlib.error):
            return None
    return total or None


def _files(folder: Path) -> Iterator[Path]:
    for corpus in (folder / "corpus.jsonl", folder / "corpus.jsonl.gz"):
        if corpus.is_file():
            yield corpus
            return
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(place) / name for name in names if not name.startswith("."))


def _in_file(path: Path) -> int:
    packed = path.suffix.lower() == ".gz"
    ending = (path.with_suffix("") if packed else path).suffix.lower()
    if ending == ".parquet":
        import pyarrow.parquet

        return int(pyarrow.parquet.ParquetFile(path).metadata.num_rows)
    if ending not in _BY_LINE and ending not in _BY_START:
        return 1
    with open(path, "rb") as file:
        if packed:
            with gzip.GzipFile(fileobj=file) as unpacked:
                sample = unpacked.read(_SAMPLE)
        else:
            sample = file.read(_SAMPLE)
        read = max(file.tell(), 1)
    found = sample.count(_BY_START.get(ending, b"\n"))
    if ending in _BY_LINE and not sample.endswith(b"\n"):
        found += 1
    return round(found * max(path.stat().st_size / read, 1.0))
